"""TableEncoder in the real onnxruntime: as the encoder itself to the bit, whatever the columns hold and are held in."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, TableEncoder
from skneural.deployment import register_converters, to_onnx
from skneural.deployment.onnx.graph_inputs import table_inputs
from skneural.deployment.onnx.verification import verify

runtime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

N = 300
FAST = {"hidden_layer_sizes": (16, 8), "max_iter": 5, "learning_rate_init": 0.02, "random_state": 0}
CLASSIFIER, REGRESSOR = ActivationMLPClassifier(**FAST, n_members=3), ActivationMLPRegressor(**FAST, n_members=3)
TEXT, BOOL, INT64, FLOAT, DOUBLE = 8, 9, 7, 1, 11  # the numbers of ONNX


def with_holes(values, rng):
    return np.where(rng.random(len(values)) < 0.1, None, np.asarray(values, dtype=object))


def draw_table(seed=0):
    """Columns of all kinds, and a class."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "size": with_holes(rng.normal(1e4, 1, N), rng).astype(float),
            "small": rng.normal(size=N).astype(np.float32),
            "count": rng.integers(0, 99, N),
            "colour": with_holes(rng.choice(["red", "green", "blü"], N), rng),
            "many": with_holes([f"k{i}" for i in rng.integers(0, 60, N)], rng),
            "flag": rng.random(N) < 0.5,
            "maybe": with_holes(rng.random(N) < 0.5, rng),
            "kind": pd.Categorical(with_holes(rng.choice(["a", "b"], N), rng)),
            "nothing": np.full(N, None),
            "same": "c",
        }
    )
    return table, ((table["colour"] == "red") | (table["size"] > 1e4)).to_numpy().astype(int)


def inputs_of(session, rows):
    """The columns of a DataFrame as a user would pass them, by the types that the graph says."""
    inputs = {}
    for each, name in zip(session.get_inputs(), rows.columns, strict=True):
        cells = rows[name].astype(object)
        if each.type == "tensor(string)":
            inputs[each.name] = np.array([["" if pd.isna(cell) else str(cell)] for cell in cells], dtype=object)
        else:
            dtype = {"float": "float32", "double": "float64"}.get(each.type[7:-1], each.type[7:-1])
            inputs[each.name] = np.array([[np.nan if pd.isna(cell) else cell] for cell in cells]).astype(dtype)
    return inputs


def run(graph, rows):
    session = runtime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs_of(session, rows) if isinstance(rows, pd.DataFrame) else {"X": rows})


def assert_encoded(encoder, rows, **how):
    graph = to_onnx(encoder, rows, **how)
    encoded, expected = run(graph, rows)[0].astype(np.float32), encoder.transform(rows)
    # All equal to the bit, but components: sums of products, which each library adds up in its own order.
    is_component = np.array([name.startswith("component") for name in encoder.get_feature_names_out()])
    np.testing.assert_array_equal(encoded[:, ~is_component], expected[:, ~is_component])
    np.testing.assert_allclose(encoded[:, is_component], expected[:, is_component], atol=1e-6)
    return graph


def input_types(graph):
    return {each.name: each.type.tensor_type.elem_type for each in graph.graph.input}


# Numbers.


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("network", [CLASSIFIER, REGRESSOR], ids=["classifier", "regressor"])
def test_a_matrix_of_numbers_is_one_input(network, dtype, assert_same):
    rng = np.random.default_rng(0)
    X = 1e4 + 100 * rng.normal(size=(1000, 4))
    X[:, 2] = X[:, 1] + 10 * rng.normal(size=1000)
    X = X.astype(dtype)
    y = (X[:, 0] > X[:, 1]) if network is CLASSIFIER else X[:, 0] / 1e4
    if X.dtype.kind == "f":
        X[rng.random(X.shape) < 0.1], X[:, 3] = np.nan, np.nan
        y = np.nan_to_num(y)
    model = make_pipeline(TableEncoder(), network).fit(X, y)
    assert {"x0_bin0", "component0"} <= {*model[0].get_feature_names_out()}
    graph = assert_same(model, X, 1e-5)
    assert list(input_types(graph)) == ["X"]
    graph = assert_encoded(model[0], X)
    used = {name for node in graph.graph.node for name in node.input} | {each.name for each in graph.graph.output}
    assert {node.output[0] for node in graph.graph.node} <= used  # nothing is computed in vain


