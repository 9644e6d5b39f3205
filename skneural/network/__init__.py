"""Layer sizes to views on one flat parameter vector; forward and backward passes; the objective."""

from skneural.network.dropout import Dropout
from skneural.network.layout import Layout
from skneural.network.network import Network
from skneural.network.objective import Objective
from skneural.network.training_rows import TrainingRows

__all__ = [
    "Dropout",
    "Layout",
    "Network",
    "Objective",
    "TrainingRows",
]
