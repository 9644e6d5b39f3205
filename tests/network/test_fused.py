"""The fused passes against those in NumPy, which specify them: same seeds, same data, equal to rounding."""

from contextlib import contextmanager

import joblib
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from skneural.activations import ACTIVATIONS, Maxout, PReLU
from skneural.backend import built_extension, use_backend
from skneural.losses import LOSSES, Huber, LogisticLoss, PoissonLoss, Quantile, SoftmaxCrossEntropy
from skneural.network import Dropout, Layout, Network, Objective, TrainingRows
from skneural.network.network import matmul
from skneural.penalties import L1, L2, MaxNorm

if built_extension("skneural.network.fused") is None:
    pytest.skip("the extension modules are not built", allow_module_level=True)

N_ROWS, N_FEATURES = 23, 5
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
every_activation = pytest.mark.parametrize(
    "activation", [*ACTIVATIONS.values(), Maxout(5), PReLU(shared=True)], ids=repr
)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def targets(loss, n_outputs, dtype):
    rng = np.random.RandomState(1)
    if isinstance(loss, SoftmaxCrossEntropy):
        return rng.randint(0, n_outputs, N_ROWS)
    if isinstance(loss, LogisticLoss):
        return rng.randint(0, 2, (N_ROWS, n_outputs)).astype(dtype)
    Y = rng.poisson(2, (N_ROWS, n_outputs)) if isinstance(loss, PoissonLoss) else rng.normal(size=(N_ROWS, n_outputs))
    return Y.astype(dtype)


def network_of(activations, sizes, dtype, batch_norm=False, n_members=1):
    network = Network.zeros(sizes, activations, dtype, batch_norm, n_members)
    n = network.layout.n_trainable
    network.parameters[:n] = 0.5 * np.random.RandomState(3).normal(size=n)
    for variances in network.views.running_variances:
        variances[...] = 1
    return network


def both(compute):
    """Return what a function gives with each form."""
    results = []
    for name in ("numpy", "native"):
        with use_backend(name):
            results.append(compute())
    return results


def assert_equal_to_rounding(got, expected, tolerance):
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * scale)


@contextmanager
def segments_of(n_rows):
    """Cut batches into segments of at least so many rows."""
    fused = built_extension("skneural.network.fused")
    default, fused.MIN_SEGMENT_ROWS = fused.MIN_SEGMENT_ROWS, n_rows
    try:
        yield
    finally:
        fused.MIN_SEGMENT_ROWS = default


@st.composite
def problems(draw):
    """Everything that an objective can be made of."""
    n_hidden = draw(st.integers(0, 3))
    activations = [
        draw(st.sampled_from([*ACTIVATIONS.values(), Maxout(3), PReLU(shared=True)])) for _ in range(n_hidden)
    ]
    more = [SoftmaxCrossEntropy(0.2), LogisticLoss(0.1), Huber(0.3), Quantile(0.8)]
    loss = draw(st.sampled_from([*LOSSES.values(), *more]))
    n_outputs = draw(st.integers(2 if isinstance(loss, SoftmaxCrossEntropy) else 1, 18))
    return {
        "activations": activations,
        "loss": loss,
        "sizes": [N_FEATURES, *(draw(st.integers(1, 40)) for _ in range(n_hidden)), n_outputs],
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "sparse": draw(st.booleans()),
        "weighted": draw(st.booleans()),
        "subset": draw(st.booleans()),
        "batch_norm": draw(st.booleans()),
        "n_members": draw(st.sampled_from([1, 1, 2, 3])),
        "rates": draw(st.lists(st.sampled_from([0, 0.3]), min_size=n_hidden + 1, max_size=n_hidden + 1)),
        "penalties": draw(st.sampled_from([[], [L1(0.1)], [L2(0.1)], [L1(0.1), L2(0.2)]])),
        "segment_rows": draw(st.sampled_from([96, 11, 5, 2])),  # from one segment to as many as there may be
    }


