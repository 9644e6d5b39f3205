"""TableEncoder: every value against scikit-learn's parts by hand, every container against the others, to the bit."""

import io
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skneural import ActivationMLPClassifier, PiecewiseLinearEncoder, TableEncoder, tabular_classifier
from skneural.deployment import load, save
from skneural.preprocessing.number_encoding import automatic_n_bins


@parametrize_with_checks([TableEncoder(max_columns=0, min_frequency=None, max_levels=1)])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


# One table of every kind of column, missing cells in each, in every container.

KINDS = {
    "colour": [None, "red", "green", "blue", "red", "green", "blue", "red"],
    "text": ["x", "y", None, "x", "y", "z", "z", "x"],
    "truth": [True, False, True, None, False, True, False, True],
    "width": [1.5, 2.5, None, -3.0, 0.0, 1.0, 2.0, 4.0],
    "count": [1, 2, 3, 4, None, 6, 7, 8],
    "constant": [2.0] * 8,
    "nothing": [None] * 8,
}
NAMES = list(KINDS)
OUTPUT = ["width", "count", "constant", "width_missing", "count_missing"]
OUTPUT += ["colour_blue", "colour_green", "colour_red", "colour_missing"]
OUTPUT += ["text_x", "text_y", "text_z", "text_missing", "truth_True", "truth_missing"]


def pandas(**dtypes):
    """The table in pandas, with these dtypes instead of the usual ones."""
    usual = {"colour": "category", "width": "float64", "count": "float64", "constant": "float64", "nothing": "float64"}
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in KINDS.items()}).astype(usual | dtypes)


def polars(colour):
    """The table in Polars."""
    return pl.DataFrame(KINDS, strict=False).with_columns(pl.col("colour").cast(colour))


def arrow_dictionary():
    """The dtype of pandas for Arrow's categories."""
    pyarrow = pytest.importorskip("pyarrow")
    return pd.ArrowDtype(pyarrow.dictionary(pyarrow.int32(), pyarrow.string()))


CONTAINERS = {
    "pandas": pandas,
    "pandas, objects": lambda: pandas(colour=object, width=object, count=object, nothing=object),
    "pandas, NaN in objects": lambda: pandas(colour=object, nothing=object).replace({None: np.nan}),
    "pandas, nullable": lambda: pandas(
        text="string", truth="boolean", width="Float64", count="Int64", constant="Int8", nothing="Int64"
    ),
    "pandas, NA in objects": lambda: pandas(text="string", truth="boolean", count="Int64").astype(object),
    "pandas, as inferred": lambda: pd.DataFrame(KINDS),
    "pandas, all text": lambda: pandas(text="string", colour="string", nothing="string"),
    "pandas, unused levels": lambda: pandas(colour=pd.CategoricalDtype([*"zyx", "red", "blue", "green"])),
    "pandas, no level": lambda: pandas(nothing="category"),
    "pandas, single precision": lambda: pandas(width="float32", constant="float16"),
    "pandas, Arrow": lambda: pandas(
        text="string[pyarrow]", truth="bool[pyarrow]", width="double[pyarrow]", count="int32[pyarrow]"
    ),
    "pandas, Arrow's dictionaries": lambda: pandas(colour=arrow_dictionary(), text=arrow_dictionary()),
    "polars": lambda: polars(pl.Categorical),
    "polars, levels listed": lambda: polars(pl.Enum(["blue", "green", "red", "violet"])),
    "polars, text": lambda: polars(pl.String),
    "polars, single precision": lambda: polars(pl.String).cast({"width": pl.Float32, "count": pl.Int8}),
    "polars, nothing is text": lambda: polars(pl.String).cast({"nothing": pl.String}),
    "objects": lambda: pandas().to_numpy(dtype=object),
    "objects from polars": lambda: polars(pl.String).to_numpy(),
    "lists": lambda: [list(row) for row in zip(*KINDS.values(), strict=True)],
    "masked": lambda: np.ma.masked_where(
        pandas().isna().to_numpy(), pandas().astype(object).where(pandas().notna(), "masked").to_numpy()
    ),
}
NEED_ARROW = ("pandas, Arrow", "pandas, Arrow's dictionaries")


@pytest.fixture(params=CONTAINERS)
def container(request):
    if request.param in NEED_ARROW:
        pytest.importorskip("pyarrow")
    return CONTAINERS[request.param]()


def one_hot(cells, present):
    """Centred columns of levels, zero where missing, and the indicator of missing cells."""
    Z = np.zeros((len(cells), len(set(cells[present]))))
    Z[present] = OneHotEncoder(sparse_output=False).fit_transform(cells[present].reshape(-1, 1))
    Z[present] -= Z[present].mean(axis=0)
    return Z[:, 1:] if Z.shape[1] == 2 else Z, ~present - np.mean(~present)


