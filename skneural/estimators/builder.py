"""Builds the training loop (objective, solver, schedule, batches, monitor) from an estimator's parameters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer

from skneural.activations import ACTIVATIONS, Activation
from skneural.component import resolve
from skneural.constraints import DECAY, POSITIVE_INT
from skneural.custom_component_checks import check_activations
from skneural.initializers import Initializer, resolve_initializer
from skneural.losses import Loss
from skneural.network import Dropout, Network, Objective, TrainingRows
from skneural.penalties import L1, L2, MaxNorm, elastic_net
from skneural.solvers import (
    LBFGS,
    SCHEDULES,
    SOLVERS,
    Batches,
    EarlyStopping,
    Schedule,
    Solver,
    TrainingLoop,
    TrainingMonitor,
)

Array = NDArray[Any]


AUTO_BATCH_SIZE = 200  # as in scikit-learn's MLP


def supports_partial_fit(estimator: Any) -> bool:
    """Whether the solver trains on mini-batches; an AttributeError says why not, as ``available_if`` asks for."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is only available for stochastic solvers. lbfgs is not stochastic.")
    return True


class TrainingBuilder:
    """Checks an estimator's parameters and builds the objects that train its network.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Its parameters are read; the estimator is not changed.

    Attributes
    ----------
    hidden_sizes : list of int
    activations : list of Activation, one per hidden layer
    dropout : list of float
        Rates for the input and for each hidden layer.
    n_iter_no_change : int or inf
        Epochs without progress after which training stops; may be set.

    Raises
    ------
    ValueError, TypeError
        If a parameter cannot be used, alone or with the others.
    """

    def __init__(self, estimator: Any):
        self.estimator = estimator
        self.hidden_sizes = _hidden_sizes(estimator.hidden_layer_sizes)
        self.activations = _activations(estimator.activation, len(self.hidden_sizes))
        check_activations(self.activations, self.hidden_sizes)
        self.dropout = [estimator.input_dropout, *_dropout(estimator.dropout, len(self.hidden_sizes))]
        self.n_iter_no_change = estimator.n_iter_no_change
        self._schedule = _schedule(estimator)
        if estimator.scoring not in (None, "loss"):
            get_scorer(estimator.scoring)  # raises if the name is unknown, even if there is no validation set
        self.initializer(self.activations[0] if self.activations else ACTIVATIONS["identity"])
        if estimator.solver == "lbfgs":
            self._refuse_mini_batch_parameters()

    def initializer(self, activation: Activation) -> Initializer:
        """Return the initializer of the weights in front of an activation."""
        return resolve_initializer(self.estimator.weight_init, activation)

    def build_training_loop(
        self, network: Network, loss: Loss, rows: TrainingRows, rng: np.random.RandomState, **monitoring: Any
    ) -> TrainingLoop:
        """Return the training loop of the stochastic solvers; `monitoring` are arguments of `TrainingMonitor`."""
        estimator = self.estimator
        batches = Batches(len(rows), _clip_batch_size(estimator.batch_size, len(rows)), estimator.shuffle)
        max_norm = None if estimator.max_norm is None else MaxNorm(estimator.max_norm)
        masks = [Dropout(rate, rng) if rate else None for rate in self.dropout]
        objective = Objective(network, loss, self._penalties(), rows, batches.batch_size, max_norm, masks)
        stopping = EarlyStopping(estimator.tol, self.n_iter_no_change)
        return TrainingLoop(
            objective,
            self._solver(network),
            self._schedule,
            batches,
            TrainingMonitor(objective, stopping, use_score=self._uses_score(monitoring), **monitoring),
            learning_rate=estimator.learning_rate_init,
            rng=rng,
            clip_norm=estimator.clip_norm,
            keep_best_solver_state=estimator.early_stopping == "continue",
        )

    def build_lbfgs(self, network: Network, loss: Loss, rows: TrainingRows, **monitoring: Any) -> LBFGS:
        """Return the full-batch solver; `monitoring` are arguments of `TrainingMonitor`."""
        estimator = self.estimator
        objective = Objective(network, loss, self._penalties(), rows, len(rows))
        stopping = EarlyStopping(estimator.tol, self.n_iter_no_change)
        monitor = TrainingMonitor(objective, stopping, use_score=self._uses_score(monitoring), **monitoring)
        return LBFGS(objective, estimator.max_fun, estimator.tol, monitor)

    def _uses_score(self, monitoring: dict[str, Any]) -> bool:
        """Whether early stopping compares scores on a validation set."""
        return bool(self.estimator.early_stopping) and monitoring.get("validate") is not None

    def _penalties(self) -> list[L1 | L2]:
        alpha, l1_ratio = self.estimator.alpha, self.estimator.l1_ratio
        if self.estimator.solver in ("adamw", "schedule_free_adamw"):  # whose weight decay replaces the squared part
            return elastic_net(alpha * l1_ratio, 1.0)
        return elastic_net(alpha, l1_ratio)

    def _solver(self, network: Network) -> Solver:
        cls, dtype = SOLVERS[self.estimator.solver], network.parameters.dtype
        settings = dict(vars(self.estimator))  # get_params of a user's subclass may lack some
        settings["weight_decay"] = self.estimator.alpha * (1 - self.estimator.l1_ratio)
        settings["n_decayed"] = network.layout.n_weights
        if "epsilon" in cls._param_names() and settings["epsilon"] < np.finfo(dtype).tiny:
            raise ValueError(
                f"epsilon must be at least {np.finfo(dtype).tiny:.3g} with parameters in {dtype.name}, which rounds "
                f"smaller ones to zero or nearly so. Got {settings['epsilon']!r}; take a larger one, such as 1e-8."
            )
        return cls(**{name: settings[name] for name in cls._param_names()})

    def _refuse_mini_batch_parameters(self) -> None:
        mini_batch_only = {"max_norm": self.estimator.max_norm, "clip_norm": self.estimator.clip_norm}
        names = [name for name, value in mini_batch_only.items() if value is not None]
        names += ["input_dropout"] * bool(self.dropout[0]) + ["dropout"] * any(self.dropout[1:])
        if names:
            raise ValueError(
                f"{names[0]} is not available with solver='lbfgs', which makes no steps of its own on mini-batches; "
                "use a stochastic solver, or alpha."
            )


