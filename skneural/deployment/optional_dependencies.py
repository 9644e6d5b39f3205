"""Optional dependencies: imported where they are used, with an error that says how to install them."""

from __future__ import annotations

import importlib
from typing import Any


def import_optional_dependency(module: str, extra: str) -> Any:
    """Import a module of an optional dependency.

    Parameters
    ----------
    module : str
        Its full name.
    extra : str
        The extra of this package that installs it.

    Returns
    -------
    module : module

    Raises
    ------
    ModuleNotFoundError
        If it is not installed.

    Examples
    --------
    >>> from skneural.deployment.optional_dependencies import import_optional_dependency
    >>> import_optional_dependency("not_there", "onnx")
    Traceback (most recent call last):
        ...
    ModuleNotFoundError: not_there is not installed, but expected here. Run: pip install 'skneural[onnx]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is not installed, but expected here. Run: pip install 'skneural[{extra}]'"
        ) from error
