import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from skneural.preprocessing import covariance, mean_and_variance
from skneural.preprocessing.covariance import FactorMoments, ScatterMoments
from skneural.preprocessing.image_channels import pool_channels
from skneural.preprocessing.mean_and_variance import FeatureMoments

KINDS = (FeatureMoments, ScatterMoments, FactorMoments)


@pytest.fixture(params=[2**6, 2**9, None], ids=["tiny blocks", "small blocks", "usual blocks"])
def blocks(request, monkeypatch):
    """Read in blocks of every size, so that rows cross the borders of blocks and groups."""
    if request.param is not None:
        monkeypatch.setattr(mean_and_variance, "FEATURE_BLOCK_BYTES", request.param)
        monkeypatch.setattr(covariance, "FACTOR_BLOCK_BYTES", request.param)
        monkeypatch.setattr("skneural.preprocessing.row_blocks.MATRIX_BLOCK_BYTES", request.param)
        monkeypatch.setattr("skneural.preprocessing.row_blocks.MATRIX_BLOCK_ROWS", 1)
        monkeypatch.setattr(covariance, "FIRST_CENTER_ROWS", 1)
        monkeypatch.setattr(mean_and_variance, "GROUP_BYTES", 3 * request.param)


def data(seed, n_rows=40, n_features=4):
    """Rows whose features differ in size, and weights some of which are zero."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)) * 10.0 ** rng.integers(-3, 4, n_features)
    X += 10.0 ** rng.integers(-2, 4, n_features)
    return X, rng.integers(0, 4, n_rows).astype(float)


def second_moment(found):
    return found.square_sum if isinstance(found, FeatureMoments) else found.scatter


def assert_same(found, expected, rtol=1e-10):
    np.testing.assert_allclose(found.weight, expected.weight, rtol=rtol)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=rtol)
    a, b = second_moment(found), second_moment(expected)
    size = np.sqrt(np.abs(b if b.ndim == 1 else np.diag(b)))
    np.testing.assert_allclose(a, b, atol=rtol * (size**2 if a.ndim == 1 else np.outer(size, size)).max(), rtol=rtol)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equals_the_definition(kind, weighted, dtype, blocks):
    X, weight = data(0)
    X = X.astype(dtype)
    found = kind.from_data(X, weight if weighted else None)
    weight = weight if weighted else np.ones(len(X))
    mean = np.average(X.astype(float), axis=0, weights=weight)
    centred = X - mean
    scatter = centred.T @ (weight[:, np.newaxis] * centred)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.weight, weight.sum())
    expected = np.diag(scatter) if kind is FeatureMoments else scatter
    np.testing.assert_allclose(second_moment(found), expected, rtol=1e-9, atol=1e-10 * abs(scatter).max())


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**16), cuts=st.lists(st.integers(1, 39), max_size=6), weighted=st.booleans())
@pytest.mark.parametrize("kind", KINDS)
def test_any_split_merges_to_the_whole(kind, seed, cuts, weighted):
    X, weight = data(seed)
    weight = weight + 0.5 if weighted else None
    parts = np.split(np.arange(len(X)), sorted(set(cuts)))
    found = [kind.from_data(X[rows], None if weight is None else weight[rows]) for rows in parts]
    total = found[-1]
    for part in reversed(found[:-1]):
        total = part.merge(total)
    assert_same(total, kind.from_data(X, weight))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**16))
@pytest.mark.parametrize("kind", KINDS)
def test_weights_equal_repetition_and_order_does_not_matter(kind, seed):
    X, weight = data(seed)
    weight[0] = 1.0
    repeated = np.repeat(X, weight.astype(int), axis=0)
    assert_same(kind.from_data(X, weight), kind.from_data(repeated))
    order = np.random.default_rng(seed).permutation(len(repeated))
    assert_same(kind.from_data(repeated[order]), kind.from_data(repeated))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**16), share=st.floats(0, 0.9))
def test_missing_values_are_skipped_feature_by_feature(seed, share):
    X, weight = data(seed)
    X[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    X[0] = 1.0
    weight[0] = 2.0
    found = FeatureMoments.from_data(X, weight)
    for j, column in enumerate(X.T):
        known = ~np.isnan(column)
        alone = FeatureMoments.from_data(column[known, np.newaxis], weight[known])
        assert_same(FeatureMoments(found.weight[[j]], found.mean[[j]], found.square_sum[[j]]), alone)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix])
@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_equals_dense(container, weighted):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((50, 6)) < 0.3, rng.standard_normal((50, 6)) + 3, 0.0)
    X[:, 2], X[7, 1], X[8, 1] = 100.1, np.nan, np.nan
    weight = rng.random(50) if weighted else None
    assert_same(FeatureMoments.from_data(container(X), weight), FeatureMoments.from_data(X, weight))
    assert FeatureMoments.from_data(container(X), weight).square_sum[2] < 1e-20


def test_sparse_duplicates_are_summed():
    X = sparse.coo_array((np.ones(3), ([0, 0, 1], [0, 0, 0])), shape=(2, 1)).tocsr()
    assert FeatureMoments.from_data(X).mean == 1.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.1, 1e4 + 0.3, -7e-9])
def test_a_constant_feature_has_its_value_and_no_variance(kind, value, blocks):
    X, _ = data(3)
    X[:, 1] = value
    found = kind.from_data(X).merge(kind.from_data(X[:7]))
    assert found.mean[1] == value
    assert second_moment(found)[..., 1].max() == 0.0


def test_a_centre_far_off_is_replaced(blocks):
    """The first rows weigh next to nothing and lie a million standard deviations away."""
    X = np.random.default_rng(0).standard_normal((2000, 2)) + 1e6
    X[:300] = 0.0
    weight = np.where(np.arange(2000) < 300, 1e-14, 1.0)
    centred = X - np.average(X, axis=0, weights=weight)
    found = FeatureMoments.from_data(X, weight)
    np.testing.assert_allclose(found.square_sum, weight @ centred**2, rtol=1e-9)
    scatter = centred.T @ (weight[:, np.newaxis] * centred)
    np.testing.assert_allclose(ScatterMoments.from_data(X, weight).scatter, scatter, rtol=1e-9)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_channel_is_one_variable(data_format):
    X, weight = data(2, n_features=6)
    channels = np.arange(6) % 2 if data_format == "channels_last" else np.arange(6) // 3
    found = pool_channels(FeatureMoments.from_data(X, weight), 2, data_format)
    for i in range(2):
        alone = FeatureMoments.from_data(X[:, channels == i].reshape(-1, 1), np.repeat(weight, 3))
        assert_same(FeatureMoments(found.weight[[i]], found.mean[[i]], found.square_sum[[i]]), alone)


@pytest.mark.parametrize("kind", KINDS)
def test_infinity_and_overflow_are_refused(kind):
    X, _ = data(0)
    X[3, 2] = np.inf
    with pytest.raises(ValueError, match="contains infinity"), np.errstate(all="ignore"):  # as in transformers
        kind.from_data(X)
    X[3, 2] = 1e200
    with pytest.raises(ValueError, match="overflow float64"), np.errstate(all="ignore"):
        kind.from_data(X)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "view", [np.asfortranarray, lambda X: X[::-1, ::-1], lambda X: np.repeat(X, 2, axis=1)[:, ::2]]
)
def test_any_layout_read_only(kind, view):
    X, _ = data(0)
    seen = view(X)
    seen.flags.writeable = False
    before = seen.copy()
    assert_same(kind.from_data(seen), kind.from_data(np.ascontiguousarray(seen)))
    np.testing.assert_array_equal(seen, before)
