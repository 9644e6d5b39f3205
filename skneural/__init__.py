"""Neural networks for scikit-learn: every activation from sigmoid to Maxout, searchable, with honest preprocessing."""

from skneural._version import __version__
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
from skneural.estimators import (
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    DeadUnitsWarning,
    SingleClassWarning,
    ValidationSetWarning,
    tabular_classifier,
    tabular_regressor,
)
from skneural.preprocessing import (
    MeanCenterer,
    PCAWhitener,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
    TableEncoder,
)
from skneural.saved_state import VersionWarning
from skneural.solvers import DivergenceError
from skneural.versions import show_versions

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
    "PiecewiseLinearEncoder",
    "ReLU",
    "SiLU",
    "SingleClassWarning",
    "SmoothClipper",
    "Softplus",
    "StdScaler",
    "TableEncoder",
    "Tanh",
    "ValidationSetWarning",
    "VersionWarning",
    "__version__",
    "show_versions",
    "tabular_classifier",
    "tabular_regressor",
    "use_backend",
]
