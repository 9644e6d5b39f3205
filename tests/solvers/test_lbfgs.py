"""L-BFGS against scikit-learn's convex models; its callbacks and its end."""

import math

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from skneural.activations import Tanh
from skneural.losses import LogisticLoss, PoissonLoss, SoftmaxCrossEntropy, SquaredError
from skneural.network import Layout, Network, Objective, TrainingRows
from skneural.penalties import L2
from skneural.solvers import LBFGS, DivergenceError, EarlyStopping, TrainingMonitor

ALPHA = 0.01


def iris():
    X, y = load_iris(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def linear(loss, X, Y, n_outputs, sample_weight=None, dtype=np.float64):
    """Return a linear model and its objective."""
    network = Network.zeros([X.shape[1], n_outputs], [], dtype)
    return network, Objective(network, loss, [L2(ALPHA)], TrainingRows(X, Y, sample_weight), len(X))


def lbfgs(objective, max_fun, tol, callbacks=(), **monitor):
    return LBFGS(
        objective, max_fun, tol, TrainingMonitor(objective, EarlyStopping(0.0, 3), callbacks=callbacks, **monitor)
    )


def minimised(loss, X, Y, n_outputs, **settings):
    network, objective = linear(loss, X, Y, n_outputs, **settings)
    assert lbfgs(objective, 10_000, 1e-9).run(max_iter=5000).n_iter > 1
    return network


@pytest.mark.parametrize("weighted", [False, True])
def test_softmax_regression_is_sklearns(weighted):
    X, y = iris()
    sample_weight = np.random.RandomState(0).uniform(0, 2, len(y)) if weighted else None
    network = minimised(SoftmaxCrossEntropy(), X, y, 3, sample_weight=sample_weight)
    total = len(y) if sample_weight is None else sample_weight.sum()
    reference = LogisticRegression(C=1 / (ALPHA * total), tol=1e-10, max_iter=5000).fit(X, y, sample_weight)
    np.testing.assert_allclose(network.weights[0].T, reference.coef_, atol=5e-4)
    P = SoftmaxCrossEntropy().predict(network.raw_output(X))
    np.testing.assert_allclose(P, reference.predict_proba(X), atol=5e-4)


def test_logistic_regression_is_sklearns():
    X, y = iris()
    y = (y == 2).astype(float)
    network = minimised(LogisticLoss(), X, y[:, None], 1)
    reference = LogisticRegression(C=1 / (ALPHA * len(y)), tol=1e-10, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(network.weights[0].T, reference.coef_, atol=5e-4)
    np.testing.assert_allclose(network.biases[0], reference.intercept_, atol=5e-4)


def test_linear_regression_is_sklearns_ridge():
    X, _ = iris()
    Y = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2])], axis=1)
    network = minimised(SquaredError(), X, Y, 2)
    reference = Ridge(alpha=ALPHA * len(X)).fit(X, Y)
    np.testing.assert_allclose(network.weights[0].T, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(network.biases[0], reference.intercept_, atol=1e-5)


def test_poisson_regression_is_sklearns():
    X, y = iris()
    network = minimised(PoissonLoss(), X, y[:, None].astype(float), 1)
    reference = PoissonRegressor(alpha=ALPHA, tol=1e-10, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(network.weights[0].ravel(), reference.coef_, atol=5e-4)
    np.testing.assert_allclose(network.biases[0], reference.intercept_, atol=5e-4)


def build(max_fun=10_000, tol=1e-6, callbacks=(), dtype=np.float64):
    X, y = iris()
    _, objective = linear(SoftmaxCrossEntropy(), X.astype(dtype), y, 3, dtype=dtype)
    return lbfgs(objective, max_fun, tol, callbacks)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gradient_vanishes_and_the_result_has_the_objective(dtype):
    solver = build(tol=1e-4, dtype=dtype)
    result = solver.run(max_iter=1000)
    value = solver.objective.evaluate(slice(0, 150)) + solver.objective.penalty()
    assert result.converged
    np.testing.assert_allclose(result.loss, value, rtol=1e-6)
    assert np.abs(solver.objective.gradient).max() <= 1.01e-4


def test_a_deeper_network_is_trained_as_well():
    X, y = iris()
    parameters = np.random.RandomState(0).normal(size=Layout([4, 6, 3], [Tanh()]).size)
    network = Network([4, 6, 3], [Tanh()], parameters)
    objective = Objective(network, SoftmaxCrossEntropy(), [L2(1e-3)], TrainingRows(X, y), len(X))
    lbfgs(objective, 10_000, 1e-5).run(max_iter=500)
    assert (network.raw_output(X).argmax(axis=1) == y).mean() > 0.97


def test_callbacks_see_the_loss_fall_iteration_by_iteration():
    epochs = []
    result = build(callbacks=[epochs.append]).run(max_iter=1000)
    assert [epoch.number for epoch in epochs] == list(range(1, result.n_iter + 1))
    losses = [epoch.loss for epoch in epochs]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] < math.log(3)  # the value at zero parameters
    np.testing.assert_allclose(losses[-1], result.loss)
    assert all(math.isnan(epoch.learning_rate) and epoch.seconds >= 0 for epoch in epochs)


def test_a_callback_can_end_the_run():
    epochs = []
    solver = build(callbacks=[lambda epoch: epoch.number == 4, epochs.append])
    result = solver.run(max_iter=1000)
    assert (result.n_iter, len(epochs)) == (4, 4)
    value = solver.objective.evaluate(slice(0, 150)) + solver.objective.penalty()
    np.testing.assert_allclose(value, epochs[-1].loss, rtol=1e-12)


@pytest.mark.parametrize("limits", [{"max_iter": 3}, {"max_iter": 1}])
def test_the_number_of_iterations_is_bounded(limits):
    result = build().run(**limits)
    assert not result.converged
    assert result.n_iter == limits["max_iter"]


def test_the_number_of_evaluations_is_bounded():
    result = build(max_fun=5).run(max_iter=1000)
    assert not result.converged
    assert 1 <= result.n_iter <= 5
    assert result.message


def test_divergence_restores_the_best_finite_parameters():
    X, y = iris()
    _, objective = linear(PoissonLoss(), X, 1e3 * (1 + y[:, None].astype(float)), 1)
    objective.parameters[...] = 1.0
    X[:, 0] *= 1e4  # exp of the first raw output is beyond all numbers
    before = objective.parameters.copy()
    with pytest.raises(DivergenceError, match="epoch 1") as error:
        lbfgs(objective, 100, 1e-6).run(max_iter=10)
    assert (error.value.epoch, error.value.learning_rate) == (1, None)
    np.testing.assert_array_equal(objective.parameters, before)


def test_divergence_on_the_way_restores_what_was_best_so_far():
    X, y = iris()
    _, objective = linear(SoftmaxCrossEntropy(), X, y, 3)
    seen = []

    def spoil(epoch):
        seen.append((epoch.loss, objective.parameters.copy()))
        if epoch.number == 3:
            X[0, 0] = np.nan

    with pytest.raises(DivergenceError, match="epoch 4"):
        lbfgs(objective, 100, 1e-6, [spoil]).run(max_iter=10)
    np.testing.assert_array_equal(objective.parameters, min(seen, key=lambda pair: pair[0])[1])
    assert np.isfinite(objective.parameters).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e4])
def test_the_callers_floating_point_errors_are_not_raised_and_stay_as_set(scale, dtype, backend):
    X, y = iris()
    X[:, 0] *= scale
    parameters = []
    for error in ("ignore", "raise"):
        network, objective = linear(SoftmaxCrossEntropy(), X.astype(dtype), y, 3, dtype=dtype)
        with np.errstate(all=error):
            lbfgs(objective, 100, 1e-6).run(max_iter=20)
            assert set(np.geterr().values()) == {error}
        parameters.append(network.parameters)
    np.testing.assert_array_equal(*parameters)
