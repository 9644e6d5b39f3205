"""What a fitted network offers by itself: weights, curves, hidden features, a small pickle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import validate_data
from skneural.activations import Activation
from skneural.network import Network

Array = NDArray[Any]


class FittedNetworkMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The part of the estimators that needs no training data."""

    warm_start: bool
    parameters_: Array
    activations_: list[Activation]
    history_: dict[str, list[float]]
    _network: Network
    _sizes: list[int]
    _batch_norm: bool
    _training_state: dict[str, Any] | None

    @property
    def coefs_(self) -> list[Array]:
        """Weights of each layer, views on ``parameters_``."""
        return list(self._fitted_network.weights)

    @coefs_.setter
    def coefs_(self, values: Sequence[Array]) -> None:
        _assign(self._fitted_network.weights, values, "coefs_")

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of each layer, views on ``parameters_``."""
        return list(self._fitted_network.biases)

    @intercepts_.setter
    def intercepts_(self, values: Sequence[Array]) -> None:
        _assign(self._fitted_network.biases, values, "intercepts_")

    @property
    def slopes_(self) -> list[Array]:
        """Learned parameters of each hidden layer's activation, views on ``parameters_``."""
        return list(self._fitted_network.learned)

    @property
    def _fitted_network(self) -> Network:
        check_is_fitted(self)
        return self._network

    @property
    def loss_curve_(self) -> list[float]:
        """Objective of each epoch."""
        return self.history_["loss"]

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """Loss on the validation rows after each epoch, if there are any."""
        return self.history_["validation_loss"] or None

    @property
    def validation_scores_(self) -> list[float] | None:
        """Score on the validation rows after each epoch, if there are any."""
        return self.history_["validation_score"] or None

    @property
    def best_validation_score_(self) -> float | None:
        """Best score on the validation rows, if there are any."""
        scores = [score for score in self.validation_scores_ or [] if not math.isnan(score)]
        return max(scores, default=None)

    @property
    def _no_improvement_count(self) -> int:
        """Epochs without progress so far, under the name that `MLPClassifier` has for it."""
        return (self._training_state or {"count": 0})["count"]

    def transform(self, X: Any) -> Array:
        """Return the activations of the last hidden layer: features for another model in a Pipeline.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        A : ndarray of shape (n_samples, n_units), in the dtype of the parameters
        """
        return self.hidden_features(X, layer=-1)

    def hidden_features(self, X: Any, layer: int) -> Array:
        """Return the activations of one hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        layer : int
            Number of the hidden layer, from 0; -1 is the last.

        Returns
        -------
        A : ndarray of shape (n_samples, n_units), in the dtype of the parameters
        """
        X = self._validate_rows(X)
        n_hidden = len(self.activations_)
        if not n_hidden:
            raise ValueError("There are no hidden features: hidden_layer_sizes is empty, expected at least one layer.")
        if not -n_hidden <= layer < n_hidden:
            raise ValueError(f"layer must be the number of one of the {n_hidden} hidden layers. Got {layer!r} instead.")
        with np.errstate(over="ignore", invalid="ignore"):
            return finite(self._network.features(X, layer % n_hidden))

    @property
    def _n_features_out(self) -> int:
        return self._sizes[-2]

    def _validate_rows(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse="csr", dtype=self.parameters_.dtype, reset=False)

    def _raw_output(self, X: Any) -> Array:
        X = self._validate_rows(X)
        with np.errstate(over="ignore", invalid="ignore"):
            return finite(self._network.raw_output(X))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "parameters_")

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_network", None)  # made of the parameters, sizes and activations
        if not self.warm_start and "_training_state" in state:
            state["_training_state"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "parameters_" in state:
            self._network = Network(self._sizes, self.activations_, self.parameters_, self._batch_norm)


def finite(outputs: Array) -> Array:
    """Return what a network computed, of shape (n_rows, n_outputs), unless it left the range of its numbers."""
    if not np.isfinite(outputs).all():
        row = int(np.isfinite(outputs).all(axis=1).argmin())
        raise ValueError(
            f"The network's output for row {row} of X is not a finite {outputs.dtype.name}. "
            "Expected values as large as those in training: scale X as then, or leave that row out."
        )
    return outputs


def _assign(views: list[Array], values: Sequence[Array], name: str) -> None:
    """Copy arrays into views on the parameters: all of them, or none."""
    shapes = [np.shape(value) for value in values]
    expected = [view.shape for view in views]
    if shapes != expected:
        raise ValueError(f"{name} must be arrays of the shapes {expected}. Got {shapes} instead.")
    with np.errstate(over="ignore"):
        arrays = [np.asarray(value, dtype=view.dtype) for view, value in zip(views, values, strict=True)]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"{name} must be finite in {views[0].dtype.name}. Got NaN or infinity.")
    for view, array in zip(views, arrays, strict=True):
        view[...] = array
