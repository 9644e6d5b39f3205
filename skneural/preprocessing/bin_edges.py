"""Edges of the bins of one feature: quantiles, or distinct values, and finer ones beside a value of most rows."""

from __future__ import annotations

import numpy as np

MIN_ROWS_OF_OTHERS = 10  # for each finer bin


def quantile_edges(x: np.ndarray, n_bins: int, min_rows: int) -> np.ndarray:
    """Edges of the bins; none if they make fewer than two, which would only repeat the feature. NaN are ignored."""
    if n_bins == 0 or len(x := drop_missing(x)) < n_bins * min_rows:
        return np.empty(0)
    edges = _distinct_quantiles(x, n_bins)
    if len(edges) <= n_bins:  # many rows have one value
        edges = _edges_of_distinct_values(np.unique(x).astype(np.float64), n_bins)
    return edges if len(edges) > 2 else np.empty(0)


def _edges_of_distinct_values(values: np.ndarray, n_bins: int) -> np.ndarray:
    return values if len(values) <= n_bins else _distinct_quantiles(values, n_bins)


def _distinct_quantiles(x: np.ndarray, n_bins: int) -> np.ndarray:
    return np.unique(2 * np.quantile(x / 2, np.linspace(0, 1, n_bins + 1)))  # of halves: sums do not overflow


def dominant_value(x: np.ndarray) -> float:
    """The value of more than half of the numbers in x, NaN left out; NaN if there is none."""
    x = drop_missing(x)
    middle = np.partition(x, len(x) // 2)[len(x) // 2]
    return float(middle) if 2 * np.count_nonzero(x == middle) > len(x) else np.nan


def finer_edges(x: np.ndarray, value: float, edges: np.ndarray, most_bins: int) -> np.ndarray:
    """Edges with equal numbers of rows without that value between them; `edges` if they are no more."""
    others = np.sort(x[~np.isnan(x) & (x != value)]).astype(np.float64)
    n_bins = min(most_bins, len(others) // MIN_ROWS_OF_OTHERS)
    if n_bins < len(edges):
        return edges
    quantiles = others[np.linspace(0, len(others) - 1, n_bins + 1).round().astype(int)]
    with_value = np.union1d(quantiles, [value, *_neighbours(others, value)])
    return with_value if len(with_value) > len(edges) else edges  # the others have few values too


def _neighbours(sorted_values: np.ndarray, value: float) -> np.ndarray:
    above = np.searchsorted(sorted_values, value)
    return sorted_values[max(above - 1, 0) : above + 1]


def count_bins(edges: np.ndarray) -> int:
    """The number of bins between the edges of one feature."""
    return max(len(edges) - 1, 0)


def drop_missing(x: np.ndarray) -> np.ndarray:
    """The numbers of a feature that are there."""
    return x[~np.isnan(x)]
