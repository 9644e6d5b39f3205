"""Builds the training loop (objective, solver, schedule, batches, monitor) from an estimator's parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer

from skneural.activations import ACTIVATIONS, Activation
from skneural.custom_component_checks import check_activations
from skneural.estimators.hyperparameters import (
    clip_batch_size,
    resolve_activations,
    resolve_dropout,
    resolve_schedule,
)
from skneural.estimators.network_size import resolve_network_size
from skneural.initializers import Initializer, resolve_initializer
from skneural.losses import Loss
from skneural.network import Dropout, Network, Objective, TrainingRows
from skneural.penalties import L1, L2, MaxNorm, elastic_net
from skneural.signatures import parameter_names
from skneural.solvers import (
    LBFGS,
    SOLVERS,
    Batches,
    EarlyStopping,
    EqualBatches,
    Schedule,
    Solver,
    TrainingLoop,
    TrainingMonitor,
)

Array = NDArray[Any]


class TrainingBuilder:
    """Checks an estimator's parameters and builds the objects that train its network.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Its parameters are read; the estimator is not changed.

    Attributes
    ----------
    hidden_sizes : list of int
        Units of each. With hidden_layer_sizes="auto" those for few rows: the network may have more, in as many layers.
    activations : list of Activation, one per hidden layer
    n_iter_no_change : int or inf
        Epochs without progress after which training stops; may be set.
    keeps_best_solver_state : bool
        Whether training can go on from the best epoch, where rows are held out; may be set.

    Raises
    ------
    ValueError, TypeError
        If a parameter cannot be used, alone or with the others.
    """

    def __init__(self, estimator: Any):
        self.estimator = estimator
        self.hidden_sizes = resolve_network_size(estimator, n_rows=0).hidden
        self.activations = resolve_activations(estimator.activation, len(self.hidden_sizes))
        check_activations(self.activations, self.hidden_sizes)
        self.n_iter_no_change = estimator.n_iter_no_change
        self.keeps_best_solver_state = estimator.early_stopping in ("auto", "continue")
        self._schedule = resolve_schedule(estimator)
        self._check_parameters_used_later()

    @property
    def lowers_rate_on_plateau(self) -> bool:
        """Whether the schedule waits for progress."""
        return isinstance(self._schedule, Schedule) and type(self._schedule).on_plateau is not Schedule.on_plateau

    def initializer(self, activation: Activation) -> Initializer:
        """Return the initializer of the weights in front of an activation."""
        return resolve_initializer(self.estimator.weight_init, activation)

    def build_training_loop(
        self, network: Network, loss: Loss, rows: TrainingRows, rng: np.random.RandomState, **monitoring: Any
    ) -> TrainingLoop:
        """Return the training loop of the stochastic solvers; `monitoring` are arguments of `TrainingMonitor`."""
        batches = self._batches(len(rows))
        objective = self._mini_batch_objective(network, loss, rows, batches.batch_size, rng)
        return TrainingLoop(
            objective,
            self._solver(network),
            self._schedule,
            batches,
            self._monitor(objective, monitoring),
            learning_rate=self.estimator.learning_rate_init,
            rng=rng,
            clip_norm=self.estimator.clip_norm,
            keep_best_solver_state=self.keeps_best_solver_state and rows.subset is not None,
        )

    def build_lbfgs(self, network: Network, loss: Loss, rows: TrainingRows, **monitoring: Any) -> LBFGS:
        """Return the full-batch solver; `monitoring` are arguments of `TrainingMonitor`."""
        objective = Objective(network, loss, self._penalties(), rows, len(rows))
        return LBFGS(objective, self.estimator.max_fun, self.estimator.tol, self._monitor(objective, monitoring))

    def _batches(self, n_rows: int) -> Batches:
        batches = EqualBatches if self.estimator.batch_norm else Batches
        return batches(n_rows, clip_batch_size(self.estimator.batch_size, n_rows), self.estimator.shuffle)

    def _mini_batch_objective(
        self, network: Network, loss: Loss, rows: TrainingRows, batch_size: int, rng: np.random.RandomState
    ) -> Objective:
        max_norm = None if self.estimator.max_norm is None else MaxNorm(self.estimator.max_norm)
        dropout_masks = [Dropout(rate, rng) if rate else None for rate in self._dropout_rates(rows.X.shape[0])]
        return Objective(network, loss, self._penalties(), rows, batch_size, max_norm, dropout_masks)

    def _dropout_rates(self, n_rows: int) -> list[float]:
        """Return the rates for the input and for each hidden layer, given the number of all rows."""
        hidden_rates = resolve_dropout(self.estimator.dropout, len(self.hidden_sizes), n_rows)
        return [self.estimator.input_dropout, *hidden_rates]

    def _monitor(self, objective: Objective, monitoring: dict[str, Any]) -> TrainingMonitor:
        """Return the monitor of the training; early stopping compares scores where there is a validation set."""
        early_stopping = EarlyStopping(self.estimator.tol, self.n_iter_no_change)
        use_score = bool(self.estimator.early_stopping) and monitoring.get("validate") is not None
        return TrainingMonitor(objective, early_stopping, use_score=use_score, **monitoring)

    def _penalties(self) -> list[L1 | L2]:
        alpha, l1_ratio = self.estimator.alpha, self.estimator.l1_ratio
        decays_weights = self.estimator.solver in ("adamw", "schedule_free_adamw")  # in place of the squared part
        return elastic_net(alpha * l1_ratio, 1.0) if decays_weights else elastic_net(alpha, l1_ratio)

    def _solver(self, network: Network) -> Solver:
        solver_class, dtype = SOLVERS[self.estimator.solver], network.parameters.dtype
        solver_params = dict(vars(self.estimator))  # get_params of a user's subclass may lack some
        solver_params["weight_decay"] = self.estimator.alpha * (1 - self.estimator.l1_ratio)
        solver_params["n_decayed"] = network.layout.n_weights
        if "epsilon" in parameter_names(solver_class) and solver_params["epsilon"] < np.finfo(dtype).tiny:
            raise ValueError(
                f"epsilon must be at least {np.finfo(dtype).tiny:.3g} with parameters in {dtype.name}, which rounds "
                f"smaller ones to zero or nearly so. Got {solver_params['epsilon']!r}; take a larger one, such as 1e-8."
            )
        return solver_class(**{name: solver_params[name] for name in parameter_names(solver_class)})

    def _check_parameters_used_later(self) -> None:
        """Raise now for what would fail after the data checks, or not at all."""
        if self.estimator.scoring not in (None, "loss"):
            get_scorer(self.estimator.scoring)  # raises if the name is unknown, even if there is no validation set
        self._dropout_rates(n_rows=1)  # raises for any number of rows, or for none
        self.initializer(self.activations[0] if self.activations else ACTIVATIONS["identity"])
        if self.estimator.solver == "lbfgs":
            self._refuse_mini_batch_parameters()

    def _refuse_mini_batch_parameters(self) -> None:
        mini_batch_only = {"max_norm": self.estimator.max_norm, "clip_norm": self.estimator.clip_norm}
        refused_parameters = [name for name, value in mini_batch_only.items() if value is not None]
        input_dropout, *dropout = self._dropout_rates(n_rows=1)  # "auto" is above 0 for any
        refused_parameters += ["input_dropout"] * bool(input_dropout) + ["dropout"] * any(dropout)
        if refused_parameters:
            raise ValueError(
                f"{refused_parameters[0]} is not available with solver='lbfgs', which makes no steps of its own on "
                "mini-batches; use a stochastic solver, or alpha."
            )
