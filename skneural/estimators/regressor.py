"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from skneural._sklearn_compat import _fit_context, validate_data
from skneural.component import resolve
from skneural.constraints import StrOptions, satisfies
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.caller_warning import warn_caller
from skneural.estimators.checked_data import CheckedData, FitArguments
from skneural.estimators.fitted_network import check_finite_output
from skneural.estimators.hyperparameters import store_parameters, supports_partial_fit
from skneural.estimators.shared_docstrings import fill_docstring
from skneural.estimators.target_arrays import numeric_targets
from skneural.estimators.target_scale_warning import check_record, describe_mismatch, new_record, updated_record
from skneural.estimators.target_scaling import (
    LARGEST_OUTLIER,
    MeanAndScale,
    TargetScaling,
    no_scaling,
    range_in_dtype,
    restore_targets,
    robust_mean_and_std,
    skewness_sign,
    standardize_targets,
    target_mean_and_std,
    weighted_rows,
    zero_and_mean,
)
from skneural.float_errors import ignore_float_errors
from skneural.losses import LOSSES, LogisticLoss, Loss, Quantile, SoftmaxCrossEntropy
from skneural.network import Network
from skneural.saved_state import check_numbers, require

Array = NDArray[Any]

REGRESSION_LOSSES = {name: loss for name, loss in LOSSES.items() if loss.inverse_link in ("identity", "exp")}

MAX_SPACING = 1e-3  # between neighbouring predictions, in standard deviations of the target


