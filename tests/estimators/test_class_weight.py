"""Weights of classes become weights of rows; test_features.py tests what the classifier does with them."""

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.multiclass import OneVsRestClassifier

from skneural import ActivationMLPClassifier
from skneural.estimators.class_weight import sample_weight_from_classes

CLASSES = np.array(["a", "b", "c"])
Y = np.array(["b", "a", "a", "c"])


@pytest.mark.parametrize(
    ("class_weight", "expected"),
    [
        ({"a": 1, "b": 2, "c": 3.0}, [2, 1, 1, 3]),
        ({"b": 0}, [0, 1, 1, 1]),
        ({}, [1, 1, 1, 1]),
        ({"a": 1, "b": 2, "c": 3, "other": 9}, [2, 1, 1, 3]),
        ("balanced", [4 / 3, 2 / 3, 2 / 3, 4 / 3]),
    ],
)
def test_each_row_has_the_weight_of_its_class(class_weight, expected):
    np.testing.assert_allclose(sample_weight_from_classes(class_weight, Y, CLASSES), expected)


@pytest.mark.parametrize(("class_weight", "expected"), [({1: 2}, [2, 4, 1]), ([{1: 2}, {0: 3}], [6, 2, 3])])
def test_weights_of_several_labels_are_multiplied(class_weight, expected):
    labels = np.array([[1, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(sample_weight_from_classes(class_weight, labels, np.arange(2)), expected)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"d": 2}, r"has the labels \['d'\], which y has not"),
        ({"a": -1}, "finite numbers >= 0"),
        ({"a": np.inf}, "finite numbers >= 0"),
        ({"a": "2"}, "finite numbers >= 0"),
        ([{"a": 1}, {"b": 1}], "1 columns of y"),
        ([1.0], "must be a dict"),
    ],
)
def test_what_does_not_suit_is_refused(class_weight, message):
    with pytest.raises(ValueError, match=message):
        sample_weight_from_classes(class_weight, Y, CLASSES)


@pytest.mark.parametrize("Wrapper", [BaggingClassifier, OneVsRestClassifier])
def test_labels_that_a_wrapper_has_numbered_are_explained(Wrapper):
    network = ActivationMLPClassifier((), class_weight={"a": 2}, max_iter=1)
    with pytest.raises(ValueError, match=r"labels \['a'\], which y has not.* BaggingClassifier may have numbered them"):
        Wrapper(network).fit(np.arange(8.0).reshape(4, 2), Y)
