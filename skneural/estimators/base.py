"""What classifier and regressor share: from parameters and data to a trained network."""

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
from skneural.estimators.dead_units_warning import warn_of_dead_units
from skneural.estimators.epoch_printer import EpochPrinter
from skneural.estimators.fitted_network import FittedNetworkMixin
from skneural.estimators.parameters import CONSTRAINTS
from skneural.estimators.validation import Rows, Validation, split
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

# Parameters that may be an object with settings -> what their names stand for.
SEARCHABLE: dict[str, Mapping[str, Any]] = {
    "activation": ACTIVATIONS,
    "weight_init": INITIALIZERS,
    "learning_rate": SCHEDULES,
    "loss": LOSSES,
}

# Column of `history_` -> attribute of the epoch.
HISTORY = {
    "loss": "loss",
    "validation_loss": "validation_loss",
    "validation_score": "score",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "update_ratio": "update_ratio",
    "seconds": "seconds",
}


class BaseActivationMLP(FittedNetworkMixin, CallbackSupportMixin, BaseEstimator):
    """Base of the two estimators; they add the loss, the encoding of targets and the form of predictions."""

    _parameter_constraints: dict = CONSTRAINTS

    # Parameters that are read here; the constructors of the two estimators list them all.
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
            Values by name; ``activation__alpha`` and the like set the setting of an object. Where so far there is only
            the object's name, such as "elu", the object takes its place.

        Returns
        -------
        self : estimator
            With the new parameters.

        Raises
        ------
        ValueError
            If there is no such parameter or setting.
        """
        for name, registry in SEARCHABLE.items():
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
            self._validate_params()  # scikit-learn leaves it out once there is something fitted
        if incremental and self.early_stopping and validation_data[0] is None:
            raise ValueError(
                "partial_fit does not support early_stopping=True without X_val and y_val: "
                "rows held out in one call would be trained on in the next."
            )
        # Divergence and the user's interruption leave finite weights, of use.
        with unchanged_on_error(self, but=(DivergenceError, TrainingInterrupted)):
            builder = TrainingBuilder(self)
            resume = self._resumes(incremental)
            rows = self._read(X, y, sample_weight, resume, incremental)
            rng = self._random_numbers()
            network = self._resume_network(builder, rows.X) if resume else self._new_network(builder, rows.X, rng)
            validated = self.early_stopping and validation_data[0] is not None  # without, _divide refuses
            if incremental and validated and (self._training_state or {}).get("stopped"):
                return self
            self._set_network(network, builder)
            callbacks = self._guests(X, y, sample_weight)
            training, held_out = self._divide(rows, validation_data)
            validate = None if held_out is None else Validation(self, held_out)
            monitoring = {"validate": validate, "callbacks": callbacks, "record": self._record}
            if self.solver == "lbfgs":
                self._minimize_lbfgs(builder.lbfgs(network, self._loss, training, **monitoring))
            else:
                loop = builder.stochastic(network, self._loss, training, rng, **monitoring)
                self._minimize_stochastic(loop, incremental)
            for callback in callbacks:
                if isinstance(callback, CallbackAdapter):
                    callback.close()
            if not incremental:
                warn_of_dead_units(self, rows.X)
        return self

    # Data: what subclasses define, and what they share.

    def _set_target_info(self, y: Array, incremental: bool) -> None:
        """Set ``_loss``, ``n_outputs_`` and what describes y."""
        raise TypeError(f"{type(self).__name__} must define _set_target_info")

    def _validate_targets(self, X: Any, y: Any, **how: Any) -> tuple[Any, Array]:
        """Return checked X (dense or CSR, in the dtype of the computation) and y."""
        raise TypeError(f"{type(self).__name__} must define _validate_targets")

    def _encode(self, y: Array, dtype: Any) -> Array:
        """Return the targets as the loss expects them."""
        raise TypeError(f"{type(self).__name__} must define _encode")

    def _score_raw(self, F: Array, Y: Array, weights: Array | None) -> float:
        """Return the score of raw outputs against encoded targets."""
        raise TypeError(f"{type(self).__name__} must define _score_raw")

    def _stratify_by(self, y: Array) -> Array | None:
        """Return what the validation split is stratified by, if anything."""
        return None

    def _class_weights(self, y: Array, incremental: bool) -> Array | None:
        """Return a factor on each row's weight, if there is any."""
        return None

    def _read(self, X: Any, y: Any, sample_weight: Any, resume: bool, incremental: bool) -> Rows:
        X, y = self._validate_targets(X, y, dtype=self._dtypes(resume), reset=not resume)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            weights = _relative(weights, "sample_weight")
        self._set_target_info(y, incremental)
        if (factors := self._class_weights(y, incremental)) is not None:
            factors = _relative(factors, "class_weight")
            weights = factors if weights is None else _relative(weights * factors, "sample_weight times class_weight")
        return Rows(X, self._encode(y, X.dtype), y, weights)

    def _resumes(self, incremental: bool) -> bool:
        """Whether training goes on from fitted parameters."""
        return hasattr(self, "parameters_") and (incremental or self.warm_start)

    def _random_numbers(self) -> np.random.RandomState:
        """Return a generator whose state may be set back when training goes on: never the caller's own."""
        rng = check_random_state(self.random_state)
        if isinstance(self.random_state, Integral):
            return rng
        return np.random.RandomState(rng.randint(np.iinfo(np.int32).max))

    def _dtypes(self, resume: bool) -> Any:
        if resume:
            return self.parameters_.dtype
        return [np.float64, np.float32] if self.dtype is None else np.dtype(self.dtype)

    def _divide(self, rows: Rows, validation_data: tuple[Any, Any, Any]) -> tuple[TrainingRows, Rows | None]:
        """Return the rows to train on, and those to validate on: what was given, or what early stopping holds out."""
        everything = TrainingRows(rows.X, rows.Y, rows.weights)
        if any(each is not None for each in validation_data):
            return everything, self._read_validation(*validation_data)
        if not self.early_stopping:
            return everything, None
        train, test = split(len(everything), self.validation_fraction, self._split_seed, self._stratify_by(rows.y))
        if rows.weights is not None and not (rows.weights[train].any() and rows.weights[test].any()):
            raise ValueError(
                f"sample_weight must be positive for some of the {len(train)} rows to train on and some of the "
                f"{len(test)} rows that early stopping holds out. Got only zeros there."
            )
        return TrainingRows(rows.X, rows.Y, rows.weights, subset=train), rows.take(test)

    def _read_validation(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> Rows:
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(f"X_val and y_val must be given together. Got no {missing}.")
        X, y = self._validate_targets(X_val, y_val, dtype=self.parameters_.dtype, reset=False)
        weights = None
        if sample_weight_val is not None:
            weights = _check_sample_weight(sample_weight_val, X, dtype=np.float64, ensure_non_negative=True)
            weights = _relative(weights, "sample_weight_val")
        return Rows(X, self._encode(y, X.dtype), y, weights)

    # The network.

    def _new_network(self, builder: TrainingBuilder, X: Any, rng: np.random.RandomState) -> Network:
        sizes = [X.shape[1], *builder.hidden_sizes, self.n_outputs_]
        network = Network.zeros(sizes, builder.activations, X.dtype, self.batch_norm)
        network.initialize(builder.initializer, self.bias_init, rng)
        self._split_seed = int(rng.randint(np.iinfo(np.int32).max))
        self._training_state: dict[str, Any] | None = None
        self.history_: dict[str, list[float]] = {name: [] for name in HISTORY}
        self.t_ = 0
        return network

    def _resume_network(self, builder: TrainingBuilder, X: Any) -> Network:
        """Return a network that goes on from the fitted parameters, on a copy of them."""
        sizes = [X.shape[1], *builder.hidden_sizes, self.n_outputs_]
        n_parameters = Layout(sizes, builder.activations, self.batch_norm).size
        if sizes != self._sizes or n_parameters != self.parameters_.size:
            raise ValueError(
                f"The fitted network has layer sizes {self._sizes} and {self.parameters_.size} parameters; parameters "
                f"and data now ask for layer sizes {sizes} and {n_parameters} parameters. To go on training keep "
                "hidden_layer_sizes, activation and the number of outputs; to start anew use fit with warm_start=False."
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
        self.out_activation_ = self._loss.output

    # Training.

    def _guests(self, X: Any, y: Any, sample_weight: Any) -> list[Any]:
        callbacks: list[Any] = []
        if self.verbose:
            callbacks.append(EpochPrinter())
        if hasattr(self, "_skl_callbacks"):
            callbacks.append(CallbackAdapter(self, X, y, sample_weight))
        return callbacks

    def _record(self, epoch: Epoch) -> None:
        n_before = len(self.loss_curve_)
        for name, attribute in HISTORY.items():
            value, column = getattr(epoch, attribute), self.history_[name]
            if value is None and not column:
                continue
            column += [math.nan] * (n_before - len(column))  # epochs of which nothing was known
            column.append(math.nan if value is None else value)

    def _minimize_stochastic(self, loop: TrainingLoop, incremental: bool) -> None:
        self.backend_ = loop.objective.backend
        self._resume(loop)
        for callback in loop.monitor.callbacks:
            if isinstance(callback, CallbackAdapter):
                callback.loop = loop
        before = 0 if incremental else loop.n_epochs
        first = loop.n_epochs + 1 if incremental else 1
        ended = False
        try:
            ended = loop.run(first, first if incremental else self.max_iter, self.max_iter)
            if self.early_stopping and (ended or not incremental):
                self._restore_best(loop.monitor)
        except KeyboardInterrupt as interrupt:
            judged = self.early_stopping and not incremental and loop.monitor.early_stopping.best < math.inf
            diverged = isinstance(interrupt.__context__, DivergenceError)
            if diverged or not np.isfinite(self.parameters_).all():
                loop.restart_from_best()
            elif judged:
                loop.monitor.restore_best()
            raise TrainingInterrupted.after(loop.n_epochs - before) from None
        finally:
            self.n_iter_ = loop.n_epochs - before
            self.t_ = loop.n_samples_seen
            self._training_state = self._state_of(loop) | {"stopped": ended and incremental}
            self._summarize(loop.monitor.early_stopping.best)
        if not (ended or incremental or loop.completes):
            self._warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet. Increase max_iter, or the learning rate."
            )

    def _resume(self, loop: TrainingLoop) -> None:
        """Go on where the last call ended; without its solver's arrays at least count on."""
        state = self._training_state
        loop.n_epochs, loop.n_samples_seen = len(self.loss_curve_), self.t_
        if state is None or state["solver"] != self.solver:
            return
        loop.set_state(state)
        if state["monitored_metric"] != self._monitored_metric():  # a loss is not to be compared with a score
            loop.monitor.early_stopping.best, loop.monitor.early_stopping.count = math.inf, 0

    def _state_of(self, loop: TrainingLoop) -> dict[str, Any]:
        """Return all that training needs to go on later."""
        return {
            **loop.get_state(),
            "solver": self.solver,
            "monitored_metric": self._monitored_metric(),
            "stopped": False,
        }

    def _monitored_metric(self) -> str:
        """Return what progress is measured by, in a word that survives a pickle."""
        if not self.early_stopping:
            return "training loss"
        return "a function" if callable(self.scoring) else str(self.scoring)

    def _minimize_lbfgs(self, training: LBFGS) -> None:
        self.backend_ = training.objective.backend
        done = len(self.loss_curve_)
        try:
            outcome = training.run(self.max_iter)
        except KeyboardInterrupt:
            if self.early_stopping and training.monitor.early_stopping.best < math.inf:
                training.monitor.restore_best()
            raise TrainingInterrupted.after(len(self.loss_curve_) - done) from None
        finally:
            self.n_iter_ = len(self.loss_curve_) - done
            self._summarize(min(self.loss_curve_[done:], default=math.inf))
        if self.early_stopping:
            self._restore_best(training.monitor)
        self.n_iter_ = outcome.n_iter
        self._summarize(outcome.loss)
        self.loss_ = outcome.loss
        if not outcome.converged:
            self._warn(
                f"lbfgs failed to converge after {outcome.n_iter} iteration(s): {outcome.message} "
                "Increase max_iter or max_fun, or scale the data (StdScaler)."
            )

    def _restore_best(self, monitor: TrainingMonitor) -> None:
        monitor.restore_best()
        if monitor.early_stopping.best == math.inf:
            warnings.warn(
                "No validation score was a finite number, so that early stopping could not choose; the parameters of "
                "the last epoch are kept. Hold out more rows, or choose another scoring.",
                stacklevel=6,
            )

    def _warn(self, message: str) -> None:
        warnings.warn(message, ConvergenceWarning, stacklevel=5)

    def _summarize(self, best: float) -> None:
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else math.nan
        self.best_loss_ = None if self.early_stopping else best

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _relative(weights: Array, name: str) -> Array:
    """Return weights of which the largest is 1: only ratios count, and then no sum overflows."""
    if not weights.max() > 0:
        raise ValueError(f"{name} is zero for every row. Expected at least one positive weight.")
    with np.errstate(over="ignore"):  # NumPy before 2 warns of numbers beside the array, by subnormal ones
        return weights / weights.max()
