"""What training offers beside the loss, each feature by hand, then all of them in combination."""

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.class_weight import compute_sample_weight

from skneural import ACTIVATIONS, ActivationMLPClassifier, ActivationMLPRegressor, Maxout, StdScaler
from skneural.initializers import INITIALIZERS
from skneural.network import Layout
from skneural.network.batch_normalization import EPSILON
from skneural.solvers import SCHEDULES, SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [ActivationMLPClassifier, ActivationMLPRegressor]
X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
ORDER = np.random.RandomState(0).permutation(150)
X, Y = X[ORDER], Y[ORDER]
NAMES = np.array(["a", "b", "c"])[Y]
LABELS = make_multilabel_classification(150, 4, n_classes=3, random_state=0)[1]
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 6, "random_state": 0, "learning_rate_init": 0.02}
CLASSES = {"classes": [0, 1, 2]}


def first_call(model):
    return CLASSES if isinstance(model, ActivationMLPClassifier) else {}


class TestDropout:
    SETTINGS = {**SMALL, "hidden_layer_sizes": (8, 6), "dropout": [0.3, 0.5], "input_dropout": 0.2, "batch_size": 40}

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_off_at_prediction_and_decided_by_random_state(self, Estimator):
        one, other = (Estimator(**self.SETTINGS).fit(X, Y) for _ in range(2))
        assert_array_equal(one.parameters_, other.parameters_)
        assert_array_equal(one.predict(X), one.predict(X))
        A = X
        for W, b in zip(one.coefs_[:-1], one.intercepts_[:-1], strict=True):
            A = np.maximum(A @ W + b, 0)
        assert_allclose(one.transform(X), A, atol=1e-12)
        plain = Estimator(**{**self.SETTINGS, "dropout": 0.0, "input_dropout": 0.0}).fit(X, Y)
        assert not np.array_equal(plain.parameters_, one.parameters_)
        assert not np.array_equal(Estimator(**{**self.SETTINGS, "dropout": 0}).fit(X, Y).parameters_, one.parameters_)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("more", [{}, {"batch_norm": True}, {"batch_size": 150}], ids=str)
    @pytest.mark.parametrize("how", ["partial_fit", "warm_start", "pickle"])
    def test_goes_on_bit_for_bit(self, Estimator, more, how):
        options = {**self.SETTINGS, **more, "tol": 0.0, "warm_start": how != "partial_fit"}
        whole, steps = Estimator(**options).fit(X, Y), Estimator(**options)
        if how != "partial_fit":
            steps.set_params(max_iter=1)
        for _ in range(6):
            if how == "partial_fit":
                steps.partial_fit(X, Y, **first_call(steps))
            else:
                steps.fit(X, Y)
            if how == "pickle":
                steps = pickle.loads(pickle.dumps(steps))
        assert_array_equal(steps.parameters_, whole.parameters_)
        assert steps.loss_curve_ == whole.loss_curve_

    def test_a_sparse_caller_keeps_its_values(self):
        rows = sparse.csr_array(X)
        rows.data.flags.writeable = False
        model = ActivationMLPClassifier(**self.SETTINGS).fit(rows, Y, X_val=rows, y_val=Y)
        assert_array_equal(rows.toarray(), X)
        assert np.isfinite(model.loss_curve_).all()

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("early_stopping", [False, True, "refit", "continue", "cross_validation"])
    @pytest.mark.parametrize(("n_rows", "rate"), [(150, 0.1), (3600, 0.05)])
    def test_auto_follows_from_the_number_of_all_rows(self, Estimator, early_stopping, n_rows, rate):
        rows, targets = np.resize(X, (n_rows, X.shape[1])), np.resize(Y, n_rows)
        settings = {**SMALL, "max_iter": 2, "early_stopping": early_stopping}
        auto, named = (Estimator(**settings, dropout=dropout).fit(rows, targets) for dropout in ("auto", rate))
        assert_array_equal(auto.parameters_, named.parameters_)
        assert auto.dropout == "auto"

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_auto_counts_the_rows_of_each_part(self, Estimator):
        auto, named = Estimator(**SMALL, dropout="auto"), Estimator(**SMALL)
        for n_rows, rate in ((3600, 0.05), (150, 0.1)):
            rows, targets = np.resize(X, (n_rows, X.shape[1])), np.resize(Y, n_rows)
            auto.partial_fit(rows, targets, **first_call(auto))
            named.set_params(dropout=rate).partial_fit(rows, targets, **first_call(named))
            assert_array_equal(auto.parameters_, named.parameters_)

    def test_next_to_one(self):
        model = ActivationMLPClassifier(**{**SMALL, "dropout": np.nextafter(1, 0)}).fit(X, Y)
        assert np.isfinite(model.predict_proba(X)).all()


