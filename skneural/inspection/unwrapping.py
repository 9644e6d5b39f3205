"""Unwrapping: from a pipeline or a search to the network estimator inside it."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skneural.estimators.base import BaseActivationMLP


def final_estimator(estimator: Any) -> BaseActivationMLP:
    """Return the network estimator: the estimator itself, or the last step of a Pipeline.

    Raises
    ------
    TypeError
        If that is not a network estimator.
    """
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, BaseActivationMLP):
        raise TypeError(
            "estimator must be an ActivationMLPClassifier, an ActivationMLPRegressor, or a Pipeline that ends with one "
            f"(of a search, its best_estimator_). Got {type(last).__name__} instead."
        )
    return last


def unwrap(estimator: Any, X: Any = None, y: Any = None) -> tuple[BaseActivationMLP, Any]:
    """Return the network estimator inside pipelines and fitted searches, and `X` as that network receives it.

    Without `y`, the estimator must be fitted. With `y`, it may be unfitted: copies of the steps before the network are
    then fitted on `X` and `y` to transform `X`.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        It is not changed. A search is replaced by its `best_estimator_`. Pipelines and searches may be nested.
    X : array-like of shape (n_samples, n_features), default=None
        Rows as `estimator` receives them.
    y : array-like, default=None
        Targets of these rows.

    Returns
    -------
    network : ActivationMLPClassifier or ActivationMLPRegressor
    X : array-like or None
        The rows after all steps before the network.

    Raises
    ------
    TypeError
        If the last step is not a network estimator.
    NotFittedError
        If the estimator is not fitted and `y` is None.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from skneural import ActivationMLPClassifier, StdScaler
    >>> from skneural.inspection.unwrapping import unwrap
    >>> X, y = load_iris(return_X_y=True)
    >>> network = ActivationMLPClassifier((8,), "tanh", learning_rate_init=0.1, random_state=0)
    >>> inner, rows = unwrap(make_pipeline(StdScaler(), network).fit(X, y), X)
    >>> inner is network, abs(float(rows.mean())) < 1e-12
    (True, True)
    """
    preprocessing = []
    while isinstance(estimator := getattr(estimator, "best_estimator_", estimator), Pipeline):
        preprocessing += [estimator[:-1]] if len(estimator) > 1 else []
        estimator = estimator[-1]
    network = final_estimator(estimator)
    if y is None:
        check_is_fitted(network)
    if X is not None:
        for steps in preprocessing:
            X = steps.transform(X) if hasattr(network, "parameters_") else clone(steps).fit_transform(X, y)
    return network, X
