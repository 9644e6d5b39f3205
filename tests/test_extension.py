"""A user's own activation, written outside of the package in one short class, gets everything that ours get."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import Activation, ActivationMLPClassifier, StdScaler
from skneural.inspection import GradientError, check_gradient, compare_activations, unit_report

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_digits(return_X_y=True)


class HardTanh(Activation):
    def __init__(self, bound=1.0):
        self.bound = bound

    def forward(self, Z, out=None):
        return np.clip(Z, -self.bound, self.bound, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, np.abs(Z) < self.bound, out=out)


def model(activation, **params):
    return make_pipeline(StdScaler(), ActivationMLPClassifier((40,), activation, random_state=0, **params))


def test_the_gradient_is_checked():
    report = check_gradient(model(HardTanh(), batch_norm=True), X, Y)
    assert report.max_error <= 1e-6

    class Forgetful(HardTanh):
        def backward(self, dA, Z, A, out=None):
            return dA

    with pytest.raises(GradientError, match=r"The gradient is wrong: coefs_\[0\]"):
        check_gradient(model(Forgetful()), X, Y).raise_if_wrong()


def test_the_units_are_reported_on():
    calm, wild = (model(HardTanh(), learning_rate_init=rate, max_iter=30).fit(X, Y) for rate in (1e-3, 1.0))
    assert unit_report(calm, X, Y).recommendations == []
    layer = unit_report(wild, X, Y).layers[0]
    A = wild[-1].hidden_features(wild[0].transform(X), 0)
    assert layer.activation == "HardTanh(bound=1.0)"
    assert layer.saturated_units.tolist() == np.flatnonzero((np.abs(A) == 1).mean(axis=0) >= 0.9).tolist()
    assert layer.saturated > 0.2
    assert any("saturated" in sentence for sentence in unit_report(wild, X, Y).recommendations)


def test_it_is_searched_and_compared():
    grid = {
        "activationmlpclassifier__activation": [HardTanh()],
        "activationmlpclassifier__activation__bound": [0.01, 1.0],
    }
    search = GridSearchCV(model(HardTanh(), max_iter=10), grid, cv=2).fit(X, Y)
    assert search.best_params_["activationmlpclassifier__activation__bound"] == 1.0
    found = compare_activations(
        X, Y, estimator=model("tanh", max_iter=10, learning_rate_init=0.01), activations=["tanh", HardTanh()], cv=2
    )
    assert [each.activation for each in found.candidates] == ["tanh", "HardTanh(bound=1.0)"]
    assert found.candidates[1].score > 0.9
