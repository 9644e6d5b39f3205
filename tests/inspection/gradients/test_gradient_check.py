"""The gradient check: passes what is right, and flags and names what is planted."""

import math
import pickle
import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from skneural import (
    ACTIVATIONS,
    ELU,
    SELU,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    LeakyReLU,
    Logistic,
    Maxout,
    PReLU,
    Softplus,
    StdScaler,
    Tanh,
    use_backend,
)
from skneural.estimators.builder import TrainingBuilder
from skneural.inspection import GradientError, check_gradient
from skneural.losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 12))
TARGETS = {
    "binary": RNG.randint(0, 2, 60),
    "multiclass": RNG.choice(list("abc"), 60),
    "multilabel": RNG.randint(0, 2, (60, 3)),
    "regression": RNG.normal(size=60),
    "multi-output": RNG.poisson(2, (60, 2)).astype(float),
}
CLASSIFICATION = ["binary", "multiclass", "multilabel"]
SMALL = {"hidden_layer_sizes": (8, 6), "max_iter": 20, "random_state": 0}
FEW = {"n_rows": 8, "n_entries": 8}
EVERY_ACTIVATION = [*{repr(a): a for a in ACTIVATIONS.values()}.values(), PReLU(shared=True), Maxout(3)]


# What is right passes.


@pytest.mark.parametrize("activation", EVERY_ACTIVATION, ids=repr)
def test_every_activation_with_every_loss_passes(activation, backend):
    models = [(ActivationMLPClassifier(activation=activation, **SMALL), kind) for kind in CLASSIFICATION]
    losses = ["squared_error", "absolute_error", "huber", "poisson", "quantile"]
    models += [(ActivationMLPRegressor(loss, activation=activation, **SMALL), "multi-output") for loss in losses]
    assert len({model.fit(X, TARGETS[kind]).out_activation_ for model, kind in models}) == len(
        {loss.inverse_link for loss in LOSSES.values()}
    )
    for model, kind in models:
        for each in (clone(model), model):
            report = check_gradient(each, X, TARGETS[kind], **FEW)
            assert report.max_error <= 1e-6, f"{each}\n{report}"
            assert report.n_kinks <= 3


OPTIONS = {
    "batch_norm": {"batch_norm": True},
    "dropout": {"dropout": [0.3, 0.5], "input_dropout": 0.2},
    "both": {"dropout": 0.3, "batch_norm": True},
    "elastic net": {"alpha": 0.1, "l1_ratio": 0.5},
    "adamw": {"alpha": 0.1, "l1_ratio": 0.5, "solver": "adamw"},
    "lbfgs": {"alpha": 0.1, "solver": "lbfgs"},
    "bounds": {"max_norm": 0.5, "clip_norm": 0.1},
    "float32": {"dtype": "float32"},
    "early stopping": {"early_stopping": True},
    "warm start": {"warm_start": True},
    "batches": {"batch_size": 7},
    "per layer": {"activation": [Maxout(3), PReLU()], "batch_norm": True},
    "linear": {"hidden_layer_sizes": ()},
    "members": {"n_members": 3, "dropout": 0.2, "batch_norm": True},
}


@pytest.mark.parametrize("fitted", [False, True], ids=["new", "fitted"])
@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_passes(name, kind, fitted, backend):
    Estimator = ActivationMLPClassifier if kind in CLASSIFICATION else ActivationMLPRegressor
    model = Estimator(**{**SMALL, "activation": "elu", **OPTIONS[name]})
    if fitted:
        model.fit(X, TARGETS[kind])
    report = check_gradient(model, X, TARGETS[kind], **FEW)
    assert report.max_error <= 1e-6, report
    assert report.n_kinks == 0
    assert report.n_rows == 8


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 5, "b": 1, "c": 0.1}])
def test_weights_pass(class_weight, backend):
    weights = np.random.RandomState(1).randint(0, 3, 60)
    model = ActivationMLPClassifier(class_weight=class_weight, **SMALL)
    for each in (model, ActivationMLPClassifier(class_weight=class_weight, **SMALL).fit(X, TARGETS["multiclass"])):
        assert check_gradient(each, X, TARGETS["multiclass"], weights, **FEW).max_error <= 1e-6


