"""The monitor: when units died, against a record by hand."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, StdScaler
from skneural.inspection import NetworkMonitor, unit_report

pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning"),
]

X, Y = load_digits(return_X_y=True)
FAST = {"hidden_layer_sizes": (30, 20), "learning_rate_init": 0.03, "max_iter": 8, "random_state": 1}


class Recorder:
    """A callback that keeps which units are dead, by hand."""

    def __init__(self):
        self.dead = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "epoch":
            self.dead.append([(fitted_estimator.hidden_features(X, i) == 0).all(axis=0) for i in range(2)])


@pytest.fixture(scope="module")
def monitored():
    monitor, recorder = NetworkMonitor(X), Recorder()
    model = ActivationMLPClassifier(**FAST).set_callbacks(monitor, recorder).fit(X, Y)
    return model, monitor, recorder


def test_each_epoch_has_its_report(monitored):
    model, monitor, recorder = monitored
    assert monitor.epochs == list(range(model.n_iter_ + 1))
    assert_array_equal(monitor.dead[1:], [[units.mean() for units in layers] for layers in recorder.dead])
    assert monitor.dead[0].max() < 0.2
    assert monitor.dead[-1].min() >= 0.1


def test_the_epoch_in_which_each_unit_died(monitored):
    _, monitor, recorder = monitored
    for layer in (0, 1):
        dead = np.array([layers[layer] for layers in recorder.dead])  # epochs, units
        for unit, epoch in enumerate(monitor.died_at(layer)):
            assert dead[-1, unit] == (epoch >= 0)
            if epoch >= 0:
                assert dead[max(epoch, 1) - 1 :, unit].all()
                assert epoch <= 1 or not dead[epoch - 2, unit]
    assert len(np.unique(monitor.died_at(0))) > 2  # not all at once


def test_deaths_in_words(monitored):
    _, monitor, _ = monitored
    died = monitor.died_at(1)
    first = died[died > 0].min()
    assert f"Layer 1: {np.sum(died == first)} of 20 units died in epoch {first}." in monitor.deaths
    text = str(monitor)
    flowing = " ".join(text.split())
    assert all(sentence in flowing for sentence in monitor.deaths + monitor.reports[-1].recommendations)
    assert "lower learning_rate_init, now 0.03 (try 0.003)" in flowing
    assert text.splitlines()[0].split() == ["epoch", "dead", "in", "layer", "0", "dead", "in", "layer", "1"]


def test_units_that_come_back_to_life_have_not_died():
    monitor = NetworkMonitor(X)
    model = ActivationMLPClassifier((4,), bias_init=-1e4, max_iter=1, warm_start=True, random_state=0)
    model.set_callbacks(monitor).fit(X, Y)
    assert monitor.died_at(0).tolist() == [0] * 4
    assert monitor.deaths == ["Layer 0: 4 of 4 units were dead before training."]
    model.intercepts_[0][:2] = 10
    model.fit(X, Y)
    assert monitor.died_at(0).tolist() == [-1, -1, 0, 0]


def test_the_default_rate_is_quiet():
    monitor = NetworkMonitor()
    ActivationMLPClassifier(max_iter=5, random_state=0).set_callbacks(monitor).fit(X, Y)
    assert monitor.reports[-1].recommendations == []
    assert monitor.dead.max() < 0.1
    assert [report.n_rows for report in monitor.reports] == [500] * 6


def test_watching_changes_nothing():
    monitor = NetworkMonitor(X[:50], Y[:50])
    model = ActivationMLPClassifier(**FAST, dropout=0.2).set_callbacks(monitor).fit(X, Y)
    assert_array_equal(model.parameters_, ActivationMLPClassifier(**FAST, dropout=0.2).fit(X, Y).parameters_)
    assert monitor.reports[0].layers[0].gradient_norm > 0


@pytest.mark.parametrize("convert", [sparse.csr_array, np.float32, list])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_every_solver_and_form_of_data(solver, convert):
    monitor = NetworkMonitor(every=2)
    model = ActivationMLPRegressor(hidden_layer_sizes=(5,), solver=solver, max_iter=6, random_state=0)
    model.set_callbacks(monitor).fit(convert(X[:300]), Y[:300])
    assert monitor.epochs == [0, 2, 4, 6]
    assert monitor.reports[-1].n_rows == 300


def test_a_new_fit_begins_anew_and_partial_fit_goes_on():
    monitor = NetworkMonitor(X[:20])
    model = ActivationMLPClassifier(**{**FAST, "max_iter": 2}).set_callbacks(monitor)
    model.fit(X, Y).fit(X, Y)
    assert monitor.epochs == [0, 1, 2]
    model.partial_fit(X, Y).partial_fit(X, Y)
    assert monitor.epochs == [0, 1, 2, 3, 4]
    model.set_params(warm_start=True).fit(X, Y)
    assert monitor.epochs == list(range(7))
    late = NetworkMonitor(X[:20])
    model.set_callbacks(late).partial_fit(X, Y)
    assert late.epochs == [6, 7]


def test_in_a_pipeline_and_a_search():
    monitor = NetworkMonitor()
    network = ActivationMLPClassifier(**FAST).set_callbacks(monitor)
    pipeline = make_pipeline(StdScaler(), network).fit(X, Y)
    assert monitor.epochs[-1] == pipeline[-1].n_iter_
    search = GridSearchCV(network, {"activation": ["relu", "tanh"]}, cv=2).fit(X, Y)
    assert monitor.epochs[-1] == search.best_estimator_.n_iter_


@pytest.mark.parametrize("every", [0, 1.5])
def test_an_interval_is_at_least_one_epoch(every):
    with pytest.raises(ValueError, match=rf"every must be an int in the range \[1, inf\). Got {every}"):
        ActivationMLPClassifier(**FAST).set_callbacks(NetworkMonitor(every=every)).fit(X, Y)


def test_a_frame_keeps_its_names_and_other_processes_their_records():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"pixel {i}" for i in range(64)])
    monitor = NetworkMonitor()
    model = ActivationMLPClassifier(**{**FAST, "max_iter": 2}).set_callbacks(monitor).fit(frame, Y)
    assert monitor.epochs == [0, 1, 2]
    GridSearchCV(model, {"alpha": [0.0, 1.0]}, cv=2, n_jobs=2).fit(frame, Y)
    assert monitor.epochs == [0, 1, 2]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_steps_are_those_of_the_solver_as_it_stands(solver):
    monitor = NetworkMonitor(X, Y)
    model = ActivationMLPClassifier((10,), solver=solver, max_iter=20, random_state=0).set_callbacks(monitor).fit(X, Y)
    after = unit_report(model, X, Y).layers[0].update_ratio
    assert monitor.reports[-1].layers[0].update_ratio == after
    fresh = ActivationMLPClassifier((10,), solver=solver, max_iter=20, random_state=0).fit(X, Y)
    fresh._training_state = None
    assert unit_report(fresh, X, Y).layers[0].update_ratio != after


def test_on_anything_but_a_network_it_is_refused():
    pipeline = make_pipeline(StdScaler(), ActivationMLPClassifier(**FAST))
    with pytest.raises(TypeError, match="must be set on the network itself"):
        pipeline.set_callbacks(NetworkMonitor()).fit(X, Y)


def test_a_frame_has_a_row_per_epoch_and_layer(monitored):
    pytest.importorskip("pandas")
    _, monitor, _ = monitored
    frame = monitor.to_frame()
    assert len(frame) == 2 * len(monitor.epochs)
    assert frame.query("layer == 1")["dead"].tolist() == monitor.dead[:, 1].tolist()
    assert frame["epoch"].tolist() == np.repeat(monitor.epochs, 2).tolist()


def test_before_and_without_anything_to_record(monitored):
    assert str(NetworkMonitor()) == "NetworkMonitor: nothing recorded yet"
    assert NetworkMonitor().deaths == []
    monitor = NetworkMonitor()
    ActivationMLPClassifier((), max_iter=2).set_callbacks(monitor).fit(X, Y)
    assert monitor.deaths == []
    assert "epoch" in str(monitor)
    assert pickle.loads(pickle.dumps(monitored[1])).epochs == monitored[1].epochs
