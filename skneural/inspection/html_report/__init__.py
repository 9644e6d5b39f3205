"""A report on a fitted estimator as one HTML page that needs no other file."""

from skneural.inspection.html_report.html_report import Report, report

__all__ = ["Report", "report"]
