"""From parameters to parts: training gives what scikit-learn's MLP gives, and each part does its work."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skneural import ACTIVATIONS, ActivationMLPClassifier, ActivationMLPRegressor, LeakyReLU
from skneural.activations import Activation
from skneural.initializers import Normal, Orthogonal
from skneural.solvers.schedules import Cosine, InverseScaling

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_IRIS = (X_IRIS - X_IRIS.mean(axis=0)) / X_IRIS.std(axis=0)
X_LABELS, Y_LABELS = make_multilabel_classification(n_samples=90, n_features=6, n_classes=3, random_state=0)
X_LABELS = (X_LABELS - X_LABELS.mean(axis=0)) / X_LABELS.std(axis=0)
X_REG, Y_REG = make_regression(n_samples=80, n_features=5, n_targets=2, random_state=0)
Y_REG /= 100
COUNTS = np.random.RandomState(0).poisson(np.exp(X_REG[:, 0]))

CLASSES = (MLPClassifier, ActivationMLPClassifier)
TARGETS = (MLPRegressor, ActivationMLPRegressor)
PROBLEMS = {
    "binary": (*CLASSES, {}, X_IRIS[:100], Y_IRIS[:100]),
    "multiclass": (*CLASSES, {}, X_IRIS, Y_IRIS),
    "multilabel": (*CLASSES, {}, X_LABELS, Y_LABELS),
    "regression": (*TARGETS, {}, X_REG, Y_REG[:, 0]),
    "multi-output": (*TARGETS, {}, X_REG, Y_REG),
    "poisson": (*TARGETS, {"loss": "poisson"}, X_REG, COUNTS),
}
SOLVERS = {
    "plain sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.02},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate_init": 0.01},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.01},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3, "learning_rate_init": 0.05},
    "adam": {"solver": "adam", "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6, "learning_rate_init": 0.01},
}


def with_equal_weights(problem, **params):
    """Return scikit-learn's estimator and ours, fitted for one epoch, ours then with scikit-learn's weights."""
    Theirs, Ours, more, X, y = PROBLEMS[problem]
    params = {"hidden_layer_sizes": (7, 5), "max_iter": 1, "random_state": 3, **more, **params}
    own = {"normalize_y": False} if Theirs is MLPRegressor else {}
    theirs, ours = Theirs(**params).fit(X, y), Ours(**params, **own).fit(X, y)
    ours.coefs_, ours.intercepts_ = theirs.coefs_, theirs.intercepts_
    return theirs, ours, X, y


def outputs(estimator, X):
    methods = ["predict", "predict_proba", "predict_log_proba"]
    return [np.asarray(getattr(estimator, name)(X)) for name in methods if hasattr(estimator, name)]


@pytest.mark.parametrize("problem", ["regression", "multi-output"])
def test_equal_weights_predict_the_standardized_target(problem):
    Theirs, Ours, _, X, y = PROBLEMS[problem]
    theirs, ours = Theirs(max_iter=1).fit(X, y), Ours(max_iter=1).fit(X, y)
    theirs.coefs_, theirs.intercepts_ = ours.coefs_, ours.intercepts_
    assert_allclose(ours.predict(X), ours.target_mean_ + ours.target_scale_ * theirs.predict(X), rtol=1e-10)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_equal_weights_give_equal_predictions(problem, activation):
    theirs, ours, X, y = with_equal_weights(problem, activation=activation)
    for expected, got in zip(outputs(theirs, X), outputs(ours, X), strict=True):
        assert got.shape == expected.shape
        assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-12)
    assert ours.out_activation_ == theirs.out_activation_
    assert (ours.n_layers_, ours.n_outputs_) == (theirs.n_layers_, theirs.n_outputs_)


def resume_both(theirs, ours, X, y, sample_weight=None, **params):
    """Let both train anew from the weights that they have, ours with the alpha that means the same."""
    theirs.t_ = 0
    theirs.set_params(warm_start=True, shuffle=False, tol=0.0, n_iter_no_change=10_000, **params)
    theirs.fit(X, y, sample_weight)
    total = len(X) if sample_weight is None else np.sum(sample_weight)
    # A new estimator, because ours would go on with its solver's state.
    fresh = (
        clone(ours).set_params(**theirs.get_params()).set_params(alpha=theirs.alpha / total, max_iter=1, solver="lbfgs")
    )
    fresh.fit(X, y)
    fresh.coefs_, fresh.intercepts_ = ours.coefs_, ours.intercepts_
    return theirs, fresh.set_params(max_iter=theirs.max_iter, solver=theirs.solver).fit(X, y, sample_weight)


@pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning")  # of few units, by chance
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel", "multi-output", "poisson"])
def test_equal_weights_are_trained_equally(problem, solver, activation):
    theirs, ours, X, y = with_equal_weights(problem, activation=activation, alpha=0.5)
    before = ours.parameters_.copy()
    theirs, ours = resume_both(theirs, ours, X, y, max_iter=12, batch_size=len(X), **SOLVERS[solver])
    for expected, got in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        assert_allclose(got, expected, rtol=1e-10, atol=1e-11)
    assert np.abs(ours.parameters_ - before).max() > 1e-2


@pytest.mark.parametrize("solver", SOLVERS)
def test_mini_batches_are_trained_equally_without_a_penalty(solver):
    theirs, ours, X, y = with_equal_weights("multiclass", alpha=0.0)
    theirs, ours = resume_both(theirs, ours, X, y, max_iter=5, batch_size=40, **SOLVERS[solver])
    for expected, got in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        assert_allclose(got, expected, rtol=1e-10, atol=1e-11)
    assert_allclose(ours.loss_curve_[-5:], theirs.loss_curve_[-5:], rtol=1e-10)


def test_sample_weights_are_trained_equally():
    theirs, ours, X, y = with_equal_weights("multiclass", alpha=0.5)
    weights = np.random.RandomState(0).randint(0, 4, len(X)).astype(float)
    theirs, ours = resume_both(theirs, ours, X, y, weights, max_iter=8, batch_size=len(X), **SOLVERS["adam"])
    for expected, got in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        assert_allclose(got, expected, rtol=1e-10, atol=1e-11)


# Not multi-output: there MLPRegressor's loss is the mean over the outputs, its gradient that of their sum.
@pytest.mark.parametrize("problem", ["binary", "multiclass", "multilabel", "regression", "poisson"])
def test_lbfgs_is_trained_equally(problem):
    theirs, ours, X, y = with_equal_weights(problem, activation="tanh", alpha=1.0)
    theirs, ours = resume_both(theirs, ours, X, y, max_iter=15, solver="lbfgs")
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-4)


def fitted(**params):
    params = {"hidden_layer_sizes": (6, 4), "max_iter": 15, "random_state": 0, **params}
    return ActivationMLPClassifier(**params).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_name_and_object_mean_the_same(activation):
    by_name, by_object = fitted(activation=activation), fitted(activation=ACTIVATIONS[activation])
    assert_array_equal(by_name.parameters_, by_object.parameters_)
    assert by_name.loss_curve_[-1] < by_name.loss_curve_[0]


def test_training_leaves_the_callers_activation_alone():
    activation = LeakyReLU(0.2)
    model = fitted(activation=activation)
    assert model.activation is activation
    assert model.activations_[0] is not activation
    model.set_params(activation__negative_slope=0.3)
    assert model.activations_[0].negative_slope == 0.2


def test_prelu_learns_its_slopes_and_they_are_not_penalised():
    model = fitted(activation="prelu", alpha=0.0, max_iter=50)
    assert [slopes.shape for slopes in model.slopes_] == [(6,), (4,)]
    assert all((np.abs(slopes - 0.25) > 1e-3).any() for slopes in model.slopes_)
    strong = fitted(activation="prelu", alpha=100.0, max_iter=200, solver="sgd", learning_rate_init=1e-3, tol=0)
    assert np.abs(strong.coefs_[0]).max() < 0.01
    assert_allclose(np.concatenate(strong.slopes_), 0.25, atol=0.02)


class Cube(Activation):
    def forward(self, Z, out=None):
        return Z**3

    def backward(self, dA, Z, A, out=None):
        return dA * 3 * Z**2


def test_a_users_own_activation():
    model = fitted(activation=Cube(), learning_rate_init=0.01, max_iter=100)
    assert model.score(X_IRIS, Y_IRIS) > 0.9


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "schedule_free_adamw", "rmsprop", "adagrad", "lbfgs"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_solver_lowers_the_loss(solver, dtype):
    model = fitted(solver=solver, learning_rate_init=0.01, max_iter=40, dtype=dtype)
    assert model.loss_curve_[-1] < 0.8 * model.loss_curve_[0]
    assert model.loss_ == model.loss_curve_[-1]
    assert model.score(X_IRIS, Y_IRIS) > 0.6
    assert model.n_iter_ == len(model.loss_curve_)


SCHEDULES = ["constant", "invscaling", "adaptive", "cosine", "one_cycle"]


@pytest.mark.parametrize("solver", ["sgd", "adam", "adamw", "schedule_free_adamw", "rmsprop", "adagrad"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_with_every_stochastic_solver(solver, schedule):
    model = fitted(solver=solver, learning_rate=schedule, learning_rate_init=0.05, max_iter=30, power_t=0.1)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    constant = fitted(solver=solver, learning_rate_init=0.05, max_iter=30)
    same = schedule in ("constant", "adaptive")  # nothing stalls in 30 epochs
    assert np.array_equal(model.parameters_, constant.parameters_) == same


def test_schedules_as_objects_and_callables():
    assert_array_equal(
        fitted(learning_rate=InverseScaling(0.2)).parameters_,
        fitted(learning_rate="invscaling", power_t=0.2).parameters_,
    )
    assert_array_equal(fitted(learning_rate=Cosine()).parameters_, fitted(learning_rate="cosine").parameters_)
    by_callable = fitted(learning_rate=lambda progress: 1 / (1 + progress.n_samples_seen) ** 0.5)
    assert_allclose(by_callable.parameters_, fitted(learning_rate="invscaling").parameters_, rtol=1e-12)
    progress = []
    fitted(learning_rate=lambda seen: progress.append(seen) or 1.0, max_iter=3, batch_size=50)
    assert [each.epoch for each in progress] == [0, 1, 2]
    assert [each.n_samples_seen for each in progress] == [0, 150, 300]
    assert_allclose(np.concatenate([each.fraction for each in progress]), np.arange(9) / 9)


def test_adaptive_schedule_slows_down_before_it_stops():
    stop = {"solver": "sgd", "learning_rate_init": 0.1, "tol": 1e-3, "n_iter_no_change": 2, "max_iter": 1000}
    assert fitted(learning_rate="adaptive", **stop).n_iter_ > fitted(**stop).n_iter_
    assert fitted(learning_rate="adaptive", **stop).n_iter_ < 1000


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("normal", Normal()),
        ("orthogonal", Orthogonal()),
        ("zeros", lambda fan_in, fan_out, rng: np.zeros((fan_in, fan_out))),
    ],
)
@pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning")
def test_initial_weights_by_name_object_or_callable(name, same_as):
    assert_array_equal(fitted(weight_init=name).parameters_, fitted(weight_init=same_as).parameters_)


def test_initial_weights_are_what_the_callable_returned_and_biases_bias_init():
    drawn = []

    def initial(fan_in, fan_out, rng):
        drawn.append(rng.normal(size=(fan_in, fan_out)))
        return drawn[-1]

    model = fitted(weight_init=initial, bias_init=0.25, learning_rate_init=1e-300, max_iter=1, alpha=0)
    for W, expected in zip(model.coefs_, drawn, strict=True):
        assert_array_equal(W, expected)
    assert_allclose(np.concatenate(model.intercepts_), [0.25] * 10 + [0.0] * 3, atol=1e-290)


@pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning")
def test_penalties_and_bounds_reach_the_weights():
    sgd = {"solver": "sgd", "learning_rate_init": 0.05, "max_iter": 200, "tol": 0, "n_iter_no_change": 1000}
    plain, l2 = fitted(alpha=0.0, **sgd), fitted(alpha=0.1, **sgd)
    l1 = fitted(alpha=0.02, l1_ratio=1.0, **sgd)
    bounded = fitted(alpha=0.0, max_norm=0.5, **sgd)
    size = [sum((W**2).sum() for W in model.coefs_) for model in (plain, l2)]
    assert size[1] < 0.5 * size[0]
    small = [np.mean(np.abs(np.concatenate([W.ravel() for W in model.coefs_])) < 5e-3) for model in (plain, l1)]
    assert small[1] > small[0] + 0.1
    assert max(np.linalg.norm(W, axis=0).max() for W in bounded.coefs_) <= 0.5 * (1 + 1e-12)
    assert max(np.linalg.norm(W, axis=0).max() for W in plain.coefs_) > 0.6


@pytest.mark.parametrize("solver", ["adamw", "schedule_free_adamw"])
def test_adamw_decays_weights_apart_from_the_gradient(solver):
    step = {"solver": solver, "learning_rate_init": 0.01, "max_iter": 1, "batch_size": 150, "shuffle": False}
    without, with_decay = fitted(alpha=0.0, **step), fitted(alpha=0.5, **step)
    start = fitted(alpha=0.0, **{**step, "learning_rate_init": 1e-300})
    for W, W_without, W_start in zip(with_decay.coefs_, without.coefs_, start.coefs_, strict=True):
        assert_allclose(W, W_without - 0.01 * 0.5 * W_start, rtol=1e-9, atol=1e-12)
    for b, b_without in zip(with_decay.intercepts_, without.intercepts_, strict=True):
        assert_array_equal(b, b_without)


def test_alpha_means_the_same_for_any_batch_size_and_number_of_rows():
    settings = {"solver": "lbfgs", "hidden_layer_sizes": (), "alpha": 0.05, "max_iter": 1000, "tol": 1e-9}
    once = fitted(**settings)
    thrice = ActivationMLPClassifier(random_state=0, **settings).fit(np.tile(X_IRIS, (3, 1)), np.tile(Y_IRIS, 3))
    assert_allclose(thrice.coefs_[0], once.coefs_[0], atol=1e-5)


def test_shuffle_decides_the_order_only_where_there_is_one():
    assert_array_equal(fitted(shuffle=True).parameters_, fitted(shuffle=False).parameters_)  # one batch
    batches = [fitted(shuffle=shuffle, batch_size=32).parameters_ for shuffle in (True, False)]
    assert not np.array_equal(*batches)


@pytest.mark.parametrize(
    ("schedule", "warns"), [("constant", True), ("adaptive", True), ("cosine", False), ("one_cycle", False)]
)
def test_only_a_schedule_that_completes_may_reach_the_last_epoch_in_silence(schedule, warns):
    model = ActivationMLPClassifier(learning_rate=schedule, max_iter=3, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X_IRIS, Y_IRIS)
    assert [issubclass(each.category, ConvergenceWarning) for each in caught] == [True] * warns
