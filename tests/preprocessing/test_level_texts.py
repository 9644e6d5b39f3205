"""Texts of numbers and bools as levels, whatever holds them."""

import re

import numpy as np
import pandas as pd
import pytest

from skneural import TableEncoder


def test_whole_numbers_are_one_level_whatever_holds_them():
    X = pd.DataFrame({"code": [1, 2, 3, 1]})
    encoder = TableEncoder([0]).fit(X)
    assert encoder.levels_ == [["1", "2", "3"]]
    for same in (X.astype(float), X.astype(str), X.astype("category"), X.astype("Int8"), X.astype(object)):
        np.testing.assert_array_equal(encoder.transform(same), encoder.transform(X))
    assert not encoder.transform(X + 0.5).any()
    assert TableEncoder([0]).fit(X + 0.5).levels_ == [["1.5", "2.5", "3.5"]]
    assert TableEncoder([0]).fit([[np.inf], [-0.0], [0.0], [1e20]]).levels_ == [["0", "100000000000000000000", "inf"]]


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")  # an array after a frame
def test_bools_are_zero_and_one_where_an_array_holds_both():
    X = pd.DataFrame({"truth": [True, False, True], "n": [1.0, 2.0, 3.0]})
    encoder = TableEncoder().fit(X)
    np.testing.assert_array_equal(encoder.transform(X.astype(float).to_numpy()), encoder.transform(X))
    numbered = TableEncoder(["truth"]).fit(X.astype(float))
    np.testing.assert_array_equal(numbered.transform(X), encoder.transform(X))
    plain = TableEncoder(None).fit(X)  # a number
    np.testing.assert_array_equal(plain.transform(X), plain.transform(X.astype(float)))


@pytest.mark.parametrize(
    ("levels", "lost"),
    [
        (["01", "02", "12"], ["01", "02"]),
        (["1.0", "2", "12"], ["1.0"]),
        (["1", "2", " 12"], [" 12"]),
        (["1e3", "2", "+3", "4"], ["+3", "1e3"]),
        (["1", "12345678901234567891"], ["12345678901234567891"]),
    ],
)
def test_numbers_are_refused_for_texts_in_which_numbers_are_written_otherwise(levels, lost):
    X = pd.DataFrame({"code": levels, "n": np.arange(len(levels))})
    encoder = TableEncoder().fit(X)
    message = (
        rf"Column 'code' of X was a category of texts such as {re.escape(repr(lost))} in fit. Got numbers, such as"
    )
    for numbers in (X["code"].astype(float), X["code"].astype(float).astype(object), [12] * len(X)):
        with pytest.raises(ValueError, match=message):
            encoder.transform(X.assign(code=numbers))
    assert np.isfinite(encoder.transform(X.assign(code=np.nan))).all()


@pytest.mark.parametrize("levels", [["1", "2", "12"], ["1", "other", "-2.5"], ["0", "nan", "1e-05"], ["1", "infinity"]])
def test_numbers_stand_for_texts_in_which_they_are_written_as_here(levels):
    X = pd.DataFrame({"code": levels})
    encoder = TableEncoder().fit(X)
    numbers = pd.to_numeric(X["code"], errors="coerce").replace([np.inf, -np.inf], np.nan)
    known = numbers.notna().to_numpy()
    encoded = encoder.transform(X.assign(code=numbers))
    np.testing.assert_array_equal(encoded[known], encoder.transform(X)[known])
