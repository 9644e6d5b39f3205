"""What the preprocessors compute, as operations on Tensors.

TableEncoder scales numbers, and looks levels up in their tables. A category is read from text, numbers or bools. In
text the empty string stands for a missing cell, in numbers NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.deployment.onnx.graph_inputs import InputTable
from skneural.deployment.onnx.onnx_graph import Tensor
from skneural.preprocessing import (
    MeanCenterer,
    PCAWhitener,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
    TableEncoder,
)
from skneural.preprocessing.level_texts import (
    BOOLS,
    is_number_text,
    level_codes,
    levels_lost_as_numbers,
    number_text,
)
from skneural.preprocessing.scaling import nonzero_scale, split_mean
from skneural.preprocessing.weak_components import numbers_of_components, weak_components

INT64_LIMIT = 2.0**63  # whole numbers in float64 of a smaller magnitude are exact in int64


def standardize(model: MeanCenterer | StdScaler, X: Tensor) -> Tensor:
    """Z = (X - shift) / scale, the shift in two parts where one would lose digits in float32."""
    shift, scale = model._mean_and_scale()
    for part in split_mean(shift, X.dtype):
        X = X if part is None else X - part
    return X if scale is None else X / nonzero_scale(scale, X.dtype)


def whiten(model: PCAWhitener, X: Tensor) -> Tensor:
    """Z = (X - mean) V / spread (and back, with "zca"), in float64 as in the model."""
    components = model._directions()
    scores = (X.cast(np.float64) - model.mean_) @ (components / model._component_scale()[:, np.newaxis]).T
    return (scores @ components if model.method == "zca" else scores).cast(X.dtype)


def clip_smoothly(model: SmoothClipper, X: Tensor) -> Tensor:
    """Z = limit · X / hypot(X, limit), the larger of the two factored out so that no square overflows."""
    finfo = np.finfo(X.dtype)
    limit, size = float(np.clip(model.limit, finfo.tiny, finfo.max)), X.abs()
    larger = size.maximum(limit)
    ratio = size.minimum(limit) / larger
    return X / larger / (ratio * ratio + 1).sqrt() * limit


def encode_piecewise_linear(model: PiecewiseLinearEncoder, X: Tensor) -> Tensor:
    """X, and behind it for each bin (clip(X, low, high) - low) / (high - low), centred."""
    column_of_bin = np.concatenate([np.full(max(len(edges) - 1, 0), i) for i, edges in enumerate(model.bin_edges_)])
    if not len(column_of_bin):
        return X.apply("Identity")
    lower = np.concatenate([edges[:-1] for edges in model.bin_edges_]).astype(X.dtype)
    upper = np.concatenate([edges[1:] for edges in model.bin_edges_]).astype(X.dtype)
    inside = X.take(column_of_bin, axis=1).maximum(lower).minimum(upper)
    return X.hstack((inside - lower) / np.maximum(upper - lower, np.finfo(X.dtype).tiny) - model.encoding_mean_)


def encode_table(model: TableEncoder, table: InputTable) -> Tensor:
    """The numbers, their bins and indicators, then a block of columns for each category, in float32."""
    encoded = encode_numbers(model, table) if model.scaler_ is not None else []
    for j in np.flatnonzero(model.is_categorical_).tolist():
        if model.level_tables_[j].shape[1]:
            encoded.append(category_codes(model, j, table.feature(j)).rows_of(model.level_tables_[j]))
    if not encoded:
        raise ValueError(
            "This TableEncoder returns no columns, as no feature has two different cells. Expected one column at least "
            "for a graph in ONNX: fit on rows that differ."
        )
    return encoded[0].hstack(*encoded[1:])


def encode_numbers(model: TableEncoder, table: InputTable) -> list[Tensor]:
    """The columns of numbers, 0 where they are missing, and indicators: scaled in float64, encoded in float32."""
    X = read_numbers(model, table)
    scaled = clip_smoothly(model.clipper_, standardize(model.scaler_, X)).cast(np.float32)
    Z = encode_piecewise_linear(model.piecewise_encoder_, scaled)
    Z = Z.constant(0.0).where(Z.is_nan(), Z)
    if model.whitener_ is not None:
        Z = Z.hstack(weak_components_of(model, scaled.take(np.flatnonzero(model._is_in_components()), axis=1)))
    return [Z * model._number_factors(), *missing_indicators(model, X)]


def read_numbers(model: TableEncoder, table: InputTable) -> Tensor:
    """The columns of numbers in float64; a ValueError names the first that is text."""
    numbers = model._numbers()
    parts = table.parts(numbers)
    if any(part.dtype.kind == "O" for part in parts):
        _refuse_text_for_numbers(model, next(j for j in numbers if table.feature(j).dtype.kind == "O"))
    first, *others = [part.cast(np.float64) for part in parts]
    return first.hstack(*others)


def missing_indicators(model: TableEncoder, X: Tensor) -> list[Tensor]:
    """Where the numbers are missing, centred, in one array of float32; an empty list if no column tells that."""
    indicated = model._numbers_with_indicator()
    if not len(indicated):
        return []
    is_missing = X.is_nan().take(np.searchsorted(model._numbers(), indicated), axis=1).cast(np.float64)
    return [(is_missing - model.missing_share_[indicated]).cast(np.float32)]


def weak_components_of(model: TableEncoder, scaled: Tensor) -> Tensor:
    """The weak components of scaled numbers, 0 where a number of theirs is missing: in float64, rounded once."""
    is_missing = scaled.is_nan()
    filled = scaled.constant(0.0).where(is_missing, scaled).cast(np.float64)
    components = whiten(model.whitener_, filled).take(weak_components(model.whitener_), axis=1)
    components = clip_smoothly(model.clipper_, components).cast(np.float32)
    n_missing = is_missing.cast(np.float32) @ numbers_of_components(model.whitener_).astype(np.float32)
    return components.where(n_missing.equals(0.0), 0.0)


def category_codes(model: TableEncoder, j: int, cells: Tensor) -> Tensor:
    """The row of each cell in the table of its category, of shape (n_rows,)."""
    levels = model.levels_[j]
    cells = cells.reshape(-1)
    if cells.dtype.kind == "O":
        _refuse_empty_level(model, j)
        return codes_of_text(levels, cells)
    if cells.dtype.kind == "b":
        codes = level_codes(np.array(BOOLS, dtype=object), levels)
        return cells.cast(np.int64).rows_of(codes.astype(np.int64))
    _refuse_numbers_for_text(model, j, cells)
    return codes_of_numbers(levels, cells.cast(np.float64))


def codes_of_text(levels: list[str], texts: Tensor) -> Tensor:
    """The codes of text, by a dictionary; the empty string is a missing cell, unless it is a level."""
    keys = sorted({*levels, *BOOLS, "0", "1"})
    known = _known(np.array(keys, dtype=object), levels)
    return _look_up(texts, {"": len(levels) + 1, **known}, "keys_strings", len(levels))


def codes_of_numbers(levels: list[str], numbers: Tensor) -> Tensor:
    """The codes of numbers in float64, compared as numbers, which is the same as by their text.

    Whole numbers by a dictionary, and others, of which few are levels, one by one.
    """
    n_levels, known_codes = len(levels), _known_numbers(levels)
    integer_codes = {int(value): code for value, code in known_codes.items() if _fits_int64(value)}
    other_codes = {value: code for value, code in known_codes.items() if not _fits_int64(value)}
    integers = numbers.cast(np.int64)
    level_code = _look_up(integers, integer_codes or {0: n_levels}, "keys_int64s", n_levels)
    level_code = level_code.where(integers.cast(np.float64).equals(numbers), n_levels)
    if other_codes:
        other_code = _codes_one_by_one(other_codes, n_levels, numbers)
        level_code = other_code.where(level_code.equals(n_levels), level_code)
    return level_code.constant(n_levels + 1).where(numbers.is_nan(), level_code)


def _fits_int64(value: float) -> bool:
    return value.is_integer() and abs(value) < INT64_LIMIT


def _codes_one_by_one(codes: dict[float, int], unknown: int, numbers: Tensor) -> Tensor:
    """The codes of numbers that equal a key, else that of unknown ones."""
    numbers = numbers.reshape(-1, 1)
    equal = numbers.equals(np.array(list(codes))).cast(np.float32)
    half = numbers.equals(numbers).cast(np.float32) * 0 + 0.5  # the largest where no key is equal
    return equal.hstack(half).argmax().rows_of(np.array([*codes.values(), unknown], np.int64))


def _known(texts: NDArray[Any], levels: list[str]) -> dict[str, int]:
    """The codes of those texts that stand for a level, as the encoder itself finds them."""
    codes = level_codes(texts, levels)
    return {text: int(code) for text, code in zip(texts, codes, strict=True) if code != len(levels)}


def _known_numbers(levels: list[str]) -> dict[float, int]:
    """The codes of those numbers whose text stands for a level."""
    level_values = sorted({float(text) for text in [*levels, "0", "1"] if text not in BOOLS and is_number_text(text)})
    value_of_text = {number_text(value): value for value in level_values}
    known = _known(np.array(list(value_of_text), dtype=object), levels)
    return {value_of_text[text]: code for text, code in known.items()}


def _look_up(keys: Tensor, codes: dict[Any, int], kind: str, default: int) -> Tensor:
    """The codes of keys of this kind, "keys_strings" or "keys_int64s", and that of all other keys."""
    dictionary: dict[str, Any] = {kind: list(codes), "values_int64s": list(codes.values()), "default_int64": default}
    version = 2  # as of ONNX 1.4; skl2onnx writes no graphs with the next one
    return keys.apply("LabelEncoder", dtype=np.int64, op_domain="ai.onnx.ml", op_version=version, **dictionary)


def _label(model: TableEncoder, j: int) -> str:
    names = getattr(model, "feature_names_in_", None)
    return f"Column {int(j) if names is None else names[j]!r}"


def _refuse_text_for_numbers(model: TableEncoder, j: int) -> None:
    raise ValueError(
        f"{_label(model, j)} held numbers in fit. Got text, or only missing cells without a type: pass a column of "
        "numbers, such as X.astype({name: 'float64'}), NaN where they are missing. In a ColumnTransformer use an "
        "encoder for numbers and another for categories, since skl2onnx makes text of both in one step."
    )


def _refuse_numbers_for_text(model: TableEncoder, j: int, cells: Tensor) -> None:
    lost = levels_lost_as_numbers(model.levels_[j])
    if lost:
        raise ValueError(
            f"{_label(model, j)} was a category of texts such as {lost[:3]} in fit. Got {cells.dtype}, from which "
            "the graph could not tell them: pass rows with a text in this column, or its levels as they were in fit."
        )


def _refuse_empty_level(model: TableEncoder, j: int) -> None:
    if "" in model.levels_[j] and model.missing_share_[j] > 0:
        raise ValueError(
            f"{_label(model, j)} had both missing cells and empty texts in fit, but ONNX has no missing text: the "
            "empty text stands for it. Replace one of them, for example the empty text by 'none', and fit again."
        )
