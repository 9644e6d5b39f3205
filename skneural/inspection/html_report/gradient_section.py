"""The section on the gradient check: a table with a verdict for each parameter array."""

from __future__ import annotations

from skneural.inspection.gradients.gradient_report import GradientReport
from skneural.inspection.html_report.html_elements import Section, concatenate, element, table, text_cell
from skneural.inspection.report_tables import format_or_dash

CSS_CLASSES = {"good": "good", "acceptable": "good", "suspicious": "bad", "wrong": "bad"}  # of verdicts


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
            element("td", check.verdict, class_=CSS_CLASSES.get(check.verdict)),
        ]
        for check in report.checks
    ]
    summary = (
        f"Backpropagation compared with centred differences on {report.n_rows} rows: {report.verdict}. "
        f"The largest relative error is {format_or_dash(report.max_error, '.1e')}. "
        "Entries at a kink of the objective, or where it is flat, are left out and counted."
    )
    return Section("Gradient check", concatenate(element("p", summary), table(header, rows, "Relative errors")))
