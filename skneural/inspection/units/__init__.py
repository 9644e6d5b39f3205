"""Hidden units: which are dead or saturated, since when, and what to change."""

from skneural.inspection.units.network_monitor import NetworkMonitor
from skneural.inspection.units.unit_report import LayerReport, UnitReport, unit_report

__all__ = ["LayerReport", "NetworkMonitor", "UnitReport", "unit_report"]
