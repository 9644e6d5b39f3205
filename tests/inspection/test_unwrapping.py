import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer, StdScaler
from skneural.inspection.unwrapping import unwrap

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


def test_a_pipeline_of_one_step():
    pipeline = make_pipeline(NETWORK).fit(X, y)
    assert unwrap(pipeline, X) == (pipeline[-1], X)


@pytest.mark.parametrize("other", [LogisticRegression(), make_pipeline(StdScaler(), LogisticRegression())])
def test_another_model_is_refused_by_name(other):
    with pytest.raises(TypeError, match="Got LogisticRegression instead"):
        unwrap(other)


def test_what_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        unwrap(ActivationMLPClassifier())
