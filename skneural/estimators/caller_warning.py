"""Warnings that point to the user's own line, however many calls of this package and scikit-learn lie between."""

from __future__ import annotations

import inspect
import warnings

LIBRARIES = ("skneural", "sklearn", "joblib")


def warn_caller(message: str | Warning, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line that belongs neither to this package nor to scikit-learn.

    Parameters
    ----------
    message : str or Warning
    category : type of Warning, default=UserWarning
        Of a message that is text.

    Examples
    --------
    >>> import warnings
    >>> from skneural.estimators.caller_warning import warn_caller
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_caller("mind the gap")
    >>> print(caught[0].message)
    mind the gap
    """
    frame, level = inspect.currentframe(), 0
    while frame is not None and _is_library(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=max(level + 1, 2))


def _is_library(module: str) -> bool:
    return module.split(".")[0] in LIBRARIES
