from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skneural.inspection.html_report.html_elements import (
    Markup,
    chart_grid,
    concatenate,
    element,
    side_by_side,
    table,
    text_cell,
)

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))


@given(TEXT, TEXT)
def test_whatever_is_put_in_comes_out_as_text(child, attribute):
    parsed = ElementTree.fromstring(element("p", child, title=attribute))
    assert (parsed.text or "") == child
    assert parsed.get("title") == attribute


@pytest.mark.parametrize("nasty", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;", "'"])
def test_nothing_becomes_markup_by_itself(nasty):
    for whole in (element("p", nasty), concatenate(nasty), table([nasty], [[nasty]], nasty), text_cell(nasty)):
        assert nasty not in whole
    assert concatenate(Markup(nasty)) == nasty


def test_attributes_and_children_that_are_none_are_left_out():
    assert element("p", None, "a", class_=None, aria_label="b") == '<p aria-label="b">a</p>'


def test_a_table_has_headings_for_rows_and_columns():
    parsed = ElementTree.fromstring(table(["layer", "note", "n"], [["a", text_cell("x"), 1], ["b", text_cell("y"), 2]]))
    columns = parsed.findall(".//thead/tr/th")
    assert [(cell.text, cell.get("scope"), cell.get("class")) for cell in columns] == [
        ("layer", "col", None),
        ("note", "col", "text"),
        ("n", "col", None),
    ]
    rows = [[cell.text for cell in row] for row in parsed.findall(".//tbody/tr")]
    assert rows == [["a", "x", "1"], ["b", "y", "2"]]
    assert {row[0].get("scope") for row in parsed.findall(".//tbody/tr")} == {"row"}


def test_parts_and_charts_are_put_into_boxes():
    assert side_by_side(element("b", 1), None, element("b", 2)) == '<div class="side-by-side"><b>1</b><b>2</b></div>'
    assert chart_grid([element("svg")]) == '<div class="charts"><svg></svg></div>'
