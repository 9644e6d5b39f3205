"""The objective: its gradient for every activation, loss and penalty; rows, weights, batches."""

from itertools import product

import numpy as np
import pytest
from scipy import sparse, special

from skneural.activations import ACTIVATIONS, ELU, Activation, Maxout, PReLU, ReLU, Tanh
from skneural.losses import LOSSES, LogisticLoss, PoissonLoss, SoftmaxCrossEntropy, SquaredError
from skneural.network import Dropout, Layout, Network, Objective, TrainingRows
from skneural.penalties import L1, L2, MaxNorm

pytestmark = pytest.mark.usefixtures("backend")

N_ROWS, N_FEATURES, N_OUTPUTS = 8, 3, 2
ALL = slice(0, N_ROWS)
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=repr)


def random_network(activations, dtype=np.float64):
    sizes = [N_FEATURES, 4, 3, N_OUTPUTS] if len(activations) == 2 else [N_FEATURES, *[4] * len(activations), N_OUTPUTS]
    size = Layout(sizes, activations).size
    return Network(sizes, activations, (0.5 * np.random.RandomState(3).normal(size=size)).astype(dtype))


def data(loss, n_rows=N_ROWS, dtype=np.float64):
    rng = np.random.RandomState(1)
    X = rng.normal(size=(n_rows, N_FEATURES)).astype(dtype)
    if isinstance(loss, SoftmaxCrossEntropy):
        return X, rng.randint(0, N_OUTPUTS, n_rows)
    if isinstance(loss, LogisticLoss):
        return X, rng.randint(0, 2, (n_rows, N_OUTPUTS)).astype(dtype)
    Y = rng.poisson(2, (n_rows, N_OUTPUTS)) if isinstance(loss, PoissonLoss) else rng.normal(size=(n_rows, N_OUTPUTS))
    return X, Y.astype(dtype)


def build(loss, activations, *, penalties=(), rows=None, n_rows=None, dtype=np.float64):
    rows = rows or TrainingRows(*data(loss, dtype=dtype))
    return Objective(random_network(activations, dtype), loss, penalties, rows, n_rows or len(rows))


def evaluated(objective, rows):
    """Return the value (penalties included) and a copy of the gradient."""
    value = objective.evaluate(rows) + objective.penalty()
    return value, objective.gradient.copy()


def differences(objective, step):
    """Return the gradient by centred differences."""
    gradient, theta = np.empty_like(objective.parameters), objective.parameters
    for i in range(theta.size):
        values, here = [], theta[i]
        for shift in (step, -step):
            theta[i] = here + shift
            values.append(evaluated(objective, ALL)[0])
        theta[i] = here
        gradient[i] = (values[0] - values[1]) / (2 * step)
    return gradient


def assert_gradient_agrees(objective):
    """Compare with centred differences, leaving out (few) entries whose step crosses a kink.

    A kink shows in the differences alone: two steps of different length then give different slopes.
    """
    got = evaluated(objective, ALL)[1]
    expected, shorter = differences(objective, 2e-5), differences(objective, 1e-5)
    scale = np.abs(expected).max()
    smooth = np.abs(expected - shorter) < 1e-7 * scale
    assert smooth.mean() > 0.95
    assert np.abs(got - expected)[smooth].max() < 1e-6 * scale


WEIGHTS = np.array([0.0, 1.0, 2.0, 0.5, 3.0, 0.0, 1.0, 1.0])
PENALTIES = {"none": [], "l1": [L1(0.1)], "l2": [L2(0.1)], "both": [L1(0.1), L2(0.1)]}


@every_loss
@pytest.mark.parametrize(
    "activation", [*{repr(a): a for a in ACTIVATIONS.values()}.values(), PReLU(shared=True)], ids=repr
)
def test_the_gradient_agrees_with_centred_differences(activation, loss):
    for penalties, sample_weight in product(PENALTIES.values(), (None, WEIGHTS)):
        rows = TrainingRows(*data(loss), sample_weight)
        assert_gradient_agrees(build(loss, [activation, activation], penalties=penalties, rows=rows))


