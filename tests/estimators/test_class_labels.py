"""Labels of every kind, and of one class only."""

import copy
import datetime
import pickle
import warnings
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV, KFold, TimeSeriesSplit, cross_val_score, learning_curve
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.semi_supervised import SelfTrainingClassifier

from skneural import ActivationMLPClassifier, SingleClassWarning, StdScaler, tabular_classifier
from skneural.deployment import load, save, to_onnx
from skneural.estimators.class_labels import check_label_indicator, detect_label_indicator, encode_labels, label_values
from skneural.inspection import check_gradient, unit_report

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning"),
]

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 3))
ONE = np.full(60, "only")
LATE = np.where(np.arange(60) > 50, "yes", "no")  # the first folds have one class
FAST = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
NET = ActivationMLPClassifier(**FAST)


def fit_silently(model, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SingleClassWarning)
        return model.fit(*args, **kwargs)


class TestLabels:
    @pytest.mark.parametrize(
        ("y", "classes"),
        [
            (np.array([True, False] * 30, dtype=object), np.array([False, True])),
            (np.array([3, 1] * 30, dtype=object), np.array([1, 3])),
            (np.array([1.0, 0.0] * 30, dtype=object), np.array([0.0, 1.0])),
            (np.array(["b", "a"] * 30, dtype=object), np.array(["a", "b"])),
            (np.array(["2020-01-01", "2019-01-01"] * 30, "M8[D]"), np.array(["2019-01-01", "2020-01-01"], "M8[D]")),
            (np.array([2, 1] * 30, "m8[s]"), np.array([1, 2], "m8[s]")),
        ],
        ids=["booleans", "integers", "floats", "text", "dates", "durations"],
    )
    def test_are_returned_in_their_own_type(self, y, classes):
        model = ActivationMLPClassifier(**FAST).fit(X, y)
        assert_array_equal(model.classes_, classes)
        assert model.classes_.dtype == classes.dtype
        assert_array_equal(np.unique(model.predict(X)), np.intersect1d(classes, model.predict(X)))
        assert 0 <= model.score(X, model.predict(X)) == 1

    def test_of_frames_are_returned_in_their_own_type(self):
        pandas = pytest.importorskip("pandas")
        for labels, dtype in [([True, False], "boolean"), ([3, 1], "Int64"), (["a", "b"], "category")]:
            model = ActivationMLPClassifier(**FAST).fit(X, pandas.Series(labels * 30, dtype=dtype))
            assert_array_equal(model.classes_, sorted(labels))
            assert model.classes_.dtype.kind == np.array(labels).dtype.kind

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (np.array(["a", None] * 30, dtype=object), "missing values: None in row 1, 30 in all"),
            (np.array(["a", "b", np.nan] * 20, dtype=object), "missing values: nan in row 2, 20 in all"),
            (np.array([1, None] * 30, dtype=object), "missing values: None in row 1"),
            (np.array(["2020-01-01", "NaT"] * 30, "M8[D]"), r"missing values: .*NaT.* in row 1, 30 in all"),
            (np.array([[0, 1], [None, 1]] * 30, dtype=object), "missing values: None in row 1"),
            (np.ma.masked_array([0, 1] * 30, mask=[False, True] * 30), "30 masked entries"),
            ([datetime.date(2020, 1, 1), datetime.date(2021, 1, 1)] * 30, "one kind.* Got objects of the type date;"),
            (np.array(["a", 1] * 30, dtype=object), "one kind.* Got objects of the type int and str;"),
            (np.array([True, "a"] * 30, dtype=object), "one kind.* Got objects of the type bool and str;"),
            (np.zeros(60, dtype=[("a", int)]), "one kind.* Got objects of the type void;"),
            (np.array([10**30, 1] * 30, dtype=object), f"within the range of int64. Got {10**30}; convert"),
            (np.array([Fraction(-(10**400)), 1] * 30, dtype=object), "within the range of float64. Got Fraction"),
        ],
        ids=range(12),
    )
    def test_that_are_missing_or_of_no_kind_are_refused(self, y, message):
        model = ActivationMLPClassifier(**FAST)
        before = dict(vars(model))
        for call in (model.fit, lambda X, y: model.partial_fit(X, y, classes=[0, 1])):
            with pytest.raises((TypeError, ValueError), match=message):
                call(X, y)
        assert vars(model) == before

    def test_of_pandas_that_are_missing_are_refused(self):
        pandas = pytest.importorskip("pandas")
        for dtype in ("string", "category", "object", "str"):
            with pytest.raises(ValueError, match=r"missing values: .* in row 1, 30 in all"):
                ActivationMLPClassifier(**FAST).fit(X, pandas.Series(["a", None] * 30, dtype=dtype))

    def test_may_be_objects_in_partial_fit(self):
        classes = np.array([True, False], dtype=object)
        model = ActivationMLPClassifier(**FAST).partial_fit(X, np.resize(classes, 60), classes=classes)
        assert model.predict(X).dtype == bool

    def test_that_are_integers_of_any_size_stay_what_they_are(self):
        assert label_values(np.array([2**40, 1], dtype=object)).tolist() == [2**40, 1]
        y = ["a", "b"]
        assert label_values(y) is y

    def test_have_codes(self):
        assert_array_equal(encode_labels(np.array([5, 2, 9]), np.array([2, 5, 9])), [1, 0, 2])
        with pytest.raises(ValueError, match=r"not in `self.classes_`: \[3\]"):
            encode_labels(np.array([5, 3]), np.array([2, 5]))
        with pytest.raises(ValueError, match=r"one label per row. Got an array of shape \(1, 1\)"):
            encode_labels(np.array([[5]]), np.array([2, 5]))

    def test_of_a_label_indicator(self):
        check_label_indicator(np.eye(3), 3)
        with pytest.raises(ValueError, match="3 labels"):
            check_label_indicator(np.eye(2), 3)
        with pytest.raises(ValueError, match=r"hold 0 and 1, one per label. Got \[0.0, 2.0\]"):
            check_label_indicator(2 * np.eye(3), 3)


