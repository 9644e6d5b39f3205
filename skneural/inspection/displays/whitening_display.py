"""A figure of what whitening does to two features."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, check_is_fitted

from skneural.inspection.displays.matplotlib_support import COLOURS, draw_zero_lines, get_row_of_axes
from skneural.preprocessing import PCAWhitener

Array = NDArray[Any]

PANELS = ("original", "centred", "decorrelated", "whitened")


class WhiteningDisplay:
    """Four scatter plots of the same rows: original, centred, decorrelated, and whitened.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    panels : dict of str to ndarray of shape (n_rows, 2)
        Title of each panel, and the rows after that step.

    Attributes
    ----------
    covariances : dict of str to ndarray of shape (2, 2)
        Covariance matrix of each panel's rows.
    ax_ : ndarray of matplotlib Axes
        One per panel.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import PCAWhitener
    >>> from skneural.inspection import WhiteningDisplay
    >>> X = np.random.default_rng(0).normal(size=(100, 2)) @ [[2, 1], [0, 0.5]] + 3
    >>> display = WhiteningDisplay.from_estimator(PCAWhitener().fit(X), X)
    >>> display.covariances["whitened"].round(6) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(self, panels: dict[str, Array]):
        self.panels = panels

    @classmethod
    def from_estimator(
        cls, whitener: PCAWhitener, X: Any, *, features: tuple[int, int] = (0, 1), ax: Any = None
    ) -> Self:
        """Draw what a fitted whitener does to some rows.

        Parameters
        ----------
        whitener : PCAWhitener
            Fitted, with at least two components.
        X : array-like of shape (n_samples, n_features)
            Rows, as for `transform`. A few hundred rows are enough.
        features : tuple of int, default=(0, 1)
            The two features shown in the panels with original coordinates: the first two panels, and with
            ``method="zca"`` also the last. The other panels show the two leading components.
        ax : matplotlib Axes or sequence of four, default=None
            Axes to draw into. The space of a single Axes is divided into four. None makes a new figure.

        Returns
        -------
        display : WhiteningDisplay
        """
        _check_whitener(whitener)
        whitening_steps = _whitening_steps(whitener, check_array(X, dtype=np.float64), list(features))
        return cls(dict(zip(PANELS, whitening_steps, strict=True))).plot(ax)

    @property
    def covariances(self) -> dict[str, Array]:
        """Covariance matrix of each panel's rows."""
        return {title: np.cov(rows, rowvar=False) for title, rows in self.panels.items()}

    def plot(self, ax: Any = None) -> Self:
        """Draw the panels, each with the standard deviations and the correlation of its two features.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of four, default=None
            Axes to draw into. The space of a single Axes is divided into four. None makes a new figure.

        Returns
        -------
        display : WhiteningDisplay
            This display.
        """
        self.ax_ = np.asarray(get_row_of_axes(ax, len(self.panels)))
        self.figure_ = self.ax_[0].figure
        for panel, (title, rows) in zip(self.ax_, self.panels.items(), strict=True):
            _plot_panel(panel, rows)
            panel.set(title=title, adjustable="datalim", aspect="equal")
            panel.set_xlabel(_correlation_text(self.covariances[title]), fontsize="small")
        return self


def _check_whitener(whitener: Any) -> None:
    if not isinstance(whitener, PCAWhitener):
        raise TypeError(f"whitener must be a PCAWhitener. Got {type(whitener).__name__} instead.")
    check_is_fitted(whitener)
    if (n_components := whitener.n_components_) < 2:
        raise ValueError(f"The whitener must keep at least 2 components to be drawn. Got {n_components} instead.")


def _whitening_steps(whitener: PCAWhitener, X: Array, columns: list[int]) -> tuple[Array, ...]:
    """Return two columns of the rows after each step."""
    projected = (X - whitener.mean_) @ whitener.components_.T
    whitened = whitener.transform(X) if whitener.whiten else projected / np.sqrt(whitener.explained_variance_)
    whitened_columns = columns if whitener.method == "zca" else [0, 1]
    original, centred = X[:, columns], X[:, columns] - whitener.mean_[columns]
    return original, centred, projected[:, :2], whitened[:, whitened_columns]


def _plot_panel(panel: Any, rows: Array) -> None:
    draw_zero_lines(panel, "0.7")
    panel.scatter(*rows.T, s=8, alpha=0.5, color=COLOURS[0], linewidths=0)
    panel.tick_params(labelsize="small")


def _correlation_text(covariance: Array) -> str:
    std_x, std_y = np.sqrt(np.diag(covariance))
    correlation = covariance[0, 1] / (std_x * std_y) if std_x * std_y > 0 else 0.0
    return f"std {std_x:.2g} and {std_y:.2g}\ncorrelation {round(correlation, 2) + 0.0:.2f}"
