"""scikit-learn's callbacks as guests of the epoch loop."""

from __future__ import annotations

from typing import Any

from skneural.network import Network
from skneural.solvers import Epoch, TrainingLoop


class CallbackAdapter:
    """Calls the estimator's callbacks at the beginning of `fit`, after each epoch, and at the end.

    Parameters
    ----------
    estimator : BaseActivationMLP
        With the mixin :class:`sklearn.callback.CallbackSupportMixin`.
    X, y : array-like
        The training data as `fit` got them: what callbacks see.
    sample_weight : array-like or None

    Attributes
    ----------
    loop : TrainingLoop or None
        What trains; its state is part of what callbacks see.
    """

    loop: TrainingLoop | None = None

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any):
        self.estimator = estimator
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._seen = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        self._root.call_on_fit_task_begin(**self._seen)

    def __call__(self, epoch: Epoch) -> bool:
        """Return whether a callback wants training to end."""
        context = self._root.subcontext(task_name="epoch")
        context.call_on_fit_task_begin(**self._seen)
        return context.call_on_fit_task_end(**self._seen, reconstruction_attributes=self._snapshot)

    def close(self) -> None:
        """Tell the callbacks that `fit` is over."""
        self._root.call_on_fit_task_end(**self._seen, reconstruction_attributes=self._snapshot)

    def _snapshot(self) -> dict[str, Any]:
        network = self.estimator._network
        parameters = network.parameters.copy()
        copied = Network(network.sizes, network.activations, parameters, network.batch_norm)
        state = None if self.loop is None else self.estimator._state_of(self.loop)
        return {"parameters_": parameters, "_network": copied, "_training_state": state}
