"""Activation functions: one short class each, and their registry at the end.

They stand in the order of the lecture on training neural networks, part 1 (docs/lecture.md), newer ones behind. An
activation maps the pre-activations `Z` of a layer, of shape (n_rows, n_units * n_pieces), to its activations `A`, of
shape (n_rows, n_units). Each formula stands beside the code that computes it. ``out`` is an optional array for the
result, as in NumPy's functions, and is never one of the other arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from skneural.component import Component
from skneural.constraints import FRACTION, POSITIVE, POSITIVE_INT, Interval

Array = NDArray[Any]

# The standard normal density, up to a factor, for means: the trapezoidal rule converges fast where a density vanishes
# at both ends.
NORMAL_GRID = np.linspace(-9, 9, 3601)
NORMAL_DENSITY = np.exp(-(NORMAL_GRID**2) / 2)


@dataclass(frozen=True)
class ActivationProperties:
    """Properties of an activation function with its present parameters, measured on the function itself.

    Parameters
    ----------
    range : tuple of float
        Smallest and largest value.
    mean : float
        Mean activation when the pre-activation is standard normal.
    saturates : {"both", "left", "right", "neither"}
        The sides on which the function becomes flat: its derivative goes to 0.
    init_scheme : {"he", "glorot", "lecun"}
        The recommended rule for the initial weights.
    gain : float
        Factor on the standard deviation of these weights.
    n_pieces : int
        Weighted sums (pre-activations) per unit: 1, except in Maxout.
    n_params : int
        Learned parameters per unit, besides weights and bias; 0 where all units share one.

    Examples
    --------
    >>> from skneural import ELU
    >>> properties = ELU(alpha=2.0).properties()
    >>> properties.range, properties.saturates, properties.init_scheme
    ((-2.0, inf), 'left', 'he')
    >>> properties.zero_centred
    True
    """

    range: tuple[float, float]
    mean: float
    saturates: str
    init_scheme: str
    gain: float
    n_pieces: int
    n_params: int

    @property
    def zero_centred(self) -> bool:
        """Whether the mean activation is small (below 0.2) for standard normal pre-activations."""
        return abs(self.mean) < 0.2


class Activation(Component):
    """Base of all activations; a user's own is a subclass with ``forward`` and ``backward``.

    ``forward(Z, out=None)`` returns the activations `A` of shape (n_rows, n_units).

    ``backward(dA, Z, A, out=None)`` returns the gradient in `Z`, given `dA`, the gradient in `A`.

    Both may ignore `out`, and neither may change its other arguments. Nothing has to be registered.

    An activation with learned parameters (a slope per unit, say) also overrides :meth:`init_params` and
    :meth:`params_gradient`; its ``forward`` and ``backward`` then receive the parameters as one more positional
    argument, a vector.

    Attributes
    ----------
    n_pieces : int
        Pre-activations per unit: 1, except in Maxout.
    init_scheme : {"he", "glorot", "lecun"}
        How ``weight_init="auto"`` draws the weights in front of this activation.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.activations import Activation
    >>> class HardTanh(Activation):
    ...     def forward(self, Z, out=None):
    ...         return np.clip(Z, -1, 1, out=out)
    ...
    ...     def backward(self, dA, Z, A, out=None):
    ...         return np.multiply(dA, np.abs(Z) < 1, out=out)
    >>> HardTanh().forward(np.array([[-3.0, 0.5, 3.0]]))
    array([[-1. ,  0.5,  1. ]])
    >>> HardTanh().properties().saturates
    'both'
    """

    n_pieces: int = 1
    init_scheme: ClassVar[str] = "he"
    forward: Callable[..., Array]
    backward: Callable[..., Array]

    def init_params(self, n_units: int) -> Array:
        """Return the initial learned parameters of a layer, a vector; empty if there are none."""
        return np.empty(0)

    def params_gradient(self, dA: Array, Z: Array, A: Array, params: Array) -> Array:
        """Return the gradient in the learned parameters, summed over the rows."""
        return np.empty(0)

    def derivative(self, Z: Array) -> Array:
        """Return the local gradient dA/dZ at each entry of `Z`, of its shape, for the initial learned parameters."""
        n_units = Z.shape[1] // self.n_pieces
        params = [vector.astype(Z.dtype) for vector in self._initial_params(n_units)]
        A = self.forward(Z, *params)
        return self.backward(np.ones_like(A), Z, A, *params)

    def properties(self) -> ActivationProperties:
        """Return range, mean, saturation and gain, measured on ``forward`` and ``backward`` at the present settings."""
        params = self._initial_params(1)
        z = np.concatenate([[-1e12], np.linspace(-40, 40, 8001), [1e12]])
        A = self.forward(self._repeat_pieces(z), *params).ravel()
        low, high = (float(a) if abs(a) < 1e3 else float(np.copysign(np.inf, a)) for a in (A.min(), A.max()))
        n_params = self.init_params(3).size // 3
        return ActivationProperties(
            (low, high), self._moment(1), self._saturated_sides(), self.init_scheme, self.gain, self.n_pieces, n_params
        )

    @property
    def gain(self) -> float:
        """Factor on the standard deviation of the weights that go with ``init_scheme``.

        - he: 1 / sqrt(E[A²]) for standard normal Z, which keeps the mean square of the signal from layer to layer
          (He et al. 2015, :arxiv:`1502.01852`): sqrt(2) for ReLU, sqrt(2 / (1 + s²)) for slope s.
        - glorot: the same for the tangent at the origin, near which these functions work: 1 / sqrt(f(0)² + f'(0)²), 1
          for tanh (Glorot & Bengio 2010), 1.79 for the logistic function, whose mean of 1/2 counts too.
        - lecun: 1 (LeCun et al. 1998), which is what SELU's constants were made for.
        """
        if self.init_scheme == "lecun":
            return 1.0
        size = float(np.sqrt(self._moment(2))) if self.init_scheme == "he" else self._tangent_size()
        if not 0 < size < np.inf:
            raise ValueError(
                f"The scheme {self.init_scheme!r} has no gain for {self!r}, whose root mean square (for standard "
                f"normal Z), or size at 0, is {size}. Set init_scheme='lecun' in its class, or choose weight_init."
            )
        return 1 / size

    def _tangent_size(self) -> float:
        """Return sqrt(f(0)² + f'(0)²)."""
        origin = np.zeros((1, self.n_pieces))
        return float(np.hypot(self.forward(origin, *self._initial_params(1)), self.derivative(origin))[0, 0])

    def _initial_params(self, n_units: int) -> tuple[Array, ...]:
        """Return the learned parameters as ``forward`` takes them: one more argument, or none."""
        params = self.init_params(n_units)
        return (params,) if params.size else ()

    def _repeat_pieces(self, z: Array) -> Array:
        """Return pre-activations of one unit, all of its pieces alike."""
        return np.repeat(z[:, None], self.n_pieces, axis=1)

    def _saturated_sides(self) -> str:
        left, right = np.abs(self.derivative(self._repeat_pieces(np.array([-30.0, 30.0])))).sum(axis=1) < 1e-3
        return {(True, True): "both", (True, False): "left", (False, True): "right"}.get((left, right), "neither")

    def _moment(self, power: int) -> float:
        """Return E[A^power] for a standard normal pre-activation."""
        A = self.forward(self._repeat_pieces(NORMAL_GRID), *self._initial_params(1)).ravel()
        return float(np.sum(A**power * NORMAL_DENSITY) / np.sum(NORMAL_DENSITY))


class Identity(Activation):
    """f(z) = z: the layer is linear.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import Identity
    >>> Identity().forward(np.array([[-2.0, 3.0]]))
    array([[-2.,  3.]])
    """

    init_scheme = "glorot"

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = Z."""
        return np.positive(Z, out=out)

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA."""
        return np.positive(dA, out=out)


class Logistic(Activation):
    """f(z) = 1 / (1 + exp(-z)), also called the sigmoid: from 0 to 1, saturates on both sides.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import Logistic
    >>> Logistic().forward(np.array([[-10.0, 0.0, 10.0]])).round(4)
    array([[0. , 0.5, 1. ]])
    >>> Logistic().derivative(np.array([[-10.0, 0.0, 10.0]])).round(4)
    array([[0.  , 0.25, 0.  ]])
    """

    init_scheme = "glorot"

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = 1 / (1 + exp(-Z))."""
        out = expit(Z, out=out)
        return out

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA · A (1 - A)."""
        out = np.subtract(1, A, out=out)
        out *= A
        out *= dA
        return out


class Tanh(Activation):
    """f(z) = tanh(z): zero-centred, saturates on both sides.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import Tanh
    >>> Tanh().forward(np.array([[-10.0, 0.0, 10.0]])).round(4)
    array([[-1.,  0.,  1.]])
    >>> Tanh().derivative(np.array([[-10.0, 0.0, 10.0]])).round(4)
    array([[0., 1., 0.]])
    """

    init_scheme = "glorot"

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = tanh(Z)."""
        return np.tanh(Z, out=out)

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA · (1 - A²)."""
        out = np.multiply(A, A, out=out)
        np.subtract(1, out, out=out)
        out *= dA
        return out


class ReLU(Activation):
    """f(z) = max(0, z): cheap, does not saturate for z > 0, flat for z <= 0 (Nair & Hinton 2010).

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import ReLU
    >>> ReLU().forward(np.array([[-10.0, 0.0, 10.0]]))
    array([[ 0.,  0., 10.]])
    >>> ReLU().derivative(np.array([[-10.0, 0.0, 10.0]]))
    array([[0., 0., 1.]])
    """

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = max(0, Z)."""
        return np.maximum(Z, 0, out=out)

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA where Z > 0, else 0."""
        return np.multiply(dA, Z > 0, out=out)


class LeakyReLU(Activation):
    """f(z) = z for z > 0, negative_slope · z otherwise: its units cannot die (Maas et al. 2013).

    Parameters
    ----------
    negative_slope : float in [0, 1], default=0.01
        Slope on the negative side.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import LeakyReLU
    >>> LeakyReLU(negative_slope=0.1).forward(np.array([[-10.0, 0.0, 10.0]]))
    array([[-1.,  0., 10.]])
    """

    _parameter_constraints = {"negative_slope": [FRACTION]}

    def __init__(self, negative_slope: float = 0.01):
        self.negative_slope = negative_slope

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = max(Z, negative_slope · Z)."""
        out = np.multiply(Z, float(self.negative_slope), out=out)  # a NumPy scalar would turn float32 to float64
        return np.maximum(Z, out, out=out)

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA where Z > 0, else negative_slope · dA."""
        out = np.multiply(dA, float(self.negative_slope), out=out)
        np.copyto(out, dA, where=Z > 0)
        return out


class PReLU(Activation):
    """f(z) = z for z > 0, a · z otherwise; the slope a is a learned parameter (He et al. 2015, :arxiv:`1502.01852`).

    The estimator's penalty does not apply to the slopes: it would pull them towards 0, the slope of ReLU.

    Parameters
    ----------
    init : float in [-1, 1], default=0.25
        Initial slope.
    shared : bool, default=False
        Whether all units of a layer share one slope, or each has its own.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import PReLU
    >>> PReLU().init_params(n_units=3)
    array([0.25, 0.25, 0.25])
    >>> PReLU().forward(np.array([[-1.0, -1.0, 2.0]]), np.array([0.1, 0.2, 0.3]))
    array([[-0.1, -0.2,  2. ]])
    """

    _parameter_constraints = {"init": [Interval(Real, -1, 1, closed="both")], "shared": ["boolean"]}

    def __init__(self, init: float = 0.25, shared: bool = False):
        self.init = init
        self.shared = shared

    def init_params(self, n_units: int) -> Array:
        """Return the initial slopes, of shape (1,) if shared, else (n_units,)."""
        return np.full(1 if self.shared else n_units, float(self.init))

    def forward(self, Z: Array, slopes: Array, out: Array | None = None) -> Array:
        """A = max(Z, 0) + slopes · min(Z, 0)."""
        out = np.multiply(Z, slopes, out=out)
        np.copyto(out, Z, where=Z > 0)
        return out

    def backward(self, dA: Array, Z: Array, A: Array, slopes: Array, out: Array | None = None) -> Array:
        """dZ = dA where Z > 0, else slopes · dA."""
        out = np.multiply(dA, slopes, out=out)
        np.copyto(out, dA, where=Z > 0)
        return out

    def params_gradient(self, dA: Array, Z: Array, A: Array, params: Array) -> Array:
        """dslopes = Σ dA · min(Z, 0), over the rows, and over the units if shared."""
        per_unit: Array = np.einsum("ij,ij->j", dA, np.minimum(Z, 0))
        return per_unit.sum(keepdims=True) if self.shared else per_unit


class ELU(Activation):
    """f(z) = z for z > 0, alpha · (exp(z) - 1) otherwise (Clevert et al. 2016, :arxiv:`1511.07289`).

    Parameters
    ----------
    alpha : float in (0, inf), default=1.0
        The negative side saturates at -alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import ELU
    >>> ELU().forward(np.array([[-10.0, -1.0, 10.0]])).round(3)
    array([[-1.   , -0.632, 10.   ]])
    >>> ELU(alpha=0.5).properties().range
    (-0.5, inf)
    """

    _parameter_constraints = {"alpha": [POSITIVE]}

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = Z where Z > 0, else alpha · (exp(Z) - 1)."""
        out = np.minimum(Z, 0, out=out)
        np.expm1(out, out=out)
        out *= self.alpha
        np.copyto(out, Z, where=Z > 0)
        return out

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA where Z > 0, else dA · (A + alpha)."""
        out = np.add(A, float(self.alpha), out=out)
        out *= dA
        np.copyto(out, dA, where=Z > 0)
        return out


class Maxout(Activation):
    """f(z₁, …, z_k) = max(z₁, …, z_k): each unit learns a convex function.

    Source: Goodfellow et al. 2013, :arxiv:`1302.4389`.

    Its units do not saturate and cannot die, but the layer has n_pieces times as many weights and biases. The weight
    matrix has shape (fan_in, n_pieces · n_units): first the columns of the units' first pieces, then those of their
    second pieces, and so on.

    Parameters
    ----------
    n_pieces : int in [1, inf), default=2
        Weighted sums per unit, of which it outputs the largest.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import Maxout
    >>> Z = np.array([[1.0, 2.0, 30.0, 4.0]])  # two units: their first pieces, then their second pieces
    >>> Maxout(n_pieces=2).forward(Z)
    array([[30.,  4.]])
    """

    _parameter_constraints = {"n_pieces": [POSITIVE_INT]}

    def __init__(self, n_pieces: int = 2):
        self.n_pieces = n_pieces

    def _pieces(self, Z: Array) -> list[Array]:
        n_units = Z.shape[1] // self.n_pieces
        return [Z[:, start : start + n_units] for start in range(0, Z.shape[1], n_units)]

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = the largest of each unit's pre-activations."""
        first, *others = self._pieces(Z)
        out = np.positive(first, out=out)
        for piece in others:
            np.maximum(out, piece, out=out)
        return out

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA at the (first) largest piece, 0 elsewhere."""
        out = np.empty_like(Z) if out is None else out
        not_found = np.ones(A.shape, dtype=bool)
        for piece, gradient in zip(self._pieces(Z), self._pieces(out), strict=True):
            first_largest = (piece == A) & not_found
            np.multiply(dA, first_largest, out=gradient)
            not_found ^= first_largest
        return out

    def _moment(self, power: int) -> float:
        # The largest of k standard normals has density k · phi(z) · Phi(z)^(k - 1).
        density = NORMAL_DENSITY * ndtr(NORMAL_GRID) ** (self.n_pieces - 1)
        return float(np.sum(NORMAL_GRID**power * density) / np.sum(density))


class SELU(Activation):
    """f(z) = λ · ELU(z; α), with λ and α chosen to keep mean 0 and variance 1 from layer to layer.

    Source: Klambauer et al. 2017, :arxiv:`1706.02515`.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import SELU
    >>> A = SELU().forward(np.random.RandomState(0).normal(size=(100_000, 1)))
    >>> np.round([A.mean(), A.std()], 2) + 0.0
    array([0., 1.])
    """

    init_scheme = "lecun"
    alpha = 1.6732632423543772
    scale = 1.0507009873554805

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = scale · Z where Z > 0, else scale · alpha · (exp(Z) - 1)."""
        out = np.minimum(Z, 0, out=out)
        np.expm1(out, out=out)
        out *= self.alpha
        np.copyto(out, Z, where=Z > 0)
        out *= self.scale
        return out

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = scale · dA where Z > 0, else dA · (A + scale · alpha)."""
        out = np.add(A, self.scale * self.alpha, out=out)
        np.copyto(out, self.scale, where=Z > 0)
        out *= dA
        return out


class GELU(Activation):
    """f(z) = z · Φ(z), where Φ is the standard normal distribution function.

    Source: Hendrycks & Gimpel 2016, :arxiv:`1606.08415`.

    This is the exact formula, not the approximation with tanh.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import GELU
    >>> GELU().forward(np.array([[-10.0, -1.0, 10.0]])).round(3) + 0.0
    array([[ 0.   , -0.159, 10.   ]])
    """

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = Z · Phi(Z)."""
        out = ndtr(Z, out=out)
        out *= Z
        return out

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA · (Phi(Z) + Z · phi(Z))."""
        out = np.clip(Z, -40, 40, out=out)  # where phi vanishes already, and no square can overflow
        out *= out
        out *= -0.5
        np.exp(out, out=out)
        out *= Z
        out *= 1 / np.sqrt(2 * np.pi).item()
        out += ndtr(Z)
        out *= dA
        return out


class SiLU(Activation):
    """f(z) = z / (1 + exp(-z)), also called swish (Elfwing et al. 2017, :arxiv:`1702.03118`).

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import SiLU
    >>> SiLU().forward(np.array([[-1.0, 0.0, 10.0]])).round(3)
    array([[-0.269,  0.   , 10.   ]])
    """

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = Z · sigmoid(Z)."""
        out = expit(Z, out=out)
        out *= Z
        return out

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA · (s + A (1 - s)), s = sigmoid(Z)."""
        s = expit(Z)
        out = np.subtract(1, s, out=out)
        out *= A
        out += s
        out *= dA
        return out


class Softplus(Activation):
    """f(z) = log(1 + exp(z)): a smooth ReLU (Dugas et al. 2001).

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import Softplus
    >>> Softplus().forward(np.array([[-10.0, 0.0, 10.0]])).round(3)
    array([[ 0.   ,  0.693, 10.   ]])
    """

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = max(Z, 0) + log1p(exp(-abs(Z))), which cannot overflow."""
        out = np.copysign(Z, -1, out=out)  # -abs(Z)
        np.exp(out, out=out)
        np.log1p(out, out=out)
        out += np.maximum(Z, 0)
        return out

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA · sigmoid(Z)."""
        out = expit(Z, out=out)
        out *= dA
        return out


class Mish(Activation):
    """f(z) = z · tanh(log(1 + exp(z))) (Misra 2019, :arxiv:`1908.08681`).

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import Mish
    >>> Mish().forward(np.array([[-1.0, 0.0, 10.0]])).round(3)
    array([[-0.303,  0.   , 10.   ]])
    """

    def forward(self, Z: Array, out: Array | None = None) -> Array:
        """A = Z · tanh(softplus(Z))."""
        out = Softplus().forward(Z, out=out)
        np.tanh(out, out=out)
        out *= Z
        return out

    def backward(self, dA: Array, Z: Array, A: Array, out: Array | None = None) -> Array:
        """dZ = dA · (t + Z · (1 - t²) · sigmoid(Z)), t = tanh(softplus(Z))."""
        t = np.tanh(Softplus().forward(Z))
        out = np.multiply(t, t, out=out)
        np.subtract(1, out, out=out)
        out *= expit(Z)
        out *= Z
        out += t
        out *= dA
        return out


ACTIVATIONS: dict[str, Activation] = {
    "identity": Identity(),
    "logistic": Logistic(),
    "sigmoid": Logistic(),
    "tanh": Tanh(),
    "relu": ReLU(),
    "leaky_relu": LeakyReLU(),
    "prelu": PReLU(),
    "elu": ELU(),
    "maxout": Maxout(),
    "selu": SELU(),
    "gelu": GELU(),
    "silu": SiLU(),
    "swish": SiLU(),
    "softplus": Softplus(),
    "mish": Mish(),
}
