"""early_stopping="continue": from the best epoch training goes on, on all rows, for half as many epochs."""

import math
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning

from skneural import ActivationMLPClassifier, ActivationMLPRegressor
from skneural._sklearn_compat import CallbackSupportMixin
from skneural.solvers import SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

X, y = load_digits(return_X_y=True)
X = X / 16
OPTIONS = {"hidden_layer_sizes": (10,), "max_iter": 12, "learning_rate_init": 0.05, "n_iter_no_change": 2, "tol": 0.01}
OPTIONS |= {"random_state": 0}


def best_epoch(model):
    return int(np.nanargmax(model.validation_scores_)) + 1


@pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
def test_the_history_is_that_of_the_first_training_up_to_its_best_epoch_and_of_what_follows(solver, backend):
    options = {**OPTIONS, "solver": solver} | ({"learning_rate_init": 0.01} if solver == "rmsprop" else {})
    held_out = ActivationMLPClassifier(early_stopping=True, **options).fit(X, y)
    model = ActivationMLPClassifier(early_stopping="continue", **options).fit(X, y)
    best = best_epoch(held_out)
    more = math.ceil(best / 2)
    if solver != "lbfgs":  # which may converge sooner
        assert model.n_iter_ == len(model.loss_curve_) == best + more
        assert model.stopped_by_ == "max_iter"
        assert model.t_ == best * 1617 + more * 1797
    assert model.loss_curve_[:best] == held_out.loss_curve_[:best]
    assert model.validation_scores_[:best] == held_out.validation_scores_[:best]
    assert np.isnan(model.validation_scores_[best:]).all()
    assert model.best_validation_score_ == held_out.best_validation_score_
    assert model.best_loss_ == pytest.approx(min(model.loss_curve_))
    assert (model.parameters_ != held_out.parameters_).any()
    assert model.score(X, y) > 0.5
    np.testing.assert_array_equal(clone(model).fit(X, y).parameters_, model.parameters_)


@pytest.mark.parametrize("solver", ["sgd", "adam", "schedule_free_adamw"])
def test_it_goes_on_with_the_solvers_state_of_the_best_epoch(solver, backend):
    """As a warm start does that goes on, after exactly as many epochs, with all rows in their order."""
    options = {**OPTIONS, "solver": solver, "shuffle": False, "hidden_layer_sizes": (6,), "activation": "tanh"}
    options |= {"tol": 0.0, "max_iter": 60}
    model = ActivationMLPClassifier(early_stopping="continue", **options)
    stopped = clone(model).set_params(early_stopping=True).fit(X, y)
    best, n = best_epoch(stopped), stopped.n_iter_
    assert n > best  # else the latest state would do as well
    model.fit(X, y)
    first = clone(model).set_params(early_stopping=True, max_iter=best).fit(X, y)
    np.testing.assert_array_equal(first.parameters_, stopped.parameters_)
    first.set_params(early_stopping=False, warm_start=True, max_iter=math.ceil(best / 2), n_iter_no_change=99)
    np.testing.assert_array_equal(first.fit(X, y).parameters_, model.parameters_)


def test_noise_is_trained_on_for_few_epochs(backend):
    noise = np.random.RandomState(0).permutation(y)
    options = {**OPTIONS, "max_iter": 200, "scoring": "loss", "learning_rate_init": 0.01, "tol": 0.0}
    model = ActivationMLPClassifier(early_stopping="continue", **options).fit(X, noise)
    assert model.n_iter_ == best_epoch(model) + math.ceil(best_epoch(model) / 2) < 20


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")  # what this test is about
def test_only_a_chosen_number_of_epochs_is_not_warned_of():
    model = ActivationMLPClassifier(early_stopping="continue", **{**OPTIONS, "max_iter": 3})
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        model.fit(X[:900], y[:900], X_val=X[900:], y_val=y[900:])  # as with early_stopping=True
    assert model.t_ == 3 * 900  # rows of the user's own validation set are never trained on
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, y)


