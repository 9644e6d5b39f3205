import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, Maxout
from skneural.inspection import WeightImageDisplay

X, y = load_digits(return_X_y=True)


def fitted(X=X, y=y, n_units=10, **settings):
    return ActivationMLPClassifier(
        (n_units,), learning_rate_init=0.01, tol=0.1, n_iter_no_change=1, random_state=0, **settings
    ).fit(X, y)


def test_images_are_columns_of_the_weights_the_largest_first():
    model = fitted()
    display = WeightImageDisplay.from_estimator(model, n_images=6)
    assert display.images.shape == (6, 8, 8)
    norms = np.linalg.norm(model.coefs_[0], axis=0)
    assert norms[display.units].tolist() == sorted(norms, reverse=True)[:6]
    for image, unit in zip(display.images, display.units, strict=True):
        np.testing.assert_array_equal(image.ravel(), model.coefs_[0][:, unit])


def test_pieces_of_maxout_are_images_of_their_own():
    display = WeightImageDisplay.from_estimator(fitted(activation=Maxout(n_pieces=3), n_units=4))
    assert sorted(display.units) == list(range(12))


def test_each_image_is_in_its_place():
    display = WeightImageDisplay.from_estimator(fitted(), n_images=5)
    tiles = display.ax_.images[0].get_array()
    assert tiles.shape == (2 * 8 + 1, 3 * 8 + 2)
    for k in range(5):
        top, left = k // 3 * 9, k % 3 * 9
        np.testing.assert_array_equal(tiles[top : top + 8, left : left + 8], display.images[k])
    assert np.ma.getmaskarray(np.ma.masked_invalid(tiles))[8].all()
    assert -display.ax_.images[0].norm.vmin == display.ax_.images[0].norm.vmax == np.abs(display.images).max()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_colours():
    rows = np.random.default_rng(0).random((40, 2 * 3 * 3))
    model = ActivationMLPRegressor(
        hidden_layer_sizes=(4,), learning_rate_init=0.01, tol=0.1, n_iter_no_change=1, random_state=0
    ).fit(rows, rows[:, 0])
    display = WeightImageDisplay.from_estimator(model, image_shape=(2, 3, 3))
    assert display.images.shape == (4, 2, 3, 3)
    tiles = display.ax_.images[0].get_array()
    first = display.images[0]
    np.testing.assert_allclose(tiles[:2, :3], (first - first.min()) / (first.max() - first.min()))


@pytest.mark.parametrize("image_shape", [None, (2, 3), (4,), (2, 1, 2)])
def test_rows_that_are_no_images_are_refused(image_shape):
    rows, labels = load_iris(return_X_y=True)
    model = fitted(rows[:, :3], labels) if image_shape is None else fitted(rows, labels)
    with pytest.raises(ValueError, match="image_shape must be"):
        WeightImageDisplay.from_estimator(model, image_shape=image_shape)


def test_one_unit_whose_weights_are_zero():
    model = fitted(n_units=1, activation="tanh")
    model.coefs_[0][...] = 0
    assert not WeightImageDisplay.from_estimator(model).images.any()
