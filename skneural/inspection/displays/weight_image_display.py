"""A figure of the first layer's weights, each unit as an image."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skneural.inspection.displays.matplotlib_support import SingleAxesDisplay
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]

MOSAIC_INCHES = (6.0, 5.4)  # width and height of a new figure


class WeightImageDisplay(SingleAxesDisplay):
    """Incoming weights of the units of the first layer, drawn as images. The rows must be images, too.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width) or (n_images, height, width, 3)
        The weights of each unit.
    units : ndarray of shape (n_images,), int
        Column of the weight matrix that each image shows. In a Maxout layer, column j + p · n_units is piece p of
        unit j.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import WeightImageDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = ActivationMLPClassifier((16,), "tanh", tol=0.1, random_state=0).fit(X, y)
    >>> WeightImageDisplay.from_estimator(model).images.shape
    (16, 8, 8)
    """

    def __init__(self, images: Array, units: Array):
        self.images, self.units = images, units

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, image_shape: tuple[int, ...] | None = None, n_images: int = 25, ax: Any = None
    ) -> Self:
        """Draw the first layer of a fitted network, starting with the units with the largest weights.

        Parameters
        ----------
        estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
            Fitted.
        image_shape : tuple of int, default=None
            Shape of the images: height and width, and 3 if they have colours. None assumes square images.
        n_images : int, default=25
            Largest number of images.
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : WeightImageDisplay
        """
        network, _ = unwrap(estimator)
        W = network.coefs_[0]
        shape = _image_shape(image_shape, len(W))
        units = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:n_images]
        return cls(W.T[units].reshape(len(units), *shape), units).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the images side by side.

        Images without colours share one scale, on which white is zero. Each image with colours has its own scale.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : WeightImageDisplay
            This display.
        """
        ax = self._set_axes(ax, *MOSAIC_INCHES)
        has_colours = self.images.ndim == 4
        mosaic = _mosaic(_to_unit_interval(self.images) if has_colours else self.images)
        largest_weight = np.abs(self.images).max()
        image = ax.imshow(mosaic, cmap="PuOr_r", vmin=-largest_weight, vmax=largest_weight, interpolation="nearest")
        if not has_colours:
            self.figure_.colorbar(image, ax=ax, label="weight", shrink=0.8)
        ax.set(xticks=[], yticks=[], title=f"Incoming weights of {len(self.units)} units of the first layer")
        ax.set_xlabel("largest norm first, row by row")
        ax.spines[:].set_visible(False)
        return self


def _image_shape(image_shape: tuple[int, ...] | None, n_features: int) -> tuple[int, ...]:
    shape = (math.isqrt(n_features),) * 2 if image_shape is None else image_shape
    if math.prod(shape) != n_features or len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
        raise ValueError(
            f"image_shape must be (height, width) or (height, width, 3) with {n_features} entries in all, as many as "
            f"the network has features. Got {shape} instead."
        )
    return tuple(shape)


def _to_unit_interval(images: Array) -> Array:
    """Return each image with its darkest entry at 0 and its brightest at 1."""
    darkest, brightest = (f(images, axis=(1, 2, 3), keepdims=True) for f in (np.min, np.max))
    return (images - darkest) / np.where(brightest > darkest, brightest - darkest, 1)


def _mosaic(images: Array) -> Array:
    """Return the images in rows and columns, a gap of one pixel between them."""
    n_images, height, width, *channels = images.shape
    n_columns = math.ceil(math.sqrt(n_images))
    n_rows = math.ceil(n_images / n_columns)
    mosaic = np.full((n_rows * (height + 1) - 1, n_columns * (width + 1) - 1, *channels), 1.0 if channels else np.nan)
    for k, image in enumerate(images):
        top, left = k // n_columns * (height + 1), k % n_columns * (width + 1)
        mosaic[top : top + height, left : left + width] = image
    return mosaic
