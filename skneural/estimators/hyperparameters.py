"""The hyperparameters of both estimators: which values the constructor takes, and the objects that they stand for."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from skneural.activations import ACTIVATIONS, Activation
from skneural.component import resolve
from skneural.constraints import (
    FRACTION,
    FRACTION_BELOW_ONE,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INT,
    Interval,
    Options,
    StrOptions,
)
from skneural.estimators.caller_warning import warn_caller
from skneural.initializers import INITIALIZERS
from skneural.losses import LOSSES
from skneural.solvers import SCHEDULES, SOLVERS, Schedule

AUTO_BATCH_SIZE = 200  # as in scikit-learn's MLP

# dropout="auto" is SCALE / √n for n rows, MAX at most: measured on tables, see docs/tabular.md.
AUTO_DROPOUT_SCALE, MAX_AUTO_DROPOUT = 3.0, 0.1

# Values of early_stopping with which a second training follows, on all rows.
TRAINS_TWICE = {"auto", "continue", "cross_validation", "refit"}

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": [StrOptions({"auto"}), "array-like", POSITIVE_INT],
    "activation": [StrOptions(set(ACTIVATIONS)), Activation, "array-like"],
    "solver": [StrOptions({*SOLVERS, "lbfgs"})],
    "alpha": [NON_NEGATIVE],
    "l1_ratio": [FRACTION],
    "max_norm": [None, POSITIVE],
    "clip_norm": [None, POSITIVE],
    "dropout": [StrOptions({"auto"}), FRACTION_BELOW_ONE, "array-like"],
    "input_dropout": [FRACTION_BELOW_ONE],
    "batch_norm": ["boolean"],
    "n_members": [StrOptions({"auto"}), POSITIVE_INT],
    "scoring": [None, str, callable],
    "batch_size": [StrOptions({"auto"}), POSITIVE_INT],
    "learning_rate": [StrOptions(set(SCHEDULES)), callable],
    "learning_rate_init": [POSITIVE],
    "power_t": [NON_NEGATIVE],
    "max_iter": [POSITIVE_INT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [NON_NEGATIVE],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [FRACTION],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean", StrOptions(TRAINS_TWICE)],
    "validation_fraction": [FRACTION_BELOW_ONE],
    "beta_1": [FRACTION_BELOW_ONE],
    "beta_2": [FRACTION_BELOW_ONE],
    "epsilon": [POSITIVE],
    "n_iter_no_change": [POSITIVE_INT, Options(Real, {np.inf})],
    "max_fun": [POSITIVE_INT],
    "weight_init": [StrOptions({*INITIALIZERS, "auto"}), callable],
    "bias_init": [Interval(Real, None, None, closed="neither")],
    "dtype": [None, StrOptions({"float32", "float64"})],
}


def store_parameters(estimator: Any, parameters: dict[str, Any]) -> None:
    """Store a constructor's parameters, given as its ``locals()``, under their own names.

    This stores all of them, also for a subclass whose own constructor has only a few.
    """
    for name, value in parameters.items():
        if name != "self":
            setattr(estimator, name, value)


# Parameter that may be an object with settings of its own -> the objects by name.
COMPONENT_PARAMETERS: dict[str, Mapping[str, Any]] = {
    "activation": ACTIVATIONS,
    "weight_init": INITIALIZERS,
    "learning_rate": SCHEDULES,
    "loss": LOSSES,
}


def resolve_nested_parameters(estimator: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `set_params`, with an object in the place of a name whose settings they set.

    Raises
    ------
    ValueError
        If a parameter with settings is neither one object nor the name of one.
    """
    for name, registry in COMPONENT_PARAMETERS.items():
        nested_names = [key for key in params if key.startswith(f"{name}__")]
        choice = params.get(name, getattr(estimator, name, None))
        if nested_names and isinstance(choice, str) and choice in registry:
            params[name] = choice = copy.copy(registry[choice])
        if nested_names and not hasattr(choice, "set_params"):
            raise ValueError(
                f"{nested_names[0]} needs {name} to be one name or object with settings. Got {choice!r} instead."
            )
    return params


def supports_partial_fit(estimator: Any) -> bool:
    """Whether the solver trains on mini-batches; an AttributeError says why not, as ``available_if`` asks for."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is only available for stochastic solvers. lbfgs is not stochastic.")
    return True


def resolve_activations(activation: Any, n_hidden: int) -> list[Activation]:
    """Return the activation of each hidden layer."""
    is_single = isinstance(activation, str | Activation) or not np.iterable(activation)
    choices = [activation] * n_hidden if is_single else list(activation)
    if len(choices) != n_hidden:
        raise ValueError(
            f"activation must be one activation, or a list with one per hidden layer. "
            f"Got {len(choices)} activations for {n_hidden} hidden layers."
        )
    for each in choices:
        _check_activation_type(each)
    return [resolve(each, ACTIVATIONS, "activation") for each in choices]


def _check_activation_type(activation: Any) -> None:
    """Raise TypeError for what is neither the name of an activation nor one, such as a class or a function."""
    if not isinstance(activation, str | Activation):
        raise TypeError(
            f"activation must be a name or a skneural.activations.Activation. Got {activation!r}, "
            f"of type {type(activation).__name__}, instead."
        )


def resolve_dropout(dropout: Any, n_hidden: int, n_rows: int) -> list[float]:
    """Return the dropout rate of each hidden layer.

    Parameters
    ----------
    dropout : float, list of float or "auto"
    n_hidden : int
        Number of hidden layers.
    n_rows : int
        All training rows, those held out included; they decide what is ``"auto"``.

    Examples
    --------
    >>> resolve_dropout("auto", n_hidden=2, n_rows=3600)
    [0.05, 0.05]
    """
    if isinstance(dropout, str) and dropout == "auto":
        dropout = min(MAX_AUTO_DROPOUT, AUTO_DROPOUT_SCALE / math.sqrt(n_rows))
    rates = list(dropout) if np.iterable(dropout) else [dropout] * n_hidden
    if len(rates) != n_hidden or not all(FRACTION_BELOW_ONE.is_satisfied_by(rate) for rate in rates):
        raise ValueError(
            f"dropout must be a rate in [0, 1), or a list with one per hidden layer ({n_hidden}). "
            f"Got {dropout!r} instead."
        )
    return rates


def resolve_schedule(estimator: Any) -> Any:
    """Return the schedule of the learning rate, or the user's function."""
    learning_rate = estimator.learning_rate
    if callable(learning_rate) and not isinstance(learning_rate, Schedule):
        return learning_rate
    schedule = resolve(learning_rate, SCHEDULES, "learning_rate")
    return schedule.set_params(power_t=estimator.power_t) if learning_rate == "invscaling" else schedule


def resolve_batch_size(batch_size: Any) -> int:
    """Return the number of rows per mini-batch; a training set with fewer rows is one batch.

    Parameters
    ----------
    batch_size : int or "auto"
        The parameter of the estimators.

    Examples
    --------
    >>> from skneural.estimators.hyperparameters import resolve_batch_size
    >>> resolve_batch_size("auto"), resolve_batch_size(32)
    (200, 32)
    """
    return AUTO_BATCH_SIZE if batch_size == "auto" else batch_size


def clip_batch_size(batch_size: Any, n_rows: int) -> int:
    """Return the number of rows per mini-batch, at most all; a larger number that was asked for gets a warning."""
    if batch_size != "auto" and batch_size > n_rows:
        warn_caller(f"Got `batch_size` larger than sample size ({batch_size} > {n_rows}). It is going to be clipped.")
    return min(resolve_batch_size(batch_size), n_rows)
