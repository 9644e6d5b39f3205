"""Each call trains: what continues from one call to the next, what starts anew, and what tells why training ended."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, DeadUnitsWarning, DivergenceError
from skneural.solvers import SCHEDULES, SOLVERS, Cosine, TrainingInterrupted

ESTIMATORS = [ActivationMLPClassifier, ActivationMLPRegressor]
STOCHASTIC = sorted(SOLVERS)

X, Y = make_blobs(150, n_features=4, centers=3, cluster_std=1.5, random_state=2)
X = (X - X.mean(axis=0)) / X.std(axis=0)
X_VAL, Y_VAL, X, Y = X[::3], Y[::3], np.delete(X, np.s_[::3], axis=0), np.delete(Y, np.s_[::3])
MOVED, MOVED_VAL = (Y + 1) % 3, (Y_VAL + 1) % 3  # the same rows with other labels
GIVEN, GIVEN_MOVED = {"X_val": X_VAL, "y_val": Y_VAL}, {"X_val": X_VAL, "y_val": MOVED_VAL}
SMALL = {"hidden_layer_sizes": (20,), "learning_rate_init": 0.05, "random_state": 0}
QUIET = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def first_classes(model):
    return {"classes": [0, 1, 2]} if isinstance(model, ActivationMLPClassifier) else {}


def streamed(model, n_calls, y=Y, **validation):
    for _ in range(n_calls):
        model.partial_fit(X, y, **first_classes(model), **validation)
    return model


def stopped_early(Estimator=ActivationMLPClassifier, **settings):
    """Return a model whose partial_fit has just restored its best parameters."""
    model = Estimator(**{**SMALL, "early_stopping": True, "n_iter_no_change": 10, **settings})
    for _ in range(200):
        if streamed(model, 1, **GIVEN).stopped_by_ == "early_stopping":
            return model
    raise AssertionError("the score has never stalled")


class TestPartialFitWithEarlyStopping:
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("validation", [GIVEN, GIVEN_MOVED], ids=["same", "moved"])
    def test_every_call_makes_its_epoch(self, Estimator, validation):
        model = stopped_early(Estimator)
        n_iter, seen = model.n_iter_, model.t_
        streamed(model, 20, MOVED, **validation)
        assert (model.n_iter_, model.t_) == (n_iter + 20, seen + 20 * len(X))
        losses = model.loss_curve_[-20:]
        assert len(set(losses)) == 20
        assert losses[-1] < losses[0] / 2

    def test_a_stream_that_has_moved_is_learned(self):
        model = stopped_early()
        assert model.score(X_VAL, Y_VAL) > 0.9
        assert streamed(model, 60, MOVED, **GIVEN_MOVED).score(X_VAL, MOVED_VAL) > 0.9

    def test_so_it_is_after_a_fit_that_stopped_early(self):
        model = ActivationMLPClassifier(**SMALL, early_stopping=True).fit(X, Y, **GIVEN)
        assert model.stopped_by_ == "early_stopping"
        n_iter = model.n_iter_
        streamed(model, 60, MOVED, **GIVEN_MOVED)
        assert model.n_iter_ == n_iter + 60
        assert model.score(X_VAL, MOVED_VAL) > 0.9

    @pytest.mark.parametrize("warm_start", [False, True])
    def test_a_copy_from_a_file_makes_as_many_epochs(self, warm_start):
        model = stopped_early(warm_start=warm_start)
        twin = pickle.loads(pickle.dumps(model))
        for each in (model, twin):
            streamed(each, 30, MOVED, **GIVEN_MOVED)
        assert (twin.n_iter_, twin.t_, len(twin.loss_curve_)) == (model.n_iter_, model.t_, len(model.loss_curve_))
        assert min(twin.score(X, MOVED), model.score(X, MOVED)) > 0.9
        if warm_start:
            assert_array_equal(twin.parameters_, model.parameters_)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", ["adam", "schedule_free_adamw"])
    def test_after_each_call_it_is_the_fit_of_as_many_epochs(self, Estimator, solver):
        settings = {**SMALL, "early_stopping": True, "learning_rate_init": 0.3, "n_iter_no_change": 1000}
        settings["solver"] = solver
        model = Estimator(**settings)
        for n_iter in range(1, 25):
            streamed(model, 1, **GIVEN)
            with pytest.warns(ConvergenceWarning):
                whole = Estimator(**settings, max_iter=n_iter).fit(X, Y, **GIVEN)
            assert_array_equal(model.parameters_, whole.parameters_)
            assert model.history_["loss"] == whole.history_["loss"]
        assert (np.diff(model.validation_scores_) < 0).any()  # the best were not always the latest

    def test_on_one_validation_set_the_best_parameters_are_kept_while_training_continues(self):
        model = stopped_early()
        best, losses = model.parameters_.copy(), []
        for _ in range(30):
            streamed(model, 1, MOVED, **GIVEN)
            losses.append(model.loss_)
        assert_array_equal(model.parameters_, best)
        assert losses[-1] < losses[0] / 5  # what was learned behind them
        streamed(model, 1, MOVED, **GIVEN_MOVED)
        assert model.score(X_VAL, MOVED_VAL) > 0.9  # and is there at once where another validation set asks for it

    @pytest.mark.parametrize("container", [np.copy, np.ndarray.tolist])
    def test_the_content_of_the_validation_set_counts(self, container):
        model, other = stopped_early(), stopped_early()
        for _ in range(8):
            streamed(model, 1, **GIVEN)
            streamed(other, 1, X_val=container(X_VAL), y_val=container(Y_VAL))
        assert_array_equal(model.parameters_, other.parameters_)

    def test_weights_of_the_validation_set_are_part_of_it(self):
        model = stopped_early()
        streamed(model, 1, **GIVEN, sample_weight_val=np.arange(len(X_VAL)) + 1.0)
        assert model._no_improvement_count == 0

    def test_parameters_that_the_user_sets_are_trained_on(self):
        model = stopped_early()
        assert model._training_state["latest"] is not None
        model.coefs_ = [np.zeros_like(W) for W in model.coefs_]
        model.set_params(learning_rate_init=1e-12)
        assert np.abs(streamed(model, 1, **GIVEN).coefs_[0]).max() < 1e-9

    def test_after_divergence_the_best_parameters_are_kept(self):
        model = stopped_early(solver="sgd")
        best = model.parameters_.copy()
        with pytest.raises(DivergenceError):
            streamed(model.set_params(learning_rate_init=1e200), 1, **GIVEN)
        assert_array_equal(model.parameters_, best)
        streamed(model.set_params(learning_rate_init=0.05), 60, MOVED, **GIVEN_MOVED)
        assert model.score(X_VAL, MOVED_VAL) > 0.9

    @pytest.mark.parametrize("switch", [{"early_stopping": False}, {"scoring": "loss"}, {"solver": "sgd"}], ids=str)
    def test_after_a_change_of_parameters_it_trains(self, switch):
        model = streamed(stopped_early(), 3, **GIVEN).set_params(**switch)
        assert streamed(model, 60, MOVED, **GIVEN_MOVED).score(X_VAL, MOVED_VAL) > 0.9


@pytest.mark.parametrize("solver", ["adam", "adamw", "rmsprop", "sgd"])
def test_a_stream_that_moves_late_is_learned(solver):
    model = streamed(ActivationMLPClassifier(**SMALL, solver=solver), 200)
    assert streamed(model, 60, MOVED).score(X_VAL, MOVED_VAL) > 0.9


class TestWarmStart:
    @QUIET
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_new_data_after_convergence_are_learned(self, Estimator, early_stopping):
        settings = {**SMALL, "warm_start": True, "max_iter": 500, "early_stopping": early_stopping}
        settings.update(tol=1e-3, scoring="loss")
        model = Estimator(**settings).fit(X, Y)
        assert model.stopped_by_ == ("early_stopping" if early_stopping else "tol")
        model.fit(X, MOVED)
        assert model.n_iter_ > 10
        fresh = Estimator(**settings).fit(X, MOVED)
        assert model.score(X_VAL, MOVED_VAL) > fresh.score(X_VAL, MOVED_VAL) - 0.1

    def test_the_adaptive_rate_starts_anew(self):
        settings = {**SMALL, "solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 2, "tol": 1e-3}
        model = ActivationMLPClassifier(**settings, warm_start=True, max_iter=1000).fit(X, Y)
        assert model.stopped_by_ == "tol"
        assert model.history_["learning_rate"][-1] < 1e-6
        model.fit(X, MOVED)
        assert model.history_["learning_rate"][-model.n_iter_] == 0.05
        assert model.score(X_VAL, MOVED_VAL) > 0.8

    @QUIET
    @pytest.mark.parametrize("validation", [{}, GIVEN], ids=["held out", "given"])
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_early_stopping_never_ends_with_less_than_it_began_with(self, solver, validation):
        settings = {**SMALL, "solver": solver, "early_stopping": True, "warm_start": True, "scoring": "loss"}
        model = ActivationMLPClassifier(**settings).fit(X, Y, **validation)
        best = model.parameters_.copy()
        worse = {"alpha": 1e3} if solver == "lbfgs" else {"learning_rate_init": 50.0}
        assert_array_equal(model.set_params(**worse, max_iter=2).fit(X, Y, **validation).parameters_, best)

    @QUIET
    def test_on_other_data_the_beginning_is_measured_on_their_validation_set(self):
        settings = {**SMALL, "early_stopping": True, "warm_start": True, "scoring": "loss"}
        model = ActivationMLPClassifier(**settings).fit(X, Y, **GIVEN)
        model.fit(X, MOVED, **GIVEN_MOVED)
        assert model.score(X_VAL, MOVED_VAL) > 0.9


@QUIET
class TestStoppedBy:
    def test_max_iter(self):
        assert ActivationMLPClassifier(**SMALL, max_iter=3).fit(X, Y).stopped_by_ == "max_iter"
        assert ActivationMLPClassifier(**SMALL, max_iter=3, learning_rate="cosine").fit(X, Y).stopped_by_ == "max_iter"
        assert ActivationMLPClassifier(**SMALL, max_iter=3, solver="lbfgs").fit(X, Y).stopped_by_ == "max_iter"

    @pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
    def test_tol(self, learning_rate):
        settings = {"learning_rate": learning_rate, "tol": 1e-3, "max_iter": 5000, "n_iter_no_change": 3}
        assert ActivationMLPRegressor(**SMALL, **settings).fit(X, Y).stopped_by_ == "tol"
        assert ActivationMLPRegressor(**SMALL, solver="lbfgs", tol=0.1).fit(X, Y).stopped_by_ == "tol"

    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_early_stopping(self, solver):
        settings = {**SMALL, "solver": solver, "early_stopping": True, "max_iter": 500, "n_iter_no_change": 2}
        assert ActivationMLPClassifier(**settings).fit(X, Y, **GIVEN).stopped_by_ == "early_stopping"

    def test_max_fun(self):
        settings = {**SMALL, "solver": "lbfgs", "max_fun": 5, "max_iter": 500}
        assert ActivationMLPClassifier(**settings).fit(X, Y).stopped_by_ == "max_fun"

    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_callback(self, solver, method):
        pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")

        class Stop:
            def setup(self, estimator, context): ...

            def teardown(self, estimator, context): ...

            def on_fit_task_begin(self, estimator, context): ...

            def on_fit_task_end(self, estimator, context):
                return context.task_name == "epoch"

        model = ActivationMLPRegressor(**SMALL, solver=solver).set_callbacks(Stop())
        if hasattr(model, method):
            assert getattr(model, method)(X, Y).stopped_by_ == "callback"

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_interrupted(self, method):
        def interrupting(progress):
            raise KeyboardInterrupt

        model = ActivationMLPRegressor(**SMALL, learning_rate=interrupting)
        with pytest.raises(TrainingInterrupted):
            getattr(model, method)(X, Y)
        assert model.stopped_by_ == "interrupted"

    @pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
    def test_diverged(self, solver):
        model = ActivationMLPRegressor(**{**SMALL, "learning_rate_init": 1e200}, solver=solver)
        with pytest.raises(DivergenceError):
            model.fit(X * (1e305 if solver == "lbfgs" else 1), Y)
        assert model.stopped_by_ == "diverged"

    def test_partial_fit_says_when_fit_would_have_stopped(self):
        settings = {**SMALL, "tol": 1e-2, "n_iter_no_change": 3}
        whole, steps = ActivationMLPRegressor(**settings).fit(X, Y), ActivationMLPRegressor(**settings)
        reasons = [streamed(steps, 1).stopped_by_ for _ in range(whole.n_iter_)]
        assert reasons == ["max_iter"] * (whole.n_iter_ - 1) + ["tol"]
        assert whole.stopped_by_ == "tol"
        assert_array_equal(steps.parameters_, whole.parameters_)

    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_it_is_saved_and_copied(self, solver):
        model = ActivationMLPClassifier(**SMALL, solver=solver, max_iter=3).fit(X, Y)
        for twin in (pickle.loads(pickle.dumps(model)), copy.copy(model)):
            assert twin.stopped_by_ == "max_iter"

    def test_a_fit_that_fails_leaves_that_of_the_last(self):
        model = ActivationMLPClassifier(**SMALL, max_iter=3).fit(X, Y)
        with pytest.raises(ValueError, match="NaN"):
            model.fit(X * np.nan, Y)
        assert model.stopped_by_ == "max_iter"


ENDING = ["cosine", "one_cycle", "adaptive"]


def ended(caught):
    return [str(each.message) for each in caught if "has ended" in str(each.message)]


class TestSchedulesUnderPartialFit:
    def calls(self, model, n_calls):
        """Return the number of the first call that warns, and all warnings."""
        first, messages = None, []
        for call in range(1, n_calls + 1):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                streamed(model, 1)
            messages += ended(caught)
            first = call if messages and first is None else first
            assert not ended(caught) or caught[-1].filename == __file__
        return first, messages

    @pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_the_first_call_after_the_end_warns(self, Estimator, schedule):
        model = Estimator(**SMALL, learning_rate=schedule, max_iter=4)
        first, messages = self.calls(model, 8)
        assert first == 5
        assert len(messages) == 1
        rate = f"{model.history_['learning_rate'][-1]:.3g}"
        assert f"a learning rate of {rate}. For streams use learning_rate='constant' or 'invscaling'" in messages[0]

    def test_adaptive_warns_when_its_rate_is_least(self):
        settings = {**SMALL, "learning_rate": "adaptive", "tol": 1e-2, "n_iter_no_change": 1}
        model = ActivationMLPClassifier(**settings)
        first, messages = self.calls(model, 80)
        assert len(messages) == 1
        assert model.history_["learning_rate"][first - 2] > 1e-6 >= model.history_["learning_rate"][first - 1]

    @pytest.mark.parametrize(
        "schedule", [*sorted(set(SCHEDULES) - set(ENDING)), Cosine(final=0.1), lambda progress: 1.0]
    )
    def test_the_others_do_not(self, schedule):
        assert self.calls(ActivationMLPRegressor(**SMALL, learning_rate=schedule, max_iter=2), 6) == (None, [])

    @pytest.mark.filterwarnings("ignore:The network fits its own training rows worse")  # after three epochs
    @pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
    def test_after_a_fit_the_first_call_warns(self, schedule):
        model = ActivationMLPRegressor(**SMALL, learning_rate=schedule, max_iter=3).fit(X, Y)
        assert self.calls(model, 2)[0] == 1

    def test_more_epochs_make_it_go_on(self):
        model = ActivationMLPRegressor(**SMALL, learning_rate="cosine", max_iter=2)
        assert self.calls(model, 4)[0] == 3
        assert self.calls(model.set_params(max_iter=6), 4)[0] == 3

    def test_fit_runs_its_schedule_from_the_beginning(self):
        settings = {**SMALL, "max_iter": 3, "warm_start": True}
        model = ActivationMLPRegressor(**settings, learning_rate="cosine")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "The network fits its own training rows worse")  # after three epochs
            model.fit(X, Y).fit(X, Y)
        assert model.history_["learning_rate"][:3] == model.history_["learning_rate"][3:]


class TestWarningsAsErrors:
    def as_error(self, category, call):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(category):
                call()

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", [*STOCHASTIC, "lbfgs"])
    @pytest.mark.parametrize("fitted", [False, True])
    def test_a_fit_that_has_not_converged_is_kept(self, Estimator, solver, fitted):
        model = Estimator(**SMALL, solver=solver, max_iter=3)
        expected = copy.deepcopy(model)
        if fitted:
            with pytest.warns(ConvergenceWarning):
                model.fit(X[:50], Y[:50])
        self.as_error(ConvergenceWarning, lambda: model.fit(X, Y))
        with pytest.warns(ConvergenceWarning):
            expected.fit(X, Y)
        assert pickle.dumps(model) == pickle.dumps(expected)
        assert model.score(X, Y) == expected.score(X, Y)

    def test_one_with_dead_units_is_kept(self):
        settings = {**SMALL, "bias_init": -50.0, "solver": "lbfgs"}
        self.as_error(DeadUnitsWarning, lambda: (model := ActivationMLPClassifier(**settings)).fit(X, Y) and model)
        model = ActivationMLPClassifier(**settings)
        self.as_error(DeadUnitsWarning, lambda: model.fit(X, Y))
        assert model.predict(X).shape == Y.shape

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_one_whose_scores_are_no_numbers_is_kept(self, method, monkeypatch):
        scorer = "skneural.estimators.validation_set.ValidationScorer.__call__"
        monkeypatch.setattr(scorer, lambda self: (1.0, np.nan))  # as where R² is not defined
        settings = {**SMALL, "early_stopping": True, "max_iter": 3}
        model = ActivationMLPRegressor(**settings, n_iter_no_change=1)
        train = getattr(model, method)
        if method == "partial_fit":
            train(X, Y, **GIVEN)
        self.as_error(UserWarning, lambda: train(X, Y, **GIVEN))
        assert model.n_iter_ == 2

    def test_one_after_the_end_of_a_schedule_is_kept(self):
        model = ActivationMLPClassifier(**SMALL, learning_rate="cosine", max_iter=2)
        streamed(model, 2)
        self.as_error(ConvergenceWarning, lambda: model.partial_fit(X, Y))
        assert model.n_iter_ == 3

    def test_a_warning_before_training_changes_nothing(self):
        model = ActivationMLPClassifier(**SMALL, batch_size=1000)
        self.as_error(UserWarning, lambda: model.fit(X, Y))
        assert not hasattr(model, "classes_")
        assert not hasattr(model, "parameters_")


class TestSmallBatchesUnderBatchNormalisation:
    """Means and variances of a few rows say little of those of prediction, and one row's output is its own mean."""

    MESSAGE = r"mean and the variance of each mini-batch.*of {} row\(s\)\. Expected at least 8"

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_partial_fit_warns_below_eight_rows(self, Estimator):
        model = Estimator(**SMALL, batch_norm=True)
        classes = {"classes": np.unique(Y)} if Estimator is ActivationMLPClassifier else {}
        with pytest.warns(UserWarning, match=self.MESSAGE.format(7)) as caught:
            model.partial_fit(X[:7], Y[:7], **classes)
        assert caught[0].filename == __file__
        model.partial_fit(X[:8], Y[:8])
        Estimator(**SMALL).partial_fit(X[:1], Y[:1], **classes)

    @QUIET
    def test_fit_warns_where_more_rows_were_there(self):
        model = ActivationMLPRegressor(**SMALL, batch_norm=True, batch_size=4, max_iter=1)
        with pytest.warns(UserWarning, match="batch_size=4 makes batches of 4"):
            model.fit(X[:40], Y[:40])

    @QUIET
    def test_the_message_names_the_batch_size_that_was_asked_for(self):
        with pytest.warns(UserWarning, match=r"batch_size=9 makes batches of 5 row\(s\)"):
            ActivationMLPRegressor(**SMALL, batch_norm=True, batch_size=9, max_iter=1).fit(X[:10], Y[:10])

    @pytest.mark.parametrize("n_rows", [1, 5, 8, 9])
    def test_fit_of_few_rows_takes_what_there_is(self, n_rows):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", DeadUnitsWarning)  # the units of one row all have its mean, which is 0
            ActivationMLPRegressor(**SMALL, batch_norm=True, max_iter=1).fit(X[:n_rows], Y[:n_rows])
