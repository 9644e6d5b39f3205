"""From what a user fits to the network in it."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skneural.estimators.base import BaseActivationMLP


def network_of(estimator: Any) -> BaseActivationMLP:
    """Return the network estimator: the estimator itself, or the last step of a Pipeline.

    Raises
    ------
    TypeError
        If it is anything else.
    """
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, BaseActivationMLP):
        raise TypeError(
            "estimator must be an ActivationMLPClassifier, an ActivationMLPRegressor, or a Pipeline that ends with one "
            f"(of a search, its best_estimator_). Got {type(last).__name__} instead."
        )
    return last


def unwrap(estimator: Any, X: Any = None, y: Any = None) -> tuple[BaseActivationMLP, Any]:
    """Return the network inside pipelines and fitted searches, and the rows as that network sees them.

    Without `y` it must be fitted. With `y` neither network nor steps need be: the rows then go through copies of the
    steps, fitted on them.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        Not changed. Of a search, its `best_estimator_`; a pipeline may end in a search, and the other way round.
    X : array-like of shape (n_samples, n_features), default=None
        Rows as `estimator` takes them.
    y : array-like, default=None
        Their targets.

    Returns
    -------
    network : ActivationMLPClassifier or ActivationMLPRegressor
    X : array-like or None
        The rows after all steps before the network.

    Raises
    ------
    TypeError
        If there is no such network at the end.
    NotFittedError
        If it is not fitted, and there is no `y`.

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
    before = []
    while isinstance(estimator := getattr(estimator, "best_estimator_", estimator), Pipeline):
        before += [estimator[:-1]] if len(estimator) > 1 else []
        estimator = estimator[-1]
    network = network_of(estimator)
    if y is None:
        check_is_fitted(network)
    if X is not None:
        for steps in before:
            X = steps.transform(X) if hasattr(network, "parameters_") else clone(steps).fit_transform(X, y)
    return network, X
