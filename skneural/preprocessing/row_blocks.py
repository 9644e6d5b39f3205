"""Read the rows of an array in blocks, also those of a mapped file larger than the memory, or of a sparse array.

What is done to a block as it is read is here too: the centre is subtracted, and NaN and infinity are found.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

# Measured: shorter blocks pay for updating the matrix too often, and each product's threads wait anew for busy cores.
MATRIX_BLOCK_BYTES = 2**23
MATRIX_BLOCK_ROWS = 4096
# How much of a memory-mapped file may be resident before its pages are handed back.
MAPPED_BYTES = 2**25
# Modes of an np.memmap that is shared with its file; of any other mapping it is not known that a file has its pages.
SHARED_MODES = ("r", "r+", "w+")

Array: TypeAlias = Any  # a NumPy array or a SciPy array of rows (csr), which has no types
SampleWeight: TypeAlias = np.ndarray | None
WeightedBlock: TypeAlias = tuple[np.ndarray, np.ndarray]  # rows and their weights


def matrix_block_bytes(n_features: int) -> int:
    """Size in float64 of blocks that enter products with a matrix of that many features."""
    return max(MATRIX_BLOCK_BYTES, MATRIX_BLOCK_ROWS * 8 * n_features)


def rows_per_block(X: Array, block_bytes: int) -> int:
    """How many rows of X fill ``block_bytes`` in float64: at least one, at most all."""
    return max(1, min(X.shape[0], block_bytes // (8 * X.shape[1])))


def row_blocks(X: Array, block_bytes: int) -> Iterator[slice]:
    """Slices that cover the rows of X, each at most ``block_bytes`` large in float64 (one row at least).

    If X maps a file, pages that were read are handed back to the operating system on the way, so that
    reading a file larger than the memory keeps the process small.
    """
    n_rows, block_rows = X.shape[0], rows_per_block(X, block_bytes)
    mapping, released = _mapped_file(X), 0
    for start in range(0, n_rows, block_rows):
        stop = min(start + block_rows, n_rows)
        yield slice(start, stop)
        if mapping is not None and (stop == n_rows or X[released:stop].nbytes >= MAPPED_BYTES):
            _release_pages(mapping, X[released:stop])
            released = stop


def _mapped_file(X: Array) -> mmap.mmap | None:
    """The mapped file under a C-contiguous X, or None where its pages must not or cannot be handed back."""
    *arrays, owner = _views(X)
    # Changes to a private mapping live in its pages alone: handing them back would undo them.
    is_shared = any(isinstance(array, np.memmap) and array.mode in SHARED_MODES for array in arrays)
    return owner if is_shared and X.flags.c_contiguous and _has_releasable_pages(owner) else None


def _has_releasable_pages(owner: Any) -> bool:
    return isinstance(owner, mmap.mmap) and hasattr(owner, "madvise")


def _views(X: Any) -> Iterator[Any]:
    """X, what it is a view of, what that is a view of, and so on, down to the owner of the memory."""
    yield X
    if isinstance(X, np.ndarray):
        yield from _views(X.base)


def _release_pages(mapping: mmap.mmap, rows: np.ndarray) -> None:
    origin = np.frombuffer(mapping, np.uint8).ctypes.data
    first = (rows.ctypes.data - origin) // mmap.PAGESIZE * mmap.PAGESIZE
    mapping.madvise(mmap.MADV_DONTNEED, first, rows.ctypes.data - origin + rows.nbytes - first)


def weighted_blocks(X: Array, sample_weight: SampleWeight, block_bytes: int) -> Iterator[WeightedBlock]:
    """Dense blocks of rows of X, each with its weights (ones where ``sample_weight`` is None)."""
    ones = np.ones(rows_per_block(X, block_bytes))
    for rows in row_blocks(X, block_bytes):
        block = to_dense(X[rows])
        yield block, ones[: len(block)] if sample_weight is None else sample_weight[rows]


def to_dense(block: Array) -> np.ndarray:
    """A block as a NumPy array."""
    return block.toarray() if sparse.issparse(block) else block


def subtract_center(rows: np.ndarray, center: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """``rows - center`` in float64, or written into the first rows of ``out`` in its dtype."""
    out = np.empty(rows.shape) if out is None else out[: len(rows)]
    center = center.astype(out.dtype, copy=False)
    if rows.dtype == out.dtype:
        return np.subtract(rows, center, out=out)
    # Converting first and subtracting in place is faster than one subtraction of mixed precision.
    np.copyto(out, rows)
    return np.subtract(out, center, out=out)


def multiply_by_root(rows: np.ndarray, weight: np.ndarray) -> None:
    """Multiply each row, in place, by the root of its weight: products of rows are then weighted."""
    rows *= np.sqrt(weight)[:, np.newaxis].astype(rows.dtype, copy=False)


def replace_nan_by_zero(block: np.ndarray) -> np.ndarray:
    """Set NaN to zero in place and return where they were; infinity is a ValueError."""
    _refuse_infinity(block)
    is_nan: np.ndarray = np.isnan(block)
    block[is_nan] = 0.0
    return is_nan


def _refuse_infinity(block: np.ndarray) -> None:
    infinite_columns = np.flatnonzero(np.isinf(block).any(axis=0))
    if len(infinite_columns):
        raise ValueError(
            "Input X contains infinity (inf) or values too large for float64, in column "
            f"{infinite_columns[0]}. Expected finite numbers: replace the infinities or drop their rows."
        )


def refuse_nan(column_sums: np.ndarray, block: np.ndarray) -> None:
    """Raise ValueError if the values of a block, whose column sums are given, are not all numbers."""
    if not np.isfinite(column_sums).all() and replace_nan_by_zero(block).any():
        raise ValueError(
            "Input X contains NaN. Expected finite numbers: impute the missing values first, "
            "for example with sklearn.impute.SimpleImputer."
        )
