"""What the page tells of predictions: a confusion matrix, or residuals."""

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

from skneural.inspection.html_report.charts import histogram_chart, number, scatter_chart
from skneural.inspection.html_report.markup import Markup, element, joined, table, text_cell
from skneural.inspection.html_report.sections import Section, side_by_side

Array = NDArray[Any]

MATRIX_CLASSES = 25  # beyond, the most frequent confusions are listed instead
N_POINTS = 500  # in a scatter plot
N_OUTPUTS = 6  # with charts of their own


def classification_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the key figure and the section for class labels."""
    labels = np.unique(np.concatenate([y, predicted]))
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (np.searchsorted(labels, y), np.searchsorted(labels, predicted)), 1)
    accuracy = f"{accuracy_score(y, predicted):.4f}"
    per_class = precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    matrix = _matrix(labels, counts) if len(labels) <= MATRIX_CLASSES else _confusions(labels, counts)
    quality = _quality([str(label) for label in labels], per_class)
    return {"accuracy": accuracy}, Section("Predictions", side_by_side(matrix, quality))


def multilabel_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the key figure and the section for a 0/1 column per label."""
    figures = {"all labels right": f"{accuracy_score(y, predicted):.4f}"}
    per_label = precision_recall_fscore_support(y, predicted, zero_division=0)
    return figures, Section("Predictions", _quality([f"label {k}" for k in range(y.shape[1])], per_label))


def regression_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the key figure and the section for numbers."""
    Y, F = (np.asarray(each, dtype=float).reshape(len(y), -1) for each in (y, predicted))
    rows = [[f"output {k}", *_errors(Y[:, k], F[:, k])] for k in range(Y.shape[1])]
    errors = table(["", "R²", "mean absolute error", "root mean squared error"], rows, "Errors, in units of y")
    charts = [chart for k in range(min(Y.shape[1], N_OUTPUTS)) for chart in _residuals(Y[:, k], F[:, k], k)]
    figures = {"R²": _r2(Y, F)}
    return figures, Section("Predictions", joined(errors, element("div", *charts, class_="charts")))


def _matrix(labels: Array, counts: Array) -> Markup:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = [
        [label, *(_heat(n, share) for n, share in zip(row, of_row, strict=True))]
        for label, row, of_row in zip(labels, counts, shares, strict=True)
    ]
    return table(
        ["true \\ predicted", *labels], rows, "Confusion matrix: rows of data, shaded by their share of the class"
    )


def _heat(n: int, share: float) -> Markup:
    return element("td", n or "", class_="heat", style=f"--share: {share:.3f}")


def _confusions(labels: Array, counts: Array) -> Markup:
    wrong = counts * ~np.eye(len(labels), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[:15]
    pairs = [divmod(int(at), len(labels)) for at in order if wrong.flat[at]]
    rows = [[labels[i], text_cell(labels[j]), counts[i, j]] for i, j in pairs]
    return table(["true", "predicted", "rows"], rows, f"The most frequent confusions among {len(labels)} classes")


def _quality(names: list[str], per_class: tuple[Array, ...]) -> Markup:
    precision, recall, _, support = per_class
    rows = [[name, n, f"{p:.3f}", f"{r:.3f}"] for name, n, p, r in zip(names, support, precision, recall, strict=True)]
    return table(["class", "rows", "precision", "recall"], rows, "By class")


def _errors(y: Array, predicted: Array) -> list[str]:
    absolute, squared = mean_absolute_error(y, predicted), root_mean_squared_error(y, predicted)
    return [_r2(y, predicted), number(absolute), number(squared)]


def _r2(y: Array, predicted: Array) -> str:
    return f"{r2_score(y, predicted):.4f}" if len(y) > 1 else "-"


def _residuals(y: Array, predicted: Array, k: int) -> list[Markup]:
    some = np.unique(np.linspace(0, len(y) - 1, min(N_POINTS, len(y))).astype(int))
    counts, edges = np.histogram(predicted - y, bins=30)
    return [
        scatter_chart(f"Output {k}", y[some], predicted[some], x_label="y", y_label="prediction"),
        histogram_chart(f"Output {k}: errors", edges, counts, x_label="prediction minus y"),
    ]
