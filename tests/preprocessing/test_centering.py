import numpy as np
import pytest
from scipy import sparse

from skneural.preprocessing import MeanCenterer


def test_subtracts_the_mean_image():
    X = np.random.default_rng(0).random((30, 6)) * 255
    centerer = MeanCenterer().fit(X)
    np.testing.assert_allclose(centerer.mean_, X.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(centerer.transform(X), X - X.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(centerer.inverse_transform(centerer.transform(X)), X, rtol=1e-13)


def test_integers_become_float64():
    found = MeanCenterer().fit_transform(np.array([[0, 255], [2, 5]], dtype=np.uint8))
    np.testing.assert_array_equal(found, [[-1.0, 125.0], [1.0, -125.0]])


def test_missing_values_are_ignored_and_kept():
    X = np.array([[1.0, np.nan, np.nan], [3.0, 4.0, np.nan]])
    centerer = MeanCenterer().fit(X)
    np.testing.assert_array_equal(centerer.mean_, [2.0, 4.0, np.nan])
    np.testing.assert_array_equal(centerer.n_samples_seen_, [2, 1, 0])
    np.testing.assert_array_equal(centerer.transform(X), [[-1.0, np.nan, np.nan], [1.0, 0.0, np.nan]])
    assert centerer.partial_fit([[5.0, 5.0, 5.0]]).mean_[2] == 5.0


def test_sparse_input_is_refused():
    with pytest.raises(TypeError, match="dense data is required"):
        MeanCenterer().fit(sparse.csr_array(np.eye(3)))