class TestBatchNorm:
    SETTINGS = {**SMALL, "batch_norm": True, "hidden_layer_sizes": (6, 5)}

    @pytest.mark.parametrize("activation", ["relu", Maxout(2), "prelu"])
    @pytest.mark.parametrize("solver", ["adam", "lbfgs"])
    def test_prediction_uses_the_running_statistics(self, activation, solver):
        settings = {**self.SETTINGS, "activation": activation, "solver": solver, "normalize_y": False}
        model = ActivationMLPRegressor(**settings).fit(X, Y)
        views = Layout([4, 6, 5, 1], model.activations_, batch_norm=True).views(model.parameters_)
        A = X
        for i, hidden in enumerate(model.activations_):
            Z = (A @ views.weights[i] - views.running_means[i]) / np.sqrt(views.running_variances[i] + EPSILON)
            Z = views.scales[i] * Z + views.biases[i]
            A = hidden.forward(
                Z,
                *[
                    activation_params
                    for activation_params in views.activation_params[i : i + 1]
                    if activation_params.size
                ],
            )
        assert_allclose(model.predict(X), (A @ views.weights[2] + views.biases[2])[:, 0], rtol=1e-10)
        assert_allclose(model.predict(X[:1]), model.predict(X)[:1], rtol=1e-10)
        assert all(unit.any() for unit in views.running_means)

    def test_full_batches_predict_nearly_what_training_saw(self):
        options = {**self.SETTINGS, "batch_size": 150, "alpha": 0, "max_iter": 60, "learning_rate_init": 1e-3}
        model = ActivationMLPClassifier(**options).fit(X, Y)
        assert log_loss(Y, model.predict_proba(X)) == pytest.approx(model.loss_curve_[-1], rel=0.05)

    @pytest.mark.parametrize("weights", [None, np.arange(150) % 4], ids=["plain", "weighted"])
    @pytest.mark.parametrize("max_iter", [1, 7, 40])
    def test_lbfgs_settles_exactly(self, weights, max_iter):
        options = {**self.SETTINGS, "solver": "lbfgs", "alpha": 0, "max_iter": max_iter}
        for max_fun in (1, 2, 3, 5, 9, 15000):  # a few evaluations may end within a line search
            model = ActivationMLPClassifier(**options, max_fun=max_fun).fit(X, Y, weights)
            assert log_loss(Y, model.predict_proba(X), sample_weight=weights) == pytest.approx(model.loss_, rel=1e-9)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    def test_weights_equal_repetition(self, Estimator, solver):
        counts = np.arange(150) % 4
        options = {**self.SETTINGS, "solver": solver, "batch_size": 10_000, "max_iter": 4}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            weighted = Estimator(**options).fit(X, Y, counts)
            repeated = Estimator(**options).fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts))
        assert_allclose(weighted.parameters_, repeated.parameters_, rtol=1e-5, atol=1e-7)

    def test_rows_without_weight_count_for_nothing(self):
        weights = np.r_[np.zeros(60), np.ones(90)]
        absurd = np.vstack([np.full((60, 4), 1e3), X[60:]])
        options = {**self.SETTINGS, "batch_size": 30, "shuffle": False}
        one, other = (ActivationMLPClassifier(**options).fit(rows, Y, weights) for rows in (X, absurd))
        assert_allclose(one.parameters_, other.parameters_, rtol=1e-12)

    @pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning")  # of few units, by chance
    def test_one_row_at_a_time(self):
        model = ActivationMLPClassifier(**{**self.SETTINGS, "batch_size": 1, "max_iter": 2})
        with pytest.warns(UserWarning, match="batch_size=1 makes batches of 1 row"):
            model.fit(X, Y)
        assert np.isfinite(model.predict_proba(X)).all()

    def test_cannot_be_switched_on_while_going_on(self):
        model = ActivationMLPClassifier(**SMALL, warm_start=True).fit(X, Y)
        before = model.predict_proba(X)
        with pytest.raises(ValueError, match="parameters"):
            model.set_params(batch_norm=True).fit(X, Y)
        assert_array_equal(model.predict_proba(X), before)
        assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), before)


