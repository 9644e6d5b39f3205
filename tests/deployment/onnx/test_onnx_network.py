"""Networks in the real onnxruntime: losses, linear networks, members; 1e-5 from their predictions, 1e-10 in float64."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, StdScaler
from skneural.losses import Quantile

# The extra "onnx" is optional.
pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

X, y = load_iris(return_X_y=True)
labels = np.column_stack([y == 0, y > 0, X[:, 0] > 6]).astype(int)
FAST = {"hidden_layer_sizes": (16, 8), "max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-10}
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@both
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
@pytest.mark.parametrize("target", [X[:, 3], X[:, 1:]], ids=["one output", "three outputs"])
def test_regression_with_each_loss(target, loss, dtype, assert_same):
    model = make_pipeline(StdScaler(), ActivationMLPRegressor(**FAST, loss=loss, activation=["prelu", "maxout"]))
    assert_same(model.fit(X, target), X.astype(dtype), 10 * TOLERANCE[dtype])


@both
def test_a_linear_network(dtype, assert_same):
    assert_same(ActivationMLPClassifier((), max_iter=20).fit(X, y), X.astype(dtype), TOLERANCE[dtype])


@pytest.mark.filterwarnings("ignore::skneural.inspection.DeadUnitsWarning")  # six ReLU units, of which most can die
@both
@pytest.mark.parametrize("activation", ["relu", "maxout", "prelu"])
@pytest.mark.parametrize("hidden_layer_sizes", [(), (6, 5)], ids=str)
@pytest.mark.parametrize("opset", [11, skl2onnx.get_latest_tested_opset_version()])
def test_members(activation, hidden_layer_sizes, opset, dtype, assert_same):
    options = {**FAST, "activation": activation, "hidden_layer_sizes": hidden_layer_sizes, "n_members": 3}
    for kind in (y, y == 0, labels):
        batch_norm = hidden_layer_sizes != ()
        model = ActivationMLPClassifier(**options, batch_norm=batch_norm).fit(X, kind)
        assert_same(model, X.astype(dtype), TOLERANCE[dtype], target_opset=opset)
    for loss in ("squared_error", "poisson", Quantile([0.1, 0.9])):
        model = ActivationMLPRegressor(loss, **options).fit(X, y)
        assert_same(model, X.astype(dtype), TOLERANCE[dtype], target_opset=opset)
