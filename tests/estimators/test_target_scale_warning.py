"""The warning that later targets have another scale than those of the first call: where it is due, and only there."""

import inspect
import pickle
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_diabetes

from skneural import ActivationMLPRegressor
from skneural.estimators.target_scale_warning import describe_mismatch, new_record, updated_record
from skneural.estimators.target_scaling import TargetScaling, robust_mean_and_std, target_mean_and_std

# Two epochs are no convergence, nor is training in a unit that does not suit the targets.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.RandomState(0)
X = RNG.normal(size=(600, 3))
Y = X[:, 0] + X[:, 1] + 0.1 * RNG.normal(size=600)
CLOSE = np.r_[0.5, 0.5000001, Y[2:]]
WILD = np.r_[1e7, Y[1:]]
FAR = r"target_scale_ to 5e-08, .* most of the latest targets are more than 1000 .* normalize_y=False"
NARROW = r"target_scale_ to 2.42e\+06, .* targets since then lie within 3.1e-06 .* first call of more rows"


def model_of(**params):
    return ActivationMLPRegressor(**{"hidden_layer_sizes": (2,), "activation": "tanh", "random_state": 0, **params})


def stream(model, y, n_rows, sample_weight=None):
    """Call `partial_fit` on batches of so many rows; return the messages of the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for start in range(0, len(y), n_rows):
            rows = slice(start, min(start + n_rows, len(y)))
            model.partial_fit(X[rows], y[rows], None if sample_weight is None else sample_weight[rows])
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(("y", "n_rows", "message"), [(CLOSE[:150], 1, FAR), (WILD, 16, NARROW)], ids=["close", "wild"])
def test_warns_once(y, n_rows, message):
    found = stream(model_of(), y, n_rows)
    assert len(found) == 1
    assert re.search(message, found[0])


def test_a_robust_loss_bounds_the_wild_target_of_the_first_call():
    assert not stream(model_of(loss="huber"), WILD, 16)


def test_counts_are_compared_with_their_first_mean():
    assert len(stream(model_of(loss="poisson"), np.abs(WILD), 16)) == 1
    assert not stream(
        model_of(loss="poisson"), np.abs(CLOSE[:60]), 1
    )  # the mean of the first two is that of the others


def test_a_new_fit_watches_anew():
    model = model_of()
    for _ in range(2):
        assert len(stream(model, CLOSE[:60], 1)) == 1
        assert not stream(model, CLOSE[60:120], 1)
        model.fit(X, Y)
        assert not stream(model, Y[:60], 1)
        model = model_of().fit(X[:2], CLOSE[:2])


def test_points_to_the_line_that_calls_partial_fit():
    model = model_of().fit(X, Y)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.partial_fit(X, 1e5 * Y + 1e5)
        line = inspect.currentframe().f_lineno - 1
    assert [(each.category, each.filename, each.lineno) for each in caught] == [(UserWarning, __file__, line)]


def test_another_unit_is_found_at_any_time():
    model = model_of().partial_fit(X, Y)
    assert not stream(model, np.tile(Y, 5)[: len(X)], 100)
    assert len(stream(model, 1e5 * (Y[:200] + 10), 100)) == 1
    warm = model_of(warm_start=True, max_iter=2).fit(X, Y)
    with pytest.warns(UserWarning, match="1000 of these scales"):
        warm.fit(X, 1e5 * (Y + 10))


def test_any_of_several_targets():
    both = np.stack([Y, 1e6 * (Y + 10)], axis=1)
    model = model_of().partial_fit(X, np.stack([Y, Y], axis=1))
    assert len(stream(model, both, 100)) == 1


def test_a_stream_goes_on_watching_after_it_was_saved():
    model = model_of()
    assert not stream(model, WILD[:64], 16)
    loaded = pickle.loads(pickle.dumps(model))
    assert len(stream(loaded, WILD[64:], 16)) == len(stream(model, WILD[64:], 16)) == 1
    assert not stream(pickle.loads(pickle.dumps(loaded)), WILD, 16)


def test_where_warnings_are_errors_the_model_is_unchanged():
    model = model_of().fit(X, Y)
    before = pickle.dumps(model)
    for _ in range(2):
        with pytest.raises(UserWarning, match="1000 of these scales"):
            model.partial_fit(X, 1e5 * (Y + 10))
        assert pickle.dumps(model) == before


@pytest.mark.parametrize(
    "damage",
    [
        {"n_rows": -1},
        {"n_first": None},
        {"far_fraction": np.array([np.nan])},
        {"range": np.zeros(2)},
    ],
    ids=str,
)
def test_a_damaged_record_is_refused(damage):
    model = model_of().partial_fit(X, Y)
    state = model.__getstate__()
    state["_later_targets"] = {**state["_later_targets"], **damage}
    with pytest.raises(ValueError, match=next(iter(damage))):
        ActivationMLPRegressor().__setstate__(state)


# Where no warning is due.


def test_rows_of_weight_zero_do_not_count():
    far, weights = np.where(np.arange(600) % 4, 1e9, Y), np.where(np.arange(600) % 4, 0.0, 1.0)
    model = model_of().partial_fit(X, Y)
    assert not stream(model, far, 60, weights)
    assert len(stream(model, far, 60)) == 1


def test_without_normalize_y_the_scale_is_the_users_business():
    assert not stream(model_of(normalize_y=False, solver="sgd", learning_rate_init=1e-9), CLOSE[:40] * 1e3, 1)


def test_the_range_counts_when_there_are_as_many_rows_as_in_the_first_call():
    model = model_of().partial_fit(X, Y)
    quiet = 1e-4 * Y  # as a machine that pauses
    assert not stream(model, quiet[:599], 200)
    assert len(stream(model, quiet, 1)) == 1


def test_wild_targets_are_no_other_scale():
    y = Y.copy()
    y[::3] = 1e9
    assert not stream(model_of(loss="huber").partial_fit(X[:50], Y[:50]), y, 10)


STREAMS = {
    "diabetes": lambda rng: rng.permutation(load_diabetes().target),
    "normal": lambda rng: rng.normal(size=1000),
    "sorted": lambda rng: np.sort(rng.normal(size=1000)),
    "log-normal": lambda rng: np.exp(2 * rng.normal(size=1000)),
    "Pareto": lambda rng: 1 + rng.pareto(1.5, 1000),
    "counts": lambda rng: rng.poisson(2, 1000).astype(float),
    "mostly zeros": lambda rng: np.where(rng.uniform(size=1000) < 0.1, np.exp(rng.normal(size=1000)), 0.0),
    "two values": lambda rng: (rng.uniform(size=1000) < 0.1).astype(float),
    "constant": lambda rng: np.full(1000, 7.0),
}


def found_in(y, n_rows, mean_and_scale):
    """Return what is found after each batch."""
    batches = [y[start : start + n_rows, None] for start in range(0, len(y), n_rows)]
    scaling = TargetScaling.from_targets(batches[0], None, mean_and_scale)
    record, found = new_record(n_rows, 1), []
    for batch in batches[1:]:
        known, scaling = scaling.scale, scaling.resume(batch, None, mean_and_scale)
        same = np.array_equal(known, scaling.scale)
        record = updated_record(record, batch, scaling) if same else new_record(len(batch), 1)
        found.append(describe_mismatch(record, scaling.scale))
    return [each for each in found if each]


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("mean_and_scale", [target_mean_and_std, robust_mean_and_std])
@pytest.mark.parametrize(("n_rows", "n_streams"), [(1, 3), (16, 20), (200, 20)])
def test_no_warning_of_streams_that_have_one_scale(name, mean_and_scale, n_rows, n_streams):
    for seed in range(n_streams):
        assert not found_in(STREAMS[name](np.random.RandomState(seed)), n_rows, mean_and_scale)


@pytest.mark.parametrize("name", ["normal", "counts", "mostly zeros"])
@pytest.mark.parametrize("n_rows", [1, 16, 200])
def test_no_warning_of_an_estimator_on_such_a_stream(name, n_rows):
    assert not stream(model_of(), STREAMS[name](np.random.RandomState(0))[: max(200, 3 * n_rows)], n_rows)


def test_the_record_is_not_changed():
    record = new_record(2, 1)
    updated_record(record, np.ones((30, 1)), TargetScaling(np.zeros(1), np.full(1, 1e-9), np.ones((2, 1))))
    assert record["n_rows"] == 0
    assert_array_equal(record["far_fraction"], 0)
