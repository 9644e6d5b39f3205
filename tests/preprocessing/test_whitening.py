import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from skneural.preprocessing import PCAWhitener

METHODS = pytest.mark.parametrize("method", ["pca", "zca"])
SOLVERS = pytest.mark.parametrize("svd_solver", ["auto", "covariance_eigh", "gram_eigh", "full"])
quiet = pytest.mark.filterwarnings("ignore:.*no variance beyond rounding")


def correlated(seed=0, n_rows=200, n_features=5):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_rows, n_features)) @ rng.standard_normal((n_features, n_features)) + 3


def whiteness_error(Z):
    return np.abs(np.cov(Z.T.astype(float)) - np.eye(Z.shape[1])).max()


@METHODS
@SOLVERS
@pytest.mark.parametrize(("mean", "dtype", "bound"), [(100, np.float32, 1e-4), (1e4, np.float64, 1e-9)])
@pytest.mark.parametrize("rotated", [False, True])
def test_rows_far_from_zero_are_whitened(method, svd_solver, mean, dtype, bound, rotated):
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0] if rotated else np.eye(6)
    n_rows = 1000 if svd_solver == "gram_eigh" else 5000  # its time grows with their cube
    X = rng.standard_normal((n_rows, 6)) * np.geomspace(1, 0.02, 6) @ rotation + mean
    Z = PCAWhitener(method=method, svd_solver=svd_solver).fit_transform(X.astype(dtype))
    assert Z.dtype == dtype
    assert whiteness_error(Z) <= bound


@METHODS
@SOLVERS
def test_a_constant_column_that_moves_is_no_catastrophe(method, svd_solver):
    X = np.random.default_rng(0).standard_normal((500, 5))
    X[:, 2] = 3.7
    with pytest.warns(UserWarning, match="1 of 5 directions .* constant features: 1"):
        whitener = PCAWhitener(method=method, svd_solver=svd_solver).fit(X)
    moved = X.copy()
    moved[:, 2] += 1e-3
    assert whitener.rank_ == 4
    assert np.abs(whitener.transform(moved)).max() <= 10


@METHODS
@SOLVERS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mean", [0.0, 100.0])
def test_fewer_rows_than_features(method, svd_solver, dtype, mean):
    X = (np.random.default_rng(0).standard_normal((1020, 50)) + mean).astype(dtype)
    with pytest.warns(UserWarning, match="31 of 50 directions .* 20 rows span at most 19 directions"):
        whitener = PCAWhitener(method=method, svd_solver=svd_solver).fit(X[:20])
    assert whitener.rank_ == 19
    assert np.abs(whitener.transform(X[20:])).max() <= 100


@quiet
def test_whitened_digits_are_learned():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    network = MLPClassifier(random_state=0, max_iter=300)
    assert make_pipeline(PCAWhitener(), network).fit(X_train, y_train).score(X_test, y_test) >= 0.89


@METHODS
@SOLVERS
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**16), n_features=st.integers(1, 8), weighted=st.booleans())
def test_training_rows_get_the_identity_covariance(method, svd_solver, seed, n_features, weighted):
    X = correlated(seed, 60, n_features)
    weight = np.random.default_rng(seed).integers(1, 4, 60)
    whitener = PCAWhitener(method=method, svd_solver=svd_solver)
    Z = whitener.fit(X, sample_weight=weight if weighted else None).transform(X)
    covariance = np.cov(Z.T, fweights=weight if weighted else None)
    np.testing.assert_allclose(covariance, np.eye(n_features) if n_features > 1 else 1.0, atol=1e-6)


@METHODS
def test_kept_space_is_white_and_restored(method):
    X = correlated()
    whitener = PCAWhitener(3, method=method).fit(X)
    Z = whitener.transform(X)
    projection = whitener.components_.T @ whitener.components_
    np.testing.assert_allclose(np.cov(Z.T), np.eye(3) if method == "pca" else projection, atol=1e-10)
    restored = whitener.inverse_transform(Z)
    np.testing.assert_allclose(restored, (X - X.mean(axis=0)) @ projection + X.mean(axis=0), atol=1e-10)
    np.testing.assert_allclose(whitener.inverse_transform(whitener.transform(restored)), restored, atol=1e-10)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**16))
def test_zca_is_symmetric_and_the_closest_whitening(seed):
    X = correlated(seed)
    whitener = PCAWhitener(method="zca").fit(X)
    matrix = whitener.transform(np.eye(5)) - whitener.transform(np.zeros((5, 5)))
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-8 * np.abs(matrix).max())
    centred = X - X.mean(axis=0)
    rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((5, 5)))[0]
    closest = np.sum((whitener.transform(X) - centred) ** 2)
    for other in (PCAWhitener().fit_transform(X), whitener.transform(X) @ rotation):
        assert closest <= np.sum((other - centred) ** 2) * (1 + 1e-9)


