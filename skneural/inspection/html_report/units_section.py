"""The section on hidden units: the unit report, its recommendations, and histograms of the activations."""

from __future__ import annotations

from collections.abc import Sequence

from skneural.inspection.displays import UnitActivityDisplay
from skneural.inspection.html_report.html_elements import Markup, Section, chart_grid, concatenate, element, table
from skneural.inspection.html_report.svg_charts import histogram_chart, short_number
from skneural.inspection.report_tables import format_or_dash
from skneural.inspection.units.unit_report import UnitReport

# Number in the report of a layer -> its format in the table.
COLUMNS = {
    "n_units": "d",
    "dead": ".0%",
    "always_on": ".0%",
    "saturated": ".0%",
    "unused_pieces": ".0%",
    "mean": ".3g",
    "std": ".3g",
    "one_sign_inputs": ".0%",
    "gradient_norm": ".1e",
    "update_ratio": ".1e",
    "mean_slope": ".3f",
}


def units_section(report: UnitReport, activity: UnitActivityDisplay | None) -> Section:
    """Return the section.

    Parameters
    ----------
    report : UnitReport
    activity : UnitActivityDisplay or None
        Histograms of the activations; None if there are no hidden layers.
    """
    if not report.layers or activity is None:
        return Section("Hidden units", element("p", "The network has no hidden layer."))
    numbers = [layer.to_dict() for layer in report.layers]
    columns = {name: [format_or_dash(each[name], spec) for each in numbers] for name, spec in COLUMNS.items()}
    known = {name: cells for name, cells in columns.items() if set(cells) != {"-"}}
    header = ["layer", *(name.removeprefix("n_").replace("_", " ") for name in known)]
    names = [f"{layer.layer}: {layer.activation}" for layer in report.layers]
    rows = [[name, *cells] for name, *cells in zip(names, *known.values(), strict=True)]
    charts = [_activation_histogram(activity, i) for i in range(len(report.layers))]
    return Section(
        "Hidden units",
        concatenate(
            recommendations_box(report.recommendations),
            table(header, rows, f"On {report.n_rows} rows"),
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


def _activation_histogram(activity: UnitActivityDisplay, i: int) -> Markup:
    note = f"mean {short_number(activity.means[i])}, standard deviation {short_number(activity.stds[i])}"
    if activity.zero_fractions[i]:
        note += f"; {activity.zero_fractions[i]:.0%} are exactly 0 and not shown"
    title = f"Activations of {activity.names[i]}"
    return histogram_chart(title, activity.edges, activity.densities[i], x_label="activation", note=note)
