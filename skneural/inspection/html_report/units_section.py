"""The section on the hidden units: recommendations, a table by layer, and histograms of the activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import resample

from skneural.estimators.base import BaseActivationMLP
from skneural.inspection.displays import UnitActivityDisplay
from skneural.inspection.html_report.html_elements import Markup, Section, chart_grid, concatenate, element, table
from skneural.inspection.html_report.svg_charts import histogram_chart, short_number
from skneural.inspection.text_tables import format_or_dash
from skneural.inspection.units.unit_report import UnitReport

Array = NDArray[Any]

HISTOGRAM_ROWS = 2000  # enough for a histogram

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
    layer_names = [f"{layer.layer}: {layer.activation}" for layer in report.layers]
    histograms = [_activation_histogram(A, name) for A, name in zip(activations, layer_names, strict=True)]
    parts = recommendations_box(report.recommendations), _units_table(report, layer_names), chart_grid(histograms)
    return Section("Hidden units", concatenate(*parts))


def recommendations_box(recommendations: Sequence[str]) -> Markup:
    """Return the recommendations as a list, or a sentence that there are none."""
    if not recommendations:
        no_problem = "All numbers of the hidden units are in their usual ranges."
        return element("p", no_problem, class_="recommendations no-problem")
    return element("div", element("ul", *(element("li", each) for each in recommendations)), class_="recommendations")


def _units_table(report: UnitReport, layer_names: list[str]) -> Markup:
    """Return a row of numbers for each hidden layer, without the columns that are unknown in all layers."""
    layers = [layer.to_dict() for layer in report.layers]
    columns = {
        heading: [format_or_dash(layer[name], spec) for layer in layers]
        for heading, (name, spec) in UNIT_COLUMNS.items()
    }
    known_columns = {heading: cells for heading, cells in columns.items() if set(cells) != {"-"}}
    rows = [[name, *cells] for name, *cells in zip(layer_names, *known_columns.values(), strict=True)]
    return table(["layer", *known_columns], rows, f"On {report.n_rows} rows")


def sample_activations(network: BaseActivationMLP, rows: Any) -> list[Array]:
    """Return the activations of each hidden layer on up to 2000 rows, for the histograms."""
    sample = resample(rows, replace=False, n_samples=min(HISTOGRAM_ROWS, np.shape(rows)[0]), random_state=0)
    return [network.hidden_features(sample, i) for i in range(len(network.activations_))]


def _activation_histogram(A: Array, name: str) -> Markup:
    histogram = UnitActivityDisplay([A], [name])
    note = f"mean {short_number(histogram.means[0])}, standard deviation {short_number(histogram.stds[0])}"
    if histogram.zero_fractions[0]:
        note += f"; {histogram.zero_fractions[0]:.0%} are exactly 0 and not shown"
    title = f"Activations of layer {name}"
    return histogram_chart(title, histogram.edges, histogram.densities[0], x_label="activation", note=note)
