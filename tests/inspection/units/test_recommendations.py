"""Diagnosis: each rule recommends something where its number is unusual, and nothing elsewhere."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skneural import ActivationMLPClassifier, Maxout
from skneural.inspection import unit_report
from skneural.inspection.units.recommendations import RECOMMENDATION_RULES

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning"),
]

X, Y = load_digits(return_X_y=True)
CENTRED = (X - X.mean(axis=0)) / 16
QUICK = {"max_iter": 3, "random_state": 0}


def wild(fan_in, fan_out, rng):
    return 30 * rng.normal(size=(fan_in, fan_out))


def recommendations(rows=CENTRED, **options):
    model = ActivationMLPClassifier(**{"hidden_layer_sizes": (20,), **QUICK, **options}).fit(rows, Y)
    return unit_report(model, rows, Y).recommendations


GLOROT = {"weight_init": "glorot_uniform"}
UNUSUAL = [  # rule, parameters, recommendation
    ("dead_units", {"rows": X, "learning_rate_init": 0.3}, r"\d+% of the units are dead; up to 20% is usual"),
    (
        "dead_units",
        {"rows": X, "learning_rate_init": 0.3},
        r"untrained network 2% are dead, so the updates were too large: .*now 0.3 \(try",
    ),
    (
        "dead_units",
        {"bias_init": -30.0},
        "100% of the units are dead.* untrained network 100% are dead already.*bias_init",
    ),
    ("dead_units", {"solver": "lbfgs", "weight_init": "zeros"}, "100% of the units are dead.* dead already"),
    (
        "always_on_units",
        {"bias_init": 30.0},
        "100% of the units are positive on every row.*Centre the features.*bias_init",
    ),
    (
        "saturated_units",
        {"activation": "tanh", "weight_init": wild},
        r"\d+% .* saturated: .*Scale .*weight_init.*lower .*now 0.001 \(try 0.0001\).* leaky_relu",
    ),
    (
        "saturated_units",
        {"activation": "tanh", "bias_init": 30.0, "solver": "lbfgs"},
        "100% .* Scale .* or raise alpha",
    ),
    (
        "unused_pieces",
        {"rows": X, "activation": Maxout(8), "learning_rate_init": 1.0},
        r"\d+% of the Maxout pieces .*n_pieces",
    ),
    (
        "one_sign_inputs",
        {"rows": X, "activation": "tanh"},
        r"all its inputs \(the features\) have the same sign.* Centre the features",
    ),
    (
        "one_sign_inputs",
        {"activation": "logistic", "hidden_layer_sizes": (9, 9)},
        r"Layer 1: .* of layer 0\) .* Use tanh or elu in layer 0\.",
    ),
    (
        "large_updates",
        {"learning_rate_init": 0.1, "solver": "rmsprop"},
        r"one update changes the weights by \S+ times .*\. Lower .*\(try",
    ),
    (
        "vanishing_gradient",
        {"activation": "logistic", "hidden_layer_sizes": [20] * 8, **GLOROT},
        r"The gradient vanishes: its norm is \S+ in the last hidden layer .* batch_norm=True",
    ),
]


@pytest.mark.parametrize(("rule", "options", "expected"), UNUSUAL)
def test_what_is_unusual_is_named(rule, options, expected):
    found = recommendations(**options)
    assert any(re.search(expected, sentence) for sentence in found), found


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "tanh", "maxout"])
def test_what_is_usual_is_not(activation):
    for options in ({}, {"hidden_layer_sizes": (30, 30)}, {"batch_norm": True}, {"solver": "lbfgs"}):
        assert recommendations(activation=activation, **options) == []


def test_every_rule_has_a_case():
    assert {rule.__name__ for rule in RECOMMENDATION_RULES} == {rule for rule, _, _ in UNUSUAL}


def test_without_targets_there_is_no_recommendation_on_gradients():
    model = ActivationMLPClassifier((20,), learning_rate_init=1.0, **QUICK).fit(CENTRED, Y)
    assert not any(
        "update" in sentence and "times" in sentence for sentence in unit_report(model, CENTRED).recommendations
    )


def test_twenty_percent_of_dead_units_are_tolerated():
    model = ActivationMLPClassifier((20,), **QUICK).fit(CENTRED, Y)
    for n_dead, n_recommendations in [(4, 0), (5, 1)]:
        model.intercepts_[0][:n_dead] = -1000
        assert len(unit_report(model, CENTRED, Y).recommendations) == n_recommendations
    assert np.isfinite(model.parameters_).all()
