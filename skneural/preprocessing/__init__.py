"""Preprocessing that is exact in single precision, streams, merges, and knows its rank."""

from skneural.preprocessing.centering import MeanCenterer
from skneural.preprocessing.scaling import StdScaler
from skneural.preprocessing.whitening import PCAWhitener

__all__ = ["MeanCenterer", "PCAWhitener", "StdScaler"]
