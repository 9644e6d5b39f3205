"""The regressor: its losses, several outputs, and targets that it must refuse."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.linear_model import HuberRegressor, PoissonRegressor, QuantileRegressor, Ridge
from sklearn.metrics import d2_pinball_score, mean_pinball_loss, mean_poisson_deviance, r2_score

from skneural import ActivationMLPRegressor, use_backend
from skneural.estimators.regressor import REGRESSION_LOSSES
from skneural.inspection import check_gradient
from skneural.losses import (
    AbsoluteError,
    Huber,
    LogisticLoss,
    Loss,
    PoissonLoss,
    Quantile,
    SoftmaxCrossEntropy,
    SquaredError,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = RNG.normal(size=(120, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0] + 0.3 + 0.1 * RNG.normal(size=120)
OUTLIERS = Y + np.where(RNG.uniform(size=120) < 0.1, 30.0, 0.0)
COUNTS = RNG.poisson(np.exp(X[:, 0] / 2 + 1))
LINEAR = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 0.0, "tol": 1e-10, "random_state": 0}
SMALL = {"hidden_layer_sizes": (10,), "max_iter": 20, "random_state": 0}


class PositiveError(Loss):
    """A user's own: half the squared error of log(1 + exp(f))."""

    inverse_link = "softplus"

    def evaluate(self, F, Y, out=None):
        residual = self.predict(F) - Y
        return (residual**2).sum(axis=1) / 2, np.multiply(residual, 1 / (1 + np.exp(-F)), out=out)

    def predict(self, F):
        return np.logaddexp(0, F)


class Proportions(PositiveError):
    """A user's own, whose inverse link is that of a loss for classes."""

    inverse_link = "logistic"


class SmoothedCrossEntropy(SoftmaxCrossEntropy):
    """A user's own loss for classes."""


