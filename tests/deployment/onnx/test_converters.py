"""Whole models in the real onnxruntime, against their own predictions: 1e-5 in float32, 1e-10 in float64."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union

from skneural import (
    ACTIVATIONS,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    MeanCenterer,
    PCAWhitener,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
    tabular_classifier,
)
from skneural.deployment import register_converters, to_onnx

onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.inspection.DeadUnitsWarning"),
]

X, y = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])
labels = np.column_stack([y == 0, y > 0, X[:, 0] > 6]).astype(int)
FAST = {"hidden_layer_sizes": (16, 8), "max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def run(graph, rows):
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {name: rows[[name]].to_numpy() for name in rows} if isinstance(rows, pd.DataFrame) else {"X": rows}
    return session.run(None, feed)


def assert_same(model, rows, atol, **how):
    """Assert that labels are the same and probabilities, predictions or outputs agree; return the graph."""
    graph = to_onnx(model, rows, **how)
    outputs = run(graph, rows)
    if hasattr(model, "predict_proba"):
        np.testing.assert_array_equal(outputs[0], model.predict(rows))
        expected = model.predict_proba(rows)
    elif hasattr(model, "predict"):
        expected = model.predict(rows).reshape(len(rows), -1)
    else:
        expected = model.transform(rows)
    assert outputs[-1].shape == expected.shape
    np.testing.assert_allclose(outputs[-1], expected, rtol=0, atol=atol)
    return graph


# Networks.


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_whole_pipeline_with_each_activation(name, batch_norm):
    steps = (
        StdScaler(),
        SmoothClipper(),
        PiecewiseLinearEncoder(min_rows=1),
        MeanCenterer(),
        PCAWhitener(n_components=6),
    )
    network = ActivationMLPClassifier(**FAST, activation=name, batch_norm=batch_norm)
    model = make_pipeline(*steps, network).fit(X, y)
    for dtype, atol in TOLERANCE.items():
        graph = assert_same(model, X.astype(dtype), atol)
        assert [output.name for output in graph.graph.output] == ["label", "probabilities"]


@both
@pytest.mark.parametrize(
    "target", [y, y == 1, names[y], names[y].astype(object), y + 5.0, labels, labels[:, :1] @ [[1, 1]]], ids=str
)
def test_each_kind_of_labels(target, dtype):
    model = ActivationMLPClassifier(**FAST).fit(X, target)
    assert_same(model, X.astype(dtype), TOLERANCE[dtype])


@both
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
@pytest.mark.parametrize("target", [X[:, 3], X[:, 1:]], ids=["one output", "three outputs"])
def test_regression_with_each_loss(target, loss, dtype):
    model = make_pipeline(StdScaler(), ActivationMLPRegressor(**FAST, loss=loss, activation=["prelu", "maxout"]))
    assert_same(model.fit(X, target), X.astype(dtype), 10 * TOLERANCE[dtype])


@both
def test_a_linear_network(dtype):
    assert_same(ActivationMLPClassifier((), max_iter=20).fit(X, y), X.astype(dtype), TOLERANCE[dtype])


@both
@pytest.mark.parametrize("fitted_in", ["float32", "float64"])
def test_a_graph_computes_in_the_precision_of_its_input(fitted_in, dtype):
    model = ActivationMLPClassifier(**FAST, dtype=fitted_in).fit(X, y)
    graph = assert_same(model, X.astype(dtype), 1e-5)
    assert run(graph, X.astype(dtype))[1].dtype == dtype


def test_the_tabular_recipe():
    ramps = {f"votingclassifier__encoded_{i}__piecewiselinearencoder__min_rows": 1 for i in (1, 2)}
    model = tabular_classifier(max_iter=3, random_state=0).set_params(**ramps).fit(X, y)
    assert_same(model, X.astype(np.float32), 1e-5)


@both
@pytest.mark.parametrize("opset", [11, 13, 15, 17, 18, 20, skl2onnx.get_latest_tested_opset_version()])
def test_older_operators(opset, dtype):
    model = make_pipeline(PCAWhitener(), ActivationMLPClassifier(**FAST, activation=["maxout", "gelu"])).fit(X, y)
    graph = assert_same(model, X.astype(dtype), TOLERANCE[dtype], target_opset=opset)
    assert max(each.version for each in graph.opset_import if not each.domain) == opset


# Transformers.

TRANSFORMERS = [
    MeanCenterer(),
    MeanCenterer(n_channels=2),
    StdScaler(),
    StdScaler(with_mean=False),
    StdScaler(with_std=False),
    StdScaler(with_mean=False, with_std=False),
    PCAWhitener(),
    PCAWhitener(n_components=2),
    PCAWhitener(method="zca", epsilon=1e-3),
    PCAWhitener(whiten=False),
    SmoothClipper(limit=0.5),
    PiecewiseLinearEncoder(min_rows=1),
    PiecewiseLinearEncoder(),
]


@both
@pytest.mark.parametrize("offset", [0, 1e4], ids=["centred", "far from zero"])
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_each_transformer(transformer, offset, dtype):
    rows = (X + offset).astype(dtype)
    scale = max(1, np.abs(transformer.fit(rows).transform(rows)).max())
    assert_same(transformer, rows, scale * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_and_missing_values(dtype):
    largest = np.finfo(dtype).max
    rows = np.array([[largest, 1], [-largest, np.nan], [1e-30, np.nan], [0, 3]], dtype=dtype)
    assert_same(SmoothClipper().fit(rows), rows, 1e-6)
    assert_same(StdScaler().fit(rows[2:]), rows[2:], 1e-6)
    assert_same(StdScaler().fit(rows[1:, 1:]), rows[1:, 1:], 1e-6)


# Where estimators stand.

NETWORK = ActivationMLPClassifier(**FAST)
REGRESSOR = ActivationMLPRegressor(**FAST)
COMPOSED = {
    "hidden features": make_pipeline(StdScaler(), NETWORK, LogisticRegression()),
    "hidden features of an inner pipeline": make_pipeline(make_pipeline(StdScaler(), NETWORK), LogisticRegression()),
    "hidden features in a union": make_pipeline(make_union(REGRESSOR, PCAWhitener()), LogisticRegression()),
    "hidden features of some columns": make_pipeline(
        make_column_transformer((REGRESSOR, [0, 1])), LogisticRegression()
    ),
    "columns": make_pipeline(make_column_transformer((StdScaler(), [0, 1]), (PCAWhitener(), [2, 3])), NETWORK),
    "a step that passes through": make_pipeline(StdScaler(), "passthrough", NETWORK),
    "a search": GridSearchCV(make_pipeline(StdScaler(), NETWORK), {"stdscaler": ["passthrough", PCAWhitener()]}, cv=2),
    "stacking": StackingClassifier([("a", NETWORK), ("b", LogisticRegression())], final_estimator=NETWORK),
    "bagging": BaggingClassifier(NETWORK, n_estimators=2, random_state=0),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_compositions(name):
    model = COMPOSED[name].fit(X, y)
    for dtype, atol in TOLERANCE.items():
        assert_same(model, X.astype(dtype), atol)


def test_the_model_is_not_changed():
    model = COMPOSED["hidden features"].fit(X, y)
    before = list(model.steps)
    to_onnx(model, X)
    assert model.steps == before


def test_a_dataframe_makes_an_input_per_column():
    frame = pd.DataFrame(X.astype(np.float32), columns=list("abcd"))
    assert_same(make_pipeline(StdScaler(), NETWORK).fit(frame, y), frame, 1e-5)


def test_integers_are_computed_in_float32():
    rows = (10 * X).astype(np.int64)
    assert_same(make_pipeline(StdScaler(), NETWORK).fit(rows, y), rows, 1e-5)


def test_converters_serve_skl2onnx_itself():
    register_converters()
    model = make_pipeline(StdScaler(), NETWORK).fit(X, y)
    graph = skl2onnx.to_onnx(model, X[:1], options={id(model): {"zipmap": False}})
    np.testing.assert_allclose(run(graph, X)[1], model.predict_proba(X), atol=1e-10)


# Options.


@pytest.mark.parametrize("target", [y, names[y], labels], ids=["numbers", "text", "multilabel"])
@pytest.mark.parametrize("by_identity", [False, True])
def test_zipmap_makes_dicts_by_label(target, by_identity):
    model = make_pipeline(StdScaler(), NETWORK).fit(X, target)
    rows, options = X.astype(np.float32), {"zipmap": True}
    label, dicts = run(to_onnx(model, rows, options={id(model): options} if by_identity else options), rows)
    np.testing.assert_array_equal(label, model.predict(rows))
    assert list(dicts[0]) == list(model.classes_)
    np.testing.assert_allclose([list(row.values()) for row in dicts], model.predict_proba(rows), atol=1e-5)


@both
def test_zipmap_columns_makes_an_output_per_class(dtype):
    model = make_pipeline(StdScaler(), NETWORK).fit(X, names[y])
    rows = X.astype(dtype)
    graph = to_onnx(model, rows, options={"zipmap": "columns"})
    assert [output.name for output in graph.graph.output] == ["output_label", *(f"s{name}" for name in names)]
    label, *columns = run(graph, rows)
    np.testing.assert_array_equal(label, model.predict(rows))
    np.testing.assert_allclose(np.column_stack(columns), model.predict_proba(rows), atol=TOLERANCE[dtype])


def test_zipmap_in_float64_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"float32 alone. Pass options=\{'zipmap': False\}"):
        to_onnx(NETWORK.fit(X, y), X, options={"zipmap": True})


def test_nocl_leaves_the_labels_out():
    model = ActivationMLPClassifier(**FAST).fit(X, names[y])
    label, _ = run(to_onnx(model, X, options={"nocl": True, "zipmap": False}), X)
    np.testing.assert_array_equal(names[label], model.predict(X))


def test_output_class_labels_are_one_more_output():
    model = ActivationMLPClassifier(**FAST).fit(X, names[y])
    outputs = run(to_onnx(model, X, options={"output_class_labels": True, "zipmap": False}), X)
    np.testing.assert_array_equal(outputs[2], names)


def test_options_follow_a_pipeline_whose_roles_were_marked():
    model = COMPOSED["hidden features"].fit(X, y)
    rows = X.astype(np.float32)
    assert isinstance(run(to_onnx(model, rows, options={id(model): {"zipmap": True}}), rows)[1][0], dict)


# What cannot be converted.


def test_another_number_of_features():
    with pytest.raises(ValueError, match="X has 3 features, but ActivationMLPClassifier was fitted on 4"):
        to_onnx(ActivationMLPClassifier(**FAST).fit(X, y), X[:, :3])


def test_what_is_not_fitted():
    with pytest.raises(NotFittedError):
        to_onnx(ActivationMLPClassifier(), X)


def test_labels_that_onnx_has_no_type_for():
    model = ActivationMLPClassifier(**FAST).fit(X, y)
    model.classes_ = np.array([0, "one", 2.5], dtype=object)
    with pytest.raises(ValueError, match=r"ONNX has labels that are integers or text.*options=\{'nocl': True\}"):
        to_onnx(model, X)
