"""The scores of a grid search over two parameters, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from skneural.inspection.comparison.comparison import ActivationComparison
from skneural.inspection.displays.matplotlib_support import axes

Array = NDArray[Any]


class SearchHeatmapDisplay:
    """Mean cross-validated score for each pair of values of two parameters.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_columns)
        Mean scores; NaN where a fit failed or nothing was tried.
    tried : ndarray of shape (n_rows, n_columns), bool
        Which pairs the search has tried.
    rows, columns : tuple of str and list
        Name of a parameter, and its values.
    score_name : str, default="score"
        What the colours mean.

    Attributes
    ----------
    best : tuple of int, or None
        Row and column of the best score.
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
        tried: Array,
        rows: tuple[str, list[Any]],
        columns: tuple[str, list[Any]],
        *,
        score_name: str = "score",
    ):
        self.scores = scores
        self.tried = tried
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
            Fitted. Where it tried a pair several times, with other values of a third parameter or with more resources,
            the best score counts.
        rows, columns : str, default="activation", "learning_rate_init"
            Names of two of the parameters searched; the steps of a pipeline may be left out.
        metric : str, default=None
            Which score, if there are several; None is the one that `refit` names.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : SearchHeatmapDisplay
        """
        check_is_fitted(search, "cv_results_")
        results = search.cv_results_
        names = [_full_name(name, results) for name in (rows, columns)]
        sides = [_distinct(results[f"param_{name}"]) for name in names]
        metric = _metric(search, metric)
        scores, tried = np.full([len(side) for side in sides], np.nan), np.zeros([len(side) for side in sides], bool)
        for *pair, score in zip(
            *(results[f"param_{name}"] for name in names), results[f"mean_test_{metric}"], strict=True
        ):
            if any(value is np.ma.masked for value in pair):  # in a list of grids, one that lacks the parameter
                continue
            cell = tuple(side.index(value) for side, value in zip(sides, pair, strict=True))
            scores[cell], tried[cell] = np.fmax(scores[cell], score), True
        label = f"mean {_score_name(search, metric)} of {search.n_splits_} folds"
        return cls(scores, tried, (rows, sides[0]), (columns, sides[1]), score_name=label).plot(ax)

    @classmethod
    def from_comparison(cls, comparison: ActivationComparison, *, ax: Any = None) -> Self:
        """Draw the scores of :func:`skneural.inspection.compare_activations`.

        Parameters
        ----------
        comparison : ActivationComparison
            What it returned.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : SearchHeatmapDisplay
        """
        activations, rates, scores = comparison.grid("score")
        tried = np.ones(scores.shape, bool)
        rows, columns = ("activation", activations), ("learning_rate_init", rates)
        return cls(scores, tried, rows, columns, score_name="mean score").plot(ax)

    @property
    def best(self) -> tuple[int, int] | None:
        """Row and column of the best score; None if every fit failed."""
        if np.isnan(self.scores).all():
            return None
        row, column = np.unravel_index(np.nanargmax(self.scores), self.scores.shape)
        return int(row), int(column)

    def plot(self, ax: Any = None) -> Self:
        """Draw the table of scores in colours, the best pair framed.

        The colours are spread so that the median is in their middle; scores far below it share the darkest one.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : SearchHeatmapDisplay
            Itself.
        """
        n_rows, n_columns = self.scores.shape
        self.ax_ = ax = axes(ax, 2.6 + 0.85 * n_columns, 1.6 + 0.45 * n_rows)
        self.figure_ = ax.figure
        low, high = self._limits()
        image = ax.imshow(self.scores, cmap="cividis", aspect="auto", vmin=low, vmax=high)
        for i, j in np.ndindex(n_rows, n_columns):
            dark = image.norm(self.scores[i, j]) < 0.5
            ax.text(j, i, self._text(i, j), ha="center", va="center", color="white" if dark else "black")
        ax.set_xticks(range(n_columns), [_label(value) for value in self.columns[1]])
        ax.set_yticks(range(n_rows), [_label(value) for value in self.rows[1]])
        ax.set(xlabel=self.columns[0], ylabel=self.rows[0], title=self._title())
        clipped = np.nanmin(self.scores, initial=low) < low
        self.figure_.colorbar(image, ax=ax, label=self.score_name, extend="min" if clipped else "neither")
        self._frame_best()
        return self

    def _limits(self) -> tuple[float, float]:
        if self.best is None:
            return 0.0, 1.0
        high, median = np.nanmax(self.scores), np.nanmedian(self.scores)
        return max(np.nanmin(self.scores), high - 2 * (high - median)), high

    def _text(self, i: int, j: int) -> str:
        if not np.isnan(self.scores[i, j]):
            return _number(self.scores[i, j])
        return "failed" if self.tried[i, j] else ""

    def _title(self) -> str:
        if self.best is None:
            return "every fit failed"
        i, j = self.best
        return f"best: {_label(self.rows[1][i])} at {_label(self.columns[1][j])}, {_number(self.scores[i, j])}"

    def _frame_best(self) -> None:
        if self.best is not None:
            i, j = self.best
            xs, ys = [j - 0.5, j + 0.5, j + 0.5, j - 0.5, j - 0.5], [i - 0.5, i - 0.5, i + 0.5, i + 0.5, i - 0.5]
            self.ax_.plot(xs, ys, color="#D55E00", linewidth=3, clip_on=False)


def _full_name(name: str, results: dict[str, Any]) -> str:
    searched = [key.removeprefix("param_") for key in results if key.startswith("param_")]
    fitting = [name] if name in searched else [each for each in searched if each.endswith(f"__{name}")]
    if len(fitting) != 1:
        raise ValueError(f"Expected the name of one parameter that was searched: {searched}. Got {name!r} instead.")
    return fitting[0]


def _distinct(values: Sequence[Any]) -> list[Any]:
    """Return the values without repetition, numbers in ascending order, all else as it came."""
    found: list[Any] = []
    for value in values:
        if value is not np.ma.masked and value not in found:
            found.append(value)
    numbers = all(isinstance(value, Real) and not isinstance(value, bool) for value in found)
    return sorted(found) if numbers else found


def _metric(search: Any, asked: str | None) -> str:
    metric = asked or (search.refit if search.multimetric_ and isinstance(search.refit, str) else "score")
    names = [key.removeprefix("mean_test_") for key in search.cv_results_ if key.startswith("mean_test_")]
    if metric not in names:
        raise ValueError(f"metric must be one of those of the search, {names}. Got {metric!r} instead.")
    return metric


def _score_name(search: Any, metric: str) -> str:
    if metric != "score":
        return metric
    if search.scoring is None and is_classifier(search):
        return "accuracy"
    return search.scoring if isinstance(search.scoring, str) else "score"


def _number(score: float) -> str:
    return f"{score:.3f}" if abs(score) < 10 else f"{score:.4g}"


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, Real) and not isinstance(value, bool) else str(value)
