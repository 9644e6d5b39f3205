"""Model files that hold data only: written whole or not at all, loaded without running code that they bring."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from sklearn.utils import Bunch

from skneural.activations import ACTIVATIONS
from skneural.atomic_write import atomic_write
from skneural.deployment.optional_dependencies import import_optional_dependency
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.initializers import INITIALIZERS
from skneural.losses import LOSSES
from skneural.preprocessing import MeanCenterer, PCAWhitener, PiecewiseLinearEncoder, SmoothClipper, StdScaler
from skneural.solvers import SCHEDULES

ESTIMATORS = (
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    MeanCenterer,
    PCAWhitener,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
)
COMPONENTS = (*ACTIVATIONS.values(), *INITIALIZERS.values(), *LOSSES.values(), *SCHEDULES.values())

CONTAINERS = (Bunch,)  # where a VotingClassifier, such as that of tabular_classifier(), keeps its members by name

TRUSTED_TYPES: list[str] = sorted(
    {f"{kind.__module__}.{kind.__qualname__}" for kind in (*ESTIMATORS, *CONTAINERS, *map(type, COMPONENTS))}
)


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model as a skops file, which holds data and no code.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted or not.
    path : str or path-like
        Where the file goes. What is there already is replaced when the new file is whole, and stays if anything fails.

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
    data = import_optional_dependency("skops.io", "skops").dumps(model)
    with atomic_write(path) as file:
        file.write(data)


def load(path: str | os.PathLike[str], *, trusted: Sequence[str] = ()) -> Any:
    """Load a skops file of types that are known: those of scikit-learn, NumPy, SciPy and this package.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : sequence of str, default=()
        Full names of further types, such as those of your own activations: ``["my_package.HardTanh"]``.

    Returns
    -------
    model : estimator or Pipeline
        What was saved; fitted estimators of this package are checked, see :class:`skneural.VersionWarning`.

    Raises
    ------
    ModuleNotFoundError
        If the extra ``skops`` is not installed.
    OSError
        If the file cannot be read.
    TypeError
        If it holds types that are not trusted; skops's own ``UntrustedTypesFoundException``, which names them.
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
