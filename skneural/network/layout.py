"""Layer sizes -> views on one flat parameter vector."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skneural.activations import Activation, Identity

Array = NDArray[Any]


class Views(NamedTuple):
    """The parts of a flat vector: one array per layer in each list (hidden layers only in `learned`)."""

    weights: list[Array]
    biases: list[Array]
    learned: list[Array]


class Layout:
    """Where weights, biases and learned slopes lie in the flat vector: in that order, layer after layer.

    Parameters
    ----------
    sizes : sequence of int
        Number of features, of units of each hidden layer, of outputs.
    activations : sequence of Activation, one per hidden layer

    Attributes
    ----------
    n_weights : int
        The first `n_weights` entries are the weights: what penalties see.
    size : int
        Length of the vector.
    """

    def __init__(self, sizes: Sequence[int], activations: Sequence[Activation]):
        widths = [n * a.n_pieces for n, a in zip(sizes[1:], [*activations, Identity()], strict=True)]
        self.shapes = Views(
            [(fan_in, width) for (fan_in, _), width in zip(pairwise(sizes), widths, strict=True)],  # type: ignore[misc]
            [(width,) for width in widths],  # type: ignore[misc]
            [a.init_learned(n).shape for a, n in zip(activations, sizes[1:-1], strict=True)],  # type: ignore[misc]
        )
        self.n_weights = sum(int(np.prod(shape)) for shape in self.shapes.weights)
        self.size = sum(int(np.prod(shape)) for shapes in self.shapes for shape in shapes)

    def views(self, vector: Array) -> Views:
        """Return the parts of `vector`, as views."""
        parts, start = Views([], [], []), 0
        for shapes, part in zip(self.shapes, parts, strict=True):
            for shape in shapes:
                stop = start + int(np.prod(shape))
                part.append(vector[start:stop].reshape(shape))
                start = stop
        return parts
