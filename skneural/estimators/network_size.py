"""How large a network is, its hidden layers and its members: as asked for, or by the number of training rows."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, NamedTuple

import numpy as np

from skneural.constraints import POSITIVE_INT

# Measured on tables, see docs/tabular.md: many rows ask for wider layers, and need the average of members less.
MANY_ROWS = 10_000
UNITS, UNITS_FOR_MANY_ROWS = 128, 192
MEMBERS, MEMBERS_FOR_MANY_ROWS = 8, 4


class NetworkSize(NamedTuple):
    """The size of a network.

    Parameters
    ----------
    hidden : list of int
        Units of each hidden layer.
    n_members : int
        Networks that share the hidden layers.
    """

    hidden: list[int]
    n_members: int


def resolve_network_size(estimator: Any, n_rows: int) -> NetworkSize:
    """Return the size of an estimator's network.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With its `hidden_layer_sizes` and `n_members`.
    n_rows : int
        All training rows, those held out included; they decide what is ``"auto"``.

    Examples
    --------
    >>> from skneural import ActivationMLPRegressor
    >>> from skneural.estimators.network_size import resolve_network_size
    >>> resolve_network_size(ActivationMLPRegressor(hidden_layer_sizes="auto", n_members="auto"), n_rows=500)
    NetworkSize(hidden=[128, 128], n_members=8)
    """
    has_many_rows = n_rows >= MANY_ROWS
    units, n_members = (UNITS_FOR_MANY_ROWS, MEMBERS_FOR_MANY_ROWS) if has_many_rows else (UNITS, MEMBERS)
    return _fill_auto(estimator, NetworkSize([units] * estimator._n_auto_layers, n_members))


def resolve_resumed_size(estimator: Any) -> NetworkSize:
    """Return the size that a fitted network must have for training to go on: its own where that is ``"auto"``."""
    return _fill_auto(estimator, NetworkSize(estimator._sizes[1:-1], estimator._n_members))


def resolve_hidden_sizes(hidden_layer_sizes: Any) -> list[int]:
    """Return the number of units of each hidden layer."""
    ordered = np.iterable(hidden_layer_sizes) and not isinstance(hidden_layer_sizes, str | Mapping | Set)
    sizes = list(hidden_layer_sizes) if ordered else [hidden_layer_sizes]
    if not all(POSITIVE_INT.is_satisfied_by(size) for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, all of them integers. Got {hidden_layer_sizes!r} instead.")
    return [int(size) for size in sizes]


def _fill_auto(estimator: Any, auto: NetworkSize) -> NetworkSize:
    sizes, n_members = estimator.hidden_layer_sizes, estimator.n_members
    hidden = auto.hidden if isinstance(sizes, str) and sizes == "auto" else resolve_hidden_sizes(sizes)
    return NetworkSize(hidden, auto.n_members if n_members == "auto" else int(n_members))