class TestLosses:
    """Without hidden layers the network is a linear model that others can fit too."""

    def test_squared_error_is_least_squares(self):
        model = ActivationMLPRegressor(**LINEAR).fit(X, Y)
        assert_allclose(model.predict(X), Ridge(alpha=0).fit(X, Y).predict(X), atol=1e-4)

    @pytest.mark.parametrize("alpha", [0.01, 1.0])
    def test_alpha_is_relative_to_the_mean_loss(self, alpha):
        model = ActivationMLPRegressor(**{**LINEAR, "alpha": alpha}).fit(X, Y)
        assert_allclose(
            model.target_scale_ * model.coefs_[0][:, 0], Ridge(alpha=alpha * len(X)).fit(X, Y).coef_, atol=1e-5
        )

    def test_poisson_is_poisson_regression(self):
        model = ActivationMLPRegressor("poisson", **LINEAR).fit(X, COUNTS)
        expected = PoissonRegressor(alpha=0, tol=1e-8, max_iter=1000).fit(X, COUNTS)
        assert_allclose(model.predict(X), expected.predict(X), rtol=1e-4)
        mean_deviance = mean_poisson_deviance(COUNTS, model.predict(X))
        assert_allclose(model.loss_ * model.target_scale_[0], mean_deviance / 2, rtol=1e-8)
        assert model.out_activation_ == "exp"
        assert (model.predict(X) > 0).all()

    def test_huber_is_huber_regression(self):
        delta = 0.5
        model = ActivationMLPRegressor(Huber(delta=delta), **LINEAR, normalize_y=False).fit(X, OUTLIERS)
        r = model.predict(X) - OUTLIERS
        clipped = np.clip(r, -delta, delta)  # at the minimum, uncorrelated with the features
        assert_allclose(np.c_[X, np.ones(120)].T @ clipped / 120, 0, atol=1e-4)
        assert_allclose(model.loss_, np.mean(clipped * (r - clipped / 2)), rtol=1e-8)
        squared = ActivationMLPRegressor(**LINEAR).fit(X, OUTLIERS)
        assert r2_score(Y, model.predict(X)) > 0.98 > r2_score(Y, squared.predict(X))
        assert HuberRegressor(alpha=0).fit(X, OUTLIERS).score(X, Y) > 0.98

    def test_absolute_error_is_the_median(self):
        settings = {"hidden_layer_sizes": (), "solver": "adam", "alpha": 0.0, "learning_rate": "cosine"}
        model = ActivationMLPRegressor(
            "absolute_error", max_iter=2000, learning_rate_init=0.05, tol=0.0, n_iter_no_change=np.inf, **settings
        )
        model.fit(X, OUTLIERS)
        expected = QuantileRegressor(quantile=0.5, alpha=0).fit(X, OUTLIERS)
        least = np.abs(expected.predict(X) - OUTLIERS).mean()
        assert_allclose(np.abs(model.predict(X) - OUTLIERS).mean(), least, rtol=1e-3)

    @pytest.mark.parametrize("loss", REGRESSION_LOSSES)
    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_every_loss_falls(self, loss, solver, dtype):
        model = ActivationMLPRegressor(loss, **SMALL, solver=solver, dtype=dtype, learning_rate_init=0.01)
        model.fit(X, COUNTS)
        assert model.loss_curve_[-1] < model.loss_curve_[0]
        assert model.predict(X).dtype == dtype
        same = ActivationMLPRegressor(REGRESSION_LOSSES[loss], **SMALL, solver=solver, dtype=dtype)
        assert_array_equal(same.set_params(learning_rate_init=0.01).fit(X, COUNTS).parameters_, model.parameters_)

    def test_names_stand_for_the_right_losses(self):
        expected = {"squared_error": SquaredError(), "absolute_error": AbsoluteError(), "poisson": PoissonLoss()}
        assert {**expected, "huber": Huber(delta=1.0), "quantile": Quantile(0.5)} == REGRESSION_LOSSES

    def test_delta_is_in_standard_deviations_of_the_target_with_bounded_outliers(self):
        model = ActivationMLPRegressor(Huber(0.5), **LINEAR).fit(X, OUTLIERS)
        quarter, median, three_quarters = np.quantile(OUTLIERS, [0.25, 0.5, 0.75], method="averaged_inverted_cdf")
        reach = 10 * (three_quarters - quarter)
        own = Huber(0.5 * np.clip(OUTLIERS, median - reach, median + reach).std())
        expected = ActivationMLPRegressor(own, **LINEAR, normalize_y=False).fit(X, OUTLIERS)
        assert_allclose(model.predict(X), expected.predict(X), rtol=1e-3)

    def test_the_settings_of_a_loss_can_be_searched(self):
        model = ActivationMLPRegressor(Huber(), **SMALL).set_params(loss__delta=0.1)
        expected = ActivationMLPRegressor(Huber(delta=0.1), **SMALL).fit(X, OUTLIERS)
        assert_array_equal(model.fit(X, OUTLIERS).parameters_, expected.parameters_)

    @pytest.mark.parametrize("loss", [PositiveError(), Proportions()], ids=repr)
    @pytest.mark.parametrize("how", [{}, {"early_stopping": True, "scoring": "neg_mean_absolute_error"}], ids=str)
    def test_a_loss_of_ones_own_is_saved_whatever_its_inverse_link(self, loss, how):
        model = ActivationMLPRegressor(loss, **SMALL, **how).fit(X, COUNTS)
        for twin in (pickle.loads(pickle.dumps(model)), copy.copy(model), copy.deepcopy(model)):
            assert_array_equal(twin.predict(X), model.predict(X))
        check_gradient(model, X, COUNTS)

    @pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), LogisticLoss(), SmoothedCrossEntropy()], ids=repr)
    def test_losses_for_classes_are_refused_before_anything_is_done(self, loss):
        fresh, fitted = ActivationMLPRegressor(loss), ActivationMLPRegressor(**SMALL).fit(X, Y).set_params(loss=loss)
        for model in (fresh, fitted):
            before = dict(vars(model))
            for call in (model.fit, model.partial_fit):
                with pytest.raises(ValueError, match=r"must be one for regression: 'squared_error', .* Got .*, which"):
                    call(X, np.full(120, 1e9))
            assert vars(model) == before