def _hidden_sizes(hidden_layer_sizes: Any) -> list[int]:
    ordered = np.iterable(hidden_layer_sizes) and not isinstance(hidden_layer_sizes, Mapping | Set)
    sizes = list(hidden_layer_sizes) if ordered else [hidden_layer_sizes]
    if not all(POSITIVE_INT.is_satisfied_by(size) for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, all of them integers. Got {hidden_layer_sizes!r} instead.")
    return [int(size) for size in sizes]


def _activations(choice: Any, n_hidden: int) -> list[Activation]:
    single = isinstance(choice, str | Activation) or not np.iterable(choice)
    choices = [choice] * n_hidden if single else list(choice)
    if len(choices) != n_hidden:
        raise ValueError(
            f"activation must be one activation, or a list with one per hidden layer. "
            f"Got {len(choices)} activations for {n_hidden} hidden layers."
        )
    for each in choices:
        if not isinstance(each, str | Activation):
            raise TypeError(
                f"activation must be a name or a skneural.activations.Activation. Got {each!r}, "
                f"of type {type(each).__name__}, instead."
            )
    return [resolve(each, ACTIVATIONS, "activation") for each in choices]


def _dropout(dropout: Any, n_hidden: int) -> list[float]:
    rates = list(dropout) if np.iterable(dropout) else [dropout] * n_hidden
    if len(rates) != n_hidden or not all(DECAY.is_satisfied_by(rate) for rate in rates):
        raise ValueError(
            f"dropout must be a rate in [0, 1), or a list with one per hidden layer ({n_hidden}). "
            f"Got {dropout!r} instead."
        )
    return rates


def _schedule(estimator: Any) -> Any:
    choice = estimator.learning_rate
    if callable(choice) and not isinstance(choice, Schedule):
        return choice
    schedule = resolve(choice, SCHEDULES, "learning_rate")
    return schedule.set_params(power_t=estimator.power_t) if choice == "invscaling" else schedule


def resolve_batch_size(batch_size: Any) -> int:
    """Return the number of rows per mini-batch; a training set with fewer rows is one batch.

    Parameters
    ----------
    batch_size : int or "auto"
        The parameter of the estimators.

    Examples
    --------
    >>> from skneural.estimators.builder import resolve_batch_size
    >>> resolve_batch_size("auto"), resolve_batch_size(32)
    (200, 32)
    """
    return AUTO_BATCH_SIZE if batch_size == "auto" else batch_size


def _clip_batch_size(batch_size: Any, n_rows: int) -> int:
    if batch_size != "auto" and batch_size > n_rows:
        warnings.warn(
            f"Got `batch_size` larger than sample size ({batch_size} > {n_rows}). It is going to be clipped.",
            stacklevel=7,
        )
    return min(resolve_batch_size(batch_size), n_rows)
