"""What both estimators share: data in all its forms, training in several calls, persistence, and errors."""

import copy
import io
import pickle
import signal
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted

from skneural import (
    ACTIVATIONS,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    DivergenceError,
    Maxout,
    StdScaler,
    use_backend,
)
from skneural.activations import Activation
from skneural.estimators.history import HISTORY_COLUMNS
from skneural.solvers import TrainingInterrupted, TrainingLoop

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [ActivationMLPClassifier, ActivationMLPRegressor]
STOCHASTIC = ["sgd", "adam", "adamw", "schedule_free_adamw", "rmsprop", "adagrad"]
X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
ORDER = np.random.RandomState(0).permutation(150)
X, Y = X[ORDER], Y[ORDER]
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 10, "random_state": 0}


def outputs(model, X):
    names = ["predict", "predict_proba", "predict_log_proba"]
    return [getattr(model, name)(X) for name in names if hasattr(model, name)]


def assert_same(one, other):
    """Assert that two fitted estimators agree to the last bit, on all that can be seen."""
    assert_array_equal(one.parameters_, other.parameters_)
    assert one.parameters_.dtype == other.parameters_.dtype
    for name in ("loss_curve_", "validation_scores_", "t_", "loss_", "best_loss_", "out_activation_"):
        assert getattr(one, name) == getattr(other, name), name
    for a, b in zip(outputs(one, X), outputs(other, X), strict=True):
        assert_array_equal(a, b)


class TestData:
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    @pytest.mark.parametrize("container", ["csr_matrix", "csc_matrix", "csr_array", "csc_array", "coo_array"])
    def test_sparse_equals_dense(self, Estimator, solver, container):
        X_zeros = np.where(np.abs(X) < 0.5, 0, X)
        X_sparse = getattr(sparse, container)(X_zeros)
        settings = {**SMALL, "solver": solver, "batch_size": 40}
        dense, thin = Estimator(**settings).fit(X_zeros, Y), Estimator(**settings).fit(X_sparse, Y)
        assert_allclose(thin.parameters_, dense.parameters_, rtol=1e-8, atol=1e-10)
        for a, b in zip(outputs(thin, X_sparse), outputs(dense, X_zeros), strict=True):
            assert_allclose(a, b, rtol=1e-8, atol=1e-10)

    def test_sparse_with_early_stopping_and_partial_fit(self):
        X_sparse = sparse.csr_array(X)
        settings = {**SMALL, "early_stopping": True, "batch_size": 32}
        one, other = (ActivationMLPClassifier(**settings).fit(data, Y) for data in (X, X_sparse))
        assert_allclose(one.parameters_, other.parameters_, rtol=1e-8, atol=1e-10)
        one, other = (ActivationMLPRegressor(**SMALL).partial_fit(data, Y) for data in (X, X_sparse))
        assert_allclose(one.parameters_, other.parameters_, rtol=1e-8, atol=1e-10)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", [*STOCHASTIC, "lbfgs"])
    @pytest.mark.parametrize("activation", ["relu", "prelu", "gelu", Maxout(3)])
    def test_single_precision_stays_single(self, Estimator, solver, activation):
        settings = {**SMALL, "solver": solver, "activation": activation}
        model = Estimator(**settings).fit(X.astype(np.float32), Y)
        assert {a.dtype.name for a in [model.parameters_, *model.coefs_, *model.intercepts_]} == {"float32"}
        floats = [out for out in outputs(model, X) if out.dtype.kind == "f"]
        assert {out.dtype.name for out in floats} == {"float32"}
        assert_same(Estimator(dtype="float32", **settings).fit(X, Y), model)
        double = Estimator(dtype="float64", **settings).fit(X.astype(np.float32), Y)
        assert double.parameters_.dtype == np.float64
        assert_allclose(model.parameters_, double.parameters_, atol=0.02)

    @pytest.mark.parametrize("kind", [np.int64, np.uint8, bool, np.float16, object])
    def test_other_dtypes_become_double(self, kind):
        X_kind = (np.abs(X) * 2).astype(kind)
        model = ActivationMLPClassifier(**SMALL).fit(X_kind, Y)
        assert model.parameters_.dtype == np.float64
        assert_same(ActivationMLPClassifier(**SMALL).fit(X_kind.astype(float), Y), model)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize(
        "settings", [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"batch_size": 7}], ids=str
    )
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_the_callers_arrays_stay_as_they_are_and_may_be_read_only(self, Estimator, settings, order):
        arrays = [np.array(X, order=order), Y.copy(), np.linspace(0, 2, 150)]
        copies = [array.copy() for array in arrays]
        for array in arrays:
            array.flags.writeable = False
        model = Estimator(**SMALL, **settings).fit(*arrays)
        outputs(model, arrays[0])
        for array, before in zip(arrays, copies, strict=True):
            assert_array_equal(array, before)
        assert_same(Estimator(**SMALL, **settings).fit(*copies), model)

    def test_no_result_shares_memory_with_input_or_parameters(self):
        model = ActivationMLPRegressor(hidden_layer_sizes=(), max_iter=1).fit(X, Y)
        prediction = model.predict(X)
        assert not np.shares_memory(prediction, X)
        first = model.predict(X)
        first[:] = 0
        assert_array_equal(model.predict(X), prediction)

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_dataframes(self, library):
        module = pytest.importorskip(library)
        frame = module.DataFrame({f"column {j}": X[:, j] for j in range(4)})
        model = ActivationMLPClassifier(**SMALL).fit(frame, module.Series("target", Y) if library == "polars" else Y)
        assert list(model.feature_names_in_) == [f"column {j}" for j in range(4)]
        assert_array_equal(model.predict_proba(frame), ActivationMLPClassifier(**SMALL).fit(X, Y).predict_proba(X))
        renamed = (
            frame.rename(columns={"column 0": "other"}) if library == "pandas" else frame.rename({"column 0": "other"})
        )
        with pytest.raises(ValueError, match="feature names"):
            model.predict(renamed)
        with pytest.raises(ValueError, match="feature names"):
            model.partial_fit(renamed, Y)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_constant_columns(self, Estimator):
        X_constant = np.hstack([X, np.full((150, 1), 3.0), np.zeros((150, 1))])
        model = Estimator(**SMALL).fit(X_constant, Y)
        assert model.loss_curve_[-1] < model.loss_curve_[0]
        assert np.isfinite(model.parameters_).all()

    def test_one_row(self):
        model = ActivationMLPRegressor(**SMALL).fit(X[:1], Y[:1])
        assert model.predict(X[:1]).shape == (1,)
        classifier = ActivationMLPClassifier(**SMALL).partial_fit(X[:1], Y[:1], classes=[0, 1, 2])
        assert classifier.predict_proba(X[:1]).shape == (1, 3)

    def test_predictions_do_not_depend_on_the_other_rows(self):
        model = ActivationMLPClassifier(**SMALL).fit(X, Y)
        many = np.tile(X, (60, 1))  # several blocks of the prediction
        assert_allclose(model.predict_proba(many), np.tile(model.predict_proba(X), (60, 1)), rtol=1e-13)


