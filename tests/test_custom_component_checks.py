"""Faults of the user's own activations and losses are named by the check, and by fit."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import ACTIVATIONS, Activation, ActivationMLPClassifier, ActivationMLPRegressor, Maxout, PReLU
from skneural.custom_component_checks import check_activation, check_activations, evaluate_checked
from skneural.inspection import ActivationDisplay, check_gradient, unit_report
from skneural.losses import LOSSES, Loss

X, SPECIES = load_iris(return_X_y=True)


class Right(Activation):
    def forward(self, Z, out=None):
        return np.tanh(Z, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, 1 - A**2, out=out)


class Scaled(Activation):
    """One learned factor per unit."""

    def init_params(self, n_units):
        return np.ones(n_units)

    def forward(self, Z, params, out=None):
        return np.multiply(Z, params, out=out)

    def backward(self, dA, Z, A, params, out=None):
        return np.multiply(dA, params, out=out)

    def params_gradient(self, dA, Z, A, params):
        return np.sum(dA * Z, axis=0)


class OwnMaxout(Maxout):
    """Not the package's own type."""


class OwnPReLU(PReLU):
    """Not the package's own type."""


@pytest.mark.parametrize("n_units", [1, 2, 3, 5])
def test_what_is_right_passes(n_units):
    own = [Right(), Scaled(), OwnMaxout(3), OwnPReLU(), OwnPReLU(shared=True)]
    check_activations([*own, *ACTIVATIONS.values()], [n_units] * (len(own) + len(ACTIVATIONS)))


def test_values_need_not_be_right():
    class Nonsense(Right):
        def backward(self, dA, Z, A, out=None):
            return np.full(Z.shape, 7.0)

    check_activation(Nonsense())  # what check_gradient finds


def broken(base, method, function):
    """Return an object whose class lacks a right method."""
    return type("Broken", (base,), {method: function})()


def add_in_place(self, Z, out=None):
    Z += 1
    return np.tanh(Z)


def write_into_gradient(self, dA, Z, A, out=None):
    dA *= 1 - A**2
    return dA


SHAPE = r"must return an array of shape \(3, 4\)"
ACTIVATION_FAULTS = {
    "nothing returned": (Right, "forward", lambda self, Z, out=None: None, "real numbers. Got None"),
    "strings": (Right, "forward", lambda self, Z, out=None: Z.astype(str), "real numbers. Got an array of <U"),
    "complex": (Right, "forward", lambda self, Z, out=None: Z + 1j, "real numbers. Got an array of complex128"),
    "one unit": (Right, "forward", lambda self, Z, out=None: Z[:, :1], rf"{SHAPE}, .* 4 units. Got shape \(3, 1\)"),
    "transposed": (Right, "forward", lambda self, Z, out=None: Z.T, rf"{SHAPE}, .* Got shape \(4, 3\)"),
    "a sum": (Right, "forward", lambda self, Z, out=None: Z.sum(), rf"{SHAPE}, .* Got shape \(\)"),
    "not finite": (Right, "forward", lambda self, Z, out=None: np.log(Z), "finite numbers for Z .* Got nan"),
    "no out": (Right, "forward", lambda self, Z: Z, r"must have the signature forward\(Z, out=None\): .*'out'"),
    "in place": (Right, "forward", add_in_place, "must not change its arguments"),
    "no gradient": (Right, "backward", lambda self, dA, Z, A, out=None: None, "real numbers. Got None"),
    "a row": (Right, "backward", lambda self, dA, Z, A, out=None: dA.sum(0), rf"{SHAPE}, the shape of Z. .* \(4,\)"),
    "infinite gradient": (
        Right,
        "backward",
        lambda self, dA, Z, A, out=None: dA / 0,
        "finite numbers for Z .* Got inf",
    ),
    "two arguments": (Right, "backward", lambda self, dA, Z: dA, r"signature backward\(dA, Z, A, out=None\): too many"),
    "writes into dA": (Right, "backward", write_into_gradient, "must not change its arguments"),
    "one piece": (OwnMaxout, "backward", lambda self, dA, Z, A, out=None: dA, r"shape \(3, 8\), the shape of Z"),
    "a list": (Scaled, "init_params", lambda self, n: [1.0] * n, r"must return a vector.* Got \[1.0, 1.0, 1.0, 1.0\]"),
    "no number": (
        Scaled,
        "init_params",
        lambda self, n: np.full(n, np.nan),
        r"must return a vector.* Got array\(\[nan",
    ),
    "no pieces": (Right, "n_pieces", 0, r"must be an int in the range \[1, inf\)\. Got 0"),
    "no scheme": (Right, "init_scheme", "henri", "must be 'he', 'glorot' or 'lecun'. Got 'henri'"),
    "a matrix": (Scaled, "init_params", lambda self, n: np.ones((n, 1)), "must return a vector"),
    "no params": (Scaled, "forward", lambda self, Z, out=None: Z, r"signature forward\(Z, params, out=None\)"),
    "gradient of rows": (Scaled, "params_gradient", lambda self, dA, Z, A, params: dA, r"shape \(4,\), .* \(3, 4\)"),
    "no params_gradient": (Scaled, "params_gradient", Activation.params_gradient, r"shape \(4,\), .* shape \(0,\)"),
}


