"""Several members in one network: what they share, what each has, and the mean that they predict."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, StdScaler, use_backend
from skneural.inspection import unit_report
from skneural.losses import LOSSES, LogisticLoss, Loss, PoissonLoss, Quantile, SoftmaxCrossEntropy, SquaredError
from skneural.network import Network

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

K = 3
SMALL = {"hidden_layer_sizes": (7, 5), "n_members": K, "max_iter": 8, "random_state": 0, "learning_rate_init": 0.01}
IRIS, CANCER, DIABETES = (
    (StdScaler().fit_transform(X), y)
    for X, y in (load(return_X_y=True) for load in (load_iris, load_breast_cancer, load_diabetes))
)
MULTILABEL = IRIS[0], np.eye(3, dtype=int)[IRIS[1]]
COUNTS = IRIS[0], IRIS[1]
MODELS = {
    "classes": (ActivationMLPClassifier(**SMALL), IRIS),
    "two classes": (ActivationMLPClassifier(**SMALL), CANCER),
    "multilabel": (ActivationMLPClassifier(**SMALL), MULTILABEL),
    "numbers": (ActivationMLPRegressor(**SMALL), DIABETES),
    "outputs": (ActivationMLPRegressor(**SMALL), (IRIS[0], IRIS[0][:, :2])),
    "quantiles": (ActivationMLPRegressor(Quantile([0.1, 0.9]), **SMALL), DIABETES),
    "counts": (ActivationMLPRegressor("poisson", **SMALL), COUNTS),
}
every_model = pytest.mark.parametrize("name", MODELS)


def fitted(name, **options):
    model, (X, y) = MODELS[name]
    return clone(model).set_params(**options).fit(X, y), X, y


def network_of_member(model, j):
    """Return member j as a network of its own: its scales are part of the first layer's weights."""
    whole = model._network
    single = Network.zeros(whole.sizes, whole.activations, whole.parameters.dtype, whole.batch_norm)
    for own, shared in zip(single.layout.views(single.parameters), whole.views, strict=True):
        for mine, theirs in zip(own, shared, strict=False):
            mine[...] = theirs if mine.shape == theirs.shape else theirs[j]
    single.weights[0][...] *= whole.views.member_scales[0][j][:, None]
    return single


@every_model
@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"hidden_layer_sizes": ()}], ids=str)
def test_a_member_is_a_network_of_its_own(name, options, backend):
    model, X, _ = fitted(name, **options)
    expected = [network_of_member(model, j).raw_output(X) for j in range(K)]
    np.testing.assert_allclose(model._network.raw_output(X), expected, atol=1e-12)
    assert np.ptp(expected, axis=0).max() > 1e-3


@every_model
def test_the_prediction_is_the_mean_of_the_members(name, backend):
    model, X, _ = fitted(name)
    predict = getattr(model, "predict_proba", model.predict)
    members = model.predict_members(X)
    assert members.shape == (K, *predict(X).shape)
    np.testing.assert_allclose(members.mean(axis=0), predict(X), atol=1e-12)


@pytest.mark.parametrize("name", ["classes", "two classes", "multilabel"])
def test_labels_and_logarithms_are_those_of_the_mean_probabilities(name):
    model, X, _ = fitted(name)
    P = model.predict_members(X).mean(axis=0)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(P), atol=1e-12)
    expected = P > 0.5 if name == "multilabel" else model.classes_[P.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X), expected)


def test_the_loss_is_the_mean_of_the_members_losses(backend):
    model, X, y = fitted("classes", alpha=0.0, solver="lbfgs", max_iter=30)
    losses = [log_loss(y, P) for P in model.predict_members(X)]
    assert model.loss_ == pytest.approx(np.mean(losses), rel=1e-9)
    assert log_loss(y, model.predict_proba(X)) < model.loss_


