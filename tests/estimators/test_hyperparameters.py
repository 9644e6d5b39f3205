"""The constructor's parameters: validated, searchable, clonable, printable."""

import html
import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from skneural import (
    ACTIVATIONS,
    ELU,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    LeakyReLU,
    Maxout,
    PReLU,
    StdScaler,
)
from skneural.estimators.hyperparameters import CONSTRAINTS
from skneural.initializers import VarianceScaling
from skneural.losses import Huber, PoissonLoss
from skneural.solvers.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ESTIMATORS = [ActivationMLPClassifier, ActivationMLPRegressor]
X, Y = load_iris(return_X_y=True)
X_STANDARD = (X - X.mean(axis=0)) / X.std(axis=0)

NAN, INF = float("nan"), float("inf")
REFUSED = {
    "hidden_layer_sizes": [0, -1, 2.5, "100", None, (10, 0), (10, -3), (10, 2.0), [[3, 4]], True, ("a",)],
    "activation": ["rrelu", "", None, 3, ELU, [], ["relu", "tanh"], ["rrelu"], [None], [3], [ELU], np.tanh, np],
    "solver": ["newton", None, 1, "Adam"],
    "clip_norm": [0, 0.0, -1.0, NAN, INF, "1"],
    "dropout": [-0.1, 1.0, NAN, "half", None, [0.5, 0.5], [], [1.0], [NAN], ["half"], True],
    "input_dropout": [-0.1, 1.0, NAN, None, [0.5]],
    "batch_norm": ["yes", None, 2],
    "n_members": [0, -1, 1.5, NAN, INF, "3", None, True, [2]],
    "scoring": ["accurate", 3, 0.5],
    "alpha": [-1e-9, NAN, INF, "0.1", None, [0.1]],
    "l1_ratio": [-0.1, 1.1, NAN, None],
    "max_norm": [0, 0.0, -1.0, NAN, "1"],
    "batch_size": [0, -5, 2.5, "all", None],
    "learning_rate": ["exponential", None, 0.1, Cosine],
    "learning_rate_init": [0, -1e-3, NAN, INF, "auto", None],
    "power_t": [-0.5, NAN, INF, "0.5"],
    "max_iter": [0, -1, 10.0, INF, None],
    "shuffle": ["yes", None, 2],
    "random_state": ["seed", -1, 1.5],
    "tol": [-1e-4, NAN, None, "0"],
    "verbose": [-1, "yes", None],
    "warm_start": ["yes", None, 2],
    "momentum": [-0.1, 1.1, NAN],
    "nesterovs_momentum": ["yes", None, 2],
    "early_stopping": ["yes", None, 2],
    "validation_fraction": [-0.1, 1.0, 1.5, NAN],
    "beta_1": [-0.1, 1.0, NAN],
    "beta_2": [-0.1, 1.0, NAN],
    "epsilon": [0, 0.0, -1e-8, NAN, INF],
    "n_iter_no_change": [0, -1, 2.5, NAN, None],
    "max_fun": [0, -1, 1.5, None],
    "weight_init": ["xavier", None, 3, VarianceScaling(scale=-1.0), VarianceScaling(mode="fan_out")],
    "bias_init": [NAN, INF, -INF, "0", None],
    "dtype": ["float16", "int", np.float32, 32],
}
# Out of range inside an object; one solver only; one parameter against another.
REFUSED_TOGETHER = [
    {"activation": ELU(alpha=-1.0)},
    {"activation": ["relu", Maxout(n_pieces=0)], "hidden_layer_sizes": (3, 3)},
    {"activation": PReLU(init=INF)},
    {"activation": LeakyReLU(negative_slope=NAN)},
    {"activation": ["relu"], "hidden_layer_sizes": ()},
    {"activation": ["relu", "relu"], "hidden_layer_sizes": (3, 3, 3)},
    {"max_norm": 1.0, "solver": "lbfgs"},
    {"clip_norm": 1.0, "solver": "lbfgs"},
    {"dropout": 0.1, "solver": "lbfgs"},
    {"dropout": "auto", "solver": "lbfgs"},
    {"dropout": [0.0, 0.1], "hidden_layer_sizes": (3, 3), "solver": "lbfgs"},
    {"input_dropout": 0.1, "solver": "lbfgs"},
    {"dropout": [0.1], "hidden_layer_sizes": ()},
    {"weight_init": lambda fan_in, fan_out, rng: np.zeros((fan_out, fan_in))},
    {"weight_init": lambda fan_in, fan_out, rng: np.full((fan_in, fan_out), np.nan)},
    {"learning_rate": Cosine(final=2.0)},
    {"learning_rate": lambda progress: np.ones(77)},
    {"learning_rate": lambda progress: "fast"},
    {"learning_rate": lambda progress: -1.0},
    {"learning_rate": lambda progress: 1.0 if progress.epoch == 0 else NAN},
    {"epsilon": 1e-60, "dtype": "float32"},
    {"epsilon": 1e-40, "dtype": "float32", "solver": "adagrad"},
    {"epsilon": 5e-324},
    {"early_stopping": True, "validation_fraction": 0.0},
    {"early_stopping": True, "validation_fraction": 0.001},
    {"early_stopping": True, "validation_fraction": 0.999},
]
CASES = [{name: value} for name, values in REFUSED.items() for value in values] + REFUSED_TOGETHER