@pytest.mark.usefixtures("backend")
class TestOneClass:
    def assert_constant(self, model, label="only"):
        assert model.classes_.tolist() == [label]
        assert set(model.predict(X).tolist()) == {label}
        assert_array_equal(model.predict_proba(X), np.ones((60, 1)))
        assert_array_equal(model.predict_log_proba(X), np.zeros((60, 1)))
        assert model.score(X, np.full(60, label)) == 1

    @pytest.mark.parametrize("solver", ["adam", "adamw", "sgd", "rmsprop", "adagrad", "lbfgs"])
    @pytest.mark.parametrize(
        "params",
        [{}, {"label_smoothing": 0.2}, {"early_stopping": True}, {"batch_norm": True}, {"hidden_layer_sizes": ()}],
        ids=str,
    )
    def test_is_learned_with_a_warning_that_names_it(self, solver, params):
        model = ActivationMLPClassifier(**{**FAST, **params}, solver=solver)
        with pytest.warns(SingleClassWarning, match="y has one class, 'only': every prediction will be that class"):
            model.fit(X, ONE)
        self.assert_constant(model)
        assert model.loss_ >= 0
        assert np.isfinite(model.parameters_).all()

    @pytest.mark.parametrize("label", [7, -1.0, True, "x"])
    def test_keeps_its_label(self, label):
        model = fit_silently(clone(NET), X, [label] * 60)
        self.assert_constant(model, label)
        assert type(model.predict(X)[0].item()) is type(label)

    def test_warns_at_the_line_that_calls_fit(self):
        with pytest.warns(SingleClassWarning) as caught:
            clone(NET).fit(X, ONE)
        assert [each.filename for each in caught if each.category is SingleClassWarning] == [__file__]

    @pytest.mark.filterwarnings("error")
    def test_leaves_the_estimator_as_it_was_where_the_warning_is_an_error(self):
        model = clone(NET)
        before = dict(vars(model))
        with pytest.raises(SingleClassWarning):
            model.fit(X, ONE)
        assert vars(model) == before

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_takes_weights_and_validation_rows(self, early_stopping):
        for class_weight in (None, "balanced", {"only": 3}):
            model = ActivationMLPClassifier(**FAST, class_weight=class_weight, early_stopping=early_stopping)
            fit_silently(model, X, ONE, np.arange(60.0), X_val=X, y_val=ONE, sample_weight_val=np.arange(60.0))
            self.assert_constant(model)
            assert set(model.validation_loss_curve_) == {0.0}
            assert set(model.validation_scores_) == {1.0}
        with pytest.raises(ValueError, match=r"classes not in `self.classes_`: \['other'\]"):
            fit_silently(model, X, ONE, X_val=X, y_val=np.full(60, "other"))

    @pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "f1", "average_precision", "loss", "accuracy"])
    def test_needs_no_score_of_two_classes(self, scoring):
        model = fit_silently(ActivationMLPClassifier(**FAST, early_stopping=True, scoring=scoring), X, ONE)
        assert set(model.validation_scores_) == {0.0 if scoring == "loss" else 1.0}

    def test_in_partial_fit(self):
        model = clone(NET)
        with pytest.warns(SingleClassWarning, match="'only'"):
            model.partial_fit(X, ONE, classes=["only"])
        model.partial_fit(X, ONE)  # without another warning
        assert model.n_iter_ == 2
        self.assert_constant(model)
        before = pickle.dumps(model)
        with pytest.raises(ValueError, match=r"classes not in `self.classes_`: \['no' 'yes'\]"):
            model.partial_fit(X, LATE)
        assert pickle.dumps(model) == before

    def test_in_the_first_call_of_a_stream_with_more_is_as_any_other(self):
        model = ActivationMLPClassifier(**FAST)
        for _ in range(30):
            model.partial_fit(X[:50], LATE[:50], classes=["no", "yes"]).partial_fit(X[50:], LATE[50:])
        assert model.predict_proba(X).shape == (60, 2)

    def test_warm_starts(self):
        model = fit_silently(ActivationMLPClassifier(**FAST, warm_start=True), X, ONE)
        self.assert_constant(fit_silently(model, X, ONE))
        for y in (LATE, np.full(60, "other")):
            with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
                model.fit(X, y)

    def test_two_classes_cannot_continue_with_one(self):
        model = ActivationMLPClassifier(**FAST, warm_start=True).fit(X, LATE)
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
            model.fit(X, np.full(60, "no"))

    def test_is_saved(self, tmp_path):
        pytest.importorskip("skops")
        model = fit_silently(clone(NET), X, ONE)
        save(model, tmp_path / "model.skops")
        for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), load(tmp_path / "model.skops")):
            self.assert_constant(other)
        state = model.__getstate__()
        with pytest.raises(ValueError, match="classes_ must be 1 sorted labels"):
            clone(model).__setstate__({**state, "classes_": np.array([], dtype="<U4")})
        with pytest.raises(ValueError, match="loss must be LogisticLoss"):
            clone(model).__setstate__({**state, "classes_": np.array(["no", "only"])})

    @pytest.mark.parametrize("label", ["only", 7])
    def test_is_written_as_onnx(self, label):
        onnxruntime = pytest.importorskip("onnxruntime")
        model = fit_silently(ActivationMLPClassifier(**FAST, dtype="float32"), X, [label] * 60)
        rows = X[:4].astype(np.float32)
        session = onnxruntime.InferenceSession(to_onnx(model, rows).SerializeToString())
        labels, P = session.run(None, {session.get_inputs()[0].name: rows})
        assert labels.tolist() == [label] * 4
        assert_array_equal(P, np.ones((4, 1)))

    def test_is_inspected(self):
        model = fit_silently(clone(NET), X, ONE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SingleClassWarning)
            reports = [check_gradient(each, X, ONE) for each in (model, clone(NET))]
            assert unit_report(model, X, ONE)
        assert all("good" in str(report) for report in reports)

    def test_in_several_outputs(self):
        Y = np.stack([LATE, ONE], axis=1)
        first, second = fit_silently(MultiOutputClassifier(NET), X, Y).predict_proba(X)
        assert (first.shape, second.shape) == ((60, 2), (60, 1))
        chain = fit_silently(ClassifierChain(NET), X, np.stack([LATE == "yes", np.zeros(60)], axis=1))
        assert_array_equal(chain.predict(X)[:, 1], 0)

    @pytest.mark.filterwarnings("ignore::skneural.SingleClassWarning")
    def test_in_some_folds_does_not_stop_a_search(self):
        for cv in (KFold(5), TimeSeriesSplit(4)):
            assert np.isfinite(cross_val_score(NET, X, LATE, cv=cv, error_score="raise")).all()
            search = GridSearchCV(NET, {"alpha": [0.0, 1.0]}, cv=cv, error_score="raise").fit(X, LATE)
            assert search.best_estimator_.classes_.tolist() == ["no", "yes"]
            curves = learning_curve(NET, X, LATE, cv=cv, error_score="raise")
            assert np.isfinite(curves[2]).all()

    @pytest.mark.filterwarnings("ignore::skneural.SingleClassWarning")
    @pytest.mark.filterwarnings("ignore::UserWarning")  # scikit-learn's, of labels that it takes for continuous
    def test_in_wrappers(self):
        assert BaggingClassifier(NET, max_samples=3, random_state=0).fit(X, LATE).predict_proba(X).shape == (60, 2)
        vote = VotingClassifier([("one", NET), ("other", NET)], voting="soft").fit(X, ONE)
        assert_array_equal(vote.predict_proba(X), np.ones((60, 1)))
        few = np.where(np.arange(60) < 6, 0, -1)
        assert_array_equal(SelfTrainingClassifier(NET).fit(X, few).predict(X), 0)
        tabular = tabular_classifier(max_iter=2, random_state=0).fit(StdScaler().fit_transform(X), ONE)
        assert set(tabular.predict(X)) == {"only"}


