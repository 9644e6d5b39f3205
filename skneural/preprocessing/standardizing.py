"""Shift and scale columns by blocks of rows, without losing the shift to single precision."""

from __future__ import annotations

import numpy as np

from skneural.preprocessing.blocks import row_blocks, rows_per_block

# Measured: a block of the input, the output and each operand share a second-level cache.
BLOCK_BYTES = 2**19

Step = tuple[np.ufunc, np.ndarray | None]


def standardised(X: np.ndarray, shift: np.ndarray | None, scale: np.ndarray | None, in_place: bool) -> np.ndarray:
    """``(X - shift) / scale`` in the dtype of X.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), floating
    shift, scale : ndarray of shape (n_features,), float64, or None for none
    in_place : bool
        Write into X if it can be written.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        X itself if it was written.
    """
    if X.dtype == np.float16:
        return standardised(X.astype(np.float32), shift, scale, True).astype(np.float16)
    high, low = two_parts(shift, X.dtype)
    divisor = in_range(scale, X.dtype)
    return _apply([(np.subtract, high), (np.subtract, low), (np.divide, divisor)], X, in_place)


def restored(X: np.ndarray, shift: np.ndarray | None, scale: np.ndarray | None, in_place: bool) -> np.ndarray:
    """``X * scale + shift`` in the dtype of X: the inverse of `standardised`, with its parameters."""
    if X.dtype == np.float16:
        return restored(X.astype(np.float32), shift, scale, True).astype(np.float16)
    high, low = two_parts(shift, X.dtype)
    return _apply([(np.multiply, in_range(scale, X.dtype)), (np.add, low), (np.add, high)], X, in_place)


def _apply(steps: list[Step], X: np.ndarray, in_place: bool) -> np.ndarray:
    out = X if in_place and X.flags.writeable else np.empty_like(X, subok=False)
    # Operands as large as a block: NumPy takes equal shapes up to twice as fast as repeated rows.
    shape = (rows_per_block(X, BLOCK_BYTES), 1)
    tiled = [(operation, np.tile(operand, shape)) for operation, operand in steps if operand is not None]
    for rows in row_blocks(X, BLOCK_BYTES):
        source, part = X[rows], out[rows]
        for operation, operand in tiled:
            source = operation(source, operand[: len(part)], out=part)
        if not tiled and out is not X:
            np.copyto(part, source)
    return out


def two_parts(shift: np.ndarray | None, dtype: np.dtype) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The shift as a sum of two arrays in ``dtype``; the second is None if it is zero.

    A mean of 10,000 is off by up to 0.0005 in float32. x - high is exact for x within a factor of two of
    high (Sterbenz), so that subtracting the remainder afterwards recovers what rounding took.
    """
    if shift is None:
        return None, None
    high = shift.astype(dtype)
    low = (shift - high).astype(dtype)
    return high, low if low.any() else None


def in_range(scale: np.ndarray | None, dtype: np.dtype) -> np.ndarray | None:
    """The scale in ``dtype``, where a positive number must not become zero."""
    return None if scale is None else np.maximum(scale.astype(dtype), np.finfo(dtype).tiny)
