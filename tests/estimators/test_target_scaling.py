"""The target's scale is the estimator's business: whoever fits a · y + b gets a · p + b."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import mean_poisson_deviance, r2_score

from skneural import ActivationMLPRegressor, tabular_regressor
from skneural.estimators.target_scaling import (
    range_in_dtype,
    restore_targets,
    robust_mean_and_std,
    skewness_sign,
    standardize_targets,
    target_mean_and_std,
    zero_and_mean,
)
from skneural.inspection import check_gradient
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
    assert (model.target_mean_, model.target_scale_) == (0, constant or 1)
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
    assert_allclose(np.log(counts.mean()), np.log(model.target_scale_[0]) + model.intercepts_[-1][0], atol=0.1)


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


# Poisson.


@settings(deadline=None, max_examples=40)
@given(params=SETTINGS, weighted=st.booleans(), several=st.booleans(), size=SIZES)
def test_poisson_is_equivariant(params, weighted, several, size):
    y = np.exp(Y if several else Y[:, 0])
    weights, params = WEIGHTS if weighted else None, {**params, "loss": "poisson"}
    plain, moved = fitted(y, weights, params), fitted(size * y, weights, params)
    assert_allclose(moved.predict(X), size * plain.predict(X), rtol=1e-6)
    assert_allclose(moved.loss_curve_, plain.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("size", [1e-6, 1e-4, 1.0, 1e4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_poisson_fits_rates_in_any_unit(solver, size, dtype):
    x = np.random.RandomState(0).normal(size=(500, 1))
    rates = size * np.exp(x[:, 0])
    model = ActivationMLPRegressor("poisson", solver=solver, learning_rate_init=0.01, random_state=0, dtype=dtype)
    assert model.fit(x, rates).score(x, rates) > 0.99


@pytest.mark.parametrize("more", [{}, {"early_stopping": True}, {"batch_norm": True, "n_members": 2}], ids=str)
def test_poisson_with_a_mean_of_one_learns_the_target_as_it_comes(more):
    counts = np.tile([0.0, 1.0, 2.0, 1.0], 15)
    params = {"max_iter": 10, "random_state": 0, **more}
    model, in_other_unit = (ActivationMLPRegressor("poisson", **params).fit(X, size * counts) for size in (1, 8))
    assert (model.target_scale_, in_other_unit.target_scale_) == (1, 8)
    assert_array_equal(model.predict(X), model._loss.predict(model._raw_output(X))[:, 0])
    assert_array_equal(in_other_unit.predict(X), 8 * model.predict(X))


def test_poisson_without_normalize_y_learns_the_target_as_it_comes():
    y = 1e-3 * np.exp(Y)
    model = ActivationMLPRegressor("poisson", normalize_y=False, max_iter=5, random_state=0).fit(X, y)
    assert_array_equal(model.target_mean_, 0)
    assert_array_equal(model.target_scale_, 1)
    assert_array_equal(model.predict(X), np.exp(model._network.raw_output(X)))
    lbfgs = {"solver": "lbfgs", "alpha": 0, "tol": 1e-12, "max_iter": 50, "random_state": 0}
    model = ActivationMLPRegressor("poisson", normalize_y=False, **lbfgs).fit(X, y)
    deviances = [mean_poisson_deviance(y[:, k], model.predict(X)[:, k]) for k in range(2)]
    assert_allclose(model.loss_, np.sum(deviances) / 2, rtol=1e-8)


def test_the_poisson_loss_is_half_the_deviance_in_units_of_the_mean_target():
    y = np.exp(Y) * [1e-6, 1e3]
    params = {"solver": "lbfgs", "alpha": 0, "max_iter": 20, "random_state": 0}
    model = ActivationMLPRegressor("poisson", **params).fit(X, y, WEIGHTS, X_val=X, y_val=y, sample_weight_val=WEIGHTS)
    predicted = model.predict(X)
    assert_allclose(model.target_scale_, np.average(y, axis=0, weights=WEIGHTS))
    deviances = [mean_poisson_deviance(y[:, k], predicted[:, k], sample_weight=WEIGHTS) for k in range(2)]
    assert_allclose(model.loss_, np.sum(deviances / model.target_scale_) / 2, rtol=1e-8)
    assert_allclose(model.validation_loss_curve_[-1], model.loss_, rtol=1e-8)
    check_gradient(model, X, y)


def test_partial_fit_keeps_the_mean_of_the_first_counts():
    model = ActivationMLPRegressor("poisson", random_state=0)
    for counts, scale in [([0, 0], 1), ([0, 0], 1), ([2e-6, 0], 1e-6), ([8e-6, 1e-6], 1e-6)]:
        model.partial_fit(X[:2], counts)
        assert_allclose(model.target_scale_, scale)
    assert_array_equal(model.target_range_[:, 0], [0, 8e-6])
    assert (model.predict(X) < 1e-3).all()


def test_poisson_goes_on_exactly():
    y = 1e-5 * np.exp(Y[:, 0])
    whole = ActivationMLPRegressor("poisson", max_iter=6, random_state=0).fit(X, y)
    steps = ActivationMLPRegressor("poisson", random_state=0)
    warm = ActivationMLPRegressor("poisson", max_iter=3, warm_start=True, random_state=0).fit(X, y)
    for _ in range(6):
        steps.partial_fit(X, y)
    assert_array_equal(steps.predict(X), whole.predict(X))
    warm = pickle.loads(pickle.dumps(warm)).fit(X, y)
    assert_array_equal(warm.predict(X), whole.predict(X))


@pytest.mark.parametrize("losses", [("squared_error", "poisson"), ("poisson", "squared_error")])
def test_training_goes_on_with_another_loss(losses):
    y = 1e3 * np.exp(Y[:, 0])
    model = ActivationMLPRegressor(losses[0], warm_start=True, random_state=0, max_iter=200).fit(X, y)
    model.set_params(loss=losses[1], learning_rate_init=0.01).fit(X, y)
    assert model.score(X, y) > 0.9
    assert (model.target_mean_ == 0).all()


# Outliers.

ROBUST = ["absolute_error", "huber", "quantile", Huber(0.3), Quantile([0.4, 0.6])]


def with_outlier(y, outlier):
    y = y.copy()
    y[7] = outlier
    return y


@pytest.mark.parametrize("loss", ROBUST, ids=str)
@pytest.mark.parametrize(
    ("outlier", "dtype"), [(1e4, None), (-1e6, None), (1e200, None), (1e6, "float32"), (1e30, "float32")]
)
def test_an_outlying_target_does_not_spoil_the_fit(loss, outlier, dtype):
    rng = np.random.RandomState(0)
    rows = rng.normal(size=(600, 4))
    signal = rows[:, 0] + rows[:, 1]
    y = with_outlier(signal + 0.1 * rng.normal(size=600), outlier)
    model = ActivationMLPRegressor(loss, learning_rate_init=0.01, random_state=0, dtype=dtype).fit(rows[:300], y[:300])
    predicted = np.mean(model.predict(rows[300:]).reshape(300, -1), axis=1)
    assert r2_score(signal[300:], predicted) > 0.98


@pytest.mark.parametrize("early_stopping", [False, True, "continue"])
def test_an_outlying_target_does_not_spoil_the_fit_of_a_table(early_stopping):
    y = with_outlier(X[:, 0] + X[:, 1], 1e6)
    settings = {"hidden_layer_sizes": (16,), "batch_size": 16, "early_stopping": early_stopping, "random_state": 0}
    model = tabular_regressor(loss="absolute_error", **settings).fit(X, y)
    others = np.arange(len(X)) != 7
    assert model.score(X[others], y[others]) > 0.9


def test_the_scale_is_that_of_bounded_outliers_by_hand():
    y = np.r_[np.arange(100.0), 1e9]
    model = ActivationMLPRegressor("huber", max_iter=1, random_state=0).fit(np.ones((101, 1)), y)
    bounded = np.r_[np.arange(100.0), 50 + 10 * 50]  # the median is 50, the middle half from 25 to 75
    assert_allclose(model.target_mean_, bounded.mean())
    assert_allclose(model.target_scale_, bounded.std())
    assert_array_equal(model.target_range_[:, 0], [0, 1e9])


def test_an_outlier_of_one_output_changes_the_scale_of_no_other():
    y = Y.copy()
    y[7, 0] = 1e6
    plain, model = (ActivationMLPRegressor("huber", max_iter=1, random_state=0).fit(X, each) for each in (Y, y))
    assert (plain.target_mean_[1], plain.target_scale_[1]) == (model.target_mean_[1], model.target_scale_[1])
    assert model.target_scale_[0] < 3 * plain.target_scale_[0]


@pytest.mark.parametrize("loss", ROBUST, ids=str)
@pytest.mark.parametrize("a", [-1e-5, 1.0, 1e7])
def test_fit_is_equivariant_with_outliers(loss, a):
    if isinstance(loss, Quantile) or loss == "quantile":
        a = abs(a)
    y, params = with_outlier(Y[:, 0], 1e5), {"loss": loss, "random_state": 0, "activation": "tanh"}
    plain, moved = fitted(y, WEIGHTS, params), fitted(a * y + 3 * a, WEIGHTS, params)
    p, q = plain.predict(X), moved.predict(X)
    assert np.abs(q - (a * p + 3 * a)).max() <= 1e-6 * abs(a) * np.abs(p).max()


@pytest.mark.parametrize("loss", ["squared_error", *ROBUST], ids=str)
def test_without_outliers_the_scale_is_the_standard_deviation_to_the_bit(loss):
    for weights in (None, WEIGHTS):
        model = ActivationMLPRegressor(loss, max_iter=1, random_state=0).fit(X, Y[:, 1], weights)
        mean, std = target_mean_and_std(Y[:, 1:], None if weights is None else weights / weights.max())
        assert (model.target_mean_, model.target_scale_) == (mean, std)


def test_the_validation_loss_is_in_units_of_the_same_scale():
    y = with_outlier(Y[:, 0], 1e4)
    model = ActivationMLPRegressor("absolute_error", max_iter=3, random_state=0).fit(X, y, X_val=X, y_val=y)
    assert model.target_scale_ < 10
    expected = np.abs(model.predict(X) - y).mean() / model.target_scale_
    assert_allclose(model.validation_loss_curve_[-1], expected)


def test_partial_fit_keeps_the_scale_of_the_bounded_targets():
    y = with_outlier(Y[:, 0], 1e4)
    model = ActivationMLPRegressor("huber", random_state=0)
    for _ in range(2):
        model.partial_fit(X, y)
        assert_array_equal((model.target_mean_, model.target_scale_), robust_mean_and_std(y[:, None], None))


def test_the_squared_error_counts_outliers_in_full():
    y = with_outlier(Y[:, 0], 1e6)
    model = ActivationMLPRegressor(max_iter=1, random_state=0).fit(X, y)
    assert_allclose((model.target_mean_[0], model.target_scale_[0]), (y.mean(), y.std()))


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


def test_the_mean_of_counts():
    y, weights = np.array([[1.0], [100.0], [4.0]]), np.array([1.0, 0, 3])
    mean, scale = zero_and_mean(y, weights)
    assert (mean, scale) == (0, pytest.approx(13 / 4))
    assert_allclose(zero_and_mean(y[[0, 2, 2, 2]], None)[1], scale, rtol=1e-14)
    assert zero_and_mean(np.zeros((3, 1)), None)[1] == 1
    for size in (1e-310, 1e306):
        with np.errstate(all="raise"):
            scale = zero_and_mean(size * y, None)[1]
        assert_allclose(scale, size * 35)


def test_weights_are_repeated_rows():
    weights = np.array([1.0, 0, 3])
    y = np.array([[1.0], [100.0], [4.0]])
    repeated = np.array([[1.0], [4.0], [4.0], [4.0]])
    assert_allclose(target_mean_and_std(y, weights), target_mean_and_std(repeated, None), rtol=1e-14)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.5, 3.0, 1e3, -1e9]), st.integers(0, 9)), min_size=1))
def test_robust_weights_are_repeated_rows(values_and_weights):
    y, weights = (np.array(each, float) for each in zip(*values_and_weights, strict=True))
    weights[0] += 1  # not all are zero
    some, repeated = weights > 0, np.repeat(y, weights.astype(int))[:, None]
    found = np.array(robust_mean_and_std(y[:, None], weights / weights.max()))
    assert_allclose(found, robust_mean_and_std(repeated, None), rtol=1e-9, atol=1e-6)
    assert_array_equal(found, robust_mean_and_std(y[some, None], weights[some] / weights.max()))


@pytest.mark.parametrize(
    ("values", "largest"),
    [
        ([3.0], 3.0),
        ([3.0, 1e9], 1e9),  # of two values neither is an outlier
        ([5.0] * 100, 5.0),
        ([5.0] * 80 + [6.0] * 19 + [1e9], 5 + 10 * (1e9 + 6) / 2),  # the last hundredth begins between 6 and 1e9
        ([5.0] * 160 + [6.0] * 39 + [1e9], 5 + 10 * (6 - 5)),  # the middle half is one value
        ([5.0] * 999 + [1e9], 1e9),  # from the first to the last hundredth there is one value: no bound
    ],
    ids=["one", "two", "constant", "outlier at the hundredth", "middle half constant", "99 hundredths constant"],
)
def test_robust_scale_of_few_or_equal_targets(values, largest):
    bounded = np.minimum(values, largest)
    mean, std = robust_mean_and_std(np.array(values)[:, None], None)
    assert_allclose((mean[0], std[0]), (bounded.mean(), bounded.std()), rtol=1e-9)


def test_robust_scale_of_huge_and_tiny_targets():
    with np.errstate(all="raise"):
        for size in (1e-310, 1e300):
            y = size * np.r_[np.arange(20.0), 1e7]
            std = robust_mean_and_std(y[:, None], None)[1]
            assert_allclose(std / size, np.r_[np.arange(20.0), 10 + 10 * 10].std(), rtol=1e-6)


def test_mirror_images_have_opposite_orientations():
    assert_array_equal(skewness_sign(Y, None), -skewness_sign(-Y, None))
    assert_array_equal(skewness_sign(np.array([[-1.0], [1.0]]), None), 1)


def test_nothing_is_computed_with_a_warning_where_errors_are_raised():
    tiny = 1e-310 * Y[:, 0]
    with np.errstate(all="raise"):
        for y in (tiny, 1e300 * Y[:, 0], np.r_[1e300, Y[1:, 0]]):
            mean, std = target_mean_and_std(y[:, None], None)
            restore_targets(standardize_targets(y[:, None], mean, std), mean, std)
            mean, std = robust_mean_and_std(y[:, None], None)
            restore_targets(standardize_targets(y[:, None], mean, std), mean, std)


def test_every_loss_in_the_targets_units_says_so():
    assert {name for name, loss in LOSSES.items() if loss.in_target_units} == {
        "squared_error",
        "absolute_error",
        "huber",
        "quantile",
    }


@pytest.mark.parametrize("largest", [0.1, 1 / 3, 1e-50, 3.5e38, 7.0])
def test_the_range_is_rounded_inwards(largest):
    target_range = np.array([[-largest, largest / 2, -largest], [largest, largest, -largest / 3]])
    target_range[0, 1] = min(target_range[0, 1], 1.0)
    low, high = range_in_dtype(target_range, np.float32)
    assert low.dtype == np.float32
    if largest > 1e-44:  # else there is no number but zero
        assert (low.astype(float) >= target_range[0]).all()
        assert (high.astype(float) <= target_range[1]).all()
    assert np.isfinite([low, high]).all()
    np.testing.assert_array_equal(range_in_dtype(target_range, np.float64), target_range)


@pytest.mark.parametrize(("value", "nearest"), [(0.1, np.float32(0.1)), (1e39, np.finfo(np.float32).max)])
def test_a_range_without_a_number_of_the_dtype_is_the_nearest_one(value, nearest):
    np.testing.assert_array_equal(range_in_dtype(np.array([[value], [value]]), np.float32), [[nearest], [nearest]])


def test_later_targets_of_both_signs_near_the_largest_number_do_not_overflow():
    y = np.tile([1e308, -1e308, 0.0], 140)
    model = ActivationMLPRegressor(random_state=0)
    with np.errstate(over="raise"):
        for _ in range(2):
            model.partial_fit(np.ones((420, 1)), y)
    assert np.isfinite(model.predict([[1.0]])).all()
