"""A function that cannot be called as it will be is refused with the signature that it should have."""

import numpy as np
import pytest

from skneural.signatures import check_signature, parameter_names


class Part:
    def method(self, a, *, out=None):
        return a

    def __call__(self, progress):
        return progress


@pytest.mark.parametrize("function", [Part().method, lambda a, out: a, lambda *a, **b: a, np.exp])
def test_what_can_be_called_passes(function):
    check_signature("name", function, "(a, out=None)", 1, out=None)


def test_objects_that_are_called():
    check_signature("name", Part(), "(progress)", 1)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda: 1, "too many positional arguments"),
        (lambda a: 1, "unexpected keyword argument 'out'"),
        (lambda a, b, out=None: 1, "missing a required argument: 'b'"),
        (Part(), "unexpected keyword argument 'out'"),
    ],
)
def test_what_cannot_is_named(function, reason):
    with pytest.raises(TypeError, match=rf"^Mine\(\).f must have the signature f\(a, out=None\): .*{reason}\.$"):
        check_signature("Mine().f", function, "f(a, out=None)", 1, out=None)


def test_a_constructor_has_the_names_of_its_own_parameters():
    class Child(Part):
        def __init__(self, alpha, *, beta=1):
            pass

    assert parameter_names(Part) == []
    assert parameter_names(Child) == ["alpha", "beta"]
