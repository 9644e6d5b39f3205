import matplotlib.pyplot as plt
import numpy as np
import pytest

from skneural import PCAWhitener
from skneural.inspection import WhiteningDisplay

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3)) @ RNG.normal(size=(3, 3)) + [5, -3, 1]


def test_the_panels_are_the_steps_of_whitening():
    whitener = PCAWhitener().fit(X)
    display = WhiteningDisplay.from_estimator(whitener, X, features=(0, 2))
    assert list(display.panels) == ["original", "centred", "decorrelated", "whitened"]
    np.testing.assert_array_equal(display.panels["original"], X[:, [0, 2]])
    np.testing.assert_allclose(display.panels["centred"], (X - X.mean(axis=0))[:, [0, 2]])
    np.testing.assert_allclose(display.panels["whitened"], whitener.transform(X)[:, :2])


@pytest.mark.parametrize("method", ["pca", "zca"])
def test_covariances(method):
    covariances = WhiteningDisplay.from_estimator(PCAWhitener(method=method).fit(X), X).covariances
    np.testing.assert_allclose(covariances["original"], np.cov(X[:, :2], rowvar=False))
    np.testing.assert_allclose(covariances["centred"], covariances["original"])
    eigenvalues = np.linalg.eigvalsh(np.cov(X, rowvar=False))[::-1]
    np.testing.assert_allclose(covariances["decorrelated"], np.diag(eigenvalues[:2]), atol=1e-9)
    np.testing.assert_allclose(covariances["whitened"], np.eye(2), atol=1e-9)


def test_zca_stays_in_the_original_coordinates():
    whitener = PCAWhitener(method="zca").fit(X)
    display = WhiteningDisplay.from_estimator(whitener, X, features=(2, 1))
    np.testing.assert_allclose(display.panels["whitened"], whitener.transform(X)[:, [2, 1]])


def test_a_whitener_that_only_decorrelates():
    display = WhiteningDisplay.from_estimator(PCAWhitener(whiten=False).fit(X), X)
    np.testing.assert_allclose(display.covariances["whitened"], np.eye(2), atol=1e-9)


def test_one_component_is_refused():
    with pytest.raises(ValueError, match="at least 2 components to be drawn"):
        WhiteningDisplay.from_estimator(PCAWhitener(n_components=1).fit(X), X)
    with pytest.raises(TypeError, match=r"whitener must be a PCAWhitener. Got ndarray"):
        WhiteningDisplay.from_estimator(np.eye(3), np.eye(3))


def test_the_figure_shows_the_panels():
    display = WhiteningDisplay.from_estimator(PCAWhitener().fit(X), X)
    assert len(display.ax_) == 4
    for ax, (title, rows) in zip(display.ax_, display.panels.items(), strict=True):
        assert ax.get_title() == title
        np.testing.assert_array_equal(ax.collections[0].get_offsets(), rows)
    assert display.ax_[3].get_xlabel() == "std 1 and 1\ncorrelation 0.00"
    assert "-0.00" not in display.ax_[2].get_xlabel()


def test_given_axes():
    figure, places = plt.subplots(1, 4)
    display = WhiteningDisplay.from_estimator(PCAWhitener().fit(X), X, ax=places)
    assert display.figure_ is figure
    assert display.ax_.tolist() == places.tolist()
