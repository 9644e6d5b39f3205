"""One fit on one split: its score, its times and its units, and divergence as a result."""

import math

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import check_scoring
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, StdScaler
from skneural.inspection import unit_report
from skneural.inspection.comparison.fit_and_score import fit_and_score

X, Y = load_iris(return_X_y=True)
TRAIN, TEST = np.arange(0, 150, 2), np.arange(1, 150, 2)


def result_of(estimator, y=Y):
    return fit_and_score(estimator, X, y, (TRAIN, TEST), check_scoring(estimator))


def test_the_result_of_fit_and_score():
    model = make_pipeline(StdScaler(), ActivationMLPClassifier((5, 4), "tanh", max_iter=4, random_state=0))
    result = result_of(model)
    same = make_pipeline(StdScaler(), ActivationMLPClassifier((5, 4), "tanh", max_iter=300, random_state=0))
    same.set_params(activationmlpclassifier__max_iter=4, activationmlpclassifier__tol=0)
    with pytest.warns(match="Maximum iterations"):
        same.fit(X[TRAIN], Y[TRAIN])
    assert result.score == same.score(X[TEST], Y[TEST])
    assert result.losses.tolist() == same[-1].loss_curve_
    assert (np.diff(result.seconds) > 0).all()
    assert result.fit_time >= result.seconds[-1]
    assert result.n_parameters == 4 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    first, second = unit_report(same, X[TRAIN]).layers
    assert result.mean_activation == pytest.approx((5 * first.mean + 4 * second.mean) / 9)


def test_statistics_of_batch_normalisation_are_no_parameters():
    options = {"max_iter": 2, "random_state": 0}
    plain, normalised = (
        result_of(ActivationMLPClassifier((5,), "tanh", batch_norm=b, **options)) for b in (False, True)
    )
    assert normalised.n_parameters == plain.n_parameters + 5


def test_the_time_to_a_loss():
    result = result_of(ActivationMLPClassifier((5,), "tanh", max_iter=10, random_state=0))
    assert result.time_to_loss(result.losses[6]) == (7, result.seconds[6])
    assert result.time_to_loss(math.inf) == (1, result.seconds[0])
    assert np.isnan(result.time_to_loss(0)).all()
    assert result.min_loss == result.losses.min()


def test_divergence_is_a_result():
    model = ActivationMLPRegressor(
        hidden_layer_sizes=(5,), activation="identity", solver="sgd", learning_rate_init=1e200
    )
    result = result_of(model)
    assert math.isnan(result.score)
    assert result.losses.size == 0
    assert result.min_loss == math.inf
    assert np.isnan(result.time_to_loss(1.0)).all()


def test_dead_units_and_the_end_of_the_epochs_do_not_warn():
    result = result_of(ActivationMLPClassifier((5,), bias_init=-1e5, max_iter=2))
    assert result.dead == 1


def test_a_mistake_is_not_a_result():
    with pytest.raises(ValueError, match="poisson"):
        result_of(ActivationMLPRegressor("poisson"), y=Y - 5.0)


def test_no_hidden_layer():
    result = result_of(ActivationMLPClassifier((), max_iter=2))
    assert math.isnan(result.dead)
    assert result.n_parameters == 15
