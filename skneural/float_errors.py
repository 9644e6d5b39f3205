"""How NumPy handles floating-point errors while an estimator computes: by its defaults, not at all, or as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import numpy as np

Method = TypeVar("Method", bound=Callable[..., Any])


@contextmanager
def default_float_errors() -> Iterator[None]:
    """Handle floating-point errors by NumPy's defaults where the application has made them exceptions.

    Underflow is ordinary in a softmax, and what overflows is checked and reported with its cause. The application's
    own setting is back at the end.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.float_errors import default_float_errors
    >>> with np.errstate(all="raise"):
    ...     with default_float_errors():
    ...         print(np.exp(np.array([-1000.0])))
    [0.]
    """
    exceptions = {kind: "warn" for kind, action in np.geterr().items() if action in ("raise", "call")}
    with np.errstate(**{**exceptions, "under": "ignore"}):  # type: ignore[arg-type]
        yield


def ignore_float_errors(method: Method) -> Method:
    """Run a method as if `numpy.seterr` had never been called; what matters is checked by sentences of its own."""

    @wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return method(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


@contextmanager
def raise_on_overflow(estimator: Any) -> Iterator[None]:
    """Raise a ValueError where a result leaves the range of its dtype, instead of going on with infinity."""
    try:
        with np.errstate(over="raise"):
            yield
    except FloatingPointError as error:
        raise ValueError(
            f"X, as {type(estimator).__name__} changes it, leaves the range of its dtype ({error}). Expected values "
            "as large as those in fit: leave outliers out, or pass float64."
        ) from error
