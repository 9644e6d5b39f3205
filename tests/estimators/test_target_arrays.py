"""Targets of a regressor: numbers however they are stored, and nothing that only looks like numbers."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skneural import ActivationMLPRegressor
from skneural.estimators.target_arrays import numeric_targets, refuse_missing_targets, target_array

X = np.arange(12.0).reshape(6, 2)
NUMBERS = [1.0, 2.0, 4.0, 1.0, 2.0, 4.0]
DAYS = np.arange("2020-01-01", "2020-01-07", dtype="datetime64[D]")
DATES = [datetime.date(2020, 1, day) for day in range(1, 7)]
DURATIONS = [datetime.timedelta(seconds=k) for k in range(6)]


def fit(y, **fit_params):
    return ActivationMLPRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0).fit(X, y, **fit_params)


@pytest.mark.parametrize(
    "y",
    [
        np.array(NUMBERS, dtype=object),
        np.array([Decimal(number) for number in NUMBERS]),
        np.array([Fraction(number) for number in NUMBERS]),
        np.array(["1.0", "2", "4e0"] * 2),
        np.array(["1.0", "2", "4e0"] * 2, dtype=object),
        np.array(NUMBERS, dtype=">f4"),
        [int(number) for number in NUMBERS],
        np.ma.masked_array(NUMBERS, mask=False),
        sparse.csr_array(np.array(NUMBERS)[:, None]),
    ],
    ids=["object", "Decimal", "Fraction", "text", "text objects", "big endian", "list", "no mask", "sparse"],
)
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_numbers_however_they_are_stored(y):
    assert_array_equal(fit(y).parameters_, fit(NUMBERS).parameters_)


@pytest.mark.parametrize("y", [[True, False] * 3, np.array([True, False] * 3, dtype=object)], ids=["list", "object"])
def test_booleans_are_zero_and_one(y):
    assert_array_equal(fit(y).parameters_, fit([1.0, 0.0] * 3).parameters_)


def test_several_targets_may_be_objects_too():
    Y = np.stack([NUMBERS, NUMBERS[::-1]], axis=1)
    assert_array_equal(fit(Y.astype(object)).parameters_, fit(Y).parameters_)


REFUSED = [
    (DAYS, TypeError, r"Got dates \(datetime64\[D\]\).* np.timedelta64\(1, 'D'\)"),
    (DAYS.astype("datetime64[ns]"), TypeError, r"Got dates \(datetime64\[ns\]\)"),
    (np.array(["2020-01-01", "NaT"] * 3, dtype="datetime64[D]"), TypeError, "Got dates"),
    (DAYS - DAYS[0], TypeError, r"Got durations \(timedelta64\[D\]\).* np.timedelta64\(1, 's'\)"),
    (np.array(DATES, dtype=object), TypeError, r"Got datetime.date\(2020, 1, 1\) of type date in row 0"),
    (DATES, TypeError, "of type date in row 0"),
    (DURATIONS, TypeError, "of type timedelta in row 0"),
    ([1, 2, "three", 4, 5, 6], ValueError, "Got 'three' of type str in row 2"),
    (["low", "high"] * 3, ValueError, "'low' of type str.* in row 0; .* use a classifier if these are labels"),
    (np.array([1.0, None] * 3, dtype=object), ValueError, "missing values: None in row 1, 3 in all"),
    (np.array([1.0, np.nan] * 3, dtype=object), ValueError, "missing values: nan in row 1, 3 in all"),
    (np.array(["a", None] * 3, dtype=object), ValueError, "missing values: None in row 1, 3 in all"),
    (np.array([[1, 2], [3, None]] * 3, dtype=object), ValueError, "missing values: None in row 1, 3 in all"),
    (np.array([1 + 1j, 2] * 3, dtype=object), TypeError, r"Got \(1\+1j\) of type complex in row 0"),
    (np.array([{}, {}] * 3, dtype=object), TypeError, "Got {} of type dict in row 0"),
    (np.zeros(6, dtype=[("a", int)]), TypeError, "must hold numbers"),
    (np.ma.masked_array(NUMBERS, mask=[0, 1, 0, 0, 0, 1]), ValueError, "2 masked entries"),
    ([1.0, np.nan] * 3, ValueError, "NaN"),
]


@pytest.mark.parametrize(("y", "error", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_number_is_refused_in_a_sentence(y, error, message):
    model = ActivationMLPRegressor()
    before = dict(vars(model))
    with pytest.raises(error, match=message):
        model.fit(X, y)
    with pytest.raises(error, match=message):
        model.partial_fit(X, y)
    with pytest.raises(error, match=f"X_val or y_val cannot be used: .*{message}"):
        model.fit(X, NUMBERS, X_val=X, y_val=y)
    assert vars(model) == before


def test_frames():
    pandas = pytest.importorskip("pandas")
    for y in (pandas.Series(NUMBERS, dtype="Float64"), pandas.Series(NUMBERS).astype("category")):
        assert_array_equal(fit(y).parameters_, fit(NUMBERS).parameters_)
    days = pandas.Series(DAYS)
    refused = [days, days.dt.tz_localize("UTC"), days.dt.to_period("D"), days - days[0], pandas.Series(["a", None] * 3)]
    refused += [pandas.Series([True, None] * 3, dtype="boolean"), pandas.Series([1, None] * 3, dtype="Int64")]
    refused += [pandas.Series(["1", pandas.NA] * 3, dtype="string"), pandas.Series(["a", "b"] * 3, dtype="category")]
    for y in refused:
        with pytest.raises((TypeError, ValueError), match=r"must hold numbers\. Got|missing values: |contains NaN"):
            fit(y)


def test_sparse_and_ragged_targets_are_left_to_later_checks():
    ragged, matrix = [[1.0], [1.0, 2.0]], sparse.csr_array([[1.0]])
    assert target_array(ragged) is target_array(None) is target_array(1.0) is None
    assert numeric_targets(ragged) is ragged
    assert numeric_targets(matrix) is matrix


def test_plain_numbers_are_not_copied():
    y = np.array(NUMBERS)
    assert numeric_targets(y) is y
    refuse_missing_targets(np.array([np.nan]))  # which scikit-learn finds
