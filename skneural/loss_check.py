"""Check that a user's own loss fulfils the contract of `Loss`, before its faults show as NumPy errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.component import check_signature
from skneural.losses import Loss

Array = NDArray[Any]


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
    >>> from skneural.loss_check import evaluate_checked
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
    n_rows = len(F)
    _check_array(f"{loss!r}.evaluate", losses, "one loss per row", (n_rows,))
    _check_array(f"{loss!r}.evaluate", gradient, "the gradient in F", F.shape)
    wrong = np.isnan(losses) | np.isnan(gradient).any(axis=1)
    if wrong.any() and np.isfinite(F).all():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{loss!r}.evaluate must return numbers for finite F. Got loss {losses[row]} and gradient {gradient[row]} "
            f"for F = {F[row]} and Y = {Y[row]}, in row {row} of the first rows of training."
        )
    _check_prediction(loss, F)
    return losses, gradient


def _check_prediction(loss: Loss, F: Array) -> None:
    name = f"{loss!r}.predict"
    check_signature(name, loss.predict, "predict(F)", F)
    prediction = loss.predict(F.copy())
    n_columns = prediction.shape[1] if np.ndim(prediction) == 2 else F.shape[1]
    _check_array(name, prediction, "a prediction for each output", (len(F), n_columns))
    if np.isnan(prediction).any() and np.isfinite(F).all():
        row = int(np.flatnonzero(np.isnan(prediction).any(axis=1))[0])
        raise ValueError(f"{name} must return numbers for finite F. Got {prediction[row]} for F = {F[row]}.")


def _check_array(name: str, array: Any, meaning: str, shape: tuple[int, ...]) -> None:
    if not (isinstance(array, np.ndarray) and array.dtype.kind in "fiub"):
        got = f"an array of {array.dtype}" if isinstance(array, np.ndarray) else repr(array)
        raise TypeError(f"{name} must return {meaning}, an array of real numbers. Got {got}.")
    if array.shape != shape:
        raise ValueError(f"{name} must return {meaning}, of shape {shape}. Got shape {array.shape}.")