def test_it_is_said_where_training_goes_on(capsys):
    options = {**OPTIONS, "learning_rate_init": 0.01}
    model = ActivationMLPRegressor(early_stopping="continue", verbose=True, **options).fit(X, y)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("The best epoch was")]
    best = best_epoch(model)
    more = math.ceil(best / 2)
    assert line == f"The best epoch was {best}: training goes on from there, on all rows, for {more} epochs."


def test_a_warm_start_is_refused_since_both_say_where_to_begin():
    with pytest.raises(ValueError, match="early_stopping='continue' may train twice"):
        ActivationMLPClassifier(early_stopping="continue", warm_start=True).fit(X, y)


def test_weights_reach_both_trainings():
    X, y = make_classification(300, 6, flip_y=0, random_state=0)
    weights = (y == 0).astype(float)
    model = ActivationMLPClassifier(
        (5,), early_stopping="continue", max_iter=30, learning_rate_init=0.05, random_state=0
    )
    assert (model.fit(X, y, weights).predict(X) == 0).all()


def test_with_a_validation_set_of_the_users_own_it_is_as_true(backend):
    expected = ActivationMLPClassifier(early_stopping=True, **{**OPTIONS, "max_iter": 40})
    model = ActivationMLPClassifier(early_stopping="continue", **{**OPTIONS, "max_iter": 40})
    for each in (expected, model):
        each.fit(X[:900], y[:900], X_val=X[900:], y_val=y[900:])
    assert model.n_iter_ == expected.n_iter_ == len(model.loss_curve_) > best_epoch(model)
    assert (model.t_, model.stopped_by_) == (expected.t_, "early_stopping")
    np.testing.assert_array_equal(model.parameters_, expected.parameters_)


def test_ctrl_c_behind_the_best_epoch_so_far_keeps_the_count_of_epochs(backend):
    class Impatient(ActivationMLPClassifier):
        def _record_epoch(self, epoch):
            super()._record_epoch(epoch)
            if epoch.number == 6:
                raise KeyboardInterrupt

    model = Impatient(early_stopping="continue", **OPTIONS)
    with pytest.raises(KeyboardInterrupt, match="after 6 full epochs"):
        model.fit(X, y)
    assert best_epoch(model) == 5
    assert model.n_iter_ == len(model.loss_curve_) == 6
    assert model.t_ == 6 * 1617


@pytest.mark.parametrize("early_stopping", ["continue", "refit", "cross_validation"])
def test_without_a_score_the_last_epoch_is_the_best_and_that_is_warned_of(early_stopping, backend):
    model = ActivationMLPClassifier(early_stopping=early_stopping, scoring=lambda *_: -np.inf, **OPTIONS)
    with pytest.warns(UserWarning, match=r"could not choose an epoch; it took the last one"):
        model.fit(X, y)
    if early_stopping != "continue":
        assert (model.n_iter_, model.t_) == (12, 12 * 1797)
    else:
        assert (model.n_iter_, model.t_) == (18, 12 * 1617 + 6 * 1797)


@pytest.mark.parametrize("early_stopping", ["refit", "continue"])
def test_lbfgs_does_not_warn_of_a_length_that_was_chosen(early_stopping):
    model = ActivationMLPClassifier((10,), solver="lbfgs", early_stopping=early_stopping, max_iter=300, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y)
    assert model.stopped_by_ == "max_iter"  # of the second training


@pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn has no callbacks before 1.9"
)
@pytest.mark.parametrize("early_stopping", ["refit", "continue", "cross_validation"])
def test_a_callback_that_stops_the_first_training_prevents_the_second(early_stopping):
    class StopAfterThree:
        n_epochs = 0

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **arguments):
            pass

        def on_fit_task_end(self, estimator, context, **arguments):
            self.n_epochs += context.task_name == "epoch"
            return self.n_epochs >= 3

    stop = StopAfterThree()
    options = {**OPTIONS, "learning_rate_init": 0.01, "early_stopping": early_stopping}
    model = ActivationMLPClassifier(**options).set_callbacks(stop).fit(X, y)
    assert (stop.n_epochs, model.stopped_by_, model.n_iter_) == (3, "callback", 3)
