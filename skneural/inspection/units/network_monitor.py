"""A callback that records a unit report after each epoch of training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import resample

from skneural.constraints import POSITIVE_INT
from skneural.inspection.text_tables import bullet_list, data_frame, text_table
from skneural.inspection.units.unit_report import UnitReport, unit_report
from skneural.inspection.unwrapping import final_estimator

Array = NDArray[Any]

MONITORED_ROWS = 500  # of the training data, if no rows are given


class NetworkMonitor:
    """Record a unit report before training and after each epoch, to see when units die.

    This is one of scikit-learn's callbacks (since scikit-learn 1.9):
    ``estimator.set_callbacks(monitor).fit(X, y)``. Each `fit` starts a new record; `partial_fit`, and `fit` with
    ``warm_start=True``, continue the record. In a search with `n_jobs`, only the final fit is recorded, because the
    other fits run in other processes.

    Parameters
    ----------
    X : array-like or None, default=None
        Rows for the reports, as the network receives them: in a Pipeline, after the other steps. None uses 500 of the
        training rows.
    y : array-like or None, default=None
        Targets of these rows. Without them, the reports contain no gradients.
    every : int, default=1
        Number of epochs between two reports.

    Attributes
    ----------
    epochs : list of int
        Epochs after which a report was made; 0 is before training.
    reports : list of UnitReport
        One report per entry of `epochs`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import NetworkMonitor
    >>> X, y = load_digits(return_X_y=True)
    >>> model = ActivationMLPClassifier(learning_rate_init=0.1, max_iter=3, random_state=0)
    >>> monitor = NetworkMonitor()
    >>> model.set_callbacks(monitor).fit(X, y)  # doctest: +SKIP
    >>> print(monitor.deaths)  # doctest: +SKIP
    ['Layer 0: 88 of 100 units died in epoch 1.', 'Layer 0: 3 of 100 units died in epoch 3.']
    """

    def __init__(self, X: Any = None, y: Any = None, every: int = 1):
        self.X, self.y, self.every = X, y, every
        self.epochs: list[int] = []
        self.reports: list[UnitReport] = []

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that the estimator is a network and that `every` is a positive int."""
        if not POSITIVE_INT.is_satisfied_by(self.every):
            raise ValueError(f"every must be {POSITIVE_INT}. Got {self.every!r} instead.")
        if final_estimator(estimator) is not estimator:
            advice = "A NetworkMonitor must be set on the network itself, such as pipeline[-1].set_callbacks(monitor)."
            raise TypeError(f"{advice} Got a {type(estimator).__name__}.")

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing; scikit-learn's callback protocol requires this method."""

    def on_fit_task_begin(self, estimator: Any, context: Any, *, X: Any = None) -> None:
        """Start a new record, unless training continues where this record ends."""
        continues = estimator._n_epochs and self.epochs and self.epochs[-1] <= estimator._n_epochs
        if context.task_name != "epoch" and not continues:
            self.epochs, self.reports = [], []
            self._record_epoch(estimator, X)

    def on_fit_task_end(self, estimator: Any, context: Any, *, X: Any = None, fitted_estimator: Any = None) -> None:
        """Record the epoch that has ended."""
        if context.task_name == "epoch" and fitted_estimator._n_epochs % self.every == 0:
            self._record_epoch(fitted_estimator, X)

    def _record_epoch(self, estimator: Any, X: Any) -> None:
        monitored_rows = _draw_rows(X) if self.X is None else self.X
        self.epochs.append(estimator._n_epochs)
        self.reports.append(unit_report(estimator, monitored_rows, self.y))

    @property
    def dead(self) -> Array:
        """Fraction of dead units, an array of shape (n_reports, n_hidden_layers)."""
        return np.array([[layer.dead for layer in report.layers] for report in self.reports])

    def died_at(self, layer: int) -> Array:
        """Return, for each unit of a hidden layer, the epoch in which it died; -1 if it is alive at the end.

        Parameters
        ----------
        layer : int
            Number of the hidden layer, from 0.

        Returns
        -------
        epochs : ndarray of int of shape (n_units,)
            The first epoch of the last stretch in which the unit was dead.
        """
        died_at = np.full(self.reports[0].layers[layer].n_units, -1)
        for epoch, report in zip(self.epochs, self.reports, strict=True):
            is_dead = np.isin(np.arange(len(died_at)), report.layers[layer].dead_units)
            died_at = np.where(is_dead, np.where(died_at < 0, epoch, died_at), -1)
        return died_at

    @property
    def deaths(self) -> list[str]:
        """A sentence for each layer and epoch in which units died and did not come back."""
        n_layers = len(self.reports[0].layers) if self.reports else 0
        return [sentence for layer in range(n_layers) for sentence in _deaths_of_layer(layer, self.died_at(layer))]

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per report and hidden layer."""
        reports = zip(self.epochs, self.reports, strict=True)
        return data_frame([{"epoch": epoch, **layer.to_dict()} for epoch, report in reports for layer in report.layers])

    def __str__(self) -> str:
        if not self.reports:
            return "NetworkMonitor: nothing recorded yet"
        parts = [self._table_of_dead_units(), *self.deaths, bullet_list(self.reports[-1].recommendations)]
        return "\n".join(parts).rstrip()

    def _table_of_dead_units(self) -> str:
        """Return the fractions of dead units in the first and the last epoch, and in those that changed something."""
        header = ["epoch", *(f"dead in layer {layer.layer}" for layer in self.reports[0].layers)]
        dead_cells = [[f"{fraction:.0%}" for fraction in fractions] for fractions in self.dead]
        last = len(dead_cells) - 1
        shown = [i for i in range(last + 1) if i in (0, last) or dead_cells[i] != dead_cells[i - 1]]
        return text_table(header, [[str(self.epochs[i]), *dead_cells[i]] for i in shown])


def _deaths_of_layer(layer: int, died_at: Array) -> Iterator[str]:
    for epoch, count in zip(*np.unique(died_at[died_at >= 0], return_counts=True), strict=True):
        when = f"died in epoch {epoch}" if epoch else "were dead before training"
        yield f"Layer {layer}: {count} of {len(died_at)} units {when}."


def _draw_rows(X: Any) -> Any:
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    return resample(X, replace=False, n_samples=min(MONITORED_ROWS, n_rows), random_state=0)
