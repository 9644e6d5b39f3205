"""A figure of the activations of each hidden layer, as histograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.displays.matplotlib_support import COLOURS, SingleAxesDisplay
from skneural.inspection.units.unit_statistics import activation_bin_edges, nonzero_density
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]


class UnitActivityDisplay(SingleAxesDisplay):
    """Histograms of the activations of each hidden layer, on a common axis.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    activations : sequence of ndarray of shape (n_rows, n_units)
        Activations of each hidden layer.
    names : sequence of str
        Names of the layers.
    n_bins : int, default=60
        Number of bins in each histogram.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Edges of the bins. At most 0.1 % of the activations lie outside, at each end.
    densities : ndarray of shape (n_layers, n_bins)
        Histograms of the activations that are not exactly zero; each integrates to at most 1.
    means, stds : ndarray of shape (n_layers,)
        Mean and standard deviation of the activations.
    zero_fractions : ndarray of shape (n_layers,)
        Fraction of the activations that are exactly zero. They are not in the histogram, which they would dominate.
    n_always_zero, n_units : ndarray of shape (n_layers,), int
        Number of units that are exactly zero on every row, and of all units. With ReLU these are the dead units.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.inspection import UnitActivityDisplay
    >>> display = UnitActivityDisplay([np.array([[0.0, 1.0], [0.0, 2.0]])], ["only layer"])
    >>> display.means, display.zero_fractions, display.n_always_zero
    (array([0.75]), array([0.5]), array([1]))
    """

    def __init__(self, activations: Sequence[Array], names: Sequence[str], *, n_bins: int = 60):
        self.names = list(names)
        self.edges = activation_bin_edges(activations, n_bins)
        self.densities = np.array([nonzero_density(A, self.edges) for A in activations])
        self.means = np.array([A.mean(dtype=np.float64) for A in activations])
        self.stds = np.array([A.std(dtype=np.float64) for A in activations])
        self.zero_fractions = np.array([np.mean(A == 0) for A in activations])
        self.n_always_zero = np.array([np.sum(~A.any(axis=0)) for A in activations])
        self.n_units = np.array([A.shape[1] for A in activations])

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, n_bins: int = 60, ax: Any = None) -> Self:
        """Draw the activations of a fitted network on some rows.

        Parameters
        ----------
        estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
            Fitted.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, as for `predict`. A few thousand rows are enough.
        n_bins : int, default=60
            Number of bins in each histogram.
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : UnitActivityDisplay
        """
        network, X = unwrap(estimator, X)
        names = [f"layer {i}: {activation}" for i, activation in enumerate(network.activations_)]
        if not names:
            no_units = "There are no hidden units to show: hidden_layer_sizes is empty."
            raise ValueError(f"{no_units} Expected at least one hidden layer.")
        hidden_activations = [network.hidden_features(X, i) for i in range(len(names))]
        return cls(hidden_activations, names, n_bins=n_bins).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw one histogram per layer, the first layer at the bottom. Each histogram has its own vertical scale.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : UnitActivityDisplay
            This display.
        """
        n_layers = len(self.names)
        ax = self._set_axes(ax, width=7.0, height=1.4 + 0.9 * n_layers)
        ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        for i in range(n_layers):
            self._plot_layer(i)
        ax.spines[["left", "right", "top"]].set_visible(False)
        ax.set(xlim=(self.edges[0], self.edges[-1]), ylim=(-0.1, n_layers), yticks=[], xlabel="activation")
        ax.set_title("Activations of each hidden layer")
        ax.locator_params(axis="x", nbins=5)  # the text on the right leaves little room
        return self

    def _plot_layer(self, i: int) -> None:
        heights = i + 0.6 * self.densities[i] / (self.densities[i].max() or 1)
        self.ax_.stairs(heights, self.edges, baseline=i, fill=True, color=COLOURS[0], alpha=0.35)
        self.ax_.stairs(heights, self.edges, baseline=i, color=COLOURS[0])
        self.ax_.plot([self.means[i]] * 2, [i, i + 0.6], color=COLOURS[1], linewidth=1.5)
        text_style = {"transform": self.ax_.get_yaxis_transform(), "fontsize": "small", "va": "center"}
        self.ax_.text(0.0, i + 0.78, self.names[i], **text_style)
        self.ax_.text(1.02, i + 0.3, self._statistics_text(i), **text_style)

    def _statistics_text(self, i: int) -> str:
        zero = f"\nexactly 0: {self.zero_fractions[i]:.0%}" if self.zero_fractions[i] else ""
        always = f"\non every row: {self.n_always_zero[i]} of {self.n_units[i]} units" if self.n_always_zero[i] else ""
        return f"mean {self.means[i]:.3g}, std {self.stds[i]:.3g}{zero}{always}"
