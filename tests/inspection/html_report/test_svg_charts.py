import re
from xml.etree import ElementTree

import numpy as np
import pytest

from skneural.inspection.html_report.svg_charts import (
    HEIGHT,
    WIDTH,
    Scale,
    histogram_chart,
    line_chart,
    round_ticks,
    scatter_chart,
    short_number,
)


def drawn(chart, css):
    """Return the points of each path of a class, of shape (n, 2)."""
    paths = [path for path in ElementTree.fromstring(chart).iter("path") if css in path.get("class", "").split()]
    return [np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d")), dtype=float) for path in paths]


def texts(chart):
    return [text.text for text in ElementTree.fromstring(chart).iter("text")]


def is_affine(pixels, data):
    """Whether pixels are a straight line in the data, up to their rounding."""
    fit = np.polyval(np.polyfit(data, pixels, 1), data)
    return np.abs(fit - pixels).max() < 0.11


def test_a_curve_is_where_its_values_are():
    values = np.array([3.0, 1.0, 2.0, 2.5])
    (path,) = drawn(line_chart("Loss", {"training": values}), "line")
    assert is_affine(path[:, 0], np.arange(1, 5))
    assert is_affine(path[:, 1], values)
    assert path[0, 1] < path[1, 1]  # upwards is smaller y
    assert (path >= 0).all()
    assert (path <= [WIDTH, HEIGHT]).all()


def test_more_than_two_decades_make_the_axis_logarithmic():
    values = np.geomspace(1e-4, 10, 30)
    chart = line_chart("Loss", {"training": values})
    assert is_affine(drawn(chart, "line")[0][:, 1], np.log10(values))
    assert {"0.0001", "0.01", "1"} <= set(texts(chart))
    linear = line_chart("Loss", {"training": values - 5})  # negative values have no logarithm
    assert is_affine(drawn(linear, "line")[0][:, 1], values)


def test_two_curves_have_a_legend_and_share_the_axes():
    chart = line_chart("Loss", {"training": [1.0, 2.0], "validation": [2.0, 1.0]})
    first, second = drawn(chart, "line")
    np.testing.assert_array_equal(first[:, 1], second[::-1, 1])
    keys = [key.text for key in ElementTree.fromstring(chart).iter("span")]
    assert keys == ["training", "validation"]


@pytest.mark.parametrize("value", [1.0, 0.0, -3.0, 1e300, 1e-300])
def test_one_epoch_and_constant_curves(value):
    single = ElementTree.fromstring(line_chart("Loss", {"training": [value]}))
    assert len(list(single.iter("circle"))) == 1
    (path,) = drawn(line_chart("Loss", {"training": [value, value]}), "line")
    assert path[0, 1] == path[1, 1]


def test_values_that_are_not_finite_are_left_out():
    (path,) = drawn(line_chart("Loss", {"training": [1.0, np.nan, 3.0, np.inf]}), "line")
    assert len(path) == 2
    assert "No finite values." in line_chart("Loss", {"training": [np.nan]})
    assert "No finite values." in line_chart("Loss", {"training": []})


def test_long_curves_are_thinned_and_keep_their_ends():
    values = np.linspace(5, 1, 100_000)
    (path,) = drawn(line_chart("Loss", {"training": values}), "line")
    assert len(path) <= 400
    (short,) = drawn(line_chart("Loss", {"training": values[[0, -1]]}), "line")
    np.testing.assert_array_equal(path[[0, -1]], short)


def test_the_marked_epoch():
    chart = line_chart("Loss", {"training": [1.0, 2.0, 3.0]}, marked=2)
    (mark,) = [path.get("d") for path in ElementTree.fromstring(chart).iter("path") if path.get("class") == "mark"]
    (line,) = drawn(chart, "line")
    assert mark.startswith(f"M{line[1, 0]:.1f} ")


def test_points_on_the_diagonal_are_those_whose_x_and_y_are_equal():
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.5, 2.0])
    chart = scatter_chart("Output", x, y, x_label="y", y_label="prediction")
    points = np.array([(float(c.get("cx")), float(c.get("cy"))) for c in ElementTree.fromstring(chart).iter("circle")])
    ((start, end),) = drawn(chart, "mark")
    on_line = np.interp(points[:, 0], [start[0], end[0]], [start[1], end[1]])
    np.testing.assert_allclose(on_line[[0, 2]], points[[0, 2], 1], atol=0.2)
    assert points[1, 1] < on_line[1] - 1  # predicted too large: above


def test_a_histogram_has_the_heights_of_its_bins():
    heights = np.array([1.0, 3.0, 0.0, 2.0])
    chart = histogram_chart("Errors", np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), heights, x_label="error", note="a < b")
    (area,) = drawn(chart, "area")
    base = area[0, 1]
    np.testing.assert_allclose((base - area[1:-1:2, 1]) / (base - area[3, 1]), heights / 3, atol=0.01)
    assert "a &lt; b" in chart
    assert len(drawn(chart, "mark")) == 1  # zero
    assert not drawn(histogram_chart("Errors", np.array([1.0, 2.0]), np.zeros(1), x_label="error"), "mark")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-7, 12, [-5, 0, 5, 10]), (1, 200, [50, 100, 150, 200]), (3.1, 3.2, None)],
)
def test_ticks_are_round_and_within_the_range(low, high, expected):
    ticks = round_ticks(low, high)
    assert expected is None or ticks == pytest.approx(expected)
    assert all(low <= tick <= high for tick in ticks)
    assert 3 <= len(ticks) <= 8


def test_a_logarithmic_scale_has_powers_of_ten():
    assert Scale(0.05, 300, 0, 1, log=True).ticks() == pytest.approx([0.1, 1, 10, 100])
    assert len(Scale(1e-30, 1e30, 0, 1, log=True).ticks()) <= 7


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.25, "0.25"), (1234.5, "1,234"), (-2e9, "-2e9"), (1e-12, "1e-12")]
)
def test_numbers_are_short(value, text):
    assert short_number(value) == text


def test_titles_are_escaped():
    assert "<b>" not in line_chart("<b>", {"<b>": [1, 2], "y": [2, 1]}, x_label="<b>")
