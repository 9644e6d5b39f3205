"""Hidden units: which are dead or saturated, since which epoch, and what to do about it."""

from skneural.inspection.units.monitor import NetworkMonitor
from skneural.inspection.units.report import LayerReport, UnitReport, unit_report

__all__ = ["LayerReport", "NetworkMonitor", "UnitReport", "unit_report"]