def evaluations(problem):
    """Return loss, gradient and running statistics after each of three batches."""
    dtype, loss, rng = problem["dtype"], problem["loss"], np.random.RandomState(0)
    X = rng.normal(size=(N_ROWS, N_FEATURES)).astype(dtype)
    X[rng.uniform(size=X.shape) < 0.3] = 0
    sample_weight = rng.choice([0.0, 0.5, 2.0], N_ROWS) if problem["weighted"] else None
    subset = np.arange(1, N_ROWS) if problem["subset"] else None
    Y = targets(loss, problem["sizes"][-1], dtype)
    rows = TrainingRows(sparse.csr_array(X) if problem["sparse"] else X, Y, sample_weight, subset)
    network = network_of(problem["activations"], problem["sizes"], dtype, problem["batch_norm"], problem["n_members"])
    masks = [Dropout(rate, np.random.RandomState(5)) if rate else None for rate in problem["rates"]]
    with segments_of(problem["segment_rows"]):
        objective = Objective(network, loss, problem["penalties"], rows, len(rows), dropout=masks)
    results = []
    for batch in (slice(0, len(rows)), np.array([3, 1, 7, 7]), np.arange(len(rows))[::2]):
        value = objective.evaluate(batch)
        results += [value, objective.gradient.copy(), objective.state.copy()]
    return objective.backend, results


@settings(max_examples=400, deadline=None)
@given(problems())
def test_loss_gradient_and_statistics_are_those_of_numpy(problem):
    with np.errstate(over="ignore", invalid="ignore"):  # as in training, which ends there
        (name, expected), (native, got) = both(lambda: evaluations(problem))
    assume(all(np.isfinite(each).all() for each in expected))
    assert (name, native) == ("numpy", "native")
    # Normalising a batch of three rows magnifies what rounding leaves: by up to 1 / sqrt(1e-5) in each layer.
    magnified = 100 if problem["batch_norm"] else 1
    for one, other in zip(got, expected, strict=True):
        assert_equal_to_rounding(one, other, magnified * TOLERANCE[problem["dtype"]])


@every_activation
@every_dtype
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-6, 1.0, 30.0, 1e4, 1e30])
def test_activations_over_their_whole_range(activation, dtype, size):
    # One unit per column of an identity matrix: raw outputs are the activations themselves.
    z = (size * np.linspace(-1, 1, 41)).astype(dtype)
    network = Network.zeros([1, 1, 1], [activation], dtype)
    network.weights[0][...], network.weights[1][...] = 1, 1
    for activation_params in network.activation_params:
        activation_params[...] = 0.25
    expected, got = both(lambda: network.raw_output(z[:, None]))
    limit = {"float64": 1e-13, "float32": 1e-5}[dtype]
    np.testing.assert_allclose(got, expected, rtol=limit, atol=limit * min(size, 1e-3))


@every_activation
@every_dtype
@pytest.mark.parametrize("size", [1e-6, 1.0, 30.0, 1e4])
def test_slopes_over_their_whole_range(activation, dtype, size):
    z = (size * np.linspace(-1, 1, 41)).astype(dtype)[:, None]

    def slopes():
        gradients = []
        for value in z:
            network = Network.zeros([1, 1, 1], [activation], dtype)
            network.weights[0][...], network.weights[1][...] = 1, 1
            rows = TrainingRows(value[:, None], np.zeros((1, 1), dtype))
            objective = Objective(network, LOSSES["absolute_error"], [], rows, 1)
            objective.evaluate(slice(0, 1))
            gradients.append(objective.gradient[1 + activation.n_pieces : 1 + 2 * activation.n_pieces].copy())
        return np.concatenate(gradients)

    expected, got = both(slopes)
    limit = {"float64": 1e-13, "float32": 2e-6}[dtype]
    np.testing.assert_allclose(got, expected, rtol=0, atol=limit)


@every_activation
def test_what_is_not_a_number_stays_so(activation):
    network = network_of([activation], [2, 3, 1], "float64")
    network.weights[0][0, 0] = np.nan
    rows = TrainingRows(np.ones((4, 2)), np.ones((4, 1)))
    objective = Objective(network, LOSSES["squared_error"], [], rows, 4)
    assert objective.backend == "native"
    assert np.isnan(objective.evaluate(slice(0, 4)))
    assert np.isnan(network.raw_output(np.ones((1, 2)))).all()


