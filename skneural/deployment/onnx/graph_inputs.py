"""The inputs of a graph: for a table, a column of numbers, bools or text per input, of no other type.

ONNX has no missing text: the empty string stands for it. Text is what :mod:`skneural.preprocessing.level_texts` makes
of cells, so that a level is spelled in the graph as in the encoder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from skneural._sklearn_compat import validate_table
from skneural.deployment.onnx.onnx_graph import Tensor
from skneural.deployment.optional_dependencies import import_optional_dependency
from skneural.input_arrays import is_frame
from skneural.preprocessing import TableEncoder
from skneural.preprocessing.level_texts import is_number_text
from skneural.preprocessing.table_columns import Column, read_columns

Array = NDArray[Any]

# The types of inputs, by those of arrays.
INPUT_TYPES = {
    "float32": "FloatTensorType",
    "float64": "DoubleTensorType",
    "int64": "Int64TensorType",
    "bool": "BooleanTensorType",
    "object": "StringTensorType",
}
FLOAT32_TYPES = {"float16", "float32"}
INT64_TYPES = re.compile(r"u?int(8|16|32)|int64")  # those that int64 holds


def takes_table(model: Any) -> bool:
    """Return whether a TableEncoder reads the rows; the model as :func:`make_convertible` returns it."""
    return bool(_encoders_of_inputs(model))


def _encoders_of_inputs(model: Any) -> list[TableEncoder]:
    """Return the encoders that read the rows; of a ColumnTransformer, whose steps share them, those with categories."""
    if isinstance(model, TableEncoder):
        return [model]
    if isinstance(model, Pipeline):
        return _encoders_of_inputs(model.steps[0][1])
    if isinstance(model, ColumnTransformer):
        encoders = [each for _, step, _ in model.transformers_ for each in _encoders_of_inputs(step)]
        return [each for each in encoders if each.is_categorical_.any()]
    parts = getattr(model, "estimators_", [step for _, step in getattr(model, "transformer_list", [])])
    return [each for part in parts for each in _encoders_of_inputs(part)] if isinstance(parts, list) else []


def table_inputs(model: Any, X: Any) -> dict[str, Array]:
    """Return the rows of a table as arrays of float32, float64, int64, bool or text, with the names of the inputs.

    Parameters
    ----------
    model : estimator
        Fitted; the names of the columns are compared with those that it knows.
    X : DataFrame of pandas or Polars, or ndarray of shape (n_rows, n_features)

    Returns
    -------
    inputs : dict of str to ndarray
        For each column of a DataFrame one of shape (n_rows, 1); else one, "X", of shape (n_rows, n_features).

    Raises
    ------
    TypeError, ValueError
        If the encoder would raise; if columns of an array are of different types.
    """
    if is_frame(X):
        columns = read_columns(validate_table(model, X, reset=False))
        pairs = zip(X.columns, X.dtypes, columns, strict=True)
        return {str(name): _input_array(column, str(dtype).lower())[:, np.newaxis] for name, dtype, column in pairs}
    return {"X": _matrix_input(np.asarray(X))}


def _matrix_input(X: Array) -> Array:
    """Return an array of numbers, bools or text in a type of ONNX; a ValueError if its columns are of several types."""
    if X.dtype.kind in "fiub":
        return X if X.dtype == bool else X.astype(_input_number_type(X.dtype.name))
    input_arrays = [_input_array(column, "object") for column in read_columns(X.astype(object))]
    types = sorted({array.dtype.name for array in input_arrays})
    if len(types) > 1:
        raise ValueError(
            f"X is an array with columns of different types: {', '.join(types)} (object is text). A graph has one type "
            "per input: pass a DataFrame, which gives an input per column, also in fit."
        )
    return np.column_stack(input_arrays)


def input_types(inputs: dict[str, Array]) -> list[tuple[str, Any]]:
    """Return names and types of a graph's inputs, as skl2onnx takes them."""
    types = import_optional_dependency("skl2onnx.common.data_types", "onnx")
    type_of = {name: getattr(types, INPUT_TYPES[array.dtype.name]) for name, array in inputs.items()}
    return [(name, type_of[name]([None, array.shape[1]])) for name, array in inputs.items()]


def _input_number_type(dtype: str) -> type:
    """Return which of float32, float64 and int64 holds the numbers of a dtype of NumPy, pandas or Polars."""
    return np.float32 if dtype in FLOAT32_TYPES else np.int64 if INT64_TYPES.fullmatch(dtype) else np.float64


def _input_array(column: Column, dtype: str) -> Array:
    """The cells of a column in a type of ONNX that holds them all."""
    cells = column.cells
    if cells.dtype == np.float64:
        number_type = _input_number_type(dtype)
        return cells if number_type is np.int64 and column.missing.any() else cells.astype(number_type)
    cell_types = set(map(type, cells))
    if cell_types and cell_types <= {bool, np.bool_}:
        return cells.astype(bool)
    if _is_category_of_numbers(column):
        return column.numbers()
    return np.where(column.missing, "", column.texts).astype(object)


def _is_category_of_numbers(column: Column) -> bool:
    """Whether all cells that are not missing are numbers, which are the same numbers when read from their texts."""
    present = column.cells[~column.missing]
    has_texts = any(isinstance(cell, str | bool | np.bool_) for cell in present)
    return len(present) > 0 and not has_texts and all(map(is_number_text, set(column.texts[~column.missing])))


def graph_inputs(graph: Any, X: Any) -> dict[str, Array]:
    """Return the rows as the graph's inputs: one array, or one of shape (n_rows, 1) per column of a DataFrame.

    Of a dict, its arrays.
    """
    if isinstance(X, dict):
        arrays = list(X.values())
    else:
        arrays = [X[[name]].to_numpy() for name in X.columns] if hasattr(X, "columns") else [np.asarray(X)]
    # By position: in names, skl2onnx replaces what is neither a letter nor a digit.
    return {each.name: _as_input(each, array) for each, array in zip(graph.graph.input, arrays, strict=True)}


def _as_input(graph_input: Any, array: Array) -> Array:
    """Return an array in the dtype of an input of the graph."""
    to_numpy = import_optional_dependency("onnx.helper", "onnx").tensor_dtype_to_np_dtype
    dtype = to_numpy(graph_input.type.tensor_type.elem_type)
    return array.astype(str).astype(object) if dtype.kind == "O" else array.astype(dtype, copy=False)


@dataclass
class InputTable:
    """The features of a table in the inputs of a graph.

    Attributes
    ----------
    tensors : list of Tensor, of shape (n_rows, width)
        Of numbers, bools or text; the features follow one another.
    widths : list of int
        How many features each has.
    """

    tensors: list[Tensor]
    widths: list[int]

    def parts(self, features: NDArray[np.intp]) -> list[Tensor]:
        """Some features, in ascending order, as one Tensor per input that has any of them."""
        parts = []
        for tensor, width, stop in zip(self.tensors, self.widths, accumulate(self.widths), strict=True):
            input_features = features[(features >= stop - width) & (features < stop)] - (stop - width)
            if len(input_features):
                parts.append(tensor if len(input_features) == width else tensor.take(input_features, axis=1))
        return parts

    def feature(self, j: int) -> Tensor:
        """One feature, of shape (n_rows, 1)."""
        return self.parts(np.array([j]))[0]