@pytest.mark.parametrize("svd_solver", ["covariance_eigh", "gram_eigh", "full"])
@pytest.mark.parametrize("n_components", [None, 3, 0.8, "mle"])
@pytest.mark.parametrize("whiten", [True, False])
def test_agrees_with_pca(svd_solver, n_components, whiten):
    X = correlated()
    ours = PCAWhitener(n_components, whiten=whiten, svd_solver=svd_solver).fit(X)
    theirs = PCA(n_components, whiten=whiten, svd_solver="full").fit(X)
    for name in (
        "components_",
        "explained_variance_",
        "explained_variance_ratio_",
        "singular_values_",
        "mean_",
        "n_components_",
        "noise_variance_",
    ):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-10, err_msg=name)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-9)


def test_randomized_finds_the_leading_directions():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 60)) * np.geomspace(10, 0.01, 60) + 5
    exact = PCAWhitener(4, svd_solver="full").fit(X)
    found = PCAWhitener(4, svd_solver="randomized", random_state=0).fit(X)
    np.testing.assert_allclose(found.explained_variance_, exact.explained_variance_, rtol=1e-4)
    np.testing.assert_allclose(found.explained_variance_ratio_, exact.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(found.noise_variance_, exact.noise_variance_, rtol=1e-2)
    assert whiteness_error(found.transform(X)) < 1e-3
    for act in (lambda: found.partial_fit(X), lambda: found.merge(found)):
        with pytest.raises(ValueError, match="svd_solver='auto', 'covariance_eigh' or 'full'"):
            act()
    with pytest.raises(ValueError, match="svd_solver='auto', 'covariance_eigh' or 'full'"):
        PCAWhitener(4, svd_solver="randomized").partial_fit(X)
    with pytest.raises(ValueError, match=r"n_components=None, but svd_solver='randomized'"):
        PCAWhitener(svd_solver="randomized").fit(X)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: correlated(), "covariance_eigh"),
        (lambda: correlated(n_rows=4), "gram_eigh"),
        (lambda: np.vstack([correlated(n_rows=3), correlated(n_rows=3)[:1]]), "full"),
        (lambda: correlated() * [1e4, 1, 1, 1, 1e-5], "full"),
    ],
    ids=["well conditioned", "few rows", "few rows, two of them equal", "units far apart"],
)
@quiet
def test_auto_picks_by_size_and_accuracy(make, expected):
    X = make()
    whitener = PCAWhitener().fit(X)
    assert whitener.svd_solver_ == expected
    if len(X) > X.shape[1]:
        assert whitener.rank_ == 5
        assert whiteness_error(whitener.transform(X)) < 1e-5
    streamed = PCAWhitener().partial_fit(X)
    assert streamed.svd_solver_ == "covariance_eigh"
    assert streamed.merge(whitener).svd_solver_ == "covariance_eigh"


@quiet
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dependent_features_are_found(dtype):
    X = correlated(n_rows=500) + 100
    X = np.column_stack([X, X[:, 0] + X[:, 1], X[:, 2]]).astype(dtype)
    with pytest.warns(UserWarning, match="2 of 7 directions .* dropped: .*depend linearly"):
        whitener = PCAWhitener().fit(X)
    assert whitener.rank_ == whitener.n_components_ == 5
    zca = PCAWhitener(method="zca").fit(X)
    assert zca.transform(X).shape == X.shape
    assert list(zca.get_feature_names_out()) == [f"x{j}" for j in range(7)]
    assert list(whitener.get_feature_names_out()) == [f"pcawhitener{j}" for j in range(5)]


def test_epsilon_and_rtol_tame_weak_directions():
    X = correlated() * [1, 1, 1, 1, 1e-4]
    damped = PCAWhitener(epsilon=0.01).fit(X)
    variances = damped.explained_variance_
    expected = variances / (variances + 0.01 * variances[0])
    np.testing.assert_allclose(np.var(damped.transform(X), axis=0, ddof=1), expected, rtol=1e-6)
    np.testing.assert_allclose(damped.inverse_transform(damped.transform(X)), X, atol=1e-10)
    with pytest.warns(UserWarning, match="1 of 5 directions"):
        assert PCAWhitener(rtol=1e-3).fit(X).rank_ == 4


def test_streams_decompose_when_needed_and_warn_once():
    X = correlated(n_rows=40)
    whitener = PCAWhitener()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for row in X:
            whitener.partial_fit(row[np.newaxis])
        assert whitener.rank_ == 5
    few = PCAWhitener().partial_fit(X[:3])
    with pytest.warns(UserWarning, match="3 of 5 directions") as caught:
        few.transform(X)
    few.transform(X)
    assert len(caught) == 1
    with pytest.raises(ValueError, match="n_samples=1 rows"):
        PCAWhitener().partial_fit(X[:1]).transform(X)