class TestClassWeight:
    @pytest.mark.parametrize("y", [Y, NAMES], ids=["numbers", "names"])
    @pytest.mark.parametrize("choice", ["balanced", "dict", "part"])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_equals_sample_weights_by_hand(self, y, choice, weighted):
        keep = np.r_[0:90, 90 + np.flatnonzero(Y[90:] == 1)]
        rows, y = X[keep], y[keep]
        labels = np.unique(y).tolist()
        choice = {
            "balanced": "balanced",
            "dict": dict(zip(labels, [1.0, 0.5, 3.0], strict=True)),
            "part": {labels[2]: 4},
        }[choice]
        given = np.random.RandomState(0).uniform(0, 2, len(y)) if weighted else np.ones(len(y))
        given.flags.writeable = False
        if isinstance(choice, dict):
            factors = np.array([choice.get(label, 1) for label in y.tolist()])
        else:
            factors = compute_sample_weight("balanced", y)
        one = ActivationMLPClassifier(**SMALL, class_weight=choice).fit(rows, y, given if weighted else None)
        assert_allclose(one.parameters_, ActivationMLPClassifier(**SMALL).fit(rows, y, given * factors).parameters_)

    @pytest.mark.parametrize("choice", ["balanced", {0: 1, 1: 5}, [{0: 1, 1: 2}, {1: 3}, {}], {1: 2}], ids=str)
    def test_multilabel(self, choice):
        if choice == "balanced":
            factors = compute_sample_weight("balanced", LABELS)
        else:
            each = choice if isinstance(choice, list) else [choice] * 3
            tables = [[weights.get(0, 1), weights.get(1, 1)] for weights in each]
            factors = np.prod([np.take(table, LABELS[:, j]) for j, table in enumerate(tables)], axis=0)
        one = ActivationMLPClassifier(**SMALL, class_weight=choice).fit(X, LABELS)
        assert_allclose(one.parameters_, ActivationMLPClassifier(**SMALL).fit(X, LABELS, factors).parameters_)

    def test_partial_fit_takes_a_dict_whatever_labels_the_rows_have(self):
        model, other = ActivationMLPClassifier(**SMALL, class_weight={0: 2, 2: 5}), ActivationMLPClassifier(**SMALL)
        for part in (Y < 2, Y > 0, Y == 1, Y == 2):
            model.partial_fit(X[part], Y[part], **CLASSES)
            other.partial_fit(X[part], Y[part], np.array([2, 1, 5])[Y[part]], **CLASSES)
        assert_allclose(model.parameters_, other.parameters_)

    def test_balanced_in_partial_fit(self):
        model = ActivationMLPClassifier(class_weight="balanced")
        with pytest.raises(ValueError, match=r"not available in partial_fit.*Pass a dict"):
            model.partial_fit(X, Y, **CLASSES)
        assert not hasattr(model, "classes_")