@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csc_matrix, np.float32, list])
def test_any_form_of_X(convert):
    wanted = check_gradient(ActivationMLPRegressor(**SMALL), convert(X), TARGETS["regression"], **FEW)
    assert wanted.max_error <= 1e-6


def test_a_frame_and_a_pipeline_new_and_fitted():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(1e3 + 10 * X, columns=[f"f{i}" for i in range(12)])
    model = make_pipeline(StdScaler(), ActivationMLPClassifier(**SMALL))
    assert check_gradient(model, frame, TARGETS["binary"], **FEW).max_error <= 1e-6
    assert not hasattr(model[0], "mean_")
    assert check_gradient(model.fit(frame, TARGETS["binary"]), frame, TARGETS["binary"], **FEW).max_error <= 1e-6


@pytest.mark.parametrize("scale", [1e-3, 1e3, 1e6])
def test_features_of_any_scale(scale):
    model = ActivationMLPClassifier(activation="leaky_relu", **SMALL)
    report = check_gradient(model, scale * X, TARGETS["multiclass"], **FEW)
    assert report.max_error <= 1e-6
    assert report.checks[0].n_checked > 4


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_targets_of_any_scale(scale):
    report = check_gradient(ActivationMLPRegressor(**SMALL), X, scale * TARGETS["multi-output"], **FEW)
    assert report.max_error <= 1e-6


def test_one_row():
    for options in ({}, {"batch_norm": True}):
        assert check_gradient(ActivationMLPRegressor(**SMALL, **options), X[:1], [0.5]).max_error <= 1e-6


def test_a_fitted_classifier_may_see_one_class():
    model = ActivationMLPClassifier(**SMALL).fit(X, TARGETS["multiclass"])
    assert check_gradient(model, X[:5], ["b"] * 5).max_error <= 1e-6


def test_near_the_minimum_where_gradients_are_small():
    model = ActivationMLPClassifier((8,), "tanh", solver="lbfgs", alpha=1e-3, max_iter=3000, tol=1e-8)
    model.fit(X, TARGETS["binary"])
    report = check_gradient(model, X, TARGETS["binary"], n_rows=60)
    assert report.max_error <= 1e-6


# What is wrong is flagged, and named: here and nowhere else.

HIDDEN = {"coefs_[0]", "intercepts_[0]"}


class WrongSign(Tanh):
    def backward(self, dA, Z, A, out=None):
        return -super().backward(dA, Z, A)


class MissingFactor(Logistic):
    def backward(self, dA, Z, A, out=None):
        return dA * (1 - A)


class WrongSlope(LeakyReLU):
    def backward(self, dA, Z, A, out=None):
        return np.where(Z > 0, dA, 0.1 * dA)


class WrongConstant(SELU):
    def backward(self, dA, Z, A, out=None):
        return np.where(Z > 0, 1.05 * dA, dA * (A + 1.76))


class WrongArgument(Softplus):
    def backward(self, dA, Z, A, out=None):
        return dA * expit(A)


class FirstPieceOnly(Maxout):
    def backward(self, dA, Z, A, out=None):
        return np.hstack([dA, np.zeros((len(dA), Z.shape[1] - dA.shape[1]))])


class SlopesOfAllRows(PReLU):
    def params_gradient(self, dA, Z, A, activation_params):
        return np.sum(dA * Z, axis=0)


class MeanOfSlopes(PReLU):
    def params_gradient(self, dA, Z, A, activation_params):
        return np.mean(dA * np.minimum(Z, 0), axis=0)


OF_ACTIVATIONS = {
    "wrong sign": (WrongSign(), HIDDEN),
    "missing factor": (MissingFactor(), HIDDEN),
    "wrong slope": (WrongSlope(), HIDDEN),
    "constant of few digits": (WrongConstant(), HIDDEN),
    "wrong argument": (WrongArgument(), HIDDEN),
    "one piece of two": (FirstPieceOnly(), HIDDEN),
    "slopes of all rows": (SlopesOfAllRows(), {"slopes_[0]"}),
    "mean of slopes": (MeanOfSlopes(), {"slopes_[0]"}),
}


def flagged(report, part="data loss"):
    return {check.array for check in report.checks if check.part == part and check.verdict in ("wrong", "suspicious")}


