"""What is saved of a fitted network, and the checks when it is loaded."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from skneural.activations import Activation
from skneural.component import Component
from skneural.estimators.history import History, with_unknown_seconds, without_seconds
from skneural.losses import Loss
from skneural.network import Layout, Network
from skneural.saved_state import SavedStateMixin, check_numbers, require

Array = NDArray[Any]


class SavedNetworkMixin(SavedStateMixin):
    """Saves all of a fitted network but what follows from its parameters, and checks it before it is used again."""

    warm_start: bool
    parameters_: Array
    activations_: list[Activation]
    history_: History
    n_features_in_: int
    n_outputs_: int
    out_activation_: str
    _loss: Loss
    _network: Network
    _sizes: list[int]
    _batch_norm: bool
    _n_members: int
    _training_state: dict[str, Any] | None
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

    def __getstate__(self) -> dict[str, Any]:
        saved_state = super().__getstate__()
        saved_state.pop("_network", None)  # _restore_fitted_state makes it of the parameters, sizes and activations
        if "history_" in saved_state:
            saved_state["history_"] = without_seconds(saved_state["history_"])  # the files of equal fits are equal
        if not self.warm_start and "_training_state" in saved_state:
            saved_state["_training_state"] = None
        return saved_state

    def _check_parameters(self) -> None:
        """Check only that they exist: prediction does not use them, and training checks their values."""
        self.get_params(deep=False)  # type: ignore[attr-defined]  # BaseEstimator's

    def _restore_fitted_state(self) -> None:
        _check_component(self._loss, Loss)
        for activation in self.activations_:
            _check_component(activation, Activation)
        self._check_layer_sizes()
        self.history_ = with_unknown_seconds(self.history_)
        self._check_n_members()
        layout = Layout(self._sizes, self.activations_, self._batch_norm, self._n_members)
        check_numbers("parameters_", self.parameters_, (layout.size,), dtypes="fd")
        self._check_training_state(layout)
        self._network = Network(self._sizes, self.activations_, self.parameters_, self._batch_norm, self._n_members)
        self._check_network()

    def _check_layer_sizes(self) -> None:
        """Raise ValueError unless the layers go from the features to the outputs, each with parameters of its own."""
        layer_sizes, ends, n_layers = self._sizes, (self.n_features_in_, self.n_outputs_), len(self.activations_) + 2
        sizes_are_possible = all(isinstance(size, int) and 0 < size <= self.parameters_.size for size in layer_sizes)
        require(
            sizes_are_possible and len(layer_sizes) == n_layers and (layer_sizes[0], layer_sizes[-1]) == ends,
            f"There must be {n_layers} layers, the first and last of the sizes {ends}, and a parameter per unit at "
            f"least. Got layers of the sizes {layer_sizes} and {self.parameters_.size} parameters instead.",
        )

    def _check_n_members(self) -> None:
        n_members = self._n_members
        is_possible = isinstance(n_members, int) and 0 < n_members <= self.parameters_.size
        require(is_possible, f"_n_members must be an int >= 1, with parameters for each. Got {n_members!r} instead.")

    def _check_network(self) -> None:
        """Raise ValueError unless running variances and the name of the output's activation are possible."""
        has_variances = all((variance >= 0).all() for variance in self._network.views.running_variances)
        require(has_variances, "Variances must be >= 0. Got a negative one.")
        name, expected = self.out_activation_, self._loss.inverse_link
        require(name == expected, f"out_activation_ must be {expected!r}, that of the loss. Got {name!r} instead.")

    def _check_training_state(self, layout: Layout) -> None:
        """Raise ValueError unless training can continue from the counters and arrays that were saved."""
        for name in ("_n_epochs", "t_"):
            count = getattr(self, name)
            require(isinstance(count, int) and count >= 0, f"{name} must be an int >= 0. Got {count!r} instead.")
        saved_state = self._training_state or {}
        for slot in saved_state.get("slots", []):
            check_numbers("The solver's state", slot, (layout.n_trainable,), dtypes="fd")
        for name in ("best_state", "latest"):
            if saved_state.get(name) is not None:
                check_numbers("The training's parameters", saved_state[name], (layout.size,), dtypes="fd")


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
