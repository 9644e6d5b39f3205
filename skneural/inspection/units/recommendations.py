"""Recommendations: what is unusual about the hidden units, and what to change. One rule for each kind of problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.dead_units_warning import dead_fraction_untrained, explain_dead_units

# Beyond these fractions and ratios, a number is unusual.
MAX_DEAD = 0.2  # up to 20 % of dead units are usual in a trained network
MAX_ALWAYS_ON = 0.5
MAX_SATURATED = 0.2
MAX_UNUSED_PIECES = 0.5
MAX_ONE_SIGN_INPUTS = 0.9
MAX_UPDATE_RATIO = 0.05  # about 1e-3 is usual
MIN_GRADIENT_RATIO = 1e-3  # of the first hidden layer to the last


@dataclass
class Findings:
    """What the rules look at.

    Parameters
    ----------
    layers : list of LayerReport
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        Validated rows, as the network receives them.
    """

    layers: list[Any]
    estimator: BaseActivationMLP
    X: Any

    def layers_above(self, name: str, usual_maximum: float) -> list[Any]:
        """Return the reports of those layers in which a number is larger than usual."""
        return [layer for layer in self.layers if getattr(layer, name) > usual_maximum]

    @cached_property
    def dead_fraction_untrained(self) -> list[float]:
        """Fraction of each layer's units that are dead on `X` in a network that has not been trained."""
        return dead_fraction_untrained(self.estimator, self.X)

    @property
    def smaller_updates(self) -> str:
        """What makes the updates of the weights smaller, besides scaled features: the end of a sentence."""
        rate = self.estimator.learning_rate_init
        smaller_rate = f"lower learning_rate_init, now {rate:g} (try {rate / 10:g})"
        return "raise alpha" if self.estimator.solver == "lbfgs" else smaller_rate

    @property
    def how_to_make_updates_smaller(self) -> str:
        """What makes the updates of the weights smaller: the beginning of a sentence."""
        scale = "Scale the features (StdScaler), or "
        return scale + self.smaller_updates if self.estimator.solver == "lbfgs" else self.smaller_updates.capitalize()

    def saturates_on_both_sides(self, layer: int) -> bool:
        """Whether the activation function of a layer saturates on both sides."""
        return self.estimator.activations_[layer].properties().saturates == "both"


def recommendations(layers: list[Any], estimator: BaseActivationMLP, X: Any) -> list[str]:
    """Return a recommendation for each unusual number; an empty list if all numbers are usual.

    Parameters
    ----------
    layers : list of LayerReport
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        Validated rows, as the network receives them.
    """
    findings = Findings(layers, estimator, X)
    return [recommendation for rule in RECOMMENDATION_RULES for recommendation in rule(findings)]


def dead_units(findings: Findings) -> Iterator[str]:
    """Many units are dead: because of a bad start, or because of too large updates. Untrained networks tell which."""
    for layer in findings.layers_above("dead", MAX_DEAD):
        cause = explain_dead_units(findings.estimator, layer.dead, findings.dead_fraction_untrained[layer.layer])
        yield f"Layer {layer.layer}: {layer.dead:.0%} of the units are dead; up to 20% is usual. {cause}"


def always_on_units(findings: Findings) -> Iterator[str]:
    """Many units use only the almost linear side of their activation function."""
    for layer in findings.layers_above("always_on", MAX_ALWAYS_ON):
        yield (
            f"Layer {layer.layer}: {layer.always_on:.0%} of the units are positive on every row. There the activation "
            "function is almost linear. Centre the features (MeanCenterer, StdScaler), or lower bias_init."
        )


def saturated_units(findings: Findings) -> Iterator[str]:
    """Many units pass almost no gradient."""
    for layer in findings.layers_above("saturated", MAX_SATURATED):
        yield (
            f"Layer {layer.layer}: {layer.saturated:.0%} of the units are saturated: they pass almost no gradient. "
            "Scale the features (StdScaler), use smaller initial weights (weight_init), or "
            f"{findings.smaller_updates}. Or use an activation function that does not saturate: leaky_relu, prelu, "
            "maxout."
        )


def unused_pieces(findings: Findings) -> Iterator[str]:
    """Many Maxout pieces are never the largest."""
    for layer in findings.layers_above("unused_pieces", MAX_UNUSED_PIECES):
        yield (
            f"Layer {layer.layer}: {layer.unused_pieces:.0%} of the Maxout pieces are not used: they are not the "
            f"largest on any row. {findings.how_to_make_updates_smaller}. Or use fewer pieces (n_pieces)."
        )


def one_sign_inputs(findings: Findings) -> Iterator[str]:
    """The inputs of saturating units are not centred, so training zig-zags."""
    for layer in findings.layers_above("one_sign_inputs", MAX_ONE_SIGN_INPUTS):
        if findings.saturates_on_both_sides(layer.layer):
            inputs, how_to_centre = _inputs_of_layer(layer.layer)
            yield (
                f"Layer {layer.layer}: on {layer.one_sign_inputs:.0%} of the rows, all its inputs ({inputs}) have the "
                "same sign. The gradients of each unit's weights then have the same sign too, and training zig-zags. "
                f"{how_to_centre}."
            )


def _inputs_of_layer(layer: int) -> tuple[str, str]:
    """Return what the inputs of a layer are, and how to centre them."""
    if layer == 0:
        return "the features", "Centre the features (MeanCenterer, StdScaler)"
    return f"the activations of layer {layer - 1}", f"Use tanh or elu in layer {layer - 1}"


def large_updates(findings: Findings) -> Iterator[str]:
    """One update changes the weights by a large part of their norm."""
    for layer in findings.layers_above("update_ratio", MAX_UPDATE_RATIO):
        yield (
            f"Layer {layer.layer}: one update changes the weights by {layer.update_ratio:.2g} times their norm; "
            f"about 0.001 is usual. {findings.how_to_make_updates_smaller}."
        )


def vanishing_gradient(findings: Findings) -> Iterator[str]:
    """The gradient hardly reaches the first layer."""
    norms = [layer.gradient_norm for layer in findings.layers]
    if norms and norms[0] < MIN_GRADIENT_RATIO * norms[-1]:
        yield (
            f"The gradient vanishes: its norm is {norms[-1]:.1e} in the last hidden layer and {norms[0]:.1e} in the "
            "first, which hardly learns. Use an activation function that is not flat on both sides (relu, elu), "
            "batch_norm=True, or fewer layers."
        )


RECOMMENDATION_RULES: list[Callable[[Findings], Iterator[str]]] = [
    dead_units,
    always_on_units,
    saturated_units,
    unused_pieces,
    one_sign_inputs,
    large_updates,
    vanishing_gradient,
]
