"""What happened: gradient check, unit report, monitor, comparison of activations."""

from skneural.estimators.dead_units import DeadUnitsWarning
from skneural.inspection.comparison import ActivationComparison, compare_activations
from skneural.inspection.gradient_check import check_gradient
from skneural.inspection.gradient_report import GradientError, GradientReport
from skneural.inspection.monitor import NetworkMonitor
from skneural.inspection.unit_report import LayerReport, UnitReport, unit_report

__all__ = [
    "ActivationComparison",
    "DeadUnitsWarning",
    "GradientError",
    "GradientReport",
    "LayerReport",
    "NetworkMonitor",
    "UnitReport",
    "check_gradient",
    "compare_activations",
    "unit_report",
]