def test_what_cannot_be_done_is_said():
    X = correlated()
    with pytest.raises(ValueError, match="method='zca' with whiten=False"):
        PCAWhitener(method="zca", whiten=False).fit(X)
    with pytest.raises(ValueError, match="n_components=6 must be between 1 and"):
        PCAWhitener(6).fit(X)
    with pytest.raises(ValueError, match="All 5 features are constant"):
        PCAWhitener().fit(np.ones((10, 5)))
    with pytest.raises(ValueError, match="n_samples=1 rows"):
        PCAWhitener().fit(X[:1])
    with pytest.raises(ValueError, match="scale the weights"):
        PCAWhitener().fit(X, sample_weight=np.full(200, 1 / 200))


def test_enormous_features_are_whitened_too():
    X = correlated()
    np.testing.assert_allclose(PCAWhitener().fit_transform(X * 1e100), PCAWhitener().fit_transform(X), atol=1e-9)


@METHODS
def test_a_result_that_overflows_is_an_error(method):
    whitener = PCAWhitener(method=method).fit(correlated() * 1e-40)
    with pytest.raises(ValueError, match="leaves the range of its dtype"):
        whitener.transform(np.full((1, 5), 1e10, dtype=np.float32))


KEEPS_ALL = [
    PCAWhitener(),
    PCAWhitener(method="zca", epsilon=0.1),
    PCAWhitener(5, svd_solver="covariance_eigh"),
    PCAWhitener(svd_solver="full"),
    PCAWhitener(svd_solver="gram_eigh"),
]
LEAVES_OUT = [
    PCAWhitener(2),
    PCAWhitener(0.5, svd_solver="full"),
    PCAWhitener(5, svd_solver="randomized"),
    PCAWhitener("mle"),
]


