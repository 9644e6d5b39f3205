"""What to do where a number of the unit report is out of its usual range: one short rule for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.dead_units_warning import dead_fraction_untrained, explain_dead_units

DEAD = 0.2  # 10 to 20 % of dead units are usual in a trained network
ALWAYS_ON = 0.5
SATURATED = 0.2
NEVER_CHOSEN = 0.5
ONE_SIGN = 0.9
UPDATE = 0.05  # around 1e-3 is usual
VANISHING = 1e-3


@dataclass
class Situation:
    """What the rules judge by.

    Parameters
    ----------
    layers : list of LayerReport
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        Checked.
    """

    layers: list[Any]
    estimator: BaseActivationMLP
    X: Any

    @cached_property
    def dead_fraction_untrained(self) -> list[float]:
        """Share of each layer's units that are dead on `X` in a network that has not been trained."""
        return dead_fraction_untrained(self.estimator, self.X)

    @property
    def slower(self) -> str:
        """What makes steps shorter."""
        if self.estimator.solver == "lbfgs":
            return "Scale the features (StdScaler), or raise alpha."
        rate = self.estimator.learning_rate_init
        return f"Lower learning_rate_init, now {rate:g}: try {rate / 10:g}."

    def saturates(self, layer: int) -> bool:
        """Whether the activation of a layer saturates on both sides."""
        return self.estimator.activations_[layer].properties().saturates == "both"


def advise(layers: list[Any], estimator: BaseActivationMLP, X: Any) -> list[str]:
    """Return a few sentences for each number that is unusual; none if none is.

    Parameters
    ----------
    layers : list of LayerReport
    estimator : BaseActivationMLP
        Fitted.
    X : {ndarray, CSR array or matrix} of shape (n_rows, n_features)
        Checked.
    """
    situation = Situation(layers, estimator, X)
    return [sentence for rule in RULES for sentence in rule(situation)]


def dead(situation: Situation) -> Iterator[str]:
    """Many units are dead, by a bad start or by too long steps: a network that is not trained tells which."""
    for layer in situation.layers:
        if layer.dead > DEAD:
            why = explain_dead_units(situation.estimator, layer.dead, situation.dead_fraction_untrained[layer.layer])
            yield f"Layer {layer.layer}: {layer.dead:.0%} of the units are dead; 10% to 20% are usual. {why}"


def always_on(situation: Situation) -> Iterator[str]:
    """Many units never use the other side of their activation."""
    for layer in situation.layers:
        if layer.always_on > ALWAYS_ON:
            yield (
                f"Layer {layer.layer}: {layer.always_on:.0%} of the units are on for every row, where their activation "
                "is all but linear. Centre the features (MeanCenterer, StdScaler), or lower bias_init."
            )


def saturated(situation: Situation) -> Iterator[str]:
    """Many units pass next to no gradient."""
    for layer in situation.layers:
        if layer.saturated > SATURATED:
            yield (
                f"Layer {layer.layer}: {layer.saturated:.0%} of the units are saturated and pass almost no gradient. "
                f"{situation.slower} Or scale the features (StdScaler), take smaller initial weights (weight_init), or "
                "an activation that does not saturate: relu, leaky_relu, maxout."
            )


def never_chosen(situation: Situation) -> Iterator[str]:
    """Many Maxout pieces are never the largest."""
    for layer in situation.layers:
        if layer.never_chosen > NEVER_CHOSEN:
            yield (
                f"Layer {layer.layer}: {layer.never_chosen:.0%} of the pieces are never chosen. {situation.slower} "
                "Or take fewer pieces (n_pieces)."
            )


def one_sign(situation: Situation) -> Iterator[str]:
    """The inputs of saturating units are not centred, so that the path to the best weights zig-zags."""
    for layer in situation.layers:
        if layer.one_sign_rows > ONE_SIGN and situation.saturates(layer.layer):
            source = f"the activations of layer {layer.layer - 1}" if layer.layer else "the features"
            cure = "Take tanh or elu there." if layer.layer else "Centre them (MeanCenterer, StdScaler)."
            yield (
                f"Layer {layer.layer}: its inputs, {source}, all have one sign, and so have the gradients of each "
                f"unit's weights: training zig-zags. {cure}"
            )


def long_steps(situation: Situation) -> Iterator[str]:
    """A step changes the weights by a large part of their length."""
    for layer in situation.layers:
        if layer.update_ratio > UPDATE:
            yield (
                f"Layer {layer.layer}: one step changes the weights by {layer.update_ratio:.2g} times their length; "
                f"around 0.001 is usual. {situation.slower}"
            )


def vanishing(situation: Situation) -> Iterator[str]:
    """The gradient does not reach the first layer."""
    norms = [layer.gradient_norm for layer in situation.layers]
    if norms and norms[0] < VANISHING * norms[-1]:
        yield (
            f"The gradient of the weights shrinks from {norms[-1]:.1e} in the last hidden layer to {norms[0]:.1e} in "
            "the first, which hardly learns. Take an activation that does not saturate (relu, elu), batch_norm=True or "
            "fewer layers."
        )


RULES: list[Callable[[Situation], Iterator[str]]] = [
    dead,
    always_on,
    saturated,
    never_chosen,
    one_sign,
    long_steps,
    vanishing,
]
