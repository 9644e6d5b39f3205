"""What all preprocessors promise alike."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

from skneural import preprocessing
from skneural.preprocessing import MeanCenterer, PCAWhitener, PiecewiseLinearEncoder, SmoothClipper, StdScaler
from skneural.preprocessing.moments_transformer import MomentsTransformer

# Those that learn moments: found, not listed, so that a new one is tested too.
PUBLIC = [getattr(preprocessing, name) for name in preprocessing.__all__]
ALL = [transformer() for transformer in PUBLIC if issubclass(transformer, MomentsTransformer)]
VARIANTS = [
    MeanCenterer(n_channels=2),
    MeanCenterer(n_channels=1, data_format="channels_first"),
    StdScaler(n_channels=2, data_format="channels_first"),
    StdScaler(with_mean=False),
    StdScaler(with_std=False),
    PCAWhitener(method="zca"),
    PCAWhitener(svd_solver="full", n_components=2),
    PCAWhitener(whiten=False, epsilon=0.1),
    PCAWhitener(method="zca", n_components=0.9, epsilon=1e-3),
]
every = pytest.mark.parametrize("transformer", ALL + VARIANTS, ids=repr)
# Checks of scikit-learn that check_estimator does not run.
UNCALLED = [
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_transformer_get_feature_names_out",
    "check_transformer_get_feature_names_out_pandas",
    "check_param_validation",
    "check_dataframe_column_names_consistency",
    "check_set_output_transform",
    "check_global_set_output_transform_polars",
    "check_global_output_transform_pandas",
]


def data(seed=0, n_rows=30, n_features=4):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_rows, n_features)) @ rng.standard_normal((n_features, n_features)) + 10


@pytest.mark.parametrize("transformer", ALL, ids=repr)
@pytest.mark.filterwarnings("ignore")
def test_check_estimator(transformer):
    results = check_estimator(transformer, on_skip=None)
    assert {result["status"] for result in results} <= {"passed", "skipped"}
    assert [result["check_name"] for result in results if result["status"] == "skipped"] in (
        [],
        ["check_array_api_input"],
    )


@pytest.mark.parametrize("check", [name for name in UNCALLED if hasattr(estimator_checks, name)])
@pytest.mark.parametrize("transformer", [*ALL, PCAWhitener(method="zca")], ids=repr)
@pytest.mark.filterwarnings("ignore:X .* feature names", "ignore:.*no variance beyond rounding")
def test_checks_that_check_estimator_leaves_out(transformer, check):
    getattr(estimator_checks, check)(type(transformer).__name__, clone(transformer))


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**16),
    cuts=st.lists(st.integers(1, 29), max_size=8),
    weighted=st.booleans(),
    merged=st.booleans(),
)
@every
def test_any_chunking_equals_fit(transformer, seed, cuts, weighted, merged):
    X = data(seed)
    weight = np.random.default_rng(seed).integers(1, 4, len(X)).astype(float) if weighted else None
    whole = clone(transformer).fit(X, sample_weight=weight)
    parts = [
        (X[rows], None if weight is None else weight[rows]) for rows in np.split(np.arange(len(X)), sorted(set(cuts)))
    ]
    streamed = clone(transformer).partial_fit(parts[0][0], sample_weight=parts[0][1])
    for part, part_weight in parts[1:]:
        other = clone(transformer).partial_fit(part, sample_weight=part_weight) if merged else None
        streamed = streamed.merge(other) if merged else streamed.partial_fit(part, sample_weight=part_weight)
    np.testing.assert_allclose(streamed.n_samples_seen_, whole.n_samples_seen_)
    for name in ("mean_", "var_", "explained_variance_"):
        expected = getattr(whole, name, None)
        if expected is not None:
            # Variances of directions are exact relative to the largest.
            atol = 1e-12 * np.abs(expected).max()
            np.testing.assert_allclose(getattr(streamed, name), expected, rtol=1e-10, atol=atol)


@every
def test_streaming_row_by_row_transforms_alike(transformer):
    X = data()
    streamed = clone(transformer)
    for row in X:
        streamed.partial_fit(row[np.newaxis])
    expected = clone(transformer).fit_transform(X)
    np.testing.assert_allclose(streamed.transform(X), expected, rtol=1e-9, atol=1e-9)


@every
def test_weights_equal_repetition(transformer):
    X = data()
    weight = np.arange(len(X)) % 3
    found = clone(transformer).fit(X, sample_weight=weight).transform(X)
    expected = clone(transformer).fit(np.repeat(X, weight, axis=0)).transform(X)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@every
def test_rows_that_are_only_transformed_never_move_the_statistics(transformer):
    X = data()
    fitted = clone(transformer).fit(X)
    before = pickle.dumps(fitted)
    fitted.inverse_transform(fitted.transform(1e3 * data(1)))
    assert pickle.dumps(fitted) == before
    split = make_pipeline(clone(transformer)).fit(X[:20])
    np.testing.assert_array_equal(split.transform(X)[:20], split.transform(X[:20]))


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept_and_single_precision_is_accurate(transformer, dtype):
    X = (data() + 1000).astype(dtype)
    found = clone(transformer).fit_transform(X)
    assert found.dtype == dtype
    expected = clone(transformer).fit_transform(X.astype(float))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert clone(transformer).fit(X).inverse_transform(found).dtype == dtype


@every
@pytest.mark.parametrize(
    "view", [np.asfortranarray, lambda X: X[::-1, ::-1], lambda X: np.repeat(X, 2, axis=1)[:, ::2]]
)
@pytest.mark.parametrize("copy", [True, False])
def test_layouts_and_read_only_input(transformer, view, copy):
    X = data()
    seen = view(X)
    expected = clone(transformer).fit_transform(np.array(seen, order="C"))
    seen.flags.writeable = False
    before = seen.copy()
    fitted = clone(transformer).set_params(copy=copy).fit(seen)
    np.testing.assert_allclose(fitted.transform(seen), expected, atol=1e-10)
    np.testing.assert_allclose(fitted.transform(seen, copy=False), expected, atol=1e-10)
    np.testing.assert_array_equal(seen, before)


@every
def test_copy(transformer):
    X = data()
    fitted = clone(transformer).fit(X)
    original, expected = X.copy(), fitted.transform(X)
    np.testing.assert_array_equal(X, original)
    if expected.shape == X.shape:
        assert fitted.transform(X, copy=False) is X
        np.testing.assert_array_equal(X, expected)
        fitted.set_params(copy=False).inverse_transform(X)
        assert not np.array_equal(X, expected) or not fitted.whiten


@every
@pytest.mark.parametrize("verb", ["fit", "partial_fit"])
def test_a_failed_fit_leaves_nothing_behind(transformer, verb):
    X, bad = data(), data()
    bad[-1, -1] = np.inf
    fresh = clone(transformer)
    for wrong, weight in ((bad, None), (X, -np.ones(len(X))), (X, np.zeros(len(X))), (X, np.ones(3))):
        with pytest.raises(ValueError, match=r"inf|weight"):
            getattr(fresh, verb)(wrong, sample_weight=weight)
    assert vars(fresh) == vars(clone(transformer))
    with pytest.raises(NotFittedError):
        fresh.transform(X)
    fitted = clone(transformer).partial_fit(X)
    before = pickle.dumps(fitted)
    with pytest.raises(ValueError, match="inf"):
        getattr(fitted, verb)(bad)
    with pytest.raises(ValueError, match="weight"):
        getattr(fitted, verb)(X, sample_weight=np.zeros(len(X)))
    assert pickle.dumps(fitted) == before
    with pytest.raises(ValueError, match="features"):
        fitted.partial_fit(X[:, :2])
    assert pickle.dumps(fitted) == before


@every
def test_merge_says_what_does_not_fit(transformer):
    X = data()
    fitted = clone(transformer).partial_fit(X)
    before = pickle.dumps(fitted)
    with pytest.raises(NotFittedError):
        clone(transformer).merge(fitted)
    with pytest.raises(NotFittedError):
        fitted.merge(clone(transformer))
    with pytest.raises(TypeError, match=f"expected a fitted {type(fitted).__name__}"):
        fitted.merge(object())
    with pytest.raises(ValueError, match="same columns"):
        fitted.merge(clone(transformer).partial_fit(X[:, :2]))
    with pytest.raises(ValueError, match="same columns"):
        fitted.merge(clone(transformer).partial_fit(pd.DataFrame(X, columns=list("abcd"))))
    assert pickle.dumps(fitted) == before
    other = clone(transformer).partial_fit(X)
    left = pickle.dumps(other)
    fitted.merge(other)
    assert pickle.dumps(other) == left


@every
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_in_and_out(transformer, frame):
    X = data()
    columns = {name: X[:, j] for j, name in enumerate("abcd")}
    library = "pandas" if frame is pd.DataFrame else "polars"
    fitted = clone(transformer).set_output(transform=library).fit(frame(columns))
    found = fitted.transform(frame(columns))
    assert isinstance(found, frame)
    assert list(found.columns) == list(fitted.get_feature_names_out())
    np.testing.assert_allclose(found.to_numpy(), clone(transformer).fit_transform(X), atol=1e-10)
    np.testing.assert_allclose(fitted.inverse_transform(found.to_numpy()), fitted.inverse_transform(found), atol=1e-10)


@pytest.mark.parametrize("transformer", ALL, ids=repr)
def test_inverse_transform_counts_columns(transformer):
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4 features"):
        clone(transformer).fit(data()).inverse_transform(data()[:, :3])


@every
def test_pickles_hold_plain_values(transformer):
    fitted = clone(transformer).fit(data())
    plain = (np.ndarray, np.generic, int, float, str, bool, type(None))
    for value in vars(fitted).values():
        assert isinstance(value, plain) or all(isinstance(each, plain) for each in value.values())
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.transform(data(1)), fitted.transform(data(1)))


MEMORY_PROBE = """
import sys
import numpy as np
from skneural import preprocessing

