"""Every meta-estimator of scikit-learn: its graph returns what the model returns, or it is refused."""

import warnings

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, PCAWhitener, StdScaler
from skneural.deployment import to_onnx
from skneural.deployment.onnx.meta_estimators import make_convertible
from skneural.deployment.onnx.onnx_network import HiddenFeatures

pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.inspection.DeadUnitsWarning"),
]

X, y = load_iris(return_X_y=True)
X = (X + np.random.default_rng(0).normal(0, 0.5, X.shape)).astype(np.float32)  # so that the classes overlap
TEXT = np.array(["setosa", "versicolor", "virginica"])[y]
BINARY = (y == 2).astype(int)
SOME = np.where(np.arange(len(y)) % 2, y, -1)
LABELS = np.column_stack([y == 0, y > 1]).astype(int)
WIDTH, SIZES = X[:, 3], X[:, 2:]
FAST = {"hidden_layer_sizes": (16, 8), "max_iter": 15, "learning_rate_init": 0.02, "random_state": 0}
NETWORK, REGRESSOR = ActivationMLPClassifier(**FAST), ActivationMLPRegressor(**FAST)
LINEAR = LogisticRegression()
HIDDEN = make_pipeline(StdScaler(), NETWORK, LogisticRegression())  # takes the network's hidden features
TWO = [("a", NETWORK), ("b", LINEAR)]
TWO_REGRESSORS = [("a", REGRESSOR), ("b", Ridge())]
WITH_DROPPED = [("a", NETWORK), ("x", "drop"), ("b", LINEAR)]
WITH_HIDDEN = [("a", HIDDEN), ("b", LINEAR)]


