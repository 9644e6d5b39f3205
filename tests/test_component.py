"""What holds for every object with settings, and the grammar of what a setting may be."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from skneural.activations import ACTIVATIONS, ELU, Maxout, PReLU, ReLU
from skneural.component import Component, resolve
from skneural.initializers import INITIALIZERS
from skneural.losses import LOSSES
from skneural.penalties import PENALTIES, MaxNorm
from skneural.solvers import SCHEDULES, SOLVERS

EVERY = [
    *ACTIVATIONS.values(),
    *INITIALIZERS.values(),
    *LOSSES.values(),
    *PENALTIES.values(),
    *SCHEDULES.values(),
    *(solver() for solver in SOLVERS.values()),
    MaxNorm(2.0),
]
SETTINGS = [(spec, name) for spec in EVERY for name in spec.get_params()]

every_component = pytest.mark.parametrize("spec", EVERY, ids=repr)
every_setting = pytest.mark.parametrize(("spec", "name"), SETTINGS, ids=lambda part: str(part))


@every_component
def test_the_registered_settings_pass_their_own_check(spec):
    spec.check()


@every_component
@pytest.mark.parametrize("copy", [clone, lambda spec: pickle.loads(pickle.dumps(spec))], ids=["clone", "pickle"])
def test_a_copy_is_equal_and_independent(spec, copy):
    twin = copy(spec)
    assert twin is not spec
    assert type(twin) is type(spec)
    assert (twin == spec, hash(twin), repr(twin)) == (True, hash(spec), repr(spec))


@every_component
def test_the_representation_builds_an_equal_object(spec):
    assert eval(repr(spec), {type(spec).__name__: type(spec)}) == spec


@every_component
def test_every_setting_comes_from_the_constructor_and_goes_back(spec):
    params = spec.get_params()
    assert type(spec)(**params).get_params() == params
    assert clone(spec).set_params(**params) == spec


@every_setting
def test_one_setting_more_or_less_makes_a_difference(spec, name):
    other = clone(spec).set_params(**{name: "different"})
    assert other != spec
    assert spec != other
    assert repr(other) != repr(spec)


@every_setting
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, None, "nonsense", -3, (1,)], ids=repr)
def test_what_no_setting_may_be_is_refused_with_name_and_value(spec, name, value):
    wrong = clone(spec).set_params(**{name: value})
    with pytest.raises(ValueError, match=r"must be (a float|an int|one of|a bool)") as error:
        wrong.check()
    message = str(error.value)
    assert repr(name) in message
    assert type(spec).__name__ in message
    assert repr(value) in message


@every_component
def test_an_unknown_name_changes_nothing(spec):
    twin = clone(spec)
    changes = dict.fromkeys(twin.get_params(), 77)
    with pytest.raises(ValueError, match=r"Invalid parameter 'colour'.*Valid parameters are: \["):
        twin.set_params(**changes, colour="red")
    assert twin == spec


def test_objects_of_different_type_or_settings_differ():
    assert ELU() != ReLU()
    assert ELU(0.5) != ELU(1.0)
    assert ELU(0.5) == ELU(alpha=0.5)
    assert ELU() != "elu"


# Names and objects.


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_a_name_stands_for_an_object_of_ones_own(name):
    resolved = resolve(name, ACTIVATIONS, "activation")
    assert resolved == ACTIVATIONS[name]
    assert resolved is not ACTIVATIONS[name]


def test_an_object_is_copied_and_keeps_its_settings():
    mine = Maxout(5)
    resolved = resolve(mine, ACTIVATIONS, "activation")
    assert resolved == mine
    resolved.set_params(n_pieces=2)
    assert mine == Maxout(5)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'activation' parameter must be one of 'elu'.*Got 'rellu' instead"):
        resolve("rellu", ACTIVATIONS, "activation")


def test_a_setting_out_of_range_is_found_on_resolving():
    with pytest.raises(
        ValueError, match=r"'init' parameter of PReLU must be a float in the range \[-1\.0, 1\.0\]. Got 7"
    ):
        resolve(PReLU(init=7), ACTIVATIONS, "activation")


@pytest.mark.parametrize("choice", [5, None, ELU, ["elu"]], ids=repr)
def test_what_is_neither_name_nor_object_is_a_type_error(choice):
    with pytest.raises(TypeError, match="'activation' parameter must be a name or an object"):
        resolve(choice, ACTIVATIONS, "activation")


def test_a_users_own_class_needs_no_constructor():
    class Plain(Component):
        pass

    assert repr(Plain()) == "Plain()"
    assert clone(Plain()) == Plain()
