"""A callback that watches the hidden units while an estimator is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import resample

from skneural.constraints import POSITIVE_INT
from skneural.inspection.table import aligned, frame, wrapped
from skneural.inspection.units.report import UnitReport, unit_report
from skneural.inspection.unwrapping import network_of

Array = NDArray[Any]

N_ROWS = 500  # of the training data, where no probe set is given


class NetworkMonitor:
    """Records a unit report on a probe set before training and after each epoch, to show when units die.

    For scikit-learn's callbacks (since 1.9): ``estimator.set_callbacks(monitor).fit(X, y)``. A new `fit` begins a new
    record; `partial_fit` and ``warm_start=True`` go on with it. What is recorded stays in the process that trains: in a
    search with `n_jobs`, that of the final fit comes back.

    Parameters
    ----------
    X : array-like or None, default=None
        Probe set, as the network gets it (in a Pipeline, after the other steps); None takes 500 of the training rows.
    y : array-like or None, default=None
        Targets of the probe set; without, there are no gradients in the reports.
    every : int, default=1
        Epochs from one report to the next.

    Attributes
    ----------
    epochs : list of int
        Epochs after which a report was made; 0 is before training.
    reports : list of UnitReport
        One per entry of `epochs`.

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
        """Refuse what is not a network, and an interval that is none."""
        if not (allowed := POSITIVE_INT).is_satisfied_by(self.every):
            raise ValueError(f"every must be {allowed}. Got {self.every!r} instead.")
        if network_of(estimator) is not estimator:
            raise TypeError(
                "A NetworkMonitor is to be set on the network itself, such as pipeline[-1].set_callbacks(monitor). "
                f"Got a {type(estimator).__name__}."
            )

    def teardown(self, estimator: Any, context: Any) -> None:
        """Do nothing; part of the protocol."""

    def on_fit_task_begin(self, estimator: Any, context: Any, *, X: Any = None) -> None:
        """Begin a new record, unless training goes on from where this one ends."""
        n_epochs = estimator._n_epochs
        begins = not (n_epochs and self.epochs and self.epochs[-1] <= n_epochs)
        if context.task_name != "epoch" and begins:
            self.epochs, self.reports = [], []
            self._record(estimator, n_epochs, X)

    def on_fit_task_end(self, estimator: Any, context: Any, *, X: Any = None, fitted_estimator: Any = None) -> None:
        """Record the epoch that has ended."""
        epoch = fitted_estimator._n_epochs
        if context.task_name == "epoch" and epoch % self.every == 0:
            self._record(fitted_estimator, epoch, X)

    @property
    def dead(self) -> Array:
        """Share of dead units, of shape (n_reports, n_hidden_layers)."""
        return np.array([[layer.dead for layer in report.layers] for report in self.reports])

    def died_at(self, layer: int) -> Array:
        """Return for each unit of a hidden layer the epoch since which it is dead; -1 for those that live at the end.

        Parameters
        ----------
        layer : int
            Number of the hidden layer, from 0.

        Returns
        -------
        epochs : ndarray of int of shape (n_units,)
            Unit by unit.
        """
        died = np.full(self.reports[0].layers[layer].n_units, -1)
        for epoch, report in zip(self.epochs, self.reports, strict=True):
            dead = np.isin(np.arange(len(died)), report.layers[layer].dead_units)
            died = np.where(dead, np.where(died < 0, epoch, died), -1)
        return died

    @property
    def deaths(self) -> list[str]:
        """A sentence for each layer and epoch in which units died for good."""
        n_layers = len(self.reports[0].layers) if self.reports else 0
        return [
            f"Layer {layer}: {count} of {len(died)} units {'died in epoch ' + str(epoch) if epoch else 'never lived'}."
            for layer, died in ((layer, self.died_at(layer)) for layer in range(n_layers))
            for epoch, count in zip(*np.unique(died[died >= 0], return_counts=True), strict=True)
        ]

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per report and hidden layer."""
        reports = zip(self.epochs, self.reports, strict=True)
        return frame([{"epoch": epoch, **layer.to_dict()} for epoch, report in reports for layer in report.layers])

    def __str__(self) -> str:
        if not self.reports:
            return "NetworkMonitor: nothing recorded yet"
        header = ["epoch", *(f"dead in layer {layer.layer}" for layer in self.reports[0].layers)]
        lines = [[f"{share:.0%}" for share in shares] for shares in self.dead]
        changes = [i for i in range(len(lines)) if i in (0, len(lines) - 1) or lines[i] != lines[i - 1]]
        rows = [[str(self.epochs[i]), *lines[i]] for i in changes]
        return "\n".join([aligned(header, rows), *self.deaths, wrapped(self.reports[-1].advice)]).rstrip()

    def _record(self, estimator: Any, epoch: int, X: Any) -> None:
        probe = self.X
        if probe is None:
            n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
            probe = resample(X, replace=False, n_samples=min(N_ROWS, n_rows), random_state=0)
        self.epochs.append(epoch)
        self.reports.append(unit_report(estimator, probe, self.y))
