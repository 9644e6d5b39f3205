"""The warning of dead units: once, when it is true, with the right cause, and never else."""

import pickle
import re
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

import skneural.estimators
import skneural.inspection
from skneural import ActivationMLPClassifier, ActivationMLPRegressor, DeadUnitsWarning
from skneural.estimators.dead_units_warning import dead_fraction_untrained, explain_dead_units

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
    assert re.search(
        r"untrained network \d% are dead, so the updates were too large: lower .*, now 0\.3 \(try 0\.03\)", message
    )
    assert warning.filename == __file__


def test_the_default_rate_is_quiet():
    for options in ({}, {"hidden_layer_sizes": (50, 50, 50)}, {"activation": "logistic"}, {"solver": "lbfgs"}):
        model = ActivationMLPClassifier(**{"max_iter": 20, "random_state": 0, **options})
        assert warned(model.fit, X, Y) == []


def test_the_message_distinguishes_a_bad_start_from_bad_training():
    model = ActivationMLPClassifier((20,), bias_init=-1000.0, max_iter=2, random_state=0)
    (warning,) = warned(model.fit, X, Y)
    assert "20 of 20 units of hidden layer 0 are dead" in str(warning.message)
    assert "In an untrained network 100% are dead already" in str(warning.message)
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
        with pytest.raises(DeadUnitsWarning):  # an error, if the user asks for it; the estimator is fitted all the same
            other.fit(X, Y)
    np.testing.assert_array_equal(other.parameters_, model.parameters_)
    assert pickle.loads(pickle.dumps(model)).score(X, Y) == model.score(X, Y)


def test_causes_and_remedies():
    adam, lbfgs = ActivationMLPClassifier(learning_rate_init=0.5), ActivationMLPClassifier(solver="lbfgs")
    too_large = "10% are dead, so the updates were too large: lower learning_rate_init, now 0.5"
    assert too_large in explain_dead_units(adam, 0.9, 0.1)
    assert "50% are dead already: scale the features" in explain_dead_units(adam, 0.9, 0.5)
    by_training = "training is the cause: scale the features (StdScaler), or raise alpha; or use"
    assert by_training in explain_dead_units(lbfgs, 0.9, 0.1)
    assert all(explain_dead_units(each, 0.9, 0.1).endswith("leaky_relu, prelu, elu, maxout.") for each in (adam, lbfgs))


def test_new_networks_are_like_the_fitted_one_before_it_was_trained():
    model = ActivationMLPClassifier((200, 4), ["relu", "tanh"], bias_init=-10.0, max_iter=1, random_state=0)
    model.set_params(learning_rate_init=1e-9).fit(X, Y)
    at_start = (model.hidden_features(X, 0) == 0).all(axis=0).mean()
    assert 0.1 < at_start < 0.9
    model.intercepts_[0][...] = -1000
    new = dead_fraction_untrained(model, X)
    assert new[0] == pytest.approx(at_start, abs=0.1)
    assert new[1] == 0
    assert (model.intercepts_[0] == -1000).all()


def test_the_class_is_where_one_looks_for_it():
    assert skneural.DeadUnitsWarning is skneural.estimators.DeadUnitsWarning is skneural.inspection.DeadUnitsWarning
    assert issubclass(DeadUnitsWarning, UserWarning)
