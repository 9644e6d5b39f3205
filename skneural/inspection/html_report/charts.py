"""Charts as inline SVG, drawn by hand.

By hand, because the page must not need matplotlib, which is an extra; because a chart then takes its colours from the
page, light or dark, and its text stays text; and because it is a tenth of the size of what matplotlib writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.html_report.markup import Markup, element

Array = NDArray[Any]

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 38
N_POINTS = 400  # of a curve, at most


@dataclass(frozen=True)
class Scale:
    """Maps data to pixels, linearly or by logarithm.

    Parameters
    ----------
    low, high : float
        Range of the data; both positive if `log`.
    start, stop : float
        Pixels of `low` and `high`.
    log : bool
    """

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, values: Any) -> Array:
        """Return the pixels of some values."""
        transform: Callable[[Any], Any] = np.log10 if self.log else np.asarray
        low, high = transform(self.low), transform(self.high)
        return self.start + (transform(values) - low) / (high - low) * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Return some round numbers within the range: about five, or powers of ten."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            step = (last - first) // 5 + 1
            return [10.0**k for k in range(first, last + 1, step)]
        return round_numbers(self.low, self.high)


def round_numbers(low: float, high: float, about: int = 5) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten, from `low` to `high`.

    Examples
    --------
    >>> from skneural.inspection.html_report.charts import round_numbers
    >>> round_numbers(0.13, 0.94)
    [0.2, 0.4, 0.6, 0.8]
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def line_chart(title: str, curves: dict[str, Any], *, x_label: str = "epoch", marked: int | None = None) -> Markup:
    """Return curves over 1, 2, 3, ...; the vertical axis is logarithmic where they span more than two decades.

    Parameters
    ----------
    title : str
    curves : dict of str to array-like of shape (n,)
        Values that are not finite are left out.
    x_label : str
    marked : int or None
        A place on the horizontal axis to be marked with a line.
    """
    arrays = {name: np.asarray(values, dtype=float) for name, values in curves.items()}
    finite = np.concatenate([values[np.isfinite(values)] for values in arrays.values()])
    if not finite.size:
        return element("figure", _caption(title, []), element("p", "No finite values."))
    n = max(len(values) for values in arrays.values())
    log = bool(finite.min() > 0 and finite.max() > 100 * finite.min())
    across = Scale(*((1, n) if n > 1 else (0, 2)), LEFT, WIDTH - RIGHT)
    up = Scale(*_widened(finite.min(), finite.max(), log), HEIGHT - BOTTOM, TOP, log)
    lines = [_line(values, across, up, i) for i, values in enumerate(arrays.values())]
    mark = None if marked is None else _vertical(float(across(marked)), "mark")
    keys = list(arrays) if len(arrays) > 1 else []
    return _figure(title, keys, _axes(across, up, x_label), mark, *lines)


def scatter_chart(title: str, x: Array, y: Array, *, x_label: str, y_label: str) -> Markup:
    """Return points and the diagonal on which x and y are equal."""
    both = _widened(min(x.min(), y.min()), max(x.max(), y.max()))
    across, up = Scale(*both, LEFT, WIDTH - RIGHT), Scale(*both, HEIGHT - BOTTOM, TOP)
    diagonal = _path(across(np.array(both)), up(np.array(both)), "mark")
    points = [element("circle", cx=f"{a:.1f}", cy=f"{b:.1f}", r="2") for a, b in zip(across(x), up(y), strict=True)]
    return _figure(f"{title}: {y_label} over {x_label}", [], _axes(across, up, x_label), diagonal, *points)


def histogram_chart(title: str, edges: Array, heights: Array, *, x_label: str, note: str = "") -> Markup:
    """Return a histogram; zero is marked."""
    across = Scale(*_widened(edges[0], edges[-1]), LEFT, WIDTH - RIGHT)
    up = Scale(0, max(float(heights.max()), 1e-300) * 1.05, HEIGHT - BOTTOM, TOP)
    outline = np.repeat(heights, 2)
    xs, ys = across(np.repeat(edges, 2)), up(np.concatenate([[0], outline, [0]]))
    zero = _vertical(float(across(0)), "mark") if edges[0] <= 0 <= edges[-1] else None
    axes = _axes(across, up, x_label, values=False)
    return _figure(title, [], axes, zero, _path(xs, ys, "area"), note=note)


def number(value: float) -> str:
    """Return a number with about three digits, as short as possible.

    Examples
    --------
    >>> from skneural.inspection.html_report.charts import number
    >>> number(0.12345), number(12345), number(1.5e-7)
    ('0.123', '12,345', '1.5e-7')
    """
    if 1000 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def _figure(title: str, keys: list[str], *parts: Markup | None, note: str = "") -> Markup:
    drawing = element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title)
    return element("figure", _caption(title, keys), drawing, element("p", note) if note else None)


def _caption(title: str, keys: list[str]) -> Markup:
    swatches = [element("span", key, class_=f"key c{i}") for i, key in enumerate(keys)]
    return element("figcaption", title, *swatches)


def _axes(across: Scale, up: Scale, x_label: str, values: bool = True) -> Markup:
    parts = [element("path", d=f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}", class_="axis")]
    for tick in across.ticks():
        parts.append(element("text", number(tick), x=f"{across(tick):.1f}", y=HEIGHT - BOTTOM + 14, class_="middle"))
    for tick in up.ticks() if values else []:
        y = float(up(tick))
        parts.append(element("path", d=f"M{LEFT} {y:.1f}H{WIDTH - RIGHT}", class_="grid"))
        parts.append(element("text", number(tick), x=LEFT - 6, y=f"{y + 4:.1f}", class_="end"))
    parts.append(element("text", x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 6, class_="middle"))
    return element("g", *parts)


def _line(values: Array, across: Scale, up: Scale, i: int) -> Markup:
    at = np.unique(np.linspace(0, len(values) - 1, min(N_POINTS, len(values))).astype(int))
    at = at[np.isfinite(values[at])]
    if len(at) == 1:
        return element("circle", cx=f"{across(at[0] + 1):.1f}", cy=f"{up(values[at[0]]):.1f}", r="4", class_=f"c{i}")
    return _path(across(at + 1.0), up(values[at]), f"line c{i}")


def _path(xs: Array, ys: Array, css: str) -> Markup:
    points = "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))
    return element("path", d=f"M{points}" if points else "M0 0", class_=css)


def _vertical(x: float, css: str) -> Markup:
    return element("path", d=f"M{x:.1f} {TOP}V{HEIGHT - BOTTOM}", class_=css)


def _widened(low: float, high: float, log: bool = False) -> tuple[float, float]:
    """Return the range, a little wider, so that it never has length zero."""
    low, high = float(low), float(high)
    if log:
        return low / 1.1, high * 1.1
    margin = 0.04 * (high - low) or max(abs(low) * 0.1, 1e-9)
    return low - margin, high + margin
