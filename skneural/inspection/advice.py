"""What to do where a number of the unit report is out of its usual range."""

from __future__ import annotations

from typing import Any

DEAD = 0.2  # 10 to 20 % of dead units are usual in a trained network
ALWAYS_ON = 0.5
SATURATED = 0.2
NEVER_CHOSEN = 0.5
UPDATE = (1e-6, 0.1)  # around 1e-3 is usual
VANISHING = 1e-3


def advise(layers: list[Any], estimator: Any) -> list[str]:
    """Return a sentence or two for each number that is unusual.

    Parameters
    ----------
    layers : list of LayerReport
    estimator : BaseActivationMLP
    """
    found = [advice for layer in layers for rule in OF_LAYER for advice in rule(layer, estimator)]
    return found + [advice for rule in OF_NETWORK for advice in rule(layers, estimator)]


def dead(layer: Any, estimator: Any) -> list[str]:
    """Name the share of dead units, if it is large, and its two causes."""
    if layer.dead <= DEAD:
        return []
    return [
        f"Layer {layer.layer}: {layer.dead:.0%} of the units are dead; up to 20% are usual. {_too_fast(estimator)} "
        "If they are dead from the start: scale the features (StdScaler), choose another weight_init, or try "
        "bias_init=0.01. An activation that cannot die: leaky_relu, elu, maxout."
    ]


def always_on(layer: Any, estimator: Any) -> list[str]:
    """Name units that are linear on this data."""
    if layer.always_on <= ALWAYS_ON:
        return []
    return [
        f"Layer {layer.layer}: {layer.always_on:.0%} of the units are on for every row, and so linear. "
        "Centre the features (MeanCenterer, StdScaler), or lower bias_init."
    ]


def saturated(layer: Any, estimator: Any) -> list[str]:
    """Name units that pass no gradient."""
    if layer.saturated <= SATURATED:
        return []
    return [
        f"Layer {layer.layer}: {layer.saturated:.0%} of the units are saturated and pass almost no gradient. "
        f"{_too_fast(estimator)} Or scale the features (StdScaler), take smaller initial weights (weight_init), "
        "or an activation that does not saturate (relu, leaky_relu)."
    ]


def never_chosen(layer: Any, estimator: Any) -> list[str]:
    """Name Maxout pieces that are not used."""
    if not layer.never_chosen > NEVER_CHOSEN:
        return []
    return [
        f"Layer {layer.layer}: {layer.never_chosen:.0%} of the pieces are never chosen. {_too_fast(estimator)} "
        "Or take fewer pieces (n_pieces)."
    ]


def one_sided(layer: Any, estimator: Any) -> list[str]:
    """Name a layer of logistic units whose gradients cannot but have one sign."""
    saturating = _saturates_both_sides(layer, estimator)
    if not (saturating and layer.one_sign_rows > 0.9):
        return []
    source = "features" if layer.layer == 0 else f"activations of layer {layer.layer - 1}"
    remedy = "Centre them (MeanCenterer, StdScaler)." if layer.layer == 0 else "Take tanh or elu there."
    return [
        f"Layer {layer.layer}: its inputs, the {source}, have one sign, so that the gradients of a unit's weights have "
        f"one sign too and training zig-zags. {remedy}"
    ]


def update(layer: Any, estimator: Any) -> list[str]:
    """Name steps that are very long or very short relative to the weights."""
    if layer.update_ratio > UPDATE[1]:
        return [
            f"Layer {layer.layer}: a step changes the weights by {layer.update_ratio:.1g} of their length; around "
            f"1e-3 is usual. {_too_fast(estimator)}"
        ]
    return []


def vanishing(layers: list[Any], estimator: Any) -> list[str]:
    """Name a gradient that does not reach the first layer."""
    first, last = layers[0].gradient_norm if layers else 0, layers[-1].gradient_norm if layers else 0
    if not first < VANISHING * last:
        return []
    return [
        f"The gradient shrinks from {last:.1e} in the last hidden layer to {first:.1e} in the first: almost nothing "
        "arrives there. Take relu, elu or another activation that does not saturate, batch_norm=True, or fewer layers."
    ]


OF_LAYER = [dead, always_on, saturated, never_chosen, one_sided, update]
OF_NETWORK = [vanishing]


def _too_fast(estimator: Any) -> str:
    if estimator.solver == "lbfgs":
        return "Scale the features (StdScaler) or raise alpha."
    rate = estimator.learning_rate_init
    return f"Lower learning_rate_init, now {rate:g}: try {rate / 10:g}."


def _saturates_both_sides(layer: Any, estimator: Any) -> bool:
    return estimator.activations_[layer.layer].facts().saturates == "both"
