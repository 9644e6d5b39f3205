import sys

import matplotlib.pyplot as plt
import pytest

from skneural.inspection import ActivationDisplay
from skneural.inspection.displays.matplotlib_support import COLOURS, get_axes, get_row_of_axes, import_pyplot


def test_new_axes_have_the_size_asked_for_and_our_colours():
    ax = get_axes(None, 5.0, 2.0)
    assert tuple(ax.figure.get_size_inches()) == (5.0, 2.0)
    assert [ax.plot([0, 1])[0].get_color() for _ in COLOURS] == list(COLOURS)


def test_given_axes_are_used_as_they_are():
    _, ax = plt.subplots()
    assert get_axes(ax) is ax


def test_one_place_is_divided():
    figure, places = plt.subplots(2, 1)
    row = get_row_of_axes(places[0], 4)
    assert len(row) == 4
    assert not places[0].axison
    assert all(ax.figure is figure and ax.get_position().y0 > places[1].get_position().y1 for ax in row)


def test_the_wrong_number_of_axes_is_refused():
    _, places = plt.subplots(1, 3)
    with pytest.raises(ValueError, match="sequence of 4"):
        get_row_of_axes(places, 4)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'skneural\[plot\]'"):
        import_pyplot()
    with pytest.raises(ImportError, match=r"pip install 'skneural\[plot\]'"):
        ActivationDisplay.from_activation("relu")
