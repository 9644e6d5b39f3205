"""Gradients of the hidden layers' weights, and the step that the solver would make next."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.builder import resolve_batch_size
from skneural.inspection.dry_run import DryRun
from skneural.solvers import LBFGS, DivergenceError

Array = NDArray[Any]

N_ROWS = 1000  # enough for a mean gradient


class Updates:
    """How the incoming weights of each hidden layer would change, were training to go on from the fitted parameters.

    Parameters
    ----------
    estimator : BaseActivationMLP
        Fitted.
    X, y, sample_weight : array-like
        As for `fit`; at most 1000 rows are drawn.

    Attributes
    ----------
    gradient_norms : list of float
        Euclidean norm of the gradient of the mean loss, without penalty and dropout.
    one_sign : list of float
        Share of the units of which that gradient has one sign; units without gradient do not count.
    ratios : list of float
        Length of the solver's step relative to the weights, NaN for L-BFGS.
    """

    def __init__(self, estimator: BaseActivationMLP, X: Any, y: Any, sample_weight: Any = None):
        dry_run = DryRun(estimator, X, y, sample_weight, N_ROWS)
        layout = dry_run.network.layout
        whole = np.zeros(layout.size)
        whole[: layout.n_trained] = dry_run.objective(alpha=0, dropout=0.0, input_dropout=0.0).gradient()
        gradients = layout.views(whole).weights[:-1]
        self.gradient_norms = [float(np.linalg.norm(dW)) for dW in gradients]
        self.one_sign = [_one_sign(dW) for dW in gradients]
        self.ratios = _ratios(
            estimator, DryRun(estimator, X, y, sample_weight, resolve_batch_size(estimator.batch_size))
        )


def _one_sign(dW: Array) -> float:
    some = dW.any(axis=0)
    alike = (dW >= 0).all(axis=0) | (dW <= 0).all(axis=0)
    return float((alike & some).sum() / some.sum()) if some.any() else math.nan


def _ratios(estimator: BaseActivationMLP, dry_run: DryRun) -> list[float]:
    """Let the solver make one step, on one batch, and return how far each layer's weights moved."""
    before = [W.copy() for W in dry_run.network.weights[:-1]]
    loop = dry_run.minimization()
    if isinstance(loop, LBFGS):
        return [math.nan] * len(before)
    state = estimator._training_state
    if state is not None and state["solver"] == estimator.solver:
        loop.set_state(state)
    last = max(estimator.n_iter_, 1)  # at the rate of the last epoch: after it, a schedule may have ended
    try:
        loop.run(last, last, estimator.max_iter)
    except DivergenceError:
        return [math.inf] * len(before)
    return [_ratio(old, new) for old, new in zip(before, dry_run.network.weights, strict=False)]


def _ratio(old: Array, new: Array) -> float:
    length = float(np.linalg.norm(old))
    return float(np.linalg.norm(new - old)) / length if length else math.inf
