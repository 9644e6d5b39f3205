"""The unit report: what the hidden units of a fitted network do on some rows, as a table by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.custom_component_checks import check_activations
from skneural.inspection.text_tables import bullet_list, data_frame, format_or_dash, text_table
from skneural.inspection.units.recommendations import recommendations
from skneural.inspection.units.unit_statistics import UnitStatistics, unit_statistics
from skneural.inspection.units.weight_updates import WeightUpdates
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]

# Attributes of a LayerReport that are one number or one name, not an entry per unit.
LAYER_NUMBERS = ["layer", "activation", "n_units", "dead", "always_on", "saturated", "saturation", "unused_pieces"]
LAYER_NUMBERS += ["mean", "std", "mean_is_near_zero", "one_sign_inputs", "one_sign_gradients"]
LAYER_NUMBERS += ["gradient_norm", "update_ratio"]

UNIT_TABLE_HEADER = ["layer", "units", "dead", "always on", "saturated", "mean", "std"]
UNIT_TABLE_HEADER += ["one-sign inputs", "gradient", "update"]


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
        mean_slope = float(self.slopes.mean()) if self.slopes.size else math.nan
        return {name: getattr(self, name) for name in LAYER_NUMBERS} | {"mean_slope": mean_slope}


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
        table = text_table(UNIT_TABLE_HEADER, [_unit_table_row(layer) for layer in self.layers])
        layer_notes = [note for layer in self.layers for note in (*_pieces_note(layer), *_slopes_note(layer))]
        recommendations = [bullet_list(self.recommendations)] if self.recommendations else []
        return "\n".join([f"Hidden units on {self.n_rows} rows", table, *layer_notes, *recommendations])

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
    check_activations(model._network.activations, model._network.sizes[1:])
    updates = WeightUpdates(model, X, y, sample_weight) if y is not None else None
    layers = [_layer_report(statistics, updates) for statistics in unit_statistics(model._network, rows)]
    return UnitReport(layers, rows.shape[0], recommendations(layers, model, rows))


def average_over_units(report: UnitReport, names: Sequence[str]) -> list[float]:
    """Return the averages of some numbers of the layers over all hidden units; NaN if there are none."""
    if not report.layers:
        return [math.nan] * len(names)
    layer_numbers = [[getattr(layer, name) for name in names] for layer in report.layers]
    return np.average(layer_numbers, axis=0, weights=[layer.n_units for layer in report.layers]).tolist()


def _layer_report(statistics: UnitStatistics, updates: WeightUpdates | None) -> LayerReport:
    layer = statistics.layer
    return LayerReport(
        layer=layer,
        activation=repr(statistics.activation),
        n_units=statistics.n_units,
        dead_units=statistics.dead_units,
        always_on_units=statistics.always_on_units,
        saturated_units=statistics.saturated_units,
        saturation=statistics.saturation,
        mean=statistics.mean,
        std=statistics.std,
        piece_usage=statistics.piece_counts / statistics.n_rows,
        one_sign_inputs=statistics.n_one_sign / statistics.n_rows,
        one_sign_gradients=math.nan if updates is None else updates.one_sign_gradients[layer],
        gradient_norm=math.nan if updates is None else updates.gradient_norms[layer],
        update_ratio=math.nan if updates is None else updates.update_ratios[layer],
        slopes=statistics.network.activation_params[layer].copy(),
    )


def _unit_table_row(layer: LayerReport) -> list[str]:
    unit_fractions = [f"{fraction:.0%}" for fraction in (layer.dead, layer.always_on, layer.saturated)]
    numbers = [f"{layer.mean:.3f}", f"{layer.std:.3f}", f"{layer.one_sign_inputs:.0%}"]
    numbers += [format_or_dash(layer.gradient_norm, ".1e"), format_or_dash(layer.update_ratio, ".1e")]
    return [f"{layer.layer} {layer.activation}", str(layer.n_units), *unit_fractions, *numbers]


def _pieces_note(layer: LayerReport) -> Iterator[str]:
    """Yield how often the Maxout pieces of a layer are used, if its units have several."""
    if len(layer.piece_usage) > 1:
        usage = ", ".join(f"{fraction:.0%}" for fraction in layer.piece_usage.mean(axis=1))
        unused = f"{layer.unused_pieces:.0%} of them on none"
        yield f"Layer {layer.layer}: the pieces are the largest on {usage} of the rows; {unused}."


def _slopes_note(layer: LayerReport) -> Iterator[str]:
    """Yield the range of a layer's learned slopes, if it has some."""
    if (slopes := layer.slopes).size:
        slope_range = f"from {slopes.min():.3f} to {slopes.max():.3f}, mean {slopes.mean():.3f}"
        yield f"Layer {layer.layer}: learned parameters {slope_range}."
