"""Labels of classes: which kinds there are, their codes, and the warning that there is one class only."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from skneural.estimators.caller_warning import warn_caller
from skneural.estimators.target_arrays import refuse_missing_targets, target_array

Array = NDArray[Any]


class SingleClassWarning(RuntimeWarning):
    """`y` has one class only, so that every prediction will be that class.

    A RuntimeWarning: scikit-learn's tests of its own MLP fit one class where they make UserWarnings errors.

    Examples
    --------
    >>> import warnings
    >>> from skneural import ActivationMLPClassifier, SingleClassWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", SingleClassWarning)
    ...     model = ActivationMLPClassifier(random_state=0).fit([[0.0], [1.0]], ["spam", "spam"])
    >>> model.predict_proba([[2.0]])
    array([[1.]])
    """


def warn_of_single_class(classes: Array) -> None:
    """Warn if there is one class only.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
    """
    if len(classes) == 1:
        warn_caller(
            f"y has one class, {classes.tolist()[0]!r}: every prediction will be that class, with probability 1. "
            "Classes that come later cannot be learned by this model.",
            SingleClassWarning,
        )


def label_values(y: Any) -> Any:
    """Return the labels; objects that are all booleans, or all integers, as an array of these.

    Parameters
    ----------
    y : array-like or sparse matrix

    Raises
    ------
    TypeError
        If they are objects of another kind than text, or of several kinds.
    ValueError
        If some are missing, or too large.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.class_labels import label_values
    >>> label_values(np.array([True, False], dtype=object))
    array([ True, False])
    >>> label_values(np.array(["yes", None], dtype=object))
    Traceback (most recent call last):
        ...
    ValueError: y has missing values: None in row 1, 1 in all. Leave these rows out, or give them a value of their own.
    """
    labels = target_array(y)
    if labels is None:
        return y
    refuse_missing_targets(labels)
    if labels.dtype.kind in "OV":
        label_types = {type(label) for label in labels.flat}
        return y if all(issubclass(each, str) for each in label_types) else _convert_objects(labels, label_types)
    # As pandas' own types of integers and booleans, which scikit-learn would convert to float64.
    return labels if labels.dtype.kind in "biu" else y


def _convert_objects(labels: Array, label_types: set[type]) -> Array:
    """Return labels that are objects as booleans, integers or floats; raise TypeError if they are of several kinds."""
    label_conversions: list[tuple[Any, type]] = [((bool, np.bool_), bool), (Integral, np.int64), (Real, np.float64)]
    for kind, dtype in label_conversions:
        if all(issubclass(each, kind) for each in label_types):
            return _convert_labels(labels, dtype)
    raise TypeError(
        "y must hold labels of one kind: text, integers, booleans, or dates as datetime64. Got objects of the type "
        f"{' and '.join(sorted(each.__name__ for each in label_types))}; convert them, for instance to text."
    )


def _convert_labels(labels: Array, dtype: Any) -> Array:
    """Return labels that are objects in another dtype; raise ValueError if one is too large for it."""
    try:
        return labels.astype(dtype)
    except OverflowError as error:
        largest_label = max(labels.flat, key=abs)
        raise ValueError(
            f"y must hold labels within the range of {np.dtype(dtype)}. Got {largest_label!r}; convert them, for "
            "instance to text."
        ) from error


def encode_labels(y: Array, classes: Array) -> Array:
    """Return the number of each label.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
    classes : ndarray of shape (n_classes,)
        Sorted.

    Raises
    ------
    ValueError
        If there are others.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.class_labels import encode_labels
    >>> encode_labels(np.array(["no", "yes", "no"]), np.array(["no", "yes"]))
    array([0, 1, 0])
    """
    if y.ndim != 1:
        raise ValueError(f"y must hold one label per row. Got an array of shape {y.shape} instead.")
    try:
        class_codes: Array = np.searchsorted(classes, y)
    except TypeError as error:  # texts beside numbers
        raise ValueError(
            f"`y` has labels of another kind than `self.classes_`, such as {y[0]!r}. `self.classes_` has {classes}."
        ) from error
    is_unknown = classes.take(class_codes, mode="clip") != y
    if is_unknown.any():
        raise ValueError(
            f"`y` has classes not in `self.classes_`: {np.unique(y[is_unknown])}. `self.classes_` has {classes}."
        )
    return class_codes


def detect_label_indicator(y: Array) -> bool:
    """Return whether targets are multilabel, with a column of 0 and 1 per label; raise ValueError for other columns.

    Parameters
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_columns)
        After :func:`label_values`, and a single column as a vector.
    """
    if y.ndim != 2:
        return False
    kind = type_of_target(y, input_name="y")
    if not kind.startswith("multilabel"):
        raise ValueError(f"y must hold one label per row, or a 0/1 column per label. Got {kind} targets instead.")
    return True


def check_label_indicator(Y: Array, n_labels: int) -> None:
    """Raise ValueError unless there is a column of 0 and 1 for each label.

    Parameters
    ----------
    Y : ndarray
    n_labels : int
    """
    if Y.ndim != 2 or Y.shape[1] != n_labels:
        raise ValueError(f"y must have {n_labels} labels. Got an array of shape {Y.shape} instead.")
    if not ((Y == 0) | (Y == 1)).all():
        raise ValueError(f"Columns of y must hold 0 and 1, one per label. Got {np.unique(Y).tolist()} instead.")
