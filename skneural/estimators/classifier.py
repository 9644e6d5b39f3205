"""The classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import column_or_1d

from skneural._sklearn_compat import _check_partial_fit_first_call, _fit_context, validate_data
from skneural.constraints import FRACTION_BELOW_ONE, StrOptions
from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.checked_data import CheckedData, FitArguments
from skneural.estimators.class_labels import (
    check_label_indicator,
    detect_label_indicator,
    encode_labels,
    label_values,
    warn_of_single_class,
)
from skneural.estimators.class_weight import sample_weight_from_classes
from skneural.estimators.hyperparameters import store_parameters, supports_partial_fit
from skneural.estimators.shared_docstrings import fill_docstring
from skneural.estimators.temperature_scaling import TemperatureScaling, check_temperature_scaling, divide_output
from skneural.float_errors import ignore_float_errors
from skneural.losses import LogisticLoss, SoftmaxCrossEntropy
from skneural.network import Network
from skneural.saved_state import require

Array = NDArray[Any]


@fill_docstring
class ActivationMLPClassifier(ClassifierMixin, BaseActivationMLP):
    """Multi-layer perceptron classifier with any activation, from sigmoid to Maxout, per layer.

    A superset of :class:`sklearn.neural_network.MLPClassifier`: the same names mean the same. It minimises the
    weighted mean of the log loss plus a penalty, Σ sᵢ ℓᵢ / Σ sᵢ + alpha · [...], for two classes and for multilabel
    targets with one logistic output per label, for more classes with softmax.

    Parameters
    ----------
    {parameters}

    class_weight : dict, "balanced", list of dict or None, default=None
        Weights of the classes, by label, multiplied with `sample_weight`; "balanced" is n / (n_classes · count). For
        multilabel targets a dict for each label's 0 and 1, or one dict for all labels. They also apply to the rows
        that early stopping holds out, but not to `X_val`, which has `sample_weight_val`. In `partial_fit` only the
        ratios within one call count: if all rows of a call have one class, its weight changes nothing.
        Labels are those that `fit` gets. Wrappers that number the classes 0, 1, ... first (VotingClassifier,
        StackingClassifier, BaggingClassifier, OneVsRestClassifier and OneVsOneClassifier) pass on these numbers: a
        dict of the original labels then weights the wrong classes, which nothing here can notice.

    label_smoothing : float in [0, 1), default=0.0
        Share of the target probability that is distributed evenly over all classes.

    temperature_scaling : bool, default=False
        Whether the outputs are divided by the temperature at which the log loss on the validation set is smallest (Guo
        et al. 2017, :arxiv:`1706.04599`): probabilities are then as certain as rows deserve that were not trained on.
        Labels hardly change. With ``scoring="loss"`` early stopping compares the epochs by this smallest loss (Berta et
        al. 2025, :arxiv:`2501.19195`), and so trains on while only the certainty suffers. For `fit` with a validation
        set, not for `partial_fit` and `warm_start`. A temperature T below 1, which makes probabilities more certain, is
        moved towards 1 for few held-out rows: it becomes T^(n / (n + 200)) with n rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The class labels; with multilabel targets, the column numbers.

    temperature_ : float
        What the output layer's weights and biases were divided by after training; 1 without `temperature_scaling`.

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
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from skneural import ActivationMLPClassifier, ELU, StdScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(
    ...     StdScaler(), ActivationMLPClassifier((16, 8), ELU(alpha=0.5), learning_rate_init=0.01, random_state=0)
    ... )
    >>> model.fit(X, y).predict(X[:3])
    array([0, 0, 0])
    >>> bool(model.score(X, y) > 0.95)
    True
    """

    _parameter_constraints: dict = {
        **BaseActivationMLP._parameter_constraints,
        "class_weight": [None, StrOptions({"balanced"}), dict, list],
        "label_smoothing": [FRACTION_BELOW_ONE],
        "temperature_scaling": ["boolean"],
    }

    # Parameters with a position on one line, then each keyword on its own.
    # fmt: off
    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: Any = "relu", *,
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
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        temperature_scaling: bool = False,
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
    ) -> ActivationMLPClassifier:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; CSC is converted to CSR.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a 0/1 indicator matrix for multilabel targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; integer weights equal repeated rows.
        X_val, y_val : array-like, default=None
            Validation set, not used for training. Its loss and score are recorded after each epoch, and early stopping
            uses the score.
            A Pipeline must be told to transform it: ``Pipeline(steps, transform_input=["X_val"])``.
        sample_weight_val : array-like, default=None
            Weights of the validation set, to which `class_weight` does not apply.

        Returns
        -------
        self : ActivationMLPClassifier
            The fitted estimator.
        """
        arguments = FitArguments(X, y, sample_weight, X_val, y_val, sample_weight_val)
        check_temperature_scaling(self, arguments, incremental=False)
        return self._fit(arguments, incremental=False)

    @available_if(supports_partial_fit)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> ActivationMLPClassifier:
        """Train for one epoch on the given rows, starting where the last call ended.

        Every call makes its epoch. Where `fit` would have stopped, `stopped_by_` says so.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Some of the training data.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, or a 0/1 indicator matrix for multilabel targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Only their ratios within this call count, `class_weight` included: doubling all of
            them changes nothing.
        classes : array-like of shape (n_classes,), default=None
            All labels of this and all later calls; required in the first call only.
        X_val, y_val : array-like, default=None
            Validation set, not used for training. Its loss and score are recorded. With early stopping, training
            continues from the latest parameters, while `parameters_` are those of the call with the best score on this
            validation set; another one starts a new comparison.
        sample_weight_val : array-like, default=None
            Weights of the validation set, to which `class_weight` does not apply.

        Returns
        -------
        self : ActivationMLPClassifier
            The estimator, one epoch further.
        """
        arguments = FitArguments(X, y, sample_weight, X_val, y_val, sample_weight_val, classes)
        check_temperature_scaling(self, arguments, incremental=True)
        return self._fit(arguments, incremental=True)

    @ignore_float_errors
    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row; for multilabel targets, the labels of probability above 1/2.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Elements of `classes_`, or 0 and 1 per label.
        """
        class_codes = self._predict_encoded(self._raw_output(X))
        return class_codes if self._multilabel else self.classes_[class_codes]

    @ignore_float_errors
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, or of each label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes), in the dtype of the parameters
            Columns in the order of `classes_`; rows sum to 1 unless the targets are multilabel.
        """
        F = self._raw_output_per_class(self._raw_output(X))
        return self._loss.predict(F)

    @ignore_float_errors
    def predict_members(self, X: Any) -> Array:
        """Return the probabilities that each member of the network predicts; `predict_proba` returns their mean.

        Where the members differ, the prediction is uncertain.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        P : ndarray of shape (n_members, n_samples, n_classes), in the dtype of the parameters
            Columns in the order of `classes_`.
        """
        return np.stack([self._loss.predict(self._raw_output_per_class(F)) for F in self._member_outputs(X)])

    @ignore_float_errors
    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of the probabilities, computed from the raw output and therefore finite.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes), in the dtype of the parameters
            Columns in the order of `classes_`.
        """
        F = self._raw_output_per_class(self._raw_output(X))
        return self._loss.log_predict(F)

    @ignore_float_errors
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            The class labels, or a 0/1 indicator matrix for multilabel targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            For multilabel targets the share of rows of which all labels are right.
        """
        return super().score(X, label_values(y), sample_weight)

    def _raw_output_per_class(self, F: Array) -> Array:
        """Return one column per class; for two classes, sigmoid(-f) replaces 1 - sigmoid(f), which would cancel."""
        return np.hstack([-F, F]) if self._binary else F

    def _predict_encoded(self, F: Array) -> Array:
        """Return the index of each row's class, or 0 and 1 per label."""
        if self._multilabel:
            return (F > 0).astype(np.intp)
        return (F[:, 0] > 0).astype(np.intp) if self._binary else F.argmax(axis=1)

    def _validate_X_y(self, X: Any, y: Any, **options: Any) -> tuple[Any, Array]:
        X, y = validate_data(self, X, label_values(y), accept_sparse="csr", multi_output=True, **options)
        try:
            check_classification_targets(y)
        except TypeError as error:
            raise TypeError(f"y must hold labels of one kind, all numbers or all strings: {error}.") from error
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y.toarray() if hasattr(y, "toarray") else y

    _n_auto_layers = 3
    _loss: LogisticLoss | SoftmaxCrossEntropy
    _multilabel: bool
    _fitted_names = BaseActivationMLP._fitted_names | {"classes_", "_multilabel", "temperature_"}

    def _restore_fitted_state(self) -> None:
        super()._restore_fitted_state()
        n_classes = 2 if self._binary and self.n_outputs_ == 1 else self.n_outputs_
        is_sorted = np.shape(self.classes_) == (n_classes,) and np.array_equal(np.unique(self.classes_), self.classes_)
        require(is_sorted, f"classes_ must be {n_classes} sorted labels. Got {self.classes_!r} instead.")
        is_positive = isinstance(self.temperature_, float) and 0 < self.temperature_ < np.inf
        require(is_positive, f"temperature_ must be a float > 0. Got {self.temperature_!r} instead.")
        loss = self._loss_class
        require(type(self._loss) is loss, f"The loss must be {loss.__name__}. Got {self._loss!r} instead.")

    @property
    def _binary(self) -> bool:
        """Whether there are two classes, which share one logistic output."""
        return len(self.classes_) == 2 and not self._multilabel

    @property
    def _loss_class(self) -> type[LogisticLoss] | type[SoftmaxCrossEntropy]:
        return LogisticLoss if self._binary or self._multilabel else SoftmaxCrossEntropy

    def _check_first_call(self, classes: Any) -> None:
        if classes is not None and np.size(classes) == 0:
            raise ValueError("classes must hold all labels of this and all later calls. Got none.")
        if _check_partial_fit_first_call(self, None if classes is None else label_values(classes)):
            warn_of_single_class(self.classes_)

    def _set_target_info(self, y: Array, sample_weight: Array | None, incremental: bool) -> None:
        multilabel, resume = detect_label_indicator(y), self._should_resume(incremental)
        if resume:
            self._refuse_other_kind_of_labels(multilabel)
        self._multilabel = multilabel
        if self._multilabel:
            self.classes_ = np.arange(y.shape[1])
        elif not incremental:
            self.classes_ = self._find_classes(y, resume)
        self.n_outputs_ = 1 if self._binary else len(self.classes_)
        self._loss, self.temperature_ = self._loss_class(self.label_smoothing), 1.0

    def _refuse_other_kind_of_labels(self, multilabel: bool) -> None:
        """Raise ValueError if training began with one label per row, and goes on with a column per label, or so."""
        if multilabel != self._multilabel:
            raise ValueError(
                f"y must hold {'one label per row' if multilabel else 'a column per label'}, as when training began. "
                f"Got {'a column per label' if multilabel else 'one label per row'}; to start anew use fit with "
                "warm_start=False."
            )

    def _find_classes(self, y: Array, resume: bool) -> Array:
        # For numbers unique_labels repeats the checks of _validate_X_y; texts it shortens to the longest.
        labels = np.unique(y) if y.dtype.kind in "biuf" else unique_labels(y)
        if resume and not np.array_equal(labels, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {labels}"
            )
        warn_of_single_class(labels)
        return labels

    def _encode_targets(self, y: Array, dtype: Any) -> Array:
        if self._multilabel:
            check_label_indicator(y, len(self.classes_))
            return np.asarray(y, dtype=dtype)
        class_codes = encode_labels(y, self.classes_)
        return class_codes[:, None].astype(dtype) if self._binary else class_codes

    def _initialize_output_layer(self, network: Network, data: CheckedData) -> None:
        """Move the output biases to the log-odds of the classes, unless the first rows of a stream lack some."""
        if self._multilabel or self._has_all_classes(data.Y):
            network.biases[-1][...] += self._loss.initial_output(data.Y, data.sample_weight)

    def _has_all_classes(self, Y: Array) -> bool:
        """Whether each class is among encoded targets, which are counted faster than labels are compared."""
        return bool(np.count_nonzero(np.bincount(Y.ravel().astype(np.intp))) == len(self.classes_))

    def _temperature_scaling(self, validation_set: CheckedData) -> TemperatureScaling | None:
        if self.temperature_scaling:
            return TemperatureScaling(validation_set.Y, validation_set.sample_weight)
        return None

    def _set_temperature(self, temperature: float) -> None:
        self.temperature_ = temperature
        if self.temperature_scaling:
            divide_output(self._network, temperature)

    def _class_sample_weight(self, y: Array, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return None
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' is not available in partial_fit, where one call does not know how frequent "
                "the classes are. Pass a dict, for instance from sklearn.utils.class_weight.compute_class_weight."
            )
        return sample_weight_from_classes(self.class_weight, y, self.classes_)

    def _stratify_labels(self, y: Array) -> Array | None:
        return None if self._multilabel else y

    @property
    def _validation_scoring(self) -> Any:
        """None, for the accuracy, if there is one class: most other scores are then undefined."""
        return None if len(self.classes_) == 1 and self.scoring != "loss" else self.scoring

    def _score_raw_output(self, F: Array, Y: Array, sample_weight: Array | None) -> float:
        if not np.isfinite(F).all():
            return float("nan")
        Y = Y if self._multilabel else Y.ravel()
        return float(accuracy_score(Y, self._predict_encoded(F), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
