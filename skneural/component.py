"""Objects with parameters: the base class of activations, initializers, losses, penalties, solvers and schedules.

A component does nothing with its constructor's parameters but store them. So scikit-learn's tools can clone, compare,
print, pickle and search it (``activation__alpha``), although this module does not import scikit-learn.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from skneural.constraints import Constraint, describe, satisfies
from skneural.signatures import parameter_names


class Component:
    """Base class of all components.

    Subclasses store each constructor parameter under its own name and list its constraints in
    ``_parameter_constraints``. :meth:`check` runs when the component is used, not when it is made, so that it sees what
    ``set_params`` changed.

    Examples
    --------
    >>> from skneural.component import Component
    >>> from skneural.constraints import POSITIVE
    >>> class Scale(Component):
    ...     _parameter_constraints = {"factor": [POSITIVE]}
    ...
    ...     def __init__(self, factor=1.0):
    ...         self.factor = factor
    >>> Scale(2.0) == Scale(2.0), Scale(2.0).get_params()
    (True, {'factor': 2.0})
    >>> Scale(-1.0).check()
    Traceback (most recent call last):
    ValueError: The 'factor' parameter of Scale must be a float in the range (0.0, inf). Got -1.0 instead.
    """

    _parameter_constraints: ClassVar[Mapping[str, Sequence[Constraint]]] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters as a dict; `deep` is accepted because scikit-learn passes it."""
        return {name: getattr(self, name) for name in parameter_names(type(self))}

    def set_params(self, **params: Any) -> Component:
        """Change parameters by name; if one is unknown, raise ValueError and change none."""
        names = parameter_names(type(self))
        if unknown := sorted(set(params).difference(names)):
            raise ValueError(
                f"Invalid parameter {unknown[0]!r} for {type(self).__name__}. Valid parameters are: {names!r}."
            )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def check(self) -> None:
        """Raise ValueError if a parameter violates its constraints."""
        for name, constraints in self._parameter_constraints.items():
            value = getattr(self, name)
            if not any(satisfies(value, constraint) for constraint in constraints):
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must be {describe(constraints)}. "
                    f"Got {value!r} instead."
                )

    def __repr__(self) -> str:
        params = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({params})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Component) and type(self) is type(other) and self.get_params() == other.get_params()

    def __hash__(self) -> int:
        return hash(type(self))  # parameters may change, the type may not


S = TypeVar("S", bound=Component)


def resolve(choice: str | S, registry: Mapping[str, S], parameter: str) -> S:
    """Return the component that a name or an object stands for, as a checked copy.

    Parameters
    ----------
    choice : str or Component
        A key of `registry`, or an object.
    registry : mapping of str to Component
        Names and the components that they stand for.
    parameter : str
        The parameter's name, for the message.

    Returns
    -------
    component : Component
        A copy: changing it changes neither the registry nor the caller's object.

    Raises
    ------
    ValueError
        If the name is unknown or a parameter violates its constraints.
    TypeError
        If `choice` is neither a name nor an object, for instance a class.

    Examples
    --------
    >>> from skneural.activations import ACTIVATIONS
    >>> from skneural.component import resolve
    >>> resolve("elu", ACTIVATIONS, "activation")
    ELU(alpha=1.0)
    """
    if isinstance(choice, str):
        choice = _look_up(choice, registry, parameter)
    if not isinstance(choice, Component):
        raise TypeError(
            f"The {parameter!r} parameter must be a name or an object with settings, such as "
            f"{next(iter(registry.values()))!r}. Got {choice!r}, of type {type(choice).__name__}, instead."
        )
    component = copy.copy(choice)
    component.check()
    return component


def _look_up(name: str, registry: Mapping[str, S], parameter: str) -> S:
    """Return the component of that name; a ValueError lists the names."""
    if name not in registry:
        raise ValueError(
            f"The {parameter!r} parameter must be one of {', '.join(map(repr, sorted(registry)))} or an object. "
            f"Got {name!r} instead."
        )
    return registry[name]
