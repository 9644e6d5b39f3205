"""What is saved of a fitted network: see also test_saved_state.py, which damages it."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.fixture(scope="module")
def fitted():
    with pytest.warns(match="Maximum iterations"):
        return ActivationMLPClassifier((7, 5), "elu", max_iter=3, random_state=0).fit(X, y)


def test_a_pickle_predicts_the_same_and_has_no_network_of_its_own(fitted):
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    assert "_network" not in fitted.__getstate__()
    assert np.shares_memory(loaded.coefs_[0], loaded.parameters_)


def test_training_can_go_on_only_from_a_file_of_a_warm_start(fitted):
    assert fitted.__getstate__()["_training_state"] is None
    assert pickle.loads(pickle.dumps(fitted.set_params(warm_start=True)))._training_state is not None
