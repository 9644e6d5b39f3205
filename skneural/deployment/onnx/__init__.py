"""ONNX: whole pipelines in one call, and the converters for skl2onnx behind it."""

from skneural.deployment.onnx.converters import register_converters, to_onnx

__all__ = ["register_converters", "to_onnx"]