@every_loss
def test_the_gradient_of_a_linear_model(loss):
    assert_gradient_agrees(build(loss, [], penalties=[L2(0.1)]))


class Swish(Activation):
    """A user's own, with a slope learned per unit and no thought for ``out``."""

    def init_params(self, n_units):
        return np.ones(n_units)

    def forward(self, Z, betas, out=None):
        return Z * special.expit(betas * Z)

    def backward(self, dA, Z, A, betas, out=None):
        s = special.expit(betas * Z)
        return dA * (s + betas * Z * s * (1 - s))

    def params_gradient(self, dA, Z, A, betas):
        s = special.expit(betas * Z)
        return np.sum(dA * Z**2 * s * (1 - s), axis=0)


class PassThrough(Activation):
    """A user's own that returns its very arguments."""

    def forward(self, Z, out=None):
        return Z

    def backward(self, dA, Z, A, out=None):
        return dA


@pytest.mark.parametrize("activation", [Swish(), PassThrough()], ids=repr)
def test_the_gradient_of_a_users_own_activation(activation):
    assert_gradient_agrees(build(SoftmaxCrossEntropy(), [activation, Tanh()], penalties=[L2(0.1)]))
    assert_gradient_agrees(build(SquaredError(), [activation, activation, activation]))


# The value.


@every_loss
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_the_value_is_the_weighted_mean_of_the_losses_plus_the_penalties(loss, sample_weight):
    X, Y = data(loss)
    objective = build(loss, [Maxout(), PReLU()], penalties=[L1(0.2), L2(0.3)], rows=TrainingRows(X, Y, sample_weight))
    network = random_network([Maxout(), PReLU()])
    losses = loss.evaluate(network.raw_output(X), Y)[0]
    W = np.concatenate([W.ravel() for W in network.weights])
    expected = np.average(losses, weights=sample_weight) + 0.2 * np.abs(W).sum() + 0.15 * np.sum(W**2)
    np.testing.assert_allclose(evaluated(objective, ALL)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(objective.penalty(), 0.2 * np.abs(W).sum() + 0.15 * np.sum(W**2), rtol=1e-12)


def test_biases_and_slopes_are_not_penalised():
    free, penalised = (build(SquaredError(), [PReLU(), PReLU()], penalties=p) for p in ([], [L1(0.5), L2(0.5)]))
    difference = evaluated(penalised, ALL)[1] - evaluated(free, ALL)[1]
    n_weights = 3 * 4 + 4 * 3 + 3 * 2
    np.testing.assert_array_equal(difference[n_weights:], 0)
    assert difference[:n_weights].all()


@every_loss
def test_a_second_evaluation_forgets_the_first(loss):
    objective = build(loss, [PReLU(), Maxout()], penalties=[L1(0.1), L2(0.1)])
    first = evaluated(objective, ALL)
    evaluated(objective, slice(2, 5))
    second = evaluated(objective, ALL)
    assert first[0] == second[0]
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
@every_loss
def test_precision_is_kept_and_single_agrees_with_double(loss, dtype, sample_weight):
    activations = [ACTIVATIONS["elu"], ACTIVATIONS["mish"]]
    rows = TrainingRows(*data(loss, dtype=dtype), sample_weight)
    value, gradient = evaluated(build(loss, activations, penalties=[L2(0.1)], rows=rows, dtype=dtype), ALL)
    rows = TrainingRows(*data(loss), sample_weight)
    expected, double = evaluated(build(loss, activations, penalties=[L2(0.1)], rows=rows), ALL)
    assert gradient.dtype == dtype
    assert type(value) is float
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, double, rtol=1e-4, atol=1e-5)


# Rows.


