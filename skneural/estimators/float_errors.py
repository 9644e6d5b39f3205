"""NumPy's handling of floating-point errors while an estimator computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def default_float_errors() -> Iterator[None]:
    """Handle floating-point errors by NumPy's defaults where the application has made them exceptions.

    Underflow is ordinary in a softmax, and what overflows is checked and reported with its cause. The application's
    own setting is back at the end.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.float_errors import default_float_errors
    >>> with np.errstate(all="raise"):
    ...     with default_float_errors():
    ...         print(np.exp(np.array([-1000.0])))
    [0.]
    """
    exceptions = {kind: "warn" for kind, action in np.geterr().items() if action in ("raise", "call")}
    with np.errstate(**{**exceptions, "under": "ignore"}):  # type: ignore[arg-type]
        yield
