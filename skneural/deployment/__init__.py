"""From a fitted model to a service: safe files and ONNX."""

from skneural.deployment.onnx import register_converters, to_onnx
from skneural.deployment.persistence import TRUSTED_TYPES, load, save
from skneural.files import replacing

__all__ = ["TRUSTED_TYPES", "load", "register_converters", "replacing", "save", "to_onnx"]
