"""Charts as inline SVG, written without matplotlib.

Matplotlib is an optional dependency, which the report must not need. These charts take their colours from the page,
light or dark, keep text as text, and are ten times smaller than those of matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.html_report.html_elements import Markup, element
from skneural.network.training_rows import evenly_spaced_rows

Array = NDArray[Any]

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 38  # margins
MAX_LINE_POINTS = 400  # of a curve


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic axis: maps data to pixels.

    Parameters
    ----------
    low, high : float
        Range of the data. Both must be positive if `log` is True.
    start, stop : float
        Pixels of `low` and `high`.
    log : bool, default=False
        Whether the axis is logarithmic.
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
        """Return about five round numbers within the range; powers of ten if the axis is logarithmic."""
        return (powers_of_ten if self.log else round_ticks)(self.low, self.high)


def powers_of_ten(low: float, high: float) -> list[float]:
    """Return up to six powers of ten between `low` and `high`, at equal steps of the exponent."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    return [10.0**k for k in range(first, last + 1, (last - first) // 5 + 1)]


def round_ticks(low: float, high: float, n_ticks: int = 5) -> list[float]:
    """Return about `n_ticks` multiples of 1, 2 or 5 times a power of ten, between `low` and `high`.

    Examples
    --------
    >>> from skneural.inspection.html_report.svg_charts import round_ticks
    >>> round_ticks(0.13, 0.94)
    [0.2, 0.4, 0.6, 0.8]
    """
    min_step = (high - low) / n_ticks
    power = 10.0 ** math.floor(math.log10(min_step))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= min_step * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def line_chart(title: str, curves: dict[str, Any], *, x_label: str = "epoch", marked: int | None = None) -> Markup:
    """Return a chart of curves over 1, 2, 3, ...; its y axis is logarithmic if they span more than two decades.

    Parameters
    ----------
    title : str
    curves : dict of str to array-like of shape (n,)
        Values that are not finite are left out.
    x_label : str
    marked : int or None
        Where to draw a dashed vertical line.
    """
    plotted_curves = [np.asarray(curve, dtype=float) for curve in curves.values()]
    finite = np.concatenate([curve[np.isfinite(curve)] for curve in plotted_curves])
    if not finite.size:
        return element("figure", _caption(title, []), element("p", "No finite values."))
    x_scale, y_scale = _count_scale(max(map(len, plotted_curves))), _value_scale(finite.min(), finite.max())
    lines = [_curve(values, x_scale, y_scale, i) for i, values in enumerate(plotted_curves)]
    mark = None if marked is None else _vertical_line(float(x_scale(marked)), "mark")
    legend = list(curves) if len(curves) > 1 else []
    return _figure(title, legend, _axes(x_scale, y_scale, x_label), mark, *lines)


def _count_scale(n_points: int) -> Scale:
    """Return the x axis of 1, 2, 3, ...; a single point stands in its middle."""
    return Scale(*((1, n_points) if n_points > 1 else (0, 2)), LEFT, WIDTH - RIGHT)


def _value_scale(low: float, high: float) -> Scale:
    log = bool(low > 0 and high > 100 * low)
    return Scale(*_padded_axis_limits(low, high, log), HEIGHT - BOTTOM, TOP, log)


def scatter_chart(title: str, x: Array, y: Array, *, x_label: str, y_label: str) -> Markup:
    """Return a scatter chart with the diagonal on which x and y are equal."""
    limits = _padded_axis_limits(min(x.min(), y.min()), max(x.max(), y.max()))
    x_scale, y_scale = Scale(*limits, LEFT, WIDTH - RIGHT), Scale(*limits, HEIGHT - BOTTOM, TOP)
    diagonal = _path(x_scale(np.array(limits)), y_scale(np.array(limits)), "mark")
    pixels = zip(x_scale(x), y_scale(y), strict=True)
    points = [element("circle", cx=f"{x_pixel:.1f}", cy=f"{y_pixel:.1f}", r="2") for x_pixel, y_pixel in pixels]
    return _figure(f"{title}: {y_label} over {x_label}", [], _axes(x_scale, y_scale, x_label), diagonal, *points)