@pytest.mark.parametrize("classes", [[], np.empty(0)])
def test_no_classes_are_refused_in_the_first_call_of_a_stream(classes):
    with pytest.raises(ValueError, match=r"classes must hold all labels .* Got none"):
        ActivationMLPClassifier().partial_fit(np.ones((2, 1)), [0, 1], classes=classes)


@pytest.mark.parametrize("dtype", [bool, int])
def test_labels_that_are_objects_can_be_scored(dtype):
    labels = (X[:, 0] > 0).astype(dtype)
    model = clone(NET).fit(X, labels.astype(object))
    assert model.score(X, labels.astype(object)) == (model.predict(X) == labels).mean()


def test_a_column_per_label_holds_0_and_1():
    assert detect_label_indicator(np.array([[0, 1], [1, 1]]))
    assert not detect_label_indicator(np.array(["spam", "ham"]))
    with pytest.raises(ValueError, match="Got multiclass-multioutput targets"):
        detect_label_indicator(np.array([[0, 1], [2, 1]]))


def test_texts_that_are_objects_where_classes_are_numbers_are_refused():
    texts = np.array(["cat", "dog"], dtype=object)
    with pytest.raises(ValueError, match=r"labels of another kind than `self.classes_`, such as 'cat'. .*\[-1.  1.\]"):
        ActivationMLPClassifier().partial_fit(np.eye(2), texts, classes=[-1.0, 1.0])
