"""The columns of a table, whatever holds it, in two forms: numbers, NaN where missing, or texts, None where missing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from numbers import Real
from typing import Any, cast

import numpy as np

from skneural.input_arrays import TEMPORAL, is_frame, is_temporal
from skneural.preprocessing.level_texts import NAN_TYPES, level_text, levels_lost_as_numbers, number_text

MISSING_NAMES = ("NAType", "NaTType")  # of pandas, which need not be installed
# What to do about cells that are no numbers, texts or bools, by the name of their type.
ADVICE = {
    "bytes": "decode them first, for example by X[name].str.decode('utf-8')",
    "Period": "turn periods into numbers first, for example by X[name].dt.year, or into dates by "
    "X[name].dt.to_timestamp() for skrub.DatetimeEncoder",
}

# A category with this many present cells, of which more than this fraction differ, is free text or names the rows:
# hardly a level occurs twice, so that nothing can be learned about it. Fewer rows do not tell.
FREE_TEXT_ROWS, FREE_TEXT_FRACTION = 20, 0.95


@dataclass
class Column:
    """A column of a table.

    Attributes
    ----------
    label : str
        What messages call it.
    cells : ndarray of shape (n_samples,)
        Float64, NaN where missing; or Python objects, None where missing.
    categorical : bool, default=False
        Whether it is a category by its dtype, or because all present cells are texts, or all are bools.
    """

    label: str
    cells: np.ndarray
    categorical: bool = False

    def numbers(self) -> np.ndarray:
        """The cells as float64, NaN where missing; raise if they are not numbers, or infinite."""
        numbers = self.cells if self.cells.dtype == np.float64 else self._converted_to_numbers()
        _refuse_infinity(numbers, self.label)
        return numbers

    @cached_property
    def texts(self) -> np.ndarray:
        """The cells as str, None where missing."""
        if self.cells.dtype == np.float64:
            return _texts_of_floats(self.cells)
        if set(map(type, self.cells)) <= {str, type(None)}:
            return self.cells
        return _object_array([None if cell is None else level_text(cell) for cell in self.cells])

    @cached_property
    def missing(self) -> np.ndarray:
        """Where cells are missing."""
        if self.cells.dtype == np.float64:
            return np.isnan(self.cells)
        return np.equal(self.cells, cast(Any, None)).astype(bool)

    def levels(self) -> list[str]:
        """The different texts, in order."""
        return sorted(map(sys.intern, set(self.texts) - {None}))

    def refuse_mixed_kinds(self) -> None:
        """Raise ValueError if some present cells are texts and others are not."""
        examples = {} if self.cells.dtype == np.float64 else _first_cell_of_each_kind(self.cells)
        if "texts" in examples and len(examples) > 1:
            kinds, cells = " and ".join(examples), " and ".join(map(repr, examples.values()))
            raise ValueError(
                f"{self.label} of X mixes {kinds}, such as {cells}. "
                "Expected cells of one kind: name the column in categorical_features if it is a category, or make "
                "numbers of the texts, for example by pandas.to_numeric."
            )

    def refuse_numbers_for(self, levels: list[str]) -> None:
        """Raise ValueError if the cells are numbers, but levels are lost as numbers, see `levels_lost_as_numbers`."""
        if self.cells.dtype != np.float64 or self.missing.all():
            return
        lost = levels_lost_as_numbers(levels)
        if lost:
            raise ValueError(
                f"{self.label} of X was a category of texts such as {lost[:3]} in fit. Got numbers, such as "
                f"{self.cells[~self.missing][0]}: pass the levels as they were in fit."
            )

    def refuse_free_text(self, n_levels: int) -> None:
        """Raise ValueError if nearly all cells of a category are different."""
        n_present = np.sum(~self.missing)
        if n_present >= FREE_TEXT_ROWS and n_levels > FREE_TEXT_FRACTION * n_present:
            raise ValueError(
                f"{self.label} of X has {n_levels} different texts in {n_present} rows, too many to learn about each. "
                "Drop the column, or encode it first: free text for example with skrub.StringEncoder or "
                "skrub.TextEncoder, dates with pandas.to_datetime and skrub.DatetimeEncoder."
            )

    def _converted_to_numbers(self) -> np.ndarray:
        other_kinds = _cell_kinds(self.cells) - {"bools", "numbers"}
        if "dates" in other_kinds:
            _refuse_dates(self.label, self.cells.dtype)
        if other_kinds:
            raise ValueError(
                f"{self.label} of X was to hold numbers, and None or NaN where they are missing. Got "
                f"{_first_cell(self.cells, other_kinds)!r}: "
                "name the column in categorical_features if it is a category, or replace such cells."
            )
        return _cells_as_floats(self.cells, self.label)


def _texts_of_floats(numbers: np.ndarray) -> np.ndarray:
    distinct, inverse = np.unique(numbers, return_inverse=True)
    return np.array([None if np.isnan(x) else number_text(x) for x in distinct], dtype=object)[inverse]


def read_columns(X: Any) -> list[Column]:
    """The columns of a table of pandas or Polars, or of an array.

    Raises
    ------
    TypeError
        If cells are neither numbers nor text nor bool, such as lists.
    ValueError
        If cells are dates or durations, or cells of one column are of different kinds, or two columns have one name.
    """
    if not is_frame(X):
        return [_read_array_column(cells, f"Column {j}") for j, cells in enumerate(X.T)]
    _refuse_repeated_names(list(X.columns))
    columns = X.get_columns() if hasattr(X, "get_columns") else [X.iloc[:, j] for j in range(X.shape[1])]
    return [_read_series_column(cells, f"Column {name!r}") for name, cells in zip(X.columns, columns, strict=True)]


def _refuse_repeated_names(column_names: list[Any]) -> None:
    repeated_name = next((name for name in column_names if column_names.count(name) > 1), None)
    if repeated_name is not None:
        raise ValueError(f"Expected unique column names. Got {repeated_name!r} more than once.")


def refuse_all_missing(columns: list[Column]) -> None:
    """Raise ValueError if no column has a present cell."""
    if all(column.missing.all() for column in columns):
        shape = (len(columns[0].cells), len(columns))
        raise ValueError(
            f"No column of X has a present cell. Got shape {shape} with all cells missing, but expected a number, a "
            "text or a bool in one of them at least: check how the table was read."
        )


def find_categories(categorical_features: Any, columns: list[Column], names: Any) -> np.ndarray:
    """A mask of the columns that are categories."""
    by_dtype = isinstance(categorical_features, str)
    if by_dtype or categorical_features is None:
        return np.array([by_dtype and column.categorical for column in columns])
    is_categorical = np.zeros(len(columns), dtype=bool)
    is_categorical[_chosen_columns(categorical_features, len(columns), [] if names is None else list(names))] = True
    return is_categorical


def _chosen_columns(categorical_features: Any, n_columns: int, names: list[Any]) -> Any:
    """A mask or indices of the columns that the parameter names, numbers or masks."""
    chosen = np.asarray(categorical_features)
    is_mask = chosen.dtype.kind == "b" and chosen.shape == (n_columns,)
    is_list = chosen.ndim == 1
    if is_mask or (is_list and chosen.dtype.kind in "iu" and ((chosen >= 0) & (chosen < n_columns)).all()):
        return chosen
    if not chosen.size:
        return []
    if is_list and all(isinstance(name, str) for name in chosen):
        return _indices_of_names(chosen, names)
    raise ValueError(
        "categorical_features must be 'from_dtype', None, or names of columns, their indices from 0 to "
        f"{n_columns - 1}, or a mask of {n_columns} bools. Got {categorical_features!r}."
    )


def _indices_of_names(chosen: np.ndarray, names: list[Any]) -> list[int]:
    unknown = [str(name) for name in chosen if name not in names]
    if unknown:
        raise ValueError(f"categorical_features has {unknown}, but the columns of X have the names {names}.")
    return [names.index(name) for name in chosen]


def _read_array_column(values: np.ndarray, label: str) -> Column:
    is_numeric = values.dtype.kind in "iuf"
    return Column(label, values.astype(np.float64)) if is_numeric else _read_object_column(values, label)


def _read_series_column(values: Any, label: str) -> Column:
    if is_temporal(values.dtype):
        _refuse_dates(label, values.dtype)
    is_polars = hasattr(values.dtype, "is_numeric")
    return _read_polars_column(values, label) if is_polars else _read_pandas_column(values, label)


def _read_polars_column(values: Any, label: str) -> Column:
    if values.dtype.is_numeric():
        return Column(label, values.cast(float).to_numpy().astype(np.float64, copy=False))
    return _read_object_column(_object_array(values.to_list()), label)


def _read_pandas_column(values: Any, label: str) -> Column:
    if getattr(values.dtype, "name", None) == "category":
        levels = _without_missing(_object_array([*values.dtype.categories, None]))
        return Column(label, levels[np.asarray(values.cat.codes)], True)  # the code of missing cells is -1
    if values.dtype.kind not in "iuf":
        return _read_object_column(np.asarray(values, dtype=object), label)
    if isinstance(values.dtype, np.dtype):
        return Column(label, np.asarray(values, dtype=np.float64))
    return Column(label, values.to_numpy(dtype=np.float64, na_value=np.nan))


def _read_object_column(objects: np.ndarray, label: str) -> Column:
    """Read a column by the kinds of its cells."""
    cells = _without_missing(objects.astype(object))
    cell_kinds = _cell_kinds(cells)
    if "dates" in cell_kinds:
        _refuse_dates(label, objects.dtype)
    if "others" in cell_kinds:
        _refuse_cell(label, _first_cell(cells, {"others"}))
    if "numbers" in cell_kinds and cell_kinds <= {"numbers", "bools"}:
        return Column(label, _cells_as_floats(cells, label))
    return Column(label, cells, cell_kinds in ({"texts"}, {"bools"}))


def _without_missing(cells: np.ndarray) -> np.ndarray:
    """The cells, with None for those that are missing: None, NaN, or what pandas and Polars have for it."""
    missing_types = {each for each in set(map(type, cells)) if _can_be_missing(each)}
    return _object_array([None if type(cell) in missing_types and _is_missing(cell) else cell for cell in cells])


def _can_be_missing(cell_type: type) -> bool:
    return issubclass(cell_type, NAN_TYPES) or cell_type.__name__ in MISSING_NAMES


def _is_missing(cell: Any) -> bool:
    return bool(cell != cell) if isinstance(cell, NAN_TYPES) else True


def _object_array(cells: Sequence[Any]) -> np.ndarray:
    """An array of objects, also of cells that are sequences."""
    return np.fromiter(cells, dtype=object, count=len(cells))


def _cell_kinds(cells: np.ndarray) -> set[str]:
    """The kinds of the present cells."""
    return {_kind_of_cells(each) for each in set(map(type, cells)) - {type(None)}}


def _first_cell_of_each_kind(cells: np.ndarray) -> dict[str, Any]:
    examples: dict[str, Any] = {}
    for cell in cells:
        if cell is not None:
            examples.setdefault(_kind_of_cells(type(cell)), cell)
    return examples


def _first_cell(cells: np.ndarray, cell_kinds: set[str]) -> Any:
    """The first present cell of one of these kinds."""
    return next(cell for cell in cells if cell is not None and _kind_of_cells(type(cell)) in cell_kinds)


def _kind_of_cells(cell_type: type) -> str:
    if issubclass(cell_type, str):
        return "texts"
    if issubclass(cell_type, bool | np.bool_):
        return "bools"
    if issubclass(cell_type, TEMPORAL):  # before numbers: to NumPy a timedelta is an integer
        return "dates"
    return "numbers" if issubclass(cell_type, Real | Decimal | Fraction) else "others"


def _refuse_cell(label: str, cell: Any) -> None:
    """Raise TypeError, with advice on some types."""
    cell_types = type(cell).__mro__
    advice = next((f": {ADVICE[each.__name__]}" for each in cell_types if each.__name__ in ADVICE), "")
    raise TypeError(
        f"{label} of X holds {cell!r}, but the argument must be a table whose cells are a string, a bool or a "
        f"number, or None where they are missing. Got {type(cell).__name__}{advice}."
    )


def _refuse_dates(label: str, dtype: Any) -> None:
    raise ValueError(
        f"{label} of X must hold numbers or a category. Got dates, times or durations ({dtype}): turn them into "
        "numbers of a unit first, for example by skrub.DatetimeEncoder or (dates - dates.min()) / "
        "np.timedelta64(1, 'D')."
    )


def _refuse_infinity(numbers: np.ndarray, label: str) -> None:
    if np.isinf(numbers).any():
        raise ValueError(
            f"{label} of X contains infinity or values too large for float64. Expected finite numbers, or NaN "
            "where they are missing: replace the infinities or drop their rows."
        )


def _cells_as_floats(cells: np.ndarray, label: str) -> np.ndarray:
    try:
        return np.array([np.nan if cell is None else float(cell) for cell in cells])
    except OverflowError as error:
        raise ValueError(f"{label} of X holds a number out of the range of float64: {error}.") from error
