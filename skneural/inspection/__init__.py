"""What happened: gradient check, unit report, monitor, comparison of activations, pictures."""

from skneural.estimators.dead_units import DeadUnitsWarning
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
from skneural.inspection.gradient_check import check_gradient
from skneural.inspection.gradient_report import ArrayCheck, GradientError, GradientReport
from skneural.inspection.monitor import NetworkMonitor
from skneural.inspection.page import Report, report
from skneural.inspection.unit_report import LayerReport, UnitReport, unit_report

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