def histogram_chart(title: str, edges: Array, heights: Array, *, x_label: str, note: str = "") -> Markup:
    """Return a histogram; a dashed line marks zero."""
    x_scale = Scale(*_padded_axis_limits(edges[0], edges[-1]), LEFT, WIDTH - RIGHT)
    y_scale = Scale(0, max(float(heights.max()), 1e-300) * 1.05, HEIGHT - BOTTOM, TOP)
    xs, ys = x_scale(np.repeat(edges, 2)), y_scale(np.concatenate([[0], np.repeat(heights, 2), [0]]))
    zero = _vertical_line(float(x_scale(0)), "mark") if edges[0] <= 0 <= edges[-1] else None
    axes = _axes(x_scale, y_scale, x_label, y_ticks=False)
    return _figure(title, [], axes, zero, _path(xs, ys, "area"), note=note)


def short_number(value: float) -> str:
    """Return a number with three significant digits, as short as possible; from 1,000 to 1,000,000 all digits.

    Examples
    --------
    >>> from skneural.inspection.html_report.svg_charts import short_number
    >>> short_number(0.12345), short_number(12345), short_number(1.5e-7)
    ('0.123', '12,345', '1.5e-7')
    """
    if 1000 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def _figure(title: str, legend: list[str], *parts: Markup | None, note: str = "") -> Markup:
    drawing = element("svg", *parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=title)
    return element("figure", _caption(title, legend), drawing, element("p", note) if note else None)


def _caption(title: str, legend: list[str]) -> Markup:
    swatches = [element("span", name, class_=f"key c{i}") for i, name in enumerate(legend)]
    return element("figcaption", title, *swatches)


def _axes(x_scale: Scale, y_scale: Scale, x_label: str, y_ticks: bool = True) -> Markup:
    lines = element("path", d=f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}", class_="axis")
    tick_marks = [*_x_ticks(x_scale), *(_y_ticks_and_grid(y_scale) if y_ticks else [])]
    label = element("text", x_label, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 6, class_="middle")
    return element("g", lines, *tick_marks, label)


def _x_ticks(x_scale: Scale) -> Iterator[Markup]:
    for tick in x_scale.ticks():
        x = f"{x_scale(tick):.1f}"
        yield element("text", short_number(tick), x=x, y=HEIGHT - BOTTOM + 14, class_="middle")


def _y_ticks_and_grid(y_scale: Scale) -> Iterator[Markup]:
    for tick in y_scale.ticks():
        y = float(y_scale(tick))
        yield element("path", d=f"M{LEFT} {y:.1f}H{WIDTH - RIGHT}", class_="grid")
        yield element("text", short_number(tick), x=LEFT - 6, y=f"{y + 4:.1f}", class_="end")


def _curve(values: Array, x_scale: Scale, y_scale: Scale, i: int) -> Markup:
    """Return the values as a line over 1, 2, 3, ..., or as a dot if there is only one."""
    shown = evenly_spaced_rows(len(values), MAX_LINE_POINTS)
    shown = shown[np.isfinite(values[shown])]
    xs, ys = x_scale(shown + 1.0), y_scale(values[shown])
    if len(shown) == 1:
        return element("circle", cx=f"{xs[0]:.1f}", cy=f"{ys[0]:.1f}", r="4", class_=f"c{i}")
    return _path(xs, ys, f"line c{i}")


def _path(xs: Array, ys: Array, css_class: str) -> Markup:
    points = "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))
    return element("path", d=f"M{points}" if points else "M0 0", class_=css_class)


def _vertical_line(x: float, css_class: str) -> Markup:
    return element("path", d=f"M{x:.1f} {TOP}V{HEIGHT - BOTTOM}", class_=css_class)


def _padded_axis_limits(low: float, high: float, log: bool = False) -> tuple[float, float]:
    """Return a range that is a little wider, and never of length zero."""
    low, high = float(low), float(high)
    if log:
        return low / 1.1, high * 1.1
    margin = 0.04 * (high - low) or max(abs(low) * 0.1, 1e-9)
    return low - margin, high + margin
