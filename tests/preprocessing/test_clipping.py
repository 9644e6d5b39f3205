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
from skneural.preprocessing.clipping import RampEncoder, SmoothClipper

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@parametrize_with_checks([SmoothClipper(), RampEncoder(), RampEncoder(n_bins=3, min_rows=1)])
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


def test_ramps_are_the_formula():
    X = np.random.default_rng(0).standard_normal((400, 3))
    encoder = RampEncoder(n_bins=4).fit(X)
    Z = encoder.transform(X)
    assert Z.shape == (400, 3 + 12)
    np.testing.assert_array_equal(Z[:, :3], X)
    for j in range(3):
        b = np.quantile(X[:, j], [0, 0.25, 0.5, 0.75, 1])
        ramps = np.clip((X[:, [j]] - b[:-1]) / np.diff(b), 0, 1)
        np.testing.assert_allclose(Z[:, 3 + 4 * j : 7 + 4 * j], ramps - ramps.mean(axis=0), atol=1e-12)


def test_ramps_end_at_the_training_range():
    X = np.random.default_rng(0).standard_normal((400, 1))
    encoder = RampEncoder(n_bins=4).fit(X)
    far = encoder.transform([[1e300], [X.max()], [-1e300], [X.min()]])[:, 1:]
    np.testing.assert_allclose(far[0], far[1])
    np.testing.assert_allclose(far[2], far[3])


@pytest.mark.parametrize(("shape", "n_ramps"), [((400, 2), 8), ((400, 3), 0), ((399, 2), 0)])
def test_ramps_are_for_few_features_of_many_rows(shape, n_ramps):
    X = np.random.default_rng(0).standard_normal(shape)
    Z = RampEncoder(n_bins=4, max_columns=8).fit_transform(X)
    assert Z.shape[1] == shape[1] + n_ramps


def test_constant_and_rare_features_get_no_ramps_and_tied_ones_fewer():
    X = np.column_stack([np.full(400, 2.0), np.arange(400) % 5 == 0, np.arange(400) % 3, np.arange(400.0)])
    encoder = RampEncoder(n_bins=4).fit(X)
    assert [len(edges) for edges in encoder.edges_] == [0, 0, 3, 5]
    assert np.isfinite(encoder.transform(X)).all()


def test_ramps_keep_float32_and_have_names():
    X = pd.DataFrame({"width": np.arange(200.0)}).astype(np.float32)
    encoder = RampEncoder(n_bins=2).fit(X)
    assert encoder.transform(X).dtype == np.float32
    assert list(encoder.get_feature_names_out()) == ["width", "width_ramp0", "width_ramp1"]


@pytest.mark.parametrize("settings", [{"n_bins": 1}, {"max_columns": -1}, {"min_rows": 0}, {"n_bins": 2.5}])
def test_refuses_other_settings(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        RampEncoder(**settings).fit([[1.0]])


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


@pytest.mark.parametrize("transformer", [SmoothClipper(), RampEncoder()])
def test_a_failing_fit_leaves_no_trace(transformer):
    with pytest.raises(ValueError, match="could not convert"):
        transformer.fit(pd.DataFrame({"a": ["x", "y"]}))
    assert not hasattr(transformer, "feature_names_in_")
    assert not hasattr(transformer, "n_features_in_")


def test_more_bins_than_memory_are_too_many_for_the_rows():
    assert RampEncoder(n_bins=2**40).fit_transform([[1.0], [2.0]]).shape == (2, 1)
