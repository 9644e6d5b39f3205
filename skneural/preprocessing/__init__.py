"""Preprocessors: centre, scale, whiten, clip; with exact, streaming, mergeable statistics."""

from skneural.preprocessing.centering import MeanCenterer
from skneural.preprocessing.clipping import SmoothClipper
from skneural.preprocessing.scaling import StdScaler
from skneural.preprocessing.whitening import PCAWhitener

__all__ = ["MeanCenterer", "PCAWhitener", "SmoothClipper", "StdScaler"]
