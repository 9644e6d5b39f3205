"""The parameter ``class_weight``: from weights of classes to weights of rows."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight

Array = NDArray[Any]


def sample_weight_from_classes(class_weight: Any, y: Array, classes: Array) -> Array:
    """Return the weight of each row, given those of the classes.

    Parameters
    ----------
    class_weight : dict, "balanced" or list of dict
        The parameter of the classifier.
    y : ndarray of shape (n_rows,) or (n_rows, n_labels)
        Labels, or 0 and 1 per label.
    classes : ndarray
        All labels, sorted; with multilabel targets not used.

    Raises
    ------
    ValueError
        If the weights do not suit the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.estimators.class_weight import sample_weight_from_classes
    >>> sample_weight_from_classes({"rare": 5.0}, np.array(["rare", "usual"]), np.array(["rare", "usual"]))
    array([5., 1.])
    """
    if isinstance(class_weight, str):
        return compute_sample_weight(class_weight, y)
    label_columns, labels = (y.T, np.arange(2)) if y.ndim == 2 else ([y], classes)
    class_weights = class_weight if isinstance(class_weight, list) else [class_weight] * len(label_columns)
    if len(class_weights) != len(label_columns) or not all(isinstance(each, dict) for each in class_weights):
        raise ValueError(
            f"class_weight must be a dict, or for multilabel targets a list with a dict for each of the "
            f"{len(label_columns)} columns of y. Got {class_weight!r} instead."
        )
    return np.prod([_weight_per_row(*each, labels) for each in zip(class_weights, label_columns, strict=True)], axis=0)


def _weight_per_row(class_weight: dict[Any, float], y: Array, classes: Array) -> Array:
    """Return the weight of each row's class; the weight of classes that the dict does not name is 1."""
    _refuse_unknown_labels(class_weight, classes.tolist())
    if not all(isinstance(weight, Real) and 0 <= weight < np.inf for weight in class_weight.values()):
        raise ValueError(f"class_weight must hold finite numbers >= 0. Got {class_weight!r} instead.")
    weight_of_class = np.array([class_weight.get(label, 1.0) for label in classes.tolist()], dtype=np.float64)
    class_of_row = np.searchsorted(classes, y).clip(max=len(classes) - 1)  # _encode_targets refuses new labels
    return weight_of_class[class_of_row]


def _refuse_unknown_labels(class_weight: dict[Any, float], known_labels: list[Any]) -> None:
    """Raise ValueError if a weight is for a label that y has not, and another label has none: probably misspelled."""
    unknown_labels = [label for label in class_weight if label not in known_labels]
    if unknown_labels and not all(label in class_weight for label in known_labels):
        hint = " A wrapper such as VotingClassifier or BaggingClassifier may have numbered them."
        raise ValueError(
            f"class_weight has the labels {unknown_labels}, which y has not. Its classes are {known_labels}."
            + hint * (known_labels == list(range(len(known_labels))))
        )
