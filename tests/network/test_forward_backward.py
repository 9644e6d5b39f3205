"""Which passes an objective gets; their gradients are tested with the objective, in both forms."""

import numpy as np
import pytest

from skneural.activations import ReLU
from skneural.losses import SquaredError
from skneural.network import Network, Objective, TrainingRows
from skneural.penalties import L2


class OwnReLU(ReLU):
    pass


class OwnError(SquaredError):
    pass


class OwnPenalty(L2):
    pass


def backend_of(activation, loss, penalty):
    network = Network.zeros([2, 3, 1], [activation], np.float64)
    return Objective(network, loss, [penalty], TrainingRows(np.eye(2), np.ones((2, 1))), 2).backend


def test_all_parts_of_the_package_give_the_chosen_form(backend):
    assert backend_of(ReLU(), SquaredError(), L2(0.1)) == backend


@pytest.mark.parametrize(
    "parts",
    [(OwnReLU(), SquaredError(), L2(0.1)), (ReLU(), OwnError(), L2(0.1)), (ReLU(), SquaredError(), OwnPenalty(0.1))],
)
def test_one_part_of_the_users_own_gives_numpy(parts, backend):
    assert backend_of(*parts) == "numpy"
