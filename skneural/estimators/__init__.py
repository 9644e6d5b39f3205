"""Classifier and regressor in scikit-learn's interface."""

from skneural.estimators.class_labels import SingleClassWarning
from skneural.estimators.classifier import ActivationMLPClassifier
from skneural.estimators.dead_units_warning import DeadUnitsWarning
from skneural.estimators.regressor import ActivationMLPRegressor
from skneural.estimators.tabular import tabular_classifier, tabular_regressor
from skneural.estimators.validation_set_warning import ValidationSetWarning

__all__ = [
    "ActivationMLPClassifier",
    "ActivationMLPRegressor",
    "DeadUnitsWarning",
    "SingleClassWarning",
    "ValidationSetWarning",
    "tabular_classifier",
    "tabular_regressor",
]
