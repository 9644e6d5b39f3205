"""The base of classifier and regressor: check parameters and data, train the network, set the fitted attributes."""

from __future__ import annotations

import math
import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from skneural._sklearn_compat import CallbackSupportMixin
from skneural.estimators.builder import TrainingBuilder
from skneural.estimators.callbacks import CallbackAdapter
from skneural.estimators.checked_data import CheckedData, FitArguments
from skneural.estimators.cross_validation import is_best_epoch_uncertain, start_cross_validation
from skneural.estimators.dead_units_warning import dead_units_warnings
from skneural.estimators.epoch_printer import EpochPrinter
from skneural.estimators.fitted_network import FittedNetworkMixin
from skneural.estimators.history import append_epoch, copy_recent, first_epochs, new_history
from skneural.estimators.hyperparameters import CONSTRAINTS, TRAINS_TWICE, resolve_nested_parameters
from skneural.estimators.network_size import resolve_network_size
from skneural.estimators.temperature_scaling import TemperatureScaling
from skneural.estimators.training import LBFGSTraining, StochasticTraining
from skneural.estimators.validation_set import ValidationScorer, name_validation_set, train_validation_split
from skneural.estimators.validation_set_warning import warn_of_validation_set
from skneural.float_errors import default_float_errors
from skneural.network import Network, TrainingRows
from skneural.sample_weight import check_sample_weight, scale_sample_weight
from skneural.saved_state import unchanged_on_error
from skneural.solvers import DivergenceError, Epoch, TrainingInterrupted

Array = NDArray[Any]


