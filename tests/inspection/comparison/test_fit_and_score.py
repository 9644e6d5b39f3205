"""One training of a comparison."""

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


def judged(estimator, y=Y):
    return fit_and_score(estimator, X, y, (TRAIN, TEST), check_scoring(estimator))


def test_a_fold_is_what_fit_and_score_come_to():
    model = make_pipeline(StdScaler(), ActivationMLPClassifier((5, 4), "tanh", max_iter=4, random_state=0))
    fold = judged(model)
    same = make_pipeline(StdScaler(), ActivationMLPClassifier((5, 4), "tanh", max_iter=300, random_state=0))
    same.set_params(activationmlpclassifier__max_iter=4, activationmlpclassifier__tol=0)
    with pytest.warns(match="Maximum iterations"):
        same.fit(X[TRAIN], Y[TRAIN])
    assert fold.score == same.score(X[TEST], Y[TEST])
    assert fold.losses.tolist() == same[-1].loss_curve_
    assert (np.diff(fold.seconds) > 0).all()
    assert fold.fit_time >= fold.seconds[-1]
    assert fold.n_parameters == 4 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    first, second = unit_report(same, X[TRAIN]).layers
    assert fold.mean == pytest.approx((5 * first.mean + 4 * second.mean) / 9)


def test_statistics_of_batch_normalisation_are_no_parameters():
    options = {"max_iter": 2, "random_state": 0}
    plain, normalised = (judged(ActivationMLPClassifier((5,), "tanh", batch_norm=b, **options)) for b in (False, True))
    assert normalised.n_parameters == plain.n_parameters + 5


def test_the_way_to_a_loss():
    fold = judged(ActivationMLPClassifier((5,), "tanh", max_iter=10, random_state=0))
    assert fold.reached(fold.losses[6]) == (7, fold.seconds[6])
    assert fold.reached(math.inf) == (1, fold.seconds[0])
    assert np.isnan(fold.reached(0)).all()
    assert fold.best_loss == fold.losses.min()


def test_divergence_is_a_result():
    model = ActivationMLPRegressor(
        hidden_layer_sizes=(5,), activation="identity", solver="sgd", learning_rate_init=1e200
    )
    fold = judged(model)
    assert math.isnan(fold.score)
    assert fold.losses.size == 0
    assert fold.best_loss == math.inf
    assert np.isnan(fold.reached(1.0)).all()


def test_dead_units_and_the_end_of_the_epochs_do_not_warn():
    fold = judged(ActivationMLPClassifier((5,), bias_init=-1e5, max_iter=2))
    assert fold.dead == 1


def test_a_mistake_is_not_a_result():
    with pytest.raises(ValueError, match="poisson"):
        judged(ActivationMLPRegressor("poisson"), y=Y - 5.0)


def test_no_hidden_layer():
    fold = judged(ActivationMLPClassifier((), max_iter=2))
    assert math.isnan(fold.dead)
    assert fold.n_parameters == 15