# Of the classifier alone; iris has the labels 0, 1 and 2.
CLASSIFIER_REFUSED = {
    "class_weight": [
        "even",
        2.0,
        {0: -1.0},
        {0: NAN},
        {0: INF},
        {0: "a"},
        {7: 1.0},
        {"0": 2.0},
        [{0: 1}] * 2,
        [1, 1, 1],
    ],
    "label_smoothing": [-0.1, 1.0, NAN, None, "0.1"],
    "temperature_scaling": ["yes", None, 2],
}
CLASSIFIER_CASES = [{name: value} for name, values in CLASSIFIER_REFUSED.items() for value in values]


def described(params):
    return params.__name__ if isinstance(params, type) else re.sub(" at 0x[0-9a-f]+", "", str(params))


def test_every_parameter_has_its_cases():
    assert set(REFUSED) == set(CONSTRAINTS)
    assert {*REFUSED, *CLASSIFIER_REFUSED} == set(ActivationMLPClassifier._parameter_constraints)


def assert_refused(fit):
    with pytest.raises((ValueError, TypeError)) as caught:
        fit()
    assert len(str(caught.value)) > 20
    return str(caught.value)


EVERY_CASE = [(Estimator, params) for Estimator in ESTIMATORS for params in CASES]


@pytest.mark.parametrize(
    ("Estimator", "params"),
    [*EVERY_CASE, *((ActivationMLPClassifier, params) for params in CLASSIFIER_CASES)],
    ids=described,
)
def test_refused_parameters_leave_a_fresh_estimator_fresh(Estimator, params):
    model = Estimator(**{"random_state": 0, **params})
    before = dict(vars(model))
    message = assert_refused(lambda: model.fit(X, Y))
    # An object's own setting is named together with its class.
    assert any(name in message for name in params) or re.search("parameter of (.*LU|Maxout|Var.*|Cosine) must", message)
    assert vars(model) == before
    with pytest.raises(NotFittedError):
        check_is_fitted(model)


@pytest.mark.parametrize("params", [*CASES, *CLASSIFIER_CASES], ids=described)
def test_refused_parameters_leave_a_fitted_estimator_as_it_was(params):
    model = ActivationMLPClassifier((5,), max_iter=3, random_state=0).fit(X, Y)
    before, P = pickle.dumps(model), model.predict_proba(X)
    changed = model.get_params()
    model.set_params(**params)
    assert_refused(lambda: model.fit(X, Y))
    model.set_params(**changed)
    assert pickle.dumps(model) == before
    assert_array_equal(model.predict_proba(X), P)


@pytest.mark.parametrize("params", [{"solver": "sgd"}, {"solver": "lbfgs"}, {"dtype": "float64"}], ids=str)
def test_an_epsilon_beyond_single_precision_matters_only_where_it_is_used(params):
    model = ActivationMLPClassifier((5,), max_iter=3, random_state=0, epsilon=1e-60, **{"dtype": "float32", **params})
    assert np.isfinite(model.fit(X, Y).parameters_).all()


