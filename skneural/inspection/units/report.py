"""What the hidden units of a fitted network do on some data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from skneural.inspection.table import aligned, frame, number, wrapped
from skneural.inspection.units.diagnosis import advise
from skneural.inspection.units.statistics import UnitStatistics, unit_statistics
from skneural.inspection.units.updates import Updates
from skneural.inspection.unwrapping import unwrap
from skneural.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class LayerReport:
    """What the units of one hidden layer do; shares are between 0 and 1, NaN where something is not known.

    Parameters
    ----------
    layer : int
        Number of the hidden layer, from 0.
    activation : str
        As printed, with its settings.
    n_units : int
        Units of the layer.
    dead_units : ndarray of int
        Units that have neither activation nor local gradient on any row: both at most 1e-6, or exactly zero where the
        activation saturates on both sides (of which a unit at the lower end is saturated, not dead).
    always_on_units : ndarray of int
        Units whose pre-activation is positive on every row, for activations whose two sides differ.
    saturated_units : ndarray of int
        Other units that on at least 90 % of the rows are active, but with a local gradient below 1 % of the
        activation's largest. Active are those with an activation, by the bound above: a ReLU that is off is not.
    saturation : float
        Share of all activations, units times rows, that are active with so small a local gradient.
    mean, std : float
        Of the activations, over units and rows.
    piece_wins : ndarray of shape (n_pieces, n_units)
        Share of the rows on which each piece of a unit is the largest.
    one_sign_rows : float
        Share of the rows on which all inputs of the layer have one sign: then the gradients of each unit's incoming
        weights have one sign too.
    one_sign : float
        Share of the units whose incoming-weight gradients, averaged over the rows, have one sign.
    gradient_norm : float
        Euclidean norm of the mean loss's gradient in the layer's incoming weights.
    update_ratio : float
        Length of the solver's next step in these weights, relative to theirs.
    slopes : ndarray
        Learned parameters of the activation; empty if there are none.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import unit_report
    >>> X, y = load_iris(return_X_y=True)
    >>> network = ActivationMLPClassifier((8, 4), bias_init=-9.0, random_state=0)
    >>> layer = unit_report(network.partial_fit(X, y, classes=[0, 1, 2]), X).layers[1]
    >>> layer.activation, layer.dead_units, layer.dead, layer.gradient_norm
    ('ReLU()', array([0, 1, 2, 3]), 1.0, nan)
    """

    layer: int
    activation: str
    n_units: int
    dead_units: Array
    always_on_units: Array
    saturated_units: Array
    saturation: float
    mean: float
    std: float
    piece_wins: Array
    one_sign_rows: float
    one_sign: float
    gradient_norm: float
    update_ratio: float
    slopes: Array

    @property
    def dead(self) -> float:
        """Share of the units that are dead."""
        return len(self.dead_units) / self.n_units

    @property
    def always_on(self) -> float:
        """Share of the units that are always on."""
        return len(self.always_on_units) / self.n_units

    @property
    def saturated(self) -> float:
        """Share of the units that are saturated."""
        return len(self.saturated_units) / self.n_units

    @property
    def never_chosen(self) -> float:
        """Share of the pieces that are the largest on no row; NaN with one piece per unit."""
        return float((self.piece_wins == 0).mean()) if len(self.piece_wins) > 1 else math.nan

    @property
    def zero_centred(self) -> bool:
        """Whether the mean activation is small beside the activations: below a fifth of their root mean square."""
        return abs(self.mean) < 0.2 * math.hypot(self.mean, self.std)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers of the layer, without what is per unit."""
        names = ["layer", "activation", "n_units", "dead", "always_on", "saturated", "saturation", "never_chosen"]
        names += ["mean", "std", "zero_centred", "one_sign_rows", "one_sign", "gradient_norm", "update_ratio"]
        return {name: getattr(self, name) for name in names} | {
            "mean_slope": float(self.slopes.mean()) if self.slopes.size else math.nan
        }


