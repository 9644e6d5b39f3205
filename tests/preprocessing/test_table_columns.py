"""Which columns of a table are categories, which are numbers, and which are refused, by name."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skneural import TableEncoder

# Which columns are categories.


def test_categories_are_named_numbered_or_masked():
    X = pd.DataFrame({"code": [1, 2, 3, 1], "size": [1.0, 2.0, 3.0, 4.0]})
    results = [TableEncoder(given).fit_transform(X) for given in (["code"], [0], [True, False], np.array(["code"]))]
    for Z in results:
        np.testing.assert_array_equal(Z, results[0])
    assert results[0].shape == (4, 4)
    from_texts = TableEncoder().fit_transform(X.astype({"code": str}))
    np.testing.assert_array_equal(results[0], from_texts)
    for none in ([], None):
        np.testing.assert_array_equal(TableEncoder(none).fit_transform(X), TableEncoder().fit_transform(X))


@pytest.mark.parametrize("given", [["nobody"], [2], [-1], [True], [0.5], [["a"]], [None], [{}]])
def test_other_categories_are_refused(given):
    with pytest.raises(ValueError, match="categorical_features"):
        TableEncoder(given).fit(pd.DataFrame({"a": [1.0], "b": [2.0]}))


def test_names_need_names():
    with pytest.raises(ValueError, match="categorical_features has"):
        TableEncoder(["a"]).fit([[1.0]])


# What does not fit.


@pytest.mark.parametrize(
    "dates",
    [
        pd.Series(pd.date_range("2020", periods=3)),
        pd.Series(pd.date_range("2020", periods=3, tz="UTC")),
        pd.Series(pd.to_timedelta([1, 2, 3], "h")),
        pd.Series(pd.date_range("2020", periods=3).date),
        pl.Series([1, 2, 3]).cast(pl.Date),
        pl.Series([1, 2, None]).cast(pl.Duration),
        np.array(["2020", "2021", "2022"], "datetime64[D]"),
        np.array([np.timedelta64(1, "D")] * 3, dtype=object),
    ],
    ids=lambda each: f"{type(each).__module__} {each.dtype}",
)
def test_dates_are_refused_with_advice(dates):
    if isinstance(dates, np.ndarray):
        X = dates[:, np.newaxis]
    else:
        X = pd.DataFrame({"day": dates}) if isinstance(dates, pd.Series) else pl.DataFrame({"day": dates})
    with pytest.raises(ValueError, match=r"Column .* Got dates, times or durations .*DatetimeEncoder"):
        TableEncoder().fit(X)


def test_numbers_and_text_in_one_column_are_refused_or_named():
    X = pd.DataFrame({"a": [1, "two", 3.0, None]}, dtype=object)
    advice = r"Column 'a' of X mixes numbers and texts, such as 1 and 'two'\. .*name the column in.* pandas\.to_numeric"
    for encoder in (TableEncoder(), TableEncoder(None), TableEncoder([])):
        with pytest.raises(ValueError, match=advice):
            encoder.fit(X)
    assert TableEncoder(["a"]).fit(X).levels_ == [["1", "3", "two"]]
    assert TableEncoder().fit(X.astype("category")).levels_ == [["1", "3", "two"]]
    with pytest.raises(ValueError, match=r"Column 1 of X mixes bools and texts, such as True and 'no'\."):
        TableEncoder().fit(np.array([[1, True], [2, "no"]], dtype=object))


def test_a_column_of_numbers_that_mixes_in_text_later_is_refused_as_numbers():
    encoder = TableEncoder().fit(pd.DataFrame({"a": [1.0, 2.0, 3.0]}))
    with pytest.raises(ValueError, match=r"Column 'a' of X was to hold numbers.*Got 'two': name the column in"):
        encoder.transform(pd.DataFrame({"a": [1, "two"]}, dtype=object))


def test_text_where_numbers_were_and_numbers_where_text_was():
    X = pd.DataFrame({"n": [1.0, 2.0, 3.0], "t": list("abc")})
    encoder = TableEncoder().fit(X)
    with pytest.raises(ValueError, match=r"Column 'n' of X was to hold numbers.*Got 'x'"):
        encoder.transform(X.assign(n=list("xyz")))
    with pytest.raises(ValueError, match=r"Column 't' of X was a category of texts such as .*Got numbers, such as 7"):
        encoder.transform(X.assign(t=[7.0, np.nan, 9.0]))


@pytest.mark.parametrize("cell", [[1, 2], {"a": 1}, b"bytes", 1j, pd.Period("2020")], ids=repr)
def test_other_cells_are_refused_by_name(cell):
    cells = np.empty(2, dtype=object)
    cells[0] = cell
    with pytest.raises(TypeError, match=r"Column 'odd' of X holds .* a string, a bool or a number"):
        TableEncoder().fit(pd.DataFrame({"odd": cells}))


PERIODS, BYTES = pd.period_range("2020-01", periods=3, freq="M"), [b"ab", b"cd", b"ab"]


@pytest.mark.parametrize(
    ("X", "advice"),
    [
        (pd.DataFrame({"odd": PERIODS}), r"Got Period: turn periods into numbers .*\.dt\.year.*DatetimeEncoder"),
        (pd.DataFrame({"odd": PERIODS.astype(object)}), r"Got Period: turn periods into numbers"),
        (pd.DataFrame({"odd": BYTES}), r"Got bytes: decode them first, for example by X\[name\]\.str\.decode"),
        (pl.DataFrame({"odd": BYTES}), "Got bytes: decode them first"),
        (np.array(BYTES)[:, np.newaxis], "Got bytes: decode them first"),
        (np.array(BYTES, dtype=object)[:, np.newaxis], "Got bytes: decode them first"),
    ],
    ids=["periods", "periods as objects", "bytes", "bytes of Polars", "array of bytes", "array of objects"],
)
def test_periods_and_bytes_are_refused_with_advice(X, advice):
    with pytest.raises(TypeError, match=r"Column ('odd'|0) of X holds .*" + advice):
        TableEncoder().fit(X)


def test_the_advice_on_periods_and_bytes_helps():
    X = pd.DataFrame({"month": PERIODS, "code": BYTES})
    Z = TableEncoder().fit_transform(X.assign(month=X["month"].dt.year, code=X["code"].str.decode("utf-8")))
    assert Z.shape == (3, 2)


def test_lists_in_polars_are_refused_by_name():
    with pytest.raises(TypeError, match=r"Column 'odd' of X holds \[1, 2\]"):
        TableEncoder().fit(pl.DataFrame({"odd": [[1, 2], [3, 4]]}))


def test_what_training_rows_know_nothing_of_may_be_anything():
    X = pd.DataFrame({"n": [1.0, 2.0], "none": pd.Categorical([None, None])})
    encoder = TableEncoder().fit(X)
    for column in ([1.0, 2.0], ["a", "b"], [True, None]):
        np.testing.assert_array_equal(encoder.transform(X.assign(none=column)), encoder.transform(X))


def test_text_that_looks_missing_is_text():
    X = pd.DataFrame({"t": ["nan", "", "None", None]}, dtype=object)
    encoder = TableEncoder().fit(X)
    assert encoder.levels_ == [["", "None", "nan"]]
    assert encoder.missing_share_ == 0.25
    with pytest.raises(ValueError, match="Got numbers, such as"):
        encoder.transform(pd.DataFrame({"t": [1.0]}))
