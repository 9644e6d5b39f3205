"""The warning that a validation set is not of the training rows' kind: other units, or a forgotten transformation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from skneural.estimators.caller_warning import warn_caller
from skneural.estimators.checked_data import CheckedData
from skneural.estimators.dataset_shift import ColumnDifferences, ColumnStatistics, column_statistics

Array = NDArray[Any]

FEWEST_ROWS = 10  # fewer rows say too little about mean and standard deviation

PIPELINE_HINT = (
    "If this estimator is the last step of a Pipeline: the other steps transform X, but not X_val. Use "
    'Pipeline(steps, transform_input=["X_val"]), and enable metadata routing with set_fit_request(X_val=True, '
    "y_val=True) on this estimator."
)
TRANSFORMED_TARGET_HINT = (
    "If this estimator is inside a TransformedTargetRegressor: that transforms y, but not y_val, which must be "
    "transformed before. For other units alone no transformation is needed, since normalize_y=True scales the target."
)


class ValidationSetWarning(UserWarning):
    """`X_val` or `y_val` is in other units than `X` or `y`, so that validation loss and score mean nothing.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import Pipeline
    >>> from skneural import ActivationMLPClassifier, StdScaler, ValidationSetWarning
    >>> X, y = load_iris(return_X_y=True)
    >>> model = Pipeline([("scale", StdScaler()), ("net", ActivationMLPClassifier(max_iter=1000, random_state=0))])
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always", ValidationSetWarning)
    ...     model = model.fit(X[::2], y[::2], net__X_val=X[1::2], net__y_val=y[1::2])
    >>> print(str(caught[0].message).split(":")[0])
    X_val does not look like X
    """


def warn_of_validation_set(estimator: Any, data: CheckedData, validation: CheckedData) -> None:
    """Warn if features or numeric targets of the validation set cannot be of the training rows' kind.

    Parameters
    ----------
    estimator : BaseActivationMLP
    data, validation : CheckedData
        The training rows and the validation set.
    """
    if min(data.n_weighted_rows, validation.n_weighted_rows) < FEWEST_ROWS:
        return
    try:
        _warn_of_features(data, validation, getattr(estimator, "feature_names_in_", None))
        if is_regressor(estimator):
            _warn_of_targets(data, validation)
    except OverflowError:  # squares beyond float64 cannot be compared
        return


def _warn_of_features(data: CheckedData, validation: CheckedData, names: Array | None) -> None:
    features, features_val = (column_statistics(each.X, each.sample_weight) for each in (data, validation))
    differences = ColumnDifferences(features, features_val)
    if not differences.in_features:
        return
    worst = int(differences.distance.argmax())
    feature = f"feature {worst}" if names is None else f"feature {names[worst]!r}"
    warn_caller(
        f"X_val does not look like X: {feature} is {features_val.describe(worst)} there, but {features.describe(worst)}"
        " in X (mean ± standard deviation). Validation loss and score then say nothing about the model. "
        + PIPELINE_HINT,
        ValidationSetWarning,
    )


def _warn_of_targets(data: CheckedData, validation: CheckedData) -> None:
    target, target_val = _target_statistics(data), _target_statistics(validation)
    differences = ColumnDifferences(target, target_val)
    if not differences.in_targets.any():
        return
    worst = int(np.where(differences.in_targets, differences.distance, -1).argmax())
    warn_caller(
        f"y_val is not in the units of y: it is {target_val.describe(worst)}, but y is {target.describe(worst)} (mean "
        "± standard deviation). Validation loss and score then say nothing about the model. " + TRANSFORMED_TARGET_HINT,
        ValidationSetWarning,
    )


def _target_statistics(data: CheckedData) -> ColumnStatistics:
    return column_statistics(data.y.reshape(len(data.y), -1).astype(np.float64), data.sample_weight)
