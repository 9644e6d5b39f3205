"""When units died, as a picture."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.displays.matplotlib_support import axes, whole_numbers
from skneural.inspection.units.monitor import NetworkMonitor

Array = NDArray[Any]

USUAL = (0.1, 0.2)  # share of dead units that a trained ReLU network usually has


class DeadUnitsDisplay:
    """Share of dead units by epoch, a line for each hidden layer.

    It is recommended to use :meth:`from_monitor`.

    Parameters
    ----------
    epochs : ndarray of shape (n_reports,), int
        Epochs after which units were counted; 0 is before training.
    shares : ndarray of shape (n_reports, n_layers)
        Share of each layer's units that are dead.
    names : list of str
        Names of the layers.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.inspection import DeadUnitsDisplay
    >>> display = DeadUnitsDisplay(np.arange(3), np.array([[0.0], [0.1], [0.6]]), ["layer 0"]).plot()
    >>> display.ax_.get_ylabel()
    'dead units'
    """

    def __init__(self, epochs: Array, shares: Array, names: list[str]):
        self.epochs = epochs
        self.shares = shares
        self.names = names

    @classmethod
    def from_monitor(cls, monitor: NetworkMonitor, *, name: str | None = None, ax: Any = None) -> Self:
        """Draw what a monitor has recorded.

        Parameters
        ----------
        monitor : NetworkMonitor
            After `fit`.
        name : str, default=None
            Added to the labels of the lines, so that several fits can share one picture.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : DeadUnitsDisplay
        """
        if not monitor.reports:
            raise ValueError(
                "The monitor has recorded nothing yet. Fit an estimator with it: estimator.set_callbacks(monitor)."
            )
        prefix = "" if name is None else f"{name}, "
        names = [f"{prefix}layer {layer.layer}: {layer.activation}" for layer in monitor.reports[0].layers]
        return cls(np.array(monitor.epochs), monitor.dead, names).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the lines; a band shows the share that is usual in a trained network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : DeadUnitsDisplay
            Itself.
        """
        fresh = ax is None
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        if fresh:
            ax.axhspan(*USUAL, color="0.92", zorder=0, label="usual in a trained ReLU network")
        for shares, name in zip(self.shares.T, self.names, strict=True):
            ax.plot(self.epochs, shares, marker="." if len(self.epochs) < 40 else None, label=name)
        ax.set(xlabel="epoch", ylabel="dead units", ylim=(-0.02, 1.02), title="Dead units by epoch")
        ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        whole_numbers(ax.xaxis)
        ax.legend(fontsize="small")
        return self