@pytest.mark.parametrize("width", [1, 4, 7, 8, 9, 15, 16, 17, 33, 100, 300])
@pytest.mark.parametrize("n_rows", [1, 2, 5, 6, 7, 13])
@every_dtype
def test_products_of_any_shape(width, n_rows, dtype):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_rows, 270)).astype(dtype)
    network = network_of([ACTIVATIONS["identity"]], [270, width, 3], dtype)
    rows = TrainingRows(X, rng.normal(size=(n_rows, 3)).astype(dtype))

    def gradient():
        objective = Objective(network, LOSSES["squared_error"], [], rows, n_rows)
        objective.evaluate(slice(0, n_rows))
        return objective.gradient.copy()

    expected, got = both(gradient)
    np.testing.assert_allclose(
        got, expected, rtol=0, atol={"float64": 1e-12, "float32": 1e-5}[dtype] * np.abs(expected).max()
    )


@pytest.mark.parametrize("penalties", [[], [L1(0.1), L2(0.2)]], ids=["free", "penalised"])
@pytest.mark.parametrize("pieces", [2, 3, 5])
@pytest.mark.parametrize("n_features", [63, 64, 104, 105, 300])
@pytest.mark.parametrize("n_rows", [1, 64, 65, 130])
@every_dtype
def test_pieces_of_maxout_get_the_gradients_of_the_rows_they_win(n_features, n_rows, pieces, penalties, dtype):
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(n_rows, n_features)).astype(dtype), rng.normal(size=(n_rows, 3)).astype(dtype)

    def gradient():
        network = network_of([Maxout(pieces), Maxout(pieces)], [n_features, 67, 9, 3], dtype)
        network.parameters /= np.sqrt(n_features).astype(dtype)
        masks = [None, Dropout(0.3, np.random.RandomState(5)), None]
        rows = TrainingRows(X, Y)
        with segments_of(30):
            objective = Objective(network, LOSSES["squared_error"], penalties, rows, n_rows, dropout=masks)
        objective.gradient[...] = np.nan  # whatever was there does not matter
        objective.evaluate(np.arange(n_rows))
        return objective.gradient

    expected, got = both(gradient)
    assert_equal_to_rounding(got, expected, {"float64": 1e-12, "float32": 1e-4}[dtype])


def main_thread(function):
    return function()


def job_beside_others(function):
    return joblib.Parallel(n_jobs=2, backend="threading")([joblib.delayed(function)()] * 2)[0]


@pytest.mark.parametrize("place", [main_thread, job_beside_others])
@pytest.mark.parametrize("penalties", [[], [L1(0.1), L2(0.2)]], ids=["free", "penalised"])
@pytest.mark.parametrize("activation", [ACTIVATIONS["tanh"], Maxout(2)], ids=repr)
@every_dtype
def test_large_products(activation, place, penalties, dtype):
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(1100, 530)).astype(dtype), np.zeros((1100, 2), dtype)
    network = network_of([activation, activation], [530, 70, 300, 2], dtype)
    network.parameters /= np.sqrt(530).astype(dtype)

    def results():
        objective = Objective(network, LOSSES["squared_error"], penalties, TrainingRows(X, Y), 1100)
        objective.gradient[...] = np.nan  # whatever was there does not matter
        loss = objective.evaluate(np.arange(1100))
        return np.hstack([objective.gradient, network.raw_output(X).ravel(), loss])

    expected, got = place(lambda: both(results))
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[dtype] / 100 * np.abs(expected).max())


