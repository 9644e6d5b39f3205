"""Classifier and regressor in scikit-learn's interface."""

from skneural.estimators.classifier import ActivationMLPClassifier
from skneural.estimators.dead_units_warning import DeadUnitsWarning
from skneural.estimators.regressor import ActivationMLPRegressor
from skneural.estimators.tabular import tabular_classifier

__all__ = ["ActivationMLPClassifier", "ActivationMLPRegressor", "DeadUnitsWarning", "tabular_classifier"]
