"""The report on a fitted estimator as one HTML page that needs nothing else."""

from skneural.inspection.html_report.report import Report, report

__all__ = ["Report", "report"]
