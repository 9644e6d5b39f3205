"""The contract of a loss: each breach is an error that names the method, what came, and what was expected."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import ActivationMLPRegressor
from skneural.loss_check import evaluate_checked
from skneural.losses import LOSSES, Loss

X, SPECIES = load_iris(return_X_y=True)
F, Y = np.linspace(-1, 1, 6).reshape(3, 2), np.ones((3, 2))


class Right(Loss):
    inverse_link = "identity"

    def evaluate(self, F, Y, out=None):
        return ((F - Y) ** 2).sum(axis=1) / 2, F - Y

    def predict(self, F):
        return F


def broken(method, function):
    """Return an object whose class lacks a right method."""
    return type("Broken", (Right,), {method: function})()


def returning(change):
    return lambda self, F, Y, out=None: change(*Right().evaluate(F, Y))


def nan_in_row_1(array):
    array = array.copy()
    array[1] = np.nan
    return array


def test_what_is_right_passes_unchanged():
    for got, expected in zip(evaluate_checked(Right(), F, Y), Right().evaluate(F, Y), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_of_the_package_pass(name):
    targets = np.array([0, 1, 1]) if name == "softmax_cross_entropy" else Y
    evaluate_checked(LOSSES[name], F, targets, out=np.empty_like(F))


FAULTS = {
    "nothing": ("evaluate", returning(lambda losses, dF: None), "must return two arrays: .* Got None"),
    "losses only": ("evaluate", returning(lambda losses, dF: losses), r"must return two arrays: .* Got array\("),
    "their mean": (
        "evaluate",
        returning(lambda losses, dF: (losses.mean(), dF)),
        "one loss per row, .* Got .*1.46",
    ),
    "a list": ("evaluate", returning(lambda losses, dF: (losses.tolist(), dF)), r"one loss per row, .* Got \["),
    "a column": (
        "evaluate",
        returning(lambda losses, dF: (losses[:, None], dF)),
        r"of shape \(3,\)\. Got shape \(3, 1\)",
    ),
    "one output": (
        "evaluate",
        returning(lambda losses, dF: (losses, dF[:, 0])),
        r"in F, of shape \(3, 2\)\. Got shape \(3,\)",
    ),
    "complex": (
        "evaluate",
        returning(lambda losses, dF: (losses, dF * 1j)),
        "the gradient in F, .* array of complex128",
    ),
    "strings": ("evaluate", returning(lambda losses, dF: (losses.astype(str), dF)), "one loss per row, .* array of <U"),
    "a loss of NaN": (
        "evaluate",
        returning(lambda losses, dF: (nan_in_row_1(losses), dF)),
        r"numbers for finite F\. Got loss nan and gradient .* in row 1 of the first rows of training",
    ),
    "a gradient of NaN": (
        "evaluate",
        returning(lambda losses, dF: (losses, nan_in_row_1(dF))),
        r"gradient \[nan nan\] for F = \[-0.2  0.2\] and Y = \[1. 1.\], in row 1",
    ),
    "no out": ("evaluate", lambda self, F, Y: (F, F), r"must have the signature evaluate\(F, Y, out=None\): .*'out'"),
    "no prediction": ("predict", lambda self, F: None, "a prediction for each output, .* Got None"),
    "a vector": ("predict", lambda self, F: F[:, 0], r"of shape \(3, 2\)\. Got shape \(3,\)"),
    "fewer rows": ("predict", lambda self, F: F[1:], r"of shape \(3, 2\)\. Got shape \(2, 2\)"),
    "a prediction of NaN": (
        "predict",
        lambda self, F: nan_in_row_1(F),
        r"numbers for finite F\. Got \[nan nan\] for F",
    ),
    "a second argument": ("predict", lambda self, F, Y: F, r"must have the signature predict\(F\): missing a .*'Y'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_breach_of_the_contract_is_named(fault):
    method, function, message = FAULTS[fault]
    with pytest.raises((TypeError, ValueError), match=rf"(?s)^Broken\(\)\.{method} .*{message}"):
        evaluate_checked(broken(method, function), F, Y)


def test_nan_of_an_output_that_is_none_is_divergence():
    evaluate_checked(Right(), np.full((3, 2), np.nan), Y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("fault", ["a column", "a loss of NaN", "a vector"])
def test_fit_checks(fault, solver):
    method, function, _ = FAULTS[fault]
    model = ActivationMLPRegressor(broken(method, function), (3,), solver=solver, max_iter=2)
    with pytest.raises(ValueError, match=rf"^Broken\(\)\.{method} must return"):
        model.fit(X, SPECIES)
    assert not hasattr(model, "parameters_")


@pytest.mark.parametrize("missing", ["evaluate", "predict", "inverse_link"])
def test_what_is_not_defined_is_named(missing):
    members = {name: vars(Right)[name] for name in ("evaluate", "predict", "inverse_link") if name != missing}
    loss = type("Broken", (Loss,), members)()
    with pytest.raises(
        TypeError, match=r"The loss Broken\(\) must define evaluate\(F, Y, out=None\), predict\(F\) and inv"
    ):
        ActivationMLPRegressor(loss).fit(X, SPECIES)


@pytest.mark.parametrize(
    "change",
    [
        lambda losses, dF: (losses, dF.astype(np.float32)),
        lambda losses, dF: (losses, np.broadcast_to(1.0, dF.shape)),  # which cannot be written to
        lambda losses, dF: (losses, np.sign(dF).astype(int)),
    ],
    ids=["float32", "read-only", "integers"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sample_weight", [None, np.linspace(0.5, 1, len(X))], ids=["plain", "weighted"])
def test_a_gradient_of_another_type_serves(change, dtype, sample_weight):
    model = ActivationMLPRegressor(broken("evaluate", returning(change)), (3,), max_iter=3, dtype=dtype, random_state=0)
    assert model.fit(X, SPECIES, sample_weight).parameters_.dtype == dtype