class BaseActivationMLP(FittedNetworkMixin, CallbackSupportMixin, BaseEstimator):
    """Base of the two estimators, which add the loss, the encoding of targets and the methods of prediction."""

    _parameter_constraints: dict = CONSTRAINTS

    _n_auto_layers: int  # with hidden_layer_sizes="auto"

    # The parameters that this class reads; the constructors of the two estimators list them all.
    solver: str
    random_state: Any
    bias_init: float
    batch_norm: bool
    n_members: Any
    max_iter: int
    verbose: Any
    warm_start: bool
    early_stopping: Any
    scoring: Any
    validation_fraction: float
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
        # After divergence and after Ctrl-C the estimator keeps finite weights that can be used.
        with default_float_errors(), unchanged_on_error(self, except_after=(DivergenceError, TrainingInterrupted)):
            result_warnings = self._train(arguments, incremental)
        for warning in result_warnings:  # where the user makes them errors, the estimator stays fitted
            warnings.warn(warning, stacklevel=4)
        return self

    def _train(self, arguments: FitArguments, incremental: bool) -> list[Warning]:
        """Train on checked data; return the warnings that the result deserves."""
        if incremental:
            self._check_first_call(arguments.classes)
        builder = TrainingBuilder(self)
        resume = self._should_resume(incremental)
        data = self._check_training_data(arguments, resume, incremental)
        rng = self._make_rng()
        beginning = rng.get_state()
        if resume:
            network = self._copy_fitted_network(data.X.shape[1], builder.activations)
            self.history_ = copy_recent(self.history_)
        else:
            network = self._new_network(builder, data, rng)
        self._set_network(network, builder)
        adapters = [CallbackAdapter(self, arguments)] if hasattr(self, "_skl_callbacks") else []
        mode = True if arguments.has_validation_set else self.early_stopping
        rows, validate = self._training_rows_and_scorer(mode, builder, data, arguments, rng)
        if validate is not None and arguments.has_validation_set and not incremental:
            warn_of_validation_set(self, data, validate.data)
        if self._n_members > 1:
            self._loss.combine_members(np.zeros((self._n_members, 1, self.n_outputs_)))  # raises if the loss cannot
        n_epochs = None if incremental else self.max_iter
        result_warnings = self._run_training(builder, rows, validate, rng, adapters, n_epochs)
        if mode == "auto" and self.stopped_by_ != "callback":
            is_uncertain = is_best_epoch_uncertain(self, builder, data, self._best_epoch())
            mode = "cross_validation" if is_uncertain else "continue"
            if is_uncertain:
                rng.set_state(beginning)
                validate, result_warnings = self._cross_validate_from_start(builder, data, rng, adapters)
        temperature = 1.0 if validate is None else self._best_temperature(validate)
        if mode in TRAINS_TWICE and self.stopped_by_ != "callback":
            # The first training need not have converged; other warnings hold for the second too.
            lasting = [warning for warning in result_warnings if not isinstance(warning, ConvergenceWarning)]
            result_warnings = lasting + self._train_on_all_rows(mode == "continue", builder, data, rng, adapters)
        self._set_temperature(temperature)
        for adapter in adapters:
            adapter.on_fit_end()
        return result_warnings if incremental else [*result_warnings, *dead_units_warnings(self, data.X)]

    def _run_training(
        self,
        builder: TrainingBuilder,
        rows: TrainingRows,
        validate: ValidationScorer | None,
        rng: np.random.RandomState,
        adapters: list[CallbackAdapter],
        n_epochs: int | None,
    ) -> list[Warning]:
        """Train the present network, for an epoch of `partial_fit` if there is no number of epochs.

        Return the warnings that the result deserves.
        """
        callbacks = [EpochPrinter(), *adapters] if self.verbose else adapters
        monitoring = {"validate": validate, "callbacks": callbacks, "record": self._record_epoch}
        training: LBFGSTraining | StochasticTraining
        if self.solver == "lbfgs":
            lbfgs = builder.build_lbfgs(self._network, self._loss, rows, **monitoring)
            training = LBFGSTraining(self, lbfgs, self.max_iter if n_epochs is None else n_epochs)
        else:
            loop = builder.build_training_loop(self._network, self._loss, rows, rng, **monitoring)
            training = StochasticTraining(self, loop, n_epochs, None if validate is None else validate.data)
        for adapter in adapters:
            adapter.get_training_state = training.get_state
        return training.run()

    def _cross_validate_from_start(
        self, builder: TrainingBuilder, data: CheckedData, rng: np.random.RandomState, adapters: list[CallbackAdapter]
    ) -> tuple[ValidationScorer, list[Warning]]:
        """Train anew with several networks; return what validates them, and the warnings that the result deserves."""
        if self.verbose:
            print(f"The best epoch was {self._best_epoch()}, but the rows are few: several networks look for it anew.")
        builder.keeps_best_solver_state = False
        self._set_network(self._new_network(builder, data, rng), builder)
        rows, validate = start_cross_validation(self, builder, data, rng)
        return validate, self._run_training(builder, rows, validate, rng, adapters, self.max_iter)

    def _train_on_all_rows(
        self,
        continues: bool,
        builder: TrainingBuilder,
        data: CheckedData,
        rng: np.random.RandomState,
        adapters: list[CallbackAdapter],
    ) -> list[Warning]:
        """Go on from the best epoch for half as many epochs, or train anew for as many as were best.

        Return the warnings that the result deserves.
        """
        best = self._best_epoch()
        if continues:
            n_epochs, how = math.ceil(best / 2), "training goes on from there"  # half: docs/tabular.md, what was tried
            self._n_epochs, self.history_ = best, first_epochs(self.history_, best)
        else:
            n_epochs, how = best, "training anew"
            self._set_network(self._new_network(builder, data, rng), builder)
        if self.verbose:
            print(f"The best epoch was {best}: {how}, on all rows, for {n_epochs} epochs.")
        builder.n_iter_no_change = np.inf  # the number is chosen: no other rule ends this training
        all_rows = TrainingRows(data.X, data.Y, data.sample_weight)
        return self._run_training(builder, all_rows, None, rng, adapters, n_epochs)

    def _best_epoch(self) -> int:
        """Return the number of the epoch with the best validation score; the last one if none has a score, or -inf."""
        scores = np.nan_to_num(np.array(self.validation_scores_), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
        return int(np.argmax(scores)) + 1 if (scores > -np.inf).any() else len(scores)

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
        X, y = self._validate_X_y(arguments.X, arguments.y, dtype=self._accepted_dtypes(resume), reset=not resume)
        sample_weight = scale_sample_weight(check_sample_weight(arguments.sample_weight, X))
        self._set_target_info(y, sample_weight, incremental)
        if (class_weight := self._class_sample_weight(y, incremental)) is not None:
            class_weight = scale_sample_weight(class_weight, "class_weight")
            if sample_weight is None:
                sample_weight = class_weight
            else:
                sample_weight = scale_sample_weight(sample_weight * class_weight, "sample_weight times class_weight")
        return CheckedData(X, self._encode_targets(y, X.dtype), y, sample_weight)

    def _should_resume(self, incremental: bool) -> bool:
        """Whether training continues from the fitted parameters."""
        return hasattr(self, "parameters_") and (incremental or self.warm_start)

    def _make_rng(self) -> np.random.RandomState:
        """Return a generator of our own: resuming sets its state, and the caller's generator must not change."""
        rng = check_random_state(self.random_state)
        if isinstance(self.random_state, Integral):
            return rng
        return np.random.RandomState(rng.randint(np.iinfo(np.int32).max))

    def _accepted_dtypes(self, resume: bool) -> Any:
        if resume:
            return self.parameters_.dtype
        return [np.float64, np.float32] if self.dtype is None else np.dtype(self.dtype)

    def _training_rows_and_scorer(
        self,
        mode: bool | str,
        builder: TrainingBuilder,
        data: CheckedData,
        arguments: FitArguments,
        rng: np.random.RandomState,
    ) -> tuple[TrainingRows, ValidationScorer | None]:
        """Return the rows to train on, and what validates: on the user's rows or those held out; None without any."""
        if mode == "cross_validation":
            return start_cross_validation(self, builder, data, rng)
        all_rows = TrainingRows(data.X, data.Y, data.sample_weight)
        if arguments.has_validation_set:
            validation_set = self._check_validation_data(arguments.X_val, arguments.y_val, arguments.sample_weight_val)
            return all_rows, ValidationScorer(self, validation_set)
        if not mode:
            return all_rows, None
        train, validation = train_validation_split(
            len(all_rows), self.validation_fraction, self._split_seed, self._stratify_labels(data.y)
        )
        sample_weight = data.sample_weight
        if sample_weight is not None and not (sample_weight[train].any() and sample_weight[validation].any()):
            raise ValueError(
                f"sample_weight must be positive for some of the {len(train)} rows to train on and some of the "
                f"{len(validation)} rows that early stopping holds out. Got only zeros there."
            )
        rows = TrainingRows(data.X, data.Y, sample_weight, subset=train)
        return rows, ValidationScorer(self, data.take(validation))

    def _check_validation_data(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> CheckedData:
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(f"X_val and y_val must be given together. Got no {missing}.")
        with name_validation_set():
            X, y = self._validate_X_y(X_val, y_val, dtype=self.parameters_.dtype, reset=False)
        weight = scale_sample_weight(check_sample_weight(sample_weight_val, X, "sample_weight_val"))
        return CheckedData(X, self._encode_targets(y, X.dtype), y, weight)

    # The network.

    def _new_network(self, builder: TrainingBuilder, data: CheckedData, rng: np.random.RandomState) -> Network:
        n_rows, n_features = data.X.shape
        hidden, n_members = resolve_network_size(self, n_rows)
        layer_sizes = [n_features, *hidden, self.n_outputs_]
        network = Network.zeros(layer_sizes, builder.activations, data.X.dtype, self.batch_norm, n_members)
        network.initialize(builder.initializer, self.bias_init, rng)
        self._initialize_output_layer(network, data)
        self._split_seed = int(rng.randint(np.iinfo(np.int32).max))
        self._training_state: dict[str, Any] | None = None
        self.history_ = new_history()
        self._n_epochs = self.t_ = 0
        return network

    def _set_network(self, network: Network, builder: TrainingBuilder) -> None:
        self._network = network
        self._sizes = network.sizes
        self._batch_norm, self._n_members = network.batch_norm, network.n_members
        self.parameters_ = network.parameters
        self.activations_ = builder.activations
        self.n_layers_ = len(network.sizes)
        self.out_activation_ = self._loss.inverse_link

    def _record_epoch(self, epoch: Epoch) -> None:
        append_epoch(self.history_, epoch)
        self._n_epochs += 1

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