def standardized(cells, limit=3.0):
    """Standardised and clipped numbers, zero where missing."""
    Z = StandardScaler().fit_transform(np.asarray(cells, dtype=float).reshape(-1, 1))
    return np.nan_to_num(limit * Z / np.hypot(Z, limit))


def expected():
    """The encoding of the table above, by hand."""
    cells = {name: np.array(column, dtype=object) for name, column in KINDS.items()}
    present = {name: ~np.equal(column, None).astype(bool) for name, column in cells.items()}
    numbers = [standardized(cells[name]) for name in ("width", "count", "constant")]
    indicators = [~present[name] - np.mean(~present[name]) for name in ("width", "count")]
    categories = [one_hot(cells[name].astype(str), present[name]) for name in ("colour", "text", "truth")]
    return np.column_stack([*numbers, *indicators, *(each for pair in categories for each in pair)])


def test_the_encoding_is_the_formula():
    encoder = TableEncoder()
    Z = encoder.fit_transform(pandas())
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z, expected(), atol=1e-6)
    assert list(encoder.get_feature_names_out()) == OUTPUT
    assert encoder.levels_ == [["blue", "green", "red"], ["x", "y", "z"], ["False", "True"], [], [], [], []]
    np.testing.assert_array_equal(encoder.missing_share_, [1 / 8] * 5 + [0, 1])


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names:UserWarning")
def test_every_container_gives_the_same(container):
    X = pandas()
    encoder = TableEncoder().fit(X)
    Z = encoder.transform(X)
    np.testing.assert_array_equal(encoder.transform(container), Z)
    other = TableEncoder()
    np.testing.assert_array_equal(other.fit_transform(container), Z)
    np.testing.assert_array_equal(other.transform(X), Z)


def test_nothing_warns_where_names_agree(container):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = TableEncoder().fit(container)
        encoder.transform(container[:1] if not isinstance(container, pd.DataFrame) else container.iloc[:1])


# Missing and unknown.


def test_what_is_not_known_is_the_mean_zero():
    X = pd.DataFrame({"a": list("xyzx"), "n": [1.0, 2.0, 3.0, 5.0]})
    Z = TableEncoder().fit(X).transform(pd.DataFrame({"a": ["unknown", None], "n": [np.nan, np.nan]}))
    assert Z.shape == (2, 4)
    assert not Z.any()


def test_a_feature_without_any_cell_has_no_columns():
    X = pd.DataFrame({"a": [1.0, 2.0], "none": [np.nan, np.nan]})
    encoder = TableEncoder().fit(X)
    assert list(encoder.get_feature_names_out()) == ["a"]
    np.testing.assert_array_equal(encoder.transform(X.assign(none=["now", "text"])), encoder.transform(X))


@pytest.mark.parametrize(
    "cells", [np.full((3, 2), np.nan), np.full((3, 2), None), np.full((3, 2), pd.NA)], ids=["NaN", "None", "NA"]
)
def test_a_table_without_any_cell_is_refused(cells):
    for X in (cells, pd.DataFrame(cells, columns=["a", "b"]), pd.DataFrame(cells, dtype="category")):
        for encoder in (TableEncoder(), TableEncoder([0])):
            with pytest.raises(ValueError, match=r"No column of X has a present cell\. Got shape \(3, 2\).*expected"):
                encoder.fit(X)
    encoder = TableEncoder().fit(np.ones((3, 2)))
    assert not encoder.transform(cells).any()
    with pytest.raises(ValueError, match="No column of X has a present cell"):
        tabular_classifier().fit(cells, [0, 1, 0])


# Numbers.


def test_numbers_are_encoded_piecewise_linearly_where_rows_suffice():
    X = np.random.default_rng(0).standard_normal((1000, 2))
    X[::5, 1] = np.nan  # 800 are left, enough for 8 bins
    X[:250:5, 1] = 0
    encoder = TableEncoder(n_bins=8, limit=2.0)
    Z = encoder.fit_transform(X)
    S = np.column_stack([StandardScaler().fit_transform(X[:, [j]]) for j in range(2)])
    C = (2 * S / np.hypot(S, 2)).astype(np.float32)
    assert Z.shape == (1000, 2 + 16 + 1)
    for j in range(2):
        present = ~np.isnan(X[:, j])
        b = np.quantile(C[present, j], np.linspace(0, 1, 9))
        bins = np.clip((C[present, j, np.newaxis] - b[:-1]) / np.diff(b), 0, 1)
        np.testing.assert_allclose(Z[present, j], C[present, j], atol=1e-6)
        np.testing.assert_allclose(Z[present, 2 + 8 * j : 10 + 8 * j], 0.3 * (bins - bins.mean(axis=0)), atol=1e-5)
        assert not Z[~present, 2 + 8 * j : 10 + 8 * j].any()
        assert not Z[~present, j].any()
    assert list(encoder.get_feature_names_out()[[0, 1, 2, 17, 18]]) == ["x0", "x1", "x0_bin0", "x1_bin7", "x1_missing"]