@pytest.mark.parametrize("y", [Y, (Y == 1).astype(int), LABELS], ids=["multiclass", "binary", "multilabel"])
@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_label_smoothing_by_hand(y, solver):
    options = {**SMALL, "solver": solver, "alpha": 0, "batch_size": 150, "learning_rate_init": 1e-300, "max_iter": 2}
    model = ActivationMLPClassifier(**{**options, "label_smoothing": 0.3, "tol": 0}).fit(X, y)
    P, log_P = model.predict_proba(X), model.predict_log_proba(X)
    if y.ndim == 1:
        targets = 0.7 * np.eye(y.max() + 1)[y] + 0.3 / (y.max() + 1)
        loss = -(targets * log_P).sum(axis=1).mean()
    else:
        targets = 0.7 * y + 0.15
        loss = -(targets * np.log(P) + (1 - targets) * np.log1p(-P)).sum(axis=1).mean()
    assert model.loss_ == pytest.approx(loss, rel=1e-9)


class TestHistory:
    SGD = {
        **SMALL,
        "solver": "sgd",
        "momentum": 0.0,
        "alpha": 0.0,
        "learning_rate_init": 0.5,
        "shuffle": False,
        "tol": 0,
    }

    @pytest.mark.parametrize("clip_norm", [None, 0.05])
    def test_gradient_norm_and_update_ratio_by_hand(self, clip_norm):
        options = {**self.SGD, "batch_size": 75, "max_iter": 1, "clip_norm": clip_norm}
        by_label = np.argsort(Y, kind="stable")
        balanced = np.r_[by_label[::2], by_label[1::2]]  # equal halves, since the initial biases follow the labels
        half, whole = (ActivationMLPClassifier(**options).fit(X[rows], Y[rows]) for rows in (balanced[:75], balanced))
        step = np.linalg.norm(whole.parameters_ - half.parameters_)
        assert whole.history_["update_ratio"] == [pytest.approx(step / np.linalg.norm(whole.parameters_))]
        norm = whole.history_["gradient_norm"][0]
        assert step / 0.5 == pytest.approx(norm if clip_norm is None else clip_norm)
        assert norm > 0.05

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_no_step_is_longer_than_the_clipped_gradient(self, dtype):
        options = {**self.SGD, "batch_size": 150, "max_iter": 1, "clip_norm": 0.1, "warm_start": True, "dtype": dtype}
        model, free = ActivationMLPRegressor(**options), []
        for _ in range(12):
            before = model.parameters_.copy() if hasattr(model, "parameters_") else None
            model.fit(X, Y)
            if before is not None:
                length = np.linalg.norm(np.subtract(model.parameters_, before, dtype=float)) / 0.5
                norm = model.history_["gradient_norm"][-1]
                assert length == pytest.approx(min(norm, 0.1), rel=1e-3)
                free.append(norm)
        assert max(free) > 0.1

    def test_a_gradient_whose_squares_overflow_is_clipped_all_the_same(self):
        options = {**self.SGD, "clip_norm": 1.0, "max_iter": 1, "batch_size": 150, "hidden_layer_sizes": ()}
        model = ActivationMLPRegressor("absolute_error", **options, dtype="float32").fit(X * 1e21, Y)
        assert 1e20 < model.history_["gradient_norm"][0] < np.inf
        assert np.isfinite(model.parameters_).all()
        assert np.abs(model.parameters_).max() > 0.01

    @pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_one_entry_per_epoch(self, solver, early_stopping):
        model = ActivationMLPClassifier(**SMALL, solver=solver, early_stopping=early_stopping).fit(X, Y)
        validated = {"validation_loss", "validation_score"}
        norms = {name: len(column) for name, column in model.history_.items()}
        assert norms == {name: 0 if name in validated and not early_stopping else model.n_iter_ for name in norms}
        assert model.history_["loss"] is model.loss_curve_
        assert {type(value) for column in model.history_.values() for value in column} == {float}
        rates = model.history_["learning_rate"]
        assert np.isnan(rates).all() if solver == "lbfgs" else rates == [0.02] * model.n_iter_

    def test_many_calls_grow_the_curves_alone(self):
        model = ActivationMLPRegressor(hidden_layer_sizes=(3,), random_state=0)
        sizes = []
        for calls in (10, 990):
            for _ in range(calls):
                model.partial_fit(X[:5], Y[:5])
            model.history_, kept = {name: [] for name in model.history_}, model.history_
            sizes.append(len(pickle.dumps(model)))
            model.history_ = kept
        assert len(model.loss_curve_) == model.n_iter_ == 1000
        assert sizes[1] <= sizes[0] + 16