def test_each_member_learns_scales_and_an_output_layer_of_its_own():
    model, X, _ = fitted("classes", max_iter=1)
    assert model.member_scales_.shape == (K, X.shape[1])
    assert [W.shape for W in model.coefs_] == [(4, 7), (7, 5), (K, 5, 3)]
    assert [b.shape for b in model.intercepts_] == [(7,), (5,), (K, 3)]
    np.testing.assert_array_equal(np.abs(np.round(model.member_scales_)), 1)  # they started at random signs
    assert not np.array_equal(model.member_scales_, np.round(model.member_scales_))
    single = clone(model).set_params(n_members=1).fit(*IRIS)
    assert model.parameters_.size - single.parameters_.size == K * X.shape[1] + (K - 1) * (5 * 3 + 3)
    np.testing.assert_array_equal(single.member_scales_, np.ones((1, X.shape[1])))


def test_scales_are_not_penalised():
    strong, _, _ = fitted(
        "classes", activation="elu", alpha=100.0, solver="adamw", learning_rate_init=0.001, max_iter=100
    )
    assert np.abs(strong.coefs_[0]).max() < 1e-3
    assert np.abs(strong.member_scales_).min() > 0.9


@every_model
def test_both_forms_agree_after_five_epochs(name):
    parameters = []
    for form in ("numpy", "native"):
        with use_backend(form):
            model, _, _ = fitted(name, max_iter=5, dropout=0.2, batch_norm=True)
            parameters.append(model.parameters_)
    np.testing.assert_allclose(*parameters, atol=1e-9)


@every_model
@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop", "adagrad", "adamw", "schedule_free_adamw", "lbfgs"])
def test_every_solver_learns(name, solver):
    model, X, y = fitted(name, solver=solver, max_iter=60, learning_rate_init=0.02)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert model.score(X, y) > 0


def test_sparse_rows_give_the_same(backend):
    X, y = IRIS[0].copy(), IRIS[1]
    X[np.abs(X) < 0.5] = 0
    dense, csr = (ActivationMLPClassifier(**SMALL).fit(convert(X), y) for convert in (np.asarray, sparse.csr_array))
    np.testing.assert_allclose(csr.parameters_, dense.parameters_, atol=1e-12)
    np.testing.assert_allclose(csr.predict_proba(sparse.csr_array(X)), dense.predict_proba(X), atol=1e-12)


def test_weights_equal_repeated_rows(backend):
    X, y = IRIS
    weights = np.random.RandomState(0).randint(0, 3, len(y))
    options = {**SMALL, "solver": "lbfgs", "batch_norm": True}
    weighted = ActivationMLPClassifier(**options).fit(X, y, weights)
    repeated = ActivationMLPClassifier(**options).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-5)


def test_early_stopping_scores_the_mean_prediction(backend):
    X, y = CANCER
    model = ActivationMLPClassifier(**{**SMALL, "max_iter": 30}, early_stopping=True, scoring="neg_log_loss")
    model.fit(X[100:], y[100:], X_val=X[:100], y_val=y[:100])
    expected = -log_loss(y[:100], model.predict_proba(X[:100]))
    assert model.best_validation_score_ == pytest.approx(expected, abs=1e-9)
    best = int(np.argmax(model.validation_scores_))
    assert model.validation_loss_curve_[best] == pytest.approx(-expected, abs=1e-9)


@every_model
def test_ten_epochs_at_once_and_one_by_one(name, backend):
    model, X, y = fitted(name, max_iter=10, dropout=0.1)
    single = clone(model).set_params(max_iter=1, warm_start=True)
    for _ in range(10):
        single.fit(X, y)
        single = pickle.loads(pickle.dumps(single))
    np.testing.assert_array_equal(single.parameters_, model.parameters_)


def test_partial_fit_and_searches():
    X, y = IRIS
    model = ActivationMLPClassifier(**SMALL)
    for _ in range(30):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.score(X, y) > 0.8
    search = GridSearchCV(model, {"n_members": [1, 2], "activation": ["relu", "maxout"]}, cv=3).fit(X, y)
    assert len(search.cv_results_["params"]) == 4


def test_the_number_of_members_cannot_change_in_training():
    X, y = IRIS
    model = ActivationMLPClassifier(**SMALL, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="keep hidden_layer_sizes, activation, n_members"):
        model.set_params(n_members=K + 1).fit(X, y)
    assert model.predict_members(X).shape[0] == K


@pytest.mark.parametrize("n_members", [0, -1, 1.5, True, "two", None])
def test_what_is_no_number_of_members(n_members):
    with pytest.raises(ValueError, match="'n_members' parameter"):
        ActivationMLPClassifier(n_members=n_members).fit(*IRIS)