class TestSampleWeight:
    WEIGHTS = np.random.RandomState(1).randint(0, 4, 150)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", [*STOCHASTIC, "lbfgs"])
    def test_weights_equal_repetition(self, Estimator, solver):
        settings = {**SMALL, "solver": solver, "batch_size": 10_000, "alpha": 0.1}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the batch size is clipped
            weighted = Estimator(**settings).fit(X, Y, sample_weight=self.WEIGHTS)
            repeated = Estimator(**settings).fit(np.repeat(X, self.WEIGHTS, axis=0), np.repeat(Y, self.WEIGHTS))
        assert_allclose(weighted.parameters_, repeated.parameters_, rtol=1e-6, atol=1e-8)
        assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-8)

    @pytest.mark.parametrize("factor", [1e-320, 1e-300, 3.0, 1e300, 1e306])
    def test_only_the_ratio_of_weights_counts(self, factor):
        weights = self.WEIGHTS.astype(float)
        one = ActivationMLPClassifier(**SMALL, batch_size=20).fit(X, Y, weights)
        other = ActivationMLPClassifier(**SMALL, batch_size=20).fit(X, Y, weights * factor)
        assert_allclose(other.parameters_, one.parameters_, rtol=1e-3 if factor < 1e-310 else 1e-10)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_equal_weights_are_no_weights(self, Estimator):
        settings = {**SMALL, "early_stopping": True, "batch_size": 20}
        plain = Estimator(**settings).fit(X, Y)
        for weight in (1.0, 0.3):
            weighted = Estimator(**settings).fit(X, Y, np.full(150, weight))
            assert_allclose(weighted.parameters_, plain.parameters_, rtol=1e-9)
            assert_allclose(weighted.validation_scores_, plain.validation_scores_, rtol=1e-9)

    def test_rows_of_weight_zero_count_for_nothing(self):
        weights = np.r_[np.zeros(60), np.ones(90)]
        X_absurd = np.vstack([np.full((60, 4), 1e3), X[60:]])
        settings = {**SMALL, "batch_size": 30, "shuffle": False}
        one = ActivationMLPClassifier(**settings).fit(X_absurd, Y, weights)
        other = ActivationMLPClassifier(**settings).fit(X, np.r_[np.zeros(60), Y[60:]].astype(int), weights)
        assert_allclose(one.parameters_, other.parameters_, rtol=1e-12)
        assert np.isfinite(one.loss_curve_).all()

    def test_early_stopping_scores_with_the_weights(self):
        weights = np.where(Y == 2, 0.0, 1.0)
        settings = {**SMALL, "early_stopping": True, "max_iter": 60, "learning_rate_init": 0.05}
        model = ActivationMLPClassifier(**settings).fit(X, Y, weights)
        assert model.best_validation_score_ == 1.0  # the third class, never learned, does not count

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("row", range(5))
    def test_one_row_cannot_be_held_out_and_trained_on(self, Estimator, row):
        model = Estimator(early_stopping=True, validation_fraction=0.5, **SMALL)
        with pytest.raises(ValueError, match="sample_weight must be positive for some") as caught:
            model.fit(X, Y, np.eye(150)[row])
        assert not isinstance(caught.value, DivergenceError)
        assert not hasattr(model, "parameters_")

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (-np.ones(150), "[Nn]egative"),
            (np.r_[-1e-300, np.ones(149)], "[Nn]egative"),
            (np.zeros(150), "zero"),
            (np.full(150, np.nan), "NaN"),
            (np.r_[np.inf, np.ones(149)], "inf"),
            (np.ones(149), r"\(149,\)"),
            (np.ones((150, 1)), "1D"),
            (["heavy"] * 150, "heavy"),
        ],
    )
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_bad_weights(self, Estimator, weights, message):
        for fresh in (Estimator(**SMALL), Estimator(**SMALL).fit(X, Y)):
            before = pickle.dumps(fresh)
            with pytest.raises((ValueError, TypeError), match=message):
                fresh.fit(X, Y, sample_weight=weights)
            with pytest.raises((ValueError, TypeError), match=message):
                fresh.partial_fit(X, Y, sample_weight=weights, **classes(fresh))
            assert pickle.dumps(fresh) == before


def classes(model):
    return {"classes": [0, 1, 2]} if isinstance(model, ActivationMLPClassifier) else {}


NAN, INF = X.copy(), X.copy()
NAN[3, 1], INF[3, 1] = np.nan, -np.inf
BAD_DATA = [
    (NAN, Y, "NaN"),
    (INF, Y, "inf"),
    (sparse.csr_array(NAN), Y, "NaN"),
    (X[:, 0], Y, "2D array"),
    (X[None], Y, "dim"),
    (X[:0], Y[:0], "0 sample"),
    (X[:, :0], Y, "0 feature"),
    (X, Y[:-1], "inconsistent"),
    (X, None, "y"),
    (X * 1j, Y, "[Cc]omplex"),
    (np.full((150, 4), "a"), Y, "'a'"),
    (X, Y[:, None, None], "array|dim|target"),
    (X, np.where(Y == 0, np.nan, Y), "NaN"),
    (X, np.where(Y == 0, np.inf, Y), "inf"),
    (X, np.full(150, None), "None|NaN|type|finite"),
]