@pytest.mark.parametrize("limit", [1e-40, 3.0, 1e39, 1e300])
def test_components_at_any_limit(limit):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 1)) + 0.1 * rng.normal(size=(500, 4))
    X[:50, 0] = np.nan
    assert_encoded(TableEncoder(limit=limit).fit(X), X)


def test_the_finer_bins_of_a_number_that_is_mostly_0():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.exponential(1e4, 1000) * (rng.random(1000) < 0.2), rng.normal(size=1000)])
    encoder = TableEncoder().fit(X)
    assert "x0_bin16" in encoder.get_feature_names_out()
    assert_encoded(encoder, X)


def test_a_frame_of_numbers_has_an_input_per_column():
    X, y = load_iris(return_X_y=True)
    rows = pd.DataFrame(X, columns=["a b", "a-b", "a_b", "X"]).astype({"X": "float32"})
    model = make_pipeline(TableEncoder(), CLASSIFIER).fit(rows, y)
    graph = to_onnx(model, rows)
    np.testing.assert_allclose(run(graph, rows)[1], model.predict_proba(rows), rtol=0, atol=1e-5)
    assert list(input_types(graph).values()) == [DOUBLE, DOUBLE, DOUBLE, FLOAT]


def test_numbers_among_objects_are_numbers():
    rows = np.array([[1.5, 2], [None, 3], [2.5, np.nan], [0, 5]], dtype=object)
    encoder = TableEncoder().fit(rows)
    graph = to_onnx(encoder, rows)
    np.testing.assert_array_equal(run(graph, rows.astype(float))[0].astype(np.float32), encoder.transform(rows))
    to_onnx(TableEncoder().fit(pd.DataFrame(rows)), pd.DataFrame(rows))


# Tables.


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("network", [CLASSIFIER, REGRESSOR], ids=["classifier", "regressor"])
def test_a_pipeline_for_a_table(network, seed):
    table, y = draw_table(seed)
    model = make_pipeline(TableEncoder(), network).fit(table, y)
    result = run(to_onnx(model, table), table)[-1]
    expected = model.predict_proba(table) if network is CLASSIFIER else model.predict(table).reshape(-1, 1)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("opset", [11, 13, 15, 17, 18, 20, skl2onnx.get_latest_tested_opset_version()])
def test_each_kind_of_column_to_the_bit(opset):
    table, y = draw_table()
    graph = assert_encoded(TableEncoder().fit(table, y), table, target_opset=opset)
    assert list(input_types(graph).values()) == [DOUBLE, FLOAT, INT64, TEXT, TEXT, BOOL, TEXT, TEXT, TEXT, TEXT]


def test_levels_and_missing_cells_that_fit_did_not_see():
    table, y = draw_table()
    encoder = TableEncoder().fit(table, y)
    rows = table.assign(
        colour="violet",
        many=None,
        flag=with_holes(table["flag"], np.random.default_rng(1)),
        same=None,
        kind=["a", None] * 150,
    )
    assert_encoded(encoder, rows)
    assert_encoded(encoder, rows[:1])


def test_bools_are_0_and_1_and_text():
    flags = pd.DataFrame({"flag": [False, True, True, False], "other": ["0", "1", "1", "2"]})
    encoder = TableEncoder(["flag", "other"]).fit(flags)
    for cells in ([0, 1, 1, 2], [0.0, 1.0, np.nan, 0.5], ["0", "1", "", "True"], [True, False, True, True]):
        rows = pd.DataFrame({"flag": cells, "other": cells})
        assert_encoded(encoder, rows)
        assert_encoded(TableEncoder(["flag", "other"]).fit(rows), rows)


CODES = [3, -3, 0.5, 1 / 3, 1e-300, -0.0, 2**24 + 1, 2**53, 1e19, -(2.0**63), 1e300, 5, 6]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_categories_of_numbers_are_compared_exactly(dtype):
    with np.errstate(over="ignore"):
        fitted, others = (np.array(codes).astype(dtype) for codes in (CODES, CODES[::-1]))
    fitted = np.where(np.isinf(fitted), 7, fitted)[:, np.newaxis].repeat(3, axis=0)
    encoder = TableEncoder([0]).fit(fitted)
    near = np.nextafter(fitted, dtype(np.inf))
    for rows in (fitted, near, np.array([[np.nan], [4], [0.25], [2**24], [2**62]]).astype(dtype)):
        assert_encoded(encoder, rows)
    assert len(encoder.levels_[0]) == len(np.unique(others))
    assert_encoded(encoder, np.array([[3], [-3], [4]]))