@pytest.mark.parametrize("name", OF_ACTIVATIONS)
def test_a_wrong_activation_is_flagged(name):
    activation, arrays = OF_ACTIVATIONS[name]
    model = ActivationMLPClassifier((8,), activation, random_state=0, weight_init="he_normal")
    report = check_gradient(model, X, TARGETS["multiclass"])
    assert flagged(report) == arrays
    with pytest.raises(GradientError, match=rf"(wrong|suspicious): {sorted(arrays)[0].replace('[', '.')}"):
        report.raise_if_wrong()
    right = type(activation).__base__()
    same = ActivationMLPClassifier((8,), right, random_state=0, weight_init="he_normal")
    assert check_gradient(same, X, TARGETS["multiclass"]).max_error <= 1e-6


def parts(network, gradient):
    whole = np.zeros(network.layout.size)
    whole[: gradient.size] = gradient
    return whole, network.layout.views(whole)


def missing_bias(objective, network, rows, gradient):
    gradient[1].biases[0][...] = 0


def last_unit_forgotten(objective, network, rows, gradient):
    gradient[1].weights[0][:, -1] = 0


def sum_for_mean(objective, network, rows, gradient):
    gradient[0][...] *= rows.stop


def dropped_penalty(objective, network, rows, gradient):
    gradient[1].weights[1][...] -= 0.1 * network.weights[1] if objective.penalties else 0


def penalised_biases(objective, network, rows, gradient):
    gradient[1].biases[0][...] += 0.1 * network.biases[0] if objective.penalties else 0


def missing_scales(objective, network, rows, gradient):
    gradient[1].scales[1][...] = 0


OF_OBJECTIVES = {
    "missing bias gradient": (missing_bias, "data loss", {"intercepts_[0]"}),
    "last unit forgotten": (last_unit_forgotten, "data loss", {"coefs_[0]"}),
    "missing scale gradient": (missing_scales, "data loss", {"batch_norm scales[1]"}),
    "dropped penalty": (dropped_penalty, "penalty", {"coefs_[1]"}),
    "penalised biases": (penalised_biases, "penalty", {"intercepts_[0]"}),
}


def plant(monkeypatch, corrupt):
    """Let the objective that an estimator trains with evaluate wrongly."""
    made = TrainingBuilder.build_training_loop

    def build_training_loop(self, network, *args, **monitoring):
        loop = made(self, network, *args, **monitoring)
        objective, right = loop.objective, loop.objective.evaluate

        def wrong(rows):
            value = right(rows)
            gradient = parts(network, objective.gradient)
            corrupt(objective, network, rows, gradient)
            objective.gradient[...] = gradient[0][: objective.gradient.size]
            return value

        objective.evaluate = wrong
        return loop

    monkeypatch.setattr(TrainingBuilder, "build_training_loop", build_training_loop)


@pytest.mark.parametrize("name", OF_OBJECTIVES)
def test_a_wrong_objective_is_flagged(name, monkeypatch):
    corrupt, part, arrays = OF_OBJECTIVES[name]
    model = ActivationMLPClassifier(activation="elu", alpha=0.1, batch_norm=True, bias_init=0.5, **SMALL)
    plant(monkeypatch, corrupt)
    report = check_gradient(model, X, TARGETS["multiclass"])
    assert flagged(report, part) == arrays
    assert {check.verdict for check in report.checks if check.array not in arrays} <= {"good", "acceptable"}
    monkeypatch.undo()
    assert check_gradient(model, X, TARGETS["multiclass"]).max_error <= 1e-6


def test_a_sum_for_a_mean_is_flagged_everywhere(monkeypatch):
    plant(monkeypatch, sum_for_mean)
    report = check_gradient(ActivationMLPClassifier(**SMALL), X, TARGETS["binary"])
    assert flagged(report) == {f"{name}[{i}]" for name in ("coefs_", "intercepts_") for i in range(3)}


def test_stale_masks_are_flagged(monkeypatch):
    def stale(objective, network, rows, gradient):
        del objective.evaluate
        objective.evaluate(rows)  # draws other masks
        gradient[0][: objective.gradient.size] = objective.gradient

    plant(monkeypatch, stale)
    model = ActivationMLPClassifier(activation="tanh", dropout=0.5, **SMALL)
    assert "coefs_[0]" in flagged(check_gradient(model, X, TARGETS["binary"]))


