"""The unit report: what the hidden units of a fitted network do on some rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from skneural.custom_component_checks import check_activations
from skneural.inspection.report_tables import bullet_list, data_frame, format_or_dash, text_table
from skneural.inspection.units.recommendations import recommendations
from skneural.inspection.units.unit_statistics import UnitStatistics, unit_statistics
from skneural.inspection.units.weight_updates import WeightUpdates
from skneural.inspection.unwrapping import unwrap
from skneural.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class LayerReport:
    """What the units of one hidden layer do on some rows. Fractions are between 0 and 1; NaN means not known.

    Parameters
    ----------
    layer : int
        Number of the hidden layer, from 0.
    activation : str
        The activation with its settings.
    n_units : int
        Number of units.
    dead_units : ndarray of int
        Units with neither activation nor local gradient on any row: neither exceeds 1e-6. Where the activation
        saturates on both sides, both must be exactly zero, because a unit at the lower end is saturated, not dead.
    always_on_units : ndarray of int
        Units whose pre-activation is positive on every row. Empty unless the activation is steeper for positive than
        for negative pre-activations, as in the ReLU family.
    saturated_units : ndarray of int
        Units that are saturated on at least 90 % of the rows: they have an activation above the bound for dead units,
        but a local gradient below 1 % of the activation's largest. A ReLU unit that is off is not saturated.
    saturation : float
        Fraction of saturated activations, over all units and rows.
    mean, std : float
        Mean and standard deviation of the activations, over all units and rows.
    piece_usage : ndarray of shape (n_pieces, n_units)
        Fraction of the rows on which each Maxout piece of a unit is the largest.
    one_sign_inputs : float
        Fraction of the rows on which all inputs of the layer have one sign. The gradients of each unit's incoming
        weights then have one sign too.
    one_sign_gradients : float
        Fraction of the units whose incoming-weight gradients, averaged over the rows, all have one sign.
    gradient_norm : float
        Euclidean norm of the gradient of the mean loss with respect to the layer's incoming weights.
    update_ratio : float
        Euclidean norm of the solver's next update of these weights, divided by the norm of the weights.
    slopes : ndarray
        Learned parameters of the activation; empty if it has none.

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
    piece_usage: Array
    one_sign_inputs: float
    one_sign_gradients: float
    gradient_norm: float
    update_ratio: float
    slopes: Array

    @property
    def dead(self) -> float:
        """Fraction of the units that are dead."""
        return len(self.dead_units) / self.n_units

    @property
    def always_on(self) -> float:
        """Fraction of the units that are always on."""
        return len(self.always_on_units) / self.n_units

    @property
    def saturated(self) -> float:
        """Fraction of the units that are saturated."""
        return len(self.saturated_units) / self.n_units

    @property
    def unused_pieces(self) -> float:
        """Fraction of the Maxout pieces that are the largest on no row; NaN if units have one piece."""
        return float((self.piece_usage == 0).mean()) if len(self.piece_usage) > 1 else math.nan

    @property
    def mean_is_near_zero(self) -> bool:
        """Whether the mean of the activations is below a fifth of their root mean square.

        This describes the measured activations. Whether an activation function is zero-centred by itself, for standard
        normal pre-activations, is a property of the function: ``activation.properties().zero_centred``.
        """
        return abs(self.mean) < 0.2 * math.hypot(self.mean, self.std)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers of the layer, without the arrays that have an entry per unit."""
        names = ["layer", "activation", "n_units", "dead", "always_on", "saturated", "saturation", "unused_pieces"]
        names += ["mean", "std", "mean_is_near_zero", "one_sign_inputs", "one_sign_gradients"]
        names += ["gradient_norm", "update_ratio"]
        return {name: getattr(self, name) for name in names} | {
            "mean_slope": float(self.slopes.mean()) if self.slopes.size else math.nan
        }


@dataclass(frozen=True, eq=False)
class UnitReport:
    """The result of :func:`skneural.inspection.unit_report`. Print it to see a table and recommendations.

    Parameters
    ----------
    layers : list of LayerReport
        One report per hidden layer.
    n_rows : int
        Number of rows in the report.
    recommendations : list of str
        What to change where a number is out of its usual range; empty if all numbers are usual.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier, StdScaler
    >>> from skneural.inspection import unit_report
    >>> X, y = load_iris(return_X_y=True)
    >>> X = StdScaler().fit_transform(X)
    >>> model = ActivationMLPClassifier((8,), "elu", learning_rate_init=0.1, random_state=0).fit(X, y)
    >>> report = unit_report(model, X)
    >>> report.n_rows, report.layers[0].activation, report.layers[0].dead, report.recommendations
    (150, 'ELU(alpha=1.0)', 0.0, [])
    """

    layers: list[LayerReport]
    n_rows: int
    recommendations: list[str]

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per hidden layer."""
        return data_frame([layer.to_dict() for layer in self.layers])

    def __str__(self) -> str:
        if not self.layers:
            return "There are no hidden layers."
        header = ["layer", "units", "dead", "always on", "saturated", "mean", "std"]
        header += ["one-sign inputs", "gradient", "update"]
        table = text_table(header, [_table_row(layer) for layer in self.layers])
        notes = [note for layer in self.layers for note in _notes(layer)]
        recommendations = [bullet_list(self.recommendations)] if self.recommendations else []
        return "\n".join([f"Hidden units on {self.n_rows} rows", table, *notes, *recommendations])

    __repr__ = __str__


