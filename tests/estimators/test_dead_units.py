"""The warning of dead units: once, when it is true, with the right cause, and never else."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

import skneural
from skneural import ActivationMLPClassifier, ActivationMLPRegressor, DeadUnitsWarning
from skneural.estimators.dead_units import remedy, untrained
from skneural.inspection import unit_report

X, Y = load_digits(return_X_y=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def warned(fit, *args):
    """Return the warnings of dead units."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(*args)
    return [each for each in caught if issubclass(each.category, DeadUnitsWarning)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_too_high_a_rate_warns_once_and_names_it(dtype):
    model = ActivationMLPClassifier((60, 40), learning_rate_init=0.3, max_iter=3, random_state=0, dtype=dtype)
    (warning,) = warned(model.fit, X, Y)
    message = str(warning.message)
    dead = [int((model.hidden_features(X, layer) == 0).all(axis=0).sum()) for layer in (0, 1)]
    assert min(dead) > 20
    assert message.startswith(f"{dead[0]} of 60 units of hidden layer 0 and {dead[1]} of 40 units of hidden layer 1")
    assert "died in training, of too long steps: lower learning_rate_init, now 0.3 (try 0.03)" in message
    assert warning.filename == __file__


def test_the_default_rate_is_quiet():
    for options in ({}, {"hidden_layer_sizes": (50, 50, 50)}, {"activation": "logistic"}, {"solver": "lbfgs"}):
        model = ActivationMLPClassifier(**{"max_iter": 20, "random_state": 0, **options})
        assert warned(model.fit, X, Y) == []


def test_a_bad_start_is_told_from_bad_training():
    model = ActivationMLPClassifier((20,), bias_init=-1000.0, max_iter=2, random_state=0)
    (warning,) = warned(model.fit, X, Y)
    assert "20 of 20 units of hidden layer 0 are dead" in str(warning.message)
    assert "were so before training" in str(warning.message)
    assert "bias_init" in str(warning.message)


def test_just_half_is_quiet_and_one_more_is_not():
    slow = {"max_iter": 1, "learning_rate_init": 1e-9, "warm_start": True, "random_state": 0}
    model = ActivationMLPRegressor(hidden_layer_sizes=(8,), **slow)
    warned(model.fit, X, Y)
    for n_dead, expected in [(4, []), (5, ["5 of 8"])]:
        model.intercepts_[0][...] = 100
        model.intercepts_[0][:n_dead] = -1000
        assert [str(each.message)[:6] for each in warned(model.fit, X, Y)] == expected


def test_partial_fit_does_not_warn():
    model = ActivationMLPClassifier((20,), bias_init=-1000.0, random_state=0)
    assert warned(model.partial_fit, X, Y, None, range(10)) == []


def test_what_cannot_die_does_not_warn():
    for activation in ("leaky_relu", "elu", "maxout", "tanh", "identity"):
        model = ActivationMLPClassifier((10,), activation, bias_init=-100.0, max_iter=2, random_state=0)
        assert warned(model.fit, X, Y) == []


def test_training_and_estimator_are_as_without_the_warning():
    model = ActivationMLPClassifier((20,), learning_rate_init=1.0, max_iter=2, random_state=0)
    assert warned(model.fit, X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeadUnitsWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        other = ActivationMLPClassifier((20,), learning_rate_init=1.0, max_iter=2, random_state=0)
        with pytest.raises(DeadUnitsWarning):  # who asks for an error gets one, and the estimator as it was
            other.fit(X, Y)
    assert not hasattr(other, "coefs_")
    assert pickle.loads(pickle.dumps(model)).score(X, Y) == model.score(X, Y)


def test_lbfgs_is_given_another_remedy():
    model = ActivationMLPClassifier((20,), solver="lbfgs", max_iter=2, random_state=0)
    assert remedy(model, at_start=False) == "They died in training: scale the features (StdScaler), or raise alpha."


def test_an_untrained_network_is_like_the_fitted_one_before_it_was_trained():
    model = ActivationMLPClassifier((20, 10), ["relu", "prelu"], batch_norm=True, max_iter=2, random_state=0)
    model.fit(X, Y)
    new = untrained(model)
    assert [W.shape for W in new.weights] == [W.shape for W in model.coefs_]
    assert np.unique(new.learned[1]).tolist() == [0.25]
    assert unit_report(model, X).layers[0].n_units == new.sizes[1]


def test_the_class_is_where_one_looks_for_it():
    assert skneural.DeadUnitsWarning is skneural.estimators.DeadUnitsWarning is skneural.inspection.DeadUnitsWarning
    assert issubclass(DeadUnitsWarning, UserWarning)
