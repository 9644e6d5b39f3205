"""How active the units of each hidden layer are, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.displays.matplotlib_support import COLOURS, axes
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]

OUTSIDE = 0.1  # per cent of the activations that may lie beyond each end of the picture


class UnitActivityDisplay:
    """Histogram of the activations of each hidden layer, on one common axis.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    activations : sequence of ndarray of shape (n_rows, n_units)
        Activations of each hidden layer.
    names : sequence of str
        Names of the layers.
    n_bins : int, default=60
        Bins of the histograms.

    Attributes
    ----------
    edges : ndarray of shape (n_bins + 1,)
        Edges of the bins. They leave out at most 0.1 % of the activations at each end.
    densities : ndarray of shape (n_layers, n_bins)
        Histograms of the activations that are not exactly zero; each integrates to at most 1.
    means, stds : ndarray of shape (n_layers,)
        Of all activations.
    zero_shares : ndarray of shape (n_layers,)
        Share of activations that are exactly zero, which would hide the rest of the histogram.
    n_dead, n_units : ndarray of shape (n_layers,), int
        Units that are zero on every row, and all units.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.inspection import UnitActivityDisplay
    >>> display = UnitActivityDisplay([np.array([[0.0, 1.0], [0.0, 2.0]])], ["only layer"])
    >>> display.means, display.zero_shares, display.n_dead
    (array([0.75]), array([0.5]), array([1]))
    """

    def __init__(self, activations: Sequence[Array], names: Sequence[str], *, n_bins: int = 60):
        self.names = list(names)
        self.edges = _edges(activations, n_bins)
        self.densities = np.array([_density(A, self.edges) for A in activations])
        self.means = np.array([A.mean(dtype=np.float64) for A in activations])
        self.stds = np.array([A.std(dtype=np.float64) for A in activations])
        self.zero_shares = np.array([np.mean(A == 0) for A in activations])
        self.n_dead = np.array([np.sum(~A.any(axis=0)) for A in activations])
        self.n_units = np.array([A.shape[1] for A in activations])

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, n_bins: int = 60, ax: Any = None) -> Self:
        """Draw the activity of a fitted network on some rows.

        Parameters
        ----------
        estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
            Fitted.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows as `estimator` takes them; some thousand are plenty.
        n_bins : int, default=60
            Bins of the histograms.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : UnitActivityDisplay
        """
        network, X = unwrap(estimator, X)
        if not network.activations_:
            raise ValueError("There is no activity to show: hidden_layer_sizes is empty, expected at least one layer.")
        layers = range(len(network.activations_))
        names = [f"layer {i}: {network.activations_[i]}" for i in layers]
        return cls([network.hidden_features(X, i) for i in layers], names, n_bins=n_bins).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw one histogram per layer, the first layer at the bottom, each to its own height.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : UnitActivityDisplay
            Itself.
        """
        n = len(self.names)
        self.ax_ = ax = axes(ax, 7.0, 1.4 + 0.9 * n)
        self.figure_ = ax.figure
        ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        for i in range(n):
            self._draw(i)
        ax.set_yticks([])
        ax.spines[["left", "right", "top"]].set_visible(False)
        ax.set(xlim=(self.edges[0], self.edges[-1]), ylim=(-0.1, n), xlabel="activation")
        ax.set_title("Activations of each hidden layer")
        ax.locator_params(axis="x", nbins=5)  # beside the figures the axis is short
        return self

    def _draw(self, i: int) -> None:
        tallest = self.densities[i].max()
        heights = i + 0.6 * self.densities[i] / (tallest if tallest > 0 else 1)
        self.ax_.stairs(heights, self.edges, baseline=i, fill=True, color=COLOURS[0], alpha=0.35)
        self.ax_.stairs(heights, self.edges, baseline=i, color=COLOURS[0])
        self.ax_.plot([self.means[i]] * 2, [i, i + 0.6], color=COLOURS[1], linewidth=1.5)
        across = {"transform": self.ax_.get_yaxis_transform(), "fontsize": "small", "va": "center"}
        self.ax_.text(0.0, i + 0.78, self.names[i], **across)
        self.ax_.text(1.02, i + 0.3, self._figures(i), **across)

    def _figures(self, i: int) -> str:
        dead = f"\ndead: {self.n_dead[i]} of {self.n_units[i]} units" if self.n_dead[i] else ""
        zero = f"\nexactly 0: {self.zero_shares[i]:.0%}" if self.zero_shares[i] else ""
        return f"mean {self.means[i]:.2g}, std {self.stds[i]:.2g}{zero}{dead}"


def _edges(activations: Sequence[Array], n_bins: int) -> Array:
    ends = [np.percentile(A[A != 0], [OUTSIDE, 100 - OUTSIDE]) for A in activations if A.any()]
    low, high = (min(0.0, *(end[0] for end in ends)), max(0.0, *(end[1] for end in ends))) if ends else (0.0, 0.0)
    return np.histogram_bin_edges([low, high], n_bins)


def _density(A: Array, edges: Array) -> Array:
    counts, _ = np.histogram(A[A != 0], edges)
    return counts / (max(np.count_nonzero(A), 1) * np.diff(edges))
