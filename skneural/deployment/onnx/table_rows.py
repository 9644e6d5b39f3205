"""Rows of a table, as a graph takes them: a column of numbers, bools or text per input, of no other type.

ONNX has no missing text: the empty string stands for it. Text is what :mod:`skneural.preprocessing.table_columns` makes
of cells, so that a level is spelled in the graph as in the encoder.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from skneural._sklearn_compat import is_frame, validate_table
from skneural.deployment.optional_dependencies import import_optional_dependency
from skneural.preprocessing import TableEncoder
from skneural.preprocessing.table_columns import Column, is_number_text, read_columns

Array = NDArray[Any]

# The types of inputs, by those of arrays.
TYPES = {
    "float32": "FloatTensorType",
    "float64": "DoubleTensorType",
    "int64": "Int64TensorType",
    "bool": "BooleanTensorType",
    "object": "StringTensorType",
}
SINGLE = {"float16", "float32"}
INTEGERS = re.compile(r"u?int(8|16|32)|int64")  # those that int64 holds


def takes_table(model: Any) -> bool:
    """Return whether a TableEncoder reads the rows; the model as :func:`convertible` returns it."""
    return bool(_first_encoders(model))


def _first_encoders(model: Any) -> list[TableEncoder]:
    """Return the encoders that read the rows; of a ColumnTransformer, whose steps share them, those with categories."""
    if isinstance(model, TableEncoder):
        return [model]
    if isinstance(model, Pipeline):
        return _first_encoders(model.steps[0][1])
    if isinstance(model, ColumnTransformer):
        encoders = [each for _, step, _ in model.transformers_ for each in _first_encoders(step)]
        return [each for each in encoders if each.is_categorical_.any()]
    parts = getattr(model, "estimators_", [step for _, step in getattr(model, "transformer_list", [])])
    return [each for part in parts for each in _first_encoders(part)] if isinstance(parts, list) else []


def table_rows(model: Any, X: Any) -> dict[str, Array]:
    """Return the rows of a table as arrays of float32, float64, int64, bool or text, with the names of the inputs.

    Parameters
    ----------
    model : estimator
        Fitted; the names of the columns are compared with those that it knows.
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
        columns = read_columns(validate_table(model, X, reset=False))
        pairs = zip(X.columns, X.dtypes, columns, strict=True)
        return {str(name): _as_array(column, str(dtype).lower())[:, np.newaxis] for name, dtype, column in pairs}
    X = np.asarray(X)
    if X.dtype.kind in "fiub":
        return {"X": X if X.dtype == bool else X.astype(_number_type(X.dtype.name))}
    arrays = [_as_array(column, "object") for column in read_columns(X.astype(object))]
    kinds = sorted({array.dtype.name for array in arrays})
    if len(kinds) > 1:
        raise ValueError(
            f"X is an array with columns of different types: {', '.join(kinds)} (object is text). A graph has one type "
            "per input: pass a DataFrame, which gives an input per column, also in fit."
        )
    return {"X": np.column_stack(arrays)}


def input_types(rows: dict[str, Array]) -> list[tuple[str, Any]]:
    """Return names and types of a graph's inputs, as skl2onnx takes them."""
    types = import_optional_dependency("skl2onnx.common.data_types", "onnx")
    return [(name, getattr(types, TYPES[array.dtype.name])([None, array.shape[1]])) for name, array in rows.items()]


def _number_type(dtype: str) -> type:
    """Return which of float32, float64 and int64 holds the numbers of a dtype of NumPy, pandas or Polars."""
    return np.float32 if dtype in SINGLE else np.int64 if INTEGERS.fullmatch(dtype) else np.float64


def _as_array(column: Column, dtype: str) -> Array:
    """The cells of a column in a type of ONNX that holds them all."""
    cells = column.cells
    if cells.dtype == np.float64:
        number_type = _number_type(dtype)
        return cells if number_type is np.int64 and column.missing.any() else cells.astype(number_type)
    kinds = set(map(type, cells))
    if kinds and kinds <= {bool, np.bool_}:
        return cells.astype(bool)
    present = cells[~column.missing]
    are_text = any(isinstance(cell, str | bool | np.bool_) for cell in present)
    if len(present) and not are_text and all(map(is_number_text, set(column.texts[~column.missing]))):
        return column.numbers()  # a category of numbers
    return np.where(column.missing, "", column.texts).astype(object)
