"""Sample weights keep their ratios, and some row must count."""

import numpy as np
import pytest

from skneural.sample_weight import check_sample_weight, scale_sample_weight


@pytest.mark.parametrize("factor", [1e-300, 1.0, 1e308])
def test_the_largest_weight_becomes_one_and_ratios_stay(factor):
    with np.errstate(all="raise"):
        scaled = scale_sample_weight(np.array([0.25, 0.5, 0.0, 1.0]) * factor, "sample_weight")
    assert scaled.tolist() == [0.25, 0.5, 0.0, 1.0]


def test_weights_that_are_all_zero_are_refused_by_name():
    with pytest.raises(ValueError, match="class_weight is zero for every row"):
        scale_sample_weight(np.zeros(3), "class_weight")


def test_checked_weights_are_as_given():
    X = np.eye(3)
    checked = check_sample_weight([0, 2, 4], X)
    assert (checked.tolist(), checked.dtype) == ([0, 2, 4], np.float64)
    assert check_sample_weight(None, X) is scale_sample_weight(None) is None


@pytest.mark.parametrize("weights", [[1, 2], [1, -1, 2], [1, np.inf, 2]], ids=["length", "sign", "infinity"])
def test_other_weights_are_refused(weights):
    with pytest.raises(ValueError, match=r"[Ss]ample.weight"):
        check_sample_weight(weights, np.eye(3))


def test_zeros_are_refused():
    with pytest.raises(ValueError, match=r"zero"):
        check_sample_weight([0.0, 0.0, 0.0], np.eye(3))


def test_weights_are_finite_also_as_one_number():
    with pytest.raises(ValueError, match=r"sample_weight must be finite\. Got nan"):
        check_sample_weight(float("nan"), np.ones((4, 3)))