class TestBadData:
    @pytest.mark.parametrize(("X_bad", "y_bad", "message"), BAD_DATA, ids=range(len(BAD_DATA)))
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_bad_data_change_nothing(self, Estimator, X_bad, y_bad, message):
        fresh, fitted = Estimator(**SMALL), Estimator(**SMALL).fit(X, Y)
        for model in (fresh, fitted, clone(fitted).set_params(warm_start=True).fit(X, Y)):
            before = pickle.dumps(model)
            with pytest.raises((ValueError, TypeError), match=message):
                model.fit(X_bad, y_bad)
            with pytest.raises((ValueError, TypeError), match=message):
                model.partial_fit(X_bad, y_bad, **classes(model))
            assert pickle.dumps(model) == before
        with pytest.raises(NotFittedError):
            check_is_fitted(fresh)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_bad_data_at_prediction(self, Estimator):
        model = Estimator(**SMALL).fit(X, Y)
        for X_bad, message in [
            (X[:, :3], "3 features, but .* is expecting 4"),
            (np.hstack([X, X]), "8 features"),
            (NAN, "NaN"),
            (X[0], "2D array"),
            (X[:0], "0 sample"),
            (sparse.csr_array(X[:, :3]), "3 features"),
        ]:
            with pytest.raises(ValueError, match=message):
                model.predict(X_bad)
            with pytest.raises(ValueError, match=message):
                model.partial_fit(X_bad, Y[: len(X_bad) if X_bad.ndim == 2 and not sparse.issparse(X_bad) else 150])

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("name", ["predict", "predict_proba", "predict_log_proba", "score"])
    def test_nothing_before_fit(self, Estimator, name):
        model = Estimator()
        if hasattr(model, name):
            with pytest.raises(NotFittedError, match="not fitted yet"):
                getattr(model, name)(*([X, Y] if name == "score" else [X]))


class TestWeightsThroughAttributes:
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_views_on_one_vector(self, Estimator):
        model = Estimator(hidden_layer_sizes=(4, 3), activation=["prelu", "maxout"], max_iter=1, random_state=0).fit(
            X, Y
        )
        parts = [*model.coefs_, *model.intercepts_, *model.slopes_]
        assert sum(part.size for part in parts) == model.parameters_.size
        assert all(np.shares_memory(part, model.parameters_) for part in parts if part.size)
        assert [W.shape for W in model.coefs_[:2]] == [(4, 4), (4, 6)]
        before = model.predict(X)
        model.coefs_[-1][...] = 0
        assert (model.parameters_ == 0).sum() >= model.coefs_[-1].size
        assert not np.array_equal(model.predict(X), before)

    def test_set_and_get(self):
        settings = {"hidden_layer_sizes": (3,), "activation": "identity", "max_iter": 1}
        model = ActivationMLPRegressor(**settings, normalize_y=False).fit(X, Y)
        first, second = np.arange(12.0).reshape(4, 3), np.ones((3, 1))
        model.coefs_ = [first.tolist(), second]
        model.intercepts_ = [np.zeros(3), [0.5]]
        assert_allclose(model.predict(X), (X @ first @ second)[:, 0] + 0.5)
        first[:] = 0
        assert model.coefs_[0].sum() == 66
        assert np.shares_memory(model.coefs_[0], model.parameters_)

    @pytest.mark.parametrize(
        ("coefs", "message"),
        [
            ([np.ones((4, 6))], r"\(4, 6\).*Got"),
            ([np.ones((4, 6)), np.ones((6, 3)), np.ones((3, 3))], "Got"),
            ([np.ones((6, 4)), np.ones((6, 3))], r"Got \[\(6, 4\)"),
            ([np.ones((4, 6)), np.ones(18)], "Got"),
            ([np.full((4, 6), np.nan), np.ones((6, 3))], "finite"),
            ([np.ones((4, 6)), np.full((6, 3), np.inf)], "finite"),
            ([np.ones((4, 6)), np.full((6, 3), 1e300)], "finite"),
            ([np.ones((4, 6)), np.full((6, 3), "a")], "'a'"),
            (None, "coefs_|iter"),
            (3.0, "coefs_|iter"),
        ],
        ids=range(10),
    )
    def test_mismatched_weights_change_nothing(self, coefs, message):
        model = ActivationMLPClassifier(**SMALL, dtype="float32").fit(X, Y)
        before = pickle.dumps(model)
        with pytest.raises((ValueError, TypeError), match=message):
            model.coefs_ = coefs
        assert pickle.dumps(model) == before

    def test_mismatched_biases_change_nothing(self):
        model = ActivationMLPClassifier(**SMALL).fit(X, Y)
        before = pickle.dumps(model)
        for bad in ([np.ones(6)], [np.ones(3), np.ones(6)], [np.ones(6), np.full(3, np.nan)]):
            with pytest.raises(ValueError, match="intercepts_"):
                model.intercepts_ = bad
        assert pickle.dumps(model) == before

    @pytest.mark.parametrize("name", ["coefs_", "intercepts_", "slopes_", "parameters_"])
    def test_not_there_before_fit(self, name):
        model = ActivationMLPClassifier()
        assert not hasattr(model, name)
        if name in ("coefs_", "intercepts_"):
            with pytest.raises(NotFittedError, match="not fitted yet"):
                setattr(model, name, [np.ones((4, 3))])


