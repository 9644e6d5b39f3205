"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from skneural._sklearn_compat import _fit_context, validate_data
from skneural.component import resolve
from skneural.constraints import StrOptions
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.builder import supports_partial_fit
from skneural.estimators.checked_data import FitArguments
from skneural.estimators.fitted_network import check_finite_output
from skneural.estimators.float_errors import default_float_errors
from skneural.estimators.parameters import fill_docstring, store_parameters
from skneural.losses import LOSSES, LogisticLoss, Loss, SoftmaxCrossEntropy
from skneural.saved_state import require

Array = NDArray[Any]

REGRESSION_LOSSES = {name: loss for name, loss in LOSSES.items() if loss.inverse_link in ("identity", "exp")}


@fill_docstring
class ActivationMLPRegressor(RegressorMixin, BaseActivationMLP):
    """Multi-layer perceptron regressor with any activation, from sigmoid to Maxout, per layer.

    A superset of :class:`sklearn.neural_network.MLPRegressor`: the same names mean the same. It minimises the
    weighted mean of the loss, summed over the outputs, plus a penalty, Σ sᵢ ℓᵢ / Σ sᵢ + alpha · [...].

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "poisson"} or Loss, default="squared_error"
        By name or as an object with its settings, such as ``Huber(delta=2.0)``. "squared_error" is half the squared
        error, "poisson" half the Poisson deviance, with the exponential as inverse link, for y >= 0.

    {parameters}

    Attributes
    ----------
    {attributes}

    Raises
    ------
    ValueError
        From `fit`: if parameters or data cannot be used. The estimator is then unchanged.
    DivergenceError
        From `fit`: a ValueError, if the loss or a parameter becomes infinite or NaN. The estimator keeps the best
        finite weights.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from skneural import ActivationMLPRegressor, StdScaler
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = make_pipeline(StdScaler(), ActivationMLPRegressor(activation="elu", solver="lbfgs", tol=1e-2,
    ...                                                           alpha=0.1, random_state=0))
    >>> bool(model.fit(X, y / 100).score(X, y / 100) > 0.4)
    True
    """

    _parameter_constraints: dict = {
        **BaseActivationMLP._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES)), Loss],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        l1_ratio: float = 0.0,
        max_norm: float | None = None,
        clip_norm: float | None = None,
        dropout: Any = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        scoring: Any = None,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        weight_init: Any = "auto",
        bias_init: float = 0.0,
        dtype: str | None = None,
    ):
        store_parameters(self, locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> ActivationMLPRegressor:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; CSC is converted to CSR.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; integer weights equal repeated rows.
        X_val, y_val : array-like, default=None
            Validation set, not used for training. Its loss and score are recorded after each epoch, and early stopping
            uses the score.
        sample_weight_val : array-like, default=None
            Weights of the validation set.

        Returns
        -------
        self : ActivationMLPRegressor
            The fitted estimator.
        """
        arguments = FitArguments(X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self._fit(arguments, incremental=False)

    @available_if(supports_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> ActivationMLPRegressor:
        """Train for one epoch on the given rows, starting where the last call ended.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Some of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Only their ratios within this call count: doubling all of them changes nothing.
        X_val, y_val : array-like, default=None
            Validation set, not used for training. Its loss and score are recorded after each epoch, and early stopping
            uses the score.
        sample_weight_val : array-like, default=None
            Weights of the validation set.

        Returns
        -------
        self : ActivationMLPRegressor
            The estimator, one epoch further.
        """
        arguments = FitArguments(X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self._fit(arguments, incremental=True)

    @default_float_errors()
    def predict(self, X: Any) -> Array:
        """Return the predicted targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), in the dtype of the parameters
            For each row the mean, the median or the rate, depending on the loss.
        """
        F = self._raw_output(X)
        with np.errstate(over="ignore"):
            prediction = check_finite_output(self._loss.predict(F))
        return prediction[:, 0] if prediction.shape[1] == 1 else prediction

    @default_float_errors()
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the R² of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            The mean over the outputs; 1 is perfect, 0 no better than the mean of `y`.
        """
        return super().score(X, y, sample_weight)

    def _restore_fitted_state(self) -> None:
        super()._restore_fitted_state()
        _check_loss(self._loss)

    def _validate_X_y(self, X: Any, y: Any, **options: Any) -> tuple[Any, Array]:
        X, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True, y_numeric=True, **options)
        y = y.toarray() if hasattr(y, "toarray") else y
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _set_target_info(self, y: Array, incremental: bool) -> None:
        self._loss = resolve(self.loss, REGRESSION_LOSSES, "loss")
        _check_loss(self._loss)
        self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]

    def _encode_targets(self, y: Array, dtype: Any) -> Array:
        with np.errstate(over="ignore"):  # the next lines raise an error with more information
            Y = (y[:, None] if y.ndim == 1 else y).astype(dtype)
        if not np.isfinite(Y).all():
            raise ValueError(
                f"y must be finite in {np.dtype(dtype).name}. Its largest magnitude is {np.abs(y).max():.6g}."
            )
        if self._loss.inverse_link == "exp" and Y.min() < 0:
            raise ValueError(f"loss='poisson' needs y >= 0. Got a smallest y of {Y.min():.6g}.")
        if Y.shape[1] != self.n_outputs_:
            raise ValueError(f"y_val must have {self.n_outputs_} outputs, as y has. Got {Y.shape[1]} instead.")
        return Y

    def _score_raw_output(self, F: Array, Y: Array, sample_weight: Array | None) -> float:
        if not np.isfinite(F).all():
            return float("nan")
        return float(r2_score(Y, self._loss.predict(F), sample_weight=sample_weight))


def _check_loss(loss: Loss) -> None:
    """Raise ValueError for a loss whose targets are classes: its compiled form uses them as column indices."""
    require(
        not isinstance(loss, LogisticLoss | SoftmaxCrossEntropy),
        f"The loss must be one for regression: {', '.join(map(repr, REGRESSION_LOSSES))} or an object of your own. "
        f"Got {loss!r}, which is for classification; use ActivationMLPClassifier.",
    )
