"""early_stopping="refit": trained anew on all rows, for as many epochs as were best for those held out."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning

from skneural import ActivationMLPClassifier, ActivationMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

X, y = load_digits(return_X_y=True)
X = X / 16
OPTIONS = {"hidden_layer_sizes": (10,), "max_iter": 4, "learning_rate_init": 0.01, "random_state": 0}


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_network_is_trained_anew_on_all_rows(solver, backend):
    model = ActivationMLPClassifier(early_stopping="refit", solver=solver, **OPTIONS).fit(X, y)
    held_out = ActivationMLPClassifier(early_stopping=True, solver=solver, **OPTIONS).fit(X, y)
    best = int(np.argmax(held_out.validation_scores_)) + 1
    assert model.stopped_by_ == "max_iter"
    assert model.n_iter_ == best <= 4
    assert (held_out.t_, model.t_) == ((0, 0) if solver == "lbfgs" else (4 * 1617, best * 1797))
    assert model.validation_scores_ is None
    assert model.best_loss_ == pytest.approx(min(model.loss_curve_))
    assert model.score(X, y) > 0.2  # a tenth by chance
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.parameters_, model.parameters_)


def test_noise_is_trained_on_for_few_epochs(backend):
    noise = np.random.RandomState(0).permutation(y)
    options = {**OPTIONS, "max_iter": 200, "n_iter_no_change": 3, "scoring": "loss", "learning_rate": "cosine"}
    model = ActivationMLPClassifier(early_stopping="refit", **options).fit(X, noise)
    held_out = ActivationMLPClassifier(early_stopping=True, **options).fit(X, noise)
    assert model.n_iter_ == int(np.argmax(held_out.validation_scores_)) + 1 < held_out.n_iter_ < 200
    assert model.history_["learning_rate"][-1] < 0.01 / 20  # the schedule ends with the second training


def test_nothing_but_the_chosen_number_ends_the_second_training(backend):
    options = {**OPTIONS, "max_iter": 30, "n_iter_no_change": 2, "tol": 0.5}  # the loss falls by less in an epoch
    held_out = ActivationMLPClassifier(early_stopping=True, **options).fit(X, y)
    model = ActivationMLPClassifier(early_stopping="refit", **options).fit(X, y)
    assert model.stopped_by_ == "max_iter"
    assert model.n_iter_ == int(np.argmax(held_out.validation_scores_)) + 1


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")  # what this test is about
def test_only_a_chosen_number_of_epochs_is_not_warned_of():
    model = ActivationMLPClassifier(early_stopping="refit", **OPTIONS)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(4\) reached"):
        model.fit(X[:900], y[:900], X_val=X[900:], y_val=y[900:])  # as with early_stopping=True
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, y)


def test_a_validation_set_of_the_users_own_is_never_trained_on():
    model = ActivationMLPClassifier(early_stopping="refit", **OPTIONS)
    model.fit(X[:900], y[:900], X_val=X[900:], y_val=y[900:])
    assert model.stopped_by_ == "max_iter"
    assert len(model.validation_scores_) == 4
    assert model.t_ == 4 * 900


def test_it_is_said_when_training_begins_anew(capsys):
    ActivationMLPRegressor(early_stopping="refit", verbose=True, **OPTIONS).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    (best,) = [line for line in lines if line.startswith("The best epoch was")]
    assert best.split(":")[1] == f" training anew, on all rows, for {best.split()[4].rstrip(':')} epochs."
    assert sum(line.startswith("Training ended after") for line in lines) == 2


def test_a_warm_start_is_refused_since_both_say_where_to_begin():
    with pytest.raises(ValueError, match="early_stopping='refit' may train twice"):
        ActivationMLPClassifier(early_stopping="refit", warm_start=True).fit(X, y)


@pytest.mark.parametrize("choice", ["again", None, 2])
def test_other_choices_are_refused(choice):
    with pytest.raises(ValueError, match="'early_stopping' parameter"):
        ActivationMLPClassifier(early_stopping=choice).fit(X, y)


def test_weights_reach_both_trainings():
    X, y = make_classification(300, 6, flip_y=0, random_state=0)
    weights = (y == 0).astype(float)
    model = ActivationMLPClassifier((5,), early_stopping="refit", max_iter=30, learning_rate_init=0.05, random_state=0)
    assert (model.fit(X, y, weights).predict(X) == 0).all()
