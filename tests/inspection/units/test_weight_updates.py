"""Gradients and steps of the hidden weights, against differences and against training itself."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.inspection.units.weight_updates import WeightUpdates

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
SMALL = {"hidden_layer_sizes": (6, 5), "activation": "tanh", "max_iter": 4, "random_state": 0}


def test_the_gradient_is_that_of_the_mean_loss_alone():
    model = ActivationMLPClassifier(**SMALL, alpha=0.5, dropout=0.3, input_dropout=0.2).fit(X, Y)
    gradient = np.empty_like(model.coefs_[0])
    for place in np.ndindex(gradient.shape):
        losses = []
        for shift in (1e-5, -1e-5):
            model.coefs_[0][place] += shift
            losses.append(-np.log(model.predict_proba(X)[np.arange(150), Y]).mean())
            model.coefs_[0][place] -= shift
        gradient[place] = (losses[0] - losses[1]) / 2e-5
    updates = WeightUpdates(model, X, Y)
    assert_allclose(updates.gradient_norms[0], np.linalg.norm(gradient), rtol=1e-6)
    one_sign = (gradient > 0).all(axis=0) | (gradient < 0).all(axis=0)
    assert updates.one_sign_gradients[0] == one_sign.mean()


@pytest.mark.parametrize(
    "options", [{}, {"solver": "sgd", "clip_norm": 0.1}, {"batch_norm": True}, {"dtype": "float32"}]
)
def test_the_step_is_that_of_training(options):
    steady = {**SMALL, **options, "batch_size": 150, "shuffle": False, "warm_start": True}
    model = ActivationMLPClassifier(**steady).fit(X, Y)
    before, ratios = [W.copy() for W in model.coefs_[:-1]], WeightUpdates(model, X, Y).update_ratios
    model.set_params(max_iter=1).fit(X, Y)
    moved = [np.linalg.norm(new - old) / np.linalg.norm(old) for new, old in zip(model.coefs_, before, strict=False)]
    assert_allclose(ratios, moved, rtol=1e-3 if options.get("dtype") else 1e-9)


def test_a_schedule_that_has_ended_shows_its_last_rate():
    for schedule in ("cosine", "one_cycle"):
        model = ActivationMLPClassifier(**SMALL, learning_rate=schedule).fit(X, Y)
        assert min(WeightUpdates(model, X, Y).update_ratios) > 0


def test_inputs_of_one_sign_give_gradients_of_one_sign_row_by_row():
    model = ActivationMLPRegressor(**SMALL).fit(np.abs(X), Y)
    assert WeightUpdates(model, np.abs(X[:1]), Y[:1]).one_sign_gradients[0] == 1
    assert WeightUpdates(model, X[:1], Y[:1]).one_sign_gradients[0] == 0


def test_where_there_is_no_step_and_no_gradient():
    lbfgs = ActivationMLPClassifier(**SMALL, solver="lbfgs").fit(X, Y)
    assert np.isnan(WeightUpdates(lbfgs, X, Y).update_ratios).all()
    lbfgs.coefs_[1][...] = 0
    lbfgs.coefs_[2][...] = 0
    updates = WeightUpdates(lbfgs, X, Y)
    assert updates.gradient_norms == [0, 0]
    assert math.isnan(updates.one_sign_gradients[0])


@pytest.mark.filterwarnings("ignore:The first call set target_scale_")  # targets far too large are the point
def test_a_step_that_diverges_is_infinite():
    model = ActivationMLPRegressor(**{**SMALL, "activation": "identity"}, solver="sgd").fit(X, Y)
    model.set_params(learning_rate_init=1e300, alpha=0)
    assert WeightUpdates(model, X, 1e10 * Y).update_ratios == [math.inf, math.inf]


def test_weights_of_length_zero_have_no_ratio():
    model = ActivationMLPClassifier(**SMALL).fit(X, Y)
    model.coefs_[0][...] = 0
    assert WeightUpdates(model, X, Y).update_ratios[0] == math.inf
