"""Checks of how the user's own parts are called and what they return, before faults show as errors of NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.activations import ACTIVATIONS, Activation
from skneural.constraints import POSITIVE_INT
from skneural.losses import Loss
from skneural.signatures import check_signature

Array = NDArray[Any]

PACKAGE_ACTIVATIONS = {type(activation) for activation in ACTIVATIONS.values()}


def check_activations(activations: Sequence[Activation], layer_sizes: Sequence[int]) -> None:
    """Call :func:`check_activation` for the activation of each hidden layer."""
    for unchecked_activation, n_units in zip(activations, layer_sizes, strict=False):
        check_activation(unchecked_activation, n_units)


def check_activation(activation: Activation, n_units: int = 4) -> None:
    """Raise an error if an activation cannot be used, and say which of its methods is faulty.

    The methods are called with a few rows of pre-activations between -2 and 2. Whether the gradient is right is the
    business of :func:`skneural.inspection.check_gradient`. The package's own activations are not called.

    Parameters
    ----------
    activation : Activation
    n_units : int, default=4
        Number of units of the layer.

    Raises
    ------
    TypeError
        If a method has the wrong signature or returns something else than an array of real numbers.
    ValueError
        If a method returns an array of the wrong shape or numbers that are not finite, or changes its arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import Activation
    >>> from skneural.custom_component_checks import check_activation
    >>> class Cube(Activation):
    ...     def forward(self, Z, out=None):
    ...         return (Z**3).sum(axis=0)
    ...
    ...     def backward(self, dA, Z, A, out=None):
    ...         return 3 * Z**2 * dA
    >>> check_activation(Cube())
    Traceback (most recent call last):
        ...
    ValueError: Cube().forward must return an array of shape (3, 4), because Z has 3 rows and the layer has 4 units.
    Got shape (4,).
    """
    if type(activation) in PACKAGE_ACTIVATIONS:
        return
    _check_attributes(activation)
    params = _checked_initial_params(activation, n_units)
    arguments = () if not params.size else (params,)
    n_rows = 3 if n_units != 3 else 2  # another number, so that a transposed array has the wrong shape
    trial_Z = np.linspace(-2, 1.9, n_rows * n_units * activation.n_pieces).reshape(n_rows, -1)
    shape_reason = f"because Z has {n_rows} rows and the layer has {n_units} units"
    A = _call(activation, "forward", (trial_Z, *arguments), (n_rows, n_units), shape_reason)
    _check_finite(activation, "forward", A)
    dA = np.ones((n_rows, n_units))
    dZ = _call(activation, "backward", (dA, trial_Z, A, *arguments), trial_Z.shape, "the shape of Z")
    _check_finite(activation, "backward", dZ)
    if params.size:
        reason = "the shape of init_params(n_units)"
        _call(activation, "params_gradient", (dA, trial_Z, A, params), params.shape, reason)


def _check_attributes(activation: Activation) -> None:
    if not all(callable(getattr(activation, method, None)) for method in ("forward", "backward")):
        raise TypeError(
            f"The activation {activation!r} must define forward(Z, out=None) and backward(dA, Z, A, out=None)."
        )
    if not POSITIVE_INT.is_satisfied_by(activation.n_pieces):
        raise ValueError(f"{activation!r}.n_pieces must be {POSITIVE_INT}. Got {activation.n_pieces!r}.")
    if activation.init_scheme not in ("he", "glorot", "lecun"):
        raise ValueError(
            f"{activation!r}.init_scheme must be 'he', 'glorot' or 'lecun'. Got {activation.init_scheme!r}."
        )


def _check_finite(activation: Activation, method: str, returned: Array) -> None:
    if not np.isfinite(returned).all():
        faulty = returned[~np.isfinite(returned)][0]
        raise ValueError(f"{activation!r}.{method} must return finite numbers for Z between -2 and 2. Got {faulty}.")


def _checked_initial_params(activation: Activation, n_units: int) -> Array:
    params = activation.init_params(n_units)
    if not (isinstance(params, np.ndarray) and params.ndim == 1 and _is_real(params) and np.isfinite(params).all()):
        raise TypeError(f"{activation!r}.init_params must return a vector, a NumPy array of floats. Got {params!r}.")
    return params


def _call(
    activation: Activation, method: str, arguments: tuple[Array, ...], shape: tuple[int, ...], shape_reason: str
) -> Array:
    """Call a method with copies of the arguments, and return the array that it returns."""
    name, function = f"{activation!r}.{method}", getattr(activation, method)
    buffer = {} if method == "params_gradient" else {"out": np.empty(shape)}
    _check_signature(name, function, arguments, buffer)
    copies = [argument.copy() for argument in arguments]
    with np.errstate(all="ignore"):
        returned = function(*copies, **buffer)
    result = np.asarray(returned)
    if not _is_real(result):
        raise TypeError(f"{name} must return an array of real numbers. Got {_described(returned)}.")
    if result.shape != shape:
        raise ValueError(f"{name} must return an array of shape {shape}, {shape_reason}. Got shape {result.shape}.")
    if not all(map(np.array_equal, copies, arguments)):
        raise ValueError(f"{name} must not change its arguments, except out. It has written into one of them.")
    return result.astype(np.float64)


def _check_signature(name: str, function: Any, arguments: tuple[Array, ...], buffer: dict[str, Array]) -> None:
    method = name.rpartition(".")[2]
    names = {"forward": ["Z"], "backward": ["dA", "Z", "A"], "params_gradient": ["dA", "Z", "A"]}[method]
    expected = ", ".join([*names, *["params"] * (len(arguments) - len(names)), *["out=None"] * bool(buffer)])
    check_signature(name, function, f"{method}({expected})", *arguments, **buffer)


def _is_real(array: Array) -> bool:
    return array.dtype.kind in "fiub"


def _described(returned: Any) -> str:
    """Return what a method has returned instead of real numbers, for a message."""
    return f"an array of {returned.dtype}" if isinstance(returned, np.ndarray) else repr(returned)


def draw_checked(initializer: Any, fan_in: int, fan_out: int, rng: np.random.RandomState) -> Array:
    """Call an initializer for the weights of one layer, and return them in float64; raise what `draw` says."""
    check_signature(f"weight_init={initializer!r}", initializer, "(fan_in, fan_out, rng)", fan_in, fan_out, rng)
    returned = initializer(fan_in, fan_out, rng)
    try:
        W = np.asarray(returned)
    except ValueError:  # rows of different lengths
        W = np.asarray(returned, dtype=object)
    if not _is_real(W):
        raise TypeError(f"weight_init={initializer!r} must return an array of real numbers. Got {returned!r} instead.")
    if W.shape != (fan_in, fan_out) or not np.isfinite(W).all():
        raise ValueError(
            f"weight_init={initializer!r} must return finite weights of shape (fan_in, fan_out) = {(fan_in, fan_out)}. "
            f"Got {'an array of shape ' + str(W.shape) if W.shape != (fan_in, fan_out) else 'NaN or infinity'}."
        )
    return W.astype(np.float64, copy=False)


def evaluate_checked(loss: Loss, F: Array, Y: Array, out: Array | None = None) -> tuple[Array, Array]:
    """Call ``loss.evaluate`` and ``loss.predict`` once, for the first rows of training, and check what they return.

    Whether the gradient is right is the business of :func:`skneural.inspection.check_gradient`.

    Parameters
    ----------
    loss : Loss
    F : ndarray of shape (n_rows, n_outputs)
        Raw outputs.
    Y : ndarray
        Targets as the loss takes them.
    out : ndarray of the shape of `F` or None, default=None
        Memory for the gradient.

    Returns
    -------
    losses, gradient : ndarray of shape (n_rows,) and (n_rows, n_outputs)
        What ``loss.evaluate`` returned.

    Raises
    ------
    TypeError
        If a method returns something else than arrays of real numbers.
    ValueError
        If an array has the wrong shape, or holds NaN although the raw outputs are finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.custom_component_checks import evaluate_checked
    >>> from skneural.losses import Loss
    >>> class Squares(Loss):
    ...     inverse_link = "identity"
    ...
    ...     def evaluate(self, F, Y, out=None):
    ...         return (F - Y) ** 2, 2 * (F - Y)
    ...
    ...     def predict(self, F):
    ...         return F
    >>> evaluate_checked(Squares(), np.ones((3, 1)), np.zeros((3, 1)))
    Traceback (most recent call last):
        ...
    ValueError: Squares().evaluate must return one loss per row, of shape (3,). Got shape (3, 1).
    """
    check_signature(f"{loss!r}.evaluate", loss.evaluate, "evaluate(F, Y, out=None)", F, Y, out=out)
    returned = loss.evaluate(F, Y, out=out)
    if not (isinstance(returned, tuple) and len(returned) == 2):
        raise TypeError(
            f"{loss!r}.evaluate must return two arrays: the loss of each row, and its gradient in F. Got {returned!r}."
        )
    losses, gradient = returned
    _check_array(f"{loss!r}.evaluate", losses, "one loss per row", (len(F),))
    _check_array(f"{loss!r}.evaluate", gradient, "the gradient in F", F.shape)
    _refuse_nan_losses(loss, F, Y, losses, gradient)
    _check_prediction(loss, F)
    return losses, gradient


def _refuse_nan_losses(loss: Loss, F: Array, Y: Array, losses: Array, gradient: Array) -> None:
    """Raise ValueError if a loss or its gradient is NaN although all raw outputs are finite."""
    is_nan = np.isnan(losses) | np.isnan(gradient).any(axis=1)
    if is_nan.any() and np.isfinite(F).all():
        row = int(np.flatnonzero(is_nan)[0])
        raise ValueError(
            f"{loss!r}.evaluate must return numbers for finite F. Got loss {losses[row]} and gradient {gradient[row]} "
            f"for F = {F[row]} and Y = {Y[row]}, in row {row} of the first rows of training."
        )


def _check_prediction(loss: Loss, F: Array) -> None:
    name = f"{loss!r}.predict"
    check_signature(name, loss.predict, "predict(F)", F)
    prediction = loss.predict(F.copy())
    n_columns = prediction.shape[1] if np.ndim(prediction) == 2 else F.shape[1]
    _check_array(name, prediction, "a prediction for each output", (len(F), n_columns))
    is_nan = np.isnan(prediction).any(axis=1)
    if is_nan.any() and np.isfinite(F).all():
        row = int(np.flatnonzero(is_nan)[0])
        raise ValueError(f"{name} must return numbers for finite F. Got {prediction[row]} for F = {F[row]}.")


def _check_array(name: str, returned: Any, meaning: str, shape: tuple[int, ...]) -> None:
    if not (isinstance(returned, np.ndarray) and _is_real(returned)):
        raise TypeError(f"{name} must return {meaning}, an array of real numbers. Got {_described(returned)}.")
    if returned.shape != shape:
        raise ValueError(f"{name} must return {meaning}, of shape {shape}. Got shape {returned.shape}.")
