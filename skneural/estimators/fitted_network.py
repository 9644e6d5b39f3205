"""A fitted network: its weights as views, its raw output, its hidden features, and a copy to train on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import validate_data
from skneural.activations import Activation
from skneural.estimators.history import HistoryMixin
from skneural.estimators.network_size import resolve_resumed_size
from skneural.estimators.saved_network import SavedNetworkMixin
from skneural.float_errors import ignore_float_errors
from skneural.network import Layout, Network

Array = NDArray[Any]


class FittedNetworkMixin(SavedNetworkMixin, HistoryMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The part of the estimators that does not train."""

    batch_norm: bool

    @property
    def coefs_(self) -> list[Array]:
        """Weights of each layer, views on ``parameters_``."""
        return list(self._fitted_network.weights)

    @coefs_.setter
    def coefs_(self, values: Sequence[Array]) -> None:
        _copy_into_views(self._fitted_network.weights, values, "coefs_")

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of each layer, views on ``parameters_``."""
        return list(self._fitted_network.biases)

    @intercepts_.setter
    def intercepts_(self, values: Sequence[Array]) -> None:
        _copy_into_views(self._fitted_network.biases, values, "intercepts_")

    @property
    def slopes_(self) -> list[Array]:
        """Learned parameters of each hidden layer's activation, views on ``parameters_``."""
        return list(self._fitted_network.activation_params)

    @property
    def member_scales_(self) -> Array:
        """The factors of the features that each member sees, a view on ``parameters_``; ones for a single member."""
        network = self._fitted_network
        return network.views.member_scales[0] if network.n_members > 1 else np.ones((1, network.sizes[0]))

    @property
    def _fitted_network(self) -> Network:
        check_is_fitted(self)
        return self._network

    @property
    def _no_improvement_count(self) -> int:
        """Epochs without progress so far, under the name that `MLPClassifier` has for it."""
        return (self._training_state or {"count": 0})["count"]

    def transform(self, X: Any) -> Array:
        """Return the activations of the last hidden layer: features for another model in a Pipeline.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        A : ndarray of shape (n_samples, n_units), in the dtype of the parameters
            Computed as in prediction, without dropout; the mean of all members.
        """
        return self.hidden_features(X, layer=-1)

    @ignore_float_errors
    def hidden_features(self, X: Any, layer: int) -> Array:
        """Return the activations of one hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.
        layer : int
            Number of the hidden layer, from 0; -1 is the last.

        Returns
        -------
        A : ndarray of shape (n_samples, n_units), in the dtype of the parameters
            Computed as in prediction, without dropout; the mean of all members.
        """
        X = self._validate_X(X)
        n_hidden = len(self.activations_)
        if not n_hidden:
            raise ValueError("There are no hidden features: hidden_layer_sizes is empty, expected at least one layer.")
        if not -n_hidden <= layer < n_hidden:
            raise ValueError(f"layer must be the number of one of the {n_hidden} hidden layers. Got {layer!r} instead.")
        return check_finite_output(self._network.features(X, layer % n_hidden))

    @property
    def _n_features_out(self) -> int:
        return self._sizes[-2]

    def _validate_X(self, X: Any) -> Any:
        if self._is_already_valid(X):
            return X
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse="csr", dtype=self.parameters_.dtype, reset=False)

    def _is_already_valid(self, X: Any) -> bool:
        """Whether validation would return X unchanged, which would take longer than the prediction of a few rows."""
        if type(X) is not np.ndarray or "parameters_" not in vars(self) or hasattr(self, "feature_names_in_"):
            return False
        if X.ndim != 2 or X.dtype != self.parameters_.dtype or X.shape[1] != self.n_features_in_ or not len(X):
            return False
        return bool(np.isfinite(np.add.reduce(X, axis=None)))  # NaN or infinity in X is one in the sum

    def _raw_output(self, X: Any) -> Array:
        X = self._validate_X(X)
        return check_finite_output(self._loss.combine_members(self._network.raw_output(X)))

    def _member_outputs(self, X: Any) -> Array:
        """Return the raw output of each member, of shape (n_members, n_rows, n_outputs)."""
        X = self._validate_X(X)
        member_outputs = self._network.raw_output(X).reshape(self._n_members, X.shape[0], self.n_outputs_)
        for output in member_outputs:
            check_finite_output(output)
        return member_outputs

    def _set_network(self, network: Network) -> None:
        """Set the fitted attributes that describe a network."""
        self._network, self.parameters_ = network, network.parameters
        self.activations_ = list(network.activations)
        self._sizes, self.n_layers_ = network.sizes, len(network.sizes)
        self._batch_norm, self._n_members = network.batch_norm, network.n_members
        self.out_activation_ = self._loss.inverse_link

    def _copy_fitted_network(self, n_features: int, activations: list[Activation]) -> Network:
        """Return a network with a copy of the fitted parameters; a ValueError if it needs other layers."""
        hidden, n_members = resolve_resumed_size(self)
        if len(hidden) != len(activations):
            raise ValueError(
                f"The fitted network has {len(hidden)} hidden layers, and hidden_layer_sizes='auto' asks for "
                f"{len(activations)}. To continue training keep the number of layers; to start anew use fit with "
                "warm_start=False."
            )
        layer_sizes = [n_features, *hidden, self.n_outputs_]
        self._check_resumed_layers(layer_sizes, activations, n_members)
        return Network(layer_sizes, activations, self.parameters_.copy(), self.batch_norm, n_members)

    def _check_resumed_layers(self, layer_sizes: list[int], activations: list[Activation], n_members: int) -> None:
        n_parameters = Layout(layer_sizes, activations, self.batch_norm, n_members).size
        if (layer_sizes, n_members, n_parameters) != (self._sizes, self._n_members, self.parameters_.size):
            raise ValueError(
                f"The fitted network has layer sizes {self._sizes} and {self.parameters_.size} parameters; "
                f"its settings and the data now require layer sizes {layer_sizes} and {n_parameters} parameters. To "
                "continue training keep hidden_layer_sizes, activation, n_members and the number of outputs; to start "
                "anew use fit with warm_start=False."
            )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "parameters_")


def check_finite_output(outputs: Array) -> Array:
    """Return the outputs, of shape (n_rows, n_outputs); a ValueError names the first row that is not finite."""
    if not np.isfinite(outputs).all():
        row = int(np.isfinite(outputs).all(axis=1).argmin())
        raise ValueError(
            f"The network's output for row {row} of X is not a finite {outputs.dtype.name}. "
            "Expected values as large as those in training: scale X as then, or leave that row out."
        )
    return outputs


def _copy_into_views(views: list[Array], values: Sequence[Array], name: str) -> None:
    """Copy arrays into views on the parameters; if one array is wrong, copy none."""
    shapes = [np.shape(value) for value in values]
    expected = [view.shape for view in views]
    if shapes != expected:
        raise ValueError(f"{name} must be arrays of the shapes {expected}. Got {shapes} instead.")
    with np.errstate(over="ignore", under="ignore"):
        arrays = [np.asarray(value, dtype=view.dtype) for view, value in zip(views, values, strict=True)]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"{name} must be finite in {views[0].dtype.name}. Got NaN or infinity.")
    for view, array in zip(views, arrays, strict=True):
        view[...] = array
