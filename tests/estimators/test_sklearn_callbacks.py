"""scikit-learn's callbacks on the estimators: when they are called, what they see, how they end a fit."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, DivergenceError, StdScaler

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
SOLVERS = ["adam", "sgd", "lbfgs"]
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 5, "learning_rate_init": 0.01, "random_state": 0}


class Recorder:
    """Writes down its calls; asks to stop after some epoch, or fails there."""

    def __init__(self, stop_after=None, fail_after=None):
        self.stop_after, self.fail_after = stop_after, fail_after
        self.calls, self.scores, self.kept = [], [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.calls.append(f"end {context.task_name}")
        self.scores.append(fitted_estimator.score(X, y, **(metadata or {})))
        self.kept.append(copy.copy(fitted_estimator))
        if context.task_name == "epoch":
            if context.task_id + 1 == self.fail_after:
                raise ZeroDivisionError
            return context.task_id + 1 == self.stop_after
        return None


def left_over(model):
    return [name for name in vars(model) if "callback" in name and name != "_skl_callbacks"]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("Estimator", [ActivationMLPClassifier, ActivationMLPRegressor])
def test_calls_come_in_order_and_change_nothing(Estimator, solver):
    recorder = Recorder()
    model = Estimator(**SMALL, solver=solver).set_callbacks(recorder).fit(X, Y)
    epochs = ["begin epoch", "end epoch"] * model.n_iter_
    assert recorder.calls == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert_array_equal(model.parameters_, Estimator(**SMALL, solver=solver).fit(X, Y).parameters_)
    assert recorder.scores[-1] == model.score(X, Y)
    assert len(set(recorder.scores)) > 2  # of each epoch, not all of the last
    assert left_over(model) == []
    Estimator(**SMALL, solver=solver).set_callbacks().fit(X, Y)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_callback_ends_the_fit_after_its_epoch(solver, early_stopping):
    settings = {**SMALL, "solver": solver, "max_iter": 40, "early_stopping": early_stopping}
    model = ActivationMLPClassifier(**settings).set_callbacks(Recorder(stop_after=3)).fit(X, Y)
    assert model.n_iter_ == len(model.loss_curve_) == 3
    assert left_over(model) == []


@pytest.mark.parametrize("batch_norm", [False, True])
def test_what_an_epoch_showed_stays_as_it_was(batch_norm):
    options = {**SMALL, "batch_norm": batch_norm, "learning_rate_init": 0.05}
    model = ActivationMLPClassifier(**options).set_callbacks(recorder := Recorder()).fit(X, Y)
    assert [kept.score(X, Y) for kept in recorder.kept] == recorder.scores
    assert len(set(recorder.scores)) > 2
    assert_array_equal(recorder.kept[-1].predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("fitted", [False, True])
def test_teardown_is_called_if_fit_fails(solver, fitted):
    model = ActivationMLPClassifier(**SMALL, solver=solver)
    if fitted:
        model.fit(X, Y)
    before = pickle.dumps(model)
    recorder = Recorder(fail_after=2)
    with pytest.raises(ZeroDivisionError):
        model.set_callbacks(recorder).fit(X, Y)
    assert recorder.calls[0] == "setup"
    assert recorder.calls[-1] == "teardown"
    assert recorder.calls.count("teardown") == 1
    assert left_over(model) == []
    assert pickle.dumps(model.set_callbacks()) == before


def test_teardown_is_called_if_training_diverges():
    recorder = Recorder()
    model = ActivationMLPRegressor(**{**SMALL, "solver": "sgd", "learning_rate_init": 1e6, "max_iter": 50})
    with pytest.raises(DivergenceError):
        model.set_callbacks(recorder).fit(X * 10, Y * 10)
    assert recorder.calls[0] == "setup"
    assert recorder.calls[-1] == "teardown"
    assert left_over(model) == []
    assert np.isfinite(model.parameters_).all()


@pytest.mark.parametrize("bad", [{"X": X[:, 0], "y": Y}, {"X": X, "y": Y[:-1]}])
def test_what_is_refused_calls_nobody(bad):
    recorder = Recorder()
    model = ActivationMLPClassifier(**SMALL).set_callbacks(recorder)
    with pytest.raises(ValueError, match=r"array|inconsistent"):
        model.fit(**bad)
    assert recorder.calls == []
    with pytest.raises(ValueError, match="X_val"):
        model.fit(X, Y, X_val=X)
    assert recorder.calls.count("setup") == recorder.calls.count("teardown")
    assert left_over(model) == []


def test_partial_fit_calls_for_its_one_epoch():
    recorder = Recorder()
    model = ActivationMLPClassifier(**{**SMALL, "max_iter": 1}).set_callbacks(recorder)
    for _ in range(3):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert recorder.calls == ["setup", "begin fit", "begin epoch", "end epoch", "end fit", "teardown"] * 3


def test_sample_weight_is_shown():
    weights = np.where(Y == 0, 100.0, 1.0)
    recorder = Recorder()
    model = ActivationMLPClassifier(**SMALL).set_callbacks(recorder).fit(X, Y, weights)
    assert recorder.scores[-1] == model.score(X, Y, weights) != model.score(X, Y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scoring_monitor(solver):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = ActivationMLPClassifier(**SMALL, solver=solver).set_callbacks(monitor).fit(X, Y)
    rows = monitor.get_logs().data
    scores = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(scores) == model.n_iter_
    assert scores[-1] == model.score(X, Y)
    assert len(set(scores)) > 1


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scoring_monitor_inside_pipeline_and_grid_search(solver):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = ActivationMLPClassifier(**SMALL, solver=solver).set_callbacks(monitor)
    make_pipeline(StdScaler(), model).fit(X, Y)
    assert sum(row["task_name"] == "epoch" for row in monitor.get_logs().data) == model.n_iter_
    pipeline = make_pipeline(StdScaler(), ActivationMLPClassifier(**SMALL, solver=solver).set_callbacks(monitor))
    grid = {"activationmlpclassifier__activation": ["relu", "elu"]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, Y)
    logs = monitor.get_logs().data
    assert sum(row["task_name"] == "epoch" for row in logs) >= search.best_estimator_[-1].n_iter_
    assert left_over(search.best_estimator_[-1]) == []


@pytest.mark.filterwarnings("ignore:The estimator StdScaler does not support callbacks")  # like scikit-learn's scalers
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_progress_bar(solver, capsys):
    pytest.importorskip("rich")
    ActivationMLPClassifier(**SMALL, solver=solver).set_callbacks(callback.ProgressBar()).fit(X, Y)
    assert "ActivationMLPClassifier" in capsys.readouterr().out
    pipeline = make_pipeline(StdScaler(), ActivationMLPClassifier(**SMALL, solver=solver))
    pipeline.set_callbacks(callback.ProgressBar()).fit(X, Y)
    assert "ActivationMLPClassifier" in capsys.readouterr().out
    search = GridSearchCV(pipeline.set_callbacks(), {"activationmlpclassifier__alpha": [0, 1]}, cv=2)
    search.set_callbacks(callback.ProgressBar()).fit(X, Y)
    assert "GridSearchCV" in capsys.readouterr().out
    assert left_over(search.best_estimator_[-1]) == []
    assert not hasattr(search.best_estimator_[-1], "_parent_callback_ctx")


@pytest.mark.parametrize("max_iter", [1, 2, 3, 50])
def test_iterations_of_lbfgs_never_outnumber_what_was_announced(max_iter):
    for seed in range(4):
        model = ActivationMLPClassifier(**{**SMALL, "max_iter": max_iter, "random_state": seed}, solver="lbfgs")
        model.set_callbacks(recorder := Recorder()).fit(X, Y)
        assert recorder.calls.count("end epoch") == model.n_iter_ == len(model.loss_curve_)


def test_callbacks_travel_with_a_pickle_and_leave_no_trace_in_a_clone():
    model = ActivationMLPClassifier(**SMALL).set_callbacks(Recorder()).fit(X, Y)
    twin = pickle.loads(pickle.dumps(model))
    assert_array_equal(twin.predict_proba(X), model.predict_proba(X))
    assert left_over(twin) == []