def test_the_mean_of_extreme_members_stays_finite():
    F = np.array([[[800.0, -800.0]], [[-800.0, 800.0]]])
    np.testing.assert_allclose(SoftmaxCrossEntropy().predict(SoftmaxCrossEntropy().combine_members(F)), [[0.5, 0.5]])
    combined = LogisticLoss().combine_members(F[:, :, :1])
    np.testing.assert_allclose(LogisticLoss().predict(combined), [[0.5]])
    both_sure = np.full((2, 1, 1), 800.0)
    np.testing.assert_allclose(LogisticLoss().combine_members(both_sure), [[800.0]])


@pytest.mark.parametrize("loss", [*LOSSES.values(), Quantile([0.2, 0.7])], ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_loss_combines_predictions(loss, dtype):
    F = np.random.RandomState(0).normal(size=(4, 9, 2)).astype(dtype)
    combined = loss.combine_members(F)
    assert combined.dtype == F.dtype
    expected = np.mean([loss.predict(member) for member in F], axis=0)
    np.testing.assert_allclose(loss.predict(combined), expected, rtol=1e-12 if dtype == "float64" else 1e-5)
    single = F[0]
    assert loss.combine_members(single) is single


class UnknownLink(Loss):
    """A loss of a user's own, whose inverse link is no identity."""

    inverse_link = "square"

    def evaluate(self, F, Y, out=None):
        return SquaredError().evaluate(F, Y, out)

    def predict(self, F):
        return F**2


def test_a_loss_that_cannot_average_predictions_is_refused():
    with pytest.raises(TypeError, match=r"n_members > 1 needs a loss.*define combine_members"):
        ActivationMLPRegressor(UnknownLink(), **SMALL).fit(*DIABETES)
    assert ActivationMLPRegressor(UnknownLink(), **{**SMALL, "n_members": 1}).fit(*DIABETES).n_iter_ == 8


def test_poisson_members_predict_their_mean_rate():
    F = np.log([[[1.0]], [[3.0]]])
    np.testing.assert_allclose(PoissonLoss().predict(PoissonLoss().combine_members(F)), [[2.0]])


def test_a_unit_is_dead_if_it_is_dead_in_all_members():
    model, X, y = fitted("classes", activation="relu")
    signs = np.array([[1.0], [-1.0], [1.0]])
    model.member_scales_[...] = signs
    model.coefs_[0][...] = np.abs(model.coefs_[0])
    model.intercepts_[0][...] = 0
    positive = np.abs(X)  # of one sign: each unit is active for the first member and dead for the second
    assert unit_report(model, positive, y).layers[0].dead == 0
    model.member_scales_[...] = -1
    assert unit_report(model, positive, y).layers[0].dead == 1


def test_hidden_features_are_means_over_the_members(backend):
    model, X, _ = fitted("classes")
    expected = [network_of_member(model, j).features(X, 1) for j in range(K)]
    np.testing.assert_allclose(model.transform(X), np.mean(expected, axis=0), atol=1e-12)


def test_no_copy_of_the_data_for_each_member():
    tracemalloc = pytest.importorskip("tracemalloc")
    X = np.random.RandomState(0).normal(size=(20_000, 50))
    y = X[:, 0] > 0
    peaks = []
    for n_members in (1, 8):
        model = ActivationMLPClassifier((8,), n_members=n_members, max_iter=1, random_state=0)
        tracemalloc.start()
        with pytest.warns(ConvergenceWarning):
            model.fit(X, y)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < X.nbytes / 4


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_the_objective_is_the_mean_of_the_members_own(l1_ratio, backend):
    model, X, y = fitted("classes", alpha=0.1, l1_ratio=l1_ratio, solver="lbfgs", max_iter=20)
    *shared, heads = model.coefs_
    objectives = []
    for P, head in zip(model.predict_members(X), heads, strict=True):
        W = np.concatenate([each.ravel() for each in [*shared, head]])
        penalty = (1 - l1_ratio) / 2 * np.sum(W**2) + l1_ratio * np.abs(W).sum()
        objectives.append(log_loss(y, P) + 0.1 * penalty)
    assert model.loss_ == pytest.approx(np.mean(objectives), rel=1e-6)
