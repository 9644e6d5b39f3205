"""Temperature scaling: divide the outputs so that the probabilities suit rows that were not trained on."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from skneural.estimators.checked_data import FitArguments
from skneural.losses import LogisticLoss, SoftmaxCrossEntropy
from skneural.network import Network

Array = NDArray[Any]

LARGEST_LOGARITHM = 3.0  # temperatures are from 1/20 to 20
PRECISION = 0.02  # of the logarithm: the loss is flat near its minimum


class TemperatureScaling:
    """Finds the temperature T > 0 at which the outputs F / T have the smallest log loss on some rows.

    With several members each one's output is divided, before their probabilities are averaged. The targets are smoothed
    as if one more row had a random label: else rows that are all predicted rightly would ask for certainty.

    Parameters
    ----------
    loss : SoftmaxCrossEntropy or LogisticLoss
        Its own label smoothing is not used: it would ask for less certainty than the rows do.
    Y : ndarray
        Encoded targets of the rows.
    sample_weight : ndarray of shape (n_rows,) or None, default=None

    Attributes
    ----------
    temperature : float
        The last one found; 1 before.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger (2017), "On Calibration of Modern Neural Networks", :arxiv:`1706.04599`.
    Berta, Holzmüller, Jordan & Bach (2025), "Rethinking Early Stopping: Refine, Then Calibrate", :arxiv:`2501.19195`.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.temperature import TemperatureScaling
    >>> from skneural.losses import LogisticLoss
    >>> Y = np.array([[1.0], [1.0], [1.0], [0.0]] * 100)
    >>> scaling = TemperatureScaling(LogisticLoss(), Y)
    >>> loss = scaling.minimize(np.full((400, 1), 2 * np.log(3)))  # the odds are 3, and not 9
    >>> round(scaling.temperature, 1), round(loss, 3)
    (2.0, 0.563)
    """

    def __init__(self, loss: LogisticLoss | SoftmaxCrossEntropy, Y: Array, sample_weight: Array | None = None):
        self._loss = copy.copy(loss)
        self._loss.label_smoothing = 1 / (len(Y) + 1)
        self._Y, self._sample_weight = Y, sample_weight
        self.temperature = 1.0

    def minimize(self, F: Array) -> float:
        """Set the temperature; return the mean loss at it, NaN if an output is not finite.

        Parameters
        ----------
        F : ndarray of shape (n_rows, n_outputs) or (n_members, n_rows, n_outputs)
            Raw outputs.
        """
        if not np.isfinite(F).all():
            return math.nan
        found = minimize_scalar(
            lambda logarithm: self._mean_loss(F, math.exp(logarithm)),
            bounds=(-LARGEST_LOGARITHM, LARGEST_LOGARITHM),
            method="bounded",
            options={"xatol": PRECISION},
        )
        unscaled = self._mean_loss(F, 1.0)
        self.temperature = math.exp(found.x) if found.fun < unscaled else 1.0
        return float(min(found.fun, unscaled))

    def _mean_loss(self, F: Array, temperature: float) -> float:
        scaled = F / F.dtype.type(temperature)
        losses, _ = self._loss.evaluate(self._loss.combine_members(scaled), self._Y)
        return float(np.average(losses, weights=self._sample_weight))


def check_temperature_scaling(estimator: Any, arguments: FitArguments, incremental: bool) -> None:
    """Raise a ValueError if temperature scaling is asked for, and there is no validation set, or training goes on.

    Examples
    --------
    >>> from skneural import ActivationMLPClassifier
    >>> ActivationMLPClassifier(temperature_scaling=True).fit([[0.0], [1.0]], [0, 1])
    Traceback (most recent call last):
        ...
    ValueError: temperature_scaling=True needs rows that are not trained on: set early_stopping, or pass X_val and y_val
    to fit. Got neither.
    """
    if estimator.temperature_scaling is not True:
        return
    if incremental or estimator.warm_start:
        raise ValueError(
            "temperature_scaling=True changes the output layer when training ends, so training cannot continue. Got "
            f"{'a call of partial_fit' if incremental else 'warm_start=True'}."
        )
    if not (estimator.early_stopping or arguments.has_validation_set):
        raise ValueError(
            "temperature_scaling=True needs rows that are not trained on: set early_stopping, or pass X_val and y_val "
            "to fit. Got neither."
        )


def divide_output(network: Network, temperature: float) -> None:
    """Divide the weights and biases of the output layer, and so the raw output, by a temperature."""
    network.weights[-1][...] /= temperature
    network.biases[-1][...] /= temperature