def fitted(estimator, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs
        return estimator.fit(X, target)


def search(estimator, **grid):
    return GridSearchCV(estimator, grid, cv=2, scoring=lambda *_: 1.0)


RIGHT = {
    "a search": (search(make_pipeline(StdScaler(), NETWORK), stdscaler=["passthrough", PCAWhitener()]), y),
    "a search in a pipeline": (make_pipeline(StdScaler(), search(NETWORK, alpha=[1e-4, 1e-2])), y),
    "a search for a transformer": (make_pipeline(search(PCAWhitener(), n_components=[2, 3]), NETWORK), y),
    "a search in a vote": (VotingClassifier([("a", search(NETWORK, alpha=[0.1])), ("b", LINEAR)], voting="soft"), y),
    "frozen": (make_pipeline(FrozenEstimator(fitted(StdScaler(), None)), NETWORK), y),
    "frozen and calibrated": (CalibratedClassifierCV(FrozenEstimator(fitted(ActivationMLPClassifier(**FAST), y))), y),
    "self-training": (SelfTrainingClassifier(NETWORK), SOME),
    "hidden features": (HIDDEN, y),
    "hidden features of an inner pipeline": (make_pipeline(make_pipeline(StdScaler(), NETWORK), LINEAR), y),
    "hidden features in a union": (make_pipeline(make_union(REGRESSOR, PCAWhitener()), LINEAR), y),
    "hidden features of some columns": (make_pipeline(make_column_transformer((REGRESSOR, [0, 1])), LINEAR), y),
    "columns": (make_pipeline(make_column_transformer((StdScaler(), [0, 1]), (PCAWhitener(), [2, 3])), NETWORK), y),
    "a step that passes through": (make_pipeline(StdScaler(), "passthrough", NETWORK), y),
    "a soft vote": (VotingClassifier(TWO, voting="soft"), y),
    "a soft vote of two classes": (VotingClassifier(TWO, voting="soft"), BINARY),
    "a soft vote for text": (VotingClassifier(TWO, voting="soft"), TEXT),
    "a weighted vote": (VotingClassifier(TWO, voting="soft", weights=[1, 3]), y),
    "a weighted vote without one": (VotingClassifier(WITH_DROPPED, voting="soft", weights=[1, 5, 3]), y),
    "a hard vote": (VotingClassifier([*TWO, ("c", make_pipeline(StdScaler(), NETWORK))]), y),
    "a hard vote for text": (VotingClassifier([*TWO, ("c", make_pipeline(StdScaler(), NETWORK))]), TEXT),
    "a vote with hidden features": (VotingClassifier(WITH_HIDDEN, voting="soft"), y),
    "a vote of regressors": (VotingRegressor(TWO_REGRESSORS), WIDTH),
    "a weighted vote of regressors": (VotingRegressor(TWO_REGRESSORS, weights=[1, 3]), WIDTH),
    "stacking": (StackingClassifier(TWO, final_estimator=NETWORK, cv=2), y),
    "stacking of two classes": (StackingClassifier(TWO, cv=2), BINARY),
    "stacking with features": (StackingClassifier(TWO, cv=2, passthrough=True), y),
    "stacking of hidden features": (StackingClassifier(WITH_HIDDEN, cv=2), y),
    "stacking of regressors": (StackingRegressor(TWO_REGRESSORS, cv=2), WIDTH),
    "bagging": (BaggingClassifier(NETWORK, 2, random_state=0), y),
    "bagging of features": (BaggingClassifier(NETWORK, 3, max_features=0.5, random_state=0), y),
    "bagging of hidden features": (BaggingClassifier(HIDDEN, 2, random_state=0), y),
    "bagging of regressors": (BaggingRegressor(REGRESSOR, 3, max_features=0.5, random_state=0), WIDTH),
    "boosting": (AdaBoostClassifier(NETWORK, n_estimators=3, random_state=0), y),
    "boosting of two classes": (AdaBoostClassifier(NETWORK, n_estimators=3, random_state=0), BINARY),
    "boosting of regressors": (AdaBoostRegressor(REGRESSOR, n_estimators=3, random_state=0), WIDTH),
    "one against the rest": (OneVsRestClassifier(NETWORK), y),
    "one against the rest, several labels": (OneVsRestClassifier(NETWORK), LABELS),
    "one against the rest, hidden features": (OneVsRestClassifier(HIDDEN), y),
    "one against one": (OneVsOneClassifier(NETWORK), y),
    "several outputs": (MultiOutputClassifier(NETWORK), LABELS),
    "several numbers": (MultiOutputRegressor(REGRESSOR), SIZES),
    "calibrated": (CalibratedClassifierCV(NETWORK, cv=2), y),
    "calibrated, two classes": (CalibratedClassifierCV(NETWORK, cv=2), BINARY),
    "calibrated once": (CalibratedClassifierCV(NETWORK, cv=2, ensemble=False), y),
    "calibrated pipelines": (CalibratedClassifierCV(make_pipeline(StdScaler(), NETWORK), cv=2), y),
    "selected features": (make_pipeline(SelectFromModel(LINEAR, max_features=2), NETWORK), y),
    "the best features": (make_pipeline(SelectKBest(k=2), NETWORK), y),
    "eliminated features": (make_pipeline(RFE(LINEAR, n_features_to_select=2), NETWORK), y),
    "imputed means": (make_pipeline(SimpleImputer(), NETWORK), y),
    "ranks": (make_pipeline(QuantileTransformer(n_quantiles=5), NETWORK), y),
    "clusters": (make_pipeline(StdScaler(), KMeans(3, random_state=0)), y),
}

IN_FLOAT32_ONLY = {"boosting", "boosting of two classes", "imputed means"}


@pytest.mark.parametrize("name", RIGHT)
def test_the_graph_returns_what_the_model_returns(name, assert_same):
    model, target = RIGHT[name]
    assert_same(model.fit(X, target), X, 1e-5)


@pytest.mark.parametrize("name", sorted(RIGHT.keys() - IN_FLOAT32_ONLY))
def test_in_float64_too(name, assert_same):
    model, target = RIGHT[name]
    rows = X.astype(np.float64)
    assert_same(model.fit(rows, target), rows, 1e-6)


@pytest.mark.parametrize("name", sorted(IN_FLOAT32_ONLY))
def test_what_float64_has_no_operators_for_is_refused(name):
    model, target = RIGHT[name]
    with pytest.raises(ValueError, match=r"onnxruntime cannot run the graph|skl2onnx cannot convert this"):
        to_onnx(model.fit(X, target), X.astype(np.float64))


THRESHOLD = FixedThresholdClassifier(NETWORK, threshold=0.2)
REFUSED = {
    "a tuned threshold": (TunedThresholdClassifierCV(NETWORK, cv=2), BINARY, "would ignore its threshold, 0"),
    "a fixed threshold": (THRESHOLD, BINARY, "would ignore its threshold, 0.2, and return the more probable label"),
    "a threshold in a pipeline": (make_pipeline(StdScaler(), THRESHOLD), BINARY, "would ignore its threshold"),
    "a threshold in a search": (search(THRESHOLD, threshold=[0.1]), BINARY, "would ignore its threshold, 0.1"),
    "a threshold in a vote": (
        VotingClassifier([("a", THRESHOLD)], voting="soft"),
        BINARY,
        "would ignore its threshold",
    ),
    "isotonic": (CalibratedClassifierCV(NETWORK, method="isotonic", cv=2), y, "method='isotonic' .* not interpolate"),
    "calibrated decision functions": (
        CalibratedClassifierCV(make_pipeline(StdScaler(), LINEAR), cv=2),
        y,
        "disagrees with the model",
    ),
    "a function of the target": (
        TransformedTargetRegressor(REGRESSOR, func=np.arctan, inverse_func=np.tan, check_inverse=False),
        WIDTH / 10,
        "cannot convert this TransformedTargetRegressor",
    ),
    "a scaled target": (
        TransformedTargetRegressor(REGRESSOR, transformer=StandardScaler()),
        WIDTH,
        "cannot convert this TransformedTargetRegressor",
    ),
    "a chain": (ClassifierChain(NETWORK), LABELS, "cannot convert this ClassifierChain"),
    "a chain of regressors": (RegressorChain(REGRESSOR), SIZES, "cannot convert this RegressorChain"),
    "output codes": (OutputCodeClassifier(NETWORK, random_state=0), y, "cannot convert this OutputCodeClassifier"),
    "sequential selection": (
        make_pipeline(SequentialFeatureSelector(LINEAR, n_features_to_select=2, cv=2), NETWORK),
        y,
        "SequentialFeatureSelector",
    ),
    "stacked labels": (StackingClassifier(TWO, cv=2, stack_method="predict"), y, "cannot run the|disagrees with"),
    "elimination that predicts": (RFE(Ridge(), n_features_to_select=1), WIDTH, "disagrees with the model"),
    "elimination that classifies": (RFE(LINEAR, n_features_to_select=2), y, "labels of shape"),
    "a vote as a step": (
        make_pipeline(VotingClassifier(TWO, voting="soft"), LINEAR),
        y,
        "cannot convert this Pipeline",
    ),
    "a vote of regressors as a step": (
        make_pipeline(VotingRegressor(TWO_REGRESSORS), Ridge()),
        WIDTH,
        "disagrees with the model in 150 of 150 rows",
    ),
    "stacking as a step": (make_pipeline(StackingClassifier(TWO, cv=2), LINEAR), y, "cannot convert this Pipeline"),
    "clusters as a step": (make_pipeline(KMeans(3, random_state=0), NETWORK), y, "cannot run the graph"),
    "several outputs of hidden features": (MultiOutputClassifier(HIDDEN), LABELS, "cannot convert this MultiOutput"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_wrong_is_refused(name):
    model, target, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        to_onnx(model.fit(X, target), X)


def test_a_temperature_is_refused():
    model = CalibratedClassifierCV(NETWORK, cv=2).fit(X, y)
    model.method = "temperature"  # from scikit-learn 1.8 on
    with pytest.raises(ValueError, match="method='temperature' cannot be converted to ONNX: skl2onnx does not support"):
        to_onnx(model, X)


def test_a_threshold_is_refused_even_where_the_rows_cannot_show_it():
    model = THRESHOLD.fit(X, BINARY)
    certain = X[model.estimator_.predict_proba(X)[:, 1] > 0.6]
    with pytest.raises(ValueError, match="would ignore its threshold"):
        to_onnx(model, certain)


@pytest.mark.parametrize("name", ["hidden features", "a weighted vote", "stacking of hidden features", "frozen"])
def test_the_model_is_not_changed(name):
    model, target = RIGHT[name]
    model.fit(X, target)
    before = {key: list(value) if isinstance(value, list) else value for key, value in vars(model).items()}
    to_onnx(model, X)
    assert vars(model) == before


def test_a_network_in_front_of_another_estimator_becomes_its_hidden_features():
    model = make_pipeline(NETWORK, LINEAR).fit(X, y)
    hidden = make_convertible(model)[0]
    assert isinstance(hidden, HiddenFeatures)
    np.testing.assert_array_equal(hidden.transform(X), NETWORK.fit(X, y).transform(X))
    assert make_convertible(NETWORK.fit(X, y)) is NETWORK