@pytest.mark.parametrize("fault", ACTIVATION_FAULTS)
def test_a_breach_of_the_contract_of_activations_is_named(fault):
    base, method, function, message = ACTIVATION_FAULTS[fault]
    with pytest.raises((TypeError, ValueError), match=rf"(?s)^Broken\(.*\).{method} .*{message}"):
        check_activation(broken(base, method, function))


@pytest.mark.parametrize("missing", ["forward", "backward"])
def test_what_an_activation_does_not_define_is_named(missing):
    members = {name: vars(Right)[name] for name in ("forward", "backward") if name != missing}
    with pytest.raises(TypeError, match=r"The activation Broken\(\) must define forward\(Z, out=None\) and backward"):
        check_activation(type("Broken", (Activation,), members)())


@pytest.mark.parametrize("fault", ["transposed", "not finite", "no gradient"])
def test_fit_checks_activations(fault):
    base, method, function, _ = ACTIVATION_FAULTS[fault]
    model = ActivationMLPClassifier((4,), broken(base, method, function))
    with pytest.raises((TypeError, ValueError), match=rf"^Broken\(\)\.{method} must return"):
        model.fit(X, SPECIES)
    assert not hasattr(model, "parameters_")


def test_an_error_in_the_users_code_is_the_users():
    def fail(self, Z, out=None):
        raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        check_activation(broken(Right, "forward", fail))


def test_a_transposed_array_is_found_at_any_width():
    for n_units in range(1, 6):
        with pytest.raises(ValueError, match="must return an array of shape"):
            check_activation(broken(Right, "forward", lambda self, Z, out=None: Z.T), n_units)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # a small network on unscaled features
def test_the_tools_of_inspection_check():
    faulty = broken(Right, "backward", lambda self, dA, Z, A, out=None: dA.sum())
    message = r"Broken\(\).backward must return an array of shape .*, the shape of Z. Got shape \(\)"
    with pytest.raises(ValueError, match=message):
        check_gradient(ActivationMLPClassifier((5,), faulty), X, SPECIES)
    with pytest.raises(ValueError, match=message):
        ActivationDisplay.from_activation(faulty)
    fitted = ActivationMLPClassifier((5,), Right(), tol=0.1, learning_rate_init=0.1, random_state=0).fit(X, SPECIES)
    fitted.activations_[0].__class__ = type(faulty)  # as when the class is edited after the fit
    for y in (None, SPECIES):
        with pytest.raises(ValueError, match=message):
            unit_report(fitted, X, y)


F, Y = np.linspace(-1, 1, 6).reshape(3, 2), np.ones((3, 2))


class RightLoss(Loss):
    inverse_link = "identity"

    def evaluate(self, F, Y, out=None):
        return ((F - Y) ** 2).sum(axis=1) / 2, F - Y

    def predict(self, F):
        return F


def broken_loss(method, function):
    """Return an object whose class lacks a right method."""
    return type("Broken", (RightLoss,), {method: function})()


def returning(change):
    return lambda self, F, Y, out=None: change(*RightLoss().evaluate(F, Y))


def nan_in_row_1(array):
    array = array.copy()
    array[1] = np.nan
    return array


def test_results_of_a_right_loss_pass_unchanged():
    for got, expected in zip(evaluate_checked(RightLoss(), F, Y), RightLoss().evaluate(F, Y), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_of_the_package_pass(name):
    targets = np.array([0, 1, 1]) if name == "softmax_cross_entropy" else Y
    evaluate_checked(LOSSES[name], F, targets, out=np.empty_like(F))


LOSS_FAULTS = {
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


@pytest.mark.parametrize("fault", LOSS_FAULTS)
def test_a_breach_of_the_contract_of_losses_is_named(fault):
    method, function, message = LOSS_FAULTS[fault]
    with pytest.raises((TypeError, ValueError), match=rf"(?s)^Broken\(\)\.{method} .*{message}"):
        evaluate_checked(broken_loss(method, function), F, Y)


def test_nan_of_an_output_that_is_none_is_divergence():
    evaluate_checked(RightLoss(), np.full((3, 2), np.nan), Y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("fault", ["a column", "a loss of NaN", "a vector"])
def test_fit_checks_losses(fault, solver):
    method, function, _ = LOSS_FAULTS[fault]
    model = ActivationMLPRegressor(broken_loss(method, function), (3,), solver=solver, max_iter=2)
    with pytest.raises(ValueError, match=rf"^Broken\(\)\.{method} must return"):
        model.fit(X, SPECIES)
    assert not hasattr(model, "parameters_")


@pytest.mark.parametrize("missing", ["evaluate", "predict", "inverse_link"])
def test_what_a_loss_does_not_define_is_named(missing):
    members = {name: vars(RightLoss)[name] for name in ("evaluate", "predict", "inverse_link") if name != missing}
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
    model = ActivationMLPRegressor(
        broken_loss("evaluate", returning(change)), (3,), max_iter=3, dtype=dtype, random_state=0
    )
    assert model.fit(X, SPECIES, sample_weight).parameters_.dtype == dtype
