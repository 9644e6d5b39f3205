"""A classifier and a regressor for tables, with settings that were chosen by benchmarks."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline, make_pipeline

from skneural._sklearn_compat import progress_bar
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.classifier import ActivationMLPClassifier
from skneural.estimators.regressor import ActivationMLPRegressor
from skneural.preprocessing.table_encoding import TableEncoder

TABULAR_DEFAULTS: dict[str, Any] = {
    "hidden_layer_sizes": "auto",
    "n_members": "auto",
    "batch_norm": True,
    "solver": "schedule_free_adamw",
    "alpha": 0.1,
    "batch_size": 64,
    "max_iter": 60,
    "early_stopping": "auto",
    "scoring": "loss",
    "validation_fraction": 0.25,
    "n_iter_no_change": 5,
    "tol": 0.0,
    "dtype": "float32",
}


def tabular_classifier(**overrides: Any) -> Pipeline:
    """Return a classifier for tables as they come, with settings that suit some hundred to some ten thousand rows.

    A pipeline of two steps: :class:`skneural.TableEncoder` turns numbers, categories and missing cells into a matrix,
    and a :class:`skneural.ActivationMLPClassifier` with several members learns from it. The number of rows decides how
    large it is (``hidden_layer_sizes="auto"``, ``n_members="auto"``). A quarter of the rows decides how many epochs
    are best, and how certain the probabilities may be, or if there are few rows, each quarter in turn. Then training
    takes all rows (``early_stopping="auto"``). Its settings are `TABULAR_DEFAULTS`, ``dropout="auto"``, a learning rate
    of 0.02 and `temperature_scaling`; docs/tabular.md has their benchmark.

    Parameters
    ----------
    **overrides
        Parameters of the two steps, by their names. `random_state` goes to both, all others to the one step that has
        them. With ``verbose=True`` training shows scikit-learn's progress bar, where its version and `rich` have it, or
        else a line per epoch.

    Returns
    -------
    model : Pipeline
        Not fitted. Its steps are ``tableencoder`` and ``activationmlpclassifier``.

    Raises
    ------
    TypeError
        If an override is no parameter of either step.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skneural import tabular_classifier
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> model = tabular_classifier(random_state=0).fit(X, y)
    >>> list(model.named_steps)
    ['tableencoder', 'activationmlpclassifier']
    >>> bool(model.score(X, y) > 0.95)
    True
    """
    classifier_settings: dict[str, Any] = {"dropout": "auto", "learning_rate_init": 0.02, "temperature_scaling": True}
    network = ActivationMLPClassifier(**TABULAR_DEFAULTS, **classifier_settings)
    return _tabular_pipeline(TableEncoder(target_type="multiclass"), network, overrides)


def tabular_regressor(**overrides: Any) -> Pipeline:
    """Return a regressor for tables as they come, with settings that suit some hundred to some ten thousand rows.

    As :func:`skneural.tabular_classifier`, with a :class:`skneural.ActivationMLPRegressor`, dropout of 0.05 and a
    learning rate of 0.03. It standardizes the target and keeps predictions within the
    range of the training targets.

    Parameters
    ----------
    **overrides
        Parameters of the two steps, by their names. `random_state` goes to both, all others to the one step that has
        them. With ``verbose=True`` training shows scikit-learn's progress bar, where its version and `rich` have it, or
        else a line per epoch.

    Returns
    -------
    model : Pipeline
        Not fitted. Its steps are ``tableencoder`` and ``activationmlpregressor``.

    Raises
    ------
    TypeError
        If an override is no parameter of either step.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from skneural import tabular_regressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = tabular_regressor(random_state=0).fit(X[:300], y[:300])
    >>> bool(model.score(X[300:], y[300:]) > 0.4)
    True
    """
    regressor_settings: dict[str, Any] = {"dropout": 0.05, "learning_rate_init": 0.03, "clip_predictions": True}
    network = ActivationMLPRegressor(**TABULAR_DEFAULTS, **regressor_settings)
    return _tabular_pipeline(TableEncoder(target_type="continuous"), network, overrides)


def _tabular_pipeline(encoder: TableEncoder, network: BaseActivationMLP, overrides: dict[str, Any]) -> Pipeline:
    """Return a pipeline of the two steps, with the overrides in the one that has a parameter of that name, or both."""
    known_names = {name for step in (encoder, network) for name in step.get_params(deep=False)}
    if unknown_names := sorted(set(overrides) - known_names):
        raise TypeError(
            f"Got {', '.join(unknown_names)}, but expected names of parameters of {type(network).__name__} or "
            "TableEncoder."
        )
    pipeline = make_pipeline(*(_with_overrides(step, overrides) for step in (encoder, network)))
    if network.verbose is True and (bar := progress_bar()) is not None:
        network.set_params(verbose=False)
        pipeline.set_callbacks(bar)
    return pipeline


def _with_overrides(step: TableEncoder | BaseActivationMLP, overrides: dict[str, Any]) -> Any:
    """Return a step of the pipeline with those overrides that are parameters of it."""
    own_names = step.get_params(deep=False)
    return step.set_params(**{name: value for name, value in overrides.items() if name in own_names})
