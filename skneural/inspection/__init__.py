"""Inspection of fitted networks: gradient check, unit report, monitor, comparison, displays, HTML report."""

from skneural.estimators.dead_units_warning import DeadUnitsWarning
from skneural.inspection.comparison import ActivationComparison, Candidate, compare_activations
from skneural.inspection.displays import (
    ActivationDisplay,
    DeadUnitsDisplay,
    LossCurveDisplay,
    SearchHeatmapDisplay,
    UnitActivityDisplay,
    WeightImageDisplay,
    WhiteningDisplay,
)
from skneural.inspection.gradients import ArrayCheck, GradientError, GradientReport, check_gradient
from skneural.inspection.html_report import Report, report
from skneural.inspection.units import LayerReport, NetworkMonitor, UnitReport, unit_report

__all__ = [
    "ActivationComparison",
    "ActivationDisplay",
    "ArrayCheck",
    "Candidate",
    "DeadUnitsDisplay",
    "DeadUnitsWarning",
    "GradientError",
    "GradientReport",
    "LayerReport",
    "LossCurveDisplay",
    "NetworkMonitor",
    "Report",
    "SearchHeatmapDisplay",
    "UnitActivityDisplay",
    "UnitReport",
    "WeightImageDisplay",
    "WhiteningDisplay",
    "check_gradient",
    "compare_activations",
    "report",
    "unit_report",
]
