"""The validation set, the user's own or held out: what is recorded, what is compared, what is restored."""

import math
import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.metrics import accuracy_score, f1_score, get_scorer, log_loss, make_scorer, r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import Pipeline

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, StdScaler
from skneural.deployment import load, save
from skneural.estimators.validation_set import train_validation_split
from skneural.inspection import LossCurveDisplay

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [ActivationMLPClassifier, ActivationMLPRegressor]
X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
ORDER = np.random.RandomState(0).permutation(150)
X, Y = X[ORDER], Y[ORDER]
X, X_VAL, Y, Y_VAL = X[:100], X[100:], Y[:100], Y[100:]
WEIGHTS = np.random.RandomState(3).randint(0, 4, 50).astype(float)
OURS = {"X_val": X_VAL, "y_val": Y_VAL}
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 6, "random_state": 0, "learning_rate_init": 0.02}
SOLVERS = ["adam", "sgd", "lbfgs"]


def loss_by_hand(model, X, y, weights=None):
    if isinstance(model, ActivationMLPRegressor):
        residual = (model.predict(X) - y) / model.target_scale_
        return np.average(residual**2, weights=weights) / 2
    return log_loss(y, model.predict_proba(X), sample_weight=weights, labels=model.classes_)


class TestRecords:
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", SOLVERS)
    @pytest.mark.parametrize("weights", [None, WEIGHTS, 1e308 * np.ones(50)], ids=["plain", "weighted", "huge"])
    @pytest.mark.parametrize("more", [{}, {"batch_norm": True}], ids=str)
    def test_curves_are_those_computed_by_hand(self, Estimator, solver, weights, more):
        given = OURS if weights is None else {**OURS, "sample_weight_val": weights}
        settings = {**SMALL, **more, "solver": solver}
        model = Estimator(**settings).fit(X, Y, **given)
        assert len(model.validation_loss_curve_) == len(model.validation_scores_) == len(model.loss_curve_)
        if weights is not None:
            weights = weights / weights.max()
        for epoch in {1, 3, model.n_iter_}:
            until = Estimator(**{**settings, "max_iter": epoch}).fit(X, Y)
            loss = loss_by_hand(until, X_VAL, Y_VAL, weights)
            assert model.validation_loss_curve_[epoch - 1] == pytest.approx(loss, rel=1e-9)
            score = until.score(X_VAL, Y_VAL, weights)
            assert model.validation_scores_[epoch - 1] == pytest.approx(score, rel=1e-9)
        assert model.best_validation_score_ == max(model.validation_scores_)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_without_early_stopping_they_change_nothing(self, Estimator):
        plain, monitored = Estimator(**SMALL).fit(X, Y), Estimator(**SMALL).fit(X, Y, **OURS)
        assert_array_equal(monitored.parameters_, plain.parameters_)
        assert monitored.best_loss_ == plain.best_loss_ == min(plain.loss_curve_)
        assert plain.validation_scores_ is plain.validation_loss_curve_ is plain.best_validation_score_ is None

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", SOLVERS)
    def test_an_epoch_without_them_has_no_numbers(self, Estimator, solver):
        settings = {**SMALL, "solver": solver, "max_iter": 3, "tol": 0.0, "warm_start": True}
        model = Estimator(**settings).fit(X, Y)
        assert model.history_["validation_loss"] == model.history_["validation_score"] == []
        model.fit(X, Y, **OURS).fit(X, Y)
        assert {len(column) for column in model.history_.values()} == {9}
        for curve in (model.validation_loss_curve_, model.validation_scores_):
            assert_array_equal(np.isnan(curve), np.repeat([True, False, True], 3))
        assert model.best_validation_score_ == max(model.validation_scores_[3:6])
        model.set_params(early_stopping=True, max_iter=1).fit(X, Y, **OURS)
        scores = np.array(model.validation_scores_)
        assert LossCurveDisplay.from_estimator(model).best_epoch == np.flatnonzero(scores == np.nanmax(scores))[0] + 1

    def test_unknown_numbers_are_saved(self, tmp_path):
        pytest.importorskip("skops.io")
        model = ActivationMLPClassifier(**SMALL, warm_start=True).fit(X, Y).fit(X, Y, **OURS)
        save(model, tmp_path / "model.skops")
        for twin in (pickle.loads(pickle.dumps(model)), load(tmp_path / "model.skops")):
            for name, column in model.history_.items():
                expected = np.full(12, np.nan) if name == "seconds" else column  # times are not saved
                assert_array_equal(twin.history_[name], expected)

    @pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, np.asfortranarray, np.ndarray.tolist])
    def test_in_any_form(self, container):
        expected = ActivationMLPClassifier(**SMALL).fit(X, Y, **OURS)
        got = ActivationMLPClassifier(**SMALL).fit(X, Y, X_val=container(X_VAL), y_val=Y_VAL.tolist())
        assert_allclose(got.validation_loss_curve_, expected.validation_loss_curve_, rtol=1e-9)

    def test_single_precision(self):
        model = ActivationMLPClassifier(**SMALL, dtype="float32").fit(X, Y, **OURS)
        double = ActivationMLPClassifier(**SMALL).fit(X, Y, **OURS)
        assert model.parameters_.dtype == np.float32
        assert_allclose(model.validation_loss_curve_, double.validation_loss_curve_, rtol=1e-3)
        assert {type(value) for column in model.history_.values() for value in column} == {float}

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    @pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss", "f1_macro"])
    def test_dataframes_raise_no_warning(self, library, scoring):
        frame = pytest.importorskip(library).DataFrame
        rows, held_out = (frame({f"c{j}": values[:, j] for j in range(4)}) for values in (X, X_VAL))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", message="Stochastic Optimizer")
            model = ActivationMLPClassifier(**SMALL, scoring=scoring, early_stopping=True)
            model.fit(rows, Y, X_val=held_out, y_val=Y_VAL)
            ActivationMLPClassifier(**SMALL, scoring=scoring, early_stopping=True).fit(rows, Y)
        assert model.best_validation_score_ is not None

    @pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
    def test_the_callers_arrays_stay(self, scoring):
        arrays = [X.copy(), Y.copy(), np.ones(100), X_VAL.copy(), Y_VAL.copy(), WEIGHTS.copy()]
        before = [array.copy() for array in arrays]
        for array in arrays:
            array.flags.writeable = False
        given = dict(zip(("X_val", "y_val", "sample_weight_val"), arrays[3:], strict=True))
        ActivationMLPClassifier(**SMALL, scoring=scoring, early_stopping=True).fit(*arrays[:3], **given)
        for array, old in zip(arrays, before, strict=True):
            assert_array_equal(array, old)