@pytest.mark.parametrize(
    ("settings", "n_columns"), [({}, 30), ({"n_bins": 8}, 27), ({"n_bins": 4}, 15), ({"max_columns": 23}, 3)]
)
def test_the_encoding_has_its_bounds(settings, n_columns):
    X = np.random.default_rng(0).standard_normal((800, 3))
    assert TableEncoder(**settings).fit_transform(X).shape[1] == n_columns


@pytest.mark.parametrize(
    ("n_rows", "n_numbers", "n_bins"), [(400, 1, 8), (2197, 1, 13), (2197, 5, 12), (2197, 8, 8), (2197, 20, 8)]
)
def test_few_numbers_have_more_bins(n_rows, n_numbers, n_bins):
    X = np.random.default_rng(0).standard_normal((n_rows, n_numbers))
    assert TableEncoder().fit_transform(X).shape[1] == n_numbers * (1 + n_bins)


def test_no_number_has_more_than_32_bins():
    assert automatic_n_bins(10**9, 1) == 32


def test_numbers_are_as_exact_as_the_scaler():
    X = 1e8 + np.random.default_rng(0).standard_normal((500, 1))
    Z = TableEncoder(max_columns=0).fit_transform(X)
    exact = StandardScaler().fit_transform(X - 1e8)
    np.testing.assert_allclose(Z, 3 * exact / np.hypot(exact, 3), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8, ">f8", object])
def test_every_dtype_of_numbers_gives_the_same(dtype):
    X = np.random.default_rng(0).integers(0, 200, (50, 3))
    np.testing.assert_array_equal(TableEncoder().fit_transform(X.astype(dtype)), TableEncoder().fit_transform(X))


def test_input_is_read_only_and_stays_as_it_is():
    for X in (np.array([[1.0, np.nan], [3.0, 4.0]]), np.array([["a", None], ["b", 4.0]], dtype=object)):
        before = X.copy()
        X.flags.writeable = False
        TableEncoder().fit(X).transform(X)
        np.testing.assert_array_equal(X, before)


def test_one_row_is_enough():
    Z = TableEncoder().fit_transform(pandas().iloc[:1])
    assert Z.shape[0] == 1
    assert not Z.any()


def test_floating_point_errors_of_the_caller_do_not_matter():
    with np.errstate(all="raise"):
        X = np.array([[1e-320, 1e100], [0.0, -1e100], [1e-310, np.nan]])
        assert np.isfinite(TableEncoder().fit_transform(X)).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_numbers_are_refused_by_name(value):
    X = pd.DataFrame({"fine": [1.0, 2.0], "bad": [1.0, value]})
    with pytest.raises(ValueError, match="Column 'bad' of X contains infinity"):
        TableEncoder().fit(X)
    with pytest.raises(ValueError, match="Column 1 of X contains infinity"):
        TableEncoder().fit(X.fillna(0).to_numpy())
    encoder = TableEncoder().fit(X.replace(value, 3.0))
    with pytest.raises(ValueError, match="Column 'bad' of X contains infinity"):
        encoder.transform(X)


def test_huge_values_are_right_or_refused():
    X = np.array([[1.0], [2.0], [3.0]])
    encoder = TableEncoder().fit(X)
    np.testing.assert_allclose(encoder.transform([[1e300], [-1e300]]), [[3.0], [-3.0]])
    with pytest.raises(ValueError, match="Expected"):
        TableEncoder().fit([[1e308], [-1e308]])
    with pytest.raises(ValueError, match="Column 0 of X holds a number out of the range of float64"):
        TableEncoder().fit(np.array([[10**400], [1]], dtype=object))


@pytest.mark.parametrize("cells", [[1e300] * 3, [1e300, 1e300, 2e300], [0.0, 1e300, np.nan], [-1e200, 1e200, 0.0]])
def test_numbers_whose_squares_overflow_are_refused_by_name(cells):
    X = pd.DataFrame({"fine": [1.0, 2.0, 3.0], "huge": cells, "text": list("abc"), "large": [1e100, 2e100, 3e100]})
    with pytest.raises(ValueError, match=r"Column 'huge' of X holds numbers up to .e\+.00, .* divide the column"):
        TableEncoder().fit(X)
    with pytest.raises(ValueError, match="Column 1 of X holds numbers up to"):
        TableEncoder().fit(X.to_numpy())


# Settings and columns.


