"""Arrays by any protocol and tables of any library are the same numbers; dates and broken sparse ones are refused."""

import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import skneural
from skneural import ActivationMLPClassifier, StdScaler
from skneural import _sklearn_compat as compat
from skneural.input_arrays import cell_array

X = np.arange(12.0).reshape(4, 3)
CHECKS = [lambda X: compat.check_array(X, accept_sparse=True), lambda X: StdScaler(with_mean=False).fit(X)]


@pytest.mark.parametrize("check", CHECKS, ids=["check_array", "fit"])
@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
@pytest.mark.parametrize("shift", [2, -4])
def test_sparse_indices_outside_of_the_matrix_are_refused(check, kind, shift):
    S = getattr(sparse, kind)(np.where(X % 2, X, 0))
    check(S)
    index = S.row if kind == "coo_array" else S.indices
    index += shift
    with pytest.raises(ValueError, match=r"indices from -?\d to -?\d"):
        check(S)


@pytest.mark.parametrize("check", CHECKS, ids=["check_array", "fit"])
@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix"])
def test_sparse_starts_that_cannot_be_are_refused(check, kind):
    for place, wrong in ((0, 1), (1, 100_000_000), (2, 0), (-1, 10**6)):
        S = getattr(sparse, kind)(X + 1)
        S.indptr[place] = wrong
        with pytest.raises(ValueError, match=r"starts \(indptr\) that do not rise from 0 to at most 12"):
            check(S)
    S = getattr(sparse, kind)(X + 1)
    S.data = S.data[:5]
    with pytest.raises(ValueError, match="to at most 5, the number of its entries"):
        check(S)


def test_parts_of_sparse_tables_become_contiguous():
    S = sparse.csr_array(X + 1).astype(complex).real
    assert not S.data.flags.c_contiguous
    checked = compat.check_array(S, accept_sparse=True)
    assert checked.data.flags.c_contiguous
    np.testing.assert_array_equal(checked.toarray(), X + 1)


@pytest.mark.parametrize("check", [compat.check_array, StdScaler().fit], ids=["check_array", "fit"])
def test_integers_beyond_float64_are_a_value_error(check):
    with pytest.raises(ValueError, match="within the range of float64"):
        check(np.array([[10**400, 1]], dtype=object))


def test_frames_of_another_byte_order_are_turned_round():
    frame = pd.DataFrame(X.astype(">f4"), columns=["a", "b", "c"])
    checked = compat.check_array(frame, dtype=[np.float64, np.float32])
    assert checked.dtype.isnative
    np.testing.assert_array_equal(checked, X)
    one, other = (skneural.ActivationMLPRegressor(max_iter=2, tol=0, random_state=0) for _ in range(2))
    with pytest.warns(ConvergenceWarning):
        one.fit(frame, X[:, 0])
    with pytest.warns(ConvergenceWarning):
        other.fit(X.astype(np.float32), X[:, 0])
    np.testing.assert_array_equal(one.predict(frame), other.predict(X.astype(np.float32)))


def misaligned(array):
    memory = np.zeros(array.nbytes + 1, dtype=np.uint8)[1:]
    found = memory.view(array.dtype).reshape(array.shape)
    found[...] = array
    assert not found.flags.aligned
    return found


def test_what_is_not_aligned_is_copied():
    checked = compat.check_array(misaligned(X))
    assert checked.flags.aligned
    np.testing.assert_array_equal(checked, X)
    S = sparse.csr_array(X)
    S.data = misaligned(S.data)
    checked = compat.check_array(S, accept_sparse="csr")
    assert checked.data.flags.aligned
    np.testing.assert_array_equal(checked.toarray(), X)
    assert compat.check_array(X) is X


def test_a_fraction_is_no_number_to_compute_with():
    with pytest.raises(ValueError, match=r"alpha.*must be a float.*Got Fraction"):
        skneural.ActivationMLPRegressor(alpha=Fraction(1, 2)).fit(X, X[:, 0])


class ByArray:
    """An array by NumPy's protocol alone."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


class Sized(ByArray):
    """One that also has a length, from which its number of columns cannot be seen."""

    def __len__(self):
        return len(self.values)


class ByInterface:
    """An array by the protocol before that."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.__array_interface__ = self.values.__array_interface__


class Sequence:
    """Rows by index."""

    def __init__(self, values):
        self.values = np.asarray(values).tolist()

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return self.values[index]