@fill_docstring
class ActivationMLPRegressor(RegressorMixin, BaseActivationMLP):
    """Multi-layer perceptron regressor with any activation, from sigmoid to Maxout, per layer.

    A superset of :class:`sklearn.neural_network.MLPRegressor`: the same names mean the same. It minimises the
    weighted mean of the loss, summed over the outputs, plus a penalty, Σ sᵢ ℓᵢ / Σ sᵢ + alpha · [...].

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "quantile", "poisson"} or Loss, default="squared_error"
        By name or as an object with its settings, such as ``Huber(delta=2.0)`` or ``Quantile([0.05, 0.5, 0.95])``.
        "squared_error" is half the squared error; "quantile" is the pinball loss, of the median unless the object says
        otherwise; "poisson" is half the Poisson deviance, with the exponential as inverse link, for y >= 0.

    {parameters}

    normalize_y : bool, default=True
        Whether the scale of the target is the estimator's business. With a loss in the units of the target (squared,
        absolute, huber, quantile) each target is standardized by its weighted mean and standard deviation, and
        predictions are scaled back. For absolute, huber and quantile, mean and standard deviation are those of the
        target with its outliers bounded at ten ranges of its middle half from the median, so that no outlier decides
        about the scale. With poisson each target is divided by its weighted mean. Fitting a · y + b (poisson: a · y)
        then gives a · p + b where fitting y gives p. The loss, `tol`, `alpha` and the settings of a loss, such as
        ``delta`` of Huber, are in units of the standardized or divided target; so are `coefs_`. With False the network
        learns y as it comes.

    clip_predictions : bool, default=False
        Whether predictions are kept within the range of the training targets.

    Attributes
    ----------
    {attributes}

    target_mean_, target_scale_ : ndarray of shape (n_targets,), float64
        A prediction is `target_mean_` + `target_scale_` · the network's. The scale is the standard deviation of the
        training targets (with absolute, huber and quantile, of those targets with outliers bounded), 0 where they are
        all equal. With poisson the mean is 0 and the scale the mean of the training targets, 1 where they are all zero.
        Means of 0 and scales of 1 without `normalize_y`, and for losses of your own that are neither in the target's
        units nor homogeneous. `partial_fit` and `warm_start` keep those of the first call.

    target_range_ : ndarray of shape (2, n_targets), float64
        Smallest and largest target that training has seen.

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
        "normalize_y": ["boolean"],
        "clip_predictions": ["boolean"],
    }
    _n_auto_layers = 2
    _fitted_names = BaseActivationMLP._fitted_names | {
        "target_mean_",
        "target_scale_",
        "target_range_",
        "_later_targets",
    }
    target_mean_: Array
    target_scale_: Array
    target_range_: Array
    _later_targets: dict[str, Any] | None = None  # no longer recorded once there was a warning

    # Parameters with a position on one line, then each keyword on its own.
    # fmt: off
    def __init__(
        self, loss: Any = "squared_error", hidden_layer_sizes: Any = (100,), activation: Any = "relu", *,
        solver: str = "adam",
        alpha: float = 0.0001,
        l1_ratio: float = 0.0,
        max_norm: float | None = None,
        clip_norm: float | None = None,
        dropout: Any = 0.0,
        input_dropout: float = 0.0,
        batch_norm: bool = False,
        n_members: Any = 1,
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
        early_stopping: Any = False,
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
        normalize_y: bool = True,
        clip_predictions: bool = False,
    ):
        store_parameters(self, locals())
    # fmt: on

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
            A Pipeline must be told to transform it: ``Pipeline(steps, transform_input=["X_val"])``.
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

        Every call makes its epoch. Where `fit` would have stopped, `stopped_by_` says so. The first call sets the scale
        of the target: give it some hundred rows. If targets of later calls have another scale, a UserWarning says so,
        once.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Some of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Only their ratios within this call count: doubling all of them changes nothing.
        X_val, y_val : array-like, default=None
            Validation set, not used for training. Its loss and score are recorded. With early stopping, training
            continues from the latest parameters, while `parameters_` are those of the call with the best score on this
            validation set; another one starts a new comparison.
        sample_weight_val : array-like, default=None
            Weights of the validation set.

        Returns
        -------
        self : ActivationMLPRegressor
            The estimator, one epoch further.
        """
        arguments = FitArguments(X, y, sample_weight, X_val, y_val, sample_weight_val)
        return self._fit(arguments, incremental=True)

    @ignore_float_errors
    def predict(self, X: Any) -> Array:
        """Return the predicted targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), in the dtype of the parameters
            For each row the mean, the median, the quantiles (a column for each) or the rate that the loss asks for, in
            the units of the targets.
        """
        return self._predict_in_target_units(self._raw_output(X))

    @ignore_float_errors
    def predict_members(self, X: Any) -> Array:
        """Return what each member of the network predicts; `predict` returns their mean.

        Where the members differ, the prediction is uncertain.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        Y : ndarray of shape (n_members, n_samples) or (n_members, n_samples, n_outputs), in the dtype of the parameters
            Each in the units of the targets. With ``clip_predictions=True`` the mean, and then each of them, keeps
            within the range of the targets.
        """
        return np.stack([self._predict_in_target_units(F) for F in self._member_outputs(X)])

    def _predict_in_target_units(self, F: Array) -> Array:
        restored = restore_targets(self._predict_standardized(F), self.target_mean_, self.target_scale_)
        check_finite_output(restored)
        if self.clip_predictions:  # again, since restoring rounds
            restored = np.clip(restored, *range_in_dtype(self.target_range_, restored.dtype))
        return restored[:, 0] if restored.shape[1] == 1 else restored

    @ignore_float_errors
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R²; with a quantile loss D², the share of the pinball loss that the prediction explains.

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
            At most 1; 0 is the score of the best constant. With several quantiles the mean of their scores:
            see :func:`sklearn.metrics.d2_pinball_score`.
        """
        return self._score_predictions(y, self.predict(X), sample_weight)

    def _predict_standardized(self, F: Array) -> Array:
        """Return what the loss makes of raw outputs, within the bounds, in units of the standardized targets."""
        predicted = self._loss.predict(F)
        if not self.clip_predictions:
            return predicted
        target_bounds = standardize_targets(self.target_range_, self.target_mean_, self.target_scale_)  # in float64
        return np.clip(predicted, *target_bounds).astype(predicted.dtype, copy=False)

    def _restore_fitted_state(self) -> None:
        super()._restore_fitted_state()
        _check_loss(self._loss)
        n_targets = self.n_outputs_ // self._loss.n_outputs_per_target
        check_numbers("target_mean_", self.target_mean_, (n_targets,))
        check_numbers("target_scale_", self.target_scale_, (n_targets,))
        check_numbers("target_range_", self.target_range_, (2, n_targets))
        if self._later_targets is not None:
            check_record(self._later_targets, n_targets)
        require((self.target_scale_ >= 0).all(), f"target_scale_ must be >= 0. Got {self.target_scale_} instead.")
        clip = self.clip_predictions  # the one parameter that predictions depend on
        require(satisfies(clip, "boolean"), f"clip_predictions must be True or False. Got {clip!r} instead.")

    def _validate_X_y(self, X: Any, y: Any, **options: Any) -> tuple[Any, Array]:
        y = numeric_targets(y)
        X, y = validate_data(self, X, y, accept_sparse="csr", multi_output=True, y_numeric=True, **options)
        y = y.toarray() if hasattr(y, "toarray") else y
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _check_training_data(self, arguments: FitArguments, resume: bool, incremental: bool) -> CheckedData:
        data = super()._check_training_data(arguments, resume, incremental)
        if resume:
            self._warn_of_another_scale()
        else:
            self._warn_of_lost_digits(data.X.dtype)
        return data

    def _set_target_info(self, y: Array, sample_weight: Array | None, incremental: bool) -> None:
        self._loss = resolve(self.loss, REGRESSION_LOSSES, "loss")
        _check_loss(self._loss)
        Y, n_per_target = _target_columns(y), self._loss.n_outputs_per_target
        if n_per_target > 1 and Y.shape[1] > 1:
            raise ValueError(
                f"{self._loss!r} predicts {n_per_target} numbers for one target. Got y with {Y.shape[1]} targets; "
                "fit a regressor for each (sklearn.multioutput.MultiOutputRegressor)."
            )
        self.n_outputs_ = Y.shape[1] * n_per_target
        self._set_target_scaling(Y, sample_weight, incremental)

    def _set_target_scaling(self, Y: Array, sample_weight: Array | None, incremental: bool) -> None:
        """Set mean, scale and range of the targets; when training goes on, mean and scale stay those of the start."""
        keeps_scaling = self._should_resume(incremental) and self._can_keep_scaling(Y.shape[1])
        if keeps_scaling:
            fitted_scaling = TargetScaling(self.target_mean_, self.target_scale_, self.target_range_)
            scaling = fitted_scaling.resume(Y, sample_weight, self._mean_and_scale)
        else:
            scaling = TargetScaling.from_targets(Y, sample_weight, self._mean_and_scale)
        is_same_scale = keeps_scaling and np.array_equal(scaling.scale, self.target_scale_)
        self.target_mean_, self.target_scale_, self.target_range_ = scaling
        self._record_targets(weighted_rows(Y, sample_weight), scaling, is_same_scale)

    def _can_keep_scaling(self, n_targets: int) -> bool:
        if len(self.target_mean_) != n_targets:
            return False
        # A loss that divides targets by their mean cannot go on where another loss has shifted them.
        return self._loss.in_target_units or (self._loss.homogeneous and not self.target_mean_.any())

    def _record_targets(self, Y: Array, scaling: TargetScaling, is_same_scale: bool) -> None:
        """Record what shows whether the targets of later calls have the scale that the first call set."""
        if self._mean_and_scale is no_scaling:
            self._later_targets = None
        elif not is_same_scale:
            self._later_targets = new_record(*Y.shape)
        elif self._later_targets is not None:
            self._later_targets = updated_record(self._later_targets, Y, scaling)

    def _warn_of_another_scale(self) -> None:
        """Warn once if the targets of later calls have another scale than those of the first."""
        if self._later_targets is None or not (mismatch := describe_mismatch(self._later_targets, self.target_scale_)):
            return
        self._later_targets = None
        scales = ", ".join(f"{scale:.3g}" for scale in self.target_scale_)
        warn_caller(
            f"The first call set target_scale_ to {scales}, and later calls keep it, but {mismatch}. In units that do "
            "not suit them the network cannot learn them well. Start anew with a first call of more rows, some hundred "
            "of them from all over the data and without wild targets, or set normalize_y=False and scale y yourself."
        )

    def _warn_of_lost_digits(self, dtype: Any) -> None:
        """Warn if predictions in single precision cannot tell targets apart that differ little."""
        if dtype != np.float32 or not self._standardizes:
            return
        prediction_spacing = np.spacing(np.abs(self.target_mean_).astype(dtype)).astype(np.float64)
        too_coarse = (self.target_scale_ > 0) & (prediction_spacing > MAX_SPACING * self.target_scale_)
        if too_coarse.any():
            i = int(too_coarse.argmax())
            warn_caller(
                f"Predictions of dtype float32 are {prediction_spacing[i]:.1g} apart near {self.target_mean_[i]:.4g}, "
                f"the mean of y, but the standard deviation of y is {self.target_scale_[i]:.1g}. Pass dtype='float64', "
                "or subtract the mean from y, or multiply y by a constant."
            )

    @property
    def _mean_and_scale(self) -> MeanAndScale:
        """What computes the scaling of new targets."""
        if self.normalize_y and self._loss.homogeneous:
            return zero_and_mean
        if not self._standardizes:
            return no_scaling
        return robust_mean_and_std if self._loss.robust else target_mean_and_std

    @property
    def _standardizes(self) -> bool:
        return bool(self.normalize_y and self._loss.in_target_units)

    def _initialize_output_layer(self, network: Network, data: CheckedData) -> None:
        if not self.normalize_y:
            return
        W, b = network.weights[-1], network.biases[-1]
        if (initial_output := self._loss.initial_output(data.Y, data.sample_weight)) is not None:
            b[...] = initial_output
        if self._standardizes and self._loss.symmetric:
            target_sign = skewness_sign(data.Y, data.sample_weight).astype(W.dtype)
            W *= target_sign
            b *= target_sign

    def _encode_targets(self, y: Array, dtype: Any) -> Array:
        Y = _target_columns(y)
        self._check_targets(Y, dtype)
        Z = standardize_targets(Y, self.target_mean_, self.target_scale_)
        if self._standardizes and self._loss.robust:
            np.clip(Z, -LARGEST_OUTLIER, LARGEST_OUTLIER, out=Z)
        return np.repeat(Z.astype(dtype), self._loss.n_outputs_per_target, axis=1)

    def _check_targets(self, Y: Array, dtype: Any) -> None:
        """Raise ValueError for targets that are too large for the dtype, that the loss cannot take, or too many."""
        with np.errstate(over="ignore"):  # the next lines say it better
            is_representable = np.isfinite(Y.astype(dtype)).all()
        if not is_representable:
            raise ValueError(
                f"y must be finite in {np.dtype(dtype).name}. Its largest magnitude is {np.abs(Y).max():.6g}."
            )
        if self._loss.inverse_link == "exp" and Y.min() < 0:
            raise ValueError(f"loss='poisson' needs y >= 0. Got a smallest y of {Y.min():.6g}.")
        if Y.shape[1] != (n_targets := len(self.target_mean_)):
            raise ValueError(f"y_val must have {n_targets} outputs, as y has. Got {Y.shape[1]} instead.")

    def _score_raw_output(self, F: Array, Y: Array, sample_weight: Array | None) -> float:
        if not np.isfinite(F).all():
            return float("nan")
        return self._score_predictions(Y, self._predict_standardized(F), sample_weight)

    def _score_predictions(self, y: Any, predicted: Array, sample_weight: Any) -> float:
        if isinstance(self._loss, Quantile):
            return _d2_pinball(self._loss, y, predicted, sample_weight)
        return float(r2_score(y, predicted, sample_weight=sample_weight))


def _target_columns(y: Array) -> Array:
    """Return targets as float64, of shape (n_rows, n_targets)."""
    y = np.asarray(y, np.float64)
    return y[:, None] if y.ndim == 1 else y


def _d2_pinball(loss: Quantile, y: Any, predicted: Array, sample_weight: Any) -> float:
    """Return the mean over quantiles, or over targets, of D², the share of the pinball loss that is explained."""
    Y, P = np.broadcast_arrays(_target_columns(y), _target_columns(predicted))
    quantiles = np.broadcast_to(loss.quantiles, P.shape[1])
    scores = [
        d2_pinball_score(Y[:, j], P[:, j], alpha=float(q), sample_weight=sample_weight) for j, q in enumerate(quantiles)
    ]
    return float(np.mean(scores))


def _check_loss(loss: Loss) -> None:
    """Raise ValueError for a loss whose targets are classes: its compiled form uses them as column indices."""
    require(
        not isinstance(loss, LogisticLoss | SoftmaxCrossEntropy),
        f"The loss must be one for regression: {', '.join(map(repr, REGRESSION_LOSSES))} or an object of your own. "
        f"Got {loss!r}, which is for classification; use ActivationMLPClassifier.",
    )