@every_loss
@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csr_matrix, np.asfortranarray])
@pytest.mark.parametrize("rows", [ALL, slice(1, 4), np.array([5, 0, 3])], ids=repr)
def test_sparse_and_other_layouts_equal_dense(loss, convert, rows):
    X, Y = data(loss)
    X[X < 0] = 0
    dense = evaluated(build(loss, [Tanh()], rows=TrainingRows(X, Y)), rows)
    other = evaluated(build(loss, [Tanh()], rows=TrainingRows(convert(X), Y)), rows)
    np.testing.assert_allclose(other[0], dense[0], rtol=1e-12)
    np.testing.assert_allclose(other[1], dense[1], rtol=1e-11, atol=1e-14)


@every_loss
def test_an_integer_weight_is_a_repetition(loss):
    X, Y = data(loss)
    counts = np.array([0, 1, 2, 3, 1, 0, 2, 1])
    repeated = TrainingRows(np.repeat(X, counts, axis=0), np.repeat(Y, counts, axis=0))
    weighted = evaluated(build(loss, [Maxout()], rows=TrainingRows(X, Y, counts)), ALL)
    expected = evaluated(build(loss, [Maxout()], rows=repeated), slice(0, counts.sum()))
    np.testing.assert_allclose(weighted[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(weighted[1], expected[1], rtol=1e-11, atol=1e-15)


@every_loss
@pytest.mark.parametrize("factor", [1e-6, 1.0, 7.0])
def test_the_scale_of_the_weights_does_not_matter(loss, factor):
    unscaled = evaluated(build(loss, [Tanh()], rows=TrainingRows(*data(loss), WEIGHTS)), ALL)
    scaled = evaluated(build(loss, [Tanh()], rows=TrainingRows(*data(loss), factor * WEIGHTS)), ALL)
    np.testing.assert_allclose(scaled[0], unscaled[0], rtol=1e-12)
    np.testing.assert_allclose(scaled[1], unscaled[1], rtol=1e-11, atol=1e-15)


@every_loss
def test_a_batch_of_zero_weight_contributes_only_the_penalty(loss):
    objective = build(loss, [PReLU()], penalties=[L2(0.1)], rows=TrainingRows(*data(loss), WEIGHTS))
    assert objective.evaluate(np.array([0, 5])) == 0
    penalty = np.zeros_like(objective.gradient)
    n_weights = 3 * 4 + 4 * 2
    penalty[:n_weights] = 0.1 * objective.parameters[:n_weights]
    np.testing.assert_allclose(objective.gradient, penalty, atol=1e-17)


@every_loss
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 8])
def test_the_mean_over_the_batches_is_the_whole(loss, sample_weight, batch_size):
    rows = TrainingRows(*data(loss), sample_weight)
    objective = build(loss, [PReLU(), Tanh()], penalties=[L1(0.1)], rows=rows)
    whole, whole_gradient = evaluated(objective, ALL)
    order = np.random.RandomState(0).permutation(N_ROWS)
    batches = [order[start : start + batch_size] for start in range(0, N_ROWS, batch_size)]
    value = gradient = 0
    for batch in batches:
        part = evaluated(objective, batch)
        value, gradient = value + part[0] * len(batch) / N_ROWS, gradient + part[1] * len(batch) / N_ROWS
    np.testing.assert_allclose(value, whole, rtol=1e-12)
    np.testing.assert_allclose(gradient, whole_gradient, rtol=1e-10, atol=1e-14)


@every_loss
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_only_the_rows_of_the_subset_count(loss, convert, sample_weight):
    X, Y = data(loss)
    subset = np.array([6, 1, 3, 4, 2])
    part = TrainingRows(convert(X), Y, sample_weight, subset)
    alone = TrainingRows(convert(X[subset]), Y[subset], None if sample_weight is None else sample_weight[subset])
    assert len(part) == len(alone) == 5
    for rows in (slice(0, 5), slice(1, 3), np.array([4, 0])):
        expected = evaluated(build(loss, [Tanh()], rows=alone), rows)
        got = evaluated(build(loss, [Tanh()], rows=part), rows)
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-12)
        np.testing.assert_allclose(got[1], expected[1], rtol=1e-11, atol=1e-15)


