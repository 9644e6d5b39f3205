import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer, StdScaler
from skneural.inspection import check_gradient, report, unit_report
from skneural.inspection.unwrapping import final_estimator, unwrap

X, y = load_iris(return_X_y=True)
NETWORK = ActivationMLPClassifier((4,), "tanh", learning_rate_init=0.3, n_iter_no_change=1, random_state=0)


def test_a_network_is_itself_and_its_rows_stay():
    network = NETWORK.fit(X, y)
    inner, rows = unwrap(network, X)
    assert inner is network
    assert rows is X


def test_rows_go_through_all_steps_before_the_network():
    pipeline = make_pipeline(MeanCenterer(), StdScaler(), NETWORK).fit(X, y)
    inner, rows = unwrap(pipeline, X)
    assert inner is pipeline[-1]
    np.testing.assert_array_equal(rows, pipeline[1].transform(pipeline[0].transform(X)))
    assert unwrap(pipeline)[1] is None


def test_a_search_gives_its_best_estimator():
    search = GridSearchCV(make_pipeline(StdScaler(), NETWORK), {"stdscaler__with_mean": [True, False]}, cv=2).fit(X, y)
    assert unwrap(search, X)[0] is search.best_estimator_[-1]


def test_searches_and_pipelines_may_lie_in_one_another():
    inside = GridSearchCV(make_pipeline(StdScaler(), NETWORK), {"stdscaler__with_std": [True, False]}, cv=2)
    pipeline = make_pipeline(MeanCenterer(), make_pipeline(inside)).fit(X, y)
    best = pipeline[-1][-1].best_estimator_
    inner, rows = unwrap(pipeline, X)
    assert inner is best[-1]
    np.testing.assert_array_equal(rows, best[0].transform(pipeline[0].transform(X)))
    assert unit_report(pipeline, X, y).layers[0].n_units == 4


@pytest.mark.parametrize("model", [NETWORK, make_pipeline(StdScaler(), NETWORK)])
def test_reports_take_a_fitted_search_as_they_take_its_best_estimator(model):
    prefix = "activationmlpclassifier__" if model is not NETWORK else ""
    search = GridSearchCV(model, {f"{prefix}activation": ["tanh", "elu"]}, cv=2).fit(X, y)
    for told in (unit_report, check_gradient):
        assert str(told(search, X, y)) == str(told(search.best_estimator_, X, y))
    assert report(search, X, y).summary["gradient check"] == check_gradient(search, X, y).verdict


def test_with_targets_nothing_need_be_fitted():
    pipeline = make_pipeline(StdScaler(), clone(NETWORK))
    inner, rows = unwrap(pipeline, 5 + 3 * X, y)
    assert inner is pipeline[-1]
    np.testing.assert_allclose(rows.std(axis=0), 1)
    assert not hasattr(pipeline[0], "mean_")
    pipeline.fit(5 + 3 * X, y)
    np.testing.assert_array_equal(unwrap(pipeline, X, y)[1], pipeline[0].transform(X))


def test_the_final_estimator_a_pipeline():
    network = clone(NETWORK)
    assert final_estimator(make_pipeline(StdScaler(), network)) is final_estimator(network) is network
    for verb in (final_estimator, unwrap):
        with pytest.raises(TypeError, match=r"best_estimator_.* Got GridSearchCV"):
            verb(GridSearchCV(network, {}))


def test_a_pipeline_of_one_step():
    pipeline = make_pipeline(NETWORK).fit(X, y)
    assert unwrap(pipeline, X) == (pipeline[-1], X)


@pytest.mark.parametrize("other", [LogisticRegression(), make_pipeline(StdScaler(), LogisticRegression())])
def test_another_model_is_refused_by_name(other):
    with pytest.raises(TypeError, match="Got LogisticRegression instead"):
        unwrap(other)


def test_what_is_not_fitted_is_refused():
    for model in (ActivationMLPClassifier(), make_pipeline(StdScaler(), ActivationMLPClassifier())):
        with pytest.raises(NotFittedError):
            unwrap(model, X)