class ByNamespace:
    """An array by the array API standard, with the data interchange that belongs to it."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.shape, self.dtype = self.values.shape, self.values.dtype

    def __array_namespace__(self, api_version=None):
        return np

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Opaque:
    """One that claims the standard and offers no data."""

    shape, dtype = (30, 3), np.dtype(float)

    def __array_namespace__(self, api_version=None):
        return np


ESTIMATORS = [
    skneural.MeanCenterer(),
    StdScaler(),
    skneural.PCAWhitener(),
    skneural.SmoothClipper(),
    skneural.PiecewiseLinearEncoder(min_rows=1, n_bins=2),
    skneural.ActivationMLPRegressor(max_iter=2, tol=0, random_state=0),
    skneural.TableEncoder(None),  # which names columns in its messages
]
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
# The question is what is read, which few epochs answer.
unconverged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ROWS = np.random.default_rng(0).standard_normal((30, 3))
TARGETS = ROWS[:, 0] - ROWS[:, 1]


def output(estimator, rows):
    fitted = clone(estimator).fit(rows, TARGETS)
    return np.asarray(fitted.predict(rows) if hasattr(fitted, "predict") else fitted.transform(rows))


@every_estimator
@unconverged
@pytest.mark.parametrize("protocol", [ByArray, Sized, ByInterface, Sequence, ByNamespace, memoryview, list])
def test_arrays_by_protocol_are_arrays(estimator, protocol):
    np.testing.assert_array_equal(output(estimator, protocol(ROWS)), output(estimator, ROWS))


@every_estimator
@unconverged
@pytest.mark.parametrize("dtype", ["Float64", "Int64", "boolean"])
def test_nullable_tables_are_arrays_of_numbers(estimator, dtype):
    values = ROWS if dtype == "Float64" else np.round(3 * ROWS) if dtype == "Int64" else ROWS > 0
    np.testing.assert_array_equal(
        output(estimator, pd.DataFrame(values, columns=list("abc")).astype(dtype)),
        output(estimator, pd.DataFrame(values.astype(float), columns=list("abc"))),
    )


@every_estimator
@pytest.mark.parametrize("kind", ["nullable", "masked", "None", "polars"])
def test_missing_numbers_are_nan(estimator, kind):
    """They are NaN to those that take it, and to the others a sentence about NaN."""
    absent = np.zeros(ROWS.shape, dtype=bool)
    absent[3, 1] = True
    with_nan = np.where(absent, np.nan, ROWS)
    frame = pd.DataFrame(ROWS, columns=list("abc")).astype("Float64")
    frame.iloc[3, 1] = pd.NA
    X = {
        "nullable": frame,
        "masked": np.ma.masked_array(ROWS, mask=absent),
        "None": [[None if np.isnan(x) else x for x in row] for row in with_nan.tolist()],
        "polars": pl.DataFrame(dict(zip("abc", with_nan.T, strict=True)), nan_to_null=True),
    }[kind]
    if estimator.__sklearn_tags__().input_tags.allow_nan:
        np.testing.assert_array_equal(output(estimator, X), output(estimator, with_nan))
    else:
        with pytest.raises(ValueError, match="NaN"):
            output(estimator, X)


@pytest.mark.parametrize("estimator", [StdScaler(), ActivationMLPClassifier()], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ma.masked_array([[1 + 1j], [2]], mask=False), "Complex data not supported"),
        (np.ma.masked_array([["a"], ["b"]], mask=[[True], [False]]), "could not convert string to float: 'b'"),
        (np.ma.masked_array([["a"], ["b"]], mask=False, fill_value="N/A"), "could not convert string to float: 'a'"),
    ],
)
def test_masked_complex_numbers_and_text_are_refused_like_those_without_a_mask(estimator, X, message):
    with pytest.raises(ValueError, match=message):
        clone(estimator).fit(X, [0, 1])


@every_estimator
@unconverged
def test_masked_integers_without_a_masked_one_are_numbers(estimator):
    integers = np.round(3 * ROWS).astype(int)
    found = output(estimator, np.ma.masked_array(integers, mask=False))
    np.testing.assert_array_equal(found, output(estimator, integers))


HOURS, DAYS = np.arange(90).reshape(30, 3).astype("m8[h]"), np.arange(90).reshape(30, 3).astype("M8[D]")
FRAME = pd.DataFrame(ROWS, columns=list("abc"))
TEMPORAL = {
    "dates": DAYS,
    "durations": HOURS,
    "objects": DAYS.astype(object),
    "dates as objects of numpy": np.array([[np.datetime64(5, "s"), np.datetime64("NaT"), 1.0]] * 30, dtype=object),
    "durations as objects of numpy": np.array([[np.timedelta64(5, "s"), 2.0, 1.0]] * 30, dtype=object),
    "lists of dates": [[datetime.date(2020, 1, 1)] * 3] * 30,
    "lists of durations": HOURS.tolist(),
    "lists that mix durations with numbers": [[np.timedelta64(5, "ns"), 1.5, 2.0]] * 30,
    "lists that mix dates with numbers": [[np.datetime64("2020"), 1.5, 2.0]] * 30,
    "by protocol": ByArray(HOURS),
    "frame of dates": pd.DataFrame(DAYS.astype("M8[ns]")),
    "frame of durations": pd.DataFrame(HOURS.astype("m8[ns]")),
    "frame with dates": FRAME.assign(a=DAYS[:, 0].astype("M8[ns]")),
    "frame with durations": FRAME.assign(b=HOURS[:, 0].astype("m8[ns]")),
    "frame with time zones": FRAME.assign(a=pd.date_range("2020", periods=30, tz="UTC")),
    "frame with objects": FRAME.assign(a=np.array(list(HOURS[:, 0]), dtype=object)),
    "frame with categories": FRAME.assign(a=pd.Categorical(DAYS[:, 0].astype("M8[ns]"))),
    "polars with dates": pl.DataFrame({"a": pd.date_range("2020", periods=30).to_numpy(), "b": ROWS[:, 0]}),
    "polars with durations": pl.DataFrame({"a": HOURS[:, 0].astype("m8[ns]"), "b": ROWS[:, 0]}),
    "masked": np.ma.masked_array(HOURS, mask=False),
}


@every_estimator
@unconverged
@pytest.mark.parametrize("X", TEMPORAL.values(), ids=TEMPORAL)
def test_dates_and_durations_are_no_numbers(estimator, X):
    with pytest.raises(ValueError, match=r"Got dates, times or durations .*turn them into numbers of a unit first"):
        output(estimator, X)
    fitted = clone(estimator).fit(ROWS, TARGETS) if not isinstance(X, pd.DataFrame | pl.DataFrame) else None
    if fitted is not None:
        with pytest.raises(ValueError, match="Got dates, times or durations"):
            (fitted.predict if hasattr(fitted, "predict") else fitted.transform)(X)


def test_dates_and_durations_are_neither_targets_nor_weights():
    regressor = skneural.ActivationMLPRegressor(max_iter=2)
    with pytest.raises(TypeError, match=r"y must hold numbers\. Got durations"):
        regressor.fit(ROWS, HOURS[:, 0])
    with pytest.raises(ValueError, match="Got dates, times or durations"):
        StdScaler().fit(ROWS, sample_weight=HOURS[:, 0])


@unconverged
def test_dates_are_labels():
    first, second = np.datetime64("2020-01-01"), np.datetime64("2021-01-01")
    labels = np.where(DAYS[:, 0] > DAYS[15, 0], first, second)
    model = skneural.ActivationMLPClassifier(max_iter=2).fit(ROWS, labels)
    assert model.classes_.tolist() == [first, second]
    assert set(model.predict(ROWS)) <= {first, second}


@pytest.mark.parametrize("estimator", ESTIMATORS[:-1], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (FRAME.assign(a=["x"] * 29 + [None]), "could not convert string to float: 'x'"),
        (FRAME.assign(a=pd.array(["1.5"] * 29 + [pd.NA], dtype="string")), "Expected numbers, and NaN where they are"),
        (FRAME.assign(a=pd.period_range("2020", periods=30, freq="D")), "Expected numbers, and NaN where they are"),
        ((ROWS + 1j).astype(object), "Expected numbers, and NaN where they are missing: .*complex"),
        ({1, 2}, "Expected numbers, and NaN where they are missing: .*set"),
        (Opaque(), "Expected an array that NumPy can read, by __array__ or __dlpack__. Got Opaque"),
    ],
    ids=["text", "text with missing", "periods", "complex", "set", "opaque"],
)
def test_what_is_no_number_is_refused_in_a_sentence(estimator, X, message):
    with pytest.raises((ValueError, TypeError), match=message):
        output(estimator, X)


def test_the_callers_floating_point_settings_neither_stop_a_check_nor_change():
    with np.errstate(all="raise"):
        before = np.geterr()
        with pytest.raises(ValueError, match="infinity"):
            compat.check_array([[np.inf, -np.inf]])
        compat.check_array([[1e308, 1e308], [5e-324, 0.0]])
        compat.check_array(np.array([[1e-320]]), dtype=np.float32)
        assert np.geterr() == before


def test_cells_of_several_kinds_keep_their_kind():
    assert cell_array([["a", 1.5], [None, 2]]).tolist() == [["a", 1.5], [None, 2]]
    assert cell_array([[1, 2.5]]).dtype == np.float64
    assert cell_array(X) is X
    masked = np.ma.masked_array([[1.0, 2.0]], mask=[[True, False]])
    assert cell_array(masked).tolist() == [[None, 2.0]]
