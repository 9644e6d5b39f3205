"""HTML and SVG in which nothing can be forgotten to be escaped."""

from __future__ import annotations

import html
from typing import Any


class Markup(str):
    """Text that is markup already. All other text is escaped where it enters an element."""

    __slots__ = ()


def element(name: str, *children: Any, **attributes: Any) -> Markup:
    """Return an element; its children are Markup, or anything else, which is printed and escaped.

    Parameters
    ----------
    name : str
        Such as "td".
    *children
        None is left out.
    **attributes
        Values are escaped; None is left out. Underscores become hyphens, one at the end is dropped: ``class_``.

    Examples
    --------
    >>> from skneural.inspection.html_report.markup import element
    >>> print(element("p", "a < b ", element("b", 1), class_="note"))
    <p class="note">a &lt; b <b>1</b></p>
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: Any) -> Markup:
    """Return children side by side, each escaped unless it is Markup."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else html.escape(str(child)) for child in children if child is not None
        )
    )


def table(header: list[Any], rows: list[list[Any]], caption: Any = None) -> Markup:
    """Return a table in a box that scrolls by itself; the first cell of each row is its heading.

    Parameters
    ----------
    header : list
        One cell per column.
    rows : list of list
        Cells; numbers and text are put into ``td``, where they are not yet one (see :func:`text_cell`).
    caption : object, default=None
    """
    columns = zip(header, *rows, strict=True) if rows else zip(header, strict=True)
    head = element("tr", *(element("th", name, scope="col", class_=_alignment(cells)) for name, *cells in columns))
    body = [element("tr", element("th", first, scope="row"), *_cells(others)) for first, *others in rows]
    title = None if caption is None else element("caption", caption)
    whole = element("table", title, element("thead", head), element("tbody", *body))
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption or "table")


def text_cell(value: Any) -> Markup:
    """Return a cell that is aligned to the left and may have several lines."""
    return element("td", value, class_="text")


def _alignment(cells: list[Any]) -> str | None:
    return "text" if any(isinstance(cell, Markup) and 'class="text"' in cell[:20] for cell in cells) else None


def _cells(cells: list[Any]) -> list[Markup]:
    return [cell if _is_cell(cell) else element("td", cell) for cell in cells]


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, Markup) and cell.startswith("<td")
