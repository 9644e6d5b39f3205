"""HTML and SVG elements, tables and sections. All text is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Markup(str):
    """Text that is HTML already. All other text is escaped when it is put into an element."""

    __slots__ = ()


@dataclass(frozen=True)
class Section:
    """A section of the report: a heading and the HTML below it."""

    title: str
    body: Markup


def element(name: str, *children: Any, **attributes: Any) -> Markup:
    """Return an element. Its children are Markup, or other objects, which are printed and escaped.

    Parameters
    ----------
    name : str
        Such as "td".
    *children
        None is left out.
    **attributes
        Values are escaped; None is left out. In names, underscores become hyphens and a final underscore is dropped, as
        in ``class_``.

    Examples
    --------
    >>> from skneural.inspection.html_report.html_elements import element
    >>> print(element("p", "a < b ", element("b", 1), class_="note"))
    <p class="note">a &lt; b <b>1</b></p>
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{written}>{concatenate(*children)}</{name}>")


def _attribute(name: str, value: Any) -> str:
    return f' {name.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'


def concatenate(*children: Any) -> Markup:
    """Return the children one after the other. Those that are not Markup are escaped; None is left out."""
    return Markup("".join(_escape(child) for child in children if child is not None))


def _escape(child: Any) -> str:
    return child if isinstance(child, Markup) else html.escape(str(child))


def side_by_side(*parts: Markup | None) -> Markup:
    """Return the parts next to each other where the page is wide enough, else below each other."""
    return element("div", *parts, class_="side-by-side")


def chart_grid(charts: Sequence[Markup]) -> Markup:
    """Return the charts in as many columns as the page has room for."""
    return element("div", *charts, class_="charts")


def table(header: list[Any], rows: list[list[Any]], caption: Any = None) -> Markup:
    """Return a table that scrolls if it is wider than the page. The first cell of each row is its heading.

    Parameters
    ----------
    header : list
        One cell per column.
    rows : list of list
        The cells. Cells that are not a ``td`` element already (see :func:`text_cell`) are put into one.
    caption : object, default=None
    """
    columns = zip(header, *rows, strict=True)
    head = element("tr", *(element("th", name, scope="col", class_=_alignment(cells)) for name, *cells in columns))
    body = [element("tr", element("th", first, scope="row"), *_cells(others)) for first, *others in rows]
    title = None if caption is None else element("caption", caption)
    whole = element("table", title, element("thead", head), element("tbody", *body))
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption or "table")


def text_cell(value: Any) -> Markup:
    """Return a cell with text: aligned to the left, with line breaks where needed."""
    return element("td", value, class_="text")


def _alignment(cells: list[Any]) -> str | None:
    return "text" if any(isinstance(cell, Markup) and 'class="text"' in cell[:20] for cell in cells) else None


def _cells(cells: list[Any]) -> list[Markup]:
    return [cell if _is_cell(cell) else element("td", cell) for cell in cells]


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, Markup) and cell.startswith("<td")
