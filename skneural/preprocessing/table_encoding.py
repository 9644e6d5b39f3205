"""From a table of numbers, categories and missing cells to a matrix for a neural network."""

from __future__ import annotations

from itertools import count
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import RealNotInt, _check_feature_names_in, _fit_context, validate_table
from skneural.constraints import Interval, StrOptions
from skneural.float_errors import ignore_float_errors
from skneural.preprocessing.clipping import SmoothClipper
from skneural.preprocessing.level_texts import level_codes
from skneural.preprocessing.number_encoding import NumberEncoding, automatic_n_bins, fit_scaler, scale_numbers
from skneural.preprocessing.one_hot_encoding import add_missing_indicator, one_hot_table, small_one_hot_table
from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder
from skneural.preprocessing.table_columns import Column, find_categories, read_columns, refuse_all_missing
from skneural.preprocessing.target_encoding import TargetMeans, fit_target_means
from skneural.preprocessing.weak_components import MAX_MISSING_SHARE, fit_whitener, makes_components
from skneural.saved_state import SavedStateMixin, check_numbers, require, unchanged_on_error

ROWS_PER_BIN = 50  # 400 rows for 8 bins: with 578, bins help much; with 331 it depends on the split (docs/tabular.md)


class TableEncoder(SavedStateMixin, TransformerMixin, BaseEstimator):
    """Turn a table of numbers, categories and missing cells into a matrix for a neural network.

    Numbers are standardised and clipped smoothly. With enough rows, two kinds of columns follow, times 0.3, since they
    are many and related and would outweigh the numbers themselves: bins, a piecewise-linear encoding of each number,
    and whitened principal components, which show the network what correlated numbers differ in. Bins count more for
    numbers that are one value in most rows, such as amounts that are mostly 0.
    Categories get one column per level; if there are many, the mean target of each level and smaller columns. All are
    centred, so that 0, the mean, stands for all that is not known: missing cells and levels not seen in `fit`. Where
    training rows have missing cells, one more column indicates them.

    Parameters
    ----------
    categorical_features : "from_dtype", None or array-like of {bool, int, str}, default="from_dtype"
        Which columns are categories: their names, their indices, a mask, or None for none. With ``"from_dtype"``, as in
        :class:`sklearn.ensemble.HistGradientBoostingClassifier` but wider, those of a categorical dtype of pandas or
        Polars, and those whose present cells are all text, or all bools. All other columns must be numbers; columns
        of Python objects that are all numbers are.
    max_levels : int in [1, inf), default=30
        Categories of up to this many levels get one column per level, or one column if there are two levels. Others are
        encoded by the mean target of each level, a single column unless the target has several classes, and, with up
        to 1000 levels, by a column per level of three rows or more besides, times 0.1: so many columns of full size
        would cost the network more than they tell it. For mean targets, levels of a single row count as not seen. Free
        text, of which nearly every present cell is different, is refused.
    min_frequency : int in [1, inf), float in (0, 1) or None, default=0.001
        Levels in fewer rows than this number, or than this fraction of the rows where the category is present, share
        one column, and so do levels not seen in `fit`; None means that no level is rare. Mean targets are those of
        each level, rare or not.
    n_bins : int in [2, inf) or "auto", default="auto"
        Bins of the piecewise-linear encoding, see :class:`skneural.PiecewiseLinearEncoder`. With "auto" each number has
        8; fewer than 8 numbers have more, 64 together, where rows suffice: no more than the cube root of the number of
        rows, and 32. Numbers of fewer than 50 present cells per bin are not encoded so. Numbers that are one value in
        most rows get more bins, for the other rows. Up to 64 such bins of all numbers together count in full; n > 64 of
        them are multiplied by 8 / √n, but by no less than 0.3.
    max_columns : int in [0, inf), default=1000
        There is no piecewise-linear encoding if the numbers times ``n_bins`` exceed it; 0 for none in any case. It also
        bounds the bins of numbers that are one value in most rows.
    component_variance : float in [0, 1), default=0.9999
        The strongest principal components that have this share of the variance of the scaled numbers count as
        information, the rest as noise; 0 for no components at all. Of those, the weak ones become columns, whitened by
        :class:`skneural.PCAWhitener`: the ones with less than a fifth of the variance that they would have if their
        numbers were not correlated. Numbers of which more than a fifth is missing take no part. Needs 400 rows in which
        all others are present, and 20 per number.
    limit : float in (0, inf), default=3.0
        The bound of standardised numbers, components and mean targets, see :class:`skneural.SmoothClipper`.
    target_type : {"auto", "continuous", "binary", "multiclass"}, default="auto"
        What y is, for mean targets. As in :class:`sklearn.preprocessing.TargetEncoder`, ``"auto"`` takes whole numbers
        for classes; but more than ``max_levels`` of them are refused, since they may be meant as numbers.
    random_state : int, RandomState instance or None, default=None
        Draws the folds of `fit_transform`.

    Attributes
    ----------
    is_categorical_ : ndarray of shape (`n_features_in_`,), bool
        The features that are categories.
    levels_ : list of list of str
        For each feature, the levels of the training rows in order; none for numbers.
    level_tables_ : list of ndarray of shape (n_levels + 2, n_columns), float32
        For each feature, what stands for each level in the output, and in the last two rows for levels not seen in
        `fit` and for missing cells.
    missing_share_ : ndarray of shape (`n_features_in_`,), float64
        Fraction of the training rows in which each feature is missing.
    scaler_ : StdScaler or None
        Standardises the numbers, see Notes; None if there are none.
    clipper_ : SmoothClipper or None
        Bounds them.
    piecewise_encoder_ : PiecewiseLinearEncoder or None
        Encodes them.
    whitener_ : PCAWhitener or None
        Whitens the scaled numbers; None if there are no columns of components.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X had column names that are all strings.

    See Also
    --------
    sklearn.preprocessing.TargetEncoder : Encodes levels by their mean target here too.
    sklearn.preprocessing.OneHotEncoder : Groups rare levels here too.

    Notes
    -----
    The columns of numbers come first: the numbers, their bins, their components, and indicators of missing numbers.
    Then follow those of the categories, each with its indicator. A feature without any present cell in `fit` has no
    column.

    Levels are compared as text. So 1, 1.0 and ``"1"`` are one level, and False and True are 0 and 1: rows of pandas, of
    Polars and of an array give the same output, to the bit.

    Mean and standard deviation of a number are those of its values after bounding them far outside the bulk: ten times
    the range of the middle half away from the median. One cell of a million does not flatten the others.

    Centred columns of levels are not divided by their standard deviation, which is small for rare levels and would make
    them outliers. Columns of mean targets are standardised.

    `fit_transform`, and so a pipeline's `fit`, encodes each training row by the mean targets of other rows; `transform`
    by those of all training rows. Hence ``fit(X, y).transform(X)`` differs from ``fit_transform(X, y)`` where mean
    targets are used.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural import TableEncoder
    >>> X = np.array([["a", 1.0], ["b", 3.0], ["b", np.nan], [None, 5.0]], dtype=object)
    >>> encoder = TableEncoder()
    >>> encoder.fit_transform(X).round(2)
    array([[-1.13, -0.25, -0.67, -0.25],
           [ 0.  , -0.25,  0.33, -0.25],
           [ 0.  ,  0.75,  0.33, -0.25],
           [ 1.13, -0.25,  0.  ,  0.75]], dtype=float32)
    >>> encoder.get_feature_names_out()
    array(['x1', 'x1_missing', 'x0_b', 'x0_missing'], dtype=object)
    >>> encoder.levels_
    [['a', 'b'], []]
    """

    _parameter_constraints: dict[str, list] = {
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_levels": [Interval(Integral, 1, None, closed="left")],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "n_bins": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
        "max_columns": [Interval(Integral, 0, None, closed="left")],
        "component_variance": [Interval(Real, 0, 1, closed="left")],
        "limit": [Interval(Real, 0, None, closed="neither")],
        "target_type": [StrOptions({"auto", "continuous", "binary", "multiclass"})],
        "random_state": ["random_state"],
    }
    _fitted_names = frozenset(
        {"n_features_in_", "feature_names_in_", "_n_features_out", "is_categorical_", "missing_share_"}
        | {"scaler_", "clipper_", "piecewise_encoder_", "whitener_", "levels_", "level_tables_", "_name_endings"}
    )

    def __init__(
        self,
        categorical_features="from_dtype",
        *,
        max_levels=30,
        min_frequency=0.001,
        n_bins="auto",
        max_columns=1000,
        component_variance=0.9999,
        limit=3.0,
        target_type="auto",
        random_state=None,
    ):
        self.categorical_features = categorical_features
        self.max_levels = max_levels
        self.min_frequency = min_frequency
        self.n_bins = n_bins
        self.max_columns = max_columns
        self.component_variance = component_variance
        self.limit = limit
        self.target_type = target_type
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def fit(self, X, y=None) -> Self:
        """Learn moments, quantiles and components of numbers, and the levels of categories.

        Parameters
        ----------
        X : DataFrame of pandas or Polars, or array-like of shape (n_samples, n_features)
            Training rows. Missing cells are None, NaN, or what pandas and Polars have for it.
        y : array-like of shape (n_samples,), default=None
            The target, classes or numbers; used only for categories of more than ``max_levels`` levels.

        Returns
        -------
        self
            The fitted transformer.

        Raises
        ------
        TypeError
            If cells are neither numbers nor text nor bools, or X is sparse.
        ValueError
            If numbers are infinite, if a column holds dates or free text, or numbers and text, or if y is needed and
            missing or unfit. The message names the column. Also if no cell is present. The transformer is then
            unchanged.
        """
        with unchanged_on_error(self), config_context(transform_output="default"):
            self._fit(X, y)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    @ignore_float_errors
    def fit_transform(self, X, y=None) -> np.ndarray:
        """Fit to X and y, and encode X, mean targets by those of other rows.

        Parameters
        ----------
        X : DataFrame of pandas or Polars, or array-like of shape (n_samples, n_features)
            Training rows, as in `fit`.
        y : array-like of shape (n_samples,), default=None
            The target, as in `fit`.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_columns), float32
            Mean targets are cross-fitted: each row's come from the four fifths of the rows that it is not part of.
        """
        with unchanged_on_error(self), config_context(transform_output="default"):
            columns, target_means = self._fit(X, y)
            encoded_categories = self._encode_categories(columns)
            random_state = check_random_state(self.random_state)
            for j, means in target_means.items():
                encoded_categories[j][~columns[j].missing, : means.Y.shape[1]] = means.cross_fitted(random_state)
            return np.hstack([self._encode_numbers(columns), *encoded_categories.values()])

    @ignore_float_errors
    def transform(self, X) -> np.ndarray:
        """Encode X.

        Parameters
        ----------
        X : DataFrame of pandas or Polars, or array-like of shape (n_samples, n_features)
            Rows of the features seen in `fit`.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_columns), float32
            See `get_feature_names_out`; never NaN.

        Raises
        ------
        TypeError
            If cells are neither numbers nor text nor bools, or X is sparse.
        ValueError
            If text comes where numbers were in `fit`, or numbers where text was, or infinite numbers, or dates. The
            message names the column.
        """
        check_is_fitted(self)
        with config_context(transform_output="default"):
            columns = read_columns(validate_table(self, X, reset=False))
            return np.hstack([self._encode_numbers(columns), *self._encode_categories(columns).values()])

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None means those seen in `fit`, else x0, x1, ...

        Returns
        -------
        names : ndarray of shape (n_columns,)
            Strings: ``age``, ``age_bin0``, ``age_missing`` for a number, and ``component0`` for all numbers; for a
            category ``colour_red``, ``colour_rare`` and ``colour_missing``, and ``colour`` for its mean target,
            ``colour_yes`` for that of a class of several.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        numbers = [] if self.scaler_ is None else self._number_encoding().feature_names(names[self._numbers()])
        indicators = [f"{name}_missing" for name in names[self._numbers_with_indicator()]]
        levels = [f"{name}{end}" for name, ends in zip(names, self._name_endings, strict=True) for end in ends]
        return np.array(_unique_names([*numbers, *indicators, *levels]), dtype=object)

    def _fit(self, X, y) -> tuple[list[Column], dict[int, TargetMeans]]:
        """Set the fitted attributes; return the columns of X, and the mean targets of those encoded by them."""
        X = validate_table(self, X, reset=True)
        columns = read_columns(X)
        refuse_all_missing(columns)
        self.is_categorical_ = find_categories(self.categorical_features, columns, getattr(X, "columns", None))
        self.missing_share_ = np.array([column.missing.mean() for column in columns])
        pairs = zip(columns, self.is_categorical_, strict=True)
        self.levels_: list[list[str]] = [column.levels() if is_category else [] for column, is_category in pairs]
        for j in np.flatnonzero(~self.is_categorical_):
            columns[j].refuse_mixed_kinds()
        self._fit_numbers(columns)
        target_means = self._fit_categories(columns, y)
        self._n_features_out = len(self.get_feature_names_out())
        return columns, target_means

    def _fit_numbers(self, columns: list[Column]) -> None:
        """Set the steps that numbers take; None where there are no numbers."""
        self.scaler_: Any = None
        self.clipper_: Any = None
        self.piecewise_encoder_: Any = None
        self.whitener_: Any = None
        if len(self._numbers()):
            X = self._stack_numbers(columns)
            self.scaler_ = fit_scaler(X, [columns[j].label for j in self._numbers()])
            self.clipper_ = SmoothClipper(limit=self.limit).fit(X)
            scaled = scale_numbers(X, self.scaler_, self.clipper_)
            n_bins = automatic_n_bins(*X.shape) if isinstance(self.n_bins, str) else self.n_bins
            encoder = PiecewiseLinearEncoder(n_bins=n_bins, max_columns=self.max_columns, min_rows=ROWS_PER_BIN)
            self.piecewise_encoder_ = encoder.fit(scaled)
            self.whitener_ = fit_whitener(scaled[:, self._is_in_components()], self.component_variance)

    def _fit_categories(self, columns: list[Column], y) -> dict[int, TargetMeans]:
        """Set the tables of the categories, and return the mean targets of those encoded by them."""
        target_means, class_names = fit_target_means(
            columns, self.levels_, y, self.max_levels, self.target_type, self.limit
        )
        mean_endings = [f"_{name}" for name in class_names] or [""]
        fitted = [self._fit_levels(j, column, target_means.get(j), mean_endings) for j, column in enumerate(columns)]
        self.level_tables_: list[np.ndarray] = [level_table for level_table, _ in fitted]
        self._name_endings: list[list[str]] = [endings for _, endings in fitted]
        return target_means

    def _fit_levels(
        self, j: int, column: Column, means: TargetMeans | None, mean_endings: list[str]
    ) -> tuple[np.ndarray, list[str]]:
        """The table of a category, with a row per level, and what follows its name in those of its columns."""
        levels, missing_share = self.levels_[j], self.missing_share_[j]
        if not levels:
            return np.empty((2, 0), np.float32), []
        row_levels = level_codes(column.texts[~column.missing], levels)
        encode = one_hot_table if means is None else small_one_hot_table
        level_table, column_levels = encode(row_levels, len(levels), self.min_frequency)
        endings = [f"_{[*levels, 'rare'][level]}" for level in column_levels]
        if means is not None:
            level_table, endings = np.hstack([means.table(), level_table]), mean_endings + endings
        return add_missing_indicator(level_table, missing_share), endings + ["_missing"] * int(0 < missing_share < 1)

    def _restore_fitted_state(self) -> None:
        n_features = self.n_features_in_
        is_mask = isinstance(self.is_categorical_, np.ndarray) and self.is_categorical_.dtype == bool
        require(
            is_mask and self.is_categorical_.shape == (n_features,),
            f"is_categorical_ must be an array of {n_features} bools. Got {self.is_categorical_!r} instead.",
        )
        check_numbers("missing_share_", self.missing_share_, (n_features,))
        self._check_level_tables()
        self._check_number_steps()
        self._check_n_columns()

    def _check_level_tables(self) -> None:
        n_features = self.n_features_in_
        for name in ("levels_", "level_tables_", "_name_endings"):
            n_entries = len(getattr(self, name))
            require(n_entries == n_features, f"{name} must have one entry for each of {n_features} features.")
        for levels, level_table, endings in zip(self.levels_, self.level_tables_, self._name_endings, strict=True):
            require(levels == sorted(set(levels)), f"levels_ must be different texts in order. Got {levels}.")
            check_numbers("level_tables_", level_table, (len(levels) + 2, len(endings)), dtypes="f")

    def _check_number_steps(self) -> None:
        n_numbers, n_in_components = len(self._numbers()), int(self._is_in_components().sum())
        number_steps = (self.scaler_, self.clipper_, self.piecewise_encoder_)
        n_fitted = [0 if step is None else step.n_features_in_ for step in number_steps]
        all_fitted = n_fitted == [n_numbers] * len(number_steps)
        require(all_fitted, f"The steps for numbers must be of {n_numbers} features. Got {n_fitted}.")
        require(
            self.whitener_ is None or makes_components(self.whitener_, n_in_components),
            f"whitener_ must be None, or a PCAWhitener of {n_in_components} features. Got {self.whitener_!r} instead.",
        )

    def _check_n_columns(self) -> None:
        n_columns, expected = len(self.get_feature_names_out()), self._n_features_out
        require(n_columns == expected, f"The steps must make {expected!r} columns. They make {n_columns}.")

    def _encode_numbers(self, columns: list[Column]) -> np.ndarray:
        """The columns of all numbers, and of indicators of missing ones."""
        if self.scaler_ is None:
            return np.empty((len(columns[0].cells), 0), np.float32)
        encoded_numbers = self._number_encoding().encode(self._stack_numbers(columns))
        return np.hstack([encoded_numbers, self._missing_indicators(columns)], dtype=np.float32)

    def _missing_indicators(self, columns: list[Column]) -> np.ndarray:
        indicated = self._numbers_with_indicator()
        is_missing = np.column_stack([np.empty((len(columns[0].cells), 0)), *(columns[j].missing for j in indicated)])
        return is_missing - self.missing_share_[indicated]

    def _encode_categories(self, columns: list[Column]) -> dict[int, np.ndarray]:
        encoded_categories = {}
        for j in np.flatnonzero(self.is_categorical_).tolist():
            columns[j].refuse_numbers_for(self.levels_[j])
            encoded_categories[j] = self.level_tables_[j][level_codes(columns[j].texts, self.levels_[j])]
        return encoded_categories

    def _stack_numbers(self, columns: list[Column]) -> np.ndarray:
        return np.column_stack([columns[j].numbers() for j in self._numbers()])

    def _numbers(self) -> np.ndarray:
        """The features that are numbers; without those that training rows know nothing of."""
        return np.flatnonzero(~self.is_categorical_ & (self.missing_share_ < 1))

    def _numbers_with_indicator(self) -> np.ndarray:
        return np.flatnonzero(~self.is_categorical_ & (self.missing_share_ > 0) & (self.missing_share_ < 1))

    def _is_in_components(self) -> np.ndarray:
        """Which of the numbers make components: those of which few training cells are missing."""
        return self.missing_share_[self._numbers()] <= MAX_MISSING_SHARE

    def _number_encoding(self) -> NumberEncoding:
        number_steps = (self.scaler_, self.clipper_, self.piecewise_encoder_, self.whitener_)
        return NumberEncoding(*number_steps, self._is_in_components())

    def _number_factors(self) -> np.ndarray:
        """What the columns of numbers, of their bins and components are multiplied by."""
        return self._number_encoding().factors()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _unique_names(names: list[str]) -> list[str]:
    """The names, with a number behind each that has been there before."""
    unique: dict[str, None] = {}
    for name in names:
        numbered_names = (f"{name}_{i}" if i > 1 else name for i in count(1))
        unique[next(each for each in numbered_names if each not in unique)] = None
    return list(unique)
