"""Compatibility with versions of scikit-learn: the only module that imports its private or version-dependent names.

The rest of the package imports them from here.
"""

import datetime
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import _fit_context
from sklearn.decomposition._pca import _infer_dimension
from sklearn.utils import _param_validation, _safe_indexing, validation
from sklearn.utils._param_validation import RealNotInt
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_feature_names_in

from skneural import constraints

try:
    from sklearn.callback import CallbackSupportMixin  # scikit-learn 1.9
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Replacement for scikit-learn before 1.9, which has no callbacks: none can be set."""


def accepts_sample_weight(scorer: Callable) -> bool:
    """Return whether a scorer, or the metric inside one of scikit-learn's, takes sample weights."""
    try:
        parameters = signature(getattr(scorer, "_score_func", scorer)).parameters
    except ValueError:  # a compiled function need not have one
        return False
    return "sample_weight" in parameters or any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


def belongs_to_scikit_learn(name: str) -> bool:
    """Return whether scikit-learn itself sets an attribute of that name: for output, metadata routing, callbacks."""
    return name in ("_metadata_request", "_callback_fit_ctx", "_parent_callback_ctx") or name.startswith("_skl")


# What NumPy would convert to a number of days, seconds or nanoseconds.
TEMPORAL = (np.datetime64, np.timedelta64, datetime.date, datetime.time, datetime.timedelta)


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


def _plain(X: Any) -> Any:
    """Return X as an array if it is a list, or an array by protocol alone; dates and durations are a ValueError.

    Tables, sparse matrices and whatever else has a shape stay as they are, apart from masked numbers, which become NaN.
    """
    if sparse.issparse(X) or X is None:
        return X
    X = _array_by_protocol(X) if _needs_conversion(X) else X
    _refuse_dates(X)
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X if X.dtype.kind == "f" else X.astype(np.float64), np.nan)
    return X


def _needs_conversion(X: Any) -> bool:
    """Return whether X is a sequence, or an array by protocol alone."""
    if sparse.issparse(X) or X is None:
        return False
    return not hasattr(X, "shape") or (hasattr(X, "__array_namespace__") and not hasattr(X, "__array__"))


def _array_by_protocol(X: Any) -> Any:
    """Return the array that X gives by a protocol or as a sequence, or X itself, which scikit-learn then refuses."""
    if hasattr(X, "__array_namespace__") and not hasattr(X, "__array__"):
        try:
            return np.from_dlpack(X)
        except (AttributeError, TypeError, BufferError, RuntimeError) as error:
            raise TypeError(
                f"Expected an array that NumPy can read, by __array__ or __dlpack__. Got {type(X).__name__}: {error}."
            ) from error
    try:
        array = np.asarray(X)
    except TypeError:  # of rows that mix dates with numbers
        array = np.asarray(X, dtype=object)
    except ValueError:  # of rows of different lengths
        return X
    return array if array.ndim else X


def _refuse_dates(X: Any) -> None:
    """Raise ValueError if X has dates or durations, which would be computed with in their unit, such as nanoseconds."""
    dtypes = list(X.dtypes) if is_frame(X) else [getattr(X, "dtype", None)]
    found = next((dtype for dtype in dtypes if is_temporal(dtype)), None)
    if found is None and not all(map(_is_numeric_or_text, dtypes)):
        values = np.asarray(X)
        found = next((each for each in values.flat if is_temporal(values.dtype) or isinstance(each, TEMPORAL)), None)
    if found is not None:
        raise ValueError(
            f"Expected numbers. Got dates, times or durations ({found!r}): turn them into numbers of a unit first, "
            "for example (dates - dates.min()) / np.timedelta64(1, 'D')."
        )


def is_temporal(dtype: Any) -> bool:
    """Return whether a dtype of NumPy, pandas or Polars is one of dates, times or durations."""
    return getattr(dtype, "kind", "") in ("m", "M") or (hasattr(dtype, "is_temporal") and dtype.is_temporal())


def _is_numeric_or_text(dtype: Any) -> bool:
    """Return whether a dtype of NumPy, pandas or Polars has no room for dates."""
    kind = getattr(dtype, "kind", None)
    return kind in set("biufcSUV") if kind is not None else hasattr(dtype, "is_numeric") and dtype.is_numeric()


