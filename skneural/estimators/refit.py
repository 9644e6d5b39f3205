"""Which trainings a `fit` makes: one until early stopping, and a refit on all rows, if `early_stopping` asks for it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skneural.estimators.builder import TrainingBuilder
from skneural.estimators.checked_data import CheckedData
from skneural.estimators.cross_validation import is_best_epoch_uncertain, start_cross_validation
from skneural.estimators.epoch_printer import EpochPrinter
from skneural.estimators.hyperparameters import TRAINS_TWICE
from skneural.estimators.sklearn_callbacks import CallbackAdapter
from skneural.estimators.training import LBFGSTraining, StochasticTraining, Training
from skneural.estimators.validation_set import ValidationScorer
from skneural.network import TrainingRows


class TrainingSetup:
    """What all trainings of one `fit` or `partial_fit` use.

    Parameters
    ----------
    builder : TrainingBuilder
    data : CheckedData
        All training rows, those held out included.
    rng : RandomState
    incremental : bool
        Whether the call is one of `partial_fit`, which makes one epoch.

    Attributes
    ----------
    callbacks : list of CallbackAdapter
        One, if the estimator has callbacks; else none.
    """

    def __init__(self, builder: TrainingBuilder, data: CheckedData, rng: np.random.RandomState, incremental: bool):
        self.builder, self.data, self.rng, self.incremental = builder, data, rng, incremental
        self.callbacks: list[CallbackAdapter] = []
        self._first_rng_state = rng.get_state()

    def restart_rng(self) -> None:
        """Return the random generator to its first state."""
        self.rng.set_state(self._first_rng_state)

    def start_anew(self, estimator: Any) -> None:
        """Give the estimator a new network and an empty history."""
        estimator._set_network(estimator._new_network(self.builder, self.data, self.rng))


def run_trainings(
    estimator: Any,
    setup: TrainingSetup,
    early_stopping: bool | str,
    rows: TrainingRows,
    validate: ValidationScorer | None,
) -> list[Warning]:
    """Train the estimator's network, on all rows in the end if `early_stopping` asks for it.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With a network to start from.
    setup : TrainingSetup
    early_stopping : bool or str
        As the estimator's parameter; True with a validation set of the user's own.
    rows : TrainingRows
        Those to train on until early stopping.
    validate : ValidationScorer or None

    Returns
    -------
    warnings : list of Warning
        Those that the result deserves.
    """
    result_warnings = _run_training(estimator, setup, rows, validate, None if setup.incremental else estimator.max_iter)
    refits = early_stopping in TRAINS_TWICE and estimator.stopped_by_ != "callback"
    if refits and early_stopping == "auto" and is_best_epoch_uncertain(estimator, setup.builder, setup.data):
        return run_trainings(estimator, setup, "cross_validation", *_restart_with_cross_validation(estimator, setup))
    temperature = 1.0 if validate is None else estimator._best_temperature(validate)
    if refits:
        # The first training need not have converged; other warnings hold for the second too.
        result_warnings = [each for each in result_warnings if not isinstance(each, ConvergenceWarning)]
        result_warnings += _train_on_all_rows(estimator, setup, continues=early_stopping in ("auto", "continue"))
    estimator._set_temperature(temperature)
    return result_warnings


def _run_training(
    estimator: Any, setup: TrainingSetup, rows: TrainingRows, validate: ValidationScorer | None, n_epochs: int | None
) -> list[Warning]:
    """Train the present network, for an epoch of `partial_fit` if there is no number of epochs."""
    callbacks = [EpochPrinter(), *setup.callbacks] if estimator.verbose else setup.callbacks
    monitoring = {"validate": validate, "callbacks": callbacks, "record": estimator._record_epoch}
    if estimator.solver == "lbfgs":
        lbfgs = setup.builder.build_lbfgs(estimator._network, estimator._loss, rows, **monitoring)
        training: Training = LBFGSTraining(estimator, lbfgs, estimator.max_iter if n_epochs is None else n_epochs)
    else:
        loop = setup.builder.build_training_loop(estimator._network, estimator._loss, rows, setup.rng, **monitoring)
        training = StochasticTraining(estimator, loop, n_epochs, None if validate is None else validate.data)
    for adapter in setup.callbacks:
        adapter.get_training_state = training.get_state
    return training.run()


def _restart_with_cross_validation(estimator: Any, setup: TrainingSetup) -> tuple[TrainingRows, ValidationScorer]:
    """Start anew with several networks; return the rows for the estimator's network, and what validates them all."""
    if estimator.verbose:
        print(f"The best epoch was {estimator._best_epoch()}, but the rows are few: several networks look for it anew.")
    setup.restart_rng()
    setup.builder.keeps_best_solver_state = False
    setup.start_anew(estimator)
    return start_cross_validation(estimator, setup.builder, setup.data, setup.rng)


def _train_on_all_rows(estimator: Any, setup: TrainingSetup, continues: bool) -> list[Warning]:
    """Go on from the best epoch for half as many epochs, or train anew for as many as were best."""
    best_epoch = estimator._best_epoch()
    n_epochs = math.ceil(best_epoch / 2) if continues else best_epoch  # half: docs/tabular.md, what was tried
    if estimator.verbose:
        how = "training goes on from there" if continues else "training anew"
        print(f"The best epoch was {best_epoch}: {how}, on all rows, for {n_epochs} epochs.")
    if continues:
        estimator._return_history_to(best_epoch)
    else:
        setup.start_anew(estimator)
    setup.builder.n_iter_no_change = np.inf  # the number is chosen: no other rule ends this training
    return _run_training(estimator, setup, setup.data.training_rows(), None, n_epochs)