def resident(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":")) / 1024

X = np.load(sys.argv[1], mmap_mode="r")
for name in sys.argv[2:]:
    transformer = getattr(preprocessing, name)()
    transformer.fit(np.random.default_rng(0).standard_normal((2000, 64), dtype=np.float32))
    before = resident("VmRSS")
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
    transformer.fit(X)
    print(resident("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_a_mapped_file_is_read_in_blocks(tmp_path):
    """192 MiB are fitted within the 32 MiB that stay mapped and buffers of a few MiB."""
    shape = (3 * 2**18, 64)
    rows = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, shape)
    block = np.random.default_rng(0).standard_normal((2**14, 64), dtype=np.float32)
    for start in range(0, len(rows), len(block)):
        rows[start : start + len(block)] = block
    rows.flush()
    del rows
    command = [sys.executable, "-c", MEMORY_PROBE, str(tmp_path / "X.npy"), *(type(each).__name__ for each in ALL)]
    extra = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert max(map(float, extra)) < 64


@every
def test_weights_that_overflow_only_together_are_refused(transformer):
    X, weight = 1e-3 * data(), np.full(30, 1e306)

    def absorb_for_ever():
        while True:
            fitted.partial_fit(X, sample_weight=weight)

    fitted = clone(transformer)
    with pytest.raises(ValueError, match="more than float64 can hold"):
        absorb_for_ever()
    assert np.isfinite(fitted.n_samples_seen_).all()
    expected = clone(transformer).fit(X, sample_weight=weight).transform(X)
    np.testing.assert_allclose(fitted.transform(X), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("transformer", [MeanCenterer(n_channels=1), StdScaler(n_channels=1)], ids=repr)
def test_weights_that_overflow_only_over_a_channel_are_refused(transformer):
    X = np.array([[0.0, 1.0, 1.0, 0.0]])
    with pytest.raises(ValueError, match="more than float64 can hold"):
        transformer.fit(X, sample_weight=[5e307])
    assert transformer.fit(X, sample_weight=[1e307]).transform(X).shape == X.shape


BOTH = (False, True)
# Transformers, and what may become of their parameters after they were fitted.
LATER = [
    *((StdScaler(with_mean=m, with_std=s), {"with_mean": not m, "with_std": not s}) for m in BOTH for s in BOTH),
    (StdScaler(with_std=False), {"with_std": True}),
    (StdScaler(with_mean=False), {"with_mean": True}),
    (MeanCenterer(), {"n_channels": 3}),
    (MeanCenterer(n_channels=2), {"n_channels": None, "data_format": "channels_first"}),
    (PCAWhitener(), {"n_components": 2, "method": "zca", "svd_solver": "randomized"}),
    (PCAWhitener(2, svd_solver="randomized"), {"n_components": None, "svd_solver": "full"}),
    (PCAWhitener(method="zca"), {"whiten": False}),
]


@pytest.mark.parametrize(("transformer", "changed"), LATER, ids=repr)
def test_a_copy_of_a_fitted_one_is_made_whatever_its_parameters_have_become(transformer, changed):
    fitted = clone(transformer).fit(data())
    before = fitted.set_params(**changed).__getstate__()
    for loaded in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_equal(loaded.__getstate__(), before)


# Magnitudes at which float64 or float32 underflow, lose digits or overflow, alone or squared or added up.
EXTREMES = [0.0, 5e-324, 1e-308, 1e-160, 1e-45, 1e-38, 1e-20, 1.0, 1e19, 3e38, 1e150, 1e160, 1e300, 1.7e308]
EVERY_KIND = [transformer() for transformer in PUBLIC] + VARIANTS
UNITED = [
    PiecewiseLinearEncoder(n_bins=2, min_rows=1),
    SmoothClipper(limit=5e-324),
    SmoothClipper(limit=1.7e308),
    PCAWhitener(2, svd_solver="randomized", random_state=0),
    PCAWhitener(svd_solver="gram_eigh"),
    PCAWhitener("mle"),
]


@settings(deadline=None, max_examples=25)
@given(
    magnitudes=st.lists(st.sampled_from(EXTREMES), min_size=4, max_size=4),
    other=st.sampled_from(EXTREMES),
    constant=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    weighted=st.sampled_from([None, 5e-324, 1.0, 1e307]),
)
@pytest.mark.parametrize("transformer", EVERY_KIND + UNITED, ids=repr)
@pytest.mark.filterwarnings("ignore:.*no variance beyond rounding")
def test_no_floating_point_error_leaves_a_transformer(transformer, magnitudes, other, constant, dtype, weighted):
    """With ``np.seterr(all="raise")`` in the application: a result, or a sentence about the values."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        X = np.clip(rng.uniform(0.5, 1, (12, 4)) * magnitudes * rng.choice([-1, 1], (12, 4)), -1.7e308, 1.7e308)
        X = np.clip(X, -np.finfo(dtype).max, np.finfo(dtype).max).astype(dtype)
        Y = np.clip(rng.uniform(-1, 1, (12, 4)) * other, -np.finfo(dtype).max, np.finfo(dtype).max).astype(dtype)
    X[:, 0] = X[0, 0] if constant else X[:, 0]
    weights = {} if weighted is None or not hasattr(transformer, "merge") else {"sample_weight": np.full(12, weighted)}
    with np.errstate(all="raise"):
        before = np.geterr()
        fitted = [attempt(clone(transformer).fit, rows, **weights) for rows in (X, Y)]
        for each in filter(None, fitted):
            for rows in (X, Y):
                Z = attempt(each.transform, rows)
                if Z is not None and hasattr(each, "inverse_transform"):
                    attempt(each.inverse_transform, Z)
            attempt(pickle.loads, pickle.dumps(each))
        if hasattr(transformer, "merge"):
            streamed = attempt(clone(transformer).partial_fit, X, **weights)
            for act in ("partial_fit", "merge"):
                if streamed is not None and (act == "partial_fit" or fitted[1] is not None):
                    attempt(getattr(streamed, act), Y if act == "partial_fit" else fitted[1])
            if streamed is not None:
                attempt(streamed.transform, Y)
        assert np.geterr() == before


def attempt(act, *arguments, **named):
    """What a transformer returns, which must be finite, or None where it says in a sentence why there is nothing."""
    try:
        result = act(*arguments, **named)
    except ValueError:
        return None
    assert not isinstance(result, np.ndarray) or np.isfinite(result).all()
    return result
