"""Initializers: classes that draw the initial weights of a layer, (fan_in, fan_out, rng) -> (fan_in, fan_out) array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.activations import Activation
from skneural.component import Component, resolve
from skneural.constraints import POSITIVE, StrOptions
from skneural.custom_component_checks import draw_checked
from skneural.signatures import check_signature

Array = NDArray[Any]
InitFunction = Callable[[int, int, np.random.RandomState], Array]


class Initializer(Component):
    """Base of all initializers; called with (fan_in, fan_out, rng), returns weights of shape (fan_in, fan_out).

    The estimators take any callable with that signature as well.

    Examples
    --------
    An initializer of your own is searched and saved like the built-in ones:

    >>> import numpy as np
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.initializers import Initializer
    >>> class Signs(Initializer):
    ...     def __call__(self, fan_in, fan_out, rng):
    ...         return rng.choice([-1.0, 1.0], size=(fan_in, fan_out)) / np.sqrt(fan_in)
    >>> Signs()(4, 3, np.random.RandomState(0))
    array([[-0.5,  0.5,  0.5],
           [-0.5,  0.5,  0.5],
           [ 0.5,  0.5,  0.5],
           [ 0.5,  0.5, -0.5]])
    >>> model = ActivationMLPClassifier(weight_init=Signs())
    """

    def __call__(self, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
        """Draw the weights of one layer."""
        raise TypeError(f"{type(self).__name__} must define __call__(fan_in, fan_out, rng)")

    def bias_bound(self, fan_in: int, fan_out: int) -> float:
        """Return b, where the biases are uniform on ``bias_init`` ± b; on ± b in the output layer."""
        return 0.0

    def draw(self, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
        """Return the weights of one layer in float64; raise an error if they cannot be weights.

        Parameters
        ----------
        fan_in, fan_out : int
            Number of inputs and of units.
        rng : RandomState
            Source of random numbers.

        Returns
        -------
        W : ndarray of shape (fan_in, fan_out)
            What the initializer returned when it was called.

        Raises
        ------
        TypeError
            If that is no array of real numbers.
        ValueError
            If it has the wrong shape or is not finite.
        """
        if type(self) in PACKAGE_INITIALIZERS:
            return self(fan_in, fan_out, rng)
        return draw_checked(self, fan_in, fan_out, rng)


class VarianceScaling(Initializer):
    """Independent weights of mean 0 and variance scale / fan: He, Glorot and LeCun initialisation.

    Parameters
    ----------
    scale : float in (0, inf), default=1.0
        Numerator of the variance: 2 for He, 1 for Glorot and LeCun.
    mode : {"fan_in", "fan_avg"}, default="fan_in"
        `fan` is fan_in, or (fan_in + fan_out) / 2.
    distribution : {"uniform", "normal"}, default="uniform"
        Uniform on ±sqrt(3 · variance), or normal.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.initializers import VarianceScaling
    >>> W = VarianceScaling(scale=2.0)(1000, 50, np.random.RandomState(0))
    >>> float(round(W.var() * 1000, 1))
    2.0
    """

    _parameter_constraints = {
        "scale": [POSITIVE],
        "mode": [StrOptions({"fan_in", "fan_avg"})],
        "distribution": [StrOptions({"uniform", "normal"})],
    }

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "uniform"):
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def __call__(self, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
        """Draw the weights of one layer."""
        if self.distribution == "normal":
            return rng.normal(0, self.std(fan_in, fan_out), (fan_in, fan_out))
        bound = np.sqrt(3) * self.std(fan_in, fan_out)
        return rng.uniform(-bound, bound, (fan_in, fan_out))

    def std(self, fan_in: int, fan_out: int) -> float:
        """Return the standard deviation of the weights of one layer."""
        return float(np.sqrt(self.scale / (fan_in if self.mode == "fan_in" else (fan_in + fan_out) / 2)))


class Orthogonal(Initializer):
    """Orthonormal columns (or rows, if fan_out > fan_in) times `gain` (Saxe et al. 2014, :arxiv:`1312.6120`).

    Parameters
    ----------
    gain : float in (0, inf), default=1.0
        Length of the columns or rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.initializers import Orthogonal
    >>> W = Orthogonal()(4, 3, np.random.RandomState(0))
    >>> (W.T @ W).round(12) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """

    _parameter_constraints = {"gain": [POSITIVE]}

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
        """Draw the weights of one layer."""
        Q, R = np.linalg.qr(rng.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out))))
        Q *= np.sign(np.diag(R))  # without it the distribution is not the uniform (Haar) one
        return self.gain * (Q if fan_in >= fan_out else Q.T)


class Normal(Initializer):
    """Normal weights of the same standard deviation in all layers: "small random numbers".

    Parameters
    ----------
    std : float in (0, inf), default=0.01
        Standard deviation.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.initializers import Normal
    >>> W = Normal(std=0.01)(1000, 50, np.random.RandomState(0))
    >>> float(W.std().round(3))
    0.01
    """

    _parameter_constraints = {"std": [POSITIVE]}

    def __init__(self, std: float = 0.01):
        self.std = std

    def __call__(self, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
        """Draw the weights of one layer."""
        return rng.normal(0, self.std, (fan_in, fan_out))


class Zeros(Initializer):
    """All weights zero, for comparison only: all units of a layer stay alike.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.initializers import Zeros
    >>> Zeros()(2, 3, np.random.RandomState(0))
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """

    def __call__(self, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
        """Return zeros."""
        return np.zeros((fan_in, fan_out))


class AutoInitializer(Initializer):
    """The variance that suits the activation, for weights and biases: ``weight_init="auto"``.

    Uniform weights of variance 2 gain² / (fan_in + fan_out) for the schemes he and glorot, 1 / fan_in for lecun. The
    mean of the two fans is Glorot's compromise between the forward and the backward pass, either of which suffices for
    He's argument. Biases are uniform too: hidden ones as far around ``bias_init``, output ones as far around 0, as the
    weights around 0. Weights and then biases are drawn layer after layer, so that from the same seed they are those
    that :class:`sklearn.neural_network.MLPClassifier` draws for relu or tanh, times the gain (for the logistic function
    it divides by sqrt(3)).

    If the biases all started at one value, so would the kinks of a ReLU layer: at the origin. With few features they
    stay near it, which costs accuracy.

    Parameters
    ----------
    activation : Activation
        The activation of the layer, whose ``init_scheme`` and ``gain`` are read.

    Examples
    --------
    >>> from skneural.activations import Tanh
    >>> from skneural.initializers import AutoInitializer
    >>> AutoInitializer(Tanh()).variance_scaling
    VarianceScaling(scale=1.0, mode='fan_avg', distribution='uniform')
    """

    def __init__(self, activation: Activation):
        self.activation = activation

    @property
    def variance_scaling(self) -> VarianceScaling:
        """The initializer that draws the weights."""
        mode = "fan_in" if self.activation.init_scheme == "lecun" else "fan_avg"
        return VarianceScaling(self.activation.gain**2, mode)

    def __call__(self, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
        """Draw the weights of one layer."""
        return self.variance_scaling(fan_in, fan_out, rng)

    def bias_bound(self, fan_in: int, fan_out: int) -> float:
        """Return the bound of the uniform weights."""
        return float(np.sqrt(3) * self.variance_scaling.std(fan_in, fan_out))


class FunctionInitializer(Initializer):
    """An initializer made from a user's function.

    Parameters
    ----------
    function : callable
        Called with (fan_in, fan_out, rng); returns weights of shape (fan_in, fan_out).

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.initializers import FunctionInitializer
    >>> FunctionInitializer(lambda fan_in, fan_out, rng: np.eye(fan_in, fan_out))(2, 3, np.random.RandomState(0))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """

    def __init__(self, function: InitFunction):
        self.function = function

    def __call__(self, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
        """Return what the function returns."""
        check_signature(f"weight_init={self!r}", self.function, "(fan_in, fan_out, rng)", fan_in, fan_out, rng)
        return self.function(fan_in, fan_out, rng)


INITIALIZERS: dict[str, Initializer] = {
    "he_normal": VarianceScaling(2.0, "fan_in", "normal"),
    "he_uniform": VarianceScaling(2.0, "fan_in", "uniform"),
    "glorot_normal": VarianceScaling(1.0, "fan_avg", "normal"),
    "glorot_uniform": VarianceScaling(1.0, "fan_avg", "uniform"),
    "lecun_normal": VarianceScaling(1.0, "fan_in", "normal"),
    "lecun_uniform": VarianceScaling(1.0, "fan_in", "uniform"),
    "orthogonal": Orthogonal(),
    "normal": Normal(),
    "zeros": Zeros(),
}

# They need no check of what they return.
PACKAGE_INITIALIZERS = {AutoInitializer, *(type(initializer) for initializer in INITIALIZERS.values())}


def resolve_initializer(choice: str | Initializer | InitFunction, activation: Activation) -> Initializer:
    """Turn the estimators' ``weight_init`` into the initializer of the layer in front of `activation`.

    Parameters
    ----------
    choice : str, Initializer or callable
        "auto", a key of `INITIALIZERS`, an object, or a function (fan_in, fan_out, rng) -> weights.
    activation : Activation
        What the weights are meant for.

    Returns
    -------
    initializer : Initializer
        With settings that have been checked.

    Raises
    ------
    ValueError
        If the name is unknown or a setting is out of range.
    TypeError
        If `choice` is none of these.

    Examples
    --------
    >>> from skneural.activations import ReLU
    >>> from skneural.initializers import resolve_initializer
    >>> resolve_initializer("orthogonal", ReLU())
    Orthogonal(gain=1.0)
    >>> resolve_initializer("auto", ReLU())
    AutoInitializer(activation=ReLU())
    """
    if choice == "auto":
        return AutoInitializer(activation)
    if callable(choice) and not isinstance(choice, Initializer | type):
        return FunctionInitializer(choice)
    return resolve(choice, INITIALIZERS, "weight_init")  # type: ignore[arg-type]  # a class is refused there
