"""The target's scale is the estimator's business: whoever fits a · y + b gets a · p + b."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skneural import ActivationMLPRegressor
from skneural.estimators.target_scaling import restore_targets, skewness_sign, standardize_targets, target_mean_and_std
from skneural.losses import LOSSES, Huber, Quantile
from skneural.solvers import SOLVERS

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.inspection.DeadUnitsWarning"),
]

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 3))
Y = np.stack([np.exp(X[:, 0]) + X[:, 1] * X[:, 2], X[:, 1] ** 2 - X[:, 0]], axis=1) + 0.1 * RNG.normal(size=(60, 2))
WEIGHTS = RNG.randint(0, 4, len(X)).astype(float)

SIZES = st.floats(-8, 8).map(lambda exponent: 10.0**exponent)
SETTINGS = st.fixed_dictionaries(
    {
        "solver": st.sampled_from([*SOLVERS, "lbfgs"]),
        "activation": st.sampled_from(["tanh", "elu", "prelu"]),
        "alpha": st.sampled_from([0.0, 1e-4, 0.1]),
        "l1_ratio": st.sampled_from([0.0, 0.5]),
        "batch_norm": st.booleans(),
        "early_stopping": st.booleans(),
        "random_state": st.integers(0, 5),
    }
)


def fitted(y, weights, params, x=X):
    model = ActivationMLPRegressor(hidden_layer_sizes=(8,), max_iter=8, batch_size=20, **params)
    return model.fit(x, y, weights)


@settings(deadline=None, max_examples=60)
@given(
    loss=st.sampled_from(["squared_error", "absolute_error", "huber", Huber(0.3), Quantile(0.8), Quantile([0.1, 0.7])]),
    params=SETTINGS,
    dropout=st.sampled_from([0.0, 0.2]),
    weighted=st.booleans(),
    several=st.booleans(),
    size=SIZES,
    sign=st.sampled_from([-1, 1]),
    offset=st.floats(-1e3, 1e3),
)
def test_fit_is_equivariant(loss, params, dropout, weighted, several, size, sign, offset):
    quantile = isinstance(loss, Quantile)
    y = Y if several and not (quantile and loss.n_outputs_per_target > 1) else Y[:, 0]
    a, b = size * (1 if quantile else sign), size * offset
    params = {**params, "loss": loss} | ({} if params["solver"] == "lbfgs" else {"dropout": dropout})
    weights = WEIGHTS if weighted else None
    plain, moved = fitted(y, weights, params), fitted(a * y + b, weights, params)
    p, q = plain.predict(X), moved.predict(X)
    assert np.abs(q - (a * p + b)).max() <= 1e-6 * abs(a) * np.abs(p - np.mean(y)).max()
    assert_allclose(moved.loss_curve_, plain.loss_curve_, rtol=1e-6)


@settings(deadline=None, max_examples=25)
@given(params=SETTINGS, size=SIZES, offset=st.floats(-10, 10))
def test_fit_is_equivariant_in_single_precision(params, size, offset):
    X32 = X.astype(np.float32)
    plain, moved = fitted(Y[:, 0], None, params, X32), fitted(size * (Y[:, 0] + offset), None, params, X32)
    p, q = plain.predict(X32), moved.predict(X32)
    assert q.dtype == np.float32
    assert np.abs(q - size * (p + offset)).max() <= 1e-3 * size * np.abs(p - Y[:, 0].mean()).max()


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e-300, 12345.678, 1e200])
def test_a_constant_target_is_predicted_exactly(loss, constant):
    model = ActivationMLPRegressor(loss, max_iter=3, random_state=0).fit(X, np.full(len(X), constant))
    assert_array_equal(model.predict(X), constant)
    assert model.target_scale_ == 0


@pytest.mark.parametrize("constant", [0.0, 0.1, 7.0])
def test_poisson_learns_constants_in_their_own_unit(constant):
    model = ActivationMLPRegressor("poisson", max_iter=3, random_state=0).fit(X, np.full(len(X), constant))
    assert (model.target_mean_, model.target_scale_) == (0, 1)
    assert (model.predict(X) > 0).all()


def test_outputs_have_scales_of_their_own():
    scaled = Y * [1e-6, 1e6] + [5.0, -3e7]
    model = ActivationMLPRegressor(max_iter=300, learning_rate_init=0.01, random_state=0).fit(X, scaled)
    assert_allclose(model.target_mean_, scaled.mean(axis=0))
    assert_allclose(model.target_scale_, scaled.std(axis=0))
    assert model.score(X, scaled) > 0.9


def test_the_loss_is_in_units_of_the_standardized_target():
    model = ActivationMLPRegressor(max_iter=1, learning_rate_init=1e-12, alpha=0, random_state=0).fit(X, 1e6 * Y[:, 0])
    assert 0.2 < model.loss_ < 5  # half the squared error of predicting the mean is 0.5


def test_without_normalize_y_the_network_learns_the_target_as_it_comes():
    model = ActivationMLPRegressor(normalize_y=False, max_iter=5, random_state=0).fit(X, Y[:, 0])
    assert_array_equal(model.predict(X), model._network.raw_output(X)[:, 0])
    assert (model.target_mean_, model.target_scale_) == (0, 1)


def test_rows_of_weight_zero_do_not_count():
    y = Y[:, 0].copy()
    y[WEIGHTS == 0] = 1e9
    model = ActivationMLPRegressor(max_iter=5, random_state=0)
    some = WEIGHTS > 0
    expected = ActivationMLPRegressor(max_iter=5, random_state=0).fit(X[some], Y[some, 0], WEIGHTS[some])
    model.fit(X, y, WEIGHTS)
    assert_allclose(model.target_mean_, expected.target_mean_, rtol=1e-12)
    assert_allclose(model.target_scale_, expected.target_scale_, rtol=1e-12)
    assert_array_equal(model.target_range_, expected.target_range_)


def test_partial_fit_keeps_the_scale_of_the_first_call():
    model = ActivationMLPRegressor(random_state=0).partial_fit(X, 1000 * Y[:, 0])
    mean, scale = model.target_mean_, model.target_scale_
    model.partial_fit(X, Y[:, 0])
    assert_array_equal(model.target_mean_, mean)
    assert_array_equal(model.target_scale_, scale)
    assert_array_equal(model.target_range_[:, 0], [min(1000 * Y[:, 0].min(), Y[:, 0].min()), 1000 * Y[:, 0].max()])


def test_a_stream_of_single_rows_takes_its_scale_from_the_first_rows_that_differ():
    model = ActivationMLPRegressor(random_state=0)
    for value, scale in [(7.0, 0), (7.0, 0), (11.0, 2), (100.0, 2)]:
        model.partial_fit(X[:1], [value])
        assert model.target_scale_ == scale
    assert np.isfinite(model.predict(X)).all()


def test_warm_start_goes_on_exactly():
    y = 3e5 * Y[:, 0] + 1e6
    whole = ActivationMLPRegressor(max_iter=6, random_state=0).fit(X, y)
    steps = ActivationMLPRegressor(random_state=0)
    for _ in range(6):
        steps.partial_fit(X, y)
    assert_array_equal(steps.predict(X), whole.predict(X))


def test_poisson_starts_at_the_logarithm_of_the_mean():
    counts = np.random.RandomState(0).poisson(1000, len(X)).astype(float)
    model = ActivationMLPRegressor("poisson", max_iter=20, random_state=0).fit(X, counts)
    assert_allclose(model.predict(X).mean(), 1000, rtol=0.2)
    assert_allclose(np.log(counts.mean()), model.intercepts_[-1][0], atol=0.1)


@pytest.mark.parametrize("loss", ["squared_error", Quantile([0.2, 0.8])], ids=repr)
def test_clipped_predictions_stay_within_the_training_range(loss):
    far = 100 * X
    y = Y[:, 0]
    free = ActivationMLPRegressor(loss, max_iter=50, random_state=0).fit(X, y)
    model = ActivationMLPRegressor(loss, max_iter=50, random_state=0, clip_predictions=True).fit(X, y)
    assert free.predict(far).max() > y.max()
    assert model.predict(far).max() == y.max()
    assert model.predict(far).min() >= y.min()
    inside = (free.predict(X) > y.min()) & (free.predict(X) < y.max())
    assert_array_equal(model.predict(X)[inside], free.predict(X)[inside])


def test_clipped_predictions_keep_the_dtype():
    model = ActivationMLPRegressor(max_iter=2, random_state=0, dtype="float32", clip_predictions=True, n_members=2)
    model.fit(X, Y)
    assert model.predict(X).dtype == model.predict_members(X).dtype == np.float32


# The formulas.


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=20))
def test_mean_and_std_of_any_numbers(values):
    y = np.array(values)[:, None]
    mean, std = target_mean_and_std(y, None)
    largest = np.abs(y).max() or 1.0
    assert_allclose(mean, np.mean(y / largest) * largest, atol=1e-12 * largest)
    assert_allclose(std, np.std(y / largest) * largest, rtol=1e-7, atol=1e-14 * largest)
    assert np.ptp(y) > 0 or (std == 0 and mean == y[0])
    Z = standardize_targets(y, mean, std)
    assert_allclose(restore_targets(Z, mean, std), y, atol=1e-12 * largest)


def test_weights_are_repeated_rows():
    weights = np.array([1.0, 0, 3])
    y = np.array([[1.0], [100.0], [4.0]])
    repeated = np.array([[1.0], [4.0], [4.0], [4.0]])
    assert_allclose(target_mean_and_std(y, weights), target_mean_and_std(repeated, None), rtol=1e-14)


def test_mirror_images_have_opposite_orientations():
    assert_array_equal(skewness_sign(Y, None), -skewness_sign(-Y, None))
    assert_array_equal(skewness_sign(np.array([[-1.0], [1.0]]), None), 1)


def test_nothing_is_computed_with_a_warning_where_errors_are_raised():
    tiny = 1e-310 * Y[:, 0]
    with np.errstate(all="raise"):
        for y in (tiny, 1e300 * Y[:, 0], np.r_[1e300, Y[1:, 0]]):
            mean, std = target_mean_and_std(y[:, None], None)
            restore_targets(standardize_targets(y[:, None], mean, std), mean, std)


def test_every_loss_in_the_targets_units_says_so():
    assert {name for name, loss in LOSSES.items() if loss.in_target_units} == {
        "squared_error",
        "absolute_error",
        "huber",
        "quantile",
    }