def test_a_categorical_dtype_of_numbers_is_numbers():
    table = pd.DataFrame({"kind": pd.Categorical([1, 2, None, 2, 1, 3] * 5), "day": pd.Categorical([0.5, 1.5] * 15)})
    encoder = TableEncoder().fit(table)
    assert list(input_types(assert_encoded(encoder, table)).values()) == [DOUBLE, DOUBLE]
    assert_encoded(encoder, table.astype({"day": str}))


def test_nullable_types_of_pandas():
    table = pd.DataFrame(
        {"n": [1, None, 3, 4], "m": [1, 2, 3, 4], "b": [True, None, False, True], "t": ["a", None, "b", "a"]}
    )
    table = table.astype({"n": "Int64", "m": "Int64", "b": "boolean", "t": "string"})
    graph = assert_encoded(TableEncoder().fit(table), table)
    assert list(input_types(graph).values()) == [DOUBLE, INT64, TEXT, TEXT]


def test_polars():
    polars = pytest.importorskip("polars")
    table, y = draw_table()
    cells = {name: [None if pd.isna(cell) else cell for cell in table[name].astype(object)] for name in table}
    frame = polars.DataFrame(cells).with_columns(
        polars.col("small").cast(polars.Float32), polars.col("kind").cast(polars.Categorical)
    )
    encoder = TableEncoder().fit(frame, y)
    graph = to_onnx(encoder, frame)
    np.testing.assert_array_equal(run(graph, table)[0].astype(np.float32), encoder.transform(frame))
    assert list(input_types(graph).values())[:3] == [DOUBLE, FLOAT, INT64]


def test_an_array_of_text_is_one_input(run_graph):
    rows = np.array([["a", "x"], ["b", None], ["a", "y"], ["c", "x"]], dtype=object)
    encoder = TableEncoder().fit(rows)
    texts = np.where(np.equal(rows, None), "", rows)
    np.testing.assert_array_equal(run_graph(to_onnx(encoder, rows), texts)[0], encoder.transform(rows))
    to_onnx(TableEncoder().fit(rows[:, :1].astype(str)), rows[:, :1].astype(str))


def test_an_empty_text_may_be_a_level():
    rows = pd.DataFrame({"a": ["", "b", "", "c"]})
    assert_encoded(TableEncoder().fit(rows), rows)


# Other models around it.


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: GridSearchCV(model, {"activationmlpclassifier__max_iter": [2]}, cv=2),
        lambda model: VotingClassifier([("a", model), ("b", model)], voting="soft"),
        lambda model: make_pipeline(make_union(TableEncoder(), TableEncoder(n_bins=2)), model[-1]),
        lambda model: make_pipeline(*model, LogisticRegression()),
        lambda model: make_pipeline(
            make_column_transformer((TableEncoder(), ["size", "count"]), (TableEncoder(), ["colour", "many"])),
            model[-1],
        ),
        lambda model: make_pipeline(
            make_column_transformer(
                (TableEncoder(), ["size", "count"]), (OneHotEncoder(sparse_output=False), ["colour", "many"])
            ),
            model[-1],
        ),
    ],
    ids=["search", "vote", "union", "hidden features", "columns", "columns for another encoder"],
)
@pytest.mark.parametrize("first", ["size", "colour"])
def test_models_with_several_inputs(wrap, first):
    table, y = draw_table()
    table = table[[first, *table.columns.drop(first)]]
    to_onnx(wrap(make_pipeline(TableEncoder(), CLASSIFIER)).fit(table, y), table)


def test_probabilities_in_other_forms():
    table, y = draw_table()
    model = make_pipeline(TableEncoder(), CLASSIFIER).fit(table, y)
    to_onnx(model, table, options={"zipmap": "columns"})
    table = table[table.columns[::-1]]
    to_onnx(model.fit(table, y), table, options={"zipmap": True})


def test_skl2onnx_itself_with_matrices_of_numbers_and_text():
    register_converters()
    types = skl2onnx.common.data_types
    table, y = draw_table()
    table = table[["size", "count", "colour", "many"]]
    encoder = TableEncoder().fit(table, y)
    initial_types = [("numbers", types.DoubleTensorType([None, 2])), ("texts", types.StringTensorType([None, 2]))]
    graph = skl2onnx.to_onnx(encoder, initial_types=initial_types)
    texts = np.array([["" if pd.isna(cell) else cell for cell in row] for row in table[["colour", "many"]].to_numpy()])
    inputs = {"numbers": table[["size", "count"]].to_numpy(float), "texts": texts.astype(object)}
    result = runtime.InferenceSession(graph.SerializeToString()).run(None, inputs)[0]
    np.testing.assert_array_equal(result.astype(np.float32), encoder.transform(table))


