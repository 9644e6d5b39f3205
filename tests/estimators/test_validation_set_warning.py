"""The warning that a validation set is not of the training rows' kind: when it comes, and when it does not."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context, datasets
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.model_selection import TimeSeriesSplit, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, StdScaler, ValidationSetWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FAST = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, "activation": "tanh"}
CLASSES = {name: getattr(datasets, f"load_{name}")(return_X_y=True) for name in ("iris", "wine", "breast_cancer")}
X_REG, Y_REG = datasets.load_diabetes(return_X_y=True, scaled=False)


def messages(model, X, y, **fit_params):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, **fit_params)
    return [str(each.message) for each in caught if each.category is ValidationSetWarning]


def with_net(scaler, net):
    return Pipeline([("scale", scaler), ("net", net)])


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("scaler", [StdScaler(), StandardScaler(), MinMaxScaler()], ids=repr)
def test_a_pipeline_that_does_not_transform_x_val(name, scaler):
    X, X_val, y, y_val = train_test_split(*CLASSES[name], random_state=0)
    model = with_net(scaler, ActivationMLPClassifier(**FAST))
    (message,) = messages(model, X, y, net__X_val=X_val, net__y_val=y_val)
    assert message.startswith("X_val does not look like X: feature ")
    assert 'Pipeline(steps, transform_input=["X_val"])' in message
    assert messages(model, X, y, net__X_val=scaler.transform(X_val), net__y_val=y_val) == []
    with config_context(enable_metadata_routing=True):
        net = ActivationMLPClassifier(**FAST).set_fit_request(X_val=True, y_val=True)
        model = Pipeline([("scale", scaler), ("net", net)], transform_input=["X_val"])
        assert messages(model, X, y, X_val=X_val, y_val=y_val) == []


def test_the_message_has_the_feature_with_its_numbers():
    pandas = pytest.importorskip("pandas")
    rng = np.random.RandomState(0)
    X = pandas.DataFrame({"age": rng.normal(size=200), "income": rng.normal(size=200)})
    y = np.arange(200) % 2
    X_val = X[:50].assign(income=52000.0 + 11000 * X["income"][:50])
    (message,) = messages(ActivationMLPClassifier(**FAST), X[50:], y[50:], X_val=X_val, y_val=y[:50])
    mean, std = X_val["income"].mean(), X_val["income"].std(ddof=0)
    assert f"feature 'income' is {mean:.4g} ± {std:.4g} there" in message


def test_columns_of_a_column_transformer():
    X, X_val, y, y_val = train_test_split(*CLASSES["wine"], random_state=0)
    scaler = ColumnTransformer([("scale", StandardScaler(), [12])], remainder="passthrough")
    model = with_net(scaler, ActivationMLPClassifier(**FAST))
    assert len(messages(model, X, y, net__X_val=X_val, net__y_val=y_val)) == 1


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
def test_sparse_rows(container):
    counts = np.random.RandomState(0).poisson(0.4, (300, 40)) * np.arange(1, 41)
    y = counts[:, -10:].sum(axis=1) > 140
    X, X_val = container(counts[100:]), container(counts[:100])
    model = with_net(MaxAbsScaler(), ActivationMLPClassifier(**FAST))
    assert len(messages(model, X, y[100:], net__X_val=X_val, net__y_val=y[:100])) == 1
    scaled = model[0].transform(X_val)
    assert messages(model, X, y[100:], net__X_val=scaled, net__y_val=y[:100]) == []


@pytest.mark.parametrize(
    "transformation",
    [
        {"transformer": StandardScaler()},
        {"transformer": MinMaxScaler()},
        {"func": np.log, "inverse_func": np.exp},
        {"func": np.sqrt, "inverse_func": np.square},
        {"func": lambda y: y / 1000, "inverse_func": lambda y: y * 1000},
    ],
    ids=["standard", "min-max", "log", "sqrt", "thousands"],
)
@pytest.mark.parametrize("normalize_y", [True, False])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_targets_in_other_units(transformation, normalize_y, n_targets):
    Y = Y_REG if n_targets == 1 else np.stack([Y_REG, X_REG[:, 2]], axis=1)
    X, X_val, y, y_val = train_test_split(StdScaler().fit_transform(X_REG), Y, random_state=0)
    model = TransformedTargetRegressor(
        ActivationMLPRegressor(**FAST, normalize_y=normalize_y), check_inverse=False, **transformation
    )
    (message,) = messages(model, X, y, X_val=X_val, y_val=y_val)
    assert message.startswith("y_val is not in the units of y: it is ")
    assert "TransformedTargetRegressor" in message
    as_given = model.transformer_.transform(y_val.reshape(-1, n_targets))
    assert messages(model, X, y, X_val=X_val, y_val=as_given.reshape(y_val.shape)) == []


def test_honest_targets_by_chance_and_by_time():
    rng = np.random.RandomState(0)
    n = 400
    targets = {
        "counts": rng.poisson(3, n),
        "heavy tails": np.exp(2 * rng.normal(size=n)),
        "many zeros": np.where(rng.uniform(size=n) < 0.9, 0, np.exp(8 + 2 * rng.normal(size=n))),
        "a trend": np.arange(n) + rng.normal(size=n),
        "two values": np.arange(n) % 2,
        "diabetes": Y_REG[:n],
    }
    X = rng.normal(size=(n, 3))
    for name, y in targets.items():
        splits = [train_test_split(np.arange(n), test_size=k, random_state=s) for k in (10, 40, 200) for s in range(5)]
        for train, test in [*splits, *TimeSeriesSplit(5).split(X)]:
            model = ActivationMLPRegressor(**FAST)
            assert messages(model, X[train], y[train], X_val=X[test], y_val=y[test]) == [], name


def test_codes_of_classes_have_no_units():
    X, y = CLASSES["iris"]
    model = make_pipeline(ActivationMLPClassifier(**FAST))
    sorted_by_class = {"activationmlpclassifier__X_val": X[100:], "activationmlpclassifier__y_val": y[100:] * 10**6}
    assert messages(model, X, y * 10**6, **sorted_by_class) == []


def test_part_of_a_stream_need_not_be_like_the_rest():
    X, y = CLASSES["iris"]
    X = StdScaler().fit_transform(X)
    model = ActivationMLPClassifier(**FAST)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X[:50], y[:50], classes=[0, 1, 2], X_val=X, y_val=y)


def test_too_few_rows_say_nothing_and_rows_without_weight_do_not_count():
    X, y = CLASSES["iris"]
    Z = StdScaler().fit_transform(X)
    given = {"X_val": X[::10], "y_val": y[::10]}
    model = ActivationMLPClassifier(**FAST)
    assert len(messages(model, Z, y, **given)) == 1
    assert messages(model, Z, y, **given, sample_weight_val=np.arange(15) < 9) == []
    assert messages(model, Z, y, X_val=X[::20], y_val=y[::20]) == []
    mixed, labels = np.vstack([Z, 1e6 + X]), np.r_[y, y]
    weight = np.repeat([1.0, 0.0], 150)
    assert messages(model, Z, y, X_val=mixed, y_val=labels, sample_weight_val=weight) == []


def test_values_that_cannot_be_compared_are_no_error():
    X = np.random.RandomState(0).normal(size=(40, 2)) * 1e160
    model = ActivationMLPClassifier((), solver="sgd", learning_rate_init=1e-300, max_iter=1, weight_init="zeros")
    with np.errstate(all="ignore"):
        assert messages(model, X, np.arange(40) % 2, X_val=X, y_val=np.arange(40) % 2) == []
