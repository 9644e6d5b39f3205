"""The contract of an activation: each breach is an error that names the method, what came, and what was expected."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import ACTIVATIONS, Activation, ActivationMLPClassifier, Maxout, PReLU
from skneural.activation_check import check_activation, check_activations
from skneural.inspection import ActivationDisplay, check_gradient, unit_report

X, Y = load_iris(return_X_y=True)


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
FAULTS = {
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


@pytest.mark.parametrize("fault", FAULTS)
def test_a_breach_of_the_contract_is_named(fault):
    base, method, function, message = FAULTS[fault]
    with pytest.raises((TypeError, ValueError), match=rf"(?s)^Broken\(.*\).{method} .*{message}"):
        check_activation(broken(base, method, function))


@pytest.mark.parametrize("missing", ["forward", "backward"])
def test_what_is_not_defined_is_named(missing):
    members = {name: vars(Right)[name] for name in ("forward", "backward") if name != missing}
    with pytest.raises(TypeError, match=r"The activation Broken\(\) must define forward\(Z, out=None\) and backward"):
        check_activation(type("Broken", (Activation,), members)())


@pytest.mark.parametrize("fault", ["transposed", "not finite", "no gradient"])
def test_fit_checks(fault):
    base, method, function, _ = FAULTS[fault]
    model = ActivationMLPClassifier((4,), broken(base, method, function))
    with pytest.raises((TypeError, ValueError), match=rf"^Broken\(\)\.{method} must return"):
        model.fit(X, Y)
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


def test_the_tools_of_inspection_check():
    faulty = broken(Right, "backward", lambda self, dA, Z, A, out=None: dA.sum())
    message = r"Broken\(\).backward must return an array of shape .*, the shape of Z. Got shape \(\)"
    with pytest.raises(ValueError, match=message):
        check_gradient(ActivationMLPClassifier((5,), faulty), X, Y)
    with pytest.raises(ValueError, match=message):
        ActivationDisplay.from_activation(faulty)
    fitted = ActivationMLPClassifier((5,), Right(), tol=0.1, random_state=0).fit(X, Y)
    fitted.activations_[0].__class__ = type(faulty)  # as when the class is edited after the fit
    for y in (None, Y):
        with pytest.raises(ValueError, match=message):
            unit_report(fitted, X, y)