class TestQuantiles:
    SKEWED = Y + 0.5 * np.random.RandomState(1).exponential(size=120)

    @pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
    def test_a_linear_quantile_is_quantile_regression(self, quantile):
        settings = {"hidden_layer_sizes": (), "alpha": 0.0, "max_iter": 3000, "n_iter_no_change": 3000}
        rates = {"learning_rate": "cosine", "learning_rate_init": 0.01, "random_state": 0}
        model = ActivationMLPRegressor(Quantile(quantile), **settings, **rates).fit(X, self.SKEWED)
        best = QuantileRegressor(quantile=quantile, alpha=0).fit(X, self.SKEWED).predict(X)
        least = mean_pinball_loss(self.SKEWED, best, alpha=quantile)
        assert least <= mean_pinball_loss(self.SKEWED, model.predict(X), alpha=quantile) <= 1.01 * least

    def test_several_quantiles_have_a_column_each_and_never_cross(self):
        quantiles = [0.1, 0.25, 0.5, 0.75, 0.9]
        model = ActivationMLPRegressor(Quantile(quantiles), **{**SMALL, "max_iter": 100}).fit(X, self.SKEWED)
        assert model.n_outputs_ == 5
        assert model.predict(X).shape == (120, 5)
        for rows in (X, 1000 * X):
            assert (np.diff(model.predict(rows), axis=1) >= 0).all()

    def test_the_loss_is_scikit_learns_pinball_loss_of_the_standardized_target(self):
        model = ActivationMLPRegressor(Quantile([0.2, 0.7]), **SMALL)
        model.set_params(solver="lbfgs", alpha=0).fit(X, self.SKEWED)
        outputs = model.target_mean_ + model.target_scale_ * model._network.raw_output(X)
        by_hand = sum(mean_pinball_loss(self.SKEWED, outputs[:, i], alpha=q) for i, q in enumerate([0.2, 0.7]))
        assert_allclose(model.loss_, by_hand / model.target_scale_, rtol=1e-10)

    def test_score_and_validation_score_are_d2(self):
        model = ActivationMLPRegressor(Quantile([0.2, 0.7]), **SMALL)
        model.fit(X, self.SKEWED, X_val=X[:50], y_val=self.SKEWED[:50])
        predicted = model.predict(X[:50])
        by_hand = [d2_pinball_score(self.SKEWED[:50], predicted[:, i], alpha=q) for i, q in enumerate([0.2, 0.7])]
        assert_allclose(model.score(X[:50], self.SKEWED[:50]), np.mean(by_hand), rtol=1e-12)
        assert_allclose(model.validation_scores_[-1], np.mean(by_hand), rtol=1e-9)

    def test_training_starts_at_the_quantiles_of_the_target(self):
        model = ActivationMLPRegressor(Quantile([0.1, 0.9]), max_iter=1, learning_rate_init=1e-12).fit(X, self.SKEWED)
        started = model.target_mean_ + model.target_scale_ * model.intercepts_[-1]
        assert_allclose(started, np.quantile(self.SKEWED, [0.1, 0.9], method="inverted_cdf"), rtol=1e-6)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("quantile", [0.3, [0.05, 0.5, 0.9]], ids=str)
    def test_both_forms_train_equally(self, quantile, dtype):
        model = ActivationMLPRegressor(Quantile(quantile), **{**SMALL, "activation": "tanh", "max_iter": 1})
        expected = model.fit(X.astype(dtype), self.SKEWED).predict(X.astype(dtype))
        with use_backend("numpy"):
            got = model.fit(X.astype(dtype), self.SKEWED).predict(X.astype(dtype))
        assert model.backend_ == "numpy"
        assert_allclose(got, expected, **({"atol": 1e-3} if dtype == np.float32 else {"rtol": 1e-11}))

    def test_the_quantile_of_each_of_several_targets(self):
        model = ActivationMLPRegressor(Quantile(0.7), **SMALL).fit(X, np.stack([Y, -Y], axis=1))
        assert model.predict(X).shape == (120, 2)
        assert np.isfinite(model.score(X, np.stack([Y, -Y], axis=1)))

    def test_several_quantiles_of_several_targets_are_refused(self):
        with pytest.raises(
            ValueError, match=r"predicts 2 numbers for one target. Got y with 2 targets; fit a regressor"
        ):
            ActivationMLPRegressor(Quantile([0.2, 0.7])).fit(X, np.stack([Y, -Y], axis=1))

    def test_the_quantile_can_be_searched_by_name(self):
        model = ActivationMLPRegressor("quantile", **SMALL).set_params(loss__quantile=0.9)
        assert model.loss == Quantile(0.9)


