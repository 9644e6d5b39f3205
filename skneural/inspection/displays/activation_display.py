"""A figure of an activation: its value and its local gradient."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skneural.activations import ACTIVATIONS, Activation
from skneural.component import resolve
from skneural.custom_component_checks import check_activation
from skneural.inspection.displays.matplotlib_support import SingleAxesDisplay, draw_zero_lines
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]
Interval = tuple[float, float]

FLAT_GRADIENT = 0.01  # where the local gradient is smaller, a unit passes almost no gradient


class ActivationDisplay(SingleAxesDisplay):
    """Value and local gradient of an activation, over the pre-activation.

    It is recommended to use :meth:`from_activation` or :meth:`from_estimator`.

    Parameters
    ----------
    z : ndarray of shape (n_points,)
        Pre-activations.
    values, derivatives : ndarray of shape (n_points, n_curves)
        Value and local gradient at each pre-activation. There is one curve, or one per unit if each unit has learned a
        slope of its own.
    name : str
        Title of the figure.

    Attributes
    ----------
    flat : ndarray of shape (n_points,), bool
        Where the local gradient of every curve is below 0.01. A unit hardly learns there.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Notes
    -----
    An activation with several pieces, such as Maxout, has no single pre-activation. Each piece is then shown as a
    linear function of z, with slopes evenly spaced from -1 to 1. With two pieces, the result is the absolute value.

    Examples
    --------
    >>> from skneural.inspection import ActivationDisplay
    >>> display = ActivationDisplay.from_activation("elu", interval=(-3, 3))
    >>> float(display.values.min().round(2))
    -0.95
    """

    def __init__(self, z: Array, values: Array, derivatives: Array, *, name: str):
        self.z, self.name = z, name
        self.values, self.derivatives = values, derivatives

    @classmethod
    def from_activation(
        cls, activation: str | Activation, *, interval: Interval = (-5.0, 5.0), n_points: int = 1001, ax: Any = None
    ) -> Self:
        """Draw an activation with its initial parameters.

        Parameters
        ----------
        activation : str or Activation
            A name or an object, also one of your own.
        interval : tuple of float, default=(-5, 5)
            Smallest and largest pre-activation.
        n_points : int, default=1001
            Number of pre-activations, evenly spaced.
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : ActivationDisplay
        """
        activation = resolve(activation, ACTIVATIONS, "activation")
        check_activation(activation)
        z = np.linspace(*interval, n_points)
        return cls(z, *_curves(activation, z, activation.init_params(1)), name=str(activation)).plot(ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, layer: int = 0, interval: Interval = (-5.0, 5.0), n_points: int = 1001, ax: Any = None
    ) -> Self:
        """Draw the activation of a fitted hidden layer, with the slopes that it has learned.

        Parameters
        ----------
        estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
            Fitted.
        layer : int, default=0
            Number of the hidden layer; -1 is the last.
        interval : tuple of float, default=(-5, 5)
            Smallest and largest pre-activation.
        n_points : int, default=1001
            Number of pre-activations, evenly spaced.
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : ActivationDisplay
        """
        network, _ = unwrap(estimator)
        n_hidden = len(network.activations_)
        if not -n_hidden <= layer < n_hidden:
            raise ValueError(f"layer must be the number of one of the {n_hidden} hidden layers. Got {layer!r} instead.")
        activation, activation_params = network.activations_[layer], network.slopes_[layer].astype(np.float64)
        z = np.linspace(*interval, n_points)
        name = f"hidden layer {layer % n_hidden}: {activation}"
        return cls(z, *_curves(activation, z, activation_params), name=name).plot(ax)

    @property
    def flat(self) -> Array:
        """Where the local gradient of every curve is below 0.01."""
        return np.abs(self.derivatives).max(axis=1) < FLAT_GRADIENT

    def plot(self, ax: Any = None) -> Self:
        """Draw the curves; of several curves, draw the median and the range.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : ActivationDisplay
            This display.
        """
        ax = self._set_axes(ax)
        draw_zero_lines(ax, "0.8")
        self._plot_curves(self.values, "value", "#0072B2", "solid")
        self._plot_curves(self.derivatives, "local gradient", "#D55E00", "dashed")
        if self.flat.any():
            self._shade_flat_intervals(f"gradient below {FLAT_GRADIENT:g}")
        ax.set(title=self.name, xlabel="pre-activation z", xlim=(self.z[0], self.z[-1]))
        ax.legend(fontsize="small")
        return self

    def _plot_curves(self, curves: Array, label: str, color: str, linestyle: str) -> None:
        if curves.shape[1] > 1:
            label = f"{label}: median and range of {curves.shape[1]} units"
            self.ax_.fill_between(self.z, curves.min(axis=1), curves.max(axis=1), color=color, alpha=0.2, linewidth=0)
        self.ax_.plot(self.z, np.median(curves, axis=1), color=color, linestyle=linestyle, linewidth=2, label=label)

    def _shade_flat_intervals(self, label: str) -> None:
        full_height = {"transform": self.ax_.get_xaxis_transform()}
        self.ax_.fill_between(self.z, 0, 1, where=self.flat, color="0.92", zorder=-1, label=label, **full_height)


def _curves(activation: Activation, z: Array, activation_params: Array) -> tuple[Array, Array]:
    """Return value and derivative at z, each of shape (n_points, n_units)."""
    n_units, n_pieces = max(activation_params.size, 1), activation.n_pieces
    piece_slopes = np.linspace(-1, 1, n_pieces) if n_pieces > 1 else np.ones(1)
    Z = z[:, None] * np.repeat(piece_slopes, n_units)
    learned_slopes = (activation_params,) if activation_params.size else ()
    A = np.asarray(activation.forward(Z, *learned_slopes))
    dZ = np.asarray(activation.backward(np.ones_like(A), Z, A, *learned_slopes)) * np.repeat(piece_slopes, n_units)
    return A, dZ.reshape(len(z), n_pieces, n_units).sum(axis=1)
