"""A callback that watches the hidden units while an estimator is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import resample

from skneural.inspection.table import aligned, frame
from skneural.inspection.unit_report import UnitReport, unit_report

Array = NDArray[Any]


class NetworkMonitor:
    """Records a unit report on a probe set before training and after each epoch, to show when units die.

    For scikit-learn's callback protocol (since 1.9): ``estimator.set_callbacks(monitor).fit(X, y)``. A new `fit`
    begins a new record; `partial_fit` and `warm_start` go on with it. What is recorded stays in the process that
    trains: in a search with ``n_jobs``, other processes keep theirs.

    Parameters
    ----------
    X : array-like or None, default=None
        Probe set, as the estimator sees it (in a Pipeline, after the other steps); None takes 500 of the training rows.
    y : array-like or None, default=None
        Targets of the probe set; without them, gradients are not recorded.
    every : int, default=1
        Epochs between two reports.

    Attributes
    ----------
    epochs : list of int
        Epochs after which a report was made; 0 is before training.
    reports : list of UnitReport

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import NetworkMonitor
    >>> X, y = load_digits(return_X_y=True)
    >>> model = ActivationMLPClassifier(learning_rate_init=1.0, max_iter=5, random_state=0)
    >>> monitor = NetworkMonitor()
    >>> _ = model.set_callbacks(monitor).fit(X, y)  # doctest: +SKIP
    >>> print(monitor)  # doctest: +SKIP
    """

    def __init__(self, X: Any = None, y: Any = None, every: int = 1):
        self.X, self.y, self.every = X, y, every
        self.epochs: list[int] = []
        self.reports: list[UnitReport] = []

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing: part of the protocol."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing: part of the protocol."""

    def on_fit_task_begin(self, estimator: Any, context: Any, *, X: Any = None, y: Any = None) -> None:
        """Begin a new record, unless training goes on from where this one ended."""
        if context.parent is not None and context.task_name == "epoch":
            return
        n_epochs = len(estimator.loss_curve_)
        if not (self.epochs and n_epochs and self.epochs[-1] <= n_epochs):
            self.epochs, self.reports = [], []
            self._record(estimator, 0, X)

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, fitted_estimator: Any = None
    ) -> None:
        """Record the epoch that has ended."""
        epoch = len(fitted_estimator.loss_curve_)
        if context.task_name == "epoch" and epoch % self.every == 0:
            self._record(fitted_estimator, epoch, X)

    def _record(self, estimator: Any, epoch: int, X: Any) -> None:
        probe = self.X if self.X is not None else resample(X, replace=False, n_samples=min(500, _n(X)), random_state=0)
        self.epochs.append(epoch)
        self.reports.append(unit_report(estimator, probe, self.y))

    @property
    def dead(self) -> Array:
        """Share of dead units, of shape (n_reports, n_hidden_layers)."""
        return np.array([[layer.dead for layer in report.layers] for report in self.reports])

    def died_at(self, layer: int) -> Array:
        """Return for each unit of a hidden layer the epoch from which on it is dead; -1 for units that live at the end.

        Parameters
        ----------
        layer : int
            Number of the hidden layer, from 0.
        """
        n_units = self.reports[0].layers[layer].n_units
        died = np.full(n_units, -1)
        for epoch, report in zip(self.epochs, self.reports, strict=True):
            dead = np.zeros(n_units, bool)
            dead[report.layers[layer].dead_units] = True
            died = np.where(dead, np.where(died < 0, epoch, died), -1)
        return died

    @property
    def deaths(self) -> list[str]:
        """A sentence for each epoch and layer in which units died for good."""
        sentences = []
        for layer in range(len(self.reports[0].layers)):
            died = self.died_at(layer)
            for epoch, count in zip(*np.unique(died[died >= 0], return_counts=True), strict=True):
                when = "before training" if epoch == 0 else f"in epoch {epoch}"
                sentences.append(f"Layer {layer}: {count} of {len(died)} units died {when}.")
        return sentences

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per report and hidden layer."""
        return frame(
            [
                {"epoch": epoch, **layer.to_dict()}
                for epoch, report in zip(self.epochs, self.reports, strict=True)
                for layer in report.layers
            ]
        )

    def __str__(self) -> str:
        if not self.reports:
            return "NetworkMonitor: nothing recorded yet"
        header = ["epoch", *(f"dead in layer {layer.layer}" for layer in self.reports[0].layers)]
        rows = [
            [f"{epoch}", *(f"{share:.0%}" for share in shares)]
            for epoch, shares in zip(self.epochs, self.dead, strict=True)
        ]
        return "\n".join([aligned(header, rows), *self.deaths, *self.reports[-1].advice])


def _n(X: Any) -> int:
    return X.shape[0] if hasattr(X, "shape") else len(X)
