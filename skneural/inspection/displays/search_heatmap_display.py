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
from skneural.inspection.displays.matplotlib_support import SingleAxesDisplay

Array = NDArray[Any]
Parameter = tuple[str, list[Any]]  # its name and its values


class SearchHeatmapDisplay(SingleAxesDisplay):
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
        self, scores: Array, searched: Array, rows: Parameter, columns: Parameter, *, score_name: str = "score"
    ):
        self.scores, self.searched, self.score_name = scores, searched, score_name
        self.rows, self.columns = rows, columns

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
        _check_search(search)
        tried_rows, tried_columns = (_tried_values(search.cv_results_, name) for name in (rows, columns))
        metric = _metric(search, metric)
        trial_scores = search.cv_results_[f"mean_test_{metric}"]
        row_values, column_values, scores, searched = _tabulate_trials(tried_rows, tried_columns, trial_scores)
        score_name = f"mean {_score_name(search, metric)} of {search.n_splits_} folds"
        return cls(scores, searched, (rows, row_values), (columns, column_values), score_name=score_name).plot(ax)

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
        rows, columns = ("activation", activations), ("learning_rate_init", rates)
        return cls(scores, np.ones(scores.shape, bool), rows, columns, score_name="mean score").plot(ax)

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
        ax = self._set_axes(ax, width=2.6 + 0.85 * n_columns, height=1.6 + 0.45 * n_rows)
        darkest_score, best_score = self._colour_limits()
        image = ax.imshow(self.scores, cmap="cividis", aspect="auto", vmin=darkest_score, vmax=best_score)
        self._write_scores(image)
        ax.set_xticks(range(n_columns), [_format_value(value) for value in self.columns[1]])
        ax.set_yticks(range(n_rows), [_format_value(value) for value in self.rows[1]])
        ax.set(xlabel=self.columns[0], ylabel=self.rows[0], title=self._title())
        has_lower_scores = np.nanmin(self.scores, initial=darkest_score) < darkest_score
        self.figure_.colorbar(image, ax=ax, label=self.score_name, extend="min" if has_lower_scores else "neither")
        self._frame_best()
        return self

    def _colour_limits(self) -> tuple[float, float]:
        if self.best is None:
            return 0.0, 1.0
        best_score, median = np.nanmax(self.scores), np.nanmedian(self.scores)
        return max(np.nanmin(self.scores), best_score - 2 * (best_score - median)), best_score

    def _write_scores(self, image: Any) -> None:
        for i, j in np.ndindex(*self.scores.shape):
            is_dark = image.norm(self.scores[i, j]) < 0.5
            color = "white" if is_dark else "black"
            self.ax_.text(j, i, self._cell_text(i, j), ha="center", va="center", color=color)

    def _cell_text(self, i: int, j: int) -> str:
        if not np.isnan(self.scores[i, j]):
            return _format_score(self.scores[i, j])
        return "failed" if self.searched[i, j] else ""

    def _title(self) -> str:
        if self.best is None:
            return "every fit failed"
        i, j = self.best
        best_row, best_column = _format_value(self.rows[1][i]), _format_value(self.columns[1][j])
        return f"best: {best_row} at {best_column}, {_format_score(self.scores[i, j])}"

    def _frame_best(self) -> None:
        if self.best is not None:
            i, j = self.best
            xs, ys = [j - 0.5, j + 0.5, j + 0.5, j - 0.5, j - 0.5], [i - 0.5, i - 0.5, i + 0.5, i + 0.5, i - 0.5]
            self.ax_.plot(xs, ys, color="#D55E00", linewidth=3, clip_on=False)


def _check_search(search: Any) -> None:
    if not hasattr(search, "refit"):
        raise TypeError(f"search must be a search of scikit-learn, such as GridSearchCV. Got {type(search).__name__}.")
    check_is_fitted(search, "cv_results_")


def _tried_values(results: dict[str, Any], name: str) -> Any:
    """Return the value of a parameter in each trial of a search; masked where the trial's grid lacks it."""
    searched = _names_after("param_", results)
    matches = [name] if name in searched else [each for each in searched if each.endswith(f"__{name}")]
    if len(matches) != 1:
        raise ValueError(f"Expected the name of one parameter that was searched: {searched}. Got {name!r} instead.")
    return results[f"param_{matches[0]}"]


def _names_after(prefix: str, results: dict[str, Any]) -> list[str]:
    return [key.removeprefix(prefix) for key in results if key.startswith(prefix)]


def _tabulate_trials(tried_rows: Any, tried_columns: Any, trial_scores: Array) -> tuple[Any, Any, Array, Array]:
    """Return the values of both parameters, the best score of each pair, and whether the pair was searched."""
    row_values, column_values = _distinct(tried_rows), _distinct(tried_columns)
    scores = np.full((len(row_values), len(column_values)), np.nan)
    searched = np.zeros(scores.shape, bool)
    for row, column, score in zip(tried_rows, tried_columns, trial_scores, strict=True):
        if row is not np.ma.masked and column is not np.ma.masked:
            cell = row_values.index(row), column_values.index(column)
            scores[cell], searched[cell] = np.fmax(scores[cell], score), True
    return row_values, column_values, scores, searched


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
    if metric not in (names := _names_after("mean_test_", search.cv_results_)):
        raise ValueError(f"metric must be one of the scores of the search: {names}. Got {metric!r} instead.")
    return metric


def _score_name(search: Any, metric: str) -> str:
    """Return what the scores are: "accuracy" where no scorer was chosen for a classifier."""
    if metric == "score" and search.scoring is None and is_classifier(search):
        return "accuracy"
    return search.scoring if metric == "score" and isinstance(search.scoring, str) else metric


def _format_score(score: float) -> str:
    return f"{score:.3f}" if abs(score) < 10 else f"{score:.4g}"


def _format_value(value: Any) -> str:
    return f"{value:g}" if _is_number(value) else str(value)
