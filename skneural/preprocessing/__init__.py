"""Preprocessors: centre, scale, whiten, clip, encode; with exact, streaming, mergeable statistics."""

from skneural.preprocessing.centering import MeanCenterer
from skneural.preprocessing.clipping import RampEncoder, SmoothClipper
from skneural.preprocessing.scaling import StdScaler
from skneural.preprocessing.whitening import PCAWhitener

__all__ = ["MeanCenterer", "PCAWhitener", "RampEncoder", "SmoothClipper", "StdScaler"]
