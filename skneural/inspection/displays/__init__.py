"""Displays: figures by scikit-learn's display convention, drawn with matplotlib (the extra ``plot``)."""

from skneural.inspection.displays.activation_display import ActivationDisplay
from skneural.inspection.displays.dead_units_display import DeadUnitsDisplay
from skneural.inspection.displays.loss_curve_display import LossCurveDisplay
from skneural.inspection.displays.search_heatmap_display import SearchHeatmapDisplay
from skneural.inspection.displays.unit_activity_display import UnitActivityDisplay
from skneural.inspection.displays.weight_image_display import WeightImageDisplay
from skneural.inspection.displays.whitening_display import WhiteningDisplay

__all__ = [
    "ActivationDisplay",
    "DeadUnitsDisplay",
    "LossCurveDisplay",
    "SearchHeatmapDisplay",
    "UnitActivityDisplay",
    "WeightImageDisplay",
    "WhiteningDisplay",
]
