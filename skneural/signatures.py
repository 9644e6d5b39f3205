"""Whether a function of the user has the signature with which it will be called."""

from __future__ import annotations

import inspect
from typing import Any


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
