"""Tables and lists as reports print them."""

import sys

import pytest

from skneural.inspection.text_tables import bullet_list, data_frame, format_or_dash, text_table


def test_columns_are_aligned_the_first_to_the_left():
    assert text_table(["a", "b", "long"], [["word", "1", "2"], ["w", "10", "3"]]).splitlines() == [
        "a      b  long",
        "word   1     2",
        "w     10     3",
    ]


def test_a_table_without_rows_is_its_header():
    assert text_table(["a", "b"], []) == "a  b"


def test_bullets_are_wrapped():
    lines = bullet_list(["one two " * 20, "three"]).splitlines()
    assert max(map(len, lines)) <= 100
    assert [line[:2] for line in lines] == ["- ", "  ", "- "]
    assert " ".join(lines[0:2]).split()[1:] == ["one", "two"] * 20


@pytest.mark.parametrize(("value", "text"), [(0.256, "26%"), (float("nan"), "-"), (float("inf"), "inf%")])
def test_numbers(value, text):
    assert format_or_dash(value, ".0%") == text


def test_frame():
    pytest.importorskip("pandas")
    table = data_frame([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    assert list(table.columns) == ["a", "b"]
    assert table["a"].tolist() == [1, 2]


def test_without_pandas_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame needs pandas: pip install pandas"):
        data_frame([])
