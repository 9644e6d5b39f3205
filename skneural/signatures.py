"""Signatures: which parameters a constructor has, and whether a user's function can be called as it will be."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

_cached_signature = cache(inspect.signature)  # components are compared and set often, and reading a signature is slow


def parameter_names(cls: type) -> list[str]:
    """Return the names of the parameters of a class's constructor."""
    return list(_cached_signature(cls).parameters)


def check_signature(name: str, function: Any, expected: str, *arguments: Any, **keywords: Any) -> None:
    """Raise TypeError if a function cannot be called with these arguments.

    Parameters
    ----------
    name : str
        What is called, for the message.
    function : callable
    expected : str
        The signature that it should have.
    *arguments, **keywords : object
        What it will be called with.

    Examples
    --------
    >>> from skneural.signatures import check_signature
    >>> check_signature("weight_init", lambda fan_in: fan_in, "(fan_in, fan_out, rng)", 3, 4, None)
    Traceback (most recent call last):
        ...
    TypeError: weight_init must have the signature (fan_in, fan_out, rng): too many positional arguments.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function written in C may have none
        return
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        raise TypeError(f"{name} must have the signature {expected}: {error}.") from error
