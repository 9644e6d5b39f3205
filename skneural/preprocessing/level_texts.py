"""Texts that stand for the levels of categories, and the texts that numbers and bools have as levels.

Containers and dtypes agree: True is "True" whether NumPy, pandas or Polars hold it, and 1, 1.0 and "1" are one level.
"""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import repeat
from typing import Any

import numpy as np

NAN_TYPES = (float, np.floating, Decimal)
BOOLS = ("False", "True")


def level_text(level: Any) -> str:
    """The text of a level, whatever a cell of it holds."""
    if isinstance(level, bool | np.bool_):
        return BOOLS[int(level)]
    if isinstance(level, int | np.integer):
        return str(int(level))
    return number_text(float(level)) if isinstance(level, NAN_TYPES) else str(level)


def number_text(value: float) -> str:
    """The text of a number, the same for integers and floats."""
    return str(int(value)) if value.is_integer() else repr(float(value))


def level_codes(texts: np.ndarray, levels: list[str]) -> np.ndarray:
    """The position of each text among the levels; len(levels) for unknown ones, and one more for None."""
    codes: dict[Any, int] = {level: code for code, level in enumerate(levels)}
    for aliases in (dict(zip(BOOLS, "01", strict=True)), dict(zip("01", BOOLS, strict=True))):
        if levels and codes.keys() <= aliases.keys():  # False and True are 0 and 1 where an array holds both
            codes |= {aliases[level]: code for level, code in codes.items()}
    codes[None] = len(levels) + 1
    return np.fromiter(map(codes.get, texts, repeat(len(levels))), dtype=np.intp, count=len(texts))


def is_number_text(text: str) -> bool:
    """Return whether a text is that of a number or a bool."""
    return text in BOOLS or (text != "nan" and number_text(_float_or_nan(text)) == text)


def levels_lost_as_numbers(levels: list[str]) -> list[str]:
    """The levels for which a category of these levels cannot be read as numbers; none if it can.

    These are all levels if none is the text of a number, else those that are numbers in another spelling: ``"01"``,
    which a reader of numbers makes 1, would be an unknown level then.
    """
    if not any(map(is_number_text, levels)):
        return levels
    return [level for level in levels if _is_finite_number(level) and not is_number_text(level)]


def _is_finite_number(text: str) -> bool:
    return math.isfinite(_float_or_nan(text))


def _float_or_nan(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
