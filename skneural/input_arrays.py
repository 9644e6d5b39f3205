"""Arrays and tables that users pass in: read by any protocol, checked for dates and broken sparse indices.

This comes before scikit-learn's own checks, which take durations for numbers and trust the indices of sparse matrices.
"""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
from scipy import sparse

# What NumPy would convert to a number of days, seconds or nanoseconds.
TEMPORAL = (np.datetime64, np.timedelta64, datetime.date, datetime.time, datetime.timedelta)


def is_frame(X: Any) -> bool:
    """Return whether X is a table of pandas or Polars, or of a library like them."""
    return all(hasattr(X, name) for name in ("shape", "columns", "dtypes"))


def plain_array(X: Any) -> Any:
    """Return X as an array if it is a list, or an array by protocol alone; dates and durations are a ValueError.

    Tables, sparse matrices and whatever else has a shape stay as they are, apart from masked numbers, which become NaN.
    """
    X = array_by_protocol(X) if needs_conversion(X) else X
    _refuse_dates(X)
    return _filled_with_nan(X) if isinstance(X, np.ma.MaskedArray) else X


def cell_array(X: Any) -> Any:
    """Return a table as an array of its cells, of objects where kinds are mixed; masked cells become None."""
    if isinstance(X, np.ma.MaskedArray):
        cells = np.array(X.data, dtype=object)
        cells[np.ma.getmaskarray(X)] = None
        return cells
    if not needs_conversion(X):
        return X
    array = array_by_protocol(X)
    # NumPy makes text of all cells if one of them is: None, NaN and numbers too.
    return np.asarray(X, dtype=object) if getattr(array, "dtype", np.dtype(float)).kind in "US" else array


def _filled_with_nan(X: Any) -> Any:
    """Return a masked array with NaN in the masked cells, in a dtype that holds both."""
    dtype = X.dtype if X.dtype.kind in "fc" else np.float64 if X.dtype.kind in "biu" else object
    return np.ma.filled(np.ma.masked_array(X.data, X.mask, dtype), np.nan)


def needs_conversion(X: Any) -> bool:
    """Return whether X is a sequence, or an array by protocol alone."""
    return X is not None and (not hasattr(X, "shape") or _needs_dlpack(X))


def _needs_dlpack(X: Any) -> bool:
    return hasattr(X, "__array_namespace__") and not hasattr(X, "__array__")


def _array_by_dlpack(X: Any) -> Any:
    try:
        return np.from_dlpack(X)
    except (AttributeError, TypeError, BufferError, RuntimeError) as error:
        raise TypeError(
            f"Expected an array that NumPy can read, by __array__ or __dlpack__. Got {type(X).__name__}: {error}."
        ) from error


def array_by_protocol(X: Any) -> Any:
    """Return the array that X gives by a protocol or as a sequence, or X itself, which scikit-learn then refuses."""
    if _needs_dlpack(X):
        return _array_by_dlpack(X)
    try:
        array = np.asarray(X)
    except TypeError:  # NumPy has no dtype for rows that mix dates with numbers
        array = np.asarray(X, dtype=object)
    except ValueError:  # of rows of different lengths
        return X
    return array if array.ndim else X


def _refuse_dates(X: Any) -> None:
    """Raise ValueError if X has dates or durations, which would be computed with in their unit, such as nanoseconds."""
    dtypes = list(X.dtypes) if is_frame(X) else [getattr(X, "dtype", None)]
    temporal = next((dtype for dtype in dtypes if is_temporal(dtype)), None)
    if temporal is None and not all(map(_is_numeric_or_text, dtypes)):
        cells = np.asarray(X)
        temporal = next((each for each in cells.flat if is_temporal(cells.dtype) or isinstance(each, TEMPORAL)), None)
    if temporal is not None:
        raise ValueError(
            f"Expected numbers. Got dates, times or durations ({temporal!r}): turn them into numbers of a unit first, "
            "for example (dates - dates.min()) / np.timedelta64(1, 'D')."
        )


def is_temporal(dtype: Any) -> bool:
    """Return whether a dtype of NumPy, pandas or Polars is one of dates, times or durations."""
    return getattr(dtype, "kind", "") in ("m", "M") or (hasattr(dtype, "is_temporal") and dtype.is_temporal())


def _is_numeric_or_text(dtype: Any) -> bool:
    """Return whether a dtype of NumPy, pandas or Polars has no room for dates."""
    kind = getattr(dtype, "kind", None)
    return kind in set("biufcSUV") if kind is not None else hasattr(dtype, "is_numeric") and dtype.is_numeric()


def refuse_invalid_indices(X: Any) -> None:
    """Raise ValueError if a sparse matrix has indices out of bounds: SciPy would read and write outside its arrays."""
    if not (sparse.issparse(X) and X.format in ("csr", "csc", "coo")):
        return
    if X.format != "coo":
        _refuse_invalid_indptr(X)
    sparse_indices = [X.row, X.col] if X.format == "coo" else [X.indices]
    index_limits = X.shape if X.format == "coo" else X.shape[:0:-1] if X.format == "csr" else X.shape[:1]
    for index, index_limit in zip(sparse_indices, index_limits, strict=True):
        if len(index) and not (index.min() >= 0 and index.max() < index_limit):
            raise ValueError(
                f"A sparse matrix of shape {X.shape} has indices from {index.min()} to {index.max()} where only 0 to "
                f"{index_limit - 1} exist. Build it anew, or check it with its method check_format."
            )


def _refuse_invalid_indptr(X: Any) -> None:
    indptr, n_stored = X.indptr, min(len(X.data), len(X.indices))
    if len(indptr) and not (indptr[0] == 0 and (np.diff(indptr) >= 0).all() and indptr[-1] <= n_stored):
        raise ValueError(
            f"A sparse matrix of shape {X.shape} has row or column starts (indptr) that do not rise from 0 to at "
            f"most {n_stored}, the number of its entries. Build it anew, or check it with its method check_format."
        )