@every_loss
def test_a_single_row(loss):
    X, Y = data(loss)
    alone = build(loss, [Tanh()], rows=TrainingRows(X[2:3], Y[2:3]))
    among_others = build(loss, [Tanh()], rows=TrainingRows(X, Y))
    expected = evaluated(alone, slice(0, 1))
    for rows in (slice(2, 3), np.array([2])):
        got = evaluated(among_others, rows)
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-12)
        np.testing.assert_allclose(got[1], expected[1], rtol=1e-11, atol=1e-15)


@every_loss
@pytest.mark.parametrize("rows", [ALL, np.arange(N_ROWS)[::-1]], ids=["slice", "indices"])
def test_the_data_stay_as_they_are(loss, rows):
    X, Y = data(loss)
    sample_weight = WEIGHTS.copy()
    X.flags.writeable = Y.flags.writeable = sample_weight.flags.writeable = False
    objective = build(loss, [PassThrough()], rows=TrainingRows(X, Y, sample_weight))
    assert np.isfinite(objective.evaluate(rows))  # writing to a read-only array raises


def test_rows_taken_are_those_asked_for_whatever_was_taken_before():
    X, Y = data(SquaredError())
    rows = TrainingRows(X, Y, np.arange(1.0, 9.0))
    for asked in (np.array([1, 2]), np.array([7, 0, 3, 3]), np.array([5]), slice(2, 6)):
        taken_X, taken_Y, sample_weight = rows.take(asked)
        np.testing.assert_array_equal(taken_X, X[asked])
        np.testing.assert_array_equal(taken_Y, Y[asked])
        np.testing.assert_allclose(sample_weight, np.arange(1.0, 9.0)[asked] / 4.5)


def test_a_slice_of_dense_rows_is_not_copied():
    X, Y = data(SquaredError())
    assert np.shares_memory(TrainingRows(X, Y).take(slice(1, 4))[0], X)


# What training adds: dropout, batch normalisation, smoothed labels.

REGULARISED = [Tanh(), ELU(), Maxout(), PReLU()]


class Replayed(Objective):
    """An objective that draws the same masks in each evaluation."""

    def evaluate(self, rows):
        for mask in self.masks:
            if mask is not None:
                mask.rng.seed(7)
        return super().evaluate(rows)


def regularised(
    activation,
    *,
    rates=None,
    batch_norm=False,
    n_members=1,
    loss=None,
    sample_weight=None,
    convert=np.asarray,
    X=None,
):
    """Return an objective with two hidden layers, L1, L2 and what is asked for."""
    loss, sizes = loss or SoftmaxCrossEntropy(label_smoothing=0.2), [N_FEATURES, 4, 3, N_OUTPUTS]
    activations, size = [activation] * 2, Layout(sizes, [activation] * 2, batch_norm, n_members).size
    network = Network(sizes, activations, 0.5 * np.random.RandomState(3).normal(size=size), batch_norm, n_members)
    masks = [Dropout(rate, np.random.RandomState(0)) if rate else None for rate in rates or []]
    data_X, Y = data(loss)
    rows = TrainingRows(convert(data_X if X is None else X), Y, sample_weight)
    objective = Replayed(network, loss, [L1(0.01), L2(0.1)], rows, len(rows), dropout=masks)
    objective.masks, objective.network = masks, network
    return objective


@pytest.mark.parametrize("activation", REGULARISED, ids=repr)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("rates", [[0.4, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.2, 0.3, 0.4]], ids=str)
def test_the_gradient_with_dropout(activation, convert, rates):
    for sample_weight in (None, WEIGHTS):
        assert_gradient_agrees(regularised(activation, rates=rates, convert=convert, sample_weight=sample_weight))


