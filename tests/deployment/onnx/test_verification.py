"""A graph that is not its model is found out: labels, probabilities, predictions and transformed values."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, StdScaler
from skneural.deployment import to_onnx
from skneural.deployment.onnx.verification import TOLERANCE, as_matrix, differing, verify

pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
FAST = {"hidden_layer_sizes": (8,), "max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}


@pytest.fixture
def classifier():
    return ActivationMLPClassifier(**FAST).fit(X, y)


@pytest.fixture
def regressor():
    return ActivationMLPRegressor(**FAST).fit(X, X[:, 2:])


class Instead(BaseEstimator):
    """Returns what another model returns, with a few numbers changed."""

    def __init__(self, model, change):
        self.model, self.change = model, change

    def __getattr__(self, name):
        if name not in ("predict", "predict_proba", "transform", "classes_"):
            raise AttributeError(name)
        method = getattr(vars(self)["model"], name)
        return method if name == "classes_" else lambda X: self.change(name, method(X).copy())


class InsteadOfClassifier(ClassifierMixin, Instead):
    pass


class InsteadOfRegressor(RegressorMixin, Instead):
    pass


def changed(name, at, by):
    def change(method, values):
        if method == name:
            values[at] += by
        return values

    return change


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_probabilities_may_differ_by_the_tolerance(classifier, dtype, factor):
    rows = X.astype(dtype)
    graph, by = to_onnx(classifier, rows), factor * TOLERANCE[dtype]
    model = InsteadOfClassifier(classifier, changed("predict_proba", (7, 2), by))
    if factor < 1:
        verify(graph, model, rows, {})
    else:
        message = "in 1 of 150 rows. In row 7, column 2 of the probabilities it returns .*, the model .*; the tolerance"
        with pytest.raises(ValueError, match=message):
            verify(graph, model, rows, {})


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_predictions_may_differ_by_the_tolerance_times_the_largest_of_their_column(regressor, factor):
    graph, by = to_onnx(regressor, X), factor * TOLERANCE[np.float64] * np.abs(regressor.predict(X)[:, 1]).max()
    model = InsteadOfRegressor(regressor, changed("predict", (3, 1), by))
    if factor < 1:
        verify(graph, model, X, {})
    else:
        with pytest.raises(ValueError, match=r"InsteadOfRegressor disagrees .* row 3, column 1 of the predictions"):
            verify(graph, model, X, {})


def test_another_label_is_found(classifier):
    graph = to_onnx(classifier, X)
    with pytest.raises(
        ValueError, match=r"in 2 of 150 rows\. In row 4, column 0 of the labels it returns 0, the model 1"
    ):
        verify(graph, InsteadOfClassifier(classifier, changed("predict", [4, 9], 1)), X, {})


def test_another_label_of_the_same_probability_is_none(classifier):
    graph = to_onnx(classifier, X)
    P = classifier.predict_proba(X)
    uncertain = np.argmin(np.diff(np.sort(P, axis=1)[:, 1:], axis=1))

    def change(method, values):
        if method == "predict":
            values[uncertain] = np.argsort(P[uncertain])[1]
        else:
            values[uncertain, np.argsort(P[uncertain])[1:]] = P[uncertain, np.argsort(P[uncertain])[1:]].mean()
        return values

    with pytest.raises(ValueError, match="of the probabilities"):  # no longer of the labels
        verify(graph, InsteadOfClassifier(classifier, change), X, {})


def test_transformed_values_and_their_shape():
    graph = to_onnx(StdScaler().fit(X), X)

    class Other(TransformerMixin, BaseEstimator):
        def transform(self, X):
            return X

    class Narrower(Other):
        def transform(self, X):
            return X[:, 1:]

    with pytest.raises(
        ValueError, match=r"disagrees with the model in 150 of 150 rows\. In row 0, column 0 of the trans"
    ):
        verify(graph, Other(), X, {})
    with pytest.raises(ValueError, match=r"transformed values of shape \(150, 4\), but the model of shape \(150, 3\)"):
        verify(graph, Narrower(), X, {})


def test_float64_shows_what_float32_rounds_away():
    far = X + 1e9
    scaler = StdScaler(with_std=False).fit(far)
    to_onnx(scaler, far)
    graph = to_onnx(scaler, far.astype(np.float32))  # the rows themselves are rounded, for graph and model alike
    with pytest.raises(ValueError, match="disagrees with the model"):
        verify(graph, scaler, far, {})


@pytest.mark.parametrize(
    ("got", "expected", "differs"),
    [
        ([1.0], [1.0005], False),
        ([1.0], [1.002], True),
        ([np.nan], [np.nan], False),
        ([np.nan], [1.0], True),
        ([np.inf], [np.inf], False),
        ([np.inf], [-np.inf], True),
        ([1.0, 500.0], [1.002, 500.0], True),
        ([0.0, 500.0], [1e-4, 500.0], False),  # noise beside numbers of that size
    ],
)
def test_numbers(got, expected, differs):
    assert differing("predictions", np.array([got]), np.array([expected]), 1e-3).any() == differs


def test_several_outputs_stand_side_by_side():
    np.testing.assert_array_equal(as_matrix([np.eye(2), np.array([3, 4])]), [[1, 0, 3], [0, 1, 4]])
