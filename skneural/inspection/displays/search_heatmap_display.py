"""A figure of the scores of a grid search over two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from skneural.inspection.comparison.activation_comparison import ActivationComparison
from skneural.inspection.displays.matplotlib_support import get_axes

Array = NDArray[Any]


class SearchHeatmapDisplay:
    """Mean cross-validated score for each pair of values of two parameters.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)
        Mean scores; NaN where a fit failed or the pair was not searched.
    searched : ndarray of shape (n_rows, n_columns), bool
        Whether the search has tried the pair.
    rows, columns : tuple of str and list
        Name of a parameter, and its values.
    score_name : str, default="score"
        Label of the colour bar.

    Attributes
    ----------
    best : tuple of int, or None
        Row and column of the best score; None if every fit failed.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import SearchHeatmapDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ActivationMLPClassifier((8,), n_iter_no_change=2, random_state=0)
    >>> grid = {"activation": ["elu", "tanh"], "learning_rate_init": [0.1, 0.3]}
    >>> display = SearchHeatmapDisplay.from_estimator(GridSearchCV(model, grid, cv=3).fit(X, y))
    >>> display.scores.shape, display.rows
    ((2, 2), ('activation', ['elu', 'tanh']))
    """

    def __init__(
        self,
        scores: Array,
        searched: Array,
        rows: tuple[str, list[Any]],
        columns: tuple[str, list[Any]],
        *,
        score_name: str = "score",
    ):
        self.scores = scores
        self.searched = searched
        self.rows = rows
        self.columns = columns
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        search: Any,
        *,
        rows: str = "activation",
        columns: str = "learning_rate_init",
        metric: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the scores of a fitted search.

        Parameters
        ----------
        search : GridSearchCV or another search of scikit-learn
            Fitted. If it has tried a pair several times, with different values of a third parameter or with more
            resources, the figure shows the best score.
        rows, columns : str, default="activation", "learning_rate_init"
            Names of two of the searched parameters. You may leave out the prefix of a pipeline's step.
        metric : str, default=None
            Name of the score, if the search has several. None uses the one that `refit` names.
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : SearchHeatmapDisplay
        """
        if not hasattr(search, "refit"):
            raise TypeError(
                f"search must be a search of scikit-learn, such as GridSearchCV. Got {type(search).__name__}."
            )
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        row_params, column_params = (results[f"param_{_full_name(name, results)}"] for name in (rows, columns))
        row_values, column_values = _distinct(row_params), _distinct(column_params)
        metric = _metric(search, metric)
        shape = len(row_values), len(column_values)
        scores, searched = np.full(shape, np.nan), np.zeros(shape, bool)
        for row, column, score in zip(row_params, column_params, results[f"mean_test_{metric}"], strict=True):
            if row is np.ma.masked or column is np.ma.masked:  # this grid of a list of grids lacks the parameter
                continue
            cell = row_values.index(row), column_values.index(column)
            scores[cell], searched[cell] = np.fmax(scores[cell], score), True
        label = f"mean {_score_name(search, metric)} of {search.n_splits_} folds"
        return cls(scores, searched, (rows, row_values), (columns, column_values), score_name=label).plot(ax)

    @classmethod
    def from_comparison(cls, comparison: ActivationComparison, *, ax: Any = None) -> Self:
        """Draw the scores of :func:`skneural.inspection.compare_activations`.

        Parameters
        ----------
        comparison : ActivationComparison
            The comparison that it returned.
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : SearchHeatmapDisplay
        """
        activations, rates, scores = comparison.grid("score")
        searched = np.ones(scores.shape, bool)
        rows, columns = ("activation", activations), ("learning_rate_init", rates)
        return cls(scores, searched, rows, columns, score_name="mean score").plot(ax)

    @property
    def best(self) -> tuple[int, int] | None:
        """Row and column of the best score; None if every fit failed."""
        if np.isnan(self.scores).all():
            return None
        row, column = np.unravel_index(np.nanargmax(self.scores), self.scores.shape)
        return int(row), int(column)

    def plot(self, ax: Any = None) -> Self:
        """Draw the table of scores as colours, with a frame around the best pair.

        The colour scale puts the median score in its middle. All scores far below the median have the darkest colour.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw into; None makes a new figure.

        Returns
        -------
        display : SearchHeatmapDisplay
            This display.
        """
        n_rows, n_columns = self.scores.shape
        self.ax_ = ax = get_axes(ax, 2.6 + 0.85 * n_columns, 1.6 + 0.45 * n_rows)
        self.figure_ = ax.figure
        low, high = self._colour_limits()
        image = ax.imshow(self.scores, cmap="cividis", aspect="auto", vmin=low, vmax=high)
        for i, j in np.ndindex(n_rows, n_columns):
            is_dark = image.norm(self.scores[i, j]) < 0.5
            ax.text(j, i, self._cell_text(i, j), ha="center", va="center", color="white" if is_dark else "black")
        ax.set_xticks(range(n_columns), [_format_value(value) for value in self.columns[1]])
        ax.set_yticks(range(n_rows), [_format_value(value) for value in self.rows[1]])
        ax.set(xlabel=self.columns[0], ylabel=self.rows[0], title=self._title())
        clipped = np.nanmin(self.scores, initial=low) < low
        self.figure_.colorbar(image, ax=ax, label=self.score_name, extend="min" if clipped else "neither")
        self._frame_best()
        return self

    def _colour_limits(self) -> tuple[float, float]:
        if self.best is None:
            return 0.0, 1.0
        high, median = np.nanmax(self.scores), np.nanmedian(self.scores)
        return max(np.nanmin(self.scores), high - 2 * (high - median)), high

    def _cell_text(self, i: int, j: int) -> str:
        if not np.isnan(self.scores[i, j]):
            return _format_score(self.scores[i, j])
        return "failed" if self.searched[i, j] else ""

    def _title(self) -> str:
        if self.best is None:
            return "every fit failed"
        i, j = self.best
        row, column = _format_value(self.rows[1][i]), _format_value(self.columns[1][j])
        return f"best: {row} at {column}, {_format_score(self.scores[i, j])}"

    def _frame_best(self) -> None:
        if self.best is not None:
            i, j = self.best
            xs, ys = [j - 0.5, j + 0.5, j + 0.5, j - 0.5, j - 0.5], [i - 0.5, i - 0.5, i + 0.5, i + 0.5, i - 0.5]
            self.ax_.plot(xs, ys, color="#D55E00", linewidth=3, clip_on=False)


