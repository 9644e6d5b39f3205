"""The adapter between scikit-learn's callbacks and the training loop."""

from __future__ import annotations

from typing import Any

from skneural.network import Network
from skneural.solvers import Epoch, TrainingLoop


class CallbackAdapter:
    """Calls the estimator's callbacks at the beginning of `fit`, after each epoch, and at the end of `fit`.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With the mixin :class:`sklearn.callback.CallbackSupportMixin`.
    X, y : array-like
        The arguments of `fit`, which are passed to the callbacks.
    sample_weight : array-like or None

    Attributes
    ----------
    loop : TrainingLoop or None
        Its state is part of the fitted attributes that callbacks get; None for lbfgs.
    """

    loop: TrainingLoop | None = None

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any):
        self.estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit_context = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        self._fit_context.call_on_fit_task_begin(**self._arguments)

    def __call__(self, epoch: Epoch) -> bool:
        """Return whether a callback requests that training stops."""
        context = self._fit_context.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(**self._arguments)
        return context.call_on_fit_task_end(**self._arguments, reconstruction_attributes=self._fitted_attributes)

    def on_fit_end(self) -> None:
        """Tell the callbacks that `fit` ends."""
        self._fit_context.call_on_fit_task_end(**self._arguments, reconstruction_attributes=self._fitted_attributes)

    def _fitted_attributes(self) -> dict[str, Any]:
        network = self.estimator._network
        parameters = network.parameters.copy()
        copied = Network(network.sizes, network.activations, parameters, network.batch_norm)
        state = None if self.loop is None else self.estimator._make_training_state(self.loop)
        return {"parameters_": parameters, "_network": copied, "_training_state": state}