@pytest.mark.parametrize("activation", [*REGULARISED, ReLU()], ids=repr)
@pytest.mark.parametrize("rates", [None, [0.2, 0.3, 0.4]], ids=str)
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(0.3), LogisticLoss(0.1), SquaredError()], ids=repr)
def test_the_gradient_with_batch_normalisation(activation, rates, loss):
    for sample_weight in (None, WEIGHTS):
        objective = regularised(activation, rates=rates, batch_norm=True, loss=loss, sample_weight=sample_weight)
        assert objective.gradient.shape == (objective.network.layout.n_trainable,)
        assert_gradient_agrees(objective)


@pytest.mark.parametrize("activation", [*ACTIVATIONS.values(), Maxout(3)], ids=repr)
@every_loss
def test_the_gradient_with_members(activation, loss):
    assert_gradient_agrees(regularised(activation, loss=loss, n_members=3))


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("activation", REGULARISED, ids=repr)
@pytest.mark.parametrize("rates", [None, [0.2, 0.3, 0.4]], ids=str)
def test_the_gradient_with_members_and_all_else(activation, rates, convert):
    options = {"rates": rates, "batch_norm": True, "sample_weight": WEIGHTS, "convert": convert}
    assert_gradient_agrees(regularised(activation, n_members=3, **options))


