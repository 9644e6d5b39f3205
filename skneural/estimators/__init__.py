"""The estimators: scikit-learn's ring around the network."""

from skneural.estimators.classifier import ActivationMLPClassifier
from skneural.estimators.regressor import ActivationMLPRegressor

__all__ = ["ActivationMLPClassifier", "ActivationMLPRegressor"]
