"""Temperature scaling: divide the outputs so that the probabilities suit rows that were not trained on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from skneural.estimators.checked_data import FitArguments
from skneural.network import Network

Array = NDArray[Any]

LARGEST_EXPONENT, TINY = 80.0, 1e-30  # for outputs that are far apart: their losses stay finite, in float32 too
LARGEST_LOGARITHM = 3.0  # temperatures are from 1/20 to 20
PRECISION = 0.03  # of the logarithm: the loss is flat near its minimum
ROWS_OF_CAUTION = 200  # of so many held-out rows, a logarithm below 0 counts half
WINDOW = 0.4  # of the next search around the last one's result: from one epoch to the next, little changes


class TemperatureScaling:
    """Finds the temperature T > 0 at which the outputs F / T have the smallest log loss on some rows.

    With several members each one's output is divided, before their probabilities are averaged. One row more counts,
    with the mean loss of all rows for the label of another row: else rows that are all predicted rightly would ask for
    certainty.

    Parameters
    ----------
    Y : ndarray
        Class codes, of shape (n_rows,), or labels 0 and 1, of shape (n_rows, n_labels), as the losses take them.
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
    >>> from skneural.estimators.temperature_scaling import TemperatureScaling
    >>> Y = np.array([[1.0], [1.0], [1.0], [0.0]] * 100)
    >>> scaling = TemperatureScaling(Y)
    >>> loss = scaling.minimize(np.full((400, 1), 2 * np.log(3)))  # the odds are 3, and not 9
    >>> round(scaling.temperature, 1), round(loss, 2)
    (2.0, 0.56)
    """

    def __init__(self, Y: Array, sample_weight: Array | None = None):
        self._is_logistic, self._n_labels = Y.ndim == 2, 1 if Y.ndim == 1 else Y.shape[1]
        self._labels = Y.ravel().astype(np.intp)
        self._other_labels = np.random.RandomState(0).permutation(Y).ravel().astype(np.intp)
        self._weight = None if sample_weight is None else np.repeat(sample_weight, self._n_labels)
        self._n_rows = len(Y)
        self._other_share = 1 / (len(Y) + 1)
        self._bounds = -LARGEST_LOGARITHM, LARGEST_LOGARITHM
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
        relative = self._relative_outputs(F)
        scratch = np.empty_like(relative)

        def loss_at(log_temperature: float) -> float:
            return self._mean_loss(relative, math.exp(log_temperature), scratch)

        found = minimize_scalar(loss_at, bounds=self._bounds, method="bounded", options={"xatol": PRECISION})
        self._bounds = max(found.x - WINDOW, -LARGEST_LOGARITHM), min(found.x + WINDOW, LARGEST_LOGARITHM)
        unscaled_loss = self._mean_loss(relative, 1.0, scratch)
        self.temperature = math.exp(found.x) if found.fun < unscaled_loss else 1.0
        return float(min(found.fun, unscaled_loss))

    def cautious_temperature(self) -> float:
        """Return the temperature, and one below 1 moved towards 1, the more the fewer the rows are.

        The epoch was chosen by the same rows, so that few of them ask for too much certainty.
        """
        share = self._n_rows / (self._n_rows + ROWS_OF_CAUTION)
        return self.temperature if self.temperature >= 1 else float(self.temperature**share)

    def _relative_outputs(self, F: Array) -> Array:
        """Each class's output minus that of the row's label, of shape (n_members, n_rows · n_labels, n_classes).

        A label that is 0 or 1 makes a row of two classes, of which the first has the output 0.
        """
        n_members = 1 if F.ndim == 2 else len(F)
        if self._is_logistic:
            F = np.stack([np.zeros_like(F), F], axis=-1)
        F = F.reshape(n_members, len(self._labels), -1)
        return F - np.take_along_axis(F, self._labels[np.newaxis, :, np.newaxis], axis=2)

    def _mean_loss(self, relative: Array, temperature: float, scratch: Array) -> float:
        np.divide(relative, temperature, out=scratch)
        np.exp(np.minimum(scratch, LARGEST_EXPONENT, out=scratch), out=scratch)
        p = 1 / scratch.sum(axis=2)  # of the label, by each member
        other_p = np.take_along_axis(scratch, self._other_labels[np.newaxis, :, np.newaxis], axis=2)[:, :, 0] * p
        losses, other_losses = (-np.log(each.mean(axis=0, dtype=np.float64)) for each in (p, other_p + TINY))
        losses += self._other_share * (other_losses - losses)
        return self._n_labels * float(np.average(losses, weights=self._weight))


def check_temperature_scaling(estimator: Any, arguments: FitArguments, incremental: bool) -> None:
    """Raise a ValueError if temperature scaling is asked for, and there is no validation set, or training goes on.

    Examples
    --------
    >>> from skneural import ActivationMLPClassifier
    >>> ActivationMLPClassifier(temperature_scaling=True).fit([[0.0], [1.0]], [0, 1])
    Traceback (most recent call last):
        ...
    ValueError: temperature_scaling=True needs rows that are not trained on: set early_stopping, or pass X_val and y_val
    to fit. Got neither; or set temperature_scaling=False.
    """
    requested = estimator.temperature_scaling
    if not isinstance(requested, bool | np.bool_) or not requested:  # anything else is refused with the parameters
        return
    if incremental or estimator.warm_start:
        raise ValueError(
            "temperature_scaling=True changes the output layer when training ends, so training cannot continue. Got "
            f"{'a call of partial_fit' if incremental else 'warm_start=True'}; set temperature_scaling=False."
        )
    if not (estimator.early_stopping or arguments.has_validation_set):
        raise ValueError(
            "temperature_scaling=True needs rows that are not trained on: set early_stopping, or pass X_val and y_val "
            "to fit. Got neither; or set temperature_scaling=False."
        )


def divide_output(network: Network, temperature: float) -> None:
    """Divide the weights and biases of the output layer, and so the raw output, by a temperature."""
    network.weights[-1][...] /= temperature
    network.biases[-1][...] /= temperature