@pytest.mark.parametrize("params", [{"alpha": -1}, {"max_iter": 0}, {"batch_size": "all"}, {"momentum": NAN}], ids=str)
def test_training_that_goes_on_refuses_them_too(params):
    model = ActivationMLPClassifier((5,), random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
    before = dict(vars(model.set_params(**params)))
    assert next(iter(params)) in assert_refused(lambda: model.partial_fit(X, Y))
    assert vars(model) == before


@pytest.mark.parametrize(
    "loss", ["log_loss", None, Huber, "softmax_cross_entropy", "logistic", Huber(delta=0), Huber(delta=NAN), 3]
)
def test_refused_losses(loss):
    model = ActivationMLPRegressor(loss=loss)
    assert "loss" in assert_refused(lambda: model.fit(X, Y)) or isinstance(loss, Huber)
    assert not hasattr(model, "n_features_in_")


def test_messages_say_what_came_and_what_was_expected():
    def message(**params):
        return assert_refused(lambda: ActivationMLPClassifier(**params).fit(X, Y))

    assert "Got 2 activations for 1 hidden layers" in message(activation=["relu", "tanh"])
    assert "'rrelu'" in message(activation="rrelu")
    assert "leaky_relu" in message(activation="rrelu")
    assert "Got -1.0" in message(activation=ELU(alpha=-1.0))
    assert "must be a name or a skneural.activations.Activation" in message(activation=np.array(1))
    assert "hidden_layer_sizes must be > 0" in message(hidden_layer_sizes=np.array(1.5))
    assert "Got -1" in message(alpha=-1)
    assert "(4, 100)" in message(weight_init=lambda i, o, rng: np.ones((3, 3)))
    assert "at least 1.18e-38 with parameters in float32" in message(epsilon=1e-60, dtype="float32")
    assert "lbfgs" in message(max_norm=1.0, solver="lbfgs")
    assert "validation_fraction=0.001" in message(early_stopping=True, validation_fraction=0.001)


@pytest.mark.parametrize(("Ours", "Theirs"), list(zip(ESTIMATORS, [MLPClassifier, MLPRegressor], strict=True)))
def test_defaults_are_those_of_scikit_learn(Ours, Theirs):
    ours, theirs = Ours().get_params(), Theirs().get_params()
    assert set(theirs) <= set(ours)
    assert {name: ours[name] for name in theirs} == theirs


SETTINGS = [
    {"activation": ELU(alpha=0.5)},
    {"activation": ["relu", Maxout(3)], "hidden_layer_sizes": [4, 3]},
    {"activation": (PReLU(shared=True),), "hidden_layer_sizes": 4},
    {"learning_rate": Cosine(final=0.1), "weight_init": VarianceScaling(2.0), "dtype": "float32"},
    {"activation": "swish", "solver": "adamw", "max_norm": 2.0, "l1_ratio": 0.5, "n_iter_no_change": np.inf},
]


@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("params", SETTINGS, ids=described)
def test_clone_and_get_params(Estimator, params):
    model = Estimator(max_iter=2, random_state=0, **params).fit(X, Y)
    copy = clone(model)
    assert not hasattr(copy, "parameters_")
    assert {**copy.get_params(deep=False), **params} == model.get_params(deep=False)
    assert_array_equal(copy.fit(X, Y).parameters_, model.parameters_)
    again = Estimator().set_params(**model.get_params(deep=False))
    assert again.get_params(deep=False) == model.get_params(deep=False)
    assert_array_equal(again.fit(X, Y).parameters_, model.parameters_)


def test_clone_does_not_share_objects():
    activation, loss = ELU(alpha=0.5), Huber(delta=2.0)
    model = ActivationMLPRegressor(loss, activation=[activation])
    copy = clone(model)
    assert copy.activation == [activation]
    assert copy.activation[0] is not activation
    copy.set_params(loss__delta=3.0)
    assert loss.delta == 2.0


def test_nested_parameters():
    model = ActivationMLPClassifier(activation=ELU(), learning_rate=Cosine(), weight_init=VarianceScaling())
    params = model.get_params()
    assert params["activation__alpha"] == 1.0
    assert params["learning_rate__final"] == 0.0
    model.set_params(activation__alpha=0.25, learning_rate__final=0.5, weight_init__scale=2.0)
    assert model.activation == ELU(alpha=0.25)
    assert model.learning_rate == Cosine(final=0.5)
    assert model.weight_init == VarianceScaling(scale=2.0)
    model.set_params(activation=LeakyReLU(), activation__negative_slope=0.3)
    assert model.activation == LeakyReLU(negative_slope=0.3)
    with pytest.raises(ValueError, match="n_pieces"):
        model.set_params(activation__n_pieces=3)
    assert model.activation == LeakyReLU(negative_slope=0.3)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_printing_shows_what_was_changed_and_no_more(Estimator):
    assert repr(Estimator()) == f"{Estimator.__name__}()"
    model = Estimator(activation=ELU(alpha=0.5), hidden_layer_sizes=(7,), verbose=True)
    shown = re.sub(r"\s+", " ", repr(model))
    assert shown == f"{Estimator.__name__}(activation=ELU(alpha=0.5), hidden_layer_sizes=(7,), verbose=True)"
    page = model._repr_html_()
    assert "ELU(alpha=0.5)" in html.unescape(page)
    fitted = Estimator(hidden_layer_sizes=(7,), activation=[Maxout(3)], max_iter=2).fit(X, Y)
    assert "Maxout(n_pieces=3)" in repr(fitted)
    assert "Maxout(n_pieces=3)" in html.unescape(fitted._repr_html_())
    nested = make_pipeline(StdScaler(), model)
    assert "ELU(alpha=0.5)" in html.unescape(nested._repr_html_())
    assert "ELU(alpha=0.5)" in repr(nested)


def test_repr_is_code():
    model = ActivationMLPRegressor(Huber(2.0), (4, 3), activation=["tanh", Maxout(3)], learning_rate=Cosine(0.1))
    names = {"ActivationMLPRegressor": ActivationMLPRegressor, "Huber": Huber, "Maxout": Maxout, "Cosine": Cosine}
    again = eval(repr(model), names)
    assert again.get_params(deep=False) == model.get_params(deep=False)


SMALL = {"hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search_over_activations_and_rates(n_jobs):
    pipeline = make_pipeline(StdScaler(), ActivationMLPClassifier(**SMALL))
    grid = {
        "activationmlpclassifier__activation": ["logistic", "prelu", "elu", Maxout(n_pieces=2), ["tanh"]],
        "activationmlpclassifier__learning_rate_init": [1e-3, 1e-1],
    }
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=n_jobs, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 10
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_["activationmlpclassifier__learning_rate_init"] == 1e-1
    assert search.best_estimator_.score(X, Y) > 0.9
    assert len(np.unique(search.cv_results_["mean_test_score"])) > 3


def test_search_over_the_settings_of_an_activation():
    model = ActivationMLPClassifier(activation=ELU(), learning_rate_init=0.05, **SMALL)
    search = GridSearchCV(model, {"activation__alpha": [0.1, 1.0, 10.0]}, cv=2, error_score="raise").fit(X, Y)
    best = search.best_params_["activation__alpha"]
    assert search.best_estimator_.activations_ == [ELU(alpha=best)]
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert model.activation == ELU()
    pipeline = Pipeline([("outer", Pipeline([("scale", StdScaler()), ("net", clone(model))]))])
    space = {"outer__net__activation__alpha": loguniform(0.1, 10), "outer__net__activation": [ELU(), ELU(3.0)]}
    search = RandomizedSearchCV(pipeline, space, n_iter=4, cv=2, random_state=0, error_score="raise").fit(X, Y)
    tried = [params["outer__net__activation__alpha"] for params in search.cv_results_["params"]]
    assert len(set(tried)) == 4
    chosen = search.best_params_["outer__net__activation__alpha"]
    assert search.best_estimator_[-1][-1].activations_ == [ELU(alpha=chosen)]


@pytest.mark.parametrize(("Estimator", "least"), [(ActivationMLPClassifier, 0.93), (ActivationMLPRegressor, 0.85)])
def test_cross_val_score(Estimator, least):
    model = make_pipeline(StdScaler(), Estimator(hidden_layer_sizes=(8,), solver="lbfgs", alpha=0.01, random_state=0))
    folds = KFold(5, shuffle=True, random_state=0)
    scores = cross_val_score(model, X, Y, cv=folds, error_score="raise")
    assert scores.mean() > least
    assert_array_equal(cross_val_score(model, X, Y, cv=folds, n_jobs=2), scores)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_accepted_name_is_documented_in_the_error(activation):
    message = assert_refused(lambda: ActivationMLPClassifier(activation="?").fit(X, Y))
    assert repr(activation) in message


class WithMore(ActivationMLPClassifier):
    """A user's own, with a parameter more."""

    def __init__(self, extra=1, hidden_layer_sizes=(10,)):
        super().__init__(hidden_layer_sizes=hidden_layer_sizes, max_iter=5, random_state=0)
        self.extra = extra


class WithFew(ActivationMLPRegressor):
    """A user's own, with one parameter only."""

    def __init__(self, alpha=0.1):
        super().__init__(alpha=alpha, max_iter=5, random_state=0)


@pytest.mark.parametrize(
    ("Subclass", "Base", "params"),
    [
        (WithMore, ActivationMLPClassifier, {"extra": 2, "hidden_layer_sizes": (4,)}),
        (WithFew, ActivationMLPRegressor, {"alpha": 0.5}),
    ],
)
def test_subclasses_may_have_a_constructor_of_their_own(Subclass, Base, params):
    model = Subclass().set_params(**params)
    assert model.get_params() == clone(model).get_params() == params
    expected = Base(max_iter=5, random_state=0, **{name: params[name] for name in params if name != "extra"}).fit(X, Y)
    for twin in (model, clone(model), pickle.loads(pickle.dumps(model))):
        assert_array_equal(twin.fit(X, Y).predict(X), expected.predict(X))
        assert_array_equal(pickle.loads(pickle.dumps(twin)).predict(X), expected.predict(X))
    grid = {name: [value] for name, value in params.items()}
    assert GridSearchCV(Subclass(), grid, cv=2, error_score="raise").fit(X, Y).best_params_ == params


def test_losses_by_name_or_object():
    counts = np.random.RandomState(0).poisson(3, len(X))
    by_name = ActivationMLPRegressor("poisson", **SMALL).fit(X, counts)
    assert_array_equal(by_name.parameters_, ActivationMLPRegressor(PoissonLoss(), **SMALL).fit(X, counts).parameters_)


def fitted(**params):
    params = {"hidden_layer_sizes": (6, 4), "max_iter": 15, "random_state": 0, **params}
    return ActivationMLPClassifier(**params).fit(X_STANDARD, Y)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [(5, [5]), ((5,), [5]), ([5, 3], [5, 3]), (np.array([5, 3]), [5, 3]), (np.int64(5), [5]), ((), []), ([], [])],
)
def test_hidden_layer_sizes(sizes, expected):
    model = fitted(hidden_layer_sizes=sizes)
    assert [W.shape for W in model.coefs_] == list(zip([4, *expected], [*expected, 3], strict=True))
    assert model.n_layers_ == len(expected) + 2
    assert model.predict_proba(X_STANDARD).shape == (150, 3)


@pytest.mark.parametrize("sizes", [{5: 3}, {5, 3}, (5, 0), (5, 2.0), "5", ((5, 3),)])
def test_what_is_no_sequence_of_sizes_is_refused(sizes):
    with pytest.raises(ValueError, match=re.escape(f"Got {sizes!r}")):
        fitted(hidden_layer_sizes=sizes)


def test_one_activation_per_layer():
    model = fitted(activation=["maxout", ELU(alpha=0.5)])
    assert model.activations_ == [Maxout(), ELU(alpha=0.5)]
    assert [W.shape for W in model.coefs_] == [(4, 12), (6, 4), (4, 3)]
    assert_array_equal(model.parameters_, fitted(activation=(Maxout(2), ELU(0.5))).parameters_)
    assert not np.array_equal(model.parameters_, fitted(activation=["maxout", "elu"]).parameters_)


def test_batch_size_larger_than_the_data_is_clipped_with_a_warning():
    with pytest.warns(UserWarning, match=r"larger than sample size \(500 > 150\)"):
        clipped = fitted(batch_size=500)
    assert_array_equal(clipped.parameters_, fitted(batch_size=150).parameters_)
    assert_array_equal(fitted(batch_size="auto").parameters_, fitted(batch_size=150).parameters_)