def test_max_norm_holds_for_each_unit_with_batch_normalisation_and_dropout():
    options = {**SMALL, "max_norm": 0.3, "batch_norm": True, "dropout": 0.2, "learning_rate_init": 0.1}
    model = ActivationMLPClassifier(**options).fit(X, Y)
    for W in model.coefs_:
        assert np.linalg.norm(W, axis=0).max() <= 0.3 * (1 + 1e-12)


class TestTransform:
    @pytest.mark.parametrize("rows", [X, sparse.csr_array(X)], ids=["dense", "sparse"])
    def test_feeds_another_model(self, rows):
        net = ActivationMLPClassifier((7, 5), "tanh", random_state=0, max_iter=30, learning_rate_init=0.02)
        pipeline = make_pipeline(StdScaler(with_mean=False) if sparse.issparse(rows) else StdScaler(), net)
        features = pipeline.fit(rows, Y).transform(rows)
        A = pipeline[0].transform(rows)
        for W, b in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
            A = np.tanh(A @ W + b)
        assert_allclose(features, A, rtol=1e-9)
        model = make_pipeline(*[clone(step) for _, step in pipeline.steps], LogisticRegression())
        assert cross_val_score(model, rows, Y, cv=3, error_score="raise").mean() > 0.85
        assert_allclose(model.fit(rows, Y)[:-1].transform(rows), features)

    def test_names_and_frames(self):
        pytest.importorskip("pandas")
        net = ActivationMLPRegressor(**SMALL).set_output(transform="pandas")
        frame = net.fit_transform(X, Y)
        assert list(frame.columns) == list(net.get_feature_names_out())
        assert list(frame.columns) == [f"activationmlpregressor{j}" for j in range(6)]

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_without_hidden_layers(self, Estimator):
        model = Estimator(hidden_layer_sizes=(), max_iter=2).fit(X, Y)
        with pytest.raises(ValueError, match="hidden_layer_sizes is empty"):
            model.transform(X)


# All in combination.

RATE = st.sampled_from([0.0, 0.0, 0.3])
PROBLEMS = ["binary", "multiclass", "multilabel", "regression", "outputs"]
TARGETS = {
    "binary": np.where(Y == 1, "yes", "no"),
    "multiclass": Y,
    "multilabel": LABELS,
    "regression": X[:, 0] * 2,
    "outputs": np.abs(X[:, :2]),
}


