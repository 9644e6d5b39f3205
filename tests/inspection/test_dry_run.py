"""The dry run has the objective and the steps of the estimator's own training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.inspection.dry_run import DryRun

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
SMALL = {"hidden_layer_sizes": (6,), "activation": "tanh", "max_iter": 3, "random_state": 0}


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("weights", [None, np.arange(150) % 3 + 1.0])
def test_the_objective_is_the_loss_that_fit_reports(solver, weights):
    options = {**SMALL, "solver": solver, "alpha": 0.1, "batch_size": 150, "max_iter": 1}
    model = ActivationMLPClassifier(**options)
    objective = DryRun(model, X, Y, weights).objective()
    start = objective.mean_loss() + objective.penalty()
    model.fit(X, Y, weights)
    end = DryRun(model, X, Y, weights).objective()
    if solver == "lbfgs":
        assert_allclose(end.mean_loss() + end.penalty(), model.loss_, rtol=1e-12)
        assert model.loss_ < start
    else:  # the mean loss of the first epoch's only batch, and the penalty after it
        assert_allclose(
            start - DryRun(clone_of(model), X, Y).objective().penalty(),
            model.loss_ - end.penalty(),
            rtol=1e-12,
        )


def clone_of(model):
    return type(model)(**{name: value for name, value in model.get_params().items() if "__" not in name})


def test_a_step_is_the_step_that_fit_makes():
    for options in ({}, {"batch_norm": True, "dropout": 0.3}, {"solver": "sgd", "clip_norm": 0.01, "max_norm": 0.5}):
        model = ActivationMLPClassifier(**{**SMALL, **options}, batch_size=150, shuffle=False, warm_start=True)
        model.fit(X, Y)
        dry_run = DryRun(model, X, Y)
        loop = dry_run.minimizer()
        loop.set_state(model._training_state)
        loop.run(4, 4, 3)
        model.set_params(max_iter=1).fit(X, Y)
        assert_allclose(dry_run.network.parameters, model.parameters_, rtol=1e-12, atol=1e-14)


def test_new_parameters_are_those_that_fit_begins_with():
    model = ActivationMLPClassifier(**{**SMALL, "max_iter": 1, "learning_rate_init": 1e-300})
    drawn = DryRun(model, X, Y).network.parameters
    assert_allclose(drawn, model.fit(X, Y).parameters_, atol=1e-290)


def test_masks_are_the_same_in_each_evaluation_and_others_for_another_seed():
    model = ActivationMLPClassifier(**SMALL, dropout=0.5)
    one, other = (DryRun(model, X, Y, seed=seed).objective() for seed in (0, 1))
    assert one.mean_loss() == one.mean_loss() != other.mean_loss()
    assert_array_equal(one.gradient(), one.gradient())


def test_changed_parameters_change_the_objective_alone():
    model = ActivationMLPClassifier(**SMALL, alpha=0.3, dropout=0.5)
    dry_run = DryRun(model, X, Y)
    plain = dry_run.objective(alpha=0, dropout=0.0)
    losses = -np.log(model.fit(X, Y).predict_proba(X)[np.arange(150), Y])
    dry_run.network.parameters[...] = model.parameters_
    assert_allclose(plain.mean_loss(), losses.mean(), rtol=1e-12)
    assert plain.penalty() == 0
    assert dry_run.objective().penalty() > 0
    assert (model.alpha, model.dropout) == (0.3, 0.5)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("size", [1.0, 1e8])
def test_the_gradient_of_the_penalties_by_itself(size, batch_norm):
    model = ActivationMLPRegressor(**SMALL, alpha=0.2, l1_ratio=0.25, batch_norm=batch_norm)
    dry_run = DryRun(model, X, size * Y)
    W = [W.ravel() for W in dry_run.network.weights]
    got = dry_run.penalty_gradient()
    expected = np.concatenate([0.15 * w + 0.05 * np.sign(w) for w in W])
    assert_allclose(got[: expected.size], expected, rtol=1e-12)
    assert_array_equal(got[expected.size :], 0)


def test_rows_are_drawn_among_those_that_count():
    weights = np.where(np.arange(150) % 5 == 0, 2.0, 0.0)
    dry_run = DryRun(ActivationMLPClassifier(**SMALL), X, Y, weights, n_rows=10)
    assert dry_run.rows.X.shape == (10, 4)
    assert (dry_run.rows.sample_weight > 0).all()
    rows = {tuple(row) for row in X[::5]}
    assert {tuple(row) for row in dry_run.rows.X} <= rows
    assert len(DryRun(ActivationMLPClassifier(**SMALL), X, Y, weights).rows.y) == 30


@pytest.mark.parametrize("fitted", [False, True])
def test_balanced_classes_weigh_as_in_fit(fitted):
    rare = np.r_[np.zeros(140, int), np.ones(10, int)]
    weights = np.random.RandomState(0).uniform(1, 2, 150)
    model = ActivationMLPClassifier(**SMALL, class_weight="balanced")
    by_hand = ActivationMLPClassifier(**SMALL, class_weight={0: 150 / 280, 1: 150 / 20})
    for each in (model, by_hand):
        if fitted:
            each.fit(X, rare, weights)
    values = [DryRun(each, X, rare, weights).objective().mean_loss() for each in (model, by_hand)]
    assert_allclose(*values, rtol=1e-12)
    assert model.class_weight == "balanced"


def test_everything_is_computed_in_double_precision():
    model = ActivationMLPClassifier(**SMALL, dtype="float32").fit(X.astype(np.float32), Y)
    for each in (model, clone_of(model)):
        dry_run = DryRun(each, sparse.csr_array(X.astype(np.float32)), Y)
        assert dry_run.network.parameters.dtype == dry_run.objective().gradient().dtype == np.float64
    assert model.parameters_.dtype == np.float32


@pytest.mark.parametrize("changed", [{"hidden_layer_sizes": (7, 3)}, {"activation": "relu"}, {"batch_norm": True}])
def test_a_fitted_network_stays_what_it_is_whatever_it_is_to_become(changed):
    model = ActivationMLPClassifier(**SMALL).fit(X, Y)
    value = DryRun(model, X, Y).objective().mean_loss()
    assert DryRun(model.set_params(**changed), X, Y).objective().mean_loss() == value