@pytest.mark.parametrize("rates", [[None, None, None], [0.1, 0.2, None]], ids=["all", "dropout"])
@pytest.mark.parametrize("penalties", [[], [L1(0.1), L2(0.2)]], ids=["free", "penalised"])
@pytest.mark.parametrize("is_sparse", [False, True])
@every_dtype
def test_gradients_of_large_matrices(rates, penalties, is_sparse, dtype):
    # More than 2 ** 17 entries: threads share out the matrix, not the rows; but one thread takes sparse rows.
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(330, 400)).astype(dtype), rng.normal(size=(330, 2)).astype(dtype)
    rows = TrainingRows(sparse.csr_array(X) if is_sparse else X, Y)
    network = network_of([ACTIVATIONS["tanh"]] * 2, [400, 340, 390, 2], dtype)
    network.parameters /= np.sqrt(400).astype(dtype)

    def results():
        masks = [rate and Dropout(rate, np.random.RandomState(5)) for rate in rates]
        objective = Objective(network, LOSSES["squared_error"], penalties, rows, 330, dropout=masks)
        found = []
        for batch in (slice(0, 330), np.arange(330)[::2], np.arange(3)):
            objective.gradient[...] = np.nan  # whatever was there does not matter
            found += [objective.evaluate(batch), objective.gradient.copy()]
        return found

    for expected, got in zip(*both(results), strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE[dtype] * np.abs(expected).max())


@pytest.mark.parametrize("least", [1e-300, 1e-38, 1e-42])
@every_dtype
def test_segments_of_tiny_weight_in_batch_normalisation(least, dtype):
    # Too small to divide by, unless they are 0 in single precision: they count for nothing.
    X = np.random.RandomState(0).normal(size=(40, N_FEATURES)).astype(dtype)
    weights = np.where(np.arange(40) < 20, least, 1)

    def results():
        network = network_of([ACTIVATIONS["relu"]], [N_FEATURES, 6, 2], dtype, batch_norm=True)
        with segments_of(10):
            objective = Objective(network, LOSSES["squared_error"], [], TrainingRows(X, X[:, :2], weights), 40)
        return [objective.evaluate(slice(0, 40)), objective.gradient.copy(), objective.state.copy()]

    for expected, got in zip(*both(results), strict=True):
        assert_equal_to_rounding(got, expected, TOLERANCE[dtype])
        assert np.isfinite(got).all()


@pytest.mark.parametrize("shape", [(1100, 300, 70), (513, 257, 100), (6, 3000, 300)])
@every_dtype
def test_large_products_of_rows_and_weights_beside_other_jobs(shape, dtype):
    n, k, m = shape
    rng = np.random.RandomState(0)
    A, W = rng.normal(size=(n, k)).astype(dtype), rng.normal(size=(k, m)).astype(dtype)
    product = job_beside_others(lambda: matmul(A, W))
    exact = A.astype("float64") @ W.astype("float64")
    np.testing.assert_allclose(product, exact, rtol=0, atol={"float64": 1e-11, "float32": 1e-3}[dtype])


LAYOUTS = {
    "fortran": np.asfortranarray,
    "every second row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "reversed": lambda X: X[::-1].copy()[::-1],
    "columns of a wider array": lambda X: np.hstack([X, X])[:, : X.shape[1]],
    "unaligned": lambda X: np.frombuffer(b"x" + X.tobytes(), np.uint8)[1:].view(X.dtype).reshape(X.shape),
    "sparse with 64-bit indices": lambda X: with_indices(X, np.int64),
    "sparse matrix": sparse.csr_matrix,
}


def with_indices(X, dtype):
    made = sparse.csr_array(X)
    made.indices, made.indptr = made.indices.astype(dtype), made.indptr.astype(dtype)
    return made


@pytest.mark.parametrize("convert", LAYOUTS.values(), ids=LAYOUTS)
def test_any_layout_of_the_rows(convert):
    X = np.random.RandomState(0).normal(size=(9, 4))
    network = network_of([ACTIVATIONS["tanh"]], [4, 6, 2], "float64")

    def results(X):
        objective = Objective(network, LOSSES["squared_error"], [], TrainingRows(X, np.zeros((9, 2))), 9)
        values = [objective.evaluate(slice(0, 5)), objective.evaluate(np.array([8, 2, 2]))]
        return [*values, objective.gradient.copy(), network.raw_output(X)]

    expected = results(X)
    if not sparse.issparse(converted := convert(X)):
        converted.flags.writeable = False
    for got, wanted in zip(results(converted), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)


