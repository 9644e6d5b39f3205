import numpy as np
import pytest

from skneural.preprocessing import blocks
from skneural.preprocessing.blocks import matrix_block_bytes, row_blocks, rows_per_block, weighted_blocks


@pytest.mark.parametrize("block_bytes", [1, 100, 8 * 4 * 10, 10**6])
def test_blocks_cover_the_rows_in_order(block_bytes):
    X = np.arange(40.0).reshape(10, 4)
    found = [X[rows] for rows in row_blocks(X, block_bytes)]
    np.testing.assert_array_equal(np.concatenate(found), X)
    assert {len(each) for each in found[:-1]} <= {rows_per_block(X, block_bytes)}
    assert max(len(each) for each in found) == min(10, max(1, block_bytes // 32))


def test_weights_go_with_their_rows():
    X = np.arange(10.0)[:, np.newaxis]
    for rows, weight in weighted_blocks(X, X[:, 0], 24):
        np.testing.assert_array_equal(rows[:, 0], weight)
    assert [weight.tolist() for _, weight in weighted_blocks(X[:4], None, 24)] == [[1.0] * 3, [1.0]]


@pytest.mark.parametrize("n_features", [1, 784, 10_000])
def test_blocks_for_matrices_are_never_short(n_features):
    X = np.lib.stride_tricks.as_strided(np.zeros(1), (10_000, n_features), (0, 0))
    assert rows_per_block(X, matrix_block_bytes(n_features)) >= 4096


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_mapped_files_are_read_unchanged(tmp_path, monkeypatch, mode):
    monkeypatch.setattr(blocks, "MAPPED_BYTES", 2**13)
    X = np.random.default_rng(0).standard_normal((3000, 16)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode=mode)
    if mode == "c":
        mapped[5] = X[5] = 3.0
    seen = np.asarray(mapped[1:])
    found = [seen[rows].copy() for rows in row_blocks(seen, 2**12)]
    np.testing.assert_array_equal(np.concatenate(found), X[1:])
    np.testing.assert_array_equal(mapped, X)
