"""An application that lets NumPy raise FloatingPointError: every method answers, and the setting is back afterwards."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, DivergenceError, tabular_classifier
from skneural.activations import ACTIVATIONS, Activation
from skneural.float_errors import default_float_errors
from skneural.solvers import SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
LABELS = np.column_stack([Y == 0, Y > 0, X[:, 0] > 0]).astype(int)
SMALL = {"hidden_layer_sizes": (6, 5), "max_iter": 5, "random_state": 0}
RAISING = dict.fromkeys(("divide", "over", "under", "invalid"), "raise")
METHODS = ["predict", "predict_proba", "predict_log_proba", "transform"]


@pytest.fixture
def raising():
    with np.errstate(all="raise"):
        yield
        assert np.geterr() == RAISING


def all_answers(model, rows, y):
    assert isinstance(model.score(rows, y), float)
    assert isinstance(model.score(rows, y, np.full(len(y), 1e-300)), float)
    for name in METHODS:
        if hasattr(model, name):
            assert np.isfinite(getattr(model, name)(rows)).all()
            assert np.geterr() == RAISING


def test_only_exceptions_are_replaced(raising):
    with default_float_errors():
        assert np.geterr() == {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    with np.errstate(all="ignore"), default_float_errors():
        assert np.geterr() == dict.fromkeys(RAISING, "ignore")
    with pytest.raises(ZeroDivisionError), default_float_errors():
        raise ZeroDivisionError


@pytest.mark.parametrize("y", [Y, Y == 1, LABELS], ids=["three classes", "two classes", "labels"])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, np.float32])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_classifier(raising, y, convert, solver):
    settings = {**SMALL, "solver": solver, "early_stopping": True, "batch_norm": True}
    model = ActivationMLPClassifier(**settings).fit(convert(X), y, np.linspace(0, 1e-300, 150))
    model.coefs_ = [300 * W for W in model.coefs_]  # probabilities that underflow
    all_answers(model, convert(X), y)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e100])
def test_a_regressor(raising, loss, scale):
    model = ActivationMLPRegressor(loss, **SMALL, clip_norm=1.0, dropout=0.2)
    try:
        model.fit(X, Y * scale)
    except DivergenceError:
        assert scale == 1e100
    all_answers(model, X, Y)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ["logistic", "gelu", "maxout"])
def test_partial_fit(raising, solver, activation):
    model = ActivationMLPClassifier(**SMALL, solver=solver, activation=activation, early_stopping=True)
    for _ in range(3):
        model.partial_fit(X, Y, classes=[0, 1, 2, 3], X_val=X[::5], y_val=Y[::5])
    all_answers(model, X, Y)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_enormous_and_tiny_rows(raising, activation):
    model = ActivationMLPClassifier(**SMALL, activation=activation).fit(X, Y)
    with np.errstate(under="ignore"):
        different = [1e-310 * X, 1e-160 * X, 1e3 * X]
    for rows in different:
        all_answers(model, rows, Y)


class Exponential(Activation):
    """A user's own activation that overflows if it may."""

    def forward(self, Z, out=None):
        return np.exp(np.minimum(Z, 1.0), out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, A * (Z < 1), out=out)


def test_a_users_own_activation(raising):
    all_answers(ActivationMLPClassifier(**SMALL, activation=Exponential()).fit(1e3 * X, Y), 1e3 * X, Y)


def test_weights_can_be_set(raising):
    model = ActivationMLPClassifier(**SMALL, dtype="float32").fit(X, Y)
    model.coefs_ = [np.full(W.shape, 1e-300) for W in model.coefs_]
    assert not model.coefs_[0].any()


def test_divergence_is_the_error_that_it_always_is(raising):
    model = ActivationMLPRegressor(**SMALL, solver="sgd", learning_rate_init=1e200)
    with pytest.raises(DivergenceError):
        model.fit(X, Y)
    with pytest.raises(ValueError, match="output for row 0 of X is not a finite"):
        ActivationMLPClassifier(**SMALL, activation="identity").fit(X, Y).predict(np.full_like(X, 1e308))


def test_a_model_for_tables(raising):
    model = tabular_classifier(max_iter=2, hidden_layer_sizes=5, random_state=0).fit(X, Y)
    assert np.isfinite(model.predict_proba(X)).all()
