"""The base of classifier and regressor: check parameters and data, train the network, set the fitted attributes."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skneural._sklearn_compat import CallbackSupportMixin, _check_sample_weight
from skneural.activations import ACTIVATIONS
from skneural.estimators.builder import TrainingBuilder
from skneural.estimators.callbacks import CallbackAdapter
from skneural.estimators.checked_data import CheckedData, scale_sample_weight
from skneural.estimators.dead_units_warning import warn_of_dead_units
from skneural.estimators.epoch_printer import EpochPrinter
from skneural.estimators.fitted_network import FittedNetworkMixin
from skneural.estimators.parameters import CONSTRAINTS
from skneural.estimators.validation_set import ValidationScorer, train_validation_split
from skneural.initializers import INITIALIZERS
from skneural.losses import LOSSES
from skneural.network import Layout, Network, TrainingRows
from skneural.saved_state import unchanged_on_error
from skneural.solvers import (
    LBFGS,
    SCHEDULES,
    DivergenceError,
    Epoch,
    TrainingInterrupted,
    TrainingLoop,
    TrainingMonitor,
)

Array = NDArray[Any]

# Parameter that may be an object with settings of its own -> the objects by name.
COMPONENT_PARAMETERS: dict[str, Mapping[str, Any]] = {
    "activation": ACTIVATIONS,
    "weight_init": INITIALIZERS,
    "learning_rate": SCHEDULES,
    "loss": LOSSES,
}

# Column of `history_` -> attribute of `Epoch`.
HISTORY_COLUMNS = {
    "loss": "loss",
    "validation_loss": "validation_loss",
    "validation_score": "score",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "update_ratio": "update_ratio",
    "seconds": "seconds",
}


class BaseActivationMLP(FittedNetworkMixin, CallbackSupportMixin, BaseEstimator):
    """Base of the two estimators, which add the loss, the encoding of targets and the methods of prediction."""

    _parameter_constraints: dict = CONSTRAINTS

    # The parameters that this class reads; the constructors of the two estimators list them all.
    solver: str
    random_state: Any
    bias_init: float
    batch_norm: bool
    max_iter: int
    verbose: Any
    warm_start: bool
    early_stopping: bool
    scoring: Any
    validation_fraction: float
    dtype: str | None

    def set_params(self, **params: Any) -> Any:
        """Set parameters by name.

        Parameters
        ----------
        **params : dict
            Values by name. ``activation__alpha`` sets the setting `alpha` of the activation; if `activation` is a name,
            such as "elu", the object of that name replaces it first.

        Returns
        -------
        self : estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no parameter or setting of that name.
        """
        for name, registry in COMPONENT_PARAMETERS.items():
            nested = [key for key in params if key.startswith(f"{name}__")]
            choice = params.get(name, getattr(self, name, None))
            if nested and isinstance(choice, str) and choice in registry:
                params[name] = choice = copy.copy(registry[choice])
            if nested and not hasattr(choice, "set_params"):
                raise ValueError(
                    f"{nested[0]} needs {name} to be one name or object with settings. Got {choice!r} instead."
                )
        return super().set_params(**params)

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation_data: tuple[Any, Any, Any], incremental: bool) -> Any:
        if incremental:
            self._validate_params()  # scikit-learn skips this check once the estimator is fitted
        if incremental and self.early_stopping and validation_data[0] is None:
            raise ValueError(
                "partial_fit does not support early_stopping=True without X_val and y_val: "
                "rows held out in one call would be trained on in the next."
            )
        # After divergence and after Ctrl-C the estimator keeps finite weights that can be used.
        with unchanged_on_error(self, except_after=(DivergenceError, TrainingInterrupted)):
            builder = TrainingBuilder(self)
            resume = self._should_resume(incremental)
            data = self._check_training_data(X, y, sample_weight, resume, incremental)
            rng = self._make_rng()
            network = self._resume_network(builder, data.X) if resume else self._new_network(builder, data.X, rng)
            if not resume:
                self._initialize_output_layer(network, data)
            if incremental and self.early_stopping and (self._training_state or {}).get("stopped"):
                return self
            self._set_network(network, builder)
            callbacks = self._make_callbacks(X, y, sample_weight)
            training_rows, validation_set = self._training_and_validation_data(data, validation_data)
            validate = None if validation_set is None else ValidationScorer(self, validation_set)
            monitoring = {"validate": validate, "callbacks": callbacks, "record": self._record_epoch}
            if self.solver == "lbfgs":
                self._train_lbfgs(builder.build_lbfgs(network, self._loss, training_rows, **monitoring))
            else:
                loop = builder.build_training_loop(network, self._loss, training_rows, rng, **monitoring)
                self._train_stochastic(loop, incremental)
            for callback in callbacks:
                if isinstance(callback, CallbackAdapter):
                    callback.on_fit_end()
            if not incremental:
                warn_of_dead_units(self, data.X)
        return self

    # Data: what the subclasses define.

    def _set_target_info(self, y: Array, sample_weight: Array | None, incremental: bool) -> None:
        """Set ``_loss``, ``n_outputs_`` and the other attributes that depend on y."""
        raise TypeError(f"{type(self).__name__} must define _set_target_info")

    def _validate_X_y(self, X: Any, y: Any, **options: Any) -> tuple[Any, Array]:
        """Return X (dense or CSR, in the dtype of the computation) and y after all checks."""
        raise TypeError(f"{type(self).__name__} must define _validate_X_y")

    def _encode_targets(self, y: Array, dtype: Any) -> Array:
        """Return the targets as the loss expects them."""
        raise TypeError(f"{type(self).__name__} must define _encode_targets")

    def _score_raw_output(self, F: Array, Y: Array, sample_weight: Array | None) -> float:
        """Return the score of raw outputs against encoded targets."""
        raise TypeError(f"{type(self).__name__} must define _score_raw_output")

    def _initialize_output_layer(self, network: Network, data: CheckedData) -> None:
        """Start the output layer of a new network where the targets are."""

    def _stratify_labels(self, y: Array) -> Array | None:
        """Return the labels by which the validation split is stratified, or None."""
        return None

    def _class_sample_weight(self, y: Array, incremental: bool) -> Array | None:
        """Return the weights of the rows that follow from their classes, or None."""
        return None

    # Data: what they share.

    def _check_training_data(self, X: Any, y: Any, sample_weight: Any, resume: bool, incremental: bool) -> CheckedData:
        X, y = self._validate_X_y(X, y, dtype=self._accepted_dtypes(resume), reset=not resume)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            weight = scale_sample_weight(weight, "sample_weight")
        self._set_target_info(y, weight, incremental)
        if (class_weight := self._class_sample_weight(y, incremental)) is not None:
            class_weight = scale_sample_weight(class_weight, "class_weight")
            if weight is None:
                weight = class_weight
            else:
                weight = scale_sample_weight(weight * class_weight, "sample_weight times class_weight")
        return CheckedData(X, self._encode_targets(y, X.dtype), y, weight)

    def _should_resume(self, incremental: bool) -> bool:
        """Whether training continues from the fitted parameters."""
        return hasattr(self, "parameters_") and (incremental or self.warm_start)

    def _make_rng(self) -> np.random.RandomState:
        """Return a generator of our own: resuming sets its state, and the caller's generator must not change."""
        rng = check_random_state(self.random_state)
        if isinstance(self.random_state, Integral):
            return rng
        return np.random.RandomState(rng.randint(np.iinfo(np.int32).max))

    def _accepted_dtypes(self, resume: bool) -> Any:
        if resume:
            return self.parameters_.dtype
        return [np.float64, np.float32] if self.dtype is None else np.dtype(self.dtype)

    def _training_and_validation_data(
        self, data: CheckedData, validation_data: tuple[Any, Any, Any]
    ) -> tuple[TrainingRows, CheckedData | None]:
        """Return the rows to train on and the validation set: the user's own, or what early stopping holds out."""
        all_rows = TrainingRows(data.X, data.Y, data.sample_weight)
        if any(each is not None for each in validation_data):
            return all_rows, self._check_validation_data(*validation_data)
        if not self.early_stopping:
            return all_rows, None
        train, validation = train_validation_split(
            len(all_rows), self.validation_fraction, self._split_seed, self._stratify_labels(data.y)
        )
        weight = data.sample_weight
        if weight is not None and not (weight[train].any() and weight[validation].any()):
            raise ValueError(
                f"sample_weight must be positive for some of the {len(train)} rows to train on and some of the "
                f"{len(validation)} rows that early stopping holds out. Got only zeros there."
            )
        return TrainingRows(data.X, data.Y, weight, subset=train), data.take(validation)

    def _check_validation_data(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> CheckedData:
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(f"X_val and y_val must be given together. Got no {missing}.")
        X, y = self._validate_X_y(X_val, y_val, dtype=self.parameters_.dtype, reset=False)
        weight = None
        if sample_weight_val is not None:
            weight = _check_sample_weight(sample_weight_val, X, dtype=np.float64, ensure_non_negative=True)
            weight = scale_sample_weight(weight, "sample_weight_val")
        return CheckedData(X, self._encode_targets(y, X.dtype), y, weight)

    # The network.

    def _new_network(self, builder: TrainingBuilder, X: Any, rng: np.random.RandomState) -> Network:
        sizes = [X.shape[1], *builder.hidden_sizes, self.n_outputs_]
        network = Network.zeros(sizes, builder.activations, X.dtype, self.batch_norm)
        network.initialize(builder.initializer, self.bias_init, rng)
        self._split_seed = int(rng.randint(np.iinfo(np.int32).max))
        self._training_state: dict[str, Any] | None = None
        self.history_: dict[str, list[float]] = {name: [] for name in HISTORY_COLUMNS}
        self.t_ = 0
        return network

    def _resume_network(self, builder: TrainingBuilder, X: Any) -> Network:
        """Return a network with a copy of the fitted parameters."""
        sizes = [X.shape[1], *builder.hidden_sizes, self.n_outputs_]
        n_parameters = Layout(sizes, builder.activations, self.batch_norm).size
        if sizes != self._sizes or n_parameters != self.parameters_.size:
            raise ValueError(
                f"The fitted network has layer sizes {self._sizes} and {self.parameters_.size} parameters; "
                f"its settings and the data now require layer sizes {sizes} and {n_parameters} parameters. To continue "
                "training keep hidden_layer_sizes, activation and the number of outputs; to start anew use fit with "
                "warm_start=False."
            )
        self.history_ = {name: list(column) for name, column in self.history_.items()}
        return Network(sizes, builder.activations, self.parameters_.copy(), self.batch_norm)

    def _set_network(self, network: Network, builder: TrainingBuilder) -> None:
        self._network = network
        self._sizes = network.sizes
        self._batch_norm = network.batch_norm
        self.parameters_ = network.parameters
        self.activations_ = builder.activations
        self.n_layers_ = len(network.sizes)
        self.out_activation_ = self._loss.inverse_link

    # Training.

    def _make_callbacks(self, X: Any, y: Any, sample_weight: Any) -> list[Any]:
        callbacks: list[Any] = []
        if self.verbose:
            callbacks.append(EpochPrinter())
        if hasattr(self, "_skl_callbacks"):
            callbacks.append(CallbackAdapter(self, X, y, sample_weight))
        return callbacks

    def _record_epoch(self, epoch: Epoch) -> None:
        n_before = len(self.loss_curve_)
        for name, attribute in HISTORY_COLUMNS.items():
            value, column = getattr(epoch, attribute), self.history_[name]
            if value is None and not column:
                continue
            column += [math.nan] * (n_before - len(column))  # earlier epochs without this value
            column.append(math.nan if value is None else value)

    def _train_stochastic(self, loop: TrainingLoop, incremental: bool) -> None:
        self.backend_ = loop.objective.backend
        self._restore_training_state(loop)
        for callback in loop.monitor.callbacks:
            if isinstance(callback, CallbackAdapter):
                callback.loop = loop
        n_before = 0 if incremental else loop.n_epochs
        first = loop.n_epochs + 1 if incremental else 1
        ended = False
        try:
            ended = loop.run(first, first if incremental else self.max_iter, self.max_iter)
            if self.early_stopping and (ended or not incremental):
                self._restore_best(loop.monitor)
        except KeyboardInterrupt as interrupt:
            has_best = self.early_stopping and not incremental and loop.monitor.early_stopping.best < math.inf
            diverged = isinstance(interrupt.__context__, DivergenceError)
            if diverged or not np.isfinite(self.parameters_).all():
                loop.restart_from_best()
            elif has_best:
                loop.monitor.restore_best()
            raise TrainingInterrupted.after(loop.n_epochs - n_before) from None
        finally:
            self.n_iter_ = loop.n_epochs - n_before
            self.t_ = loop.n_samples_seen
            self._training_state = self._make_training_state(loop) | {"stopped": ended and incremental}
            self._set_losses(loop.monitor.early_stopping.best)
        if not (ended or incremental or loop.completes):
            self._warn_not_converged(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet. Increase max_iter, or the learning rate."
            )

    def _restore_training_state(self, loop: TrainingLoop) -> None:
        """Continue where the last call ended; without its saved solver state, continue only the counters."""
        state = self._training_state
        loop.n_epochs, loop.n_samples_seen = len(self.loss_curve_), self.t_
        if state is None or state["solver"] != self.solver:
            return
        loop.set_state(state)
        if state["monitored_metric"] != self._monitored_metric():  # a loss cannot be compared with a score
            loop.monitor.early_stopping.best, loop.monitor.early_stopping.count = math.inf, 0

    def _make_training_state(self, loop: TrainingLoop) -> dict[str, Any]:
        """Return all that a later call needs to continue training."""
        return {
            **loop.get_state(),
            "solver": self.solver,
            "monitored_metric": self._monitored_metric(),
            "stopped": False,
        }

    def _monitored_metric(self) -> str:
        """Return the name of the value that early stopping monitors; a string, which can be pickled."""
        if not self.early_stopping:
            return "training loss"
        return "a function" if callable(self.scoring) else str(self.scoring)

    def _train_lbfgs(self, lbfgs: LBFGS) -> None:
        self.backend_ = lbfgs.objective.backend
        n_before = len(self.loss_curve_)
        try:
            outcome = lbfgs.run(self.max_iter)
        except KeyboardInterrupt:
            if self.early_stopping and lbfgs.monitor.early_stopping.best < math.inf:
                lbfgs.monitor.restore_best()
            raise TrainingInterrupted.after(len(self.loss_curve_) - n_before) from None
        finally:
            self.n_iter_ = len(self.loss_curve_) - n_before
            self._set_losses(min(self.loss_curve_[n_before:], default=math.inf))
        if self.early_stopping:
            self._restore_best(lbfgs.monitor)
        self.n_iter_ = outcome.n_iter
        self._set_losses(outcome.loss)
        self.loss_ = outcome.loss
        if not outcome.converged:
            self._warn_not_converged(
                f"lbfgs failed to converge after {outcome.n_iter} iteration(s): {outcome.message} "
                "Increase max_iter or max_fun, or scale the data (StdScaler)."
            )

    def _restore_best(self, monitor: TrainingMonitor) -> None:
        monitor.restore_best()
        if monitor.early_stopping.best == math.inf:
            warnings.warn(
                "No validation score was a finite number, so early stopping could not choose an epoch; the parameters "
                "of the last epoch are kept. Hold out more rows, or choose another scoring.",
                stacklevel=6,
            )

    def _warn_not_converged(self, message: str) -> None:
        warnings.warn(message, ConvergenceWarning, stacklevel=5)

    def _set_losses(self, best: float) -> None:
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else math.nan
        self.best_loss_ = None if self.early_stopping else best

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
