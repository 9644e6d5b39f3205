import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skneural.preprocessing import StdScaler
from skneural.preprocessing.clipping import SmoothClipper, clip_outliers
from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@parametrize_with_checks([SmoothClipper()])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@given(hnp.arrays(float, (7, 1), elements=FINITE), st.floats(1e-3, 1e3))
def test_is_bounded_odd_and_keeps_the_order(X, limit):
    Z = SmoothClipper(limit=limit).fit_transform(X)
    assert np.abs(Z).max() <= limit * (1 + 1e-15)
    np.testing.assert_array_equal(SmoothClipper(limit=limit).fit_transform(-X), -Z)
    assert (np.diff(Z[np.argsort(X, axis=0)[:, 0], 0]) >= -1e-12 * limit).all()


def test_is_the_formula():
    X = np.linspace(-20, 20, 41)[:, None]
    np.testing.assert_allclose(SmoothClipper(limit=2.0).fit_transform(X), X / np.sqrt(1 + (X / 2) ** 2), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_dtype_and_does_not_overflow(dtype):
    largest = np.finfo(dtype).max
    Z = SmoothClipper().fit_transform(np.array([[largest], [-largest], [0]], dtype=dtype))
    assert Z.dtype == dtype
    np.testing.assert_allclose(Z.ravel(), [3, -3, 0], rtol=1e-6)


def test_leaves_its_input_alone_and_keeps_nan():
    X = np.array([[1.0, np.nan], [50.0, -2.0]])
    before = X.copy()
    Z = SmoothClipper().fit_transform(X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(np.isnan(Z), np.isnan(X))


def test_constant_and_sparse_valued_columns_behind_a_scaler():
    rare = np.zeros(100)
    rare[0] = 1  # quartiles all zero
    Z = make_pipeline(StdScaler(), SmoothClipper()).fit_transform(np.column_stack([np.full(100, 7.0), rare]))
    assert (Z[:, 0] == 0).all()
    assert 2.5 < Z[0, 1] < 3
    assert np.ptp(Z[1:, 1]) == 0


def test_names_of_features_pass_through():
    X = pd.DataFrame({"width": [1.0, 2.0], "height": [3.0, 4.0]})
    clipper = SmoothClipper().set_output(transform="pandas").fit(X)
    assert list(clipper.get_feature_names_out()) == ["width", "height"]
    assert list(clipper.transform(X).columns) == ["width", "height"]


@pytest.mark.parametrize("limit", [0, -1.0, np.inf, np.nan, "3"])
def test_refuses_other_limits(limit):
    with pytest.raises(ValueError, match="limit"):
        clone(SmoothClipper(limit=limit)).fit([[1.0]])


@pytest.mark.parametrize("limit", [1e-300, 1e300])
def test_limits_beyond_single_precision(limit):
    X = np.array([[0.0, -2.0, 3e38, -1e-38]], dtype=np.float32)
    Z = SmoothClipper(limit=limit).fit_transform(X)
    expected = X if limit > 1 else np.zeros_like(X)
    np.testing.assert_allclose(Z[:, :2], expected[:, :2], rtol=1e-6, atol=1e-37)
    assert np.isfinite(Z).all()


def test_the_largest_numbers_reach_the_limit():
    largest = np.finfo(np.float64).max
    for limit in (3.0, largest):
        Z = SmoothClipper(limit=limit).fit_transform([[largest, -largest]])
        expected = largest / np.hypot(1, largest / limit) if limit > 3 else limit
        np.testing.assert_allclose(Z, [[expected, -expected]])


@pytest.mark.parametrize("transformer", [SmoothClipper(), PiecewiseLinearEncoder()])
def test_a_failing_fit_leaves_no_trace(transformer):
    with pytest.raises(ValueError, match="could not convert"):
        transformer.fit(pd.DataFrame({"a": ["x", "y"]}))
    assert not hasattr(transformer, "feature_names_in_")
    assert not hasattr(transformer, "n_features_in_")


def test_outliers_are_clipped_at_bounds_by_hand():
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 1e9, np.nan])
    low, high = 2.5 - 10 * 2.5, 2.5 + 10 * 2.5  # the middle half is from 1.25 to 3.75
    np.testing.assert_allclose(clip_outliers(x[:, None])[:, 0], np.clip(x, low, high))


def test_values_of_a_normal_feature_are_no_outliers():
    X = np.random.RandomState(0).randn(1000, 4)
    np.testing.assert_array_equal(clip_outliers(X), X)


@pytest.mark.parametrize(
    ("values", "largest"),
    [
        ([0.0] * 90 + [1.0] * 9 + [1e9], 10 * (1 + 0.01 * (1e9 - 1))),  # the 99th hundredth ends between 1 and 1e9
        ([0.0] * 995 + [2.0] * 5 + [1e9], 1e9),  # from the first to the last hundredth there are zeros: no bound
        ([5.0] * 100, 5.0),
    ],
    ids=["mostly zero", "99 hundredths zero", "constant"],
)
def test_outliers_of_features_of_which_the_middle_half_is_one_value(values, largest):
    assert clip_outliers(np.array(values)[:, None]).max() == pytest.approx(largest)


@pytest.mark.parametrize("shape", [(1, 3), (2, 1)])
def test_outliers_of_few_rows_missing_columns_and_huge_values(shape):
    np.testing.assert_array_equal(clip_outliers(np.ones(shape)), np.ones(shape))
    with np.errstate(all="raise"):
        assert np.isnan(clip_outliers(np.full(shape, np.nan))).all()
        huge = np.array([[1e308], [-1e308], [1e308]])
        np.testing.assert_array_equal(clip_outliers(huge), huge)