def unit_report(estimator: Any, X: Any, y: Any = None, sample_weight: Any = None) -> UnitReport:
    """Report what the hidden units of a fitted network do on `X`, and recommend changes where a number is unusual.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        Fitted.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        As for `predict`. Pass the training data to learn about training.
    y, sample_weight : array-like, default=None
        As for `fit`. Without `y` the report contains no gradients: `one_sign_gradients`, `gradient_norm` and
        `update_ratio` are NaN.

    Returns
    -------
    report : UnitReport
        Statistics of each hidden layer. Print it to see a table.

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
    rows = model._validate_X(X)
    network: Network = model._network
    check_activations(network.activations, network.sizes[1:])
    updates = WeightUpdates(model, X, y, sample_weight) if y is not None else None
    layers = [_layer_report(statistics, network, updates) for statistics in unit_statistics(network, rows)]
    return UnitReport(layers, rows.shape[0], recommendations(layers, model, rows))


def _layer_report(statistics: UnitStatistics, network: Network, updates: WeightUpdates | None) -> LayerReport:
    i, n_units = statistics.layer, network.sizes[statistics.layer + 1]
    n = statistics.n_rows * n_units
    mean, mean_square = statistics.sum.sum() / n, statistics.sum_of_squares.sum() / n
    return LayerReport(
        layer=i,
        activation=repr(statistics.activation),
        n_units=n_units,
        dead_units=statistics.dead_units,
        always_on_units=statistics.always_on_units,
        saturated_units=statistics.saturated_units,
        saturation=float(statistics.n_saturated.sum() / n),
        mean=float(mean),
        std=math.sqrt(max(mean_square - mean**2, 0)),
        piece_usage=statistics.piece_counts / statistics.n_rows,
        one_sign_inputs=statistics.n_one_sign / statistics.n_rows,
        one_sign_gradients=math.nan if updates is None else updates.one_sign_gradients[i],
        gradient_norm=math.nan if updates is None else updates.gradient_norms[i],
        update_ratio=math.nan if updates is None else updates.update_ratios[i],
        slopes=network.activation_params[i].copy(),
    )


def _table_row(layer: LayerReport) -> list[str]:
    fractions = [layer.dead, layer.always_on, layer.saturated]
    return [
        f"{layer.layer} {layer.activation}",
        str(layer.n_units),
        *(f"{fraction:.0%}" for fraction in fractions),
        f"{layer.mean:.3f}",
        f"{layer.std:.3f}",
        f"{layer.one_sign_inputs:.0%}",
        format_or_dash(layer.gradient_norm, ".1e"),
        format_or_dash(layer.update_ratio, ".1e"),
    ]


def _notes(layer: LayerReport) -> list[str]:
    notes = []
    if len(layer.piece_usage) > 1:
        usage = ", ".join(f"{fraction:.0%}" for fraction in layer.piece_usage.mean(axis=1))
        notes.append(
            f"Layer {layer.layer}: the pieces are the largest on {usage} of the rows; "
            f"{layer.unused_pieces:.0%} of them on none."
        )
    if layer.slopes.size:
        low, mean, high = layer.slopes.min(), layer.slopes.mean(), layer.slopes.max()
        notes.append(f"Layer {layer.layer}: learned parameters from {low:.3f} to {high:.3f}, mean {mean:.3f}.")
    return notes
