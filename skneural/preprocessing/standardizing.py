"""Subtract a mean from columns and divide them by a scale, block by block, exactly in single precision too."""

from __future__ import annotations

import numpy as np

from skneural.preprocessing.blocks import row_blocks, rows_per_block

# Measured: a block of the input, the output and each operand share a second-level cache.
BLOCK_BYTES = 2**19

# An operation of two operands, rows on the left, and its right operand: one number per column, or None to leave it out.
Operation = tuple[np.ufunc, np.ndarray | None]


def standardize(X: np.ndarray, mean: np.ndarray | None, scale: np.ndarray | None, in_place: bool) -> np.ndarray:
    """``(X - mean) / scale`` in the dtype of X.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), floating
    mean, scale : ndarray of shape (n_features,), float64, or None
        None leaves out the subtraction, or the division.
    in_place : bool
        Write into X if it can be written.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        X itself if it was written.
    """
    if X.dtype == np.float16:
        return standardize(X.astype(np.float32), mean, scale, True).astype(np.float16)
    high_mean, low_mean = split_mean(mean, X.dtype)
    divisor = nonzero_scale(scale, X.dtype)
    return _apply_by_blocks([(np.subtract, high_mean), (np.subtract, low_mean), (np.divide, divisor)], X, in_place)


def inverse_standardize(X: np.ndarray, mean: np.ndarray | None, scale: np.ndarray | None, in_place: bool) -> np.ndarray:
    """``X * scale + mean`` in the dtype of X: the inverse of `standardize`, with its parameters."""
    if X.dtype == np.float16:
        return inverse_standardize(X.astype(np.float32), mean, scale, True).astype(np.float16)
    high_mean, low_mean = split_mean(mean, X.dtype)
    factor = nonzero_scale(scale, X.dtype)
    return _apply_by_blocks([(np.multiply, factor), (np.add, low_mean), (np.add, high_mean)], X, in_place)


def _apply_by_blocks(operations: list[Operation], X: np.ndarray, in_place: bool) -> np.ndarray:
    out = X if in_place and X.flags.writeable else np.empty_like(X, subok=False)
    # Operands as large as a block: NumPy takes equal shapes up to twice as fast as repeated rows.
    tile_shape = (rows_per_block(X, BLOCK_BYTES), 1)
    tiled_operations = [(ufunc, np.tile(operand, tile_shape)) for ufunc, operand in operations if operand is not None]
    for rows in row_blocks(X, BLOCK_BYTES):
        block, out_block = X[rows], out[rows]
        for ufunc, operand in tiled_operations:
            block = ufunc(block, operand[: len(out_block)], out=out_block)
        if not tiled_operations and out is not X:
            np.copyto(out_block, block)
    return out


def split_mean(mean: np.ndarray | None, dtype: np.dtype) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The mean as a sum of two arrays in ``dtype``, high and low part; the low part is None if it is zero.

    A mean of 10,000 is off by up to 0.0005 in float32. x - high is exact for x within a factor of two of
    high (Sterbenz), so that subtracting the low part afterwards recovers what rounding took.
    """
    if mean is None:
        return None, None
    high_mean = mean.astype(dtype)
    low_mean = (mean - high_mean).astype(dtype)
    return high_mean, low_mean if low_mean.any() else None


def nonzero_scale(scale: np.ndarray | None, dtype: np.dtype) -> np.ndarray | None:
    """The scale in ``dtype``, where a positive number must not become zero."""
    return None if scale is None else np.maximum(scale.astype(dtype), np.finfo(dtype).tiny)