def test_predictions_do_not_depend_on_the_block():
    network = network_of([ACTIVATIONS["elu"], Maxout(3)], [4, 6, 5, 2], "float64", batch_norm=True)
    X = np.random.RandomState(0).normal(size=(1300, 4))
    together = network.raw_output(X)
    np.testing.assert_array_equal(
        together[[0, 700, 1299]], np.vstack([network.raw_output(X[[i]]) for i in (0, 700, 1299)])
    )
    assert network.raw_output(X[:0]).shape == (0, 2)


@every_dtype
def test_the_bound_on_columns(dtype):
    network = network_of([PReLU()], [4, 6, 2], dtype)
    rows = TrainingRows(np.ones((2, 4), dtype), np.ones((2, 2), dtype))

    def projected():
        bounded = Network(network.sizes, network.activations, network.parameters.copy())
        Objective(bounded, LOSSES["squared_error"], [], rows, 2, MaxNorm(0.7)).project()
        return bounded.parameters

    expected, got = both(projected)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert not np.array_equal(got, network.parameters)


@pytest.mark.parametrize(("rows", "error"), [(np.array([0, 9]), IndexError), (np.array([-1]), IndexError)])
def test_rows_that_are_not_there(rows, error):
    network = network_of([], [2, 1], "float64")
    objective = Objective(network, LOSSES["squared_error"], [], TrainingRows(np.ones((9, 2)), np.ones((9, 1))), 4)
    with pytest.raises(error, match="Rows are numbered from 0 to 8"):
        objective.evaluate(rows)


@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 5), np.arange(5)])
def test_more_rows_than_there_is_memory_for(rows):
    network = network_of([], [2, 1], "float64")
    objective = Objective(network, LOSSES["squared_error"], [], TrainingRows(np.ones((9, 2)), np.ones((9, 1))), 4)
    with pytest.raises(ValueError, match="An evaluation takes from 1 to 4 rows"):
        objective.evaluate(rows)


def test_targets_of_the_wrong_size():
    network = network_of([], [2, 3], "float64")
    with pytest.raises(ValueError, match="Y must have 9 rows and 3 outputs"):
        Objective(network, LOSSES["squared_error"], [], TrainingRows(np.ones((9, 2)), np.ones((9, 2))), 4)


@pytest.mark.parametrize("code", [-1, 3, 10**9])
def test_classes_that_do_not_exist(code):
    network = network_of([], [2, 3], "float64")
    with pytest.raises(ValueError, match=r"Classes are numbered from 0 to 2\. Got"):
        Objective(network, LOSSES["softmax_cross_entropy"], [], TrainingRows(np.ones((2, 2)), np.array([0, code])), 2)


def test_the_layout_of_a_network_is_what_the_kernels_write(backend):
    network = network_of([PReLU(), Maxout()], [3, 4, 5, 2], "float64", batch_norm=True)
    rows = TrainingRows(np.random.RandomState(0).normal(size=(8, 3)), np.zeros((8, 2)))
    objective = Objective(network, LOSSES["squared_error"], [L2(0.1)], rows, 8)
    objective.evaluate(slice(0, 8))
    assert objective.gradient.shape == (Layout([3, 4, 5, 2], [PReLU(), Maxout()], True).n_trainable,)
    assert (objective.gradient != 0).mean() > 0.9


@pytest.mark.parametrize("segment_rows", [200, 20])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("hidden", [[9], [9, 80, 7]], ids=str)
def test_maxout_behind_many_features_of_several_members(hidden, batch_norm, segment_rows):
    # With so many features a single network makes the gradient of its first layer without dZ.
    def gradient():
        network = network_of([Maxout(3)] * len(hidden), [80, *hidden, 2], "float64", batch_norm, n_members=3)
        rows = TrainingRows(np.random.RandomState(0).normal(size=(40, 80)), np.zeros((40, 2)))
        with segments_of(segment_rows):
            objective = Objective(network, LOSSES["squared_error"], [], rows, 40)
        objective.evaluate(slice(0, 40))
        objective.evaluate(np.arange(30))  # a short batch
        return objective.gradient

    numpy_gradient, native_gradient = both(gradient)
    assert_equal_to_rounding(native_gradient, numpy_gradient, 1e-12)
