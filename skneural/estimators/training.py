"""One training of the network: runs the solver, and sets the fitted attributes that describe how training went."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skneural.estimators.checked_data import CheckedData
from skneural.estimators.convergence_warning import (
    lbfgs_convergence_warnings,
    schedule_end_warning,
    stochastic_convergence_warnings,
)
from skneural.estimators.epoch_printer import print_end
from skneural.estimators.hyperparameters import TRAINS_TWICE
from skneural.network import Objective
from skneural.solvers import LBFGS, DivergenceError, TrainingInterrupted, TrainingLoop, TrainingMonitor
from skneural.solvers.lbfgs import OptimizationResult

# Batch normalisation learns worse from batches of fewer rows, and nothing from those of one row: on streams of a linear
# target, R² was 0.94 to 0.97 in calls of 8 rows, 0.88 to 0.92 in calls of 4, and far below 0 in calls of one.
MIN_NORMALIZED_ROWS = 8
# The state of a comparison of epochs that has not begun.
NO_COMPARISON: dict[str, Any] = {"best": math.inf, "count": 0, "best_state": None}


class Training:
    """Base of the two kinds of training.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With the network. Its fitted attributes are set also if training diverges or is interrupted.
    objective : Objective
    monitor : TrainingMonitor
    """

    _n_before: int  # epochs of earlier calls, which `n_iter_` does not count

    def __init__(self, estimator: Any, objective: Objective, monitor: TrainingMonitor):
        self.estimator, self.objective, self.monitor = estimator, objective, monitor
        estimator.backend_ = objective.backend
        # Whether early stopping, in another training of the same `fit`, has chosen the length of this one on all rows;
        # and whether this one goes on from the best epoch of the other.
        self._has_chosen_epochs = estimator.early_stopping in TRAINS_TWICE and not monitor.use_score
        self._continues_first_training = self._has_chosen_epochs and estimator._n_epochs > 0

    def run(self) -> list[Warning]:
        """Train; return the warnings that the result deserves."""
        stopped_by = None
        try:
            stopped_by = self._run_solver()
        except DivergenceError:
            stopped_by = "diverged"
            raise
        except KeyboardInterrupt as interrupt:
            stopped_by = "interrupted"
            self._restore_usable_parameters(interrupt)
            raise TrainingInterrupted.after(self._n_epochs_run, how_to_go_on(self.estimator)) from None
        finally:
            self._set_attributes(stopped_by)
        return self._finish()

    def get_state(self) -> dict[str, Any] | None:
        """Return all that a later call needs to continue training; None if that is the parameters only."""
        return None

    @property
    def _n_epochs_run(self) -> int:
        """Number of full epochs that `n_iter_` counts."""
        return int(self.estimator._n_epochs - self._n_before)

    def _run_solver(self) -> str:
        """Return why the solver stopped."""
        raise TypeError(f"{type(self).__name__} must define _run_solver")

    def _restore_usable_parameters(self, interrupt: KeyboardInterrupt) -> None:
        """After Ctrl-C restore parameters that predictions can use."""
        raise TypeError(f"{type(self).__name__} must define _restore_usable_parameters")

    def _set_attributes(self, stopped_by: str | None) -> None:
        """Set the fitted attributes, however training ended."""
        raise TypeError(f"{type(self).__name__} must define _set_attributes")

    def _finish(self) -> list[Warning]:
        """Restore the best parameters where that is left to do; return the warnings that the result deserves."""
        raise TypeError(f"{type(self).__name__} must define _finish")

    @property
    def _has_best_score(self) -> bool:
        return self.monitor.use_score and self.monitor.early_stopping.best < math.inf

    def _compare_with_start(self) -> None:
        """Let early stopping compare the epochs with the parameters that a warm start begins with."""
        start_score = self.monitor.validation()["score"] if self.monitor.use_score else math.nan
        if not math.isnan(start_score):
            self.monitor.early_stopping.best = -start_score

    def _set_losses(self, smallest: float) -> None:
        """Set the loss of the last epoch, and the smallest one unless early stopping compares scores."""
        self.estimator.loss_ = self.estimator._latest_loss
        self.estimator.best_loss_ = None if self.monitor.use_score else smallest

    def _no_score_warnings(self) -> list[Warning]:
        """Return a warning if early stopping had no score that tells which epoch is the best, else nothing."""
        if not self.monitor.use_score or self._has_best_score:
            return []
        return [
            UserWarning(
                "No validation score was a finite number, so early stopping could not choose an epoch; it took the "
                "last one. Hold out more rows, or choose another scoring."
            )
        ]


class StochasticTraining(Training):
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
        super().__init__(estimator, loop.objective, loop.monitor)
        self.loop, self.incremental = loop, n_epochs is None
        self._max_iter = estimator.max_iter if n_epochs is None else n_epochs
        self._monitored = _monitored_value(estimator, validation_set)
        self._resume()
        if loop.n_epochs and not self.incremental:
            self._compare_with_start()
        self._n_before = 0 if self.incremental or self._continues_first_training else loop.n_epochs
        self._schedule_had_ended = (estimator._training_state or {}).get("schedule_has_ended", False)
        self._schedule_has_ended = self.incremental and loop.is_schedule_finished(self._max_iter)

    def _resume(self) -> None:
        """Continue where the last call ended; without its saved solver state, continue only the counters.

        Calls of `partial_fit` are one comparison of epochs while they monitor the same value.
        """
        estimator, loop, saved_state = self.estimator, self.loop, self.estimator._training_state
        loop.n_epochs, loop.n_samples_seen = estimator._n_epochs, estimator.t_
        if saved_state is None or saved_state["solver"] != estimator.solver:
            return
        best_state = saved_state["best_state"]
        are_as_saved = best_state is None or np.array_equal(estimator.parameters_, best_state)
        if self.incremental and are_as_saved and saved_state["latest"] is not None:
            np.copyto(loop.objective.state, saved_state["latest"])
        keeps_comparison = self.incremental and are_as_saved and saved_state["monitored"] == self._monitored
        loop.set_state(saved_state if keeps_comparison else {**saved_state, **self._new_comparison()})

    def _new_comparison(self) -> dict[str, Any]:
        """Return what begins a comparison of epochs anew; a call of `fit` begins its schedule anew too.

        The losses of other data would be no measure of its progress.
        """
        if self.incremental:
            return NO_COMPARISON
        best = min(self.estimator.loss_curve_) if self._continues_first_training else math.inf
        return {**NO_COMPARISON, "best": best, "plateau_factor": 1.0}

    def get_state(self) -> dict[str, Any]:
        """Return all that a later call needs to continue training."""
        return {
            **self.loop.get_state(),
            "solver": self.estimator.solver,
            "monitored": self._monitored,
            "schedule_has_ended": self._schedule_has_ended,
            "latest": None,
        }

    @property
    def _n_epochs_run(self) -> int:
        return self.loop.n_epochs - self._n_before

    def _run_solver(self) -> str:
        first = self.loop.n_epochs + 1 if self.incremental else 1
        if not self.loop.run(first, first if self.incremental else self._max_iter, self._max_iter):
            return "max_iter"
        if self.monitor.early_stopping.should_stop:
            return "early_stopping" if self.monitor.use_score else "tol"
        return "callback"

    def _restore_usable_parameters(self, interrupt: KeyboardInterrupt) -> None:
        if isinstance(interrupt.__context__, DivergenceError) or not np.isfinite(self.estimator.parameters_).all():
            self.loop.restart_from_best()

    def _set_attributes(self, stopped_by: str | None) -> None:
        estimator, loop = self.estimator, self.loop
        self._restore_best_parameters()
        estimator._n_epochs, estimator.t_ = loop.n_epochs, loop.n_samples_seen
        estimator.n_iter_ = self._n_epochs_run
        self._set_losses(self.monitor.early_stopping.best)
        estimator.stopped_by_ = stopped_by
        if not self.incremental or stopped_by in ("interrupted", "diverged"):
            print_end(estimator)

    def _restore_best_parameters(self) -> None:
        """Restore the best parameters if early stopping knows them; keep the latest for the next `partial_fit`."""
        if self._has_best_score and not self.incremental:
            self.monitor.restore_best()
        training_state = self.estimator._training_state = self.get_state()
        if self._has_best_score and training_state["best_state"] is not None:
            training_state["latest"] = self.estimator.parameters_.copy()
            self.monitor.restore_best()

    def _finish(self) -> list[Warning]:
        result_warnings = self._result_warnings()
        if self.loop.keep_best_solver_state:
            self.loop.return_to_best_epoch()
            self.estimator._training_state, self.estimator.t_ = self.get_state(), self.loop.n_samples_seen
        return result_warnings

    def _result_warnings(self) -> list[Warning]:
        estimator = self.estimator
        result_warnings: list[Warning] = []
        if not self.incremental or estimator.stopped_by_ == "early_stopping":
            result_warnings += self._no_score_warnings()
        if self._schedule_has_ended and not self._schedule_had_ended:
            result_warnings.append(schedule_end_warning(estimator))
        if not self.incremental:
            should_have_converged = not (self.loop.completes or self._has_chosen_epochs)
            is_cut_short = estimator.stopped_by_ == "max_iter" and should_have_converged
            max_epochs = self._max_iter if is_cut_short else None
            result_warnings += stochastic_convergence_warnings(estimator, self.objective, max_epochs)
        return result_warnings + self._small_batch_warnings()

    def _small_batch_warnings(self) -> list[Warning]:
        """Warn of batches that are too small for batch normalisation, unless `fit` has no more rows."""
        batches = self.loop.batches
        n_rows = int(np.diff(batches.bounds).min())
        enough = MIN_NORMALIZED_ROWS if self.incremental else min(MIN_NORMALIZED_ROWS, batches.bounds[-1])
        if n_rows >= enough or not self.estimator._network.views.scales:
            return []
        cause = "this call of partial_fit has" if self.incremental else f"batch_size={batches.batch_size} makes"
        message = (
            f"batch_norm=True normalises by the mean and the variance of each mini-batch, and {cause} batches of "
            f"{n_rows} row(s). Expected at least {MIN_NORMALIZED_ROWS}: pass more rows at a time, or set "
            "batch_norm=False."
        )
        return [UserWarning(message)]


class LBFGSTraining(Training):
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
        super().__init__(estimator, lbfgs.objective, lbfgs.monitor)
        self.lbfgs, self.max_iter = lbfgs, max_iter
        self._outcome: OptimizationResult | None = None
        self._n_continued = estimator._n_epochs if self._continues_first_training else 0
        self._n_before = estimator._n_epochs - self._n_continued
        if self._n_before:
            self._compare_with_start()

    def _run_solver(self) -> str:
        self._outcome = self.lbfgs.run(self.max_iter)
        return self._outcome.stopped_by

    def _restore_usable_parameters(self, interrupt: KeyboardInterrupt) -> None:
        if self._has_best_score:
            self.monitor.restore_best()

    def _set_attributes(self, stopped_by: str | None) -> None:
        estimator, outcome = self.estimator, self._outcome
        estimator._training_state, estimator.stopped_by_ = None, stopped_by
        estimator.n_iter_ = self._n_epochs_run
        losses = estimator.loss_curve_[-estimator.n_iter_ :] if estimator.n_iter_ else []
        self._set_losses(min(losses, default=math.inf))
        if outcome is not None:
            estimator.n_iter_ = outcome.n_iter + self._n_continued
            self._set_losses(outcome.loss)
            estimator.loss_ = outcome.loss
        print_end(estimator)

    def _finish(self) -> list[Warning]:
        if self.monitor.use_score:
            self.monitor.restore_best()
        outcome = self._outcome
        is_cut_short = outcome is not None and not (outcome.converged or self._has_chosen_epochs)
        unconverged = outcome if is_cut_short else None
        convergence_warnings = lbfgs_convergence_warnings(self.estimator, self.objective, unconverged)
        return self._no_score_warnings() + convergence_warnings


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


def _monitored_value(estimator: Any, validation_set: CheckedData | None) -> str:
    """Return a name of the value that early stopping compares: another validation set gives another name."""
    if not estimator.early_stopping or validation_set is None:
        return "training loss"
    scoring = "a function" if callable(estimator.scoring) else str(estimator.scoring)
    return f"{scoring} on {validation_set.digest()}"