def test_forgotten_sample_weights_are_flagged(monkeypatch):
    def unweighted(objective, network, rows, gradient):
        del objective.evaluate
        weights, objective.rows.sample_weight = objective.rows.sample_weight, None
        objective.evaluate(rows)
        gradient[0][: objective.gradient.size], objective.rows.sample_weight = objective.gradient, weights

    plant(monkeypatch, unweighted)
    weights = np.random.RandomState(0).uniform(0.1, 3, 60)
    with use_backend("numpy"):  # the native form takes the weights when it is made
        report = check_gradient(ActivationMLPClassifier(activation="tanh", **SMALL), X, TARGETS["binary"], weights)
    assert "coefs_[0]" in flagged(report)


# Kinks.


def first_layer_zero(fan_in, fan_out, rng):
    return np.zeros((fan_in, fan_out)) if fan_in == 12 else rng.normal(size=(fan_in, fan_out))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", PReLU(), ELU(alpha=3.0), SELU()], ids=str)
def test_kinks_are_counted_and_set_aside(activation):
    model = ActivationMLPRegressor("squared_error", (4,), activation, weight_init=first_layer_zero, alpha=0)
    report = check_gradient(model, X, TARGETS["regression"])
    kinked = {check.array for check in report.checks if check.n_kinks}
    assert kinked == HIDDEN  # every pre-activation is zero
    assert report.n_kinks == 30 + 4
    assert report.max_error <= 1e-6
    assert f"{'coefs_[0]':14}  data loss        0     30     0" in str(report)


def test_an_l1_penalty_has_kinks_at_zero():
    model = ActivationMLPClassifier((4,), "tanh", alpha=0.1, l1_ratio=1.0, weight_init="zeros", bias_init=0.1)
    report = check_gradient(model, X, TARGETS["binary"])
    assert {check.verdict for check in report.checks if check.part == "penalty"} == {"untested"}
    assert report.max_error <= 1e-6
    assert report.n_kinks == 30 + 4
    assert "untested" in str(report)


def test_nothing_to_compare_is_untested_and_raises_nothing():
    report = check_gradient(ActivationMLPClassifier((4,), weight_init="zeros", alpha=0), X, TARGETS["binary"])
    hidden = {check.array: check for check in report.checks}["coefs_[0]"]
    assert (hidden.n_checked, hidden.n_kinks, hidden.n_flat, hidden.verdict) == (0, 0, 30, "untested")
    assert report.raise_if_wrong() is report  # the output's biases could be compared


def test_where_nothing_can_be_compared_there_is_no_verdict():
    model = ActivationMLPRegressor(**SMALL, alpha=0, normalize_y=False)
    huge = check_gradient(model, X, 1e100 * TARGETS["regression"], **FEW)
    assert huge.verdict == "untested"
    assert math.isnan(huge.max_error)
    assert sum(check.n_flat for check in huge.checks) > 20
    with pytest.raises(GradientError, match="No entry of the gradient could be compared"):
        huge.raise_if_wrong()


class Unstable(Tanh):
    """Not finite beyond the pre-activations at which `fit` looks first."""

    def backward(self, dA, Z, A, out=None):
        return np.where(Z > 2, np.nan, super().backward(dA, Z, A))


def test_a_gradient_that_is_not_finite_is_wrong():
    report = check_gradient(ActivationMLPClassifier((8,), Unstable(), random_state=0), X, TARGETS["binary"])
    assert flagged(report) == HIDDEN
    assert report.max_error == math.inf
    with pytest.raises(GradientError, match=r"wrong: coefs_\[0\] \(data loss\): relative error inf.* is nan"):
        report.raise_if_wrong()


@pytest.mark.filterwarnings("error")
def test_an_objective_that_is_not_finite_is_refused(backend):
    model = ActivationMLPRegressor("poisson", **SMALL)
    with pytest.raises(
        ValueError, match=r"The objective must be finite at the parameters\. Got (inf|nan): scale the data"
    ):
        check_gradient(model, 1e6 * X, TARGETS["multi-output"])


