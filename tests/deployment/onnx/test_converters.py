"""Each estimator of the package in the real onnxruntime: 1e-5 from its own predictions in float32, 1e-10 in float64."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from skneural import (
    ACTIVATIONS,
    ActivationMLPClassifier,
    MeanCenterer,
    PCAWhitener,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
)
from skneural.deployment import register_converters, to_onnx

pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

X, y = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])
labels = np.column_stack([y == 0, y > 0, X[:, 0] > 6]).astype(int)
FAST = {"hidden_layer_sizes": (16, 8), "max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_whole_pipeline_with_each_activation(name, batch_norm, assert_same):
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
def test_each_kind_of_labels(target, dtype, assert_same):
    model = ActivationMLPClassifier(**FAST).fit(X, target)
    assert_same(model, X.astype(dtype), TOLERANCE[dtype])


@both
@pytest.mark.parametrize("fitted_in", ["float32", "float64"])
def test_a_graph_computes_in_the_precision_of_its_input(fitted_in, dtype, assert_same, run_graph):
    model = ActivationMLPClassifier(**FAST, dtype=fitted_in).fit(X, y)
    graph = assert_same(model, X.astype(dtype), 1e-5)
    assert run_graph(graph, X.astype(dtype))[1].dtype == dtype


@both
@pytest.mark.parametrize("opset", [11, 13, 15, 17, 18, 20, skl2onnx.get_latest_tested_opset_version()])
def test_older_operators(opset, dtype, assert_same):
    model = make_pipeline(PCAWhitener(), ActivationMLPClassifier(**FAST, activation=["maxout", "gelu"])).fit(X, y)
    graph = assert_same(model, X.astype(dtype), TOLERANCE[dtype], target_opset=opset)
    assert max(each.version for each in graph.opset_import if not each.domain) == opset


def test_converters_serve_skl2onnx_itself(run_graph):
    register_converters()
    model = make_pipeline(StdScaler(), ActivationMLPClassifier(**FAST)).fit(X, y)
    graph = skl2onnx.to_onnx(model, X[:1], options={id(model): {"zipmap": False}})
    np.testing.assert_allclose(run_graph(graph, X)[1], model.predict_proba(X), atol=1e-10)


# What cannot be converted.


def test_another_number_of_features():
    with pytest.raises(ValueError, match="X has 3 features, but ActivationMLPClassifier was fitted on 4"):
        to_onnx(ActivationMLPClassifier(**FAST).fit(X, y), X[:, :3])


def test_labels_that_onnx_has_no_type_for():
    model = ActivationMLPClassifier(**FAST).fit(X, y)
    model.classes_ = np.array([0, "one", 2.5], dtype=object)
    with pytest.raises(ValueError, match=r"Labels in ONNX are integers or text.*options=\{'nocl': True\}"):
        to_onnx(model, X)
