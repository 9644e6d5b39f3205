"""Saved estimators: the version goes into the saved state, and loading checks version and state.

Pickle, joblib, copy and skops all save what ``__getstate__`` returns and load with ``__setstate__``.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from skneural._sklearn_compat import belongs_to_scikit_learn
from skneural._version import __version__

VERSION_KEY = "_skneural_version"


class VersionWarning(UserWarning):
    """An estimator was saved by another version of skneural than the one that loads it.

    Parameters
    ----------
    estimator_name : str
        Name of the estimator's class.
    saved_by : str or None
        The version that wrote it; None if the saved state does not say.
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
    """Mixin for estimators: the saved state names the version that wrote it, and is checked before it is used.

    Attributes
    ----------
    _fitted_names : frozenset of str
        All attributes that `fit` may set. Others, which another version saved, are refused: they could change
        predictions.
    """

    _fitted_names: ClassVar[frozenset[str]] = frozenset()

    def _restore_fitted_state(self) -> None:
        """Check the fitted attributes against one another and rebuild what is not saved; raise to refuse them."""

    def _check_parameters(self) -> None:
        """Check the constructor's parameters that are used after `fit`; by default all of them."""
        self._validate_params()  # type: ignore[attr-defined]  # BaseEstimator's

    def __getstate__(self) -> dict[str, Any]:
        return _interned({**super().__getstate__(), VERSION_KEY: __version__})  # type: ignore[dict-item]

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        state = dict(state)
        saved_by = state.pop(VERSION_KEY, None)
        if saved_by != __version__:
            self._refuse_unknown(state, saved_by)
            state = {**_constructor_defaults(type(self)), **state}
        super().__setstate__(state)  # type: ignore[misc]  # BaseEstimator's
        if self._fitted_names & state.keys():
            self._check_saved_state(saved_by)
        if saved_by != __version__:
            warnings.warn(VersionWarning(type(self).__name__, saved_by, __version__), stacklevel=2)

    def _refuse_unknown(self, state: dict[str, Any], saved_by: str | None) -> None:
        """Refuse attributes that only the other version understands; a user's subclass has attributes of its own."""
        known_names = self._fitted_names | _constructor_defaults(type(self)).keys()
        unknown_names = sorted(name for name in state if name not in known_names and not belongs_to_scikit_learn(name))
        if unknown_names and type(self).__module__.startswith("skneural."):
            raise ValueError(
                f"This {type(self).__name__} has {', '.join(unknown_names)}, which skneural {__version__} does not "
                f"know but might need for predictions. {_advice(saved_by)}"
            )

    def _check_saved_state(self, saved_by: str | None) -> None:
        try:
            self._check_parameters()
            _check_features(self)
            self._restore_fitted_state()
        except Exception as error:
            reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}."
            raise ValueError(
                f"This {type(self).__name__} cannot be used as it was saved. {reason} {_advice(saved_by)}"
            ) from error


@contextmanager
def unchanged_on_error(estimator: Any, except_after: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    """Restore the estimator's attributes if the block raises, so that it is never half fitted.

    `fit` replaces attributes and never changes one in place; hence a shallow copy is enough.

    Parameters
    ----------
    estimator : BaseEstimator
    except_after : tuple of exception types, default=()
        After these the new attributes stay.
    """
    state_before = dict(vars(estimator))
    try:
        yield
    except except_after:
        raise
    except BaseException:
        # scikit-learn's attributes stay: its callbacks still have to be torn down.
        scikit_learn_state = {name: value for name, value in vars(estimator).items() if belongs_to_scikit_learn(name)}
        vars(estimator).clear()
        vars(estimator).update(state_before, **scikit_learn_state)
        raise


def check_numbers(name: str, saved: Any, shape: tuple[int, ...], missing: Any = False, dtypes: str = "d") -> None:
    """Raise ValueError unless this is an array of finite numbers.

    Parameters
    ----------
    name : str
        Its name in the message.
    saved : object
        The value to be checked.
    shape : tuple of int
        The shape that is expected.
    missing : ndarray of bool, default=False
        Where NaN and infinity are allowed.
    dtypes : str, default="d"
        The dtypes that are allowed, as NumPy's characters; "d" is float64, "f" float32.
    """
    if not (isinstance(saved, np.ndarray) and saved.dtype.char in dtypes and saved.shape == shape):
        dtype_names = " or ".join(np.dtype(char).name for char in dtypes)
        got = f"{saved.dtype} of shape {saved.shape}" if isinstance(saved, np.ndarray) else repr(saved)
        raise ValueError(f"{name} must be an array of {dtype_names} of shape {shape}. Got {got} instead.")
    if not (np.isfinite(saved) | missing).all():
        raise ValueError(f"{name} must be finite. Got NaN or infinity.")


def require(condition: Any, message: str) -> None:
    """Raise ValueError with the message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def _interned(value: Any) -> Any:
    """Return equal strings as one object, in dicts too: else pickles of equal estimators differ in what they repeat."""
    if type(value) is str:
        return sys.intern(value)
    return {_interned(key): _interned(each) for key, each in value.items()} if type(value) is dict else value


def _check_features(estimator: Any) -> None:
    """Raise ValueError unless there is a number of features, and a name for each if there are any names."""
    n_features, names = estimator.n_features_in_, getattr(estimator, "feature_names_in_", None)
    is_count = isinstance(n_features, int) and n_features > 0
    require(is_count, f"n_features_in_ must be an int > 0. Got {n_features!r} instead.")
    if names is not None:
        are_names = np.shape(names) == (n_features,) and all(isinstance(name, str) for name in names)
        require(are_names, f"feature_names_in_ must be {n_features} strings. Got {names!r} instead.")


def _constructor_defaults(estimator: type) -> dict[str, Any]:
    """Return the defaults of the constructor's parameters, those of base classes included.

    A parameter that older versions did not save gets its default, which does what those versions did.
    """
    constructors = [inspect.signature(cls.__init__).parameters for cls in reversed(estimator.__mro__)]  # type: ignore[misc]
    defaults = {name: each.default for parameters in constructors for name, each in parameters.items()}
    return {name: default for name, default in defaults.items() if default is not inspect.Parameter.empty}


def _advice(saved_by: str | None) -> str:
    if saved_by == __version__:
        return "The file is damaged or was changed: load an intact copy, or fit again."
    return f"Load it with skneural {saved_by or '(the version that saved it)'}, or fit it again with {__version__}."
