"""What a fit that did not get there is told, from what it measured."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from skneural import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.estimators.convergence_warning import Target, advise_on_loss, advise_on_scale

X = np.random.RandomState(0).normal(size=(50, 3))
STANDARD = Target(mean=0.0, std=1.0, may_be_scaled=True)


def test_a_loss_that_rises_asks_for_a_lower_rate():
    assert "has risen from 0.5 in epoch 2 to 0.9: lower learning_rate_init" in advise_on_loss([1.0, 0.5, 0.7, 0.9])


def test_a_loss_that_falls_asks_for_more_epochs():
    assert "still falls: increase max_iter" in advise_on_loss([1.0, 0.8, 0.6, 0.4])
    assert "still falls: increase max_iter" in advise_on_loss([1.0])


def test_a_loss_that_stays_asks_for_neither():
    assert "hardly falls any more" in advise_on_loss([1.0, 0.5, 0.499, 0.498, 0.498, 0.4979] * 3)


@pytest.mark.parametrize("convert", [np.asarray, csr_array])
def test_a_feature_of_large_scale_is_named(convert):
    assert advise_on_scale(convert(X), STANDARD) is None
    advice = advise_on_scale(convert(X * [1, 1000, 1]), STANDARD)
    assert advice.startswith("Feature 1 has a root mean square of 1")
    assert "StdScaler" in advice


@pytest.mark.parametrize(("mean", "std"), [(2e5, 1e5), (0.0, 4e-4), (1e3, 1.0)])
def test_a_target_in_its_own_unit_is_named_first(mean, std):
    advice = advise_on_scale(X * 1000, Target(mean, std, may_be_scaled=True))
    assert f"mean {mean:.3g} and standard deviation {std:.3g}" in advice
    assert "normalize_y=True" in advice
    assert advise_on_scale(X, Target(mean, std, may_be_scaled=False)) is None


def message(y, X=X, **settings):
    model = ActivationMLPRegressor(**{"hidden_layer_sizes": (10,), "max_iter": 20, "random_state": 0, **settings})
    with pytest.warns(ConvergenceWarning) as record:
        model.fit(X, y)
    return str(record[0].message)


Y = X[:, 0] + 0.1 * np.random.RandomState(1).normal(size=50)


def test_a_target_in_its_own_unit_is_the_likely_cause():
    said = message(2e5 + 1e5 * Y, normalize_y=False)
    assert "Maximum iterations (20) reached" in said
    assert "worse than a constant does: loss" in said
    assert "standard deviation 1.06e+05, and the network learns it in this unit: set normalize_y=True." in said


def test_features_without_a_scaler_are_the_likely_cause():
    assert "scale the features (StdScaler)" in message(Y, X=X * 1000)


def test_too_high_a_rate_is_the_likely_cause():
    said = message(Y, learning_rate_init=10.0, activation="tanh", batch_size=5)
    assert "worse than a constant" in said
    assert "lower learning_rate_init" in said


def test_too_few_epochs_are_the_likely_cause():
    said = message(Y, max_iter=60, learning_rate_init=0.003)
    assert "worse" not in said
    assert "still falls: increase max_iter" in said


def test_a_fit_that_ends_by_itself_and_fits_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ActivationMLPRegressor(max_iter=2000, learning_rate_init=0.01, random_state=0).fit(X, Y)


def test_a_poor_fit_warns_although_training_ended_by_itself():
    said = message(1e6 + Y, normalize_y=False, max_iter=50, tol=1e9)
    assert "Maximum iterations" not in said
    assert "worse than a constant" in said
    assert "normalize_y=True" in said


def test_rows_that_early_stopping_holds_out_and_weights_of_zero_do_not_count():
    y, weight = Y.copy(), np.ones(50)
    y[:10], weight[:10] = 1e6, 0
    settings = {"early_stopping": True, "max_iter": 300, "learning_rate_init": 0.01}
    model = ActivationMLPRegressor(**settings, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y, weight)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_beside_labels_that_are_all_equal_no_network_is_any_use(label_smoothing):
    labels = np.arange(50) % 2
    model = ActivationMLPClassifier((10,), "tanh", max_iter=1, label_smoothing=label_smoothing, random_state=0)
    with pytest.warns(ConvergenceWarning) as record:
        model.fit(X, labels, sample_weight=1.0 - labels)
    assert "worse than a constant" not in str(record[0].message)
