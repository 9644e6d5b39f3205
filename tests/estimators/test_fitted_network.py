"""What a fitted network offers by itself: see also test_base.py, which tests the estimators as users meet them."""

import copy

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skneural import ELU, ActivationMLPClassifier

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.fixture(scope="module")
def fitted():
    settings = {"activation": ["elu", "tanh"], "max_iter": 30, "learning_rate_init": 0.02, "random_state": 0}
    with pytest.warns(match="Maximum iterations"):
        return ActivationMLPClassifier((7, 5), **settings).fit(X, y)


def test_hidden_features_are_the_forward_pass(fitted):
    first = ELU().forward(X @ fitted.coefs_[0] + fitted.intercepts_[0])
    second = np.tanh(first @ fitted.coefs_[1] + fitted.intercepts_[1])
    np.testing.assert_allclose(fitted.hidden_features(X, layer=0), first)
    np.testing.assert_allclose(fitted.transform(X), second)
    np.testing.assert_array_equal(fitted.hidden_features(X, layer=-1), fitted.transform(X))


def test_hidden_features_have_names(fitted):
    assert list(fitted.get_feature_names_out()) == [f"activationmlpclassifier{i}" for i in range(5)]


@pytest.mark.parametrize("layer", [2, -3])
def test_a_layer_that_is_not_there(fitted, layer):
    with pytest.raises(ValueError, match=f"one of the 2 hidden layers. Got {layer}"):
        fitted.hidden_features(X, layer=layer)


@pytest.mark.filterwarnings("ignore:.*Maximum iterations")
def test_hidden_features_feed_another_model():
    network = ActivationMLPClassifier((8,), max_iter=50, learning_rate_init=0.02, random_state=0)
    model = make_pipeline(network, LogisticRegression()).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model[0].set_output(transform="pandas").transform(X).shape == (150, 8)


def test_outputs_that_are_no_numbers_are_an_error(fitted):
    enormous = X.copy()
    enormous[3] = [1e308, -1e308, 1e308, -1e308]
    model = copy.deepcopy(fitted)
    model.coefs_ = [1e3 * W for W in model.coefs_]
    for method in (model.predict, model.predict_proba, model.predict_log_proba, model.transform):
        with pytest.raises(ValueError, match="output for row 3 of X is not a finite float64"):
            method(enormous)
