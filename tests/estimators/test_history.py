"""The history: columns of equal length, of a bounded number of epochs."""

import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skneural import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.estimators import history
from skneural.estimators.history import (
    MAX_EARLIER_EPOCHS,
    append_epoch,
    best_scored_epoch,
    copy_recent,
    new_history,
    with_unknown_seconds,
    without_seconds,
)
from skneural.solvers import Epoch

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = np.eye(3), np.arange(3)
SMALL = {"hidden_layer_sizes": (2,), "random_state": 0}


def history_of(*epochs):
    columns = new_history()
    for epoch in epochs:
        append_epoch(columns, epoch)
    return columns


def test_columns_without_values_are_empty_and_gaps_are_nan():
    columns = history_of(Epoch(1, 3.0, 0.1), Epoch(2, 2.0, 0.1, score=0.5), Epoch(3, 1.0, 0.1))
    assert columns["loss"] == [3.0, 2.0, 1.0]
    assert columns["validation_loss"] == []
    assert_array_equal(columns["validation_score"], [math.nan, 0.5, math.nan])


def test_a_copy_has_the_last_epochs_and_is_independent():
    columns = history_of(*(Epoch(i, float(i), 0.1, score=1.0 if i > 5 else None) for i in range(1200)))
    recent = copy_recent(columns)
    assert {len(column) for column in recent.values() if column} == {MAX_EARLIER_EPOCHS}
    assert recent["loss"][-1] == 1199.0
    append_epoch(recent, Epoch(1200, 0.0, 0.1))
    assert len(columns["loss"]) == 1200


def test_seconds_are_left_out_and_unknown_afterwards():
    columns = history_of(Epoch(1, 3.0, 0.1), Epoch(2, 2.0, 0.1))
    saved = without_seconds(columns)
    assert saved.keys() == columns.keys() - {"seconds"}
    assert_array_equal(with_unknown_seconds(saved)["seconds"], [math.nan, math.nan])
    assert list(with_unknown_seconds(saved)) == list(columns)


def test_one_fit_is_whole_however_long():
    model = ActivationMLPRegressor(**SMALL, max_iter=2500, n_iter_no_change=np.inf, warm_start=True).fit(X, Y)
    assert len(model.loss_curve_) == model.n_iter_ == 2500
    model.set_params(max_iter=10).fit(X, Y)
    assert len(model.loss_curve_) == MAX_EARLIER_EPOCHS + 10
    assert (model.n_iter_, model.t_) == (10, 2510 * 3)


def test_a_stream_counts_on_while_its_history_and_its_file_stay_short(monkeypatch):
    monkeypatch.setattr(history, "MAX_EARLIER_EPOCHS", 10)
    model, sizes = ActivationMLPClassifier(**SMALL), []
    for _ in range(100):
        sizes.append(len(pickle.dumps(model.partial_fit(X, Y, classes=Y))))
    assert (model.n_iter_, model.t_) == (100, 300)
    assert {len(column) for column in model.history_.values() if column} == {11}
    assert sizes[-1] < sizes[11] + 20 < sizes[5] + 400
    twin = pickle.loads(pickle.dumps(model)).partial_fit(X, Y)
    assert twin.n_iter_ == model.n_iter_ + 1


def test_schedules_go_on_where_the_history_has_been_cut(monkeypatch):
    monkeypatch.setattr(history, "MAX_EARLIER_EPOCHS", 10)
    settings = {**SMALL, "learning_rate": "cosine", "max_iter": 50, "n_iter_no_change": np.inf}
    model, whole = ActivationMLPRegressor(**settings), ActivationMLPRegressor(**settings).fit(X, Y)
    for _ in range(50):
        model.partial_fit(X, Y)
    assert_array_equal(model.parameters_, whole.parameters_)
    assert model.loss_curve_ == whole.loss_curve_[-11:]


@pytest.mark.parametrize(
    ("scores", "best"),
    [([0.1, 0.3, 0.3], 2), ([np.nan, -np.inf, -1.0], 3), ([-np.inf, -np.inf], None), ([np.nan], None)],
)
def test_the_best_epoch_has_a_score_above_minus_infinity(scores, best):
    assert best_scored_epoch({"validation_score": scores}) == best
