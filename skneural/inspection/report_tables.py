"""How reports print: aligned text tables, bullet lists, and pandas DataFrames."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

LINE_LENGTH = 100


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as text: the first column is aligned to the left, all others to the right.

    Examples
    --------
    >>> from skneural.inspection.report_tables import text_table
    >>> print(text_table(["layer", "dead"], [["0 relu", "3%"], ["1 leaky", "0%"]]))
    layer     dead
    0 relu      3%
    1 leaky     0%
    """
    lines = [list(header), *(list(row) for row in rows)]
    first_width, *widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([first.ljust(first_width), *(cell.rjust(width) for cell, width in zip(others, widths, strict=True))])
        for first, *others in lines
    )


def bullet_list(sentences: Sequence[str]) -> str:
    """Return a list with one bullet per sentence, wrapped at 100 characters.

    Examples
    --------
    >>> from skneural.inspection.report_tables import bullet_list
    >>> print(bullet_list(["Short.", 12 * "Long sentences. "]))
    - Short.
    - Long sentences. ... Long sentences. Long
      sentences. ... Long sentences.
    """
    return "\n".join(
        textwrap.fill(sentence, LINE_LENGTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False)
        for sentence in sentences
    )


def format_or_dash(value: Any, format_spec: str) -> str:
    """Return a formatted number, or "-" for NaN.

    Examples
    --------
    >>> from skneural.inspection.report_tables import format_or_dash
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
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "to_frame needs pandas: pip install pandas. To see the table without it, print it."
        ) from error
    return pd.DataFrame(list(rows))
