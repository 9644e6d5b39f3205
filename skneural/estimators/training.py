"""One call of `fit` or `partial_fit`: runs the solver, and sets the fitted attributes that describe the training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skneural.estimators.checked_data import CheckedData
from skneural.estimators.convergence_advice import advise, compare_with_constant
from skneural.estimators.epoch_printer import print_end
from skneural.estimators.hyperparameters import TRAINS_TWICE
from skneural.solvers import LBFGS, DivergenceError, TrainingInterrupted, TrainingLoop, TrainingMonitor
from skneural.solvers.lbfgs import OptimizationResult

# Batch normalisation learns worse from batches of fewer rows, and nothing from those of one row: on streams of a linear
# target, R² was 0.94 to 0.97 in calls of 8 rows, 0.88 to 0.92 in calls of 4, and far below 0 in calls of one.
MIN_NORMALIZED_ROWS = 8
# The state of a comparison of epochs that has not begun.
NO_COMPARISON: dict[str, Any] = {"best": math.inf, "count": 0, "best_state": None}


class StochasticTraining:
    """Trains the network of an estimator on mini-batches.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With the network. Its fitted attributes are set also if training diverges or is interrupted.
    loop : TrainingLoop
    n_epochs : int or None
        Largest number of epochs; None for a call of `partial_fit`, which makes one.
    validation_set : CheckedData or None
    """

    def __init__(self, estimator: Any, loop: TrainingLoop, n_epochs: int | None, validation_set: CheckedData | None):
        self.estimator, self.loop, self.incremental = estimator, loop, n_epochs is None
        self._max_iter = estimator.max_iter if n_epochs is None else n_epochs
        self._continues = continues_first_training(estimator, loop.monitor)
        self._has_chosen_epochs = has_chosen_epochs(estimator, loop.monitor)
        estimator.backend_ = loop.objective.backend
        self._monitored = _monitored_value(estimator, validation_set)
        self._resume()
        if loop.n_epochs and not self.incremental:
            compare_with_start(loop.monitor)
        self._n_before = 0 if self.incremental or self._continues else loop.n_epochs
        self._first = loop.n_epochs + 1 if self.incremental else 1
        had_ended = (estimator._training_state or {}).get("schedule_has_ended", False)
        self._schedule_has_ended = self.incremental and loop.is_schedule_finished(self._max_iter)
        self._schedule_ends = self._schedule_has_ended and not had_ended

    def _resume(self) -> None:
        """Continue where the last call ended; without its saved solver state, continue only the counters.

        A call of `fit` starts its schedule anew, and its comparison of epochs: the losses of other data would be no
        measure of its progress. Calls of `partial_fit` are one comparison while they monitor the same value.
        """
        estimator, loop, state = self.estimator, self.loop, self.estimator._training_state
        loop.n_epochs, loop.n_samples_seen = estimator._n_epochs, estimator.t_
        if state is None or state["solver"] != estimator.solver:
            return
        untouched = state["best_state"] is None or np.array_equal(estimator.parameters_, state["best_state"])
        if self.incremental and untouched and state["latest"] is not None:
            np.copyto(loop.objective.state, state["latest"])
        if not self.incremental:
            state = {**state, **NO_COMPARISON, "plateau_factor": 1.0}
            if self._continues:
                state["best"] = min(estimator.loss_curve_)
        elif not untouched or state["monitored"] != self._monitored:
            state = {**state, **NO_COMPARISON}
        loop.set_state(state)

    def run(self) -> list[Warning]:
        """Train; return the warnings that the result deserves."""
        estimator, loop, stopped_by = self.estimator, self.loop, None
        last = self._first if self.incremental else self._max_iter
        try:
            stopped_by = self._reason(loop.run(self._first, last, self._max_iter))
        except DivergenceError:
            stopped_by = "diverged"
            raise
        except KeyboardInterrupt as interrupt:
            stopped_by = "interrupted"
            if isinstance(interrupt.__context__, DivergenceError) or not np.isfinite(estimator.parameters_).all():
                loop.restart_from_best()
            raise TrainingInterrupted.after(loop.n_epochs - self._n_before, how_to_go_on(estimator)) from None
        finally:
            self._set_attributes(stopped_by)
        warnings = self._warnings()
        if loop.keep_best_solver_state:
            loop.return_to_best_epoch()
            estimator._training_state, estimator.t_ = self.get_state(), loop.n_samples_seen
        return warnings

    def get_state(self) -> dict[str, Any]:
        """Return all that a later call needs to continue training."""
        return {
            **self.loop.get_state(),
            "solver": self.estimator.solver,
            "monitored": self._monitored,
            "schedule_has_ended": self._schedule_has_ended,
            "latest": None,
        }

    def _reason(self, stopped: bool) -> str:
        if not stopped:
            return "max_iter"
        if self.loop.monitor.early_stopping.should_stop:
            return "early_stopping" if self.loop.monitor.use_score else "tol"
        return "callback"

    def _set_attributes(self, stopped_by: str | None) -> None:
        estimator, loop = self.estimator, self.loop
        self._restore_best_parameters()
        estimator._n_epochs, estimator.t_ = loop.n_epochs, loop.n_samples_seen
        estimator.n_iter_ = loop.n_epochs - self._n_before
        set_losses(estimator, loop.monitor)
        estimator.stopped_by_ = stopped_by
        if not self.incremental or stopped_by in ("interrupted", "diverged"):
            print_end(estimator)

    def _restore_best_parameters(self) -> None:
        """Restore the best parameters if early stopping knows them; keep the latest for the next `partial_fit`."""
        estimator, monitor = self.estimator, self.loop.monitor
        has_best = monitor.use_score and monitor.early_stopping.best < math.inf
        if has_best and not self.incremental:
            monitor.restore_best()
        state = estimator._training_state = self.get_state()
        if has_best and state["best_state"] is not None:
            state["latest"] = estimator.parameters_.copy()
            monitor.restore_best()

    def _warnings(self) -> list[Warning]:
        estimator = self.estimator
        warnings: list[Warning] = []
        if not self.incremental or estimator.stopped_by_ == "early_stopping":
            warnings += no_score_warnings(self.loop.monitor)
        if self._schedule_ends:
            rate = estimator.history_["learning_rate"][-1]
            message = (
                f"The schedule learning_rate={estimator.learning_rate!r} has ended: this and all later calls of "
                f"partial_fit train at a learning rate of {rate:.3g}. For streams use learning_rate='constant' or "
                "'invscaling'; else raise max_iter, or call fit."
            )
            warnings.append(ConvergenceWarning(message))
        if not self.incremental:
            warnings += self._not_converged_warnings()
        return warnings + self._small_batch_warnings()

    def _small_batch_warnings(self) -> list[Warning]:
        """Warn of batches that are too small for batch normalisation, unless `fit` has no more rows."""
        bounds = self.loop.batches.bounds
        n_rows = int(np.diff(bounds).min())
        enough = MIN_NORMALIZED_ROWS if self.incremental else min(MIN_NORMALIZED_ROWS, bounds[-1])
        if n_rows >= enough or not self.estimator._network.views.scales:
            return []
        where = (
            "this call of partial_fit has batches"
            if self.incremental
            else f"batch_size={self.loop.batches.batch_size} makes batches"
        )
        return [
            UserWarning(
                f"batch_norm=True normalises by the mean and the variance of each mini-batch, and {where} of {n_rows} "
                f"row(s). Expected at least {MIN_NORMALIZED_ROWS}: pass more rows at a time, or set batch_norm=False."
            )
        ]

    def _not_converged_warnings(self) -> list[Warning]:
        estimator, objective, limit = self.estimator, self.loop.objective, ""
        if estimator.stopped_by_ == "max_iter" and not (self.loop.completes or self._has_chosen_epochs):
            limit = (
                f"Stochastic Optimizer: Maximum iterations ({self._max_iter}) reached and the optimization hasn't "
                "converged yet. "
            )
        worse = compare_with_constant(estimator, objective)
        return [ConvergenceWarning(limit + worse + advise(estimator, objective))] if limit or worse else []


def how_to_go_on(estimator: Any) -> str:
    """Return how an interrupted training goes on, with the parameters that would refuse it."""
    settings = ["early_stopping=False"] if estimator.early_stopping in TRAINS_TWICE else []
    if getattr(estimator, "temperature_scaling", False):
        settings.append("temperature_scaling=False")
    # With early stopping, partial_fit would need validation data, which the interrupted call may not have had.
    refuses_partial_fit = estimator.solver == "lbfgs" or estimator.early_stopping is True
    call = "fit" if refuses_partial_fit else "call partial_fit, or fit"
    change = f"set {' and '.join(settings)}, then " if settings else ""
    return f"{change}{call} with warm_start=True"


class LBFGSTraining:
    """Trains the network of an estimator on all rows at once.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With the network. Its fitted attributes are set also if training diverges or is interrupted.
    lbfgs : LBFGS
    max_iter : int
        Largest number of iterations.
    """

    def __init__(self, estimator: Any, lbfgs: LBFGS, max_iter: int):
        self.estimator, self.lbfgs, self.max_iter = estimator, lbfgs, max_iter
        estimator.backend_ = lbfgs.objective.backend
        self._n_continued = estimator._n_epochs if continues_first_training(estimator, lbfgs.monitor) else 0
        self._n_before = estimator._n_epochs - self._n_continued
        if self._n_before:
            compare_with_start(lbfgs.monitor)

    def run(self) -> list[Warning]:
        """Train; return the warnings that the result deserves."""
        estimator, lbfgs, outcome, stopped_by = self.estimator, self.lbfgs, None, None
        try:
            outcome = lbfgs.run(self.max_iter)
            stopped_by = outcome.stopped_by
        except DivergenceError:
            stopped_by = "diverged"
            raise
        except KeyboardInterrupt:
            stopped_by = "interrupted"
            if lbfgs.monitor.use_score and lbfgs.monitor.early_stopping.best < math.inf:
                lbfgs.monitor.restore_best()
            raise TrainingInterrupted.after(estimator._n_epochs - self._n_before, how_to_go_on(estimator)) from None
        finally:
            self._set_attributes(stopped_by, outcome)
        if lbfgs.monitor.use_score:
            lbfgs.monitor.restore_best()
        warnings = no_score_warnings(lbfgs.monitor)
        worse = compare_with_constant(estimator, lbfgs.objective)
        if not (outcome.converged or has_chosen_epochs(estimator, lbfgs.monitor)):
            worse = f"lbfgs failed to converge after {outcome.n_iter} iteration(s): {outcome.message} {worse}"
        if worse:
            warnings.append(ConvergenceWarning(f"{worse}Increase max_iter or max_fun, or scale the data (StdScaler)."))
        return warnings

    def get_state(self) -> None:
        """Return None: a later call needs the parameters only."""

    def _set_attributes(self, stopped_by: str | None, outcome: OptimizationResult | None) -> None:
        estimator = self.estimator
        estimator._training_state = None
        estimator.n_iter_ = estimator._n_epochs - self._n_before
        losses = estimator.loss_curve_[-estimator.n_iter_ :] if estimator.n_iter_ else []
        set_losses(estimator, self.lbfgs.monitor, min(losses, default=math.inf))
        if outcome is not None:
            estimator.n_iter_ = outcome.n_iter + self._n_continued
            set_losses(estimator, self.lbfgs.monitor, outcome.loss)
            estimator.loss_ = outcome.loss
        estimator.stopped_by_ = stopped_by
        print_end(estimator)


def set_losses(estimator: Any, monitor: TrainingMonitor, best: float | None = None) -> None:
    """Set the loss of the last epoch, and the smallest one unless early stopping compares scores."""
    estimator.loss_ = estimator.loss_curve_[-1] if estimator.loss_curve_ else math.nan
    smallest = monitor.early_stopping.best if best is None else best
    estimator.best_loss_ = None if monitor.use_score else smallest


def continues_first_training(estimator: Any, monitor: TrainingMonitor) -> bool:
    """Return whether this training, on all rows, goes on from the best epoch of another one of the same `fit`."""
    return has_chosen_epochs(estimator, monitor) and estimator._n_epochs > 0


def has_chosen_epochs(estimator: Any, monitor: TrainingMonitor) -> bool:
    """Return whether this is the second training of one `fit`, of which early stopping has chosen the length."""
    return estimator.early_stopping in TRAINS_TWICE and not monitor.use_score


def compare_with_start(monitor: TrainingMonitor) -> None:
    """Let early stopping compare the epochs with the parameters that a warm start begins with."""
    score = monitor.validation()["score"] if monitor.use_score else math.nan
    if not math.isnan(score):
        monitor.early_stopping.best = -score


def no_score_warnings(monitor: TrainingMonitor) -> list[Warning]:
    """Return a warning if early stopping had no score that tells which epoch is the best, else nothing."""
    if not monitor.use_score or monitor.early_stopping.best < math.inf:
        return []
    return [
        UserWarning(
            "No validation score was a finite number, so early stopping could not choose an epoch; it took the last "
            "one. Hold out more rows, or choose another scoring."
        )
    ]


def _monitored_value(estimator: Any, validation_set: CheckedData | None) -> str:
    """Return a name of the value that early stopping compares: another validation set gives another name."""
    if not estimator.early_stopping or validation_set is None:
        return "training loss"
    scoring = "a function" if callable(estimator.scoring) else str(estimator.scoring)
    return f"{scoring} on {validation_set.digest()}"
