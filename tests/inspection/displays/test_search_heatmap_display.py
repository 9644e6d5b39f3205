import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import ELU, ActivationMLPClassifier, StdScaler
from skneural.inspection import SearchHeatmapDisplay, compare_activations

X, y = load_iris(return_X_y=True)


class Stub(ClassifierMixin, BaseEstimator):
    """Scores what it is told to score, at once."""

    def __init__(self, activation="relu", learning_rate_init=0.001, alpha=0.0, fails=False):
        self.activation = activation
        self.learning_rate_init = learning_rate_init
        self.alpha = alpha
        self.fails = fails

    def fit(self, X, y):
        if self.fails or self.learning_rate_init == 666:
            raise ValueError("diverged")
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y):
        return len(str(self.activation)) + self.learning_rate_init + self.alpha


def searched(grid, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", message=".*non-finite")
        return GridSearchCV(make_pipeline(Stub()), grid, cv=2, **settings).fit(X, y)


def test_each_cell_is_the_mean_test_score_of_its_pair():
    network = ActivationMLPClassifier((6,), n_iter_no_change=1, random_state=0)
    grid = {
        "activationmlpclassifier__activation": ["tanh", "relu", ELU(alpha=0.5)],
        "activationmlpclassifier__learning_rate_init": [0.3, 0.1],
        "activationmlpclassifier__tol": [0.1],
    }
    search = GridSearchCV(make_pipeline(StdScaler(), network), grid, cv=2).fit(X, y)
    display = SearchHeatmapDisplay.from_estimator(search)
    assert display.rows == ("activation", ["tanh", "relu", ELU(alpha=0.5)])
    assert display.columns == ("learning_rate_init", [0.1, 0.3])  # numbers in order
    results = search.cv_results_
    for parameters, score in zip(results["params"], results["mean_test_score"], strict=True):
        i = display.rows[1].index(parameters["activationmlpclassifier__activation"])
        j = display.columns[1].index(parameters["activationmlpclassifier__learning_rate_init"])
        assert display.scores[i, j] == score
    assert display.scores[display.best] == search.best_score_
    assert display.score_name == "mean accuracy of 2 folds"


def test_the_figure_shows_the_scores():
    display = SearchHeatmapDisplay.from_estimator(
        searched({"stub__activation": ["relu", "logistic"], "stub__learning_rate_init": [0.1, 0.25, 0.5]})
    )
    np.testing.assert_array_equal(display.ax_.images[0].get_array(), display.scores)
    assert [text.get_text() for text in display.ax_.texts] == ["4.100", "4.250", "4.500", "8.100", "8.250", "8.500"]
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0.1", "0.25", "0.5"]
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["relu", "logistic"]
    assert display.best == (1, 2)
    assert display.ax_.get_title() == "best: logistic at 0.5, 8.500"


def test_over_a_third_parameter_the_best_counts():
    search = searched({"stub__activation": ["relu"], "stub__learning_rate_init": [0.5], "stub__alpha": [0.1, 0.3, 0.2]})
    assert SearchHeatmapDisplay.from_estimator(search).scores == pytest.approx(4.8)


def test_any_two_parameters():
    search = searched({"stub__alpha": [2, 1], "stub__learning_rate_init": [0.5, 0.1]})
    display = SearchHeatmapDisplay.from_estimator(search, rows="alpha")
    np.testing.assert_allclose(display.scores, [[5.1, 5.5], [6.1, 6.5]])


def test_a_whole_name_goes_before_the_end_of_another():
    grid = {"activation": [ELU()], "activation__alpha": [0.5, 2.0], "alpha": [0.1, 0.3]}
    network = ActivationMLPClassifier((6,), n_iter_no_change=1, tol=0.1, random_state=0)
    display = SearchHeatmapDisplay.from_estimator(GridSearchCV(network, grid, cv=2).fit(X, y), columns="alpha")
    assert display.columns == ("alpha", [0.1, 0.3])
    search = searched({"stub__alpha": [1], "stub__learning_rate_init": [0.5, 0.1]})
    assert SearchHeatmapDisplay.from_estimator(search, rows="stub__alpha").rows == ("stub__alpha", [1])


def test_failed_and_unsearched_pairs_look_different():
    search = searched(
        [
            {"stub__activation": ["relu"], "stub__learning_rate_init": [0.1, 666]},
            {"stub__activation": ["tanh!"], "stub__learning_rate_init": [0.1]},
            {"stub__activation": ["elu"]},
        ]
    )
    display = SearchHeatmapDisplay.from_estimator(search)
    np.testing.assert_allclose(display.scores, [[4.1, np.nan], [5.1, np.nan], [np.nan, np.nan]])
    assert display.searched.tolist() == [[True, True], [True, False], [False, False]]
    assert [text.get_text() for text in display.ax_.texts] == ["4.100", "failed", "5.100", "", "", ""]


def test_all_failed():
    display = SearchHeatmapDisplay(np.full((1, 2), np.nan), np.ones((1, 2), bool), ("a", ["x"]), ("b", [1, 2])).plot()
    assert display.best is None
    assert display.ax_.get_title() == "every fit failed"


def test_one_cell_and_equal_scores():
    display = SearchHeatmapDisplay.from_estimator(
        searched({"stub__activation": ["relu"], "stub__learning_rate_init": [0.1]})
    )
    assert display.best == (0, 0)
    assert display.ax_.texts[0].get_text() == "4.100"


def test_several_metrics():
    network = ActivationMLPClassifier((6,), learning_rate_init=0.3, n_iter_no_change=1, random_state=0)
    grid = {"activation": ["elu", "tanh"], "learning_rate_init": [0.3, 0.2]}
    search = GridSearchCV(network, grid, cv=2, scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss").fit(X, y)
    display = SearchHeatmapDisplay.from_estimator(search)
    assert np.nanmax(display.scores) == search.cv_results_["mean_test_neg_log_loss"].max()
    assert display.score_name == "mean neg_log_loss of 2 folds"
    other = SearchHeatmapDisplay.from_estimator(search, metric="accuracy")
    assert np.nanmax(other.scores) == search.cv_results_["mean_test_accuracy"].max()


def test_an_unknown_metric_is_refused_with_those_there_are():
    search = searched({"stub__activation": ["relu"], "stub__learning_rate_init": [0.1]})
    with pytest.raises(ValueError, match=r"\['score'\]. Got 'accuracy'"):
        SearchHeatmapDisplay.from_estimator(search, metric="accuracy")


def test_an_unknown_parameter_is_refused_with_those_there_are():
    search = searched({"stub__activation": ["relu"], "stub__alpha": [0.1]})
    with pytest.raises(ValueError, match=r"\['stub__activation', 'stub__alpha'\]. Got 'learning_rate_init'"):
        SearchHeatmapDisplay.from_estimator(search)


def test_a_search_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        SearchHeatmapDisplay.from_estimator(GridSearchCV(Stub(), {}))
    with pytest.raises(TypeError, match=r"search must be a search of scikit-learn, such as GridSearchCV. Got Stub"):
        SearchHeatmapDisplay.from_estimator(Stub().fit(X, y))


def test_a_comparison_of_activations():
    network = ActivationMLPClassifier((6,), n_iter_no_change=1, tol=0.1, random_state=0)
    comparison = compare_activations(
        X, y, estimator=network, activations=["tanh", "elu"], learning_rates=[0.1, 0.05], cv=2
    )
    display = SearchHeatmapDisplay.from_comparison(comparison)
    assert display.rows == ("activation", ["tanh", "elu"])
    assert display.columns == ("learning_rate_init", [0.1, 0.05])
    assert display.scores.ravel().tolist() == [candidate.score for candidate in comparison.candidates]
    assert display.scores[display.best] == comparison.best.score