@pytest.mark.parametrize("activation", REGULARISED, ids=repr)
def test_the_gradient_with_batch_normalisation_of_a_constant_unit(activation):
    objective = regularised(activation, batch_norm=True)
    objective.network.weights[0][:, 0] = 0
    objective.evaluate(ALL)
    assert np.isfinite(objective.gradient).all()
    # Differences in these weights leave the constant at once, and curve on the scale of sqrt(epsilon).
    got, expected = evaluated(objective, ALL)[1], differences(objective, 1e-6)
    others = np.ones(got.size, bool)
    others[: objective.network.weights[0].size : objective.network.weights[0].shape[1]] = False
    np.testing.assert_allclose(got[others], expected[others], atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("rows", [slice(2, 3), np.array([4])], ids=repr)
def test_the_gradient_with_batch_normalisation_of_one_row(rows):
    objective = regularised(Tanh(), batch_norm=True)
    value = objective.evaluate(rows)
    got, theta = objective.gradient.copy(), objective.parameters
    n_weights = objective.network.layout.n_weights
    hidden = n_weights - objective.network.weights[-1].size
    penalty = 0.1 * theta[:hidden] + 0.01 * np.sign(theta[:hidden])
    assert np.isfinite(value)
    np.testing.assert_allclose(got[:hidden], penalty, atol=1e-14)  # a row alone is always its own mean
    assert np.abs(got[hidden:]).max() > 0.01


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("rates", [None, [0.3, 0.3, 0.3]], ids=str)
def test_a_regularised_batch_of_zero_weight_contributes_only_the_penalty(batch_norm, rates):
    objective = regularised(PReLU(), rates=rates, batch_norm=batch_norm, sample_weight=WEIGHTS)
    statistics = objective.state[len(objective.parameters) :].copy()
    assert objective.evaluate(np.array([0, 5])) == 0
    n_weights, W = objective.network.layout.n_weights, objective.parameters[: objective.network.layout.n_weights]
    np.testing.assert_allclose(objective.gradient[:n_weights], 0.1 * W + 0.01 * np.sign(W), atol=1e-16)
    np.testing.assert_array_equal(objective.gradient[n_weights:], 0)
    np.testing.assert_array_equal(objective.state[len(objective.parameters) :], statistics)


@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_settled_statistics_predict_what_training_saw(sample_weight):
    objective = regularised(ELU(), batch_norm=True, sample_weight=sample_weight)
    for seed in range(3):
        objective.evaluate(np.random.RandomState(seed).permutation(N_ROWS)[:3])
    objective.update_running_statistics(ALL)
    value, (X, Y) = objective.evaluate(ALL), data(SoftmaxCrossEntropy())
    losses = objective.loss.evaluate(objective.network.raw_output(X), Y)[0]
    np.testing.assert_allclose(np.average(losses, weights=sample_weight), value, rtol=1e-12)


def test_a_forward_pass_with_dropout_and_the_masks_by_hand():
    objective = regularised(Tanh(), rates=[0.3, 0.5, 0.4], loss=SquaredError())
    value, (X, Y), network = objective.evaluate(ALL), data(SquaredError()), objective.network
    shapes = zip([0.3, 0.5, 0.4], [N_FEATURES, 4, 3], strict=True)
    masks = [Dropout(rate, np.random.RandomState(7)).forward(np.ones((N_ROWS, width))) for rate, width in shapes]
    A = X * masks[0]
    for W, b, mask in zip(network.weights[:2], network.biases[:2], masks[1:], strict=True):
        A = np.tanh(A @ W + b) * mask
    F = A @ network.weights[2] + network.biases[2]
    np.testing.assert_allclose(value, np.mean(np.sum((F - Y) ** 2, axis=1)) / 2, rtol=1e-12)


def test_a_linear_network_with_dropout_is_undropped_on_average():
    """The mean of n draws is within six standard errors, measured on the draws, of the output without dropout."""
    objective = regularised(ACTIVATIONS["identity"], rates=[0.3, 0.5, 0.2], loss=SquaredError())
    X, network = data(SquaredError())[0], objective.network
    rng, draws = np.random.RandomState(0), []
    masks = [Dropout(rate, rng) for rate in (0.3, 0.5, 0.2)]
    for _ in range(4000):
        A = masks[0].forward(X)
        for W, b, mask in zip(network.weights[:2], network.biases[:2], masks[1:], strict=True):
            A = mask.forward(A @ W + b)
        draws.append(A @ network.weights[2] + network.biases[2])
    error = np.mean(draws, axis=0) - network.raw_output(X)
    assert (np.abs(error) < 6 * np.std(draws, axis=0) / np.sqrt(len(draws))).all()


# The bound.


def test_projection_bounds_the_weights_of_every_layer_and_nothing_else():
    network = random_network([PReLU(), ReLU()])
    rows = TrainingRows(*data(SquaredError()))
    objective = Objective(network, SquaredError(), [], rows, N_ROWS, MaxNorm(0.4))
    before = network.parameters.copy()
    objective.project()
    for W in network.weights:
        norms = np.linalg.norm(W, axis=0)
        assert (norms <= 0.4 * (1 + 1e-12)).all()
        assert np.isclose(norms, 0.4).any()
    n_weights = network.layout.n_weights
    np.testing.assert_array_equal(network.parameters[n_weights:], before[n_weights:])


def test_without_a_bound_projection_does_nothing():
    objective = build(SquaredError(), [ReLU()])
    before = objective.parameters.copy()
    objective.project()
    np.testing.assert_array_equal(objective.parameters, before)


class OwnReLU(ReLU):
    pass


class OwnError(SquaredError):
    pass


class OwnPenalty(L2):
    pass


def backend_of(activation, loss, penalty):
    network = Network.zeros([2, 3, 1], [activation], np.float64)
    return Objective(network, loss, [penalty], TrainingRows(np.eye(2), np.ones((2, 1))), 2).backend


def test_all_parts_of_the_package_give_the_chosen_form(backend):
    assert backend_of(ReLU(), SquaredError(), L2(0.1)) == backend


@pytest.mark.parametrize(
    "parts",
    [(OwnReLU(), SquaredError(), L2(0.1)), (ReLU(), OwnError(), L2(0.1)), (ReLU(), SquaredError(), OwnPenalty(0.1))],
)
def test_one_part_of_the_users_own_gives_numpy(parts, backend):
    assert backend_of(*parts) == "numpy"
