import numpy as np
import pytest
from scipy import sparse

from skneural.preprocessing import block_krylov, row_blocks
from skneural.preprocessing.block_krylov import (
    MAX_STEPS,
    dense_scatter_product,
    leading_eigenvectors,
    leading_scatter_eigenvectors,
    orthonormalize,
    projected_scatter,
    sparse_scatter_product,
)
from skneural.preprocessing.mean_and_variance import FeatureMoments

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)


def symmetric(eigenvalues, seed=0):
    vectors = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(eigenvalues), len(eigenvalues))))[0]
    return vectors * eigenvalues @ vectors.T


class Counted:
    """The product with a matrix, and how often it was asked for."""

    def __init__(self, matrix):
        self.matrix, self.n_calls = matrix, 0

    def __call__(self, block):
        self.n_calls += 1
        return self.matrix @ block


@pytest.mark.parametrize(
    ("eigenvalues", "n_calls"),
    [
        (np.geomspace(1, 1e-60, 300), 6),
        (1.0 / np.arange(1, 301) ** 2, 6),
        (np.r_[np.ones(7), np.zeros(293)], 2),
        (np.r_[np.linspace(2, 1, 17), np.zeros(283)], 3),
        (np.zeros(300), 1),
        (np.geomspace(1, 0.9, 12), 2),
    ],
    ids=["geometric", "quadratic", "rank of less than a block", "rank of two blocks", "zero", "few"],
)
def test_eigenvalues_that_differ_are_found_in_few_steps(eigenvalues, n_calls):
    product = Counted(symmetric(eigenvalues))
    start = np.random.default_rng(1).standard_normal((len(eigenvalues), 10))
    values, vectors = leading_eigenvectors(product, start, 4, 1e-8)
    np.testing.assert_allclose(values, eigenvalues[:4], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(4), atol=1e-13)
    np.testing.assert_allclose(product.matrix @ vectors, vectors * values, atol=1e-7)
    assert product.n_calls <= n_calls


def test_eigenvalues_that_hardly_differ_are_approximated_from_below():
    product = Counted(symmetric(np.linspace(1, 0.9, 1000)))
    values, vectors = leading_eigenvectors(product, np.random.default_rng(1).standard_normal((1000, 10)), 4, 1e-8)
    assert product.n_calls == MAX_STEPS
    exact = np.linspace(1, 0.9, 1000)[:4]
    assert ((exact - 0.005 < values) & (values <= exact + 1e-12)).all()
    rotated = vectors.T @ product.matrix @ vectors
    np.testing.assert_allclose(rotated, np.diag(values), atol=1e-13)


@pytest.mark.parametrize("scales", [np.ones(8), np.geomspace(1, 1e-12, 8), np.r_[np.ones(4), np.zeros(4)]], ids=str)
def test_an_orthonormal_block(scales):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((100, 20)))[0]
    block = rng.standard_normal((100, 8)) @ symmetric(scales)
    block -= basis @ (basis.T @ block)
    found = orthonormalize(block, basis, 0.0)
    everything = np.hstack([basis, found])
    np.testing.assert_allclose(everything.T @ everything, np.eye(everything.shape[1]), atol=1e-13)
    left_out = block - everything @ (everything.T @ block)
    assert np.linalg.norm(left_out) < 1e-6 * np.linalg.norm(block)


def test_nothing_new_is_an_empty_block():
    basis = np.eye(10)[:, :3]
    assert orthonormalize(np.zeros((10, 2)), basis, 0.0).shape == (10, 0)
    assert orthonormalize(np.zeros((10, 0)), basis, 0.0).shape == (10, 0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("block_rows", [7, 4096])
@pytest.mark.parametrize(("dtype", "rtol"), [(DOUBLE, 1e-12), (SINGLE, 1e-5)], ids=str)
def test_products_are_those_with_the_scatter_matrix(weighted, block_rows, dtype, rtol, monkeypatch):
    monkeypatch.setattr(row_blocks, "MATRIX_BLOCK_ROWS", block_rows)
    monkeypatch.setattr(row_blocks, "MATRIX_BLOCK_BYTES", 1)
    monkeypatch.setattr(block_krylov, "MATRIX_BLOCK_BYTES", 8 * 12 * block_rows)
    rng = np.random.default_rng(0)
    X, columns = (rng.standard_normal((100, 12)) + 3).astype(dtype), rng.standard_normal((12, 5))
    weight = rng.random(100) if weighted else None
    mean = np.average(X.astype(float), axis=0, weights=weight)
    scatter = (X - mean).T * (1.0 if weight is None else weight) @ (X - mean)
    expected = scatter @ columns
    dense, csr = (
        dense_scatter_product(X, weight, mean, dtype),
        sparse_scatter_product(sparse.csr_array(X), weight, mean),
    )
    for _ in range(2):
        np.testing.assert_allclose(dense(columns), expected, atol=rtol * np.abs(expected).max())
        np.testing.assert_allclose(csr(columns), expected, atol=1e-12 * np.abs(expected).max())
    projected = projected_scatter(X, weight, mean, columns)
    np.testing.assert_allclose(projected, columns.T @ expected, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("factor", [1.0, 1e-15, 1e15, 1e-30, 1e30])
def test_single_precision_ends_in_double_precision(factor):
    rng = np.random.default_rng(0)
    X = ((rng.standard_normal((900, 60)) * np.geomspace(1, 1e-3, 60) + 1) * factor).astype(np.float32)
    values, vectors = leading_scatter_eigenvectors(X, None, FeatureMoments.from_data(X), 6, np.random.RandomState(0))
    centered = X - X.mean(axis=0, dtype=float)
    scatter = (centered / factor).T @ (centered / factor)
    np.testing.assert_allclose(values / factor**2, np.linalg.eigvalsh(scatter)[: -6 - 1 : -1], rtol=1e-10)
    np.testing.assert_allclose(vectors.T @ scatter @ vectors, np.diag(values / factor**2), atol=1e-12 * scatter.max())
