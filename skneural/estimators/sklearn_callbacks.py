"""The adapter between scikit-learn's callbacks and the training of an estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skneural.estimators.checked_data import FitArguments
from skneural.estimators.hyperparameters import TRAINS_TWICE
from skneural.network import Network
from skneural.solvers import Epoch


class CallbackAdapter:
    """Calls the estimator's callbacks at the beginning of `fit`, after each epoch, and at the end of `fit`.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With the mixin :class:`sklearn.callback.CallbackSupportMixin`.
    arguments : FitArguments
        The data of `fit`, which callbacks get as they are.

    Attributes
    ----------
    get_training_state : callable
        () -> the state of training, which is one of the fitted attributes that callbacks get.
    """

    get_training_state: Callable[[], dict[str, Any] | None]

    def __init__(self, estimator: Any, arguments: FitArguments):
        self.estimator = estimator
        metadata = None if arguments.sample_weight is None else {"sample_weight": arguments.sample_weight}
        self._arguments = {"estimator": estimator, "X": arguments.X, "y": arguments.y, "metadata": metadata}
        n_trainings = 3 if estimator.early_stopping == "auto" else 2 if estimator.early_stopping in TRAINS_TWICE else 1
        self._fit_context = estimator._init_callback_context(max_subtasks=n_trainings * estimator.max_iter)
        self._fit_context.call_on_fit_task_begin(**self._arguments)

    def __call__(self, epoch: Epoch) -> bool:
        """Return whether a callback requests that training stops."""
        epoch_context = self._fit_context.subcontext(task_name="epoch")
        epoch_context.call_on_fit_task_begin(**self._arguments)
        return epoch_context.call_on_fit_task_end(**self._arguments, reconstruction_attributes=self._fitted_attributes)

    def on_fit_end(self) -> None:
        """Tell the callbacks that `fit` ends."""
        self._fit_context.call_on_fit_task_end(**self._arguments, reconstruction_attributes=self._fitted_attributes)

    def _fitted_attributes(self) -> dict[str, Any]:
        network = self.estimator._network
        parameters = network.parameters.copy()
        copied_network = Network(network.sizes, network.activations, parameters, network.batch_norm, network.n_members)
        return {"parameters_": parameters, "_network": copied_network, "_training_state": self.get_training_state()}
