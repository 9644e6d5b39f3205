"""The columns of a table, whatever holds it, in two forms: numbers, NaN where missing, or texts, None where missing.

Text stands for the cells of every category, so that containers and dtypes agree: True is "True" whether NumPy, pandas
or Polars hold it, and 1, 1.0 and "1" are one level.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from skneural.input_arrays import TEMPORAL, is_frame, is_temporal

NAN_TYPES = (float, np.floating, Decimal)
MISSING_NAMES = ("NAType", "NaTType")  # of pandas, which need not be installed
# What to do about cells that are no numbers, texts or bools, by the name of their type.
ADVICE = {
    "bytes": "decode them first, for example by X[name].str.decode('utf-8')",
    "Period": "turn periods into numbers first, for example by X[name].dt.year, or into dates by "
    "X[name].dt.to_timestamp() for skrub.DatetimeEncoder",
}
BOOLS = ("False", "True")


@dataclass
class Column:
    """A column of a table.

    Attributes
    ----------
    label : str
        What messages call it.
    cells : ndarray of shape (n_samples,)
        Float64, NaN where missing; or Python objects, None where missing.
    categorical : bool
        Whether it is a category by its dtype, or because all present cells are texts, or all are bools.
    """

    label: str
    cells: np.ndarray
    categorical: bool

    def numbers(self) -> np.ndarray:
        """The cells as float64, NaN where missing; raise if they are not numbers, or infinite."""
        numbers = self.cells if self.cells.dtype == np.float64 else self._converted_to_numbers()
        if np.isinf(numbers).any():
            raise ValueError(
                f"{self.label} of X contains infinity or values too large for float64. Expected finite numbers, or NaN "
                "where they are missing: replace the infinities or drop their rows."
            )
        return numbers

    @cached_property
    def texts(self) -> np.ndarray:
        """The cells as str, None where missing."""
        if self.cells.dtype == np.float64:
            distinct, inverse = np.unique(self.cells, return_inverse=True)
            return np.array([None if np.isnan(x) else number_text(x) for x in distinct], dtype=object)[inverse]
        if set(map(type, self.cells)) <= {str, type(None)}:
            return self.cells
        return _object_array([None if cell is None else cell_text(cell) for cell in self.cells])

    @cached_property
    def missing(self) -> np.ndarray:
        """Where cells are missing."""
        if self.cells.dtype == np.float64:
            return np.isnan(self.cells)
        nothing: Any = None
        return np.equal(self.cells, nothing).astype(bool)

    def levels(self) -> list[str]:
        """The different texts, in order."""
        return sorted(map(sys.intern, set(self.texts) - {None}))

    def refuse_mixed_kinds(self) -> None:
        """Raise ValueError if some present cells are texts and others are not."""
        examples: dict[str, Any] = {}
        for cell in self.cells if self.cells.dtype != np.float64 else ():
            if cell is not None:
                examples.setdefault(_kind_of_cells(type(cell)), cell)
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

    def _converted_to_numbers(self) -> np.ndarray:
        other_kinds = _cell_kinds(self.cells) - {"bools", "numbers"}
        if "dates" in other_kinds:
            _refuse_dates(self.label, self.cells.dtype)
        if other_kinds:
            example = next(
                cell for cell in self.cells if cell is not None and _kind_of_cells(type(cell)) in other_kinds
            )
            raise ValueError(
                f"{self.label} of X was to hold numbers, and None or NaN where they are missing. Got {example!r}: "
                "name the column in categorical_features if it is a category, or replace such cells."
            )
        return _cells_as_floats(self.cells, self.label)


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
    names = list(X.columns)
    repeated_name = next((name for name in names if names.count(name) > 1), None)
    if repeated_name is not None:
        raise ValueError(f"Expected unique column names. Got {repeated_name!r} more than once.")
    columns = X.get_columns() if hasattr(X, "get_columns") else [X.iloc[:, j] for j in range(X.shape[1])]
    return [_read_series_column(cells, f"Column {name!r}") for name, cells in zip(names, columns, strict=True)]


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
    chosen = np.asarray(categorical_features)
    is_categorical, n_columns = np.zeros(len(columns), dtype=bool), len(columns)
    names = [] if names is None else list(names)
    if chosen.dtype.kind == "b" and chosen.shape == (n_columns,):
        return chosen.copy()
    if chosen.dtype.kind in "iu" and chosen.ndim == 1 and ((chosen >= 0) & (chosen < n_columns)).all():
        is_categorical[chosen] = True
    elif chosen.size and chosen.ndim == 1 and all(isinstance(name, str) for name in chosen):
        unknown = [str(name) for name in chosen if name not in names]
        if unknown:
            raise ValueError(f"categorical_features has {unknown}, but the columns of X have the names {names}.")
        is_categorical[[names.index(name) for name in chosen]] = True
    elif chosen.size:
        raise ValueError(
            "categorical_features must be 'from_dtype', None, or names of columns, their indices from 0 to "
            f"{n_columns - 1}, or a mask of {n_columns} bools. Got {categorical_features!r}."
        )
    return is_categorical


def number_text(value: float) -> str:
    """The text of a number, the same for integers and floats."""
    return str(int(value)) if value.is_integer() else repr(float(value))


def is_number_text(text: str) -> bool:
    """Return whether a text is that of a number or a bool."""
    try:
        return text in BOOLS or (text != "nan" and number_text(float(text)) == text)
    except (ValueError, OverflowError):
        return False


def levels_lost_as_numbers(levels: list[str]) -> list[str]:
    """The levels for which a category of these levels cannot be read as numbers; none if it can.

    These are all levels if none is the text of a number, else those that are numbers in another spelling: ``"01"``,
    which a reader of numbers makes 1, would be an unknown level then.
    """
    if not any(map(is_number_text, levels)):
        return levels
    return [level for level in levels if _is_finite_number(level) and not is_number_text(level)]


def _is_finite_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def cell_text(cell: Any) -> str:
    """The text of a level."""
    if isinstance(cell, str):
        return str(cell)
    if isinstance(cell, bool | np.bool_):
        return BOOLS[int(cell)]
    if isinstance(cell, int | np.integer):
        return str(int(cell))
    return number_text(float(cell)) if isinstance(cell, NAN_TYPES) else str(cell)


def _read_array_column(values: np.ndarray, label: str) -> Column:
    if values.dtype.kind in "iuf":
        return Column(label, values.astype(np.float64), False)
    return _read_object_column(values, label)


def _read_series_column(values: Any, label: str) -> Column:
    """Read a column of pandas or Polars."""
    dtype = values.dtype
    if is_temporal(dtype):
        _refuse_dates(label, dtype)
    if getattr(dtype, "name", None) == "category":  # of pandas
        levels = _without_missing(_object_array([*dtype.categories, None]))
        return Column(label, levels[np.asarray(values.cat.codes)], True)  # the code of missing cells is -1
    if hasattr(dtype, "is_numeric"):  # of Polars
        if dtype.is_numeric():
            return Column(label, values.cast(float).to_numpy().astype(np.float64, copy=False), False)
        return _read_object_column(_object_array(values.to_list()), label)
    if dtype.kind in "iuf":
        if isinstance(dtype, np.dtype):
            return Column(label, np.asarray(values, dtype=np.float64), False)
        return Column(label, values.to_numpy(dtype=np.float64, na_value=np.nan), False)
    return _read_object_column(np.asarray(values, dtype=object), label)


def _read_object_column(objects: np.ndarray, label: str) -> Column:
    """Read a column by the kinds of its cells."""
    cells = _without_missing(objects.astype(object))
    cell_kinds = _cell_kinds(cells)
    if "dates" in cell_kinds:
        _refuse_dates(label, objects.dtype)
    if "others" in cell_kinds:
        example = next(cell for cell in cells if cell is not None and _kind_of_cells(type(cell)) == "others")
        raise TypeError(
            f"{label} of X holds {example!r}, but the argument must be a table whose cells are a string, a bool or a "
            f"number, or None where they are missing. Got {type(example).__name__}{_advice(type(example))}."
        )
    if "numbers" in cell_kinds and cell_kinds <= {"numbers", "bools"}:
        return Column(label, _cells_as_floats(cells, label), False)
    return Column(label, cells, cell_kinds in ({"texts"}, {"bools"}))


def _without_missing(cells: np.ndarray) -> np.ndarray:
    """The cells, with None for those that are missing: None, NaN, or what pandas and Polars have for it."""
    missing_types = {
        each for each in set(map(type, cells)) if issubclass(each, NAN_TYPES) or each.__name__ in MISSING_NAMES
    }
    return _object_array([None if type(cell) in missing_types and _is_missing(cell) else cell for cell in cells])


def _is_missing(cell: Any) -> bool:
    return bool(cell != cell) if isinstance(cell, NAN_TYPES) else True


def _object_array(cells: Sequence[Any]) -> np.ndarray:
    """An array of objects, also of cells that are sequences."""
    return np.fromiter(cells, dtype=object, count=len(cells))


def _cell_kinds(cells: np.ndarray) -> set[str]:
    """The kinds of the present cells."""
    return {_kind_of_cells(each) for each in set(map(type, cells)) - {type(None)}}


def _kind_of_cells(cell_type: type) -> str:
    if issubclass(cell_type, str):
        return "texts"
    if issubclass(cell_type, bool | np.bool_):
        return "bools"
    if issubclass(cell_type, TEMPORAL):  # before numbers: to NumPy a timedelta is an integer
        return "dates"
    return "numbers" if issubclass(cell_type, Real | Decimal | Fraction) else "others"


def _advice(cell_type: type) -> str:
    return next((f": {ADVICE[each.__name__]}" for each in cell_type.__mro__ if each.__name__ in ADVICE), "")


def _refuse_dates(label: str, dtype: Any) -> None:
    raise ValueError(
        f"{label} of X must hold numbers or a category. Got dates, times or durations ({dtype}): turn them into "
        "numbers of a unit first, for example by skrub.DatetimeEncoder or (dates - dates.min()) / "
        "np.timedelta64(1, 'D')."
    )


def _cells_as_floats(cells: np.ndarray, label: str) -> np.ndarray:
    try:
        return np.array([np.nan if cell is None else float(cell) for cell in cells])
    except OverflowError as error:
        raise ValueError(f"{label} of X holds a number out of the range of float64: {error}.") from error