class TestSeveralCalls:
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", STOCHASTIC)
    @pytest.mark.parametrize("activation", ["relu", "prelu"])
    def test_partial_fit_ten_times_is_ten_epochs(self, Estimator, solver, activation):
        settings = {**SMALL, "solver": solver, "activation": activation, "batch_size": 32, "tol": 0.0}
        whole, steps = Estimator(**settings).fit(X, Y), Estimator(**settings)
        for _ in range(10):
            steps.partial_fit(X, Y, **classes(steps))
        assert_same(steps, whole)
        assert steps.n_iter_ == whole.n_iter_ == 10
        assert steps.t_ == 1500

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", STOCHASTIC)
    @pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive"])
    def test_warm_start_ten_times_one_epoch_is_ten_epochs(self, Estimator, solver, schedule):
        settings = {**SMALL, "solver": solver, "learning_rate": schedule, "batch_size": 32, "warm_start": True}
        whole, steps = Estimator(**settings).fit(X, Y), Estimator(**settings).set_params(max_iter=1)
        for _ in range(10):
            steps.fit(X, Y)
            assert steps.n_iter_ == 1
        assert_same(steps, whole)
        assert len(steps.loss_curve_) == 10

    @pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
    def test_partial_fit_follows_a_schedule_of_max_iter_epochs(self, schedule):
        settings = {**SMALL, "learning_rate": schedule, "batch_size": 32, "tol": 0.0}
        whole, steps = ActivationMLPRegressor(**settings).fit(X, Y), ActivationMLPRegressor(**settings)
        for _ in range(10):
            steps.partial_fit(X, Y)
        assert_same(steps, whole)
        steps.partial_fit(X, Y)  # the schedule stays at its end
        assert np.isfinite(steps.parameters_).all()

    def test_warm_start_with_early_stopping_keeps_its_held_out_rows(self):
        settings = {**SMALL, "early_stopping": True, "warm_start": True, "batch_size": 32, "n_iter_no_change": 1000}
        whole, halves = (ActivationMLPClassifier(**settings).fit(X, Y) for _ in range(2))
        whole = ActivationMLPClassifier(**{**settings, "max_iter": 20}).fit(X, Y)
        halves.fit(X, Y)
        assert halves.validation_scores_[:10] == whole.validation_scores_[:10]
        assert len(halves.validation_scores_) == 20
        assert halves.best_validation_score_ == max(halves.validation_scores_)

    def test_warm_start_lbfgs_goes_on(self):
        settings = {"solver": "lbfgs", "hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 5}
        model = ActivationMLPClassifier(warm_start=True, **settings).fit(X, Y)
        first = model.loss_
        assert model.fit(X, Y).loss_ < first
        assert len(model.loss_curve_) == 10
        assert_same(clone(model).set_params(warm_start=False).fit(X, Y).fit(X, Y), clone(model).fit(X, Y))

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_fit_without_warm_start_forgets(self, Estimator):
        model = Estimator(**SMALL).fit(X[:80] * 3, Y[:80])
        model.partial_fit(X, Y)
        assert_same(model.fit(X, Y), Estimator(**SMALL).fit(X, Y))
        assert model.t_ == 1500

    @pytest.mark.parametrize(
        "change",
        [
            {"hidden_layer_sizes": (7,)},
            {"hidden_layer_sizes": (6, 6)},
            {"activation": "prelu"},
            {"activation": Maxout(2)},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_changed_layers_cannot_go_on(self, Estimator, change):
        model = Estimator(**SMALL, warm_start=True).fit(X, Y)
        model.set_params(**change)
        before = pickle.dumps(model)
        with pytest.raises(ValueError, match=r"layer sizes \[4, 6, .*warm_start=False"):
            model.fit(X, Y)
        with pytest.raises(ValueError, match="layer sizes"):
            model.partial_fit(X, Y)
        assert pickle.dumps(model) == before
        model.set_params(warm_start=False).fit(X, Y)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("batch_size", [50, 150])
    @pytest.mark.parametrize("seed", [None, "instance"])
    def test_the_callers_random_numbers_go_on(self, Estimator, seed, batch_size):
        np.random.seed(0)
        source = np.random.RandomState(0) if seed else np.random
        model = Estimator(**{**SMALL, "random_state": source if seed else None, "batch_size": batch_size})
        drawn = []
        for _ in range(5):
            model.partial_fit(X, Y, **classes(model))
            drawn.append(source.uniform())
        assert len(set(drawn)) == 5

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_random_state_decides_everything(self, Estimator):
        settings = {**SMALL, "batch_size": 20, "early_stopping": True}
        np.random.seed(1)
        one = Estimator(**settings).fit(X, Y)
        np.random.seed(2)
        assert_same(Estimator(**settings).fit(X, Y), one)
        other = Estimator(**{**settings, "random_state": 1}).fit(X, Y)
        assert not np.array_equal(other.parameters_, one.parameters_)
        fresh = [Estimator(**{**settings, "random_state": None}).fit(X, Y).parameters_ for _ in range(2)]
        assert not np.array_equal(*fresh)
        again = [Estimator(**{**settings, "random_state": np.random.RandomState(5)}).fit(X, Y) for _ in range(2)]
        assert_same(*again)

    def test_partial_fit_is_for_stochastic_solvers(self):
        assert not hasattr(ActivationMLPClassifier(solver="lbfgs"), "partial_fit")
        assert hasattr(ActivationMLPClassifier(solver="adagrad"), "partial_fit")
        with pytest.raises(ValueError, match="early_stopping"):
            ActivationMLPRegressor(early_stopping=True).partial_fit(X, Y)

    def test_switching_early_stopping_off_starts_a_new_count(self):
        model = ActivationMLPClassifier(**{**SMALL, "max_iter": 30}, early_stopping=True, warm_start=True).fit(X, Y)
        n_validated = model.n_iter_
        model.set_params(early_stopping=False, max_iter=40).fit(X, Y)
        assert model.n_iter_ == 40  # the loss falls steadily; it is not compared with a score
        assert model.best_loss_ == min(model.loss_curve_[-40:])
        assert_array_equal(np.isnan(model.validation_scores_), np.arange(n_validated + 40) >= n_validated)
        model.set_params(early_stopping=True, max_iter=5).fit(X, Y)
        assert model.best_loss_ is None
        assert model.best_validation_score_ == np.nanmax(model.validation_scores_)


class TestEarlyStopping:
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_restores_the_best_epoch(self, Estimator):
        settings = {**SMALL, "early_stopping": True, "learning_rate_init": 0.3, "max_iter": 60, "batch_size": 10}
        model = Estimator(**settings, n_iter_no_change=20, tol=0.0).fit(X, Y)
        best = int(np.argmax(model.validation_scores_))
        assert best < len(model.validation_scores_) - 1
        assert model.best_validation_score_ == model.validation_scores_[best]
        until_best = Estimator(**{**settings, "max_iter": best + 1}, n_iter_no_change=20, tol=0.0).fit(X, Y)
        assert_array_equal(until_best.parameters_, model.parameters_)
        assert model.best_loss_ is None

    def test_held_out_rows_are_not_trained_on(self):
        settings = {**SMALL, "early_stopping": True, "validation_fraction": 0.2, "max_iter": 3, "tol": 0.0}
        model = ActivationMLPRegressor(**settings).fit(X, Y)
        changed = 0
        for row in range(0, 150, 5):
            X_other = X.copy()
            X_other[row] += 0.5
            other = ActivationMLPRegressor(**settings).fit(X_other, Y)
            same_path = other.loss_curve_ == model.loss_curve_
            changed += not same_path
        assert 0 < changed < 30

    def test_class_shares_are_kept(self):
        y = np.array(["rare"] * 10 + ["common"] * 140)
        model = ActivationMLPClassifier(**SMALL, early_stopping=True, validation_fraction=0.1).fit(X, y)
        assert model.t_ == 10 * 135
        with pytest.warns(UserWarning, match="not in the proportions of the classes, since .* one row only: 'once'"):
            ActivationMLPClassifier(**SMALL, early_stopping=True).fit(X, ["once"] + ["often"] * 149)

    def test_stops_when_the_score_stalls(self):
        settings = {**SMALL, "early_stopping": True, "max_iter": 500, "learning_rate_init": 0.05}
        model = ActivationMLPClassifier(n_iter_no_change=5, **settings).fit(X, Y)
        assert model.n_iter_ < 100
        assert len(model.validation_scores_) == model.n_iter_ == len(model.loss_curve_)
        assert ActivationMLPClassifier(n_iter_no_change=30, **settings).fit(X, Y).n_iter_ > model.n_iter_

    def test_stops_when_the_loss_stalls(self):
        settings = {**SMALL, "max_iter": 2000, "learning_rate_init": 0.05, "tol": 1e-3}
        model = ActivationMLPClassifier(n_iter_no_change=5, **settings).fit(X, Y)
        assert model.n_iter_ < 2000
        curve = np.array(model.loss_curve_)
        assert (curve[-6:] > np.minimum.accumulate(curve)[-7:-1] - 1e-3).all()
        assert model.best_loss_ == curve.min()


DIVERGING = {"solver": "sgd", "learning_rate_init": 1e6, "hidden_layer_sizes": (10,), "random_state": 0}


class TestDivergence:
    @pytest.mark.parametrize(
        "settings", [{}, {"early_stopping": True}, {"batch_size": 10}, {"dtype": "float32"}], ids=str
    )
    @pytest.mark.parametrize("activation", ["identity", "relu", "prelu", "maxout"])
    def test_stops_at_once_and_keeps_finite_weights(self, activation, settings):
        model = ActivationMLPRegressor(activation=activation, **DIVERGING, **settings)
        with pytest.raises(DivergenceError, match="learning_rate_init") as caught:
            model.fit(X * 10, Y * 10)
        assert isinstance(caught.value, ValueError)
        assert 1 <= caught.value.epoch <= 20
        assert caught.value.learning_rate == 1e6
        assert f"epoch {caught.value.epoch}" in str(caught.value)
        assert "1e+06" in str(caught.value)
        assert "StdScaler" in str(caught.value)
        assert len(model.loss_curve_) == model.n_iter_ == caught.value.epoch - 1
        assert np.isfinite(model.loss_curve_).all()
        assert np.isfinite(model.parameters_).all()
        with np.errstate(all="ignore"):
            assert model.predict(X).shape == (150,)
        assert_array_equal(pickle.loads(pickle.dumps(model)).parameters_, model.parameters_)

    def test_keeps_the_best_weights_of_the_fit_that_diverged(self):
        rates = [0.01] * 5 + [1e200] * 5
        model = ActivationMLPRegressor(**{**SMALL, "solver": "sgd"}, learning_rate=lambda p: rates[p.epoch] / 0.001)
        with pytest.raises(DivergenceError) as caught:
            model.fit(X, Y)
        assert caught.value.epoch >= 6
        assert len(model.loss_curve_) >= 5
        # The fifth epoch's loss was the smallest: what is kept are the weights with which it began.
        calm = ActivationMLPRegressor(**{**SMALL, "solver": "sgd", "learning_rate_init": 0.01, "max_iter": 4}).fit(X, Y)
        assert_allclose(model.parameters_, calm.parameters_, rtol=1e-9)
        model.set_params(learning_rate="constant", learning_rate_init=0.01)
        losses = [model.partial_fit(X, Y).loss_ for _ in range(10)]
        assert max(losses) <= calm.loss_

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_lbfgs(self, Estimator):
        with pytest.raises(DivergenceError, match="StdScaler") as caught:
            (model := Estimator(solver="lbfgs", random_state=0)).fit(X * 1e307, Y)
        assert caught.value.learning_rate is None
        assert np.isfinite(model.parameters_).all()
        assert model.n_iter_ == len(model.loss_curve_)
        assert model.predict(X).shape == (150,)

    def test_a_score_that_is_not_finite_does_not_hide_it(self):
        model = ActivationMLPClassifier(**{**DIVERGING, "learning_rate_init": 1e305}, early_stopping=True)
        with pytest.raises(DivergenceError):
            model.fit(X, Y)
        assert np.isfinite(model.parameters_).all()


class Interrupting(Activation):
    """A ReLU at which the user presses Ctrl-C after a number of batches."""

    calls = 0

    def __init__(self, after=10):
        self.after = after

    def forward(self, Z, out=None):
        return np.maximum(Z, 0, out=out)

    def backward(self, dA, Z, A, out=None):
        if len(Z) > 3:  # a batch, not the few rows of the check that comes first
            Interrupting.calls += 1
            if Interrupting.calls > self.after:
                raise KeyboardInterrupt
        return np.multiply(dA, Z > 0, out=out)


class Pressed(Interrupting):
    """A ReLU at which Ctrl-C is always pressed."""

    def __init__(self):
        self.after = -1


class TestInterruption:
    @pytest.mark.parametrize("after", [0, 7, 10])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_leaves_a_usable_model(self, after, early_stopping):
        Interrupting.calls = 0
        settings = {**SMALL, "batch_size": 45, "max_iter": 100, "early_stopping": early_stopping}
        model = ActivationMLPClassifier(activation=Interrupting(after), **settings)
        with pytest.raises(KeyboardInterrupt, match="interrupted"):
            model.fit(X, Y)
        batches = 3 if early_stopping else 4
        assert model.n_iter_ == len(model.loss_curve_) == after // batches
        assert model.predict(X).shape == (150,)
        assert np.isfinite(model.parameters_).all()
        Interrupting.calls = -(10**6)
        assert model.set_params(max_iter=5).fit(X, Y).n_iter_ == 5

    @pytest.mark.parametrize(
        ("settings", "advice"),
        [
            ({}, "to go on, call partial_fit, or fit with warm_start=True."),
            ({"early_stopping": True}, "to go on, fit with warm_start=True."),
            ({"solver": "lbfgs"}, "to go on, fit with warm_start=True."),
            (
                {"early_stopping": "cross_validation", "batch_size": 20},
                "to go on, set early_stopping=False, then call partial_fit, or fit with warm_start=True.",
            ),
            (
                {"early_stopping": "continue", "scoring": "loss", "temperature_scaling": True},
                "to go on, set early_stopping=False and temperature_scaling=False, then call partial_fit, or fit with "
                "warm_start=True.",
            ),
        ],
    )
    def test_the_advice_can_be_followed(self, settings, advice):
        Interrupting.calls = 0
        model = ActivationMLPClassifier(activation=Interrupting(10), **{**SMALL, "max_iter": 100, **settings})
        with pytest.raises(TrainingInterrupted) as interrupted:
            model.fit(X, Y)
        assert str(interrupted.value).endswith(advice)
        Interrupting.calls = -(10**6)
        changes = {name: False for name in ("early_stopping", "temperature_scaling") if f"{name}=False" in advice}
        model.set_params(**changes, warm_start=True, max_iter=3)
        if "partial_fit" in advice:
            model.partial_fit(X, Y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            assert model.fit(X, Y).n_iter_ <= 3

    def test_early_stopping_restores_the_best_epoch_all_the_same(self):
        Interrupting.calls = 0
        settings = {**SMALL, "early_stopping": True, "learning_rate_init": 0.3, "batch_size": 10, "max_iter": 60}
        model = ActivationMLPClassifier(activation=Interrupting(after=400), n_iter_no_change=50, **settings)
        with pytest.raises(KeyboardInterrupt, match="interrupted"), use_backend("numpy"):
            model.fit(X, Y)
        best = int(np.argmax(model.validation_scores_))
        assert best < model.n_iter_ - 1
        with use_backend("numpy"):  # in which the user's own activation was trained, too
            until_best = ActivationMLPClassifier(**{**settings, "max_iter": best + 1}).fit(X, Y)
        assert_array_equal(model.parameters_, until_best.parameters_)

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_lbfgs_keeps_the_best_so_far(self, early_stopping):
        settings = {**SMALL, "solver": "lbfgs", "max_iter": 100, "early_stopping": early_stopping, "batch_norm": True}
        settings["n_iter_no_change"] = 50  # it must not be done before the user is
        Interrupting.calls = 0
        model = ActivationMLPClassifier(activation=Interrupting(after=20), **settings)
        with pytest.raises(TrainingInterrupted, match=r"after \d+ full epochs"):
            model.fit(X, Y)
        assert 5 < model.n_iter_ == len(model.loss_curve_) <= 20
        assert np.isfinite(model.parameters_).all()
        assert model.score(X, Y) > 0.8

    def test_weights_that_are_not_finite_are_not_kept(self):
        def interrupting(progress):
            if progress.epoch == 2:  # by then the first two epochs' steps were taken, the third's are under way
                model.parameters_[0] = np.nan
                raise KeyboardInterrupt
            return 1.0

        model = ActivationMLPClassifier(**SMALL, learning_rate=interrupting)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, Y)
        assert np.isfinite(model.parameters_).all()

    @pytest.mark.parametrize("learning_rate", ["constant", lambda progress: 1.0])  # many epochs in a call, and one
    def test_nor_are_those_of_training_that_diverges_meanwhile(self, learning_rate, monkeypatch):
        settings = {**DIVERGING, "warm_start": True, "learning_rate": learning_rate, "n_iter_no_change": 50}
        with pytest.raises(DivergenceError):
            (diverged := ActivationMLPClassifier(**settings)).fit(X, Y)

        def pressed(loop):  # before anything was done about it
            monkeypatch.undo()
            raise KeyboardInterrupt

        monkeypatch.setattr(TrainingLoop, "restart_from_best", pressed)
        with pytest.raises(TrainingInterrupted):
            (model := ActivationMLPClassifier(**settings)).fit(X, Y)
        assert_array_equal(model.parameters_, diverged.parameters_)
        assert_equal(model._training_state, diverged._training_state)
        assert model.loss_curve_ == diverged.loss_curve_

    def test_between_two_columns_of_the_history_leaves_them_equally_long(self, monkeypatch):
        presses = [KeyboardInterrupt]

        class Pressed(dict):
            def items(self):
                for item in super().items():
                    if item[0] == "learning_rate" and len(model.loss_curve_) == 8 and presses:
                        raise presses.pop()
                    yield item

        model = ActivationMLPClassifier(**{**SMALL, "max_iter": 5}, warm_start=True).fit(X, Y)
        monkeypatch.setattr("skneural.estimators.history.HISTORY_COLUMNS", Pressed(HISTORY_COLUMNS))
        with pytest.raises(TrainingInterrupted):
            model.fit(X, Y)
        model.fit(X, Y)
        assert {len(column) for column in model.history_.values() if column} == {len(model.loss_curve_)}
        assert np.isnan(model.history_["learning_rate"]).sum() == 1

    def test_before_training_nothing_has_changed(self, monkeypatch):
        model = ActivationMLPClassifier(**SMALL).fit(X, Y)
        before = model.__getstate__()

        def interrupting(fan_in, fan_out, rng):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt) as caught:
            model.set_params(weight_init=interrupting).fit(X, Y)
        assert caught.type is KeyboardInterrupt
        assert {**model.__getstate__(), "weight_init": "auto"} == before

    def test_a_pipeline_stops_and_can_be_used(self):
        Interrupting.calls = 0
        pipeline = make_pipeline(
            StdScaler(), ActivationMLPClassifier(activation=Interrupting(8), **SMALL, learning_rate_init=0.1)
        )
        with pytest.raises(KeyboardInterrupt):
            pipeline.fit(X, Y)
        assert pipeline.score(X, Y) > 0.5

    def test_a_search_stops(self):
        Interrupting.calls = 0
        model = ActivationMLPClassifier(activation=Interrupting(after=40), **SMALL)
        search = GridSearchCV(model, {"alpha": [1e-4, 1e-3, 1e-2]}, cv=3, error_score=0.0)
        with pytest.raises(TrainingInterrupted):
            search.fit(X, Y)
        assert Interrupting.calls == 41
        assert not hasattr(search, "cv_results_")

    def test_a_search_in_processes_stops(self):
        search = GridSearchCV(ActivationMLPClassifier(activation=Pressed(), **SMALL), {"alpha": [1, 2]}, cv=2, n_jobs=2)
        with pytest.raises(TrainingInterrupted):
            search.fit(X, Y)

    def test_a_real_signal(self):
        script = (
            "import numpy as np; from skneural import ActivationMLPRegressor\n"
            "X = np.random.default_rng(0).standard_normal((2000, 20))\n"
            "model = ActivationMLPRegressor(max_iter=10**6, tol=0, n_iter_no_change=np.inf, verbose=True)\n"
            "try:\n    model.fit(X, X[:, 0])\n"
            "except KeyboardInterrupt as error:\n    print(error, flush=True)\n"
            "print('usable:', np.isfinite(model.predict(X)).all(), model.n_iter_ > 0)\n"
        )
        run = subprocess.Popen([sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, text=True)
        lines = [run.stdout.readline() for _ in range(5)]
        run.send_signal(signal.SIGINT)
        rest, _ = run.communicate(timeout=60)
        assert all(lines)  # it trains
        assert "Training was interrupted after" in rest
        assert rest.endswith("usable: True True\n")
        assert run.returncode == 0

    def test_any_other_error_leaves_the_model_as_it_was(self):
        class Broken(Activation):
            def forward(self, Z, out=None):
                return np.maximum(Z, 0, out=out)

            def backward(self, dA, Z, A, out=None):
                raise ZeroDivisionError

        model = ActivationMLPClassifier(**SMALL, warm_start=True).fit(X, Y)
        P = model.predict_proba(X)
        before = model.__getstate__()
        model.set_params(activation=Broken())
        with pytest.raises(ZeroDivisionError):
            model.fit(X, Y)
        with pytest.raises(ZeroDivisionError):
            model.partial_fit(X, Y)
        assert {**model.__getstate__(), "activation": "relu"} == before
        assert_array_equal(model.predict_proba(X), P)
        fresh = ActivationMLPClassifier(activation=Broken())
        parameters = dict(vars(fresh))
        with pytest.raises(ZeroDivisionError):
            fresh.fit(X, Y)
        assert vars(fresh) == parameters

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_an_error_after_some_epochs_takes_them_back(self, Estimator):
        model = Estimator(**SMALL, warm_start=True, activation="prelu").fit(X, Y)
        before, views = pickle.dumps(model), [*model.coefs_, *model.slopes_]
        model.set_params(learning_rate=lambda progress: 1.0 if progress.epoch < 3 else np.nan)
        with pytest.raises(ValueError, match="learning_rate"):
            model.fit(X, Y)
        assert pickle.dumps(model.set_params(learning_rate="constant")) == before
        for view, same in zip(views, [*model.coefs_, *model.slopes_], strict=True):
            assert np.shares_memory(view, same)
        twin = pickle.loads(before)
        assert_same(model.fit(X, Y), twin.fit(X, Y))


READ = """
import sys, joblib, pickle, numpy as np
for path in sys.argv[2:]:
    model = joblib.load(path) if path.endswith("joblib") else pickle.load(open(path, "rb"))
    np.save(path + ".npy", model.predict_proba(np.load(sys.argv[1])))
"""


class TestPersistence:
    def test_a_fresh_process_predicts_the_same(self, tmp_path):
        np.save(tmp_path / "X.npy", X)
        expected = {}
        for i, activation in enumerate([["relu", Maxout(3)], ["prelu", "elu"]]):
            network = ActivationMLPClassifier((6, 5), activation, max_iter=5, random_state=0)
            model = make_pipeline(StdScaler(), network).fit(X, Y)
            joblib.dump(model, tmp_path / f"{i}.joblib")
            (tmp_path / f"{i}.pickle").write_bytes(pickle.dumps(model))
            expected |= {str(tmp_path / f"{i}.{kind}"): model.predict_proba(X) for kind in ("joblib", "pickle")}
        subprocess.run([sys.executable, "-c", READ, tmp_path / "X.npy", *expected], check=True)
        for path, probabilities in expected.items():
            assert_array_equal(np.load(path + ".npy"), probabilities)

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    def test_copies_are_equal_and_independent(self, activation):
        model = ActivationMLPClassifier(**SMALL, activation=activation).fit(X, Y)
        for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert_same(twin, model)
            assert twin.get_params() == model.get_params()
            before = model.parameters_.copy()
            twin.coefs_[0][...] = 1.0
            twin.partial_fit(X, Y)
            assert_array_equal(model.parameters_, before)

    @pytest.mark.parametrize(
        ("warm_start", "solver", "limit"),
        [(False, "adam", 1.1), (True, "adam", 3.1), (True, "sgd", 2.1), (False, "lbfgs", 1.1)],
    )
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("dump", ["pickle", "joblib"])
    def test_a_pickle_holds_the_weights_once(self, warm_start, solver, limit, early_stopping, dump):
        settings = {"warm_start": warm_start, "solver": solver, "early_stopping": early_stopping}
        model = ActivationMLPRegressor(hidden_layer_sizes=(300, 300), max_iter=4, **settings).fit(X, Y)
        file = io.BytesIO()
        pickle.dump(model, file) if dump == "pickle" else joblib.dump(model, file)
        assert model.parameters_.nbytes < file.tell() < limit * model.parameters_.nbytes

    @pytest.mark.parametrize("solver", STOCHASTIC)
    @pytest.mark.parametrize("schedule", ["constant", "invscaling"])
    def test_with_warm_start_training_goes_on_exactly(self, solver, schedule):
        model = ActivationMLPClassifier(**SMALL, solver=solver, learning_rate=schedule, warm_start=True, batch_size=32)
        twin = pickle.loads(pickle.dumps(model.fit(X, Y)))
        assert_same(twin.fit(X, Y), model.fit(X, Y))
        twin = pickle.loads(pickle.dumps(model))
        assert_same(twin.partial_fit(X, Y), model.partial_fit(X, Y))

    def test_with_early_stopping_training_goes_on_exactly_from_the_best_epoch(self):
        settings = {**SMALL, "warm_start": True, "early_stopping": True, "n_iter_no_change": 1000, "max_iter": 40}
        model = ActivationMLPClassifier(**{**settings, "learning_rate_init": 0.3, "batch_size": 10}).fit(X, Y)
        assert np.argmax(model.validation_scores_) < 39  # the last epoch was not the best
        best = model.parameters_.copy()
        twin = pickle.loads(pickle.dumps(model))
        for each in (twin, model):
            each.set_params(learning_rate_init=50.0, max_iter=2).fit(X, Y)  # which can only lose
            assert_array_equal(each.parameters_, best)
        assert_same(twin, model)

    @pytest.mark.parametrize("schedule", ["invscaling", "cosine"])
    def test_without_warm_start_rows_and_epochs_are_still_counted(self, schedule):
        model = ActivationMLPClassifier(**SMALL, solver="sgd", momentum=0.0, learning_rate=schedule, shuffle=False)
        for _ in range(3):
            model.partial_fit(X, Y, classes=[0, 1, 2])
        twin = pickle.loads(pickle.dumps(model))
        assert_same(twin.partial_fit(X, Y), model.partial_fit(X, Y))  # sgd without momentum has no other state
        assert (twin.t_, twin.n_iter_) == (600, 4)

    def test_memory_mapped_models_predict_and_train(self, tmp_path):
        model = ActivationMLPClassifier(**SMALL).fit(X, Y)
        joblib.dump(model, tmp_path / "model.joblib")
        mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
        assert_same(mapped, model)
        mapped.partial_fit(X, Y)
        assert_array_equal(joblib.load(tmp_path / "model.joblib").parameters_, model.parameters_)

    def test_unfitted(self):
        model = pickle.loads(pickle.dumps(ActivationMLPClassifier(activation=[Maxout(3)])))
        assert model.activation == [Maxout(3)]
        assert not hasattr(model, "parameters_")


class TestMetadataRouting:
    @pytest.mark.skipif(
        parse_version(sklearn.__version__) < parse_version("1.8"), reason="its default scorer asks pipelines themselves"
    )
    def test_sample_weight_reaches_fit_and_score(self):
        weights = np.where(Y == 0, 5.0, 1.0)
        with config_context(enable_metadata_routing=True):
            model = ActivationMLPClassifier(**SMALL).set_fit_request(sample_weight=True)
            model.set_score_request(sample_weight=True)
            pipeline = make_pipeline(StdScaler().set_fit_request(sample_weight=False), model)
            got = cross_validate(
                pipeline, X, Y, params={"sample_weight": weights}, cv=3, return_estimator=True, error_score="raise"
            )
            search = GridSearchCV(
                pipeline, {"activationmlpclassifier__activation": ["relu", "elu"]}, cv=2, error_score="raise"
            )
            search.fit(X, Y, sample_weight=weights)
            plain = ActivationMLPClassifier(**SMALL).set_partial_fit_request(sample_weight=True, classes=True)
            requests = plain.get_metadata_routing().partial_fit.requests
            assert requests["sample_weight"] is requests["classes"] is True
        expected = ActivationMLPClassifier(**SMALL).fit(StdScaler().fit_transform(X), Y, weights)
        assert_allclose(
            search.best_estimator_[-1]
            .set_params(activation="relu")
            .fit(StdScaler().fit_transform(X), Y, weights)
            .parameters_,
            expected.parameters_,
        )
        assert len(got["estimator"]) == 3
        unweighted = ActivationMLPClassifier(**SMALL).fit(StdScaler().fit_transform(X), Y)
        assert not np.allclose(unweighted.parameters_, expected.parameters_)
