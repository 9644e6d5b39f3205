"""What holds for every loss, and what each one is according to scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy import special
from sklearn import metrics

from skneural.losses import (
    LOSSES,
    AbsoluteError,
    Huber,
    LogisticLoss,
    PoissonLoss,
    Quantile,
    SoftmaxCrossEntropy,
    SquaredError,
)

SMOOTHED = [SoftmaxCrossEntropy(0.2), LogisticLoss(0.2), SoftmaxCrossEntropy(np.float64(0.1))]
EVERY = [*LOSSES.values(), *SMOOTHED, LogisticLoss(np.float64(0.1)), Huber(0.3), Huber(2), Huber(np.float64(0.7))]
EVERY += [Quantile(0.9), Quantile([0.05, 0.5, 0.95]), Quantile((0.1, 0.2, np.float64(0.3)))]
N_ROWS, N_OUTPUTS = 12, 3

every_loss = pytest.mark.parametrize("loss", EVERY, ids=repr)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def targets(loss, rng, shape, dtype):
    if isinstance(loss, SoftmaxCrossEntropy):
        return rng.randint(0, shape[1], shape[0])
    if isinstance(loss, LogisticLoss):
        return rng.randint(0, 2, shape).astype(dtype)
    return (rng.poisson(1.5, shape) if isinstance(loss, PoissonLoss) else rng.normal(size=shape)).astype(dtype)


def problem(loss, dtype=np.float64, shape=(N_ROWS, N_OUTPUTS), scale=1.5):
    """Return raw output and targets."""
    rng = np.random.RandomState(0)
    F = (scale * rng.normal(size=shape)).astype(dtype)
    return F, targets(loss, rng, shape, dtype)


@every_loss
def test_the_gradient_agrees_with_centred_differences(loss):
    F, Y = problem(loss)
    gradient, step = np.zeros_like(F), 1e-5
    for i in np.ndindex(F.shape):
        shift = np.zeros_like(F)
        shift[i] = step
        gradient[i] = (loss.evaluate(F + shift, Y)[0] - loss.evaluate(F - shift, Y)[0]).sum() / (2 * step)
    got = loss.evaluate(F, Y)[1]
    assert np.abs(got - gradient).max() < 1e-6 * np.abs(gradient).max()


@every_loss
@every_dtype
def test_memory_given_or_not_makes_no_difference(loss, dtype):
    F, Y = problem(loss, dtype)
    losses, dF = loss.evaluate(F, Y)
    out = np.full_like(F, np.nan)
    again, out_dF = loss.evaluate(F, Y, out=out)
    assert out_dF is out
    np.testing.assert_array_equal(out, dF)
    np.testing.assert_array_equal(again, losses)


@every_loss
@every_dtype
def test_the_arguments_stay_as_they_are(loss, dtype):
    F, Y = problem(loss, dtype)
    F.flags.writeable = Y.flags.writeable = False
    loss.evaluate(F, Y)  # writing to a read-only array raises
    loss.predict(F)
    if hasattr(loss, "log_predict"):
        loss.log_predict(F)


@every_loss
@every_dtype
def test_precision_and_shapes_are_kept(loss, dtype):
    F, Y = problem(loss, dtype)
    losses, dF = loss.evaluate(F, Y)
    prediction = loss.predict(F)
    assert (losses.dtype, dF.dtype, prediction.dtype) == (dtype, dtype, dtype)
    assert (losses.shape, dF.shape, prediction.shape) == ((N_ROWS,), F.shape, F.shape)


@every_loss
def test_rows_do_not_touch_each_other(loss):
    F, Y = problem(loss)
    losses, dF = loss.evaluate(F, Y)
    for i in range(N_ROWS):
        one, d_one = loss.evaluate(F[i : i + 1], Y[i : i + 1])
        np.testing.assert_allclose(one, losses[i : i + 1], rtol=1e-14)
        np.testing.assert_allclose(d_one, dF[i : i + 1], rtol=1e-14, atol=1e-16)


@every_loss
def test_losses_are_non_negative(loss):
    F, Y = problem(loss, scale=5)
    assert (loss.evaluate(F, Y)[0] >= 0).all()


# Values.


def test_softmax_cross_entropy_is_sklearns_log_loss():
    F, y = problem(SoftmaxCrossEntropy())
    P = SoftmaxCrossEntropy().predict(F)
    np.testing.assert_allclose(P, special.softmax(F, axis=1), rtol=1e-14)
    losses = SoftmaxCrossEntropy().evaluate(F, y)[0]
    np.testing.assert_allclose(losses.mean(), metrics.log_loss(y, P, labels=range(N_OUTPUTS)))


def test_logistic_loss_is_sklearns_log_loss_of_each_output():
    F, Y = problem(LogisticLoss())
    P = LogisticLoss().predict(F)
    np.testing.assert_allclose(P, 1 / (1 + np.exp(-F)))
    expected = sum(metrics.log_loss(y, p, labels=[0, 1]) for y, p in zip(Y.T, P.T, strict=True))
    np.testing.assert_allclose(LogisticLoss().evaluate(F, Y)[0].mean(), expected)


def test_softmax_of_two_scores_is_logistic_in_their_difference():
    F, y = problem(SoftmaxCrossEntropy(), shape=(N_ROWS, 2))
    difference = F[:, 1:] - F[:, :1]
    both = SoftmaxCrossEntropy().evaluate(F, y)[0], LogisticLoss().evaluate(difference, y[:, None])[0]
    np.testing.assert_allclose(*both)
    np.testing.assert_allclose(SoftmaxCrossEntropy().predict(F)[:, 1:], LogisticLoss().predict(difference))


@pytest.mark.parametrize("smoothing", [0.1, 0.6])
def test_label_smoothing_mixes_the_label_with_an_even_guess(smoothing):
    F, y = problem(SoftmaxCrossEntropy())
    expected = np.zeros(N_ROWS)
    for label in range(N_OUTPUTS):
        share = (1 - smoothing) * (y == label) + smoothing / N_OUTPUTS
        expected += share * SoftmaxCrossEntropy().evaluate(F, np.full(N_ROWS, label))[0]
    np.testing.assert_allclose(SoftmaxCrossEntropy(smoothing).evaluate(F, y)[0], expected)


@pytest.mark.parametrize("smoothing", [0.1, 0.6])
def test_label_smoothing_mixes_yes_and_no(smoothing):
    F, Y = problem(LogisticLoss())
    plain, opposite = (LogisticLoss().evaluate(F, targets)[0] for targets in (Y, 1 - Y))
    expected = (1 - smoothing / 2) * plain + smoothing / 2 * opposite
    np.testing.assert_allclose(LogisticLoss(smoothing).evaluate(F, Y)[0], expected)


@pytest.mark.parametrize(
    ("loss", "metric", "factor"),
    [
        (SquaredError(), metrics.mean_squared_error, 0.5),
        (AbsoluteError(), metrics.mean_absolute_error, 1),
    ],
    ids=["squared_error", "absolute_error"],
)
def test_regression_losses_are_sklearns(loss, metric, factor):
    F, Y = problem(loss)
    expected = factor * metric(Y, F, multioutput="raw_values").sum()
    np.testing.assert_allclose(loss.evaluate(F, Y)[0].mean(), expected)
    np.testing.assert_array_equal(loss.predict(F), F)


def test_poisson_loss_is_half_of_sklearns_deviance():
    F, Y = problem(PoissonLoss())
    assert (Y == 0).any()
    columns = zip(Y.T, PoissonLoss().predict(F).T, strict=True)
    expected = sum(metrics.mean_poisson_deviance(y, mean) for y, mean in columns) / 2
    np.testing.assert_allclose(PoissonLoss().evaluate(F, Y)[0].mean(), expected)


@pytest.mark.parametrize("delta", [0.1, 1.0, 5.0])
def test_huber_is_scipys(delta):
    F, Y = problem(Huber())
    np.testing.assert_allclose(Huber(delta).evaluate(F, Y)[0], special.huber(delta, F - Y).sum(axis=1))


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), Huber()], ids=repr)
def test_a_perfect_prediction_costs_nothing(loss):
    F, _ = problem(loss)
    losses, dF = loss.evaluate(F, F)
    assert not losses.any()
    assert not dF.any()


@pytest.mark.parametrize("value", [0, -1, np.nan])
def test_huber_needs_a_positive_delta(value):
    with pytest.raises(ValueError, match=r"'delta' parameter of Huber must be a float in the range \(0\.0, inf\)"):
        Huber(value).check()


# Extremes.


def extremes(loss, size):
    """Return scores of ±size, with right and with wrong targets."""
    F = np.array([[-size, size], [size, -size], [-size, size], [0, -size]], dtype=np.float32)
    Y = np.array([[0, 1], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    if loss.n_outputs_per_target > 1:
        return np.repeat(F[:, :1], loss.n_outputs_per_target, axis=1), np.repeat(
            Y[:, :1], loss.n_outputs_per_target, axis=1
        )
    return F, Y[:, 1].astype(int) if isinstance(loss, SoftmaxCrossEntropy) else Y


GROWS_FASTER = (SquaredError, PoissonLoss)  # their true value at 1e38, or 1e4, is beyond all floating-point numbers
LINEAR = [loss for loss in EVERY if not isinstance(loss, GROWS_FASTER)]


@pytest.mark.parametrize(
    ("loss", "size"),
    [*((loss, size) for loss in LINEAR for size in (1e4, 5e37)), (SquaredError(), 1e4), (PoissonLoss(), 80)],
    ids=str,
)
def test_extreme_scores_cost_much_but_not_everything(loss, size):
    F, Y = extremes(loss, size)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        losses, dF = loss.evaluate(F, Y)
        prediction = loss.predict(F)
    for array in (losses, dF, prediction):
        assert np.isfinite(array).all()
    assert losses.max() >= size * 0.01


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), LogisticLoss()], ids=repr)
@pytest.mark.parametrize("size", [1e4, 1e38])
def test_confident_and_right_costs_nothing_confident_and_wrong_the_distance(loss, size):
    F, Y = extremes(loss, size)
    losses, _ = loss.evaluate(F, Y)
    np.testing.assert_allclose(losses[:2], [0, 2 * size], rtol=1e-6)


PROBABILISTIC = [loss for loss in EVERY if hasattr(loss, "log_predict")]


@pytest.mark.parametrize("loss", PROBABILISTIC, ids=repr)
@pytest.mark.parametrize("size", [1, 30, 1e4, 1e38, 3.4e38])
def test_log_probabilities_are_finite_and_fit_the_probabilities(loss, size):
    F = size * np.random.RandomState(0).uniform(-1, 1, (50, 4)).astype(np.float32)
    F[:4] = size * np.float32([[1, -1, 0, 0], [-1, -1, -1, 1], [1, 1, 1, 1], [-1, -1, -1, -1]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        P, log_P = loss.predict(F), loss.log_predict(F)
    assert np.isfinite(log_P).all()
    assert (log_P <= 0).all()
    np.testing.assert_allclose(np.exp(log_P), P, rtol=3e-6, atol=1e-37)


@pytest.mark.parametrize("loss", PROBABILISTIC, ids=repr)
@every_dtype
def test_far_below_zero_log_probabilities_are_still_exact(loss, dtype):
    F = np.array([[0.0, -50.0, -2000.0]], dtype=dtype)
    expected = special.log_softmax(F, axis=1) if loss.inverse_link == "softmax" else special.log_expit(F)
    np.testing.assert_allclose(loss.log_predict(F), expected, rtol=1e-6, atol=1e-20)


@pytest.mark.parametrize("size", [1, 1e4, 1e38, 3.4e38])
def test_softmax_probabilities_sum_to_one(size):
    F = size * np.random.RandomState(0).uniform(-1, 1, (50, 4)).astype(np.float32)
    P = SoftmaxCrossEntropy().predict(F)
    assert (P >= 0).all()
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-6)


def test_softmax_does_not_see_a_common_shift():
    F, y = problem(SoftmaxCrossEntropy())
    losses, dF = SoftmaxCrossEntropy().evaluate(F + 1000, y)
    expected, expected_dF = SoftmaxCrossEntropy().evaluate(F, y)
    np.testing.assert_allclose(losses, expected, rtol=1e-11)
    np.testing.assert_allclose(dF, expected_dF, rtol=1e-11)
    np.testing.assert_allclose(dF.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize(("quantile", "columns"), [(0.3, 3), ([0.05, 0.5, 0.9], 3)])
def test_quantile_is_scikit_learns_pinball_loss(quantile, columns):
    F, Y = problem(Quantile(quantile), shape=(N_ROWS, columns))
    quantiles = np.broadcast_to(quantile, columns)
    expected = sum(metrics.mean_pinball_loss(Y[:, j], F[:, j], alpha=q) for j, q in enumerate(quantiles))
    np.testing.assert_allclose(Quantile(quantile).evaluate(F, Y)[0].mean(), expected)


def test_the_median_is_half_the_absolute_error():
    F, Y = problem(Quantile())
    for ours, twice in zip(Quantile().evaluate(F, Y), AbsoluteError().evaluate(F, Y), strict=True):
        np.testing.assert_allclose(2 * ours, twice)


@pytest.mark.parametrize("quantile", [0, 1, 1.5, -0.1, np.nan, "0.5", None, True, [], [0.5, 0.5], [0.9, 0.1], [0.5, 2]])
def test_what_is_no_quantile_is_refused(quantile):
    with pytest.raises(
        ValueError, match=r"'quantile' parameter of Quantile must be a float in the range \(0\.0, 1\.0\)"
    ):
        Quantile(quantile).check()


def test_what_training_starts_from_is_the_best_constant():
    rng = np.random.RandomState(0)
    Y, weights = rng.exponential(size=(200, 1)), rng.randint(0, 4, 200).astype(float)
    for loss, columns in [(Quantile(0.8), 1), (Quantile([0.1, 0.6]), 2), (PoissonLoss(), 1)]:
        targets = np.repeat(Y, columns, axis=1)
        start = loss.initial_output(targets, weights)

        def mean_loss(f, loss=loss, targets=targets):
            return np.average(loss.evaluate(np.tile(f, (200, 1)), targets)[0], weights=weights)

        for shift in (-0.01, 0.01):
            assert mean_loss(start) <= mean_loss(start + shift)


@pytest.mark.parametrize("loss", EVERY, ids=repr)
def test_a_loss_is_homogeneous_if_it_grows_with_the_unit_of_targets_and_predictions(loss):
    if isinstance(loss, SoftmaxCrossEntropy | LogisticLoss):
        assert not loss.homogeneous  # labels have no unit
        return
    F, Y = problem(loss)
    smaller, larger = loss.evaluate(F, Y)[0], loss.evaluate(F + np.log(7.0), 7 * Y)[0]
    assert np.allclose(larger, 7 * smaller, rtol=1e-10) == loss.homogeneous


@pytest.mark.parametrize("loss", [loss for loss in EVERY if loss.in_target_units], ids=repr)
def test_a_loss_is_robust_if_the_distance_of_an_outlier_does_not_change_its_gradient(loss):
    F = np.zeros((2, loss.n_outputs_per_target))
    far = loss.evaluate(F, np.array([[1e3], [-1e3]]) + F)[1]
    farther = loss.evaluate(F, np.array([[1e9], [-1e9]]) + F)[1]
    assert np.array_equal(far, farther) == loss.robust


CLASSES = [SoftmaxCrossEntropy(), SoftmaxCrossEntropy(0.2), LogisticLoss(), LogisticLoss(0.2)]


@pytest.mark.parametrize("loss", CLASSES, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_classification_starts_from_the_best_constant(loss, weighted):
    rng = np.random.RandomState(0)
    codes = rng.choice(3, 200, p=[0.7, 0.25, 0.05])
    Y = codes if isinstance(loss, SoftmaxCrossEntropy) else np.eye(3)[codes]
    weights = rng.randint(1, 4, 200) * 1.0 if weighted else None
    start = loss.initial_output(Y, weights)
    gradient = loss.evaluate(np.tile(start, (200, 1)), Y)[1]
    np.testing.assert_allclose(np.average(gradient, axis=0, weights=weights), 0, atol=1e-15)
    if isinstance(loss, SoftmaxCrossEntropy):
        np.testing.assert_allclose(start.mean(), 0, atol=1e-15)


@pytest.mark.parametrize("loss", CLASSES, ids=repr)
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_equally_frequent_classes_start_at_zero_exactly(loss, n_classes):
    codes = np.tile(np.arange(n_classes), 11)
    labels = np.tile([[0.0, 1.0], [1.0, 0.0]], (11, 1))
    start = loss.initial_output(codes if isinstance(loss, SoftmaxCrossEntropy) else labels)
    np.testing.assert_array_equal(start, 0)


@pytest.mark.parametrize("loss", CLASSES, ids=repr)
def test_a_class_without_weight_counts_as_half_a_row(loss):
    codes = np.repeat([0, 1, 2], [30, 10, 10])
    weights = np.repeat([1.0, 1.0, 0.0], [30, 10, 10])
    Y = codes if isinstance(loss, SoftmaxCrossEntropy) else np.eye(3)[codes]
    P = loss.predict(loss.initial_output(Y, weights)[np.newaxis])[0]
    smoothed = 0.2 / (3 if isinstance(loss, SoftmaxCrossEntropy) else 2) if loss.label_smoothing else 0
    np.testing.assert_allclose(P[2], (1 - loss.label_smoothing) * 0.5 / 40 + smoothed, rtol=0.02)


@pytest.mark.parametrize("factor", [1e-300, 1.0, 1e300])
def test_extreme_weights_start_from_finite_outputs(factor):
    weights = factor * np.r_[np.ones(5), np.full(5, 1e-7)]
    codes = np.repeat([0, 1], 5)
    for start in (
        SoftmaxCrossEntropy().initial_output(codes, weights),
        LogisticLoss().initial_output(codes[:, None], weights),
    ):
        assert 7 < np.abs(start).max() < 20
