"""Pictures by scikit-learn's display convention, drawn with matplotlib, the extra ``plot``."""

from skneural.inspection.displays.activation import ActivationDisplay
from skneural.inspection.displays.dead_units import DeadUnitsDisplay
from skneural.inspection.displays.loss_curve import LossCurveDisplay
from skneural.inspection.displays.search_heatmap import SearchHeatmapDisplay
from skneural.inspection.displays.unit_activity import UnitActivityDisplay
from skneural.inspection.displays.weight_image import WeightImageDisplay
from skneural.inspection.displays.whitening import WhiteningDisplay

__all__ = [
    "ActivationDisplay",
    "DeadUnitsDisplay",
    "LossCurveDisplay",
    "SearchHeatmapDisplay",
    "UnitActivityDisplay",
    "WeightImageDisplay",
    "WhiteningDisplay",
]
