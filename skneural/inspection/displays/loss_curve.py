"""The loss by epoch, as a picture."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.displays.matplotlib_support import axes, whole_numbers
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]


class LossCurveDisplay:
    """Training loss, and validation loss if there is one, by epoch.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    training : ndarray of shape (n_epochs,)
        Objective of each epoch: the mean loss over its batches, plus the penalty.
    validation : ndarray of shape (n_epochs,) or None, default=None
        Mean loss on the validation rows after each epoch, without penalty; NaN after epochs without such rows.
    best_epoch : int or None, default=None
        The epoch, from 1, whose weights early stopping kept.
    name : str or None, default=None
        Added to the labels of the curves, so that several can share one picture.

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
        self.training = training
        self.validation = validation
        self.best_epoch = best_epoch
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, *, name: str | None = None, ax: Any = None) -> Self:
        """Draw the loss curves of a fitted network.

        Parameters
        ----------
        estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
            Fitted.
        name : str, default=None
            Added to the labels of the curves.
        ax : matplotlib Axes, default=None
            Where to draw; pass the `ax_` of another display to compare. None makes a new figure.

        Returns
        -------
        display : LossCurveDisplay
        """
        network, _ = unwrap(estimator)
        validation = network.validation_loss_curve_
        return cls(
            np.array(network.loss_curve_),
            None if validation is None else np.array(validation),
            best_epoch=best_epoch(network),
            name=name,
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curves: training solid, validation dashed in the same colour, the best epoch as a dot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : LossCurveDisplay
            Itself.
        """
        self.ax_ = ax = axes(ax)
        self.figure_ = ax.figure
        prefix = "" if self.name is None else f"{self.name}: "
        epochs = np.arange(1, len(self.training) + 1)
        (line,) = ax.plot(epochs, self.training, label=f"{prefix}training", **_dots(self.training))
        judged = self.training
        if self.validation is not None:
            judged, style = self.validation, {"linestyle": "dashed", "color": line.get_color()}
            ax.plot(epochs, judged, label=f"{prefix}validation", **style, **_dots(judged))
        if self.best_epoch is not None:
            at = (self.best_epoch, judged[self.best_epoch - 1])
            ax.plot(*at, "o", color=line.get_color(), label=f"{prefix}weights kept, epoch {self.best_epoch}")
        ax.set(xlabel="epoch", ylabel="loss", title="Loss by epoch")
        whole_numbers(ax.xaxis)
        ax.legend(fontsize="small")
        return self


def _dots(curve: Array) -> dict[str, Any]:
    """Return the style that shows, as dots, the values between two that are not known, where there is no line."""
    known = np.isfinite(np.pad(curve, 1, constant_values=np.nan))
    alone = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:])
    return {"marker": "o", "markevery": alone.tolist()} if alone.size else {}


def best_epoch(network: Any) -> int | None:
    """Return the epoch, from 1, whose weights early stopping kept; None if it was not asked for."""
    if not network.early_stopping or not network.validation_scores_:
        return None
    scores = np.array(network.validation_scores_, dtype=float)
    return None if np.isnan(scores).all() else int(np.nanargmax(scores)) + 1
