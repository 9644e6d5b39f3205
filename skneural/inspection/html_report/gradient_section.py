"""The section on the gradient check: a verdict for each parameter array."""

from __future__ import annotations

from typing import Any

from skneural.inspection.gradients.gradient_report import ArrayCheck, GradientReport, format_errors
from skneural.inspection.html_report.html_elements import Section, concatenate, element, table, text_cell
from skneural.inspection.text_tables import format_or_dash

ERROR_HEADER = ["array", "part", "compared", "kinks", "flat", "largest", "median", "verdict"]
VERDICT_CLASSES = {"good": "good", "acceptable": "good", "suspicious": "bad", "wrong": "bad"}  # in the stylesheet


def gradient_section(report: GradientReport) -> Section:
    """Return the section."""
    summary = (
        f"Backpropagation compared with centred differences on {report.n_rows} rows: {report.verdict}. "
        f"The largest relative error is {format_or_dash(report.max_error, '.1e')}. "
        "Entries at a kink of the objective, or where it is flat, are left out and counted."
    )
    errors = table(ERROR_HEADER, [_check_row(check) for check in report.checks], "Relative errors")
    return Section("Gradient check", concatenate(element("p", summary), errors))


def _check_row(check: ArrayCheck) -> list[Any]:
    counts = [check.n_checked, check.n_kinks, check.n_flat]
    verdict_cell = element("td", check.verdict, class_=VERDICT_CLASSES.get(check.verdict))
    return [check.array, text_cell(check.part), *counts, *format_errors(check), verdict_cell]