def plain_scorer(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


SCORINGS = {
    "none": (None, lambda m, w: accuracy_score(Y_VAL, m.predict(X_VAL), sample_weight=w)),
    "loss": ("loss", lambda m, w: -log_loss(Y_VAL, m.predict_proba(X_VAL), sample_weight=w)),
    "neg_log_loss": ("neg_log_loss", lambda m, w: -log_loss(Y_VAL, m.predict_proba(X_VAL), sample_weight=w)),
    "f1_macro": ("f1_macro", lambda m, w: f1_score(Y_VAL, m.predict(X_VAL), average="macro", sample_weight=w)),
    "callable": (plain_scorer, lambda m, w: accuracy_score(Y_VAL, m.predict(X_VAL))),
    "scorer": (
        make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
        lambda m, w: -log_loss(Y_VAL, m.predict_proba(X_VAL), sample_weight=w),
    ),
    "no weights": ("rand_score", None),
}


class TestScoring:
    @pytest.mark.parametrize("name", SCORINGS)
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    @pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
    @pytest.mark.parametrize("batch_norm", [False, True])
    def test_the_best_epoch_is_the_best_by_that_score(self, name, solver, weights, batch_norm):
        scoring, by_hand = SCORINGS[name]
        given = OURS if weights is None else {**OURS, "sample_weight_val": weights}
        settings = {**SMALL, "scoring": scoring, "solver": solver, "early_stopping": True, "batch_norm": batch_norm}
        model = ActivationMLPClassifier(**{**settings, "max_iter": 15, "learning_rate_init": 0.2}).fit(X, Y, **given)
        assert model.best_validation_score_ == max(model.validation_scores_)
        if by_hand is not None:
            assert by_hand(model, weights) == pytest.approx(model.best_validation_score_, rel=1e-9)
        best = int(np.argmax(model.validation_scores_)) + 1
        settings.update(max_iter=best, learning_rate_init=0.2, early_stopping=False)
        assert_array_equal(ActivationMLPClassifier(**settings).fit(X, Y).parameters_, model.parameters_)

    def test_scores_of_two_classes(self):
        y, y_val = (np.where(labels == 1, "yes", "no") for labels in (Y, Y_VAL))
        settings = {**SMALL, "early_stopping": True, "scoring": "roc_auc"}
        model = ActivationMLPClassifier(**settings).fit(X, y, X_val=X_VAL, y_val=y_val)
        assert model.best_validation_score_ == pytest.approx(roc_auc_score(y_val, model.predict_proba(X_VAL)[:, 1]))
        assert ActivationMLPClassifier(**settings).fit(X, y).best_validation_score_ > 0

    @pytest.mark.parametrize("scoring", [lambda estimator: 1.0, lambda estimator, X, y: None])
    def test_a_function_that_is_no_scorer_is_named(self, scoring):
        model = ActivationMLPClassifier(early_stopping=True, scoring=scoring)
        with pytest.raises(TypeError, match=r"scoring=<function .*called with \(estimator, X, y\), does not suit"):
            model.fit(X, Y)

    def test_a_score_of_probabilities_does_not_suit_a_regressor(self):
        model = ActivationMLPRegressor(**SMALL, early_stopping=True, scoring="neg_log_loss")
        with pytest.raises(TypeError, match=r"scoring='neg_log_loss', called .* does not suit"):
            model.fit(X, Y)

    def test_multilabel(self):
        rows, labels = make_multilabel_classification(100, 5, n_classes=3, random_state=0)
        settings = {**SMALL, "early_stopping": True, "scoring": "f1_micro"}
        model = ActivationMLPClassifier(**settings).fit(rows[:70], labels[:70], X_val=rows[70:], y_val=labels[70:])
        expected = f1_score(labels[70:], model.predict(rows[70:]), average="micro")
        assert model.best_validation_score_ == pytest.approx(expected)

    def test_regression_with_several_outputs(self):
        targets, targets_val = np.stack([Y, 2 * X[:, 0]], axis=1), np.stack([Y_VAL, 2 * X_VAL[:, 0]], axis=1)
        settings = {**SMALL, "early_stopping": True}
        model = ActivationMLPRegressor(**settings).fit(X, targets, X_val=X_VAL, y_val=targets_val)
        assert model.best_validation_score_ == pytest.approx(r2_score(targets_val, model.predict(X_VAL)))
        model = ActivationMLPRegressor(**settings, scoring="neg_mean_absolute_error").fit(X, targets)
        assert model.best_validation_score_ < 0

    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    @pytest.mark.filterwarnings("ignore:.*ROC AUC score is not defined:sklearn.exceptions.UndefinedMetricWarning")
    def test_scores_that_are_not_defined_keep_the_last_parameters(self, solver):
        settings = {**SMALL, "solver": solver, "scoring": "roc_auc"}
        given = {"X_val": X_VAL, "y_val": np.zeros(len(X_VAL), bool)}
        model = ActivationMLPClassifier(**settings, early_stopping=True)
        with pytest.warns(UserWarning, match="No validation score was a finite number"):
            model.fit(X, Y == 0, **given)
        assert_array_equal(model.parameters_, ActivationMLPClassifier(**settings).fit(X, Y == 0).parameters_)
        assert model.best_validation_score_ is None
        assert all(math.isnan(score) for score in model.validation_scores_)

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (math.nan, r"returned NaN. Expected a number; where there is no score, return -inf"),
            (np.float32("nan"), "returned NaN"),
            (None, "expected a number, got None of type NoneType"),
            ("0.9", "expected a number, got '0.9' of type str"),
            (np.array([0.9]), r"expected a number, got array\(\[0.9\]\) of type ndarray"),
            ([0.9, 0.8], r"expected a number, got \[0.9, 0.8\] of type list"),
            ({"f1": 0.9}, "expected a number, got {'f1': 0.9} of type dict"),
            (0.9 + 0j, "expected a number, got .* of type complex"),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_what_a_function_must_return(self, Estimator, returned, message):
        model = Estimator(**SMALL, early_stopping=True, scoring=lambda model, X, y: returned)
        before = dict(vars(model))
        with pytest.raises((TypeError, ValueError), match=r"scoring=<function .*\(estimator, X, y\), .*" + message):
            model.fit(X, Y)
        assert vars(model) == before

    @pytest.mark.parametrize("returned", [True, 1, np.float32(0.5), np.array(0.5), np.int8(-3)], ids=repr)
    def test_numbers_of_every_type_are_scores(self, returned):
        model = ActivationMLPClassifier(**SMALL, early_stopping=True, scoring=lambda model, X, y: returned).fit(X, Y)
        assert model.best_validation_score_ == float(returned)

    def test_an_epoch_without_a_score_may_have_the_worst(self):
        scores = iter([-math.inf, 0.5, -math.inf, 0.4])
        settings = {**SMALL, "max_iter": 4, "learning_rate_init": 0.2}
        model = ActivationMLPClassifier(**settings, early_stopping=True, scoring=lambda *_: next(scores)).fit(
            X, Y, **OURS
        )
        expected = ActivationMLPClassifier(**{**settings, "max_iter": 2}).fit(X, Y, **OURS)
        assert_array_equal(model.parameters_, expected.parameters_)
        assert model.best_validation_score_ == 0.5

    @pytest.mark.parametrize(
        "error", [ZeroDivisionError("by zero"), KeyError("f1"), ValueError("bad"), IndexError("3")]
    )
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_a_function_that_fails_is_named(self, error, solver):
        def failing(model, X, y):
            raise error

        model = ActivationMLPClassifier(**SMALL, early_stopping=True, scoring=failing, solver=solver)
        before = dict(vars(model))
        name = type(error).__name__
        with pytest.raises(
            ValueError, match=rf"scoring=<function .*failing.* failed on the validation set: {name}: "
        ) as e:
            model.fit(X, Y)
        assert e.value.__cause__ is error
        assert vars(model) == before

    def test_a_score_that_needs_two_classes_is_named(self):
        model = ActivationMLPClassifier(**SMALL, early_stopping=True, scoring="average_precision")
        with pytest.raises(
            ValueError, match=r"scoring='average_precision', .* failed on the validation set: ValueError"
        ):
            model.fit(X, np.where(Y == 0, "a", "b"))

    def test_a_change_of_scoring_starts_a_new_count(self):
        settings = {**SMALL, "early_stopping": True, "warm_start": True, "learning_rate_init": 0.001}
        model = ActivationMLPClassifier(**settings).fit(X, Y, **OURS)
        model.set_params(scoring="loss", max_iter=20).fit(X, Y, **OURS)
        assert model.n_iter_ == 20  # an accuracy of 0.5 is not a loss of -0.5 that is never reached again
        assert loss_by_hand(model, X_VAL, Y_VAL) == pytest.approx(-max(model.validation_scores_[-20:]))


BAD = [
    ({"X_val": X_VAL}, "Got no y_val"),
    ({"y_val": Y_VAL}, "Got no X_val|without X_val"),
    ({"sample_weight_val": WEIGHTS}, "Got no X_val|without X_val"),
    ({"X_val": X_VAL[:, :3], "y_val": Y_VAL}, "3 features"),
    ({"X_val": X_VAL, "y_val": Y_VAL[:-1]}, "inconsistent"),
    ({"X_val": np.full_like(X_VAL, np.nan), "y_val": Y_VAL}, "NaN"),
    ({"X_val": X_VAL[:0], "y_val": Y_VAL[:0]}, "0 sample"),
    ({**OURS, "sample_weight_val": WEIGHTS[:-1]}, r"\(49,\)"),
    ({**OURS, "sample_weight_val": 0 * WEIGHTS}, "zero"),
    ({**OURS, "sample_weight_val": -WEIGHTS}, "[Nn]egative"),
]


class TestRefusals:
    @pytest.mark.parametrize(("given", "message"), BAD, ids=range(len(BAD)))
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_bad_validation_rows_change_nothing(self, Estimator, given, message, early_stopping):
        fresh, fitted = (Estimator(**SMALL, early_stopping=early_stopping) for _ in range(2))
        fitted.fit(X, Y, **OURS)
        classes = {"classes": [0, 1, 2]} if Estimator is ActivationMLPClassifier else {}
        for model in (fresh, fitted):
            before = pickle.dumps(model)
            with pytest.raises(ValueError, match=message):
                model.fit(X, Y, **given)
            with pytest.raises(ValueError, match=message):
                model.partial_fit(X, Y, **classes, **given)
            assert pickle.dumps(model) == before

    @pytest.mark.parametrize(
        ("y_val", "message"),
        [
            (np.where(Y_VAL == 0, 7, Y_VAL), r"\[7\]"),
            (Y_VAL.astype(str), "classes|labels"),
            (Y_VAL + 0.5, "[Cc]ontinuous|Unknown label"),
            (np.eye(3, dtype=int)[Y_VAL], "y_val|y must"),
            (Y_VAL[:, None] * [1, 1], "y_val|y must|not supported|multioutput"),
        ],
        ids=range(5),
    )
    def test_labels_that_do_not_fit(self, y_val, message):
        model = ActivationMLPClassifier(**SMALL)
        before = dict(vars(model))
        with pytest.raises(ValueError, match=message):
            model.fit(X, Y, X_val=X_VAL, y_val=y_val)
        assert vars(model) == before
        labels = np.eye(3, dtype=int)
        with pytest.raises(ValueError, match=r"y|label"):
            model.fit(X, labels[Y], X_val=X_VAL, y_val=Y_VAL)
        with pytest.raises(ValueError, match="3 labels"):
            model.fit(X, labels[Y], X_val=X_VAL, y_val=labels[Y_VAL][:, :2])
        assert vars(model) == before

    def test_outputs_that_do_not_fit(self):
        with pytest.raises(ValueError, match="1 outputs"):
            ActivationMLPRegressor(**SMALL).fit(X, Y, X_val=X_VAL, y_val=np.stack([Y_VAL, Y_VAL], axis=1))
        with pytest.raises(ValueError, match="y >= 0"):
            ActivationMLPRegressor("poisson", **SMALL).fit(X, Y, X_val=X_VAL, y_val=Y_VAL - 1)

    def test_rows_that_a_pipeline_has_not_transformed(self):
        text = np.array([["a", "1", "2", "3"]] * 50, dtype=object)
        for rows, problem in [(text, "could not convert string"), (np.hstack([X_VAL, X_VAL]), "8 features")]:
            with pytest.raises(ValueError, match=rf"X_val or y_val cannot be used: .*{problem}.*transform_input"):
                ActivationMLPClassifier(**SMALL).fit(X, Y, X_val=rows, y_val=Y_VAL)

    def test_feature_names_that_do_not_fit(self):
        frame = pytest.importorskip("pandas").DataFrame
        model = ActivationMLPClassifier(**SMALL)
        with pytest.raises(ValueError, match="feature names"):
            model.fit(frame(X, columns=list("abcd")), Y, X_val=frame(X_VAL, columns=list("abce")), y_val=Y_VAL)
        assert not hasattr(model, "n_features_in_")

    def test_the_split_says_what_is_too_small(self):
        with pytest.raises(ValueError, match=r"validation_fraction=0.1 of 9 rows, expected at least 2"):
            train_validation_split(9, 0.1, 0, None)
        with pytest.raises(ValueError, match=r"validation_fraction=0.1 of 4 rows, expected at least 2"):
            train_validation_split(4, 0.1, 0, np.array([0, 0, 0, 1]))
        with pytest.raises(ValueError, match="Early stopping cannot hold out"):
            train_validation_split(1, 0.1, 0, None)


class TestStratification:
    @pytest.mark.parametrize("n_validation", [4, 10, 50, 96])
    def test_both_parts_have_all_classes_in_proportion_where_they_can(self, n_validation):
        labels = np.repeat(["a", "b", "c"], [50, 25, 25])
        train, validation = train_validation_split(100, n_validation / 100, 0, labels)
        assert sorted([*train, *validation]) == list(range(100))
        for part in (train, validation):
            assert_allclose((labels[part] == "a").mean(), 0.5, atol=1 / len(part))
            assert set(labels[part]) == {"a", "b", "c"}

    @pytest.mark.parametrize(
        ("labels", "fraction", "reason"),
        [
            (["a"] * 19 + ["b"], 0.1, "some classes have one row only: 'b'"),
            ([0] * 16 + [3, 4, 5, 6], 0.2, "some classes have one row only: 3, 4, 5 and 1 more"),
            (list("abcde") * 4, 0.1, "there are 5 classes, and one part has 2 rows"),
            (list("abcde") * 4, 0.9, "there are 5 classes, and one part has 2 rows"),
            (np.arange(20), 0.2, "some classes have one row only: 0, 1, 2 and 17 more"),
        ],
        ids=range(5),
    )
    def test_else_the_rows_are_held_out_by_chance_with_a_warning(self, labels, fraction, reason):
        with pytest.warns(UserWarning, match=rf"at random, not in the proportions .* since {reason}\."):
            parts = train_validation_split(20, fraction, 3, np.array(labels))
        for part, expected in zip(parts, train_validation_split(20, fraction, 3, None), strict=True):
            assert_array_equal(part, expected)

    def test_a_rare_class_does_not_stop_a_cross_validation(self):
        labels = np.where(np.arange(100) == 7, 2, np.arange(100) % 2)
        model = ActivationMLPClassifier(**SMALL, early_stopping=True)
        with pytest.warns(UserWarning, match="some classes have one row only: 2"):
            scores = cross_val_score(model, X, labels, cv=KFold(4), error_score="raise")
        assert len(scores) == 4

    def test_points_to_the_line_that_calls_fit(self):
        with pytest.warns(UserWarning, match="at random") as caught:
            ActivationMLPClassifier(**SMALL, early_stopping=True).fit(X, np.arange(100) // 4)
        assert [each.filename for each in caught if "at random" in str(each.message)] == [__file__]


class TestPartialFit:
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_equals_fit_epoch_by_epoch_and_trains_on_where_fit_stops(self, Estimator):
        settings = {**SMALL, "early_stopping": True, "max_iter": 200, "learning_rate_init": 0.1, "batch_size": 20}
        settings["n_iter_no_change"] = 4
        whole, steps = Estimator(**settings).fit(X, Y, **OURS), Estimator(**settings)
        classes = {"classes": [0, 1, 2]} if Estimator is ActivationMLPClassifier else {}
        assert whole.n_iter_ < 200
        for epoch in range(whole.n_iter_):
            steps.partial_fit(X, Y, **classes, **OURS)
            assert steps.n_iter_ == epoch + 1
            assert steps.stopped_by_ == ("max_iter" if epoch + 1 < whole.n_iter_ else "early_stopping")
        assert_array_equal(steps.parameters_, whole.parameters_)
        assert steps.validation_scores_ == whole.validation_scores_
        assert steps.t_ == whole.t_
        for epoch in range(whole.n_iter_, whole.n_iter_ + 3):
            steps.partial_fit(X, Y, **OURS)
            assert steps.n_iter_ == len(steps.loss_curve_) == epoch + 1
        assert steps.score(X_VAL, Y_VAL) == pytest.approx(max(steps.validation_scores_))

    def test_validation_rows_without_early_stopping(self):
        model = ActivationMLPClassifier(**SMALL)
        for _ in range(4):
            model.partial_fit(X, Y, classes=[0, 1, 2], **OURS)
        assert model.validation_loss_curve_[-1] == pytest.approx(loss_by_hand(model, X_VAL, Y_VAL))
        assert len(model.validation_scores_) == 4

    def test_fit_starts_anew_after_the_end(self):
        settings = {**SMALL, "early_stopping": True, "n_iter_no_change": 1, "learning_rate_init": 1.0}
        model = ActivationMLPRegressor(**settings)
        for _ in range(30):
            model.partial_fit(X, Y, **OURS)
        assert model.n_iter_ == 30
        fresh = ActivationMLPRegressor(**settings).fit(X, Y, **OURS)
        assert_array_equal(model.fit(X, Y, **OURS).parameters_, fresh.parameters_)

    def test_an_interrupted_epoch_is_not_the_end(self):
        def interrupting(progress):
            if progress.epoch == 2 and not interrupted:
                interrupted.append(True)
                raise KeyboardInterrupt
            return 1.0

        interrupted = []
        model = ActivationMLPClassifier(**SMALL, early_stopping=True, learning_rate=interrupting)
        for _ in range(2):
            model.partial_fit(X, Y, classes=[0, 1, 2], **OURS)
        with pytest.raises(KeyboardInterrupt, match="interrupted"):
            model.partial_fit(X, Y, **OURS)
        for _ in range(2):
            model.partial_fit(X, Y, **OURS)
        assert model.n_iter_ == 4


class TestRouting:
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_through_pipeline_and_grid_search(self, solver):
        raw, raw_val, weights = 5 * X + 3, 5 * X_VAL + 3, np.linspace(1, 3, 100)
        settings = {**SMALL, "solver": solver, "early_stopping": True, "scoring": "loss"}
        scaler = StdScaler().fit(raw)
        expected = ActivationMLPClassifier(**settings).fit(
            scaler.transform(raw), Y, weights, X_val=scaler.transform(raw_val), y_val=Y_VAL, sample_weight_val=WEIGHTS
        )
        with config_context(enable_metadata_routing=True):
            model = ActivationMLPClassifier(**settings).set_fit_request(
                sample_weight=True, X_val=True, y_val=True, sample_weight_val=True
            )
            scorer = get_scorer("neg_log_loss").set_score_request(sample_weight=True)
            steps = [("scale", StdScaler().set_fit_request(sample_weight=False)), ("net", model)]
            pipeline = Pipeline(steps, transform_input=["X_val"])
            given = {"X_val": raw_val, "y_val": Y_VAL, "sample_weight_val": WEIGHTS}
            pipeline.fit(raw, Y, sample_weight=weights, **given)
            search = GridSearchCV(pipeline, {"net__alpha": [1e-4]}, scoring=scorer, cv=2, error_score="raise")
            search.fit(raw, Y, sample_weight=weights, **given)
        for net in (pipeline[-1], search.best_estimator_[-1]):
            assert_array_equal(net.parameters_, expected.parameters_)
            assert net.validation_loss_curve_ == expected.validation_loss_curve_