def _full_name(name: str, results: dict[str, Any]) -> str:
    searched = [key.removeprefix("param_") for key in results if key.startswith("param_")]
    matches = [name] if name in searched else [each for each in searched if each.endswith(f"__{name}")]
    if len(matches) != 1:
        raise ValueError(f"Expected the name of one parameter that was searched: {searched}. Got {name!r} instead.")
    return matches[0]


def _distinct(values: Sequence[Any]) -> list[Any]:
    """Return the values without repetition: numbers in ascending order, other values in their original order."""
    distinct: list[Any] = []
    for value in values:
        if value is not np.ma.masked and value not in distinct:
            distinct.append(value)
    return sorted(distinct) if all(_is_number(value) for value in distinct) else distinct


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _metric(search: Any, metric: str | None) -> str:
    metric = metric or (search.refit if search.multimetric_ and isinstance(search.refit, str) else "score")
    names = [key.removeprefix("mean_test_") for key in search.cv_results_ if key.startswith("mean_test_")]
    if metric not in names:
        raise ValueError(f"metric must be one of the scores of the search: {names}. Got {metric!r} instead.")
    return metric


def _score_name(search: Any, metric: str) -> str:
    if metric != "score":
        return metric
    if search.scoring is None and is_classifier(search):
        return "accuracy"
    return search.scoring if isinstance(search.scoring, str) else "score"


def _format_score(score: float) -> str:
    return f"{score:.3f}" if abs(score) < 10 else f"{score:.4g}"


def _format_value(value: Any) -> str:
    return f"{value:g}" if _is_number(value) else str(value)
