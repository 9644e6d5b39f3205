"""The version of the package: stamped on whatever is saved, compared with on loading, when the state is checked too.

Pickle, joblib, copy and skops all save what ``__getstate__`` returns and load with ``__setstate__``: one place for all.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skneural._sklearn_compat import belongs_to_scikit_learn
from skneural._version import __version__

STAMP = "_skneural_version"


class VersionWarning(UserWarning):
    """An estimator was saved by another version of skneural than the one that loads it.

    Parameters
    ----------
    estimator_name : str
        Name of the estimator's class.
    saved_by : str or None
        The version that wrote it; None if it left no stamp.
    loaded_by : str
        This version.

    Examples
    --------
    >>> from skneural import VersionWarning
    >>> print(VersionWarning("StdScaler", "0.0.1", "0.1.0"))
    StdScaler was saved by skneural 0.0.1 and is loaded by 0.1.0. Its state was checked and can be used; compare some
    predictions with those made before, or fit it again.
    """

    def __init__(self, estimator_name: str, saved_by: str | None, loaded_by: str):
        super().__init__(estimator_name, saved_by, loaded_by)
        self.estimator_name, self.saved_by, self.loaded_by = estimator_name, saved_by, loaded_by

    def __str__(self) -> str:
        return (
            f"{self.estimator_name} was saved by skneural {self.saved_by or 'of unknown version'} and is loaded by "
            f"{self.loaded_by}. Its state was checked and can be used; compare some predictions with those made "
            "before, or fit it again."
        )


class SavedStateMixin:
    """An estimator whose saved state names the version that wrote it, and is checked before it is used.

    Attributes
    ----------
    _fitted_names : frozenset of str
        All that `fit` may set. Whatever else another version saved could change predictions; it is refused.
    """

    _fitted_names: ClassVar[frozenset[str]] = frozenset()

    def _restore(self) -> None:
        """Check the fitted attributes against one another and make what is not saved; anything raised is a refusal."""

    def _check_parameters(self) -> None:
        """Check the constructor's parameters that are used after `fit`; by default all may be."""
        self._validate_params()  # type: ignore[attr-defined]  # BaseEstimator's

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), STAMP: __version__}  # type: ignore[dict-item]

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        state = dict(state)
        saved_by = state.pop(STAMP, None)
        if saved_by != __version__:
            self._refuse_unknown(state, saved_by)
            state = {**_defaults(type(self)), **state}
        super().__setstate__(state)  # type: ignore[misc]  # BaseEstimator's
        if self._fitted_names & state.keys():
            self._check(saved_by)
        if saved_by != __version__:
            warnings.warn(VersionWarning(type(self).__name__, saved_by, __version__), stacklevel=2)

    def _refuse_unknown(self, state: dict[str, Any], saved_by: str | None) -> None:
        """Refuse what only the other version understands; a user's subclass has attributes of its own."""
        known = self._fitted_names | _defaults(type(self)).keys()
        unknown = sorted(name for name in state if name not in known and not belongs_to_scikit_learn(name))
        if unknown and type(self).__module__.startswith("skneural."):
            raise ValueError(
                f"This {type(self).__name__} has {', '.join(unknown)}, which skneural {__version__} does not know and "
                f"might have to use. {_remedy(saved_by)}"
            )

    def _check(self, saved_by: str | None) -> None:
        try:
            self._check_parameters()
            _check_features(self)
            self._restore()
        except Exception as error:
            reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}."
            raise ValueError(
                f"This {type(self).__name__} cannot be used as it was saved. {reason} {_remedy(saved_by)}"
            ) from error


@contextmanager
def unchanged_on_error(estimator: Any, but: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    """Give the estimator its attributes back if the block raises, so that nothing stays half fitted.

    Learning replaces attributes and never changes one in place; hence a shallow copy is enough.

    Parameters
    ----------
    estimator : BaseEstimator
    but : tuple of exception types, default=()
        After these what was learned stays.
    """
    before = dict(vars(estimator))
    try:
        yield
    except but:
        raise
    except BaseException:
        # What callbacks need for their own ending stays until they have ended.
        running = {name: value for name, value in vars(estimator).items() if belongs_to_scikit_learn(name)}
        vars(estimator).clear()
        vars(estimator).update(before, **running)
        raise


def check_numbers(name: str, values: Any, shape: tuple[int, ...], missing: Any = False, dtypes: str = "d") -> None:
    """Raise ValueError unless this is an array of finite numbers.

    Parameters
    ----------
    name : str
        What it is called in the message.
    values : object
        What should be an array.
    shape : tuple of int
        The shape that is expected.
    missing : ndarray of bool, default=False
        Where there is no number to be expected.
    dtypes : str, default="d"
        The dtypes that are allowed, as NumPy's characters; "d" is float64, "f" float32.
    """
    if not (isinstance(values, np.ndarray) and values.dtype.char in dtypes and values.shape == shape):
        kinds = " or ".join(np.dtype(char).name for char in dtypes)
        got = f"{values.dtype} of shape {values.shape}" if isinstance(values, np.ndarray) else repr(values)
        raise ValueError(f"{name} must be an array of {kinds} of shape {shape}. Got {got} instead.")
    if not (np.isfinite(values) | missing).all():
        raise ValueError(f"{name} must be finite. Got NaN or infinity.")


def require(holds: Any, sentence: str) -> None:
    """Raise ValueError with the sentence unless the condition holds."""
    if not holds:
        raise ValueError(sentence)


def _check_features(estimator: Any) -> None:
    n_features = estimator.n_features_in_
    require(
        isinstance(n_features, int) and n_features > 0,
        f"n_features_in_ must be an int > 0. Got {n_features!r} instead.",
    )
    names: NDArray[Any] | None = getattr(estimator, "feature_names_in_", None)
    require(
        names is None or (np.shape(names) == (n_features,) and all(isinstance(name, str) for name in names)),
        f"feature_names_in_ must be {n_features} strings. Got {names!r} instead.",
    )


def _defaults(estimator: type) -> dict[str, Any]:
    """Return the constructor's parameters with their defaults: a new one's default is what older versions did.

    Those of the bases are among them, which a subclass's constructor need not repeat.
    """
    constructors = [inspect.signature(cls.__init__).parameters for cls in reversed(estimator.__mro__)]  # type: ignore[misc]
    given = {name: each.default for parameters in constructors for name, each in parameters.items()}
    return {name: default for name, default in given.items() if default is not inspect.Parameter.empty}


def _remedy(saved_by: str | None) -> str:
    if saved_by == __version__:
        return "The file is damaged or was changed: load an intact copy, or fit again."
    return f"Load it with skneural {saved_by or '(the version that saved it)'}, or fit it again with {__version__}."
