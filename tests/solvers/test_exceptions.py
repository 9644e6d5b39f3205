"""Divergence and interruption say when, how and what to do."""

import pickle

import pytest

from skneural.solvers import DivergenceError


def test_a_divergence_error_says_when_how_and_what_to_do():
    error = DivergenceError.at(7, 0.03)
    assert isinstance(error, ValueError)
    assert (error.epoch, error.learning_rate) == (7, 0.03)
    for words in ("epoch 7", "learning rate 0.03", "lower learning_rate_init (below 0.01)", "StdScaler"):
        assert words in str(error)


def test_without_a_learning_rate_none_is_spoken_of():
    error = DivergenceError.at(2, None)
    assert (error.epoch, error.learning_rate) == (2, None)
    assert "epoch 2" in str(error)
    assert "learning" not in str(error)


@pytest.mark.parametrize("rate", [0.1, None])
def test_a_divergence_error_can_be_sent_to_another_process(rate):
    error = DivergenceError.at(3, rate)
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is DivergenceError
    assert (str(twin), twin.epoch, twin.learning_rate) == (str(error), 3, rate)
