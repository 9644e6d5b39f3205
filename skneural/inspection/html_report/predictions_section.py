"""The section on predictions: a confusion matrix for classes, errors and residuals for numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)

from skneural.inspection.html_report.html_elements import (
    Markup,
    Section,
    chart_grid,
    concatenate,
    element,
    side_by_side,
    table,
    text_cell,
)
from skneural.inspection.html_report.svg_charts import histogram_chart, scatter_chart, short_number

Array = NDArray[Any]

MAX_MATRIX_CLASSES = 25  # with more classes, a list of the most frequent confusions replaces the matrix
MAX_CONFUSIONS = 15  # in that list
MAX_POINTS = 500  # in a scatter chart
MAX_OUTPUTS = 6  # with charts


def classification_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the summary and the section for classes."""
    labels = np.unique(np.concatenate([y, predicted]))
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (np.searchsorted(labels, y), np.searchsorted(labels, predicted)), 1)
    summary = {"accuracy": f"{accuracy_score(y, predicted):.4f}"}
    per_class = precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    confusions = (
        _confusion_matrix(labels, counts) if len(labels) <= MAX_MATRIX_CLASSES else _confusion_list(labels, counts)
    )
    by_class = _precision_and_recall([str(label) for label in labels], per_class)
    return summary, Section("Predictions", side_by_side(confusions, by_class))


def multilabel_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the summary and the section for several labels per row: a 0/1 column per label."""
    summary = {"all labels right": f"{accuracy_score(y, predicted):.4f}"}
    per_label = precision_recall_fscore_support(y, predicted, zero_division=0)
    names = [f"label {k}" for k in range(y.shape[1])]
    return summary, Section("Predictions", _precision_and_recall(names, per_label))


def regression_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the summary and the section for numbers."""
    Y, F = (np.asarray(each, dtype=float).reshape(len(y), -1) for each in (y, predicted))
    rows = [[f"output {k}", *_error_cells(Y[:, k], F[:, k])] for k in range(Y.shape[1])]
    errors = table(["", "R²", "mean absolute error", "root mean squared error"], rows, "Errors, in units of y")
    charts = [chart for k in range(min(Y.shape[1], MAX_OUTPUTS)) for chart in _residual_charts(Y[:, k], F[:, k], k)]
    return {"R²": _r2(Y, F)}, Section("Predictions", concatenate(errors, chart_grid(charts)))


def _confusion_matrix(labels: Array, counts: Array) -> Markup:
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = [
        [label, *(_shaded_cell(n, fraction) for n, fraction in zip(row, fractions_of_row, strict=True))]
        for label, row, fractions_of_row in zip(labels, counts, fractions, strict=True)
    ]
    caption = "Confusion matrix: number of rows, shaded by fraction of the true class"
    return table(["true \\ predicted", *labels], rows, caption)


def _shaded_cell(n: int, fraction: float) -> Markup:
    return element("td", n or "", class_="heat", style=f"--fraction: {fraction:.3f}")


def _confusion_list(labels: Array, counts: Array) -> Markup:
    wrong = counts * ~np.eye(len(labels), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MAX_CONFUSIONS]
    pairs = [divmod(int(i), len(labels)) for i in order if wrong.flat[i]]
    rows = [[labels[i], text_cell(labels[j]), counts[i, j]] for i, j in pairs]
    return table(["true", "predicted", "rows"], rows, f"The most frequent confusions among {len(labels)} classes")


def _precision_and_recall(names: list[str], per_class: tuple[Array, ...]) -> Markup:
    precision, recall, _, support = per_class
    rows = [[name, n, f"{p:.3f}", f"{r:.3f}"] for name, n, p, r in zip(names, support, precision, recall, strict=True)]
    return table(["class", "rows", "precision", "recall"], rows, "By class")


def _error_cells(y: Array, predicted: Array) -> list[str]:
    absolute, squared = mean_absolute_error(y, predicted), root_mean_squared_error(y, predicted)
    return [_r2(y, predicted), short_number(absolute), short_number(squared)]


def _r2(y: Array, predicted: Array) -> str:
    return f"{r2_score(y, predicted):.4f}" if len(y) > 1 else "-"


def _residual_charts(y: Array, predicted: Array, k: int) -> list[Markup]:
    shown = np.unique(np.linspace(0, len(y) - 1, min(MAX_POINTS, len(y))).astype(int))
    counts, edges = np.histogram(predicted - y, bins=30)
    return [
        scatter_chart(f"Output {k}", y[shown], predicted[shown], x_label="y", y_label="prediction"),
        histogram_chart(f"Output {k}: errors", edges, counts, x_label="prediction minus y"),
    ]
