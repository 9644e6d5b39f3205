"""Every kernel of the native core, reached by a short training: run by .ci/sanitize under the sanitizers as well."""

import numpy as np
import pytest
from scipy import sparse

from skneural import ACTIVATIONS, ActivationMLPClassifier, ActivationMLPRegressor, Maxout, PReLU
from skneural.losses import LOSSES
from skneural.solvers import SOLVERS

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::skneural.DeadUnitsWarning"
)

CONTAINERS = {"dense": np.array, "sparse": sparse.csr_array}
X = np.random.default_rng(0).standard_normal((67, 9)) * (np.random.default_rng(1).random((67, 9)) < 0.6)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
# Layers that are narrower and wider than a kernel's tile, a batch that does not divide the rows.
SETTINGS = {"hidden_layer_sizes": (17, 3), "batch_size": 10, "max_iter": 2, "random_state": 0}
DROPOUT = {"dropout": 0.2, "input_dropout": 0.2}

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_container = pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)


def trained(model, container, Y):
    """Return the predictions of a short training, weighted and with validation."""
    rows, weight = container(X), np.linspace(0, 2, len(X))
    model.set_params(early_stopping=True).fit(rows, Y, sample_weight=weight, X_val=rows[:20], y_val=Y[:20])
    return model.predict(rows)


@every_container
@every_dtype
@pytest.mark.parametrize("activation", [*ACTIVATIONS.values(), Maxout(3), PReLU(shared=True)], ids=repr)
def test_every_activation_trains(activation, dtype, container, backend):
    model = ActivationMLPClassifier(activation=activation, dtype=dtype, batch_norm=True, **DROPOUT, **SETTINGS)
    assert set(trained(model, container, Y)) <= {0, 1}
    assert model.backend_ == backend
    assert model.parameters_.dtype == dtype
    assert np.isfinite(model.parameters_).all()


@every_container
@every_dtype
@pytest.mark.parametrize("solver", [*SOLVERS, "lbfgs"])
def test_every_solver_trains(solver, dtype, container, backend):
    model = ActivationMLPClassifier(solver=solver, dtype=dtype, **SETTINGS)
    assert set(trained(model, container, Y)) <= {0, 1}
    assert np.isfinite(model.parameters_).all()


@every_dtype
@pytest.mark.parametrize("n_rows", [1, 64, 67])
def test_maxout_trains_on_long_rows(n_rows, dtype, backend):
    wide = np.random.default_rng(2).standard_normal((n_rows, 301))
    settings = SETTINGS | {"hidden_layer_sizes": (65, 9), "batch_size": n_rows}
    model = ActivationMLPRegressor(activation=Maxout(3), dtype=dtype, **settings)
    assert np.isfinite(model.fit(wide, wide[:, 0]).parameters_).all()
    assert model.backend_ == backend


@every_dtype
@pytest.mark.parametrize("loss", [name for name, loss in LOSSES.items() if loss.inverse_link in ("identity", "exp")])
def test_every_loss_trains(loss, dtype, backend):
    model = ActivationMLPRegressor(loss=loss, dtype=dtype, **SETTINGS)
    assert np.isfinite(trained(model, np.array, np.abs(X[:, :2]))).all()
