import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from skneural import ACTIVATIONS, ELU, Activation, ActivationMLPClassifier, Maxout, PReLU, StdScaler
from skneural.inspection import ActivationDisplay

X, y = load_iris(return_X_y=True)


class HardTanh(Activation):
    def forward(self, Z, out=None):
        return np.clip(Z, -1, 1, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, np.abs(Z) < 1, out=out)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_local_gradient_is_the_slope_of_the_value(name):
    display = ActivationDisplay.from_activation(name, interval=(-6, 6), n_points=12_002)  # 0, the kink, is no point
    steps = np.diff(display.values[:, 0]) / np.diff(display.z)
    middle = (display.derivatives[1:, 0] + display.derivatives[:-1, 0]) / 2
    np.testing.assert_allclose(middle, steps, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "at_minus_ten", "at_zero", "at_ten"),
    [
        ("logistic", 4.54e-5, 0.25, 4.54e-5),
        ("tanh", 8.24e-9, 1, 8.24e-9),
        ("relu", 0, 0, 1),
        ("leaky_relu", 0.01, 0.01, 1),
    ],
)
def test_local_gradients_of_the_lecture(name, at_minus_ten, at_zero, at_ten):
    display = ActivationDisplay.from_activation(name, interval=(-10, 10), n_points=3)
    np.testing.assert_allclose(display.derivatives[:, 0], [at_minus_ten, at_zero, at_ten], rtol=1e-2)


def test_flat_is_where_the_gradient_is_gone():
    display = ActivationDisplay.from_activation("relu")
    np.testing.assert_array_equal(display.flat, display.z <= 0)
    assert not ActivationDisplay.from_activation("leaky_relu").flat.any()


@pytest.mark.parametrize(("n_pieces", "expected"), [(1, lambda z: z), (2, np.abs), (3, np.abs), (4, np.abs)])
def test_maxout_is_the_maximum_of_lines(n_pieces, expected):
    display = ActivationDisplay.from_activation(Maxout(n_pieces), interval=(-2, 2), n_points=41)
    np.testing.assert_allclose(display.values[:, 0], expected(display.z), atol=1e-12)


def test_a_users_own_activation():
    display = ActivationDisplay.from_activation(HardTanh())
    np.testing.assert_array_equal(display.values[:, 0], np.clip(display.z, -1, 1))
    assert display.ax_.get_title() == "HardTanh()"


@pytest.mark.parametrize("shared", [False, True])
def test_a_fitted_layer_has_the_slopes_it_learned(shared):
    network = ActivationMLPClassifier((7, 5), PReLU(shared=shared), learning_rate_init=0.1, tol=0.01, random_state=0)
    model = make_pipeline(StdScaler(), network).fit(X, y)
    display = ActivationDisplay.from_estimator(model, layer=-1, interval=(-1, 1), n_points=3)
    slopes = np.broadcast_to(model[-1].slopes_[1], (1 if shared else 5,))
    assert not np.allclose(slopes, 0.25, atol=1e-3)
    np.testing.assert_allclose(display.derivatives[0], slopes)
    np.testing.assert_allclose(display.values, [-slopes, 0 * slopes, 1 + 0 * slopes], atol=1e-12)
    assert display.ax_.get_title().startswith("hidden layer 1: PReLU")


def test_a_layer_that_does_not_exist_is_refused():
    model = ActivationMLPClassifier((4,), learning_rate_init=0.3, n_iter_no_change=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="one of the 1 hidden layers"):
        ActivationDisplay.from_estimator(model, layer=1)


def test_the_figure_shows_the_data():
    display = ActivationDisplay.from_activation(ELU(alpha=2.0))
    value, gradient = display.ax_.get_lines()[-2:]
    np.testing.assert_array_equal(value.get_ydata(), display.values[:, 0])
    np.testing.assert_array_equal(gradient.get_ydata(), display.derivatives[:, 0])
    assert [value.get_label(), gradient.get_label()] == ["value", "local gradient"]
    _, ax = plt.subplots()
    assert display.plot(ax) is display
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
