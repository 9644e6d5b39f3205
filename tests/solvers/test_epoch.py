"""The report of an epoch: what is unknown is NaN or None, and what was reported does not change."""

import dataclasses
import math

import pytest

from skneural.solvers import Epoch


def test_what_is_unknown_is_nan_or_none():
    epoch = Epoch(1, 0.5, 0.1)
    assert all(math.isnan(value) for value in (epoch.learning_rate, epoch.gradient_norm, epoch.update_ratio))
    assert epoch.validation_loss is epoch.score is None


def test_a_report_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Epoch(1, 0.5, 0.1).loss = 0.0
