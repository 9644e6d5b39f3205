"""The base of classifier and regressor: check parameters and data, train the network, set the fitted attributes."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from skneural._sklearn_compat import CallbackSupportMixin
from skneural.estimators.builder import TrainingBuilder
from skneural.estimators.caller_warning import warn_caller
from skneural.estimators.checked_data import CheckedData, FitArguments
from skneural.estimators.cross_validation import start_cross_validation
from skneural.estimators.dead_units_warning import dead_units_warnings
from skneural.estimators.fitted_network import FittedNetworkMixin
from skneural.estimators.hyperparameters import CONSTRAINTS, TRAINS_TWICE, resolve_nested_parameters
from skneural.estimators.network_size import resolve_network_size
from skneural.estimators.refit import TrainingSetup, run_trainings
from skneural.estimators.sklearn_callbacks import CallbackAdapter
from skneural.estimators.temperature_scaling import TemperatureScaling
from skneural.estimators.validation_set import ValidationScorer, check_validation_data, hold_out_rows
from skneural.estimators.validation_set_warning import warn_of_validation_set
from skneural.float_errors import default_float_errors
from skneural.network import Network, TrainingRows
from skneural.sample_weight import check_sample_weight, scale_sample_weight
from skneural.saved_state import unchanged_on_error
from skneural.solvers import DivergenceError, TrainingInterrupted

Array = NDArray[Any]


class BaseActivationMLP(FittedNetworkMixin, CallbackSupportMixin, BaseEstimator):
    """Base of the two estimators, which add the loss, the encoding of targets and the methods of prediction."""

    _parameter_constraints: dict = CONSTRAINTS

    _n_auto_layers: int  # with hidden_layer_sizes="auto"

    # The parameters that this class reads; the constructors of the two estimators list them all.
    random_state: Any
    bias_init: float
    batch_norm: bool
    n_members: Any
    warm_start: bool
    early_stopping: Any
    scoring: Any
    dtype: str | None

    def set_params(self, **params: Any) -> Any:
        """Set parameters by name.

        Parameters
        ----------
        **params : dict
            Values by name. ``activation__alpha`` sets the setting `alpha` of the activation; if `activation` is a name,
            such as "elu", the object of that name replaces it first.

        Returns
        -------
        self : estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no parameter or setting of that name.
        """
        return super().set_params(**resolve_nested_parameters(self, params))

    def _fit(self, arguments: FitArguments, incremental: bool) -> Any:
        if incremental:
            self._validate_params()  # scikit-learn skips this check once the estimator is fitted
        self._check_early_stopping(arguments, incremental)
        # After divergence and after Ctrl-C the estimator keeps finite weights that can be used.
        with default_float_errors(), unchanged_on_error(self, except_after=(DivergenceError, TrainingInterrupted)):
            result_warnings = self._train(arguments, incremental)
        for warning in result_warnings:  # where the user makes them errors, the estimator stays fitted
            warn_caller(warning)
        return self

    def _check_early_stopping(self, arguments: FitArguments, incremental: bool) -> None:
        if self.early_stopping in TRAINS_TWICE and self.warm_start:
            raise ValueError(
                f"early_stopping={self.early_stopping!r} may train twice, and warm_start=True continues the training "
                "of an earlier call. Got both; use early_stopping=True, or warm_start=False."
            )
        if incremental and self.early_stopping and arguments.X_val is None:
            raise ValueError(
                f"partial_fit does not support early_stopping={self.early_stopping!r} without X_val and y_val: rows "
                "held out in one call would be trained on in the next. Pass both, or set early_stopping=False."
            )

    def _train(self, arguments: FitArguments, incremental: bool) -> list[Warning]:
        """Train on checked data; return the warnings that the result deserves."""
        setup = self._set_up_training(arguments, incremental)
        early_stopping = True if arguments.has_validation_set else self.early_stopping
        rows, validate = self._training_rows_and_scorer(early_stopping, setup, arguments)
        if self._n_members > 1:
            self._loss.combine_members(np.zeros((self._n_members, 1, self.n_outputs_)))  # raises if the loss cannot
        result_warnings = run_trainings(self, setup, early_stopping, rows, validate)
        for adapter in setup.callbacks:
            adapter.on_fit_end()
        return result_warnings if incremental else [*result_warnings, *dead_units_warnings(self, setup.data.X)]

    def _set_up_training(self, arguments: FitArguments, incremental: bool) -> TrainingSetup:
        """Check parameters and data, set the network that training starts from, and begin the callbacks."""
        if incremental:
            self._check_first_call(arguments.classes)
        builder, resume = TrainingBuilder(self), self._should_resume(incremental)
        data = self._check_training_data(arguments, resume, incremental)
        setup = TrainingSetup(builder, data, self._make_rng(), incremental)
        if resume:
            self._set_network(self._copy_fitted_network(data.X.shape[1], builder.activations))
            self._continue_history()
        else:
            setup.start_anew(self)
        if hasattr(self, "_skl_callbacks"):
            setup.callbacks.append(CallbackAdapter(self, arguments))
        return setup

    def _training_rows_and_scorer(
        self, early_stopping: bool | str, setup: TrainingSetup, arguments: FitArguments
    ) -> tuple[TrainingRows, ValidationScorer | None]:
        """Return the rows to train on, and what validates: on the user's rows or those held out; None without any."""
        if early_stopping == "cross_validation":
            return start_cross_validation(self, setup.builder, setup.data, setup.rng)
        if arguments.has_validation_set:
            return setup.data.training_rows(), self._validation_scorer(setup, arguments)
        return hold_out_rows(self, setup.data) if early_stopping else (setup.data.training_rows(), None)

    def _validation_scorer(self, setup: TrainingSetup, arguments: FitArguments) -> ValidationScorer:
        """Return what validates on the user's rows; in `fit`, warn if they are not of the training rows' kind."""
        validate = ValidationScorer(self, check_validation_data(self, arguments))
        if not setup.incremental:
            warn_of_validation_set(self, setup.data, validate.data)
        return validate

    # Data: what the subclasses define.

    def _check_first_call(self, classes: Any) -> None:
        """Check and keep the labels that the first call of `partial_fit` names."""

    def _set_target_info(self, y: Array, sample_weight: Array | None, incremental: bool) -> None:
        """Set ``_loss``, ``n_outputs_`` and the other attributes that depend on y."""
        raise TypeError(f"{type(self).__name__} must define _set_target_info")

    def _validate_X_y(self, X: Any, y: Any, **options: Any) -> tuple[Any, Array]:
        """Return X (dense or CSR, in the dtype of the computation) and y after all checks."""
        raise TypeError(f"{type(self).__name__} must define _validate_X_y")

    def _encode_targets(self, y: Array, dtype: Any) -> Array:
        """Return the targets as the loss expects them."""
        raise TypeError(f"{type(self).__name__} must define _encode_targets")

    def _score_raw_output(self, F: Array, Y: Array, sample_weight: Array | None) -> float:
        """Return the score of raw outputs against encoded targets."""
        raise TypeError(f"{type(self).__name__} must define _score_raw_output")

    def _initialize_output_layer(self, network: Network, data: CheckedData) -> None:
        """Start the output layer of a new network where the targets are."""

    def _stratify_labels(self, y: Array) -> Array | None:
        """Return the labels by which the validation split is stratified, or None."""
        return None

    def _temperature_scaling(self, validation_set: CheckedData) -> TemperatureScaling | None:
        """Return what finds the temperature of the outputs on the validation set, or None for no scaling."""
        return None

    def _best_temperature(self, validate: ValidationScorer) -> float:
        """Return the temperature for the best parameters, 1 without scaling."""
        scaling = self._temperature_scaling(validate.data)
        if scaling is None:
            return 1.0
        scaling.minimize(validate.best_output())
        return scaling.cautious_temperature()

    def _set_temperature(self, temperature: float) -> None:
        """Divide the output of the trained network by a temperature."""

    def _class_sample_weight(self, y: Array, incremental: bool) -> Array | None:
        """Return the weights of the rows that follow from their classes, or None."""
        return None

    @property
    def _validation_scoring(self) -> Any:
        """The score on the validation set, as `scoring` takes it."""
        return self.scoring

    # Data: what they share.

    def _check_training_data(self, arguments: FitArguments, resume: bool, incremental: bool) -> CheckedData:
        """Return the rows to train on after all checks, and set the attributes that depend on the targets."""
        X, y = self._validate_X_y(arguments.X, arguments.y, dtype=self._accepted_dtypes(resume), reset=not resume)
        sample_weight = scale_sample_weight(check_sample_weight(arguments.sample_weight, X))
        self._set_target_info(y, sample_weight, incremental)
        if (class_weight := self._class_sample_weight(y, incremental)) is not None:
            sample_weight = _multiply_weights(sample_weight, class_weight)
        return CheckedData(X, self._encode_targets(y, X.dtype), y, sample_weight)

    def _should_resume(self, incremental: bool) -> bool:
        """Whether training continues from the fitted parameters."""
        return hasattr(self, "parameters_") and (incremental or self.warm_start)

    def _make_rng(self) -> np.random.RandomState:
        """Return a generator of our own: resuming sets its state, and the caller's generator must not change."""
        rng = check_random_state(self.random_state)
        is_own = isinstance(self.random_state, Integral)
        return rng if is_own else np.random.RandomState(rng.randint(np.iinfo(np.int32).max))

    def _accepted_dtypes(self, resume: bool) -> Any:
        if resume:
            return self.parameters_.dtype
        return [np.float64, np.float32] if self.dtype is None else np.dtype(self.dtype)

    # The network.

    def _new_network(self, builder: TrainingBuilder, data: CheckedData, rng: np.random.RandomState) -> Network:
        """Return a network with initial parameters, and forget earlier training."""
        hidden, n_members = resolve_network_size(self, n_rows=data.X.shape[0])
        layer_sizes = [data.X.shape[1], *hidden, self.n_outputs_]
        network = Network.zeros(layer_sizes, builder.activations, data.X.dtype, self.batch_norm, n_members)
        network.initialize(builder.initializer, self.bias_init, rng)
        self._initialize_output_layer(network, data)
        self._split_seed = int(rng.randint(np.iinfo(np.int32).max))
        self._training_state = None
        self._start_history()
        return network

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _multiply_weights(sample_weight: Array | None, class_weight: Array) -> Array | None:
    """Return sample weights times those that follow from the classes, scaled again."""
    scaled_class_weight = scale_sample_weight(class_weight, "class_weight")
    if sample_weight is None:
        return scaled_class_weight
    return scale_sample_weight(sample_weight * scaled_class_weight, "sample_weight times class_weight")
