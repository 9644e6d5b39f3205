"""Neural networks for scikit-learn: every activation from sigmoid to Maxout, searchable, with honest preprocessing."""

from skneural.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    Identity,
    LeakyReLU,
    Logistic,
    Maxout,
    Mish,
    PReLU,
    ReLU,
    SiLU,
    Softplus,
    Tanh,
)
from skneural.backend import use_backend
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor, DeadUnitsWarning, tabular_classifier
from skneural.preprocessing import MeanCenterer, PCAWhitener, RampEncoder, SmoothClipper, StdScaler
from skneural.solvers import DivergenceError
from skneural.versions import show_versions

__version__ = "0.1.0"

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "ActivationMLPClassifier",
    "ActivationMLPRegressor",
    "DeadUnitsWarning",
    "DivergenceError",
    "Identity",
    "LeakyReLU",
    "Logistic",
    "Maxout",
    "MeanCenterer",
    "Mish",
    "PCAWhitener",
    "PReLU",
    "RampEncoder",
    "ReLU",
    "SiLU",
    "SmoothClipper",
    "Softplus",
    "StdScaler",
    "Tanh",
    "show_versions",
    "tabular_classifier",
    "use_backend",
]
