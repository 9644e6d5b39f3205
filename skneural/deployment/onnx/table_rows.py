"""Rows of a table, as a graph takes them: a column of numbers, bools or text per input, of no other type.

ONNX has no missing text: the empty string stands for it. Text is what :mod:`skneural.preprocessing.table_columns` makes
of cells, so that a level is spelled in the graph as in the encoder.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skneural._sklearn_compat import is_frame
from skneural.deployment.optional_dependencies import import_optional_dependency
from skneural.preprocessing import TableEncoder
from skneural.preprocessing.table_columns import Column, is_number_text, read_columns

Array = NDArray[Any]

SINGLE = {"float16", "float32"}
INTEGERS = re.compile(r"u?int(8|16|32)|int64")  # those that int64 holds


def takes_table(model: Any) -> bool:
    """Return whether a TableEncoder is what reads the rows; the model as :func:`convertible` returns it."""
    if isinstance(model, Pipeline):
        return takes_table(model.steps[0][1])
    parts = getattr(model, "estimators_", None)
    return isinstance(model, TableEncoder) or (isinstance(parts, list) and any(map(takes_table, parts)))


def table_rows(X: Any) -> dict[str, Array]:
    """Return the rows of a table as arrays of float32, float64, int64, bool or text, with the names of the inputs.

    Parameters
    ----------
    X : DataFrame of pandas or Polars, or ndarray of shape (n_rows, n_features)

    Returns
    -------
    rows : dict of str to ndarray
        For each column of a DataFrame one of shape (n_rows, 1); else one, "X", of shape (n_rows, n_features).

    Raises
    ------
    TypeError, ValueError
        If the encoder would raise; if columns of an array are of different types.
    """
    if is_frame(X):
        columns = read_columns(X)
        pairs = zip(X.columns, X.dtypes, columns, strict=True)
        return {str(name): _as_array(column, str(dtype).lower())[:, np.newaxis] for name, dtype, column in pairs}
    X = np.asarray(X)
    if X.dtype.kind in "fiub":
        return {"X": X}
    columns = [_as_array(column, "object") for column in read_columns(X.astype(object))]
    kinds = sorted({column.dtype.name for column in columns})
    if len(kinds) > 1:
        raise ValueError(
            f"X is an array with columns of different types: {', '.join(kinds)} (object is text). A graph has one type "
            "per input: pass a DataFrame, which gives an input per column, also in fit."
        )
    return {"X": np.column_stack(columns)}


def input_types(rows: dict[str, Array]) -> list[tuple[str, Any]]:
    """Return names and types of a graph's inputs, as skl2onnx takes them."""
    types = import_optional_dependency("skl2onnx.common.data_types", "onnx")
    return [(name, types._guess_numpy_type(array.dtype, [None, array.shape[1]])) for name, array in rows.items()]


def _as_array(column: Column, dtype: str) -> Array:
    """The cells of a column in a type of ONNX that holds them all."""
    cells = column.cells
    if cells.dtype == np.float64:
        if dtype in SINGLE:
            return cells.astype(np.float32)
        return cells.astype(np.int64) if INTEGERS.fullmatch(dtype) and not column.missing.any() else cells
    kinds = set(map(type, cells))
    if kinds and kinds <= {bool, np.bool_}:
        return cells.astype(bool)
    present = cells[~column.missing]
    are_text = any(isinstance(cell, str | bool | np.bool_) for cell in present)
    if len(present) and not are_text and all(map(is_number_text, set(column.texts[~column.missing]))):
        return column.numbers()  # a category of numbers
    return np.where(column.missing, "", column.texts).astype(object)
