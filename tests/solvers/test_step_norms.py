"""Norms of gradients, parameters and steps, in both forms."""

import math

import numpy as np
import pytest

from skneural.solvers.step_norms import create_step_norms


def after_step(dtype, parameters, step=0.0, gradient=None):
    """Return the norms, after a step."""
    theta = np.array(parameters, dtype)
    norms = create_step_norms(theta, np.zeros_like(theta) if gradient is None else np.array(gradient, dtype))
    norms.save_parameters()
    theta += np.asarray(step, dtype)
    return norms


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
class TestStepNorms:
    @pytest.mark.parametrize("n", [1, 7, 8, 9, 1003])
    def test_are_those_of_numpys_norm(self, dtype, n):
        theta, step, gradient = np.random.RandomState(0).normal(size=(3, n)).astype(dtype)
        norms = after_step(dtype, theta, step, gradient)
        assert norms.gradient_norm() == pytest.approx(np.linalg.norm(gradient), rel=1e-6)
        ratio = np.linalg.norm(step) / np.linalg.norm(theta + step)
        assert norms.update_ratio() == pytest.approx(ratio, rel=1e-5)

    def test_squares_may_overflow(self, dtype):
        large = float(np.finfo(dtype).max) / 10
        norms = after_step(dtype, [1.0] * 9, gradient=[3 * large, 4 * large] + [0.0] * 7)
        with np.errstate(over="ignore"):  # as in training
            assert norms.gradient_norm() == pytest.approx(5 * large)

    @pytest.mark.parametrize("where", [0, 4, 9])
    def test_what_is_not_finite_shows(self, dtype, where):
        gradient = np.ones(10)
        gradient[where] = -math.inf
        assert after_step(dtype, np.ones(10), gradient=gradient).gradient_norm() == math.inf
        gradient[9 - where] = math.nan
        assert math.isnan(after_step(dtype, np.ones(10), gradient=gradient).gradient_norm())

    def test_parameters_of_zero(self, dtype):
        assert after_step(dtype, [1.0, -1.0], step=[-1.0, 1.0]).update_ratio() == math.inf
        assert after_step(dtype, [0.0, 0.0]).update_ratio() == math.inf

    def test_each_step_is_measured_by_itself(self, dtype):
        theta = np.array([3.0, 4.0], dtype)
        norms = create_step_norms(theta, theta)
        for _ in range(2):
            norms.save_parameters()
            theta += np.array([0.0, 4.0], dtype)
            expected = 4 / np.linalg.norm(theta)
            assert norms.update_ratio() == pytest.approx(expected)
