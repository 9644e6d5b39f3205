"""A figure of the training and the validation loss by epoch."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skneural.estimators.history import best_scored_epoch
from skneural.inspection.displays.matplotlib_support import SingleAxesDisplay, use_integer_ticks
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]


class LossCurveDisplay(SingleAxesDisplay):
    """Training loss by epoch, and validation loss if there is one.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    training : ndarray of shape (n_epochs,)
        Training loss of each epoch: the mean loss over its batches, plus the penalty.
    validation : ndarray of shape (n_epochs,) or None, default=None
        Mean loss on the validation rows after each epoch, without penalty; NaN after epochs without validation rows.
    best_epoch : int or None, default=None
        The epoch, from 1, with the best validation score. Early stopping kept its weights, or training went on from
        there, on all rows (``early_stopping="continue"``).
    name : str or None, default=None
        Put before the labels of the curves, to tell several networks in one figure apart.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import LossCurveDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ActivationMLPClassifier((8,), learning_rate_init=0.1, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> len(display.training) == model.n_iter_
    True
    """

    def __init__(
        self,
        training: Array,
        validation: Array | None = None,
        *,
        best_epoch: int | None = None,
        name: str | None = None,
    ):
        self.training, self.validation = training, validation
        self.best_epoch, self.name = best_epoch, name

    @classmethod
    def from_estimator(cls, estimator: Any, *, name: str | None = None, ax: Any = None) -> Self:
        """Draw the loss curves of a fitted network.

        Parameters
        ----------
        estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
            Fitted.
        name : str, default=None
            Put before the labels of the curves.
        ax : matplotlib Axes, default=None
            Axes to draw into. Pass the `ax_` of another display to compare. None makes a new figure.

        Returns
        -------
        display : LossCurveDisplay
        """
        network, _ = unwrap(estimator)
        training, validation = np.array(network.loss_curve_), None
        if network.validation_loss_curve_ is not None:
            validation = np.array(network.validation_loss_curve_)
        best_epoch = best_scored_epoch(network.history_) if network.early_stopping else None
        return cls(training, validation, best_epoch=best_epoch, name=name).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curves: training solid, validation dashed in the same colour, the best epoch as a dot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : LossCurveDisplay
            This display.
        """
        ax = self._set_axes(ax)
        color = self._plot_losses(self.training, "training")
        if self.validation is not None:
            self._plot_losses(self.validation, "validation", linestyle="dashed", color=color)
        if self.best_epoch is not None:
            self._plot_best_epoch(self.best_epoch, color)
        ax.set(xlabel="epoch", ylabel="loss", title="Loss by epoch")
        use_integer_ticks(ax.xaxis)
        ax.legend(fontsize="small")
        return self

    def _plot_losses(self, losses: Array, label: str, **style: Any) -> Any:
        """Draw a loss curve, and return its colour."""
        epochs = np.arange(1, len(self.training) + 1)
        (curve,) = self.ax_.plot(epochs, losses, label=self._label(label), **style, **_marker_style(losses))
        return curve.get_color()

    def _plot_best_epoch(self, best_epoch: int, color: Any) -> None:
        losses = self.training if self.validation is None else self.validation
        label = self._label(f"best epoch, {best_epoch}")
        self.ax_.plot(best_epoch, losses[best_epoch - 1], "o", color=color, label=label)

    def _label(self, label: str) -> str:
        return label if self.name is None else f"{self.name}: {label}"


def _marker_style(curve: Array) -> dict[str, Any]:
    """Return the style that draws isolated values as dots: values between two NaN, which a line does not show."""
    known = np.isfinite(np.pad(curve, 1, constant_values=np.nan))
    isolated = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])
    return {"marker": "o", "markevery": isolated.tolist()} if isolated.size else {}
