"""Plain objects with named settings: what an activation, an initializer, a loss, a solver or a schedule is made of.

A component stores its settings under the names of its constructor's parameters and does nothing else with
them, so that it can be cloned, compared, printed, pickled and searched (``activation__alpha``) by scikit-learn's
own tools without depending on them.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, TypeVar

from skneural.constraints import Constraint, described, satisfies


class Component:
    """Base of all objects that are nothing but a name and settings.

    Subclasses store each constructor parameter under its own name and list what is allowed in
    ``_parameter_constraints``; :meth:`check` is called when the component is used, not when it is made, so that
    ``set_params`` can never get round it.

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

    @classmethod
    @cache
    def _names(cls) -> list[str]:
        if cls.__init__ is object.__init__:
            return []
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings as a dict; `deep` is accepted for scikit-learn's sake."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Component:
        """Change settings by name; an unknown name is a ValueError and then nothing is changed."""
        unknown = sorted(set(params) - set(self._names()))
        if unknown:
            raise ValueError(
                f"Invalid parameter {unknown[0]!r} for {type(self).__name__}. Valid parameters are: {self._names()!r}."
            )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def check(self) -> None:
        """Raise ValueError if a setting lies outside of what is allowed."""
        for name, constraints in self._parameter_constraints.items():
            value = getattr(self, name)
            if not any(satisfies(value, constraint) for constraint in constraints):
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must be {described(constraints)}. "
                    f"Got {value!r} instead."
                )

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({settings})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Component) and type(self) is type(other) and self.get_params() == other.get_params()

    def __hash__(self) -> int:
        return hash(type(self))  # settings may change, the type may not


S = TypeVar("S", bound=Component)


def resolve(choice: str | S, registry: Mapping[str, S], parameter: str) -> S:
    """Turn a name or an object into a checked component of its own.

    Parameters
    ----------
    choice : str or Component
        A key of `registry`, or an object.
    registry : mapping of str to Component
        What the names stand for.
    parameter : str
        The parameter's name, for the message.

    Returns
    -------
    component : Component
        A copy: changing it changes neither the registry nor the caller's object.

    Raises
    ------
    ValueError
        If the name is unknown or a setting is out of range.
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
        if choice not in registry:
            raise ValueError(
                f"The {parameter!r} parameter must be one of {', '.join(map(repr, sorted(registry)))} or an object. "
                f"Got {choice!r} instead."
            )
        choice = registry[choice]
    if not isinstance(choice, Component):
        raise TypeError(
            f"The {parameter!r} parameter must be a name or an object with settings, such as "
            f"{next(iter(registry.values()))!r}. Got {choice!r}, of type {type(choice).__name__}, instead."
        )
    component = copy.copy(choice)
    component.check()
    return component