def _refuse_invalid_indices(X: Any) -> None:
    """Raise ValueError if a sparse matrix has indices out of bounds: SciPy would read and write outside its arrays."""
    if not (sparse.issparse(X) and X.format in ("csr", "csc", "coo")):
        return
    if X.format != "coo":
        starts, n_stored = X.indptr, min(len(X.data), len(X.indices))
        if len(starts) and not (starts[0] == 0 and (np.diff(starts) >= 0).all() and starts[-1] <= n_stored):
            raise ValueError(
                f"A sparse matrix of shape {X.shape} has row or column starts (indptr) that do not rise from 0 to at "
                f"most {n_stored}, the number of its entries. Build it anew, or check it with its method check_format."
            )
    pointers = [X.row, X.col] if X.format == "coo" else [X.indices]
    limits = X.shape if X.format == "coo" else X.shape[:0:-1] if X.format == "csr" else X.shape[:1]
    for index, limit in zip(pointers, limits, strict=True):
        if len(index) and not (index.min() >= 0 and index.max() < limit):
            raise ValueError(
                f"A sparse matrix of shape {X.shape} has indices from {index.min()} to {index.max()} where only 0 to "
                f"{limit - 1} exist. Build it anew, or check it with its method check_format."
            )


def _readable(X: Any) -> Any:
    """Return X as compiled code needs it: aligned, in native byte order, the arrays of sparse X contiguous."""
    if sparse.issparse(X):
        parts = [part for part in vars(X).values() if isinstance(part, np.ndarray)]
        readable = all(part.flags.aligned and part.flags.c_contiguous for part in parts)
    else:
        readable = X.flags.aligned
    X = X if readable else X.copy()
    return X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))


@_with_sentences
def validate_data(estimator: Any, X: Any, *y: Any, **how: Any) -> Any:
    """Call scikit-learn's function of this name, with X and the targets of a regression as plain arrays of numbers."""
    _refuse_invalid_indices(X)
    y = tuple(map(_plain, y)) if how.get("y_numeric") else y
    checked = validation.validate_data(estimator, _plain(X), *y, **how)
    return (_readable(checked[0]), *checked[1:]) if isinstance(checked, tuple) else _readable(checked)


@_with_sentences
def validate_table(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Check names, number and shape of the columns of a table as scikit-learn's `validate_data` does, not its cells.

    A table of pandas or Polars is returned as it is, anything else as an array, of objects where kinds are mixed.
    """
    if is_frame(X):
        validation.check_array(np.broadcast_to(np.False_, X.shape))  # for its errors on tables without rows or columns
        return validation.validate_data(estimator, X, reset=reset, skip_check_array=True)
    if isinstance(X, np.ma.MaskedArray):
        masked, X = np.ma.getmaskarray(X), np.array(X.data, dtype=object)
        X[masked] = None
    elif _needs_conversion(X):
        array = _array_by_protocol(X)
        # NumPy makes text of all cells if one of them is: None, NaN and numbers too.
        X = np.asarray(X, dtype=object) if getattr(array, "dtype", np.dtype(float)).kind in "US" else array
    return validation.validate_data(estimator, X, reset=reset, dtype=None, ensure_all_finite=False)


def is_frame(X: Any) -> bool:
    """Return whether X is a table of pandas or Polars, or of a library like them."""
    return all(hasattr(X, name) for name in ("shape", "columns", "dtypes"))


@_with_sentences
def check_array(X: Any, **how: Any) -> Any:
    """Call scikit-learn's function of this name, with X as a plain array of numbers."""
    _refuse_invalid_indices(X)
    return _readable(validation.check_array(_plain(X), **how))


@_with_sentences
def _check_sample_weight(sample_weight: Any, X: Any, **how: Any) -> Any:
    weights = validation._check_sample_weight(_plain(sample_weight), X, **how)
    if not np.isfinite(weights).all():  # scikit-learn does not check a scalar
        raise ValueError(f"sample_weight must be finite. Got {sample_weight!r}.")
    return weights


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
    "is_frame",
    "is_temporal",
    "progress_bar",
    "validate_data",
    "validate_table",
]
