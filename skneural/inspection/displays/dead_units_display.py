"""A figure of the fraction of dead units by epoch."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.displays.matplotlib_support import SingleAxesDisplay, use_integer_ticks
from skneural.inspection.units.network_monitor import NetworkMonitor

Array = NDArray[Any]

USUAL_DEAD_FRACTION = (0.0, 0.2)  # of the units of a trained ReLU network


class DeadUnitsDisplay(SingleAxesDisplay):
    """Fraction of dead units by epoch, with a line for each hidden layer.

    It is recommended to use :meth:`from_monitor`.

    Parameters
    ----------
    epochs : ndarray of shape (n_reports,), int
        Epochs after which dead units were counted; 0 is before training.
    fractions : ndarray of shape (n_reports, n_layers)
        Fraction of each layer's units that are dead.
    names : list of str
        Labels of the lines, one per layer.

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

    def __init__(self, epochs: Array, fractions: Array, names: list[str]):
        self.epochs, self.fractions, self.names = epochs, fractions, names

    @classmethod
    def from_monitor(cls, monitor: NetworkMonitor, *, name: str | None = None, ax: Any = None) -> Self:
        """Draw what a monitor has recorded.

        Parameters
        ----------
        monitor : NetworkMonitor
            After `fit`.
        name : str, default=None
            Put before the labels of the lines, to tell several fits in one figure apart.
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : DeadUnitsDisplay
        """
        if not isinstance(monitor, NetworkMonitor):
            raise TypeError(f"monitor must be a NetworkMonitor. Got {type(monitor).__name__} instead.")
        if not monitor.reports:
            how_to_record = "Fit an estimator with it: estimator.set_callbacks(monitor)."
            raise ValueError(f"The monitor has recorded nothing yet. {how_to_record}")
        prefix = "" if name is None else f"{name}, "
        names = [f"{prefix}layer {layer.layer}: {layer.activation}" for layer in monitor.reports[0].layers]
        return cls(np.array(monitor.epochs), monitor.dead, names).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the lines. In a new figure, a grey band shows the fraction that is usual in a trained network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : DeadUnitsDisplay
            This display.
        """
        new_figure = ax is None
        ax = self._set_axes(ax)
        if new_figure:
            ax.axhspan(*USUAL_DEAD_FRACTION, color="0.92", zorder=0, label="usual in a trained ReLU network")
        for dead_fractions, name in zip(self.fractions.T, self.names, strict=True):
            ax.plot(self.epochs, dead_fractions, marker="." if len(self.epochs) < 40 else None, label=name)
        ax.set(xlabel="epoch", ylabel="dead units", ylim=(-0.02, 1.02), title="Dead units by epoch")
        ax.yaxis.set_major_formatter(lambda dead_fraction, _: f"{dead_fraction:.0%}")
        use_integer_ticks(ax.xaxis)
        ax.legend(fontsize="small")
        return self
