"""From what a user fits to the network in it."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

from skneural.estimators.base import BaseActivationMLP
from skneural.inspection.rehearsal import network_of


def unwrap(estimator: Any, X: Any = None) -> tuple[BaseActivationMLP, Any]:
    """Return the fitted network inside a pipeline or a search, and the rows as that network sees them.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        Fitted.
    X : array-like of shape (n_samples, n_features), default=None
        Rows as `estimator` takes them.

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
        If it is not fitted.

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
    estimator = getattr(estimator, "best_estimator_", estimator)
    network = network_of(estimator)
    check_is_fitted(network)
    if X is not None and network is not estimator and len(estimator) > 1:
        X = estimator[:-1].transform(X)
    return network, X