@pytest.mark.parametrize("transformer", KEEPS_ALL, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_can_be_added_where_fit_kept_all_directions(transformer, weighted):
    X = correlated()
    weight = np.random.default_rng(0).random(200) + 0.5 if weighted else None
    (first, w), (second, v) = (
        (X[rows], None if weight is None else weight[rows]) for rows in (slice(120), slice(120, None))
    )
    whole = clone(transformer).fit(X, sample_weight=weight)
    streamed = clone(transformer).fit(first, sample_weight=w).partial_fit(second, sample_weight=v)
    merged = clone(transformer).fit(first, sample_weight=w).merge(clone(transformer).fit(second, sample_weight=v))
    for found in (streamed, merged):
        np.testing.assert_allclose(found.n_samples_seen_, whole.n_samples_seen_)
        np.testing.assert_allclose(found.mean_, whole.mean_, rtol=1e-12)
        np.testing.assert_allclose(found.transform(X), whole.transform(X), atol=1e-8)


@pytest.mark.parametrize("transformer", LEAVES_OUT, ids=repr)
def test_rows_cannot_be_added_where_fit_left_directions_out(transformer):
    X = correlated() * [1, 2, 3, 4, 50]
    fitted = clone(transformer).fit(X)
    before = pickle.dumps(fitted)
    for act in (
        lambda: fitted.partial_fit(X),
        lambda: fitted.merge(PCAWhitener().fit(X)),
        lambda: PCAWhitener().fit(X).merge(fitted),
    ):
        with pytest.raises(ValueError, match=r"fit kept \d directions, but nothing of the others.* call partial_fit"):
            act()
    assert pickle.dumps(fitted) == before


@pytest.mark.parametrize(("shape", "n_components"), [((600, 600), 10), ((50, 3000), 10), ((300, 100), None)], ids=str)
def test_fit_keeps_no_more_than_pca_does(shape, n_components):
    X = np.random.default_rng(0).standard_normal(shape)
    ours, theirs = PCAWhitener(n_components).fit(X), PCA(n_components).fit(X)
    assert len(pickle.dumps(ours)) < 1.1 * len(pickle.dumps(theirs)) + 1000
    streamed = PCAWhitener(n_components).partial_fit(X)
    assert len(pickle.dumps(streamed)) > 8 * shape[1] ** 2


@METHODS
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("svd_solver", ["auto", "covariance_eigh", "gram_eigh", "full", "randomized"])
def test_sparse_rows_are_whitened_like_dense_ones(method, container, dtype, svd_solver):
    X = np.random.default_rng(0).standard_normal((150, 8)) + 1
    X = np.where(np.random.default_rng(1).random(X.shape) < 0.4, X, 0.0).astype(dtype)
    X[:, 0] += 5  # a feature without zeros
    weight = np.arange(150) % 3
    n_components = 6 if svd_solver == "randomized" else None
    found, expected = (
        PCAWhitener(n_components, method=method, svd_solver=svd_solver, random_state=0).fit(each, sample_weight=weight)
        for each in (container(X), X)
    )
    Z = found.transform(container(X))
    assert isinstance(Z, np.ndarray)
    assert Z.dtype == dtype
    atol = 1e-4 if dtype is np.float32 else 1e-9
    np.testing.assert_allclose(Z, expected.transform(X), atol=atol)
    np.testing.assert_allclose(found.transform(X), Z, atol=atol)
    np.testing.assert_allclose(found.inverse_transform(Z), expected.inverse_transform(Z), atol=atol)
    if svd_solver in ("auto", "covariance_eigh", "full"):
        streamed = clone(found).partial_fit(container(X)[:70]).partial_fit(container(X)[70:])
        np.testing.assert_allclose(streamed.transform(X), clone(found).fit(X).transform(X), atol=atol)


def test_sparse_rows_agree_with_pca():
    X = sparse.random_array((600, 40), density=0.1, format="csr", random_state=np.random.default_rng(0))
    ours = PCAWhitener(5).fit(X)
    theirs = PCA(5, whiten=True, svd_solver="arpack", random_state=0).fit(X)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(ours.explained_variance_ratio_, theirs.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(np.abs(ours.transform(X)), np.abs(theirs.transform(X)), atol=1e-6)
    with pytest.raises(TypeError, match="dense data is required"):
        ours.inverse_transform(sparse.csr_array(ours.transform(X)))


@SOLVERS
def test_the_most_likely_number_of_components(svd_solver):
    X = np.random.default_rng(0).standard_normal((300, 9)) * np.r_[5.0, 4.0, 3.0, np.full(6, 0.3)]
    whitener = PCAWhitener("mle", svd_solver=svd_solver).fit(X)
    assert whitener.n_components_ == PCA("mle", svd_solver="full").fit(X).n_components_ == 3
    streamed = PCAWhitener("mle").partial_fit(X[:5]).partial_fit(X[5:])
    assert streamed.n_components_ == 3
    with pytest.raises(ValueError, match="'mle' needs at least as many rows as features"):
        PCAWhitener("mle", svd_solver=svd_solver).fit(X[:8])


def test_large_single_precision_rows_are_as_exact_as_was_promised():
    """Multiplied in single precision where the features are not ill-conditioned, else in double precision."""
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((130, 130)))[0]
    for smallest in (1.0, 0.3, 0.02):
        X = rng.standard_normal((4000, 130)) * np.geomspace(1, smallest, 130) @ rotation + 100
        X = X.astype(np.float32)
        whitener = PCAWhitener().fit(X)
        assert whiteness_error(whitener.transform(X)) <= 1e-5
        exact = PCAWhitener().fit(X.astype(float))
        np.testing.assert_allclose(whitener.mean_, exact.mean_, atol=1e-7)
        np.testing.assert_allclose(whitener.explained_variance_, exact.explained_variance_, rtol=1e-5)


@METHODS
@pytest.mark.parametrize(("ratio", "dtype"), [(3, np.float32), (95, np.float32), (1000, np.float64)])
def test_some_directions_of_single_precision_rows_are_kept_in_the_precision_that_whitening_needs(method, ratio, dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 60)) * np.r_[np.geomspace(1, 1 / ratio, 10), np.full(50, 0.8 / ratio)]
    X = (X @ np.linalg.qr(rng.standard_normal((60, 60)))[0] + 10).astype(np.float32)
    whitener = PCAWhitener(10, method=method, svd_solver="covariance_eigh").fit(X)
    assert whitener.components_.dtype == dtype
    projected = (
        whitener.transform(X).astype(float) @ whitener.components_.T if method == "zca" else whitener.transform(X)
    )
    assert whiteness_error(projected) <= 1e-5
    restored = whitener.inverse_transform(whitener.transform(X))
    exact = PCAWhitener(10, svd_solver="covariance_eigh").fit(X.astype(float))
    np.testing.assert_allclose(restored, exact.inverse_transform(exact.transform(X)), rtol=2e-6)


def test_all_directions_are_kept_in_double_precision_since_rows_can_be_added():
    X = np.random.default_rng(0).standard_normal((300, 6)).astype(np.float32)
    whitener = PCAWhitener().fit(X)
    assert whitener.components_.dtype == np.float64
    assert whitener.partial_fit(X).n_samples_seen_ == 600


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(700, 700), (100, 3000)])
def test_a_file_is_as_small_as_that_of_scikit_learns_pca(shape, dtype):
    X = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    sizes = [len(pickle.dumps(each(10, whiten=True, random_state=0).fit(X))) for each in (PCAWhitener, PCA)]
    assert sizes[0] <= 1.5 * sizes[1]
