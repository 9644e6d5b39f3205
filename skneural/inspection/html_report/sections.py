"""What the page tells, section by section."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skneural.estimators.base import BaseActivationMLP
from skneural.inspection.displays import UnitActivityDisplay
from skneural.inspection.displays.loss_curve import best_epoch
from skneural.inspection.gradients.report import GradientReport
from skneural.inspection.html_report.charts import histogram_chart, line_chart, number
from skneural.inspection.html_report.markup import Markup, element, joined, table, text_cell
from skneural.inspection.units.report import UnitReport

Array = NDArray[Any]


@dataclass(frozen=True)
class Section:
    """A heading and what is below it."""

    title: str
    body: Markup


def model_section(estimator: Any, network: BaseActivationMLP) -> Section:
    """Return the steps before the network, its layers, and the settings that are not the default."""
    steps = estimator.steps[:-1] if isinstance(estimator, Pipeline) else []
    pipeline = [[name, text_cell(step)] for name, step in steps]
    changed = [[name, text_cell(repr(value))] for name, value in _not_default(network).items()]
    return Section(
        "The model",
        joined(
            table(["step", "what it is"], pipeline, "Before the network") if pipeline else None,
            side_by_side(
                table(["layer", "units", "activation", "weights", "parameters"], _layers(network), "Layers"),
                table(["parameter", "value"], changed, "Settings that are not the default") if changed else None,
            ),
        ),
    )


def training_section(network: BaseActivationMLP) -> Section:
    """Return the curves of what training has recorded."""
    history = {name: column for name, column in network.history_.items() if column}
    losses = {"training": history.get("loss", [])}
    if "validation_loss" in history:
        losses["validation"] = history["validation_loss"]
    kept = best_epoch(network)
    charts = [line_chart("Loss", losses, marked=kept)]
    for title, name in CURVES.items():
        values = np.asarray(history.get(name, []), dtype=float)
        if np.isfinite(values).any() and np.ptp(values[np.isfinite(values)]) > 0:
            charts.append(line_chart(title, {name: values}))
    rates = [rate for rate in history.get("learning_rate", []) if math.isfinite(rate)]
    constant = f" The learning rate was {number(rates[0])} throughout." if len(set(rates)) == 1 else ""
    note = "The training loss is the mean over the batches of an epoch plus the penalty; a validation loss has none."
    stopped = "" if kept is None else f" Early stopping kept the weights of epoch {kept}, which is marked."
    return Section("Training", joined(element("p", note + constant + stopped, class_="soft"), _grid(charts)))


CURVES = {
    "Score on validation rows": "validation_score",
    "Learning rate": "learning_rate",
    "Norm of the gradient (last batch of each epoch)": "gradient_norm",
    "Length of a step, relative to the parameters": "update_ratio",
}


def units_section(report: UnitReport, activity: UnitActivityDisplay | None) -> Section:
    """Return the unit report, its advice, and a histogram of each hidden layer's activations."""
    if not report.layers or activity is None:
        return Section("Hidden units", element("p", "The network has no hidden layer."))
    columns = {
        name: [_formatted(layer.to_dict()[name], form) for layer in report.layers] for name, form in UNIT_COLUMNS
    }
    known = {name: cells for name, cells in columns.items() if set(cells) != {"-"}}
    header = ["layer", *(name.removeprefix("n_").replace("_", " ") for name in known)]
    names = [f"{layer.layer}: {layer.activation}" for layer in report.layers]
    rows = [[name, *cells] for name, *cells in zip(names, *known.values(), strict=True)]
    charts = [_histogram(activity, i) for i in range(len(report.layers))]
    return Section(
        "Hidden units",
        joined(advice_box(report.advice), table(header, rows, f"On {report.n_rows} rows"), _grid(charts)),
    )


def advice_box(advice: Sequence[str]) -> Markup:
    """Return the advice as a list, or that none is needed."""
    if not advice:
        return element("p", "All numbers of the hidden units are in their usual ranges.", class_="advice quiet")
    return element("div", element("ul", *(element("li", each) for each in advice)), class_="advice")


UNIT_COLUMNS = [
    ("n_units", "d"),
    ("dead", ".0%"),
    ("always_on", ".0%"),
    ("saturated", ".0%"),
    ("never_chosen", ".0%"),
    ("mean", ".3g"),
    ("std", ".3g"),
    ("one_sign_rows", ".0%"),
    ("gradient_norm", ".1e"),
    ("update_ratio", ".1e"),
    ("mean_slope", ".3f"),
]


def gradient_section(report: GradientReport) -> Section:
    """Return the gradient check as a table."""
    header = ["array", "part", "compared", "kinks", "flat", "worst", "median", "verdict"]
    rows = [
        [
            check.array,
            text_cell(check.part),
            check.n_checked,
            check.n_kinks,
            check.n_flat,
            _formatted(check.worst, ".0e"),
            _formatted(check.median, ".0e"),
            element("td", check.verdict, class_=VERDICTS.get(check.verdict)),
        ]
        for check in report.checks
    ]
    sentence = (
        f"Backpropagation against centred differences on {report.n_rows} rows: {report.verdict}, "
        f"largest relative error {_formatted(report.worst, '.1e')}. "
        "Entries at a kink of the function, or where it is flat, are counted and set aside."
    )
    return Section("Gradient check", joined(element("p", sentence), table(header, rows, "Relative errors")))


def side_by_side(*parts: Markup | None) -> Markup:
    """Return parts next to each other where the page is wide enough."""
    return element("div", *parts, class_="beside")


VERDICTS = {"good": "good", "acceptable": "good", "suspicious": "bad", "wrong": "bad"}


def key_figures(figures: dict[str, Any]) -> Markup:
    """Return names and values as tiles."""
    return element(
        "dl", *(element("div", element("dt", name), element("dd", value)) for name, value in figures.items())
    )


def _layers(network: BaseActivationMLP) -> list[list[Any]]:
    of = network._network.views
    n_hidden = len(network.activations_)
    rows: list[list[Any]] = [["input", network._sizes[0], text_cell("-"), "-", "-"]]
    for i, (W, b) in enumerate(zip(of.weights, of.biases, strict=True)):
        hidden = i < n_hidden
        own = [of.activation_params[i], *of.scales[i : i + 1]] if hidden else []
        size = W.size + b.size + sum(array.size for array in own)
        name = repr(network.activations_[i]) if hidden else network.out_activation_
        shape = f"{W.shape[0]} by {W.shape[1]}"
        rows.append([f"hidden {i}" if hidden else "output", network._sizes[i + 1], text_cell(name), shape, f"{size:,}"])
    return rows


def _not_default(network: BaseActivationMLP) -> dict[str, Any]:
    parameters = inspect.signature(type(network).__init__).parameters
    values = network.get_params(deep=False)
    return {name: value for name, value in values.items() if repr(value) != repr(parameters[name].default)}


def _histogram(activity: UnitActivityDisplay, i: int) -> Markup:
    note = f"mean {number(activity.means[i])}, standard deviation {number(activity.stds[i])}"
    if activity.zero_shares[i]:
        note += f"; {activity.zero_shares[i]:.0%} are exactly 0 and not shown"
    name = f"Activations of {activity.names[i]}"
    return histogram_chart(name, activity.edges, activity.densities[i], x_label="activation", note=note)


def _formatted(value: float, form: str) -> str:
    return "-" if isinstance(value, float) and math.isnan(value) else format(value, form)


def _grid(charts: Sequence[Markup]) -> Markup:
    return element("div", *charts, class_="charts")