@dataclass(frozen=True, eq=False)
class UnitReport:
    """The result of :func:`skneural.inspection.unit_report`; prints as a table, with advice.

    Parameters
    ----------
    layers : list of LayerReport
        One per hidden layer.
    n_rows : int
        Rows that were looked at.
    advice : list of str
        What to do where a number is out of its usual range; empty if none is.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier, StdScaler
    >>> from skneural.inspection import unit_report
    >>> X, y = load_iris(return_X_y=True)
    >>> X = StdScaler().fit_transform(X)
    >>> model = ActivationMLPClassifier((8,), "elu", learning_rate_init=0.1, random_state=0).fit(X, y)
    >>> report = unit_report(model, X)
    >>> report.n_rows, report.layers[0].activation, report.layers[0].dead, report.advice
    (150, 'ELU(alpha=1.0)', 0.0, [])
    """

    layers: list[LayerReport]
    n_rows: int
    advice: list[str]

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per hidden layer."""
        return frame([layer.to_dict() for layer in self.layers])

    def __str__(self) -> str:
        if not self.layers:
            return "There are no hidden layers."
        header = ["layer", "units", "dead", "always on", "saturated", "mean", "std"]
        header += ["one-sign rows", "gradient", "update"]
        table = aligned(header, [_cells(layer) for layer in self.layers])
        notes = [note for layer in self.layers for note in _notes(layer)]
        advice = [wrapped(self.advice)] if self.advice else []
        return "\n".join([f"Hidden units on {self.n_rows} rows", table, *notes, *advice])

    __repr__ = __str__


def unit_report(estimator: Any, X: Any, y: Any = None, sample_weight: Any = None) -> UnitReport:
    """Report what the hidden units of a fitted network do on `X`, and advise where a number is unusual.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        Fitted.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        As for `predict`; the training data to learn about training.
    y, sample_weight : array-like, default=None
        As for `fit`. Without `y` there are no gradients: `one_sign`, `gradient_norm` and `update_ratio` are NaN.

    Returns
    -------
    report : UnitReport
        Layer by layer; it prints as a table.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import unit_report
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ActivationMLPClassifier((8,), "tanh", learning_rate_init=0.02, random_state=0).fit(X, y)
    >>> report = unit_report(model, X, y)
    >>> report.layers[0].dead
    0.0
    """
    model, X = unwrap(estimator, X)
    checked = model._validate_X(X)
    network: Network = model._network
    counted = unit_statistics(network, checked)
    updates = Updates(model, X, y, sample_weight) if y is not None else None
    layers = [_layer_report(each, network, updates) for each in counted]
    return UnitReport(layers, checked.shape[0], advise(layers, model, checked))


def _layer_report(counted: UnitStatistics, network: Network, updates: Updates | None) -> LayerReport:
    i, n_units = counted.layer, network.sizes[counted.layer + 1]
    n = counted.n_rows * n_units
    mean, square = counted.sum.sum() / n, counted.squares.sum() / n
    return LayerReport(
        layer=i,
        activation=repr(counted.activation),
        n_units=n_units,
        dead_units=counted.dead,
        always_on_units=counted.always_on,
        saturated_units=counted.saturated,
        saturation=float(counted.n_saturated.sum() / n),
        mean=float(mean),
        std=math.sqrt(max(square - mean**2, 0)),
        piece_wins=counted.wins / counted.n_rows,
        one_sign_rows=counted.n_one_sign / counted.n_rows,
        one_sign=math.nan if updates is None else updates.one_sign[i],
        gradient_norm=math.nan if updates is None else updates.gradient_norms[i],
        update_ratio=math.nan if updates is None else updates.ratios[i],
        slopes=network.activation_params[i].copy(),
    )


def _cells(layer: LayerReport) -> list[str]:
    shares = [layer.dead, layer.always_on, layer.saturated]
    return [
        f"{layer.layer} {layer.activation}",
        str(layer.n_units),
        *(f"{share:.0%}" for share in shares),
        f"{layer.mean:.3f}",
        f"{layer.std:.3f}",
        f"{layer.one_sign_rows:.0%}",
        number(layer.gradient_norm, ".1e"),
        number(layer.update_ratio, ".1e"),
    ]


def _notes(layer: LayerReport) -> list[str]:
    notes = []
    if len(layer.piece_wins) > 1:
        wins = ", ".join(f"{share:.0%}" for share in layer.piece_wins.mean(axis=1))
        notes.append(f"Layer {layer.layer}: pieces win {wins} of the rows; {layer.never_chosen:.0%} never do.")
    if layer.slopes.size:
        low, mean, high = layer.slopes.min(), layer.slopes.mean(), layer.slopes.max()
        notes.append(f"Layer {layer.layer}: learned parameters from {low:.3f} to {high:.3f}, mean {mean:.3f}.")
    return notes
