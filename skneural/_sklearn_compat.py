"""Compatibility with versions of scikit-learn: the only module that imports its private or version-dependent names.

The rest of the package imports them from here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn.base import _fit_context
from sklearn.decomposition._pca import _infer_dimension
from sklearn.utils import _param_validation, _safe_indexing, validation
from sklearn.utils._param_validation import RealNotInt
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_feature_names_in

from skneural import constraints
from skneural.backend import readable_array
from skneural.input_arrays import cell_array, is_frame, plain_array, refuse_invalid_indices

try:
    from sklearn.callback import CallbackSupportMixin  # scikit-learn 1.9
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Replacement for scikit-learn before 1.9, which has no callbacks: none can be set."""


def accepts_sample_weight(scorer: Callable) -> bool:
    """Return whether a scorer, or the metric inside one of scikit-learn's, takes sample weights."""
    try:
        scorer_parameters = signature(getattr(scorer, "_score_func", scorer)).parameters
    except ValueError:  # a compiled function need not have one
        return False
    takes_any_keyword = any(each.kind is Parameter.VAR_KEYWORD for each in scorer_parameters.values())
    return takes_any_keyword or "sample_weight" in scorer_parameters


def belongs_to_scikit_learn(name: str) -> bool:
    """Return whether scikit-learn itself sets an attribute of that name: for output, metadata routing, callbacks."""
    return name in ("_metadata_request", "_callback_fit_ctx", "_parent_callback_ctx") or name.startswith("_skl")


def _with_sentences(check: Callable) -> Callable:
    """Let a check of scikit-learn's say what was expected where NumPy and Python only say what failed.

    Checks run as if `numpy.seterr` had never been called: they find infinity and NaN by computing with them.
    """

    @wraps(check)
    def checked(*args: Any, **how: Any) -> Any:
        try:
            with np.errstate(all="ignore"):
                return check(*args, **how)
        except OverflowError as error:
            raise ValueError(f"Expected numbers within the range of float64: {error}.") from error
        except TypeError as error:
            if "float() argument" in str(error):
                raise TypeError(f"Expected numbers, and NaN where they are missing: {error}.") from error
            raise

    return checked


@_with_sentences
def validate_data(estimator: Any, X: Any, *y: Any, **how: Any) -> Any:
    """Call scikit-learn's function of this name, with X and the targets of a regression as plain arrays of numbers."""
    refuse_invalid_indices(X)
    y = tuple(map(plain_array, y)) if how.get("y_numeric") else y
    checked = validation.validate_data(estimator, plain_array(X), *y, **how)
    return (readable_array(checked[0]), *checked[1:]) if isinstance(checked, tuple) else readable_array(checked)


@_with_sentences
def validate_table(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Check names, number and shape of the columns of a table as scikit-learn's `validate_data` does, not its cells.

    A table of pandas or Polars is returned as it is, anything else as an array, of objects where kinds are mixed.
    """
    if is_frame(X):
        validation.check_array(np.broadcast_to(np.False_, X.shape))  # for its errors on tables without rows or columns
        return validation.validate_data(estimator, X, reset=reset, skip_check_array=True)
    return validation.validate_data(estimator, cell_array(X), reset=reset, dtype=None, ensure_all_finite=False)


@_with_sentences
def check_array(X: Any, **how: Any) -> Any:
    """Call scikit-learn's function of this name, with X as a plain array of numbers."""
    refuse_invalid_indices(X)
    return readable_array(validation.check_array(plain_array(X), **how))


@_with_sentences
def _check_sample_weight(sample_weight: Any, X: Any, **how: Any) -> Any:
    return validation._check_sample_weight(plain_array(sample_weight), X, **how)


@contextmanager
def without_callbacks(model: Any) -> Iterator[None]:
    """Take the callbacks from an estimator, or from a pipeline and its steps, and give them back at the end."""
    estimators = [model, *(step for _, step in getattr(model, "steps", []))]
    with_callbacks = [each for each in estimators if "_skl_callbacks" in getattr(each, "__dict__", {})]
    taken_callbacks = [each.__dict__.pop("_skl_callbacks") for each in with_callbacks]
    try:
        yield
    finally:
        for each, its_callbacks in zip(with_callbacks, taken_callbacks, strict=True):
            each._skl_callbacks = its_callbacks


def progress_bar() -> Any:
    """Return scikit-learn's callback that draws a progress bar, or None where it or what it needs is not installed."""
    try:
        from sklearn.callback import ProgressBar

        return ProgressBar()
    except ImportError:
        return None


# So that scikit-learn's validation of parameters, and its common checks, accept our constraints.
_param_validation.Interval.register(constraints.Interval)
_param_validation.Options.register(constraints.Options)
_param_validation.StrOptions.register(constraints.StrOptions)


__all__ = [
    "CallbackSupportMixin",
    "RealNotInt",
    "_check_feature_names_in",
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_fit_context",
    "_infer_dimension",
    "_safe_indexing",
    "accepts_sample_weight",
    "belongs_to_scikit_learn",
    "check_array",
    "progress_bar",
    "validate_data",
    "validate_table",
    "without_callbacks",
]
