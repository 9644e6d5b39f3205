"""Plain objects with named settings: what an activation, an initializer, a loss, a solver or a schedule is made of.

A specification stores its settings under the names of its constructor's parameters and does nothing else with
them, so that it can be cloned, compared, printed, pickled and searched (``activation__alpha``) by scikit-learn's
own tools without depending on them.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any, ClassVar, TypeVar

import numpy as np


@dataclass(frozen=True)
class Within:
    """The interval in which a numeric setting must lie; ``None`` leaves a side open.

    Parameters
    ----------
    low, high : float or None
        The bounds; infinity itself never belongs to a side left open.
    closed : {"both", "left", "right", "neither"}, default="both"
        Which bounds belong to the interval.
    kind : {Real, Integral}, default=Real
        The type that is asked for.

    Examples
    --------
    >>> from skneural.specification import Within
    >>> Within(0, 1, closed="left").accepts(0.5)
    True
    """

    low: float | None = None
    high: float | None = None
    closed: str = "both"
    kind: type = Real

    def accepts(self, value: object) -> bool:
        """Whether `value` is a number of the right kind inside the interval; NaN never is."""
        if not isinstance(value, self.kind) or isinstance(value, bool) or value != value:
            return False
        low_closed, high_closed = self.closed in ("both", "left"), self.closed in ("both", "right")
        low, high = (-math.inf if self.low is None else self.low), (math.inf if self.high is None else self.high)
        above = value > low or (low_closed and value == self.low)  # type: ignore[operator]
        below = value < high or (high_closed and value == self.high)  # type: ignore[operator]
        return above and below

    def __str__(self) -> str:
        noun = "an int" if self.kind is Integral else "a float"
        left = "[" if self.closed in ("both", "left") and self.low is not None else "("
        right = "]" if self.closed in ("both", "right") and self.high is not None else ")"
        low = "-inf" if self.low is None else self.low
        high = "inf" if self.high is None else self.high
        return f"{noun} in the range {left}{low}, {high}{right}"


@dataclass(frozen=True)
class OneOf:
    """The values among which a setting must be.

    Parameters
    ----------
    options : tuple
        What is allowed; types count, so that 1 is not True.

    Examples
    --------
    >>> from skneural.specification import OneOf
    >>> OneOf(("fan_in", "fan_avg")).accepts("fan_out")
    False
    """

    options: tuple[Any, ...]

    def accepts(self, value: object) -> bool:
        """Whether `value` is one of the options (and of its type: 1 is not True, but NumPy's True is)."""
        value = value.item() if isinstance(value, np.generic) else value
        return any(type(value) is type(option) and value == option for option in self.options)

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, self.options))}"


class Specification:
    """Base of all objects that are nothing but a name and settings.

    Subclasses store each constructor parameter under its own name and list what is allowed in
    ``_constraints``; :meth:`check` is called when the specification is used, not when it is written down, so that
    ``set_params`` can never get round it.

    Examples
    --------
    >>> from skneural.specification import Specification, Within
    >>> class Scale(Specification):
    ...     _constraints = {"factor": Within(0, None, closed="neither")}
    ...
    ...     def __init__(self, factor=1.0):
    ...         self.factor = factor
    >>> Scale(2.0) == Scale(2.0), Scale(2.0).get_params()
    (True, {'factor': 2.0})
    >>> Scale(-1.0).check()
    Traceback (most recent call last):
    ValueError: The 'factor' parameter of Scale must be a float in the range (0, inf). Got -1.0 instead.
    """

    _constraints: ClassVar[Mapping[str, Within | OneOf]] = {}

    @classmethod
    @cache
    def _names(cls) -> list[str]:
        if cls.__init__ is object.__init__:
            return []
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings as a dict; `deep` is accepted for scikit-learn's sake."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Specification:
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
        for name, constraint in self._constraints.items():
            value = getattr(self, name)
            if not constraint.accepts(value):
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} must be {constraint}. Got {value!r} instead."
                )

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({settings})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Specification) and type(self) is type(other) and self.get_params() == other.get_params()
        )

    def __hash__(self) -> int:
        return hash(type(self))  # settings may change, the type may not


S = TypeVar("S", bound=Specification)


def resolve(choice: str | S, registry: Mapping[str, S], parameter: str) -> S:
    """Turn a name or an object into a checked specification of its own.

    Parameters
    ----------
    choice : str or Specification
        A key of `registry`, or an object.
    registry : mapping of str to Specification
        What the names stand for.
    parameter : str
        The parameter's name, for the message.

    Returns
    -------
    specification : Specification
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
    >>> from skneural.specification import resolve
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
    if not isinstance(choice, Specification):
        raise TypeError(
            f"The {parameter!r} parameter must be a name or an object with settings, such as "
            f"{next(iter(registry.values()))!r}. Got {choice!r}, of type {type(choice).__name__}, instead."
        )
    specification = copy.copy(choice)
    specification.check()
    return specification
