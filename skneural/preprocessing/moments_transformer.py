"""The base class of preprocessors whose moments can be updated: `fit`, `partial_fit`, `merge`, and validation."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import _fit_context, check_array, validate_data
from skneural.float_errors import ignore_float_errors
from skneural.sample_weight import check_sample_weight
from skneural.saved_state import SavedStateMixin, unchanged_on_error


class MomentsTransformer(SavedStateMixin, TransformerMixin, BaseEstimator):
    """A transformer fitted to the moments of its input, all rows at once or chunk by chunk.

    Subclasses say which moments (`_compute_moments`) and which fitted attributes follow from them (`_set_fitted`).
    """

    _float_dtypes: tuple[type[np.floating], ...] = (np.float64, np.float32)
    # Arguments of `check_array` for input other than finite dense arrays.
    _check_array_options: dict[str, Any] = {}
    _fitted_names = frozenset({"n_features_in_", "feature_names_in_", "mean_", "n_samples_seen_", "_moments"})

    @abstractmethod
    def _compute_moments(self, X: Any, sample_weight: np.ndarray | None) -> Any:
        """The moments of X: a dataclass of arrays with a method ``merge``."""

    @abstractmethod
    def _set_fitted(self, moments: Any) -> None:
        """Set the fitted attributes that follow from the moments."""

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def fit(self, X, y=None, sample_weight=None) -> Self:
        """Compute the statistics of X.

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
            If X or the weights are invalid. The transformer is then unchanged.
        """
        with unchanged_on_error(self):
            self._fit(*self._validate_input(X, sample_weight, reset=True))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def partial_fit(self, X, y=None, sample_weight=None) -> Self:
        """Add X to the statistics of the rows seen before.

        The result does not depend on how rows are divided into chunks, of one row or more, up to rounding.

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
            If X or the weights are invalid, or if parameters have changed on which the statistics depend. The
            transformer is then unchanged.
        """
        is_first = not self.__sklearn_is_fitted__()
        if not is_first:
            self._check_updatable()
        with unchanged_on_error(self):
            moments = self._compute_moments(*self._validate_input(X, sample_weight, reset=is_first))
            self._set_moments(moments if is_first else self._merged_moments(moments))
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def merge(self, other: Self) -> Self:
        """Add the statistics of another fitted transformer of the same class and parameters.

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
        self._check_updatable()
        self._check_mergeable(other)
        with unchanged_on_error(self):
            self._set_moments(self._merged_moments(other._get_moments()))
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_moments")

    def _validate_input(self, X, sample_weight, reset: bool) -> tuple[Any, np.ndarray | None]:
        # Finiteness is checked while the moments are computed: X is read once instead of twice.
        options = {**self._check_array_options, "ensure_all_finite": False}
        X = validate_data(self, X, reset=reset, dtype=self._float_dtypes, **options)
        return X, check_sample_weight(sample_weight, X)

    def _fit(self, X: Any, sample_weight: np.ndarray | None) -> None:
        """Set the fitted attributes of `fit`, X being validated."""
        self._set_moments(self._compute_moments(X, sample_weight))

    def _set_moments(self, moments: Any) -> None:
        # A plain dict of arrays, so that pickles do not depend on private classes.
        self._moments = vars(moments)
        self._set_fitted(moments)

    @abstractmethod
    def _get_moments(self) -> Any:
        """The moments behind the fitted attributes."""

    def _merged_moments(self, moments: Any) -> Any:
        return checked_moments(self._get_moments().merge(moments))

    def _check_updatable(self) -> None:
        """Raise ValueError if no rows can be added, because of changed parameters or because of what `fit` kept."""

    def _check_mergeable(self, other: Self) -> None:
        if type(other) is not type(self):
            raise TypeError(f"Got a {type(other).__name__} to merge, but expected a fitted {type(self).__name__}.")
        check_is_fitted(other)
        names, other_names = _feature_names(self), _feature_names(other)
        if self.n_features_in_ != other.n_features_in_ or names != other_names:
            raise ValueError(
                f"Cannot merge: this {type(self).__name__} was fitted on {self.n_features_in_} features "
                f"{names or ''} and the other on {other.n_features_in_} {other_names or ''}. "
                "Fit both on the same columns in the same order."
            )

    def _check_n_columns(self, X: np.ndarray, n_expected: int) -> None:
        if X.shape[1] != n_expected:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__}.inverse_transform is expecting "
                f"{n_expected} features as input. Pass what transform returned."
            )

    def _validate_transformed(self, X: Any, n_expected: int, **options: Any) -> Any:
        """Validate the input of `inverse_transform`, whose column names need not be those of `fit`."""
        check_is_fitted(self)
        X = check_array(X, dtype=self._float_dtypes, estimator=self, **{**self._check_array_options, **options})
        self._check_n_columns(X, n_expected)
        return X


def _feature_names(transformer: MomentsTransformer) -> list[str]:
    return list(getattr(transformer, "feature_names_in_", []))


def checked_moments(moments: Any) -> Any:
    """The moments; a ValueError if they have overflowed."""
    if not all(np.isfinite(value).all() for value in vars(moments).values()):
        raise ValueError(
            "The weights, or the weighted squares of X, add up to more than float64 can hold. Expected smaller ones: "
            "divide all weights, or the largest features, by a constant first."
        )
    return moments