# What is compared, and what cannot be converted.


def test_a_graph_of_another_table_is_found_out():
    table, y = draw_table()
    right, wrong = TableEncoder().fit(table, y), TableEncoder().fit(table, y)
    wrong.level_tables_[3] = wrong.level_tables_[3][::-1].copy()
    graph = to_onnx(wrong, table)
    verify(graph, wrong, table, {}, table_inputs(wrong, table))
    with pytest.raises(ValueError, match="disagrees with the model in 218 of 300 rows"):
        verify(graph, right, table, {}, table_inputs(right, table))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"colour": 1.0},
            r"Column 'colour' was a category of texts such as \['blü', 'green', 'red'\] in fit. Got float64",
        ),
        ({"size": "large"}, r"Column 'size' held numbers in fit\. Got text.*pass a column of numbers"),
        ({"size": None}, r"Column 'size' held numbers in fit\. Got text, or only missing cells without a type"),
        ({"size": np.inf}, "Column 'size' of X contains infinity"),
        ({"size": pd.Timestamp("2020-01-01")}, "Column 'size' of X must hold numbers or a category. Got dates"),
    ],
)
def test_cells_of_another_kind(change, message):
    table, y = draw_table()
    encoder = TableEncoder().fit(table, y)
    with pytest.raises(ValueError, match=message):
        to_onnx(encoder, table.assign(**change))


def test_numbers_for_texts_in_which_they_are_written_otherwise():
    encoder = TableEncoder().fit(pd.DataFrame({"code": ["01", "02", "12"]}))
    with pytest.raises(
        ValueError, match=r"Column 'code' was a category of texts such as \['01', '02'\] in fit\. Got int64"
    ):
        to_onnx(encoder, pd.DataFrame({"code": [1, 2, 12]}))


def test_other_columns():
    table, y = draw_table()
    encoder = TableEncoder().fit(table, y)
    with pytest.raises(ValueError, match="The feature names should match"):
        to_onnx(encoder, table[table.columns[::-1]])
    with pytest.raises(ValueError, match="X has 3 features, but TableEncoder was fitted on 2"):
        to_onnx(TableEncoder().fit(np.eye(2)), np.eye(3))


def test_an_array_of_numbers_and_text():
    rows = draw_table()[0][["size", "colour"]].to_numpy()
    with pytest.raises(ValueError, match=r"columns of different types: float64, object .*pass a DataFrame"):
        to_onnx(TableEncoder().fit(rows), rows)


def test_an_array_of_text_for_numbers():
    encoder = TableEncoder().fit(np.eye(3))
    with pytest.raises(ValueError, match=r"Column 0 held numbers in fit\. Got text"):
        to_onnx(encoder, np.full((2, 3), "a"))


def test_empty_texts_besides_missing_cells():
    rows = pd.DataFrame({"a": ["", "b", None, "c"]})
    with pytest.raises(ValueError, match=r"both missing cells and empty texts in fit.*Replace one of them"):
        to_onnx(TableEncoder().fit(rows), rows)


def test_empty_texts_that_fit_did_not_see():
    rows = pd.DataFrame({"a": ["a", "b", None, "c"]})
    with pytest.raises(ValueError, match=r"Or X has empty texts.*where fit saw none: pass them as missing"):
        to_onnx(TableEncoder().fit(rows), rows.assign(a=""))


def test_no_columns():
    rows = pd.DataFrame({"a": ["b", "b"]})
    with pytest.raises(ValueError, match="returns no columns, as no feature has two different cells"):
        to_onnx(TableEncoder().fit(rows), rows)


def test_mixed_columns_for_one_step():
    table, y = draw_table()
    columns = make_column_transformer((TableEncoder(), ["size", "colour"]))
    with pytest.raises(
        ValueError, match="In a ColumnTransformer use an encoder for numbers and another for categories"
    ):
        to_onnx(make_pipeline(columns, CLASSIFIER).fit(table, y), table)


def test_what_skl2onnx_has_one_input_for():
    table, y = draw_table()
    model = BaggingClassifier(make_pipeline(TableEncoder(), CLASSIFIER), n_estimators=2).fit(table, y)
    with pytest.raises(ValueError, match="skl2onnx cannot convert this BaggingClassifier"):
        to_onnx(model, table)
