"""Tables in plain text: aligned columns, a dash for what is not known, bullet lists; and pandas DataFrames."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

BULLET_WRAPPER = textwrap.TextWrapper(100, initial_indent="- ", subsequent_indent="  ", break_long_words=False)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as text: the first column is aligned to the left, all others to the right.

    Examples
    --------
    >>> from skneural.inspection.text_tables import text_table
    >>> print(text_table(["layer", "dead"], [["0 relu", "3%"], ["1 leaky", "0%"]]))
    layer     dead
    0 relu      3%
    1 leaky     0%
    """
    first_column, *other_columns = zip(header, *rows, strict=True)
    aligned_columns = [_pad(first_column, str.ljust), *(_pad(cells, str.rjust) for cells in other_columns)]
    return "\n".join("  ".join(cells) for cells in zip(*aligned_columns, strict=True))


def _pad(cells: Sequence[str], justify: Callable[[str, int], str]) -> list[str]:
    """Return the cells of a column, padded to the width of the longest."""
    column_width = max(len(cell) for cell in cells)
    return [justify(cell, column_width) for cell in cells]


def bullet_list(sentences: Sequence[str]) -> str:
    """Return a list with one bullet per sentence, wrapped at 100 characters.

    Examples
    --------
    >>> from skneural.inspection.text_tables import bullet_list
    >>> print(bullet_list(["Short.", 12 * "Long sentences. "]))
    - Short.
    - Long sentences. ... Long sentences. Long
      sentences. ... Long sentences.
    """
    return "\n".join(BULLET_WRAPPER.fill(sentence) for sentence in sentences)


def format_or_dash(value: Any, format_spec: str) -> str:
    """Return a formatted number, or "-" for NaN.

    Examples
    --------
    >>> from skneural.inspection.text_tables import format_or_dash
    >>> format_or_dash(0.25, ".0%"), format_or_dash(float("nan"), ".0%")
    ('25%', '-')
    """
    return "-" if math.isnan(value) else format(value, format_spec)


def data_frame(rows: Sequence[dict[str, Any]]) -> Any:
    """Return a pandas DataFrame with one row per dict.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    return _import_pandas().DataFrame(list(rows))


def _import_pandas() -> Any:
    try:
        import pandas as pd
    except ImportError as error:
        advice = "to_frame needs pandas: pip install pandas. To see the table without it, print it."
        raise ImportError(advice) from error
    return pd