@st.composite
def cases(draw):
    """Return a problem, parameters, and how the data are given."""

    def one_of(*values):
        return draw(st.sampled_from(values))

    problem = one_of(*PROBLEMS)
    sizes = one_of((), (3,), (4, 2), 3)
    n_hidden = 1 if sizes == 3 else len(sizes)
    names = [*ACTIVATIONS, Maxout(3)]
    params = {
        "hidden_layer_sizes": sizes,
        "activation": draw(
            st.one_of(st.sampled_from(names), st.lists(st.sampled_from(names), min_size=n_hidden, max_size=n_hidden))
        ),
        "solver": one_of(*SOLVERS, "lbfgs"),
        "alpha": one_of(0.0, 1e-4, 1.0),
        "l1_ratio": one_of(0.0, 0.5, 1.0),
        "max_norm": one_of(None, None, 0.5),
        "clip_norm": one_of(None, None, 0.5),
        "dropout": draw(st.one_of(RATE, st.lists(RATE, min_size=n_hidden, max_size=n_hidden))),
        "input_dropout": draw(RATE),
        "batch_norm": draw(st.booleans()),
        "batch_size": one_of("auto", 1, 7),
        "learning_rate": one_of(*SCHEDULES),
        "max_iter": one_of(2, 3),
        "shuffle": draw(st.booleans()),
        "warm_start": draw(st.booleans()),
        "early_stopping": draw(st.booleans()),
        "scoring": one_of(None, "loss", "accuracy" if problem in PROBLEMS[:3] else "r2"),
        "validation_fraction": 0.2,
        "n_iter_no_change": one_of(1, 10),
        "weight_init": one_of("auto", *INITIALIZERS),
        "dtype": one_of(None, "float32", "float64"),
        "random_state": draw(st.integers(0, 3)),
    }
    if problem in PROBLEMS[:3]:
        params["label_smoothing"] = one_of(0.0, 0.2)
        known = {"binary": {"yes": 2.0, "no": 1}, "multiclass": {1: 3.0}, "multilabel": {0: 1, 1: 2}}[problem]
        params["class_weight"] = one_of(None, "balanced", known)
    else:
        params["loss"] = one_of("squared_error", "absolute_error", "huber", *["poisson"] * (problem == "outputs"))
    how = {"sparse": draw(st.booleans()), "weighted": draw(st.booleans()), "validated": draw(st.booleans())}
    return problem, params, how


def refused_by_lbfgs(params):
    dropped = np.any(params["dropout"]) and params["hidden_layer_sizes"] != ()
    bounds = params["max_norm"] is not None or params["clip_norm"] is not None
    return params["solver"] == "lbfgs" and (bounds or params["input_dropout"] > 0 or dropped)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning", "ignore::skneural.DeadUnitsWarning")
@pytest.mark.filterwarnings("ignore:batch_norm=True normalises by")  # of drawn batches of a few rows
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_any_combination(case):
    problem, params, how = case
    rows, y, n = sparse.csr_array(X[:40]) if how["sparse"] else X[:40], TARGETS[problem][:40], 30
    Estimator = ActivationMLPClassifier if problem in PROBLEMS[:3] else ActivationMLPRegressor
    model = Estimator(**params)
    assert clone(model).get_params(deep=False) == params | model.get_params(deep=False)
    given_rows = {"sample_weight": np.arange(n) % 3} if how["weighted"] else {}
    if how["validated"]:
        given_rows.update(X_val=rows[n:], y_val=y[n:])
    if refused_by_lbfgs(params):
        with pytest.raises(ValueError, match="lbfgs"):
            model.fit(rows[:n], y[:n], **given_rows)
        assert not hasattr(model, "parameters_")
        return
    model.fit(rows[:n], y[:n], **given_rows)
    assert 1 <= model.n_iter_ <= params["max_iter"]
    assert len(model.loss_curve_) == model.n_iter_
    validated = model.n_iter_ if how["validated"] or params["early_stopping"] else 0
    assert len(model.history_["validation_loss"]) == len(model.history_["validation_score"]) == validated
    names = [name for name in ("predict", "predict_proba", "predict_log_proba") if hasattr(model, name)]
    before = [getattr(model, name)(rows) for name in names]
    assert all(np.isfinite(out).all() for out in before if out.dtype.kind == "f")
    twin = pickle.loads(pickle.dumps(model))
    for name, out in zip(names, before, strict=True):
        assert_array_equal(getattr(twin, name)(rows), out)
    again = Estimator().set_params(**model.get_params(deep=False)).fit(rows[:n], y[:n], **given_rows)
    assert_array_equal(again.parameters_, model.parameters_)
    model.fit(rows[:n], y[:n], **given_rows)
    assert np.isfinite(model.parameters_).all()
    if not params["warm_start"]:
        assert_array_equal(again.parameters_, model.parameters_)
