"""Tables for reading."""

import sys

import pytest

from skneural.inspection.table import aligned, frame, number


def test_columns_are_aligned_the_first_to_the_left():
    assert aligned(["a", "b", "long"], [["word", "1", "2"], ["w", "10", "3"]]).splitlines() == [
        "a      b  long",
        "word   1     2",
        "w     10     3",
    ]


def test_a_table_without_rows_is_its_header():
    assert aligned(["a", "b"], []) == "a  b"


@pytest.mark.parametrize(("value", "text"), [(0.256, "26%"), (float("nan"), "-"), (float("inf"), "inf%")])
def test_numbers(value, text):
    assert number(value, ".0%") == text


def test_frame():
    pytest.importorskip("pandas")
    table = frame([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    assert list(table.columns) == ["a", "b"]
    assert table["a"].tolist() == [1, 2]


def test_without_pandas_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame needs pandas: pip install pandas"):
        frame([])
