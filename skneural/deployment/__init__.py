"""From a fitted model to a service: safe files and ONNX."""

from skneural.atomic_write import atomic_write
from skneural.deployment.onnx import register_converters, to_onnx
from skneural.deployment.persistence import TRUSTED_TYPES, load, save

__all__ = ["TRUSTED_TYPES", "atomic_write", "load", "register_converters", "save", "to_onnx"]
