"""A fitted network: its weights, training curves, hidden features, saving and loading. No training."""

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
from skneural.component import Component
from skneural.estimators.history import with_unknown_seconds, without_seconds
from skneural.estimators.network_size import resolve_resumed_size
from skneural.float_errors import ignore_float_errors
from skneural.losses import Loss
from skneural.network import Layout, Network
from skneural.saved_state import SavedStateMixin, check_numbers, require

Array = NDArray[Any]


class FittedNetworkMixin(SavedStateMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """The part of the estimators that does not train."""

    warm_start: bool
    batch_norm: bool
    n_members: Any
    parameters_: Array
    activations_: list[Activation]
    history_: dict[str, list[float]]
    n_features_in_: int
    _network: Network
    _sizes: list[int]
    _batch_norm: bool
    _n_members: int
    _training_state: dict[str, Any] | None
    _loss: Loss
    n_outputs_: int
    out_activation_: str
    _fitted_names = frozenset(
        {
            "n_features_in_",
            "feature_names_in_",
            "parameters_",
            "activations_",
            "history_",
            "n_iter_",
            "stopped_by_",
            "t_",
            "loss_",
            "best_loss_",
            "backend_",
            "n_layers_",
            "n_outputs_",
            "out_activation_",
            "_loss",
            "_sizes",
            "_batch_norm",
            "_n_members",
            "_n_epochs",
            "_split_seed",
            "_training_state",
        }
    )

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
    def loss_curve_(self) -> list[float]:
        """Objective after each epoch."""
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
        n_parameters = Layout(layer_sizes, activations, self.batch_norm, n_members).size
        if (layer_sizes, n_members, n_parameters) != (self._sizes, self._n_members, self.parameters_.size):
            raise ValueError(
                f"The fitted network has layer sizes {self._sizes} and {self.parameters_.size} parameters; "
                f"its settings and the data now require layer sizes {layer_sizes} and {n_parameters} parameters. To "
                "continue training keep hidden_layer_sizes, activation, n_members and the number of outputs; to start "
                "anew use fit with warm_start=False."
            )
        return Network(layer_sizes, activations, self.parameters_.copy(), self.batch_norm, n_members)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "parameters_")

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_network", None)  # _restore_fitted_state makes it of the parameters, sizes and activations
        if "history_" in state:
            state["history_"] = without_seconds(state["history_"])  # the files of equal fits are equal
        if not self.warm_start and "_training_state" in state:
            state["_training_state"] = None
        return state

    def _check_parameters(self) -> None:
        """Check only that they exist: prediction does not use them, and training checks their values."""
        self.get_params(deep=False)

    def _restore_fitted_state(self) -> None:
        for component, kind in [(self._loss, Loss), *((activation, Activation) for activation in self.activations_)]:
            _check_component(component, kind)
        layer_sizes, ends, n_layers = self._sizes, (self.n_features_in_, self.n_outputs_), len(self.activations_) + 2
        sizes_are_possible = all(isinstance(size, int) and 0 < size <= self.parameters_.size for size in layer_sizes)
        require(
            sizes_are_possible and len(layer_sizes) == n_layers and (layer_sizes[0], layer_sizes[-1]) == ends,
            f"There must be {n_layers} layers, the first and last of the sizes {ends}, and a parameter per unit at "
            f"least. Got layers of the sizes {layer_sizes} and {self.parameters_.size} parameters instead.",
        )
        self.history_ = with_unknown_seconds(self.history_)
        n_members = self._n_members
        valid = isinstance(n_members, int) and 0 < n_members <= self.parameters_.size
        require(valid, f"_n_members must be an int >= 1, with parameters for each. Got {n_members!r} instead.")
        layout = Layout(layer_sizes, self.activations_, self._batch_norm, n_members)
        check_numbers("parameters_", self.parameters_, (layout.size,), dtypes="fd")
        self._check_training_state(layout)
        self._network = Network(layer_sizes, self.activations_, self.parameters_, self._batch_norm, n_members)
        running_variances = self._network.views.running_variances
        require(all((each >= 0).all() for each in running_variances), "Variances must be >= 0. Got a negative one.")
        require(
            self.out_activation_ == self._loss.inverse_link,
            f"out_activation_ must be {self._loss.inverse_link!r}, that of the loss. "
            f"Got {self.out_activation_!r} instead.",
        )

    def _check_training_state(self, layout: Layout) -> None:
        """Raise ValueError unless training can continue from the counters and arrays that were saved."""
        for name in ("_n_epochs", "t_"):
            count = getattr(self, name)
            require(isinstance(count, int) and count >= 0, f"{name} must be an int >= 0. Got {count!r} instead.")
        state = self._training_state or {}
        for slot in state.get("slots", []):
            check_numbers("The solver's state", slot, (layout.n_trainable,), dtypes="fd")
        for name in ("best_state", "latest"):
            if state.get(name) is not None:
                check_numbers("The training's parameters", state[name], (layout.size,), dtypes="fd")


def _check_component(component: Any, kind: type[Component]) -> None:
    """Raise ValueError unless this is an object of the kind with valid settings, and without other attributes."""
    require(isinstance(component, kind), f"There must be a {kind.__name__}. Got {component!r} instead.")
    component.check()
    other_attributes = vars(component).keys() - component.get_params().keys()
    is_own_class = type(component).__module__.startswith("skneural.")  # a user's class may have other attributes
    require(
        not (is_own_class and other_attributes),
        f"{component!r} must have nothing but its settings. Got {sorted(other_attributes)} as well.",
    )


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
