import mmap

import numpy as np
import pytest

from skneural.preprocessing import StdScaler
from skneural.preprocessing.row_blocks import matrix_block_bytes, row_blocks, rows_per_block, weighted_blocks

MODULE = "skneural.preprocessing.row_blocks"


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
    monkeypatch.setattr(f"{MODULE}.MAPPED_BYTES", 2**13)
    X = np.random.default_rng(0).standard_normal((3000, 16)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode=mode)
    if mode == "c":
        mapped[5] = X[5] = 3.0
    seen = np.asarray(mapped[1:])
    found = [seen[rows].copy() for rows in row_blocks(seen, 2**12)]
    np.testing.assert_array_equal(np.concatenate(found), X[1:])
    np.testing.assert_array_equal(mapped, X)


@pytest.mark.parametrize("mode", ["r", "r+", "w+"])
@pytest.mark.parametrize("view", [np.asarray, lambda X: X[7:], lambda X: np.asarray(X)[6:].reshape(-1, 8)])
def test_pages_shared_with_a_file_are_handed_back(tmp_path, monkeypatch, mode, view):
    released = []
    monkeypatch.setattr(f"{MODULE}.MAPPED_BYTES", 2**13)
    monkeypatch.setattr(f"{MODULE}._release_pages", lambda mapping, rows: released.append(rows.nbytes))
    X = np.random.default_rng(0).standard_normal((1000, 4))
    X.tofile(tmp_path / "X.bin")
    mapped = np.memmap(tmp_path / "X.bin", mode=mode, dtype=X.dtype, shape=X.shape)
    for _ in row_blocks(view(mapped), 2**10):
        pass
    assert sum(released) == view(mapped).nbytes
    assert len(released) > 1


@pytest.mark.skipif(not hasattr(mmap, "MAP_ANONYMOUS"), reason="this system has no anonymous private mappings")
def test_an_anonymous_private_mapping_keeps_its_rows():
    mapping = mmap.mmap(-1, 8 * 4000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    check_rows_are_kept(np.ndarray((1000, 4), buffer=mapping))


def test_a_file_mapped_to_be_copied_on_write_keeps_its_changes(tmp_path):
    (tmp_path / "X.bin").write_bytes(bytes(8 * 4000))
    with open(tmp_path / "X.bin", "rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    check_rows_are_kept(np.ndarray((1000, 4), buffer=mapping))
    check_rows_are_kept(np.ndarray((1000, 4), buffer=mapping).view(np.memmap))


def check_rows_are_kept(X):
    X[:] = expected = np.random.default_rng(0).standard_normal(X.shape)
    scaler = StdScaler().fit(X)
    np.testing.assert_array_equal(X, expected)
    np.testing.assert_array_equal(scaler.transform(X), scaler.transform(expected))
    np.testing.assert_array_equal(X, expected)