def test_dead_units_are_flat_not_good():
    dead = ActivationMLPClassifier((4, 3), bias_init=-1e4, alpha=0)
    verdicts = {check.array: check.verdict for check in check_gradient(dead, X, TARGETS["binary"]).checks}
    assert verdicts.pop("intercepts_[2]") == "good"
    assert set(verdicts.values()) == {"untested"}


@pytest.mark.parametrize("name", ["n_rows", "n_entries"])
def test_at_least_one(name):
    with pytest.raises(ValueError, match=rf"{name} must be an int in the range \[1, inf\). Got 0"):
        check_gradient(ActivationMLPClassifier(**SMALL), X, TARGETS["binary"], **{name: 0})


# The estimator and the report.


def test_the_estimator_is_left_alone():
    model = ActivationMLPClassifier(**SMALL, batch_norm=True, warm_start=True)
    before = pickle.dumps(model)
    check_gradient(model, X, TARGETS["binary"])
    assert pickle.dumps(model) == before
    model.fit(X, TARGETS["binary"])
    before = pickle.dumps(model)
    check_gradient(model, X, TARGETS["binary"])
    assert pickle.dumps(model) == before


def test_a_generator_of_the_user_is_left_alone():
    rng = np.random.RandomState(3)
    before = rng.get_state()[1].copy()
    check_gradient(ActivationMLPClassifier((4,), random_state=rng), X, TARGETS["binary"])
    assert_array_equal(rng.get_state()[1], before)


def test_a_seed_decides_all():
    one, same, other = (
        check_gradient(ActivationMLPClassifier((8,), dropout=0.5), X, TARGETS["binary"], seed=seed)
        for seed in (1, 1, 2)
    )
    assert one.checks == same.checks != other.checks


def test_every_array_is_there_with_its_pieces_and_slopes():
    model = ActivationMLPClassifier(activation=[Maxout(), PReLU()], batch_norm=True, **SMALL)
    report = check_gradient(model, X, TARGETS["multiclass"])
    arrays = [check.array for check in report.checks if check.part == "data loss"]
    coefs, biases = [f"coefs_[{i}]" for i in range(3)], [f"intercepts_[{i}]" for i in range(3)]
    assert arrays == [*coefs, *biases, "slopes_[1]", "batch_norm scales[0]", "batch_norm scales[1]"]
    assert [check.array for check in report.checks if check.part == "penalty"] == coefs
    assert {check.array: check.n_checked for check in report.checks}["slopes_[1]"] == 6


def test_the_table():
    report = check_gradient(ActivationMLPClassifier((8,), WrongSign(), random_state=0), X, TARGETS["binary"])
    title, header, first, *_ = str(report).splitlines()
    assert title.startswith("Gradient check on 16 rows: wrong (largest relative error 1.0e+00)")
    assert header.split() == ["array", "part", "checked", "kinks", "flat", "max", "error", "median", "error", "verdict"]
    assert first.split() == ["coefs_[0]", "data", "loss", "30", "0", "0", "1e+00", "1e+00", "wrong"]
    assert repr(report) == str(report)
    pytest.importorskip("pandas")
    frame = report.to_frame()
    assert frame["verdict"].tolist() == [check.verdict for check in report.checks]
    assert frame.loc[0, "max_error"] == report.max_error == 1.0


def test_the_error_says_where():
    report = check_gradient(ActivationMLPClassifier((8,), WrongSign(), random_state=0), X, TARGETS["binary"])
    worst = report.checks[0]
    assert worst.analytic == pytest.approx(-worst.numeric, rel=1e-6)
    message = rf"wrong: coefs_\[0\] \(data loss\): relative error 1.0e\+00, at \[{worst.index[0]}, {worst.index[1]}\]"
    with pytest.raises(GradientError, match=message):
        report.raise_if_wrong()
    assert report.raise_if_wrong(tolerance=math.inf) is report


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match=r"a Pipeline that ends with one .* Got StdScaler"):
        check_gradient(StdScaler(), X, TARGETS["binary"])
    with pytest.raises(ValueError, match="alpha"):
        check_gradient(ActivationMLPClassifier(alpha=-1), X, TARGETS["binary"])


def test_two_seconds_are_enough_at_default_settings():
    digits, y = load_digits(return_X_y=True)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        check_gradient(ActivationMLPClassifier((100,)), digits, y).raise_if_wrong()
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 2