@pytest.mark.parametrize(
    "settings",
    [{"max_levels": 0}, {"min_frequency": 0}, {"min_frequency": 1.5}, {"n_bins": 1}, {"component_variance": 1.0}],
)
def test_other_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        TableEncoder(**settings).fit([[1.0]])


def test_columns_are_checked_as_scikit_learn_does():
    X = pandas()
    encoder = TableEncoder().fit(X)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(X[NAMES[::-1]])
    with pytest.raises(ValueError, match=r"(?s)feature names should match.*unseen at fit time"):
        encoder.transform(X.assign(more=1.0))
    with pytest.raises(ValueError, match="X has 6 features, but TableEncoder is expecting 7"):
        TableEncoder().fit(CONTAINERS["objects"]()).transform(CONTAINERS["objects"]()[:, :6])
    with pytest.raises(ValueError, match=r"(?s)Expected unique column names.*colour"):
        TableEncoder().fit(X.rename(columns={"text": "colour"}))
    with pytest.raises(TypeError, match="Feature names are only supported if all input features have string names"):
        TableEncoder().fit(X.rename(columns={"text": 0}))
    with pytest.raises(ValueError, match="0 sample"):
        encoder.transform(X.iloc[:0])
    numbered = X.set_axis(range(7), axis=1)
    np.testing.assert_array_equal(TableEncoder().fit_transform(numbered), encoder.transform(X))
    assert TableEncoder().fit(numbered).get_feature_names_out()[0] == "x3"


def test_sparse_rows_are_refused():
    with pytest.raises(TypeError, match=r"(?i)sparse"):
        TableEncoder().fit(sparse.csr_array(np.eye(3)))


@pytest.mark.parametrize("fit", ["fit", "fit_transform"])
def test_a_fit_that_fails_changes_nothing(fit):
    encoder = TableEncoder().fit(pandas())
    before = dict(vars(encoder))
    with pytest.raises(ValueError, match="infinity"):
        getattr(encoder, fit)([[np.inf]])
    assert vars(encoder) == before


# Output, copies and use.


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_output_is_a_frame_on_request(library):
    X = pandas()
    Z = TableEncoder().fit_transform(X)
    for encoder in (TableEncoder().set_output(transform=library), TableEncoder()):
        with config_context(transform_output=library):
            found = encoder.fit_transform(X)
            assert list(found.columns) == OUTPUT
            np.testing.assert_array_equal(found.to_numpy(), Z)
            np.testing.assert_array_equal(encoder.transform(X).to_numpy(), Z)


def test_names_of_columns_are_unique():
    X = pd.DataFrame({"a": [1.0, None], "a_missing": [1.0, 2.0], "b": ["x", None], "b_missing": [3.0, 4.0]})
    names = TableEncoder().fit(X).get_feature_names_out()
    assert list(names) == ["a", "a_missing", "b_missing", "a_missing_2", "b_missing_2"]
    assert TableEncoder().set_output(transform="polars").fit_transform(X).shape == (2, 5)


def fitted_copies(encoder, path):
    yield pickle.loads(pickle.dumps(encoder))
    file = io.BytesIO()
    joblib.dump(encoder, file)
    yield joblib.load(file)
    pytest.importorskip("skops")
    save(encoder, path / "encoder.skops")
    yield load(path / "encoder.skops")


def test_copies_encode_alike(tmp_path):
    X = pandas().iloc[np.arange(300) % 8].assign(many=[f"level {i % 40}" for i in range(300)])
    y = np.sin(np.arange(300))
    encoder = TableEncoder(random_state=0).fit(X, y)
    for copy in fitted_copies(encoder, tmp_path):
        np.testing.assert_array_equal(copy.transform(X), encoder.transform(X))
        assert list(copy.get_feature_names_out()) == list(encoder.get_feature_names_out())
    assert pickle.dumps(clone(encoder).fit(X, y)) == pickle.dumps(encoder)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_categorical_", [True]),
        ("missing_share_", np.zeros(3)),
        ("levels_", [["a"]]),
        ("level_tables_", [np.zeros((2, 0))] * 7),
        ("scaler_", None),
        ("piecewise_encoder_", PiecewiseLinearEncoder().fit([[1.0]])),
    ],
)
def test_damaged_copies_are_refused(name, value):
    state = TableEncoder().fit(pandas()).__getstate__() | {name: value}
    with pytest.raises(ValueError, match="cannot be used as it was saved"):
        TableEncoder().__setstate__(state)


def test_it_is_the_first_step_of_a_pipeline():
    X = pandas().iloc[np.arange(200) % 8]
    y = (X["colour"] == "red").to_numpy() | (X["width"].to_numpy() > 2)
    model = make_pipeline(TableEncoder(), ActivationMLPClassifier((8,), max_iter=200, tol=0, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence
        model.fit(X, y)
    assert model.score(X, y) == 1
    assert repr(model[0]) == "TableEncoder()"
