"""What ``verbose`` prints."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, DivergenceError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
HEADER = ["Iteration", "loss", "validation", "learning", "rate", "seconds"]


def lines_of(capsys, verbose=True, **params):
    model = ActivationMLPClassifier(hidden_layer_sizes=(4,), max_iter=5, random_state=0, verbose=verbose, **params)
    model.fit(X, Y)
    header, *lines, end = capsys.readouterr().out.splitlines()
    assert header.split() == HEADER
    assert end == f"Training ended after {model.n_iter_} epochs: {model.stopped_by_}"
    assert len({len(line) for line in [header, *lines]}) == 1
    return model, [line.split() for line in lines]


@pytest.mark.parametrize("verbose", [True, 1, 10])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_line_per_epoch(capsys, solver, verbose):
    model, lines = lines_of(capsys, verbose, solver=solver)
    assert [int(line[0]) for line in lines] == [1, 2, 3, 4, 5]
    assert [float(line[1]) for line in lines] == pytest.approx(model.loss_curve_, abs=1e-6)
    assert {line[2] for line in lines} == {"-"}
    assert {line[3] for line in lines} == {"-" if solver == "lbfgs" else "0.001"}
    assert all(0 <= float(line[4]) < 100 for line in lines)


def test_validation_scores_and_rates(capsys):
    model, lines = lines_of(capsys, early_stopping=True, learning_rate="invscaling", power_t=0.1, solver="sgd")
    assert [float(line[2]) for line in lines] == pytest.approx(model.validation_scores_, abs=1e-6)
    rates = [0.001 / (135 * epoch + 1) ** 0.1 for epoch in range(5)]
    assert [float(line[3]) for line in lines] == pytest.approx(rates, rel=1e-2)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_last_line_says_why_an_error_ended_training(capsys, solver):
    params = {"solver": solver, "learning_rate_init": 1e200, "verbose": True}
    with pytest.raises(DivergenceError):
        ActivationMLPRegressor(**params, random_state=0).fit(X * 1e305, Y)
    assert capsys.readouterr().out.splitlines()[-1].endswith("epochs: diverged")


def test_partial_fit_has_no_end(capsys):
    model = ActivationMLPRegressor(verbose=True, tol=1e9, n_iter_no_change=1, random_state=0)
    reasons = {model.partial_fit(X, Y).stopped_by_ for _ in range(4)}
    assert reasons == {"max_iter", "tol"}
    assert "ended" not in capsys.readouterr().out


@pytest.mark.parametrize("verbose", [False, 0])
def test_silence(capsys, verbose):
    ActivationMLPRegressor(max_iter=3, random_state=0, verbose=verbose).fit(X, Y)
    assert capsys.readouterr() == ("", "")


def test_partial_fit_counts_on(capsys):
    model = ActivationMLPRegressor(verbose=True, random_state=0)
    for _ in range(3):
        model.partial_fit(X, Y)
    numbers = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert [number for number in numbers if number != "Iteration"] == ["1", "2", "3"]


def test_printing_changes_nothing(capsys):
    silent = ActivationMLPClassifier(max_iter=5, random_state=0).fit(X, Y)
    loud = ActivationMLPClassifier(max_iter=5, random_state=0, verbose=True).fit(X, Y)
    np.testing.assert_array_equal(silent.parameters_, loud.parameters_)
    assert capsys.readouterr().out
