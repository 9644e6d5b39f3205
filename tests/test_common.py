"""scikit-learn's own contract, checked by scikit-learn's own tests: no failures, and none expected."""

import pytest
from sklearn.utils.estimator_checks import check_class_weight_classifiers, parametrize_with_checks

from skneural import (
    ACTIVATIONS,
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    MeanCenterer,
    PCAWhitener,
    StdScaler,
    TableEncoder,
)

# Two names of one activation make the same estimator. Few epochs, of longer steps, are enough for what the checks ask.
DISTINCT = list({repr(activation): name for name, activation in ACTIVATIONS.items()}.values())
CLASSIFIERS = [ActivationMLPClassifier(activation=name, max_iter=20, learning_rate_init=0.02) for name in DISTINCT]

# Four warnings are right here, and would be errors: the checks stop training early, have fewer rows than features, few
# rows by the standard of 100 units, and once a single class.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning"),
    pytest.mark.filterwarnings("ignore::skneural.SingleClassWarning"),
    pytest.mark.filterwarnings("ignore:.*directions have no variance beyond rounding:UserWarning"),
]


@parametrize_with_checks(
    [
        ActivationMLPClassifier(),
        ActivationMLPClassifier(n_members=3),
        ActivationMLPRegressor(),
        ActivationMLPRegressor(n_members=3),
        MeanCenterer(),
        StdScaler(),
        PCAWhitener(),
        TableEncoder(),
    ]
)
def test_default_parameters_and_members(estimator, check):
    check(estimator)


@parametrize_with_checks(CLASSIFIERS)
def test_each_activation(estimator, check):
    check(estimator)


@pytest.mark.parametrize("activation", DISTINCT)
def test_class_weights_at_default_parameters(activation):
    check_class_weight_classifiers("ActivationMLPClassifier", ActivationMLPClassifier(activation=activation))


@pytest.mark.long
@parametrize_with_checks([ActivationMLPClassifier(activation=name) for name in DISTINCT])
def test_each_activation_at_default_parameters(estimator, check):
    check(estimator)