class TestOutputs:
    def test_several_outputs_share_the_loss(self):
        both = np.stack([Y, -2 * Y], axis=1)
        model = ActivationMLPRegressor(**LINEAR).fit(X, both)
        assert model.predict(X).shape == (120, 2)
        assert model.n_outputs_ == 2
        residual = (model.predict(X) - both) / model.target_scale_
        assert_allclose(model.loss_, (residual**2).sum(axis=1).mean() / 2, rtol=1e-8)
        single = ActivationMLPRegressor(**LINEAR).fit(X, Y)
        assert_allclose(model.predict(X)[:, 0], single.predict(X), atol=1e-4)

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_column_is_flattened_with_a_warning(self, early_stopping):
        settings = {**SMALL, "early_stopping": early_stopping}
        with pytest.warns(UserWarning, match="column-vector"):
            model = ActivationMLPRegressor(**settings).fit(X, Y[:, None])
        expected = ActivationMLPRegressor(**settings).fit(X, Y)
        assert model.predict(X).shape == (120,)
        assert_array_equal(model.parameters_, expected.parameters_)

    def test_another_number_of_outputs_cannot_go_on(self):
        model = ActivationMLPRegressor(**SMALL, warm_start=True).fit(X, Y)
        before = pickle.dumps(model)
        for call in (model.fit, model.partial_fit):
            with pytest.raises(ValueError, match="number of outputs"):
                call(X, np.stack([Y, Y], axis=1))
        assert pickle.dumps(model) == before

    def test_early_stopping_watches_r2(self):
        model = ActivationMLPRegressor(**{**SMALL, "max_iter": 300}, early_stopping=True, learning_rate_init=0.02)
        model.fit(X, Y)
        assert 0.8 < model.best_validation_score_ <= 1
        assert model.score(X, Y) > 0.8

    def test_integers_are_numbers(self):
        assert_array_equal(
            ActivationMLPRegressor(**SMALL).fit(X, COUNTS).parameters_,
            ActivationMLPRegressor(**SMALL).fit(X, COUNTS.astype(float)).parameters_,
        )

    def test_sparse_targets_are_made_dense(self):
        both = np.stack([Y, np.where(Y > 0, Y, 0)], axis=1)
        expected = ActivationMLPRegressor(**SMALL).fit(X, both)
        assert_array_equal(ActivationMLPRegressor(**SMALL).fit(X, csr_array(both)).parameters_, expected.parameters_)

    def test_a_prediction_that_overflows_is_an_error(self):
        model = ActivationMLPRegressor("poisson", **SMALL).fit(X, COUNTS)
        model.coefs_ = [0 * W for W in model.coefs_]
        model.intercepts_ = [np.full_like(b, 1e3) for b in model.intercepts_]
        with pytest.raises(ValueError, match=r"output for row \d+ of X is not a finite float64"):
            model.predict(X)

    def test_constant_target(self):
        model = ActivationMLPRegressor(**{**SMALL, "max_iter": 500}, learning_rate_init=0.01).fit(X, np.full(120, 2.0))
        assert_allclose(model.predict(X), 2.0, atol=0.5)


class TestBadTargets:
    @pytest.mark.parametrize(
        ("params", "X", "y", "message"),
        [
            ({"loss": "poisson"}, X, -COUNTS - 1.0, r"y >= 0.*-"),
            ({"loss": PoissonLoss()}, X, np.r_[COUNTS[1:], -1e-9], r"y >= 0.*-1e-09"),
            ({}, X.astype(np.float32), Y * 1e200, "finite in float32"),
            ({"dtype": "float32"}, X, Y * 1e200, "finite in float32"),
            ({}, X, ["a"] * 120, "'a'"),
            ({}, X, np.where(Y > 0, "a", "b").astype(object), "'a'|'b'"),
            ({}, X, Y * 1j, "[Cc]omplex"),
            ({}, X, np.ones((120, 2, 2)), "dim"),
            ({}, X, np.ones((120, 0)), "output|column|shape|feature|at least"),
        ],
        ids=range(9),
    )
    def test_refused(self, params, X, y, message):
        fresh = ActivationMLPRegressor(**SMALL, **params)
        fitted = ActivationMLPRegressor(**SMALL, **params).fit(X, COUNTS)
        before, parameters = pickle.dumps(fitted), dict(vars(fresh))
        for model in (fresh, fitted):
            for call in (model.fit, model.partial_fit):
                with pytest.raises((ValueError, TypeError), match=message):
                    call(X, y)
        assert pickle.dumps(fitted) == before
        assert vars(fresh) == parameters

    def test_poisson_takes_zeros(self):
        model = ActivationMLPRegressor("poisson", **SMALL).fit(X, np.where(COUNTS < 3, 0, COUNTS))
        assert np.isfinite(model.loss_curve_).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", ["S1", "U1"])
def test_digits_in_text_are_numbers_to_every_loss(dtype):
    settings = {"loss": "poisson", "solver": "lbfgs", "max_iter": 50, "random_state": 0}
    X, y = np.arange(12.0).reshape(6, 2) / 12, np.array([1, 2, 1, 3, 2, 5])
    texts, numbers = (ActivationMLPRegressor(**settings).fit(X, each) for each in (y.astype(dtype), y))
    assert_array_equal(texts.predict(X), numbers.predict(X))
