"""Engines for more candidates, rows and machines: started, used, and compared with doing without."""

import os
import subprocess
import sys
from functools import reduce

import dask
import dask.array as da
import joblib
import numpy as np
import pytest
from distributed import Client, LocalCluster, get_worker
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, Maxout, MeanCenterer, PCAWhitener, ReLU, StdScaler

X, Y = load_iris(return_X_y=True)
TRANSFORMERS = [
    MeanCenterer(),
    MeanCenterer(n_channels=2),
    StdScaler(),
    PCAWhitener(),
    PCAWhitener(svd_solver="full", method="zca"),
]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def cluster(processes):
    return LocalCluster(n_workers=2, threads_per_worker=1, processes=processes, dashboard_address=":0")


@pytest.fixture(scope="module")
def client():
    with cluster(processes=False) as local, Client(local) as connected:
        yield connected


class Located(ReLU):
    """A ReLU that notes which worker of the cluster computes it."""

    workers = set()

    def forward(self, Z, out=None):
        self.workers.add(get_worker().name)
        return super().forward(Z, out=out)


def search(*activations):
    model = make_pipeline(StdScaler(), ActivationMLPClassifier((5,), max_iter=5, random_state=0))
    return GridSearchCV(
        model,
        {"activationmlpclassifier__activation": activations or ["relu", Maxout(n_pieces=2)]},
        cv=3,
        error_score="raise",
    )


def test_a_search_on_a_cluster_finds_the_same(client):
    with joblib.parallel_config("dask"):
        there = search().fit(X, Y)
    here = search().fit(X, Y)
    np.testing.assert_array_equal(there.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(there.predict_proba(X), here.predict_proba(X))


def test_it_is_the_cluster_that_searches(client):
    with joblib.parallel_config("dask"):
        search(Located()).set_params(refit=False, cv=6).fit(X, Y)
    assert Located.workers == {0, 1}


@pytest.mark.long
def test_a_search_on_a_cluster_of_processes_finds_the_same():
    with cluster(processes=True) as local, Client(local) as connected:
        pids = connected.run(lambda: __import__("os").getpid())
        with joblib.parallel_config("dask", scatter=[X, Y]):
            there = search().fit(X, Y)
    assert len(set(pids.values())) == 2
    here = search().fit(X, Y)
    np.testing.assert_array_equal(there.predict_proba(X), here.predict_proba(X))


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_transformers_merge_over_the_blocks_of_a_dask_array(client, transformer):
    table = da.random.default_rng(0).normal(5, 2, size=(5_000, 6), chunks=(900, 4)).rechunk({1: -1})
    fit = dask.delayed(type(transformer).partial_fit)
    parts = dask.compute(*[fit(clone(transformer), block) for block in table.to_delayed().ravel()])
    assert len(parts) == 6
    merged, rows = reduce(type(transformer).merge, parts), table.compute()
    whole = clone(transformer).fit(rows)
    assert merged.n_samples_seen_ == whole.n_samples_seen_ == 5_000
    np.testing.assert_allclose(merged.mean_, whole.mean_, rtol=1e-13)
    transformed = table.map_blocks(merged.transform, dtype=table.dtype)
    np.testing.assert_allclose(transformed.compute(), whole.transform(rows), rtol=1e-9, atol=1e-9)


def test_halving_takes_epochs_for_its_resource():
    grid = {"learning_rate_init": [1e-5, 1e-3, 0.01, 0.05], "activation": ["relu", "tanh"]}
    model = ActivationMLPClassifier((10,), learning_rate="cosine", random_state=0)
    halving = HalvingGridSearchCV(
        model, grid, resource="max_iter", min_resources=5, max_resources=80, factor=4, cv=3, random_state=0
    ).fit(StdScaler().fit_transform(X), Y)
    assert halving.n_resources_ == [5, 20]
    assert halving.n_candidates_ == [8, 2]
    assert halving.best_params_["max_iter"] == 20
    assert halving.best_params_["learning_rate_init"] >= 0.01
    assert halving.best_score_ > 0.85


# A process that may allocate less than the table is long; only Linux counts what it allocates.
OUT_OF_CORE = """
import resource, sys
import numpy as np
from skneural import ActivationMLPClassifier, StdScaler

path, limit = sys.argv[1], int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
X = np.load(path, mmap_mode="r")
try:
    np.array(X)
except MemoryError:
    print("the table does not fit")
y = np.array(X[:, 0] * X[:, 1] > 0, dtype=np.int8)
scaler = StdScaler().fit(X)
model = ActivationMLPClassifier((8,), batch_size=1000, learning_rate_init=0.01, random_state=0)
for start in range(0, len(X), 50_000):
    rows = slice(start, start + 50_000)
    model.partial_fit(scaler.transform(X[rows]), y[rows], classes=[0, 1])
whole = ActivationMLPClassifier((8,), batch_size=1000, learning_rate_init=0.01, max_iter=1, random_state=0).fit(X, y)
for each in (model, whole):
    print(each.t_ == len(X), each.score(scaler.transform(X[:50_000]), y[:50_000]) > 0.9)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts private memory on Linux only")
def test_a_table_larger_than_the_memory_that_may_be_allocated(tmp_path):
    path, limit = tmp_path / "table.npy", 300 * 2**20
    table = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(800_000, 100))
    block = np.random.default_rng(0).standard_normal((50_000, 100), dtype=np.float32)
    for start in range(0, len(table), len(block)):
        table[start : start + len(block)] = np.roll(block, start // len(block), axis=0)
    table.flush()
    assert table.nbytes > limit
    command = [sys.executable, "-W", "ignore", "-c", OUT_OF_CORE, str(path), str(limit)]
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # each reserves memory of its own
    run = subprocess.run(command, capture_output=True, text=True, env=one_thread)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["the table does not fit", "True True", "True True"]
