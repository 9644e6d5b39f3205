"""The sections of the report: the model, its training, its hidden units, its predictions, and the gradient check."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
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
from sklearn.pipeline import Pipeline

from skneural.estimators.base import BaseActivationMLP
from skneural.inspection.displays import UnitActivityDisplay
from skneural.inspection.displays.loss_curve_display import best_epoch
from skneural.inspection.gradients.gradient_report import GradientReport
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
from skneural.inspection.html_report.svg_charts import histogram_chart, line_chart, scatter_chart, short_number
from skneural.inspection.text_tables import format_or_dash
from skneural.inspection.units.unit_report import UnitReport

Array = NDArray[Any]


def model_section(estimator: Any, network: BaseActivationMLP) -> Section:
    """Return the section.

    Parameters
    ----------
    estimator : BaseActivationMLP or Pipeline
        What the user has fitted.
    network : BaseActivationMLP
        The network in it.
    """
    steps = estimator.steps[:-1] if isinstance(estimator, Pipeline) else []
    pipeline = [[name, text_cell(step)] for name, step in steps]
    changed = [[name, text_cell(repr(value))] for name, value in _changed_parameters(network).items()]
    return Section(
        "The model",
        concatenate(
            table(["step", "transformer"], pipeline, "Before the network") if pipeline else None,
            side_by_side(
                table(["layer", "units", "activation", "weights", "parameters"], _layer_rows(network), "Layers"),
                table(["parameter", "value"], changed, "Parameters that are not at their default") if changed else None,
            ),
        ),
    )


def _layer_rows(network: BaseActivationMLP) -> list[list[Any]]:
    views = network._network.views
    n_hidden = len(network.activations_)
    rows: list[list[Any]] = [["input", network._sizes[0], text_cell("-"), "-", "-"]]
    for i, (W, b) in enumerate(zip(views.weights, views.biases, strict=True)):
        is_hidden = i < n_hidden
        further = [views.activation_params[i], *views.scales[i : i + 1]] if is_hidden else []
        further += views.member_scales if i == 0 else []
        size = W.size + b.size + sum(array.size for array in further)
        layer = f"hidden {i}" if is_hidden else "output"
        activation = repr(network.activations_[i]) if is_hidden else network.out_activation_
        shape = " by ".join(map(str, W.shape))
        rows.append([layer, network._sizes[i + 1], text_cell(activation), shape, f"{size:,}"])
    return rows


def _changed_parameters(network: BaseActivationMLP) -> dict[str, Any]:
    defaults = inspect.signature(type(network).__init__).parameters
    values = network.get_params(deep=False)
    return {name: value for name, value in values.items() if repr(value) != repr(defaults[name].default)}


# Column of `history_` -> title of its chart.
HISTORY_CURVES = {
    "validation_score": "Score on the validation rows",
    "learning_rate": "Learning rate",
    "gradient_norm": "Norm of the gradient (last batch of each epoch)",
    "update_ratio": "Norm of a step, relative to the parameters",
}


def training_section(network: BaseActivationMLP) -> Section:
    """Return the section: the loss curve, and a chart for each other quantity that changed during training."""
    history = {name: column for name, column in network.history_.items() if column}
    losses = {"training": history.get("loss", [])}
    notes = ["The training loss is the mean over the batches of an epoch, plus the penalty."]
    if "validation_loss" in history:
        losses["validation"] = history["validation_loss"]
        notes.append("The validation loss has no penalty.")
    kept = best_epoch(network)
    charts = [line_chart("Loss", losses, marked=kept)]
    for name, title in HISTORY_CURVES.items():
        values = np.asarray(history.get(name, []), dtype=float)
        finite = values[np.isfinite(values)]
        if finite.size and np.ptp(finite) > 0:
            charts.append(line_chart(title, {name: values}))
    rates = {rate for rate in history.get("learning_rate", []) if math.isfinite(rate)}
    if len(rates) == 1:
        notes.append(f"The learning rate was {short_number(rates.pop())} in all epochs.")
    if kept is not None:
        notes.append(f"Early stopping kept the weights of epoch {kept}, marked by a dashed line.")
    return Section("Training", concatenate(element("p", " ".join(notes), class_="muted"), chart_grid(charts)))


# Heading of a column -> the number in the report of a layer, and its format.
UNIT_COLUMNS = {
    "units": ("n_units", "d"),
    "dead": ("dead", ".0%"),
    "always on": ("always_on", ".0%"),
    "saturated": ("saturated", ".0%"),
    "unused pieces": ("unused_pieces", ".0%"),
    "mean": ("mean", ".3g"),
    "std": ("std", ".3g"),
    "one-sign inputs": ("one_sign_inputs", ".0%"),
    "gradient norm": ("gradient_norm", ".1e"),
    "update ratio": ("update_ratio", ".1e"),
    "mean slope": ("mean_slope", ".3f"),
}


def units_section(report: UnitReport, activations: Sequence[Array]) -> Section:
    """Return the section.

    Parameters
    ----------
    report : UnitReport
    activations : sequence of ndarray of shape (n_rows, n_units)
        Activations of each hidden layer on some rows, for the histograms.
    """
    if not report.layers:
        return Section("Hidden units", element("p", "The network has no hidden layer."))
    numbers = [layer.to_dict() for layer in report.layers]
    columns = {
        heading: [format_or_dash(each[name], spec) for each in numbers]
        for heading, (name, spec) in UNIT_COLUMNS.items()
    }
    known = {heading: cells for heading, cells in columns.items() if set(cells) != {"-"}}
    names = [f"{layer.layer}: {layer.activation}" for layer in report.layers]
    rows = [[name, *cells] for name, *cells in zip(names, *known.values(), strict=True)]
    charts = [_activation_histogram(A, name) for A, name in zip(activations, names, strict=True)]
    return Section(
        "Hidden units",
        concatenate(
            recommendations_box(report.recommendations),
            table(["layer", *known], rows, f"On {report.n_rows} rows"),
            chart_grid(charts),
        ),
    )


def recommendations_box(recommendations: Sequence[str]) -> Markup:
    """Return the recommendations as a list, or a sentence that there are none."""
    if not recommendations:
        return element(
            "p", "All numbers of the hidden units are in their usual ranges.", class_="recommendations no-problem"
        )
    return element("div", element("ul", *(element("li", each) for each in recommendations)), class_="recommendations")


def _activation_histogram(A: Array, name: str) -> Markup:
    histogram = UnitActivityDisplay([A], [name])
    note = f"mean {short_number(histogram.means[0])}, standard deviation {short_number(histogram.stds[0])}"
    if histogram.zero_fractions[0]:
        note += f"; {histogram.zero_fractions[0]:.0%} are exactly 0 and not shown"
    title = f"Activations of layer {name}"
    return histogram_chart(title, histogram.edges, histogram.densities[0], x_label="activation", note=note)


MAX_MATRIX_CLASSES = 25  # with more classes, a list of the most frequent confusions replaces the matrix
MAX_CONFUSIONS = 15  # in that list
MAX_SCATTER_POINTS = 500  # in a scatter chart
MAX_CHARTED_OUTPUTS = 6  # with charts


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
    charts = [
        chart for k in range(min(Y.shape[1], MAX_CHARTED_OUTPUTS)) for chart in _residual_charts(Y[:, k], F[:, k], k)
    ]
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
    shown = np.unique(np.linspace(0, len(y) - 1, min(MAX_SCATTER_POINTS, len(y))).astype(int))
    counts, edges = np.histogram(predicted - y, bins=30)
    return [
        scatter_chart(f"Output {k}", y[shown], predicted[shown], x_label="y", y_label="prediction"),
        histogram_chart(f"Output {k}: errors", edges, counts, x_label="prediction minus y"),
    ]


VERDICT_CLASSES = {"good": "good", "acceptable": "good", "suspicious": "bad", "wrong": "bad"}  # of verdicts


def gradient_section(report: GradientReport) -> Section:
    """Return the section."""
    header = ["array", "part", "compared", "kinks", "flat", "largest", "median", "verdict"]
    rows = [
        [
            check.array,
            text_cell(check.part),
            check.n_checked,
            check.n_kinks,
            check.n_flat,
            format_or_dash(check.max_error, ".0e"),
            format_or_dash(check.median_error, ".0e"),
            element("td", check.verdict, class_=VERDICT_CLASSES.get(check.verdict)),
        ]
        for check in report.checks
    ]
    summary = (
        f"Backpropagation compared with centred differences on {report.n_rows} rows: {report.verdict}. "
        f"The largest relative error is {format_or_dash(report.max_error, '.1e')}. "
        "Entries at a kink of the objective, or where it is flat, are left out and counted."
    )
    return Section("Gradient check", concatenate(element("p", summary), table(header, rows, "Relative errors")))
