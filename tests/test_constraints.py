"""One grammar of constraints: what it allows, how it reads, and that scikit-learn takes it as its own."""

from fractions import Fraction
from numbers import Integral, Real

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import _param_validation

from skneural import _sklearn_compat, constraints
from skneural.constraints import Interval, Options, StrOptions, describe, satisfies

CLOSED = st.sampled_from(["both", "left", "right", "neither"])


@given(st.floats(-3, 3) | st.integers(-3, 3), CLOSED)
def test_an_interval_holds_its_inside_and_the_bounds_that_it_closes(value, closed):
    inside = -1 < value < 2
    at_left, at_right = value == -1 and closed in ("both", "left"), value == 2 and closed in ("both", "right")
    assert Interval(Real, -1, 2, closed=closed).is_satisfied_by(value) is (inside or at_left or at_right)


@given(st.floats(), CLOSED)
def test_an_open_side_holds_all_finite_numbers(value, closed):
    assert Interval(Real, None, None, closed=closed).is_satisfied_by(value) is bool(np.isfinite(value))


@pytest.mark.parametrize(
    "value", [True, False, "1", None, np.nan, 1j, np.array([1.0, 2.0]), np.True_, Fraction(1, 2)], ids=repr
)
def test_what_no_array_of_numbers_holds_lies_in_no_interval(value):
    assert not Interval(Real, None, None, closed="both").is_satisfied_by(value)


@pytest.mark.parametrize("value", [2, np.int32(2), np.int64(2)])
def test_integers_of_all_kinds_are_integers(value):
    assert Interval(Integral, 1, None, closed="left").is_satisfied_by(value)
    assert Interval(Real, 1, None, closed="left").is_satisfied_by(value)


def test_a_float_is_no_integer():
    assert not Interval(Integral, 1, None, closed="left").is_satisfied_by(2.0)


@pytest.mark.parametrize(
    ("type_", "left", "right", "closed"),
    [
        (Real, 0, 1, "both"),
        (Real, 0, 1, "neither"),
        (Real, 0, None, "left"),
        (Real, None, 1, "right"),
        (Integral, 1, None, "left"),
    ],
)
def test_an_interval_reads_as_scikit_learns(type_, left, right, closed):
    theirs = _param_validation.Interval(type_, left, right, closed=closed)
    assert str(Interval(type_, left, right, closed=closed)) == str(theirs)


def test_options_count_the_type():
    assert Options(Integral, {0, 1}).is_satisfied_by(1)
    assert not Options(Integral, {0, 1}).is_satisfied_by(1.0)
    assert not StrOptions({"a", "b"}).is_satisfied_by(["a"])
    assert str(StrOptions({"b", "a"})) == "one of 'a', 'b'"


def test_options_drawn_from_an_array_are_the_same_options():
    assert StrOptions({"left"}).is_satisfied_by(np.str_("left"))


@pytest.mark.parametrize("value", [True, False, np.True_])
def test_booleans(value):
    assert satisfies(value, "boolean")


@pytest.mark.parametrize("value", [0, 1, None, "True"])
def test_no_booleans(value):
    assert not satisfies(value, "boolean")


def test_none_allows_none_alone():
    assert satisfies(None, None)
    assert not satisfies(0, None)


def test_several_constraints_read_as_alternatives():
    words = describe([Interval(Real, 0, 1, closed="left"), StrOptions({"auto"}), "boolean", None])
    assert words == "a float in the range [0.0, 1.0) or one of 'auto' or a bool or None"


@pytest.mark.parametrize(
    "constraint", [Interval(Real, 0, 1, closed="both"), Options(Real, {np.inf}), StrOptions({"auto"})], ids=str
)
def test_scikit_learn_takes_them_as_its_own(constraint):
    assert _sklearn_compat.constraints is constraints
    assert _param_validation.make_constraint(constraint) is constraint
    with pytest.raises(ValueError, match=r"The 'limit' parameter of Model must be .*Got 'x' instead"):
        _param_validation.validate_parameter_constraints({"limit": [constraint]}, {"limit": "x"}, "Model")
    assert constraint.is_satisfied_by(_param_validation.generate_valid_param(constraint))
    if type(constraint) is not Options:  # for which scikit-learn makes no wrong value
        assert not constraint.is_satisfied_by(_param_validation.generate_invalid_param_val(constraint))
