"""ONNX: ``to_onnx`` for whole pipelines, and the converters that it registers with skl2onnx."""

from skneural.deployment.onnx.converters import register_converters
from skneural.deployment.onnx.to_onnx import to_onnx

__all__ = ["register_converters", "to_onnx"]
