"""Tables for reading: aligned text, or a DataFrame where pandas is installed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return lines with the first column to the left and all others to the right.

    Examples
    --------
    >>> from skneural.inspection.table import aligned
    >>> print(aligned(["layer", "dead"], [["0 relu", "3%"], ["1 leaky", "0%"]]))
    layer     dead
    0 relu      3%
    1 leaky     0%
    """
    lines = [list(header), *(list(row) for row in rows)]
    first, *others = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True))])
        for name, *cells in lines
    )


def number(value: float, form: str) -> str:
    """Return a number in some format, "-" for NaN.

    Examples
    --------
    >>> from skneural.inspection.table import number
    >>> number(0.25, ".0%"), number(float("nan"), ".0%")
    ('25%', '-')
    """
    return "-" if math.isnan(value) else format(value, form)


def frame(rows: Sequence[dict[str, Any]]) -> Any:
    """Return a DataFrame with one row per dict.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_frame needs pandas: pip install pandas. Without, print the report.") from error
    return pd.DataFrame(list(rows))
