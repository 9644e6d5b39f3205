"""How the numbers of a table are encoded: scaled and clipped, and then by bins and by weak components besides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skneural.preprocessing.clipping import SmoothClipper, clip_outliers
from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder, bin_factors
from skneural.preprocessing.scaling import StdScaler
from skneural.preprocessing.weak_components import encode_weak_components, weak_components
from skneural.preprocessing.whitening import PCAWhitener

# Fine bins help where numbers are few, and cost time and accuracy where they are many (docs/tabular.md).
FEWEST_BINS, MOST_BINS, BINS_OF_ALL = 8, 32, 64
DERIVED_SCALE = 0.3  # of bins and components: many and related, they would outweigh the numbers themselves


def automatic_n_bins(n_rows: int, n_numbers: int) -> int:
    """The bins of each number: the cube root of the rows, if all numbers together have no more than 64, 8 at least.

    Examples
    --------
    >>> from skneural.preprocessing.number_encoding import automatic_n_bins
    >>> automatic_n_bins(n_rows=7500, n_numbers=3), automatic_n_bins(n_rows=7500, n_numbers=10)
    (20, 8)
    """
    return int(np.clip(min(round(np.cbrt(n_rows)), BINS_OF_ALL // n_numbers), FEWEST_BINS, MOST_BINS))


def fit_scaler(X: np.ndarray, labels: list[str]) -> StdScaler:
    """A scaler of numbers, fitted without their far outliers; a ValueError names the column whose squares overflow.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float64
        Finite numbers, or NaN; at least one number in each column.
    labels : list of str
        What messages call the columns.
    """
    bounded = clip_outliers(X)
    try:
        return StdScaler().fit(bounded)
    except ValueError as error:
        largest_numbers = np.nanmax(np.abs(bounded), axis=0)
        raise ValueError(
            f"{labels[np.argmax(largest_numbers)]} of X holds numbers up to {largest_numbers.max():.3g}, whose squares "
            "overflow float64. Expected values below about 1e150: divide the column by a constant first."
        ) from error


def scale_numbers(X: np.ndarray, scaler: StdScaler, clipper: SmoothClipper) -> np.ndarray:
    """Scaled and clipped numbers in float32; in double precision up to where no value is larger than the limit."""
    return clipper.transform(scaler.transform(X)).astype(np.float32)


def number_factors(encoder: PiecewiseLinearEncoder, n_components: int) -> np.ndarray:
    """What the columns of numbers, of their bins and of components are multiplied by.

    Parameters
    ----------
    encoder : PiecewiseLinearEncoder
        Fitted.
    n_components : int

    Returns
    -------
    ndarray of shape (n_columns,), float32
    """
    n_numbers = len(encoder.bin_edges_)
    factors = [np.ones(n_numbers), bin_factors(encoder, DERIVED_SCALE), np.full(n_components, DERIVED_SCALE)]
    return np.concatenate(factors).astype(np.float32)


@dataclass(frozen=True)
class NumberEncoding:
    """The fitted steps that the numbers of a table take.

    Attributes
    ----------
    scaler : StdScaler
    clipper : SmoothClipper
    piecewise_encoder : PiecewiseLinearEncoder
    whitener : PCAWhitener or None
    is_in_components : ndarray of shape (n_numbers,), bool
        Which of the numbers the whitener takes.
    """

    scaler: StdScaler
    clipper: SmoothClipper
    piecewise_encoder: PiecewiseLinearEncoder
    whitener: PCAWhitener | None
    is_in_components: np.ndarray

    def encode(self, X: np.ndarray) -> np.ndarray:
        """The columns of numbers, of their bins and of weak components, 0 where numbers are missing, in float32."""
        scaled = scale_numbers(X, self.scaler, self.clipper)
        encoded_numbers = self.piecewise_encoder.transform(scaled)
        if self.whitener is not None:
            scaled = scaled[:, self.is_in_components]
            components = encode_weak_components(self.whitener, scaled, self.clipper.limit)
            encoded_numbers = np.hstack([encoded_numbers, components])
        encoded_numbers *= self.factors()
        encoded_numbers[np.isnan(encoded_numbers)] = 0.0
        return encoded_numbers

    def factors(self) -> np.ndarray:
        """What these columns are multiplied by."""
        return number_factors(self.piecewise_encoder, self._n_components())

    def feature_names(self, names: np.ndarray) -> list[str]:
        """The names of these columns."""
        components = [f"component{i}" for i in range(self._n_components())]
        return [*self.piecewise_encoder.get_feature_names_out(names), *components]

    def _n_components(self) -> int:
        return 0 if self.whitener is None else len(weak_components(self.whitener))
