"""The one call: what rows, options and models it takes, and how it refuses others."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer
from sklearn.svm import LinearSVC

from skneural import ActivationMLPClassifier, StdScaler
from skneural.deployment import to_onnx

pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])
labels = np.column_stack([y == 0, y > 0, X[:, 0] > 6]).astype(int)
FAST = {"hidden_layer_sizes": (16, 8), "max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}
NETWORK = ActivationMLPClassifier(**FAST)
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


# Rows.


def test_a_dataframe_makes_an_input_per_column(assert_same):
    frame = pd.DataFrame(X.astype(np.float32), columns=list("abcd"))
    assert_same(make_pipeline(StdScaler(), NETWORK).fit(frame, y), frame, 1e-5)


def test_integers_are_computed_in_float32(assert_same):
    rows = (10 * X).astype(np.int64)
    assert_same(make_pipeline(StdScaler(), NETWORK).fit(rows, y), rows, 1e-5)


def test_strings_and_categories_of_a_dataframe_are_text():
    frame = pd.DataFrame({"width": X[:, 1].astype(np.float32), "kind": names[y]})
    encode = make_column_transformer((StdScaler(), ["width"]), (OneHotEncoder(sparse_output=False), ["kind"]))
    model = make_pipeline(encode, NETWORK).fit(frame, y)
    to_onnx(model, frame)
    to_onnx(model, frame.astype({"kind": "category"}))


def test_one_row_is_enough():
    to_onnx(NETWORK.fit(X, y), X[:1])


def test_no_row_is_not():
    with pytest.raises(ValueError, match=r"X has no rows\. Expected at least one, on which the graph is compared"):
        to_onnx(NETWORK.fit(X, y), X[:0])


def test_columns_without_names_are_taken_in_the_models_order():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = NETWORK.fit(frame, y)
    to_onnx(model, X)  # and no warning about names


# Options.


@pytest.mark.parametrize("target", [y, names[y], labels], ids=["numbers", "text", "multilabel"])
@pytest.mark.parametrize("by_identity", [False, True])
def test_zipmap_makes_dicts_by_label(target, by_identity, run_graph):
    model = make_pipeline(StdScaler(), NETWORK).fit(X, target)
    rows, options = X.astype(np.float32), {"zipmap": True}
    label, dicts = run_graph(to_onnx(model, rows, options={id(model): options} if by_identity else options), rows)
    np.testing.assert_array_equal(label, model.predict(rows))
    assert list(dicts[0]) == list(model.classes_)
    np.testing.assert_allclose([list(row.values()) for row in dicts], model.predict_proba(rows), atol=1e-5)


@both
def test_zipmap_columns_makes_an_output_per_class(dtype, run_graph):
    model = make_pipeline(StdScaler(), NETWORK).fit(X, names[y])
    rows = X.astype(dtype)
    graph = to_onnx(model, rows, options={"zipmap": "columns"})
    assert [output.name for output in graph.graph.output] == ["output_label", *(f"s{name}" for name in names)]
    label, *columns = run_graph(graph, rows)
    np.testing.assert_array_equal(label, model.predict(rows))
    np.testing.assert_allclose(np.column_stack(columns), model.predict_proba(rows), atol=TOLERANCE[dtype])


def test_zipmap_in_float64_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"float32 only. Pass options=\{'zipmap': False\}"):
        to_onnx(NETWORK.fit(X, y), X, options={"zipmap": True})


def test_nocl_leaves_the_labels_out(run_graph):
    model = ActivationMLPClassifier(**FAST).fit(X, names[y])
    label, _ = run_graph(to_onnx(model, X, options={"nocl": True, "zipmap": False}), X)
    np.testing.assert_array_equal(names[label], model.predict(X))


def test_output_class_labels_are_one_more_output(run_graph):
    model = ActivationMLPClassifier(**FAST).fit(X, names[y])
    outputs = run_graph(to_onnx(model, X, options={"output_class_labels": True, "zipmap": False}), X)
    np.testing.assert_array_equal(outputs[2], names)


def test_options_follow_a_pipeline_whose_roles_were_marked(run_graph):
    model = make_pipeline(StdScaler(), NETWORK, LogisticRegression()).fit(X, y)
    rows = X.astype(np.float32)
    assert isinstance(run_graph(to_onnx(model, rows, options={id(model): {"zipmap": True}}), rows)[1][0], dict)


def test_a_classifier_without_probabilities_has_labels(run_graph):
    rows = X.astype(np.float32)
    model = LinearSVC().fit(rows, y)
    np.testing.assert_array_equal(run_graph(to_onnx(model, rows), rows)[0], model.predict(rows))


# What cannot be converted.


def test_what_is_not_fitted():
    with pytest.raises(NotFittedError):
        to_onnx(ActivationMLPClassifier(), X)


def test_what_skl2onnx_cannot_convert_is_named():
    model = make_pipeline(SplineTransformer(), NETWORK).fit(X, y)
    with pytest.raises(ValueError, match=r"skl2onnx cannot convert this Pipeline\. .*SplineTransformer"):
        to_onnx(model, X)


def test_what_onnxruntime_cannot_run_is_refused_with_a_remedy():
    model = make_pipeline(SimpleImputer(), NETWORK).fit(X, y)
    with pytest.raises(ValueError, match=r"onnxruntime cannot run the graph of this Pipeline: .*X.astype\('float32'\)"):
        to_onnx(model, X)
    to_onnx(model, X.astype("float32"))
