"""The section on the predictions: confusions, precision and recall of classes; errors and residuals of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)

from skneural.estimators.base import BaseActivationMLP
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
from skneural.network.training_rows import evenly_spaced_rows

Array = NDArray[Any]

MAX_MATRIX_CLASSES = 25  # with more classes, a list of the most frequent confusions replaces the matrix
MAX_CONFUSIONS = 15  # in that list
MAX_SCATTER_POINTS = 500  # in a scatter chart
MAX_CHARTED_OUTPUTS = 6  # with charts


def predictions_section(network: BaseActivationMLP, y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the quality of the predictions for the summary, and the section."""
    if not is_classifier(network):
        return regression_section(y, predicted)
    return multilabel_section(y, predicted) if predicted.ndim == 2 else classification_section(y.ravel(), predicted)


def classification_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the summary and the section for classes."""
    labels = np.unique(np.concatenate([y, predicted]))
    per_class = precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    by_class = _precision_and_recall([str(label) for label in labels], per_class)
    section = Section("Predictions", side_by_side(_confusions(labels, y, predicted), by_class))
    return {"accuracy": f"{accuracy_score(y, predicted):.4f}"}, section


def multilabel_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the summary and the section for several labels per row: a 0/1 column per label."""
    per_label = precision_recall_fscore_support(y, predicted, zero_division=0)
    by_label = _precision_and_recall([f"label {k}" for k in range(y.shape[1])], per_label)
    return {"all labels right": f"{accuracy_score(y, predicted):.4f}"}, Section("Predictions", by_label)


def regression_section(y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    """Return the summary and the section for numbers."""
    Y, predicted_Y = (np.asarray(values, dtype=float).reshape(len(y), -1) for values in (y, predicted))
    outputs = list(enumerate(zip(Y.T, predicted_Y.T, strict=True)))
    error_rows = [[f"output {k}", *_error_cells(*output)] for k, output in outputs]
    errors = table(["", "R²", "mean absolute error", "root mean squared error"], error_rows, "Errors, in units of y")
    charts = [chart for k, output in outputs[:MAX_CHARTED_OUTPUTS] for chart in _residual_charts(*output, k)]
    return {"R²": _r2(Y, predicted_Y)}, Section("Predictions", concatenate(errors, chart_grid(charts)))


def _confusions(labels: Array, y: Array, predicted: Array) -> Markup:
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (np.searchsorted(labels, y), np.searchsorted(labels, predicted)), 1)
    return (_confusion_matrix if len(labels) <= MAX_MATRIX_CLASSES else _confusion_list)(labels, counts)


def _confusion_matrix(labels: Array, counts: Array) -> Markup:
    rows = [[label, *_shaded_cells(class_counts)] for label, class_counts in zip(labels, counts, strict=True)]
    caption = "Confusion matrix: number of rows, shaded by fraction of the true class"
    return table(["true \\ predicted", *labels], rows, caption)


def _shaded_cells(class_counts: Array) -> list[Markup]:
    shades = [f"--fraction: {fraction:.3f}" for fraction in class_counts / max(class_counts.sum(), 1)]
    return [element("td", n or "", class_="heat", style=s) for n, s in zip(class_counts, shades, strict=True)]


def _confusion_list(labels: Array, counts: Array) -> Markup:
    wrong_counts = counts * ~np.eye(len(labels), dtype=bool)
    most_frequent = np.argsort(-wrong_counts, axis=None, kind="stable")[:MAX_CONFUSIONS]
    confusions = [divmod(int(i), len(labels)) for i in most_frequent if wrong_counts.flat[i]]
    rows = [[labels[true], text_cell(labels[predicted]), counts[true, predicted]] for true, predicted in confusions]
    return table(["true", "predicted", "rows"], rows, f"The most frequent confusions among {len(labels)} classes")


def _precision_and_recall(names: list[str], per_class: tuple[Array, ...]) -> Markup:
    precision, recall, _, support = per_class
    rows = [[name, n, f"{p:.3f}", f"{r:.3f}"] for name, n, p, r in zip(names, support, precision, recall, strict=True)]
    return table(["class", "rows", "precision", "recall"], rows, "By class")


def _error_cells(y: Array, predicted: Array) -> list[str]:
    absolute_error, squared_error = mean_absolute_error(y, predicted), root_mean_squared_error(y, predicted)
    return [_r2(y, predicted), short_number(absolute_error), short_number(squared_error)]


def _r2(y: Array, predicted: Array) -> str:
    return f"{r2_score(y, predicted):.4f}" if len(y) > 1 else "-"


def _residual_charts(y: Array, predicted: Array, k: int) -> list[Markup]:
    shown = evenly_spaced_rows(len(y), MAX_SCATTER_POINTS)
    scatter = scatter_chart(f"Output {k}", y[shown], predicted[shown], x_label="y", y_label="prediction")
    counts, edges = np.histogram(predicted - y, bins=30)
    return [scatter, histogram_chart(f"Output {k}: errors", edges, counts, x_label="prediction minus y")]
