"""What every preprocessor of this package does alike: fit, stream, merge, and fail without a trace."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import _check_sample_weight, _fit_context, check_array, validate_data
from skneural.saved_state import SavedStateMixin, unchanged_on_error


@contextmanager
def overflow_refused(estimator: BaseEstimator) -> Iterator[None]:
    """Turn a number that leaves the range of its dtype into a ValueError, where NumPy would go on with infinity."""
    try:
        with np.errstate(over="raise"):
            yield
    except FloatingPointError as error:
        raise ValueError(
            f"X, as {type(estimator).__name__} changes it, leaves the range of its dtype ({error}). Expected values "
            "as large as those in fit: leave outliers out, or pass float64."
        ) from error


class MomentsTransformer(SavedStateMixin, TransformerMixin, BaseEstimator):
    """A transformer that learns from the moments of its input, exactly, in one piece or in many.

    Subclasses say which moments (`_compute_statistics`) and what follows from them (`_set_fitted`).
    """

    _float_dtypes: tuple[type[np.floating], ...] = (np.float64, np.float32)
    # What a subclass takes besides finite dense arrays, as arguments of `check_array`.
    _accepted: dict[str, Any] = {}
    _fitted_names = frozenset({"n_features_in_", "feature_names_in_", "mean_", "n_samples_seen_", "_moments"})

    @abstractmethod
    def _compute_statistics(self, X: np.ndarray, sample_weight: np.ndarray | None) -> Any:
        """The moments of X, as a dataclass of arrays with a method ``merge``."""

    @abstractmethod
    def _set_fitted(self, moments: Any) -> None:
        """Set the fitted attributes that follow from the moments."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None) -> Self:
        """Learn from X, forgetting what was learned before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training rows. A memory-mapped array is read in blocks.
        y : None
            Ignored; there for the conventions of scikit-learn.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows. A row of weight k counts as k rows.

        Returns
        -------
        self
            The fitted transformer.

        Raises
        ------
        ValueError
            If X or the weights cannot be used. The transformer then stays as it was.
        """
        with unchanged_on_error(self):
            X, sample_weight = self._read(X, sample_weight, reset=True)
            self._update(self._compute_statistics(X, sample_weight))
            self._finalize()
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None) -> Self:
        """Learn from X in addition to what was learned before.

        Calls over any division of the rows into chunks, of one row or more, amount to one `fit` on all.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            More training rows.
        y : None
            Ignored; there for the conventions of scikit-learn.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights of the rows.

        Returns
        -------
        self
            The fitted transformer.

        Raises
        ------
        ValueError
            If X or the weights cannot be used, or parameters have changed so that what was learned cannot be added
            to. The transformer then stays as it was.
        """
        first = not self.__sklearn_is_fitted__()
        if not first:
            self._check_resumable()
        with unchanged_on_error(self):
            X, sample_weight = self._read(X, sample_weight, reset=first)
            moments = self._compute_chunk_statistics(X, sample_weight)
            self._update(moments if first else combined(self._learned().merge, moments))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def merge(self, other: Self) -> Self:
        """Learn what another fitted transformer of the same kind and parameters has learned.

        Parameters
        ----------
        other : transformer of the same class
            Fitted on other rows of the same features. It is not changed.

        Returns
        -------
        self
            The transformer, as if it had been fitted on the rows of both.

        Raises
        ------
        TypeError
            If ``other`` is of another class.
        ValueError
            If one of the two is not fitted, or their features or parameters differ.
        """
        check_is_fitted(self)
        self._check_resumable()
        self._check_mergeable(other)
        with unchanged_on_error(self):
            self._update(combined(self._learned().merge, other._learned()))
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_moments")

    def _read(self, X, sample_weight, reset: bool) -> tuple[Any, np.ndarray | None]:
        # Whether all values are finite is seen while the moments are taken: one reading instead of two.
        accepted = {**self._accepted, "ensure_all_finite": False}
        X = validate_data(self, X, reset=reset, dtype=self._float_dtypes, **accepted)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            if not sample_weight.any():
                raise ValueError("sample_weight is zero for every row. Expected at least one positive weight.")
        return X, sample_weight

    def _compute_chunk_statistics(self, X, sample_weight: np.ndarray | None) -> Any:
        return self._compute_statistics(X, sample_weight)

    def _update(self, moments: Any) -> None:
        # A plain dict of arrays: what is pickled does not depend on this package's private classes.
        self._moments = vars(moments)
        self._set_fitted(moments)

    def _finalize(self) -> None:
        """Compute at the end of `fit` what `partial_fit` and `merge` leave until it is needed."""

    @abstractmethod
    def _learned(self) -> Any:
        """The moments behind the fitted attributes."""

    def _check_resumable(self) -> None:
        """Raise ValueError if parameters have changed so that what was learned cannot be added to."""

    def _check_mergeable(self, other: Self) -> None:
        if type(other) is not type(self):
            raise TypeError(f"Got a {type(other).__name__} to merge, but expected a fitted {type(self).__name__}.")
        check_is_fitted(other)
        names = [list(getattr(each, "feature_names_in_", [])) for each in (self, other)]
        if self.n_features_in_ != other.n_features_in_ or names[0] != names[1]:
            raise ValueError(
                f"Cannot merge: this {type(self).__name__} was fitted on {self.n_features_in_} features "
                f"{names[0] or ''} and the other on {other.n_features_in_} {names[1] or ''}. "
                "Fit both on the same columns in the same order."
            )

    def _check_row_width(self, X: np.ndarray, n_expected: int) -> None:
        if X.shape[1] != n_expected:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__}.inverse_transform is expecting "
                f"{n_expected} features as input. Pass what transform returned."
            )

    def _check_transformed(self, X: Any, n_expected: int) -> Any:
        """Validate the input of `inverse_transform`, whose column names need not be those of `fit`."""
        check_is_fitted(self)
        X = check_array(X, dtype=self._float_dtypes, estimator=self, **self._accepted)
        self._check_row_width(X, n_expected)
        return X


def combined(combine: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Return the moments that a combination of moments gives; a ValueError if they overflow.

    Parameters
    ----------
    combine : callable
        A method of moments, such as ``merge``.
    *arguments, **named
        What it is called with.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        moments = combine(*arguments, **named)
    if not all(np.isfinite(value).all() for value in vars(moments).values()):
        raise ValueError(
            "The weights, or the weighted squares of X, add up to more than float64 can hold. Expected smaller ones: "
            "divide all weights, or the largest features, by a constant first."
        )
    return moments
