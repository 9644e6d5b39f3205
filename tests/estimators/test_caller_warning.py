"""Warnings point to the user's line, whatever lies between."""

import inspect
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPRegressor, StdScaler
from skneural.estimators.caller_warning import warn_caller


def test_points_to_the_line_that_calls_this_package():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_caller("gap", RuntimeWarning)
        line = inspect.currentframe().f_lineno - 1
    assert [(str(each.message), each.category) for each in caught] == [("gap", RuntimeWarning)]
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def test_points_to_the_line_that_calls_fit_even_through_a_pipeline():
    X = np.linspace(0, 1, 40)[:, None] * [1, 2, 3]
    net = ActivationMLPRegressor(hidden_layer_sizes=(), solver="lbfgs")
    for model, prefix in [(net, ""), (make_pipeline(StdScaler(), net), "activationmlpregressor__")]:
        given = {f"{prefix}X_val": 1000 + 100 * X, f"{prefix}y_val": X[:, 0]}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, X[:, 0], **given)
            line = inspect.currentframe().f_lineno - 1
        places = [(each.filename, each.lineno) for each in caught if "X_val" in str(each.message)]
        assert places == [(__file__, line)]


@pytest.mark.parametrize("make_model", [lambda net: net, lambda net: make_pipeline(StdScaler(), net)])
def test_what_fit_says_of_its_result_points_to_the_same_line(make_model):
    X = np.linspace(0, 1, 40)[:, None] * [1, 2, 3]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make_model(ActivationMLPRegressor(max_iter=2)).fit(X, X[:, 0])
        line = inspect.currentframe().f_lineno - 1
    assert [(each.category, each.filename, each.lineno) for each in caught] == [(ConvergenceWarning, __file__, line)]
