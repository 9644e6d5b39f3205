from math import nan

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier
from skneural.inspection import LossCurveDisplay

X, y = load_iris(return_X_y=True)


def fitted(**settings):
    settings = {"learning_rate_init": 0.1, "n_iter_no_change": 3, "random_state": 0, **settings}
    return ActivationMLPClassifier((8,), **settings)


def curves(display):
    return {line.get_label(): line for line in display.ax_.get_lines()}


def test_training_loss_by_epoch():
    model = fitted().fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.training, model.loss_curve_)
    assert display.validation is None
    assert display.best_epoch is None
    line = curves(display)["training"]
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, model.n_iter_ + 1))
    np.testing.assert_array_equal(line.get_ydata(), model.loss_curve_)


def test_validation_rows_give_a_second_curve():
    model = fitted().fit(X, y, X_val=X[::3], y_val=y[::3])
    display = LossCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(curves(display)["validation"].get_ydata(), model.validation_loss_curve_)
    assert display.best_epoch is None  # the last weights were kept


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_the_epoch_whose_weights_early_stopping_kept(scoring):
    model = fitted(early_stopping=True, scoring=scoring).fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    assert model.validation_scores_[display.best_epoch - 1] == max(model.validation_scores_)
    dot = curves(display)[f"best epoch, {display.best_epoch}"]
    assert dot.get_xydata().tolist() == [[display.best_epoch, display.validation[display.best_epoch - 1]]]


def test_the_epoch_from_which_training_went_on():
    model = fitted(early_stopping="continue").fit(X, y)
    display = LossCurveDisplay.from_estimator(model)
    assert model.n_iter_ == display.best_epoch + np.ceil(display.best_epoch / 2)
    assert f"best epoch, {display.best_epoch}" in curves(display)
    assert np.isnan(display.validation[display.best_epoch :]).all()


def test_several_networks_share_a_figure():
    first = LossCurveDisplay.from_estimator(fitted().fit(X, y), name="relu")
    second = LossCurveDisplay.from_estimator(fitted(activation="tanh").fit(X, y), name="tanh", ax=first.ax_)
    assert second.figure_ is first.figure_
    lines = curves(second)
    assert list(lines) == ["relu: training", "tanh: training"]
    assert lines["relu: training"].get_color() != lines["tanh: training"].get_color()


def test_an_axis_that_has_a_scale_of_its_own_keeps_it():
    _, ax = plt.subplots()
    ax.set_xscale("log")
    assert LossCurveDisplay.from_estimator(fitted().fit(X, y), ax=ax).ax_.get_xscale() == "log"


def test_one_epoch_is_a_dot():
    display = LossCurveDisplay.from_estimator(fitted().partial_fit(X, y, classes=[0, 1, 2]))
    assert curves(display)["training"].get_marker() == "o"


def test_curves_of_lbfgs():
    display = LossCurveDisplay.from_estimator(fitted(solver="lbfgs", tol=1e-2).fit(X, y))
    assert len(display.training) > 1


def test_epochs_without_validation_rows_leave_a_gap():
    model = fitted(early_stopping=True).fit(X, y)
    n_known = len(model.validation_scores_)
    model.history_ = {  # as after a first fit of two epochs without validation rows, and one epoch after the second
        name: [1.0 if name == "loss" else nan] * 2 + column + [0.5 if name == "loss" else nan]
        for name, column in model.history_.items()
    }
    display = LossCurveDisplay.from_estimator(model)
    drawn = curves(display)
    assert len(drawn["training"].get_ydata()) == len(drawn["validation"].get_ydata()) == n_known + 3
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(drawn["validation"].get_ydata())), np.arange(n_known) + 2)
    assert model.validation_scores_[display.best_epoch - 1] == model.best_validation_score_
    dot = drawn[f"best epoch, {display.best_epoch}"]
    assert dot.get_xydata().tolist() == [[display.best_epoch, display.validation[display.best_epoch - 1]]]


def test_no_epoch_is_the_best_where_no_score_is_known():
    model = fitted(early_stopping=True).fit(X, y)
    model.history_ = {**model.history_, "validation_score": [nan] * model.n_iter_}
    assert LossCurveDisplay.from_estimator(model).best_epoch is None


@pytest.mark.parametrize(
    ("validation", "dots"),
    [([nan, 3, nan, 2, 1, nan], [1]), ([3, nan, 2, 1, nan, 0], [0, 5]), ([3, 2, nan, 1, 0, 0], None)],
)
def test_a_value_between_gaps_is_a_dot(validation, dots):
    line = curves(LossCurveDisplay(np.ones(6), np.array(validation, dtype=float)).plot())["validation"]
    assert line.get_markevery() == dots
    assert line.get_marker() == ("None" if dots is None else "o")
    line.figure.canvas.draw()
