"""Preprocessors: centre, scale, whiten, clip, encode; with exact, streaming, mergeable statistics."""

from skneural.preprocessing.clipping import SmoothClipper
from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder
from skneural.preprocessing.scaling import MeanCenterer, StdScaler
from skneural.preprocessing.table_encoding import TableEncoder
from skneural.preprocessing.whitening import PCAWhitener

__all__ = ["MeanCenterer", "PCAWhitener", "PiecewiseLinearEncoder", "SmoothClipper", "StdScaler", "TableEncoder"]
