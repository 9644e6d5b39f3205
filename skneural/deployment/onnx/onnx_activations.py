"""Activations, and inverse links of losses, as formulas in ONNX: one function each, and their registries at the end.

A formula takes the activation and its pre-activations as a :class:`skneural.deployment.onnx.onnx_graph.Tensor` (and its
learned parameters, if there are any, as an array) and returns the activations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy.special import erfcx

from skneural.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    Identity,
    LeakyReLU,
    Logistic,
    Maxout,
    Mish,
    PReLU,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from skneural.deployment.onnx.onnx_graph import Tensor
from skneural.losses import (
    AbsoluteError,
    Huber,
    LogisticLoss,
    Loss,
    PoissonLoss,
    Quantile,
    SoftmaxCrossEntropy,
    SquaredError,
)

Array = NDArray[Any]


def prelu(activation: PReLU, Z: Tensor, slopes: Array) -> Tensor:
    """A = max(Z, 0) + slopes · min(Z, 0)."""
    return Z.maximum(0) + Z.minimum(0) * slopes


def elu(activation: ELU, Z: Tensor) -> Tensor:
    """A = max(Z, 0) + alpha · (exp(min(Z, 0)) - 1)."""
    return Z.maximum(0) + activation.alpha * expm1(Z.minimum(0))


def selu(activation: SELU, Z: Tensor) -> Tensor:
    """A = scale · max(Z, 0) + scale · alpha · (exp(min(Z, 0)) - 1)."""
    return activation.scale * Z.maximum(0) + activation.scale * activation.alpha * expm1(Z.minimum(0))


def expm1(Z: Tensor) -> Tensor:
    """Return exp(Z) - 1 for Z <= 0, as tanh(Z / 2) · (exp(Z) + 1), which does not cancel near zero."""
    return (Z * 0.5).tanh() * (Z.exp() + 1)


def maxout(activation: Maxout, Z: Tensor) -> Tensor:
    """A = the largest of each unit's pre-activations, which lie piece after piece."""
    pieces = Z.reshape(0, activation.n_pieces, -1)
    first, *others = [pieces.take(i, axis=1) for i in range(activation.n_pieces)]
    return first.maximum(*others)


def silu(activation: SiLU, Z: Tensor) -> Tensor:
    """A = (max(Z, 0) + min(Z, 0) · w) / (1 + w), w = exp(-|Z|): Z · sigmoid(Z) with the digits of small values."""
    w = (-Z.abs()).exp()
    return (Z.maximum(0) + Z.minimum(0) * w) / (w + 1)


def softplus(activation: Softplus, Z: Tensor) -> Tensor:
    """A = max(Z, 0) + log(1 + exp(-|Z|)), which cannot overflow."""
    return Z.maximum(0) + ((-Z.abs()).exp() + 1).log()


def mish(activation: Mish, Z: Tensor) -> Tensor:
    """A = Z · n / (n + 2), n = w (w + 2), w = exp(Z): tanh(log(1 + w)), which is 1 to the last digit from Z = 20 on."""
    w = Z.minimum(20).exp()
    n = w * (w + 2)
    return Z * (n / (n + 2))


def gelu(activation: GELU, Z: Tensor) -> Tensor:
    """A = Z · Phi(Z)."""
    return Z * (phi_by_erf(Z) if Z.dtype == np.float32 else phi_by_polynomial(Z))


def phi_by_erf(Z: Tensor) -> Tensor:
    """Phi(Z) by the operator Erf, which onnxruntime has in float32 only."""
    return 0.5 + 0.5 * (Z * np.sqrt(0.5)).apply("Erf")


def phi_by_polynomial(Z: Tensor) -> Tensor:
    """Phi(Z) to 1e-14: exp(-x²) erfcx(x) / 2 with x = |Z| / √2 on the left, one minus that on the right.

    (1 + x / k) erfcx(x) is a polynomial in t = (k - x) / (k + x), to the last digit; evaluated by Horner's rule.
    """
    x = Z.abs().minimum(40) * np.sqrt(0.5)  # where Phi(-|Z|) is zero already, and no square can overflow
    t = (MIDDLE - x) / (MIDDLE + x)
    *lower, highest = scaled_erfcx()
    value = t * highest
    for coefficient in lower[:0:-1]:
        value = (value + coefficient) * t
    tail = (value + lower[0]) / (x * (2 / MIDDLE) + 2) * (-(x * x)).exp()
    positive = Z.apply("Sign").maximum(0)
    return positive + tail - 2 * positive * tail  # tail, or 1 - tail


MIDDLE = 4.0  # measured: the polynomial of degree 20 is exact for middles from 3 to 5


@cache
def scaled_erfcx() -> tuple[float, ...]:
    """Coefficients of (1 + x / k) erfcx(x) as a polynomial in t, from the constant up."""

    def function(t: Any) -> Any:
        x = MIDDLE * (1 - t) / (1 + t)
        return erfcx(x) * (1 + x / MIDDLE)

    return tuple(chebyshev.cheb2poly(chebyshev.chebinterpolate(function, 20)).tolist())


FORMULAS: dict[type[Activation], Callable[..., Tensor]] = {
    Identity: lambda activation, Z: Z,
    Logistic: lambda activation, Z: Z.sigmoid(),
    Tanh: lambda activation, Z: Z.tanh(),
    ReLU: lambda activation, Z: Z.maximum(0),
    LeakyReLU: lambda activation, Z: Z.maximum(Z * activation.negative_slope),
    PReLU: prelu,
    ELU: elu,
    Maxout: maxout,
    SELU: selu,
    GELU: gelu,
    SiLU: silu,
    Softplus: softplus,
    Mish: mish,
}

# Inverse links: from the network's raw output to probabilities, or to the predicted mean.
LINKS: dict[type[Loss], Callable[[Tensor], Tensor]] = {
    SoftmaxCrossEntropy: Tensor.softmax,
    LogisticLoss: Tensor.sigmoid,
    SquaredError: lambda F: F,
    AbsoluteError: lambda F: F,
    Huber: lambda F: F,
    Quantile: Tensor.sort,
    PoissonLoss: Tensor.exp,
}


def activation_formula(activation: Activation) -> Callable[..., Tensor]:
    """Return the formula of an activation; a ValueError says how to supply one."""
    return _registered(FORMULAS, activation, "FORMULAS", "lambda activation, Z: Z.maximum(-1).minimum(1)")


def link_formula(loss: Loss) -> Callable[[Tensor], Tensor]:
    """Return the inverse link of a loss; a ValueError says how to supply one."""
    return _registered(LINKS, loss, "LINKS", "lambda F: F.exp()")


def _registered(registry: dict[type, Callable], part: Any, name: str, example: str) -> Callable:
    kind = type(part)  # exactly: a subclass may compute something else
    if kind not in registry:
        raise ValueError(
            f"{kind.__name__} has no formula in ONNX. Add one to skneural.deployment.onnx.onnx_activations.{name}, "
            f"such as {name}[{kind.__name__}] = {example}; its operators are the methods of "
            "skneural.deployment.onnx.onnx_graph.Tensor."
        )
    return registry[kind]
