"""``save`` and ``load``: model files of skops, which hold data and no code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from sklearn.utils import Bunch

from skneural import preprocessing
from skneural._sklearn_compat import without_callbacks
from skneural.activations import ACTIVATIONS
from skneural.atomic_write import atomic_write
from skneural.deployment.optional_dependencies import import_optional_dependency
from skneural.deployment.reproducible_skops import reproducible
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.initializers import INITIALIZERS
from skneural.losses import LOSSES
from skneural.solvers import SCHEDULES

PREPROCESSORS = [getattr(preprocessing, name) for name in preprocessing.__all__]
ESTIMATORS = [ActivationMLPClassifier, ActivationMLPRegressor, *PREPROCESSORS]
COMPONENTS = [
    type(component) for registry in (ACTIVATIONS, INITIALIZERS, LOSSES, SCHEDULES) for component in registry.values()
]
# Bunch is a dict; VotingClassifier stores its estimators in one.
TRUSTED_TYPES: list[str] = sorted({f"{cls.__module__}.{cls.__qualname__}" for cls in [*ESTIMATORS, *COMPONENTS, Bunch]})


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model as a skops file, which holds data and no code; equal models give equal files.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted or not. Its callbacks, and those of a pipeline's steps, are left out.
    path : str or path-like
        The file. An existing one is replaced when the new one is complete, and stays if anything fails.

    Raises
    ------
    ModuleNotFoundError
        If the extra ``skops`` is not installed.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Read it.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from skneural import StdScaler
    >>> from skneural.deployment import load, save
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(StdScaler().fit(X), f"{folder}/scaler.skops")
    ...     load(f"{folder}/scaler.skops").mean_.round(2)
    array([5.84, 3.06, 3.76, 1.2 ])
    """
    with without_callbacks(model):  # they belong to training, and may hold anything
        data = reproducible(import_optional_dependency("skops.io", "skops").dumps(model))
    with atomic_write(path) as file:
        file.write(data)


def load(path: str | os.PathLike[str], *, trusted: Sequence[str] = ()) -> Any:
    """Load a skops file whose types are trusted: those of scikit-learn, NumPy, SciPy and this package.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : sequence of str, default=()
        Full names of further types, such as those of your own activations: ``["my_package.HardTanh"]``.

    Returns
    -------
    model : estimator or Pipeline
        The saved model; fitted estimators of this package are checked, see :class:`skneural.VersionWarning`.

    Raises
    ------
    ModuleNotFoundError
        If the extra ``skops`` is not installed.
    OSError
        If the file cannot be read.
    TypeError
        If it holds types that are not trusted; it is skops's ``UntrustedTypesFoundException``, which names them.
    ValueError
        If it is truncated or damaged, or holds a model that cannot be used.

    See Also
    --------
    save : Write such a file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skneural.deployment import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.skops")
    ...     _ = path.write_bytes(b"half a file")
    ...     load(path)
    Traceback (most recent call last):
        ...
    ValueError: ...model.skops holds no model that can be used: File is not a zip file
    """
    skops = import_optional_dependency("skops.io", "skops")
    untrusted = import_optional_dependency("skops.io.exceptions", "skops").UntrustedTypesFoundException
    try:
        return skops.load(path, trusted=[*TRUSTED_TYPES, *trusted])
    except untrusted as error:
        error.add_note("If you know these types, and where the file comes from: load(path, trusted=[...]).")
        raise
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{os.fspath(path)} holds no model that can be used: {error}") from error
