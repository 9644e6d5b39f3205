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
    """The parts of a flat vector: one array per layer in each list, all but the first two for hidden layers only.

    `activation_params` are the activations' learned parameters. `scales` and what follows `member_scales` belong to
    batch normalisation and are empty without it; solvers do not change the last three, statistics of the batches seen
    in training: the running mean and variance of each unit and the number of batches.

    With several members the last of the weights has shape (n_members, fan_in, n_outputs), the last of the biases
    (n_members, n_outputs), and `member_scales` has one array, of shape (n_members, n_features); else it is empty.
    """

    weights: list[Array]
    biases: list[Array]
    activation_params: list[Array]
    scales: list[Array]
    member_scales: list[Array]
    running_means: list[Array]
    running_variances: list[Array]
    batch_counts: list[Array]


class Layout:
    """Where each part lies in the flat vector: in the order of ``Views``, layer after layer.

    Parameters
    ----------
    sizes : sequence of int
        Number of features, of units of each hidden layer, of outputs.
    activations : sequence of Activation
        One per hidden layer.
    batch_norm : bool, default=False
        Whether the hidden layers are normalised.
    n_members : int, default=1
        Networks that share the hidden layers.

    Attributes
    ----------
    n_weights : int
        The first `n_weights` entries are the weights: what penalties see.
    n_shared_weights : int
        The first `n_shared_weights` entries are the weights that all members share: all but the output layer's.
    n_trainable : int
        The first `n_trainable` entries are parameters: what solvers change. Running statistics follow.
    size : int
        Length of the vector.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.activations import Tanh
    >>> from skneural.network import Layout
    >>> layout = Layout([2, 3, 1], [Tanh()])
    >>> layout.n_weights, layout.size
    (9, 13)
    >>> layout.views(np.arange(13.0)).weights[0]
    array([[0., 1., 2.],
           [3., 4., 5.]])
    """

    def __init__(
        self, sizes: Sequence[int], activations: Sequence[Activation], batch_norm: bool = False, n_members: int = 1
    ):
        self.shapes = part_shapes(sizes, activations, batch_norm, n_members)
        lengths = [sum(int(np.prod(shape)) for shape in shapes) for shapes in self.shapes]
        self.n_weights, self.n_trainable, self.size = lengths[0], sum(lengths[:5]), sum(lengths)
        self.n_shared_weights = self.n_weights - (int(np.prod(self.shapes.weights[-1])) if n_members > 1 else 0)

    def views(self, vector: Array) -> Views:
        """Return the parts of `vector`, as views."""
        parts, start = Views(*([] for _ in self.shapes)), 0
        for shapes, part_views in zip(self.shapes, parts, strict=True):
            for shape in shapes:
                stop = start + int(np.prod(shape))
                part_views.append(vector[start:stop].reshape(shape))
                start = stop
        return parts


def part_shapes(sizes: Sequence[int], activations: Sequence[Activation], batch_norm: bool, n_members: int) -> Views:
    """Return the shape of each part, in the place of the part; the arguments are those of :class:`Layout`."""
    widths = [n * a.n_pieces for n, a in zip(sizes[1:], [*activations, Identity()], strict=True)]
    weights: list[Any] = [(fan_in, width) for (fan_in, _), width in zip(pairwise(sizes), widths, strict=True)]
    biases: list[Any] = [(width,) for width in widths]
    activation_params: list[Any] = [a.init_params(n).shape for a, n in zip(activations, sizes[1:-1], strict=True)]
    normalised: list[Any] = biases[:-1] if batch_norm else []
    batch_counts: list[Any] = [(1,) for _ in normalised]
    member_scales: list[Any] = [(n_members, sizes[0])] if n_members > 1 else []
    if n_members > 1:
        weights[-1], biases[-1] = (n_members, *weights[-1]), (n_members, *biases[-1])
    return Views(weights, biases, activation_params, normalised, member_scales, normalised, normalised, batch_counts)
