"""The classifier: labels of every kind in, the same labels and probabilities out."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.metrics import log_loss

from skneural import ACTIVATIONS, ActivationMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
X_LABELS, Y_LABELS = make_multilabel_classification(n_samples=120, n_features=8, n_classes=3, random_state=0)
X_LABELS = (X_LABELS - X_LABELS.mean(axis=0)) / X_LABELS.std(axis=0)
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 30, "random_state": 0, "learning_rate_init": 0.02}
STRINGS = np.array(["setosa", "versicolor", "virginica"])


def fitted(X=X, y=Y, **params):
    return ActivationMLPClassifier(**{**SMALL, **params}).fit(X, y)


NAMED = [
    STRINGS,
    STRINGS.astype(object),
    np.array([-5, 7, 100]),
    np.array([0.0, 1.0, 2.0]),
    np.array([2, 1, 0]),
]


@pytest.mark.parametrize("names", NAMED, ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_labels_of_every_kind(names, n_classes, early_stopping):
    rows = n_classes > Y
    y = names[:n_classes][Y[rows]]
    model = fitted(X[rows], y, early_stopping=early_stopping)
    assert_array_equal(model.classes_, np.unique(y))
    assert model.predict(X).dtype == (names.dtype if names.dtype != object else "<U10")
    assert model.score(X[rows], y) > (0.7 if early_stopping else 0.85)
    P = model.predict_proba(X[rows])
    assert P.shape == (rows.sum(), n_classes)
    assert_allclose(P.sum(axis=1), 1)
    assert_array_equal(model.classes_[P.argmax(axis=1)], model.predict(X[rows]))


def test_booleans():
    y = Y == 1
    model = fitted(y=y)
    assert model.predict(X).dtype == bool
    assert model.score(X, y) > 0.85


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_the_loss_is_the_mean_log_loss(solver):
    for y in (Y, Y == 1):
        model = fitted(y=y, solver=solver, alpha=0.0, learning_rate_init=1e-12, max_iter=1 if solver != "lbfgs" else 30)
        assert_allclose(model.loss_, log_loss(y, model.predict_proba(X)), rtol=1e-6)


def test_the_penalty_is_counted_in_the_loss():
    model = fitted(alpha=0.3, l1_ratio=0.25, learning_rate_init=1e-12, max_iter=1)
    weights = np.concatenate([W.ravel() for W in model.coefs_])
    penalty = 0.3 * (0.75 / 2 * (weights**2).sum() + 0.25 * np.abs(weights).sum())
    assert_allclose(model.loss_, log_loss(Y, model.predict_proba(X)) + penalty, rtol=1e-8)


@pytest.mark.parametrize("y", [Y, Y == 1], ids=["multiclass", "binary"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_probabilities_are_finite_for_huge_scores(y, dtype):
    model = fitted(y=y, dtype=dtype, max_iter=2)
    assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X), rtol=1e-5)
    model.coefs_ = [W * 1e9 for W in model.coefs_]
    P, log_P = model.predict_proba(X), model.predict_log_proba(X)
    assert P.min() == 0
    assert_allclose(P.sum(axis=1), 1, rtol=1e-6)
    assert np.isfinite(log_P).all()
    assert log_P.min() < -1e9
    assert (log_P <= 0).all()
    assert log_P.dtype == dtype


def test_binary_log_probabilities_do_not_cancel():
    model = fitted(y=Y == 0, max_iter=1)
    model.coefs_ = [W * 0 for W in model.coefs_]
    for score in (50.0, -50.0, 700.0):  # 1 - p would be 0 for all
        model.intercepts_ = [np.zeros(8), [score]]
        log_P = np.sort(model.predict_log_proba(X[:1])[0])
        assert_allclose(log_P, [-abs(score), 0], atol=1e-20)
        assert_allclose(np.sort(model.predict_proba(X[:1])[0]), [np.exp(-abs(score)), 1], rtol=1e-12)


def test_weights_that_leave_nothing_name_their_source():
    def message(weight, class_weight):
        with pytest.raises(ValueError, match="zero for every row") as caught:
            ActivationMLPClassifier(**SMALL, class_weight=class_weight).fit(X, Y, weight)
        return str(caught.value)

    zero_threshold = {0: 0, 1: 0, 2: 0}
    assert message(None, zero_threshold).startswith("class_weight is")
    assert message(np.ones(len(Y)), zero_threshold).startswith("class_weight is")
    assert message((Y == 0) * 1.0, {0: 0}).startswith("sample_weight times class_weight is")


def test_weights_of_rows_and_of_classes_may_both_be_huge():
    weight = np.where(Y == 2, 1.0, 3.0)
    expected = ActivationMLPClassifier(**SMALL, class_weight={0: 2}).fit(X, Y, weight)
    huge = ActivationMLPClassifier(**SMALL, class_weight={0: 2e300, 1: 1e300, 2: 1e300}).fit(X, Y, 1e300 * weight)
    assert_allclose(huge.parameters_, expected.parameters_, rtol=1e-6, atol=1e-9)


class TestInitialOutput:
    UNTRAINED = {**SMALL, "activation": "tanh", "solver": "sgd", "learning_rate_init": 1e-300, "max_iter": 1}

    def log_odds(self, X, y, weight=None, **params):
        """How far the output biases of a new network are from those that balanced classes have."""
        new, balanced = ActivationMLPClassifier(**self.UNTRAINED, **params), ActivationMLPClassifier(**self.UNTRAINED)
        n_balanced = 2 * len(np.unique(y)) if y.ndim == 1 else 2
        labels = np.resize(np.unique(y), n_balanced) if y.ndim == 1 else np.stack([y[0] * 0, y[0] * 0 + 1])
        new.fit(X, y, weight)
        balanced.fit(X[:n_balanced], labels)
        assert_array_equal(new.coefs_[-1], balanced.coefs_[-1])
        return new.intercepts_[-1] - balanced.intercepts_[-1]

    def test_is_the_log_odds_of_two_classes(self):
        y = np.where(Y == 1, "yes", "no")
        assert_allclose(self.log_odds(X, y), np.log(50 / 100))
        assert_allclose(self.log_odds(X, y, class_weight={"yes": 2}), 0, atol=1e-15)
        assert_allclose(self.log_odds(X, y, np.where(Y == 1, 6.0, 1.0)), np.log(300 / 100))
        assert_allclose(self.log_odds(X, y, label_smoothing=0.5), np.log((0.5 / 3 + 0.25) / (1 / 3 + 0.25)))

    def test_is_the_centred_logarithm_of_the_frequencies_of_several(self):
        rows = np.r_[0:40, 50:60, 100:120]
        expected = np.log([40, 10, 20]) - np.log([40, 10, 20]).mean()
        assert_allclose(self.log_odds(X[rows], STRINGS[Y[rows]]), expected)
        assert_allclose(self.log_odds(X[rows], Y[rows], class_weight="balanced"), 0, atol=1e-15)

    def test_is_the_log_odds_of_each_label(self):
        shares = Y_LABELS.mean(axis=0)
        assert_allclose(self.log_odds(X_LABELS, Y_LABELS), np.log(shares / (1 - shares)))

    def test_a_stream_that_begins_without_some_classes_starts_with_equal_ones(self):
        first, whole = (ActivationMLPClassifier(**self.UNTRAINED) for _ in range(2))
        first.partial_fit(X[:50], Y[:50], classes=[0, 1, 2])
        whole.partial_fit(X, Y, classes=[0, 1, 2])
        assert_array_equal(first.intercepts_[-1], whole.intercepts_[-1])

    def test_a_rare_class_needs_no_epochs_to_become_rare(self):
        rng = np.random.RandomState(0)
        rows, rare = rng.normal(size=(2000, 5)), np.arange(2000) % 50 == 0
        model = ActivationMLPClassifier(max_iter=1, random_state=0).fit(rows, rare)
        assert log_loss(rare, model.predict_proba(rows)) < 1.5 * log_loss(rare, np.full(2000, 0.02))


class TestMultilabel:
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_learns(self, solver):
        model = fitted(X_LABELS, Y_LABELS, solver=solver, max_iter=200)
        assert model.out_activation_ == "logistic"
        assert_array_equal(model.classes_, [0, 1, 2])
        assert model.score(X_LABELS, Y_LABELS) > 0.75
        P = model.predict_proba(X_LABELS)
        assert_array_equal(P > 0.5, model.predict(X_LABELS))
        assert np.ptp(P.sum(axis=1)) > 0.5
        assert_allclose(np.exp(model.predict_log_proba(X_LABELS)), P)

    @pytest.mark.parametrize(
        "container", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array, np.asarray, np.ndarray.tolist]
    )
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_every_form_of_the_indicator(self, container, early_stopping):
        model = fitted(X_LABELS, container(Y_LABELS), early_stopping=early_stopping)
        same = fitted(X_LABELS, Y_LABELS.astype(float), early_stopping=early_stopping)
        assert_array_equal(model.parameters_, same.parameters_)
        assert isinstance(model.predict(X_LABELS), np.ndarray)

    def test_early_stopping_scores_whole_rows(self):
        model = fitted(X_LABELS, Y_LABELS, early_stopping=True, validation_fraction=0.25)
        n_held_out = 30
        assert_allclose(np.array(model.validation_scores_) * n_held_out % 1, 0, atol=1e-9)

    def test_partial_fit(self):
        model = ActivationMLPClassifier(**SMALL)
        for _ in range(SMALL["max_iter"]):
            model.partial_fit(X_LABELS, Y_LABELS, classes=[0, 1, 2])
        assert_array_equal(model.parameters_, fitted(X_LABELS, Y_LABELS, tol=0.0, n_iter_no_change=100).parameters_)

    @pytest.mark.parametrize("y_first", [Y_LABELS[:, :2], Y_LABELS], ids=["2 labels", "3 labels"])
    def test_another_number_of_labels_cannot_go_on(self, y_first):
        model = fitted(X_LABELS, y_first, warm_start=True)
        before = pickle.dumps(model)
        for y in (np.hstack([Y_LABELS, Y_LABELS]), Y_LABELS[:, :1].ravel(), Y_LABELS.argmax(axis=1)):
            with pytest.raises(ValueError, match=r"label|classes|outputs"):
                model.fit(X_LABELS, y)
            with pytest.raises(ValueError, match=r"label|classes|outputs"):
                model.partial_fit(X_LABELS, y)
        assert pickle.dumps(model) == before

    def test_labels_cannot_follow_classes(self):
        model = fitted(X_LABELS, Y_LABELS.argmax(axis=1), warm_start=True)
        before = pickle.dumps(model)
        for call in (model.fit, model.partial_fit):
            with pytest.raises(ValueError, match="one label per row"):
                call(X_LABELS, Y_LABELS)
        assert pickle.dumps(model) == before


class TestBadTargets:
    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (np.linspace(0, 1, 150), "continuous"),
            (np.stack([Y, Y], axis=1), "one label per row.*Got multiclass-multioutput"),
            (np.stack([Y, Y], axis=1) / 3, "[Cc]ontinuous"),
            (np.stack([Y > 0, Y > 1], axis=1) * 2 - 1, r"hold 0 and 1.*\[-1, 1\]"),
            (np.stack([Y > 0, Y > 1], axis=1) + 1.0, r"hold 0 and 1.*\[1\.0, 2\.0\]"),
            ([[1], [1, 2]] * 75, "sequence|inhomogeneous|shape"),
            (np.where(Y == 0, None, Y), "None|NaN|type"),
            (np.where(Y == 0, "a", Y.astype(object)), "mix|type|<"),
            (np.array(["a", None] * 75, dtype=object), "missing values: None in row 1, 75 in all"),
        ],
        ids=range(9),
    )
    def test_refused(self, y, message):
        model = fitted()
        before = pickle.dumps(model)
        fresh = ActivationMLPClassifier()
        parameters = dict(vars(fresh))
        for estimator in (model, fresh):
            with pytest.raises((ValueError, TypeError), match=message):
                estimator.fit(X, y)
        assert pickle.dumps(model) == before
        assert vars(fresh) == parameters

    @pytest.mark.parametrize("classes", [[2, 4, 6], ["b", "d", "f"]])
    @pytest.mark.parametrize("stray", [0, 3, 7, "a", "c", "g"])
    def test_unseen_classes_wherever_they_would_be_sorted(self, classes, stray):
        y = np.array(classes)[Y]
        model = ActivationMLPClassifier(**SMALL).partial_fit(X, y, classes=classes)
        others = np.full(len(Y), stray)
        if isinstance(stray, type(classes[0])):  # an array holds numbers or strings, not both
            others[1:] = y[1:]
        with pytest.raises(ValueError, match=rf"not in `self.classes_`: \['?{stray}'?\]"):
            model.partial_fit(X, others)

    def test_unseen_classes(self):
        model = ActivationMLPClassifier(**SMALL).partial_fit(X, STRINGS[Y], classes=STRINGS)
        before = pickle.dumps(model)
        with pytest.raises(ValueError, match=r"not in `self.classes_`: \['iris'\]"):
            model.partial_fit(X, np.where(Y == 0, "iris", STRINGS[Y]))
        with pytest.raises(ValueError, match="classes"):
            model.partial_fit(X, STRINGS[Y], classes=STRINGS[:2])
        assert pickle.dumps(model) == before
        model.set_params(warm_start=True)
        with pytest.raises(ValueError, match="same classes"):
            model.fit(X, np.where(Y == 0, "iris", STRINGS[Y]))
        with pytest.raises(ValueError, match="same classes"):
            model.fit(X[Y < 2], STRINGS[Y[Y < 2]])

    @pytest.mark.parametrize(
        ("classes", "message"), [(None, "classes must be passed"), ([1], "not in"), ([0, 1], "not in")]
    )
    @pytest.mark.filterwarnings("ignore::skneural.SingleClassWarning")
    def test_first_partial_fit_needs_all_classes(self, classes, message):
        model = ActivationMLPClassifier(**SMALL)
        parameters = dict(vars(model))
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, Y, classes=classes)
        assert vars(model) == parameters

    def test_classes_may_come_one_after_the_other(self):
        model = ActivationMLPClassifier(**{**SMALL, "learning_rate_init": 0.005})
        for _ in range(60):
            for rows in np.split(np.arange(150), 3):  # iris comes class by class
                model.partial_fit(X[rows], STRINGS[Y[rows]], classes=STRINGS)
        assert_array_equal(model.classes_, STRINGS)
        assert model.score(X, STRINGS[Y]) > 0.8

    def test_after_fit_the_classes_are_known(self):
        model = fitted().partial_fit(X[:1], Y[:1])
        assert model.t_ == 30 * 150 + 1

    def test_a_column_of_labels_is_flattened_with_a_warning(self):
        with pytest.warns(UserWarning, match="column-vector"):
            model = fitted(y=Y[:, None])
        assert_array_equal(model.parameters_, fitted().parameters_)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "identity"])
def test_every_activation_learns_what_a_linear_model_cannot(activation):
    rng = np.random.RandomState(0)
    X_xor = rng.uniform(-1, 1, (300, 2))
    y = X_xor.prod(axis=1) > 0
    settings = {"hidden_layer_sizes": (16,), "solver": "lbfgs", "max_iter": 300, "alpha": 1e-5}
    assert fitted(X_xor, y, activation=activation, **settings).score(X_xor, y) > 0.95
    assert fitted(X_xor, y, activation="identity", **settings).score(X_xor, y) < 0.7
