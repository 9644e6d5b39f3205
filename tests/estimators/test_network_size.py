"""Sizes of networks that follow from the number of training rows."""

import pickle

import numpy as np
import pytest

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, tabular_classifier, tabular_regressor
from skneural.deployment import load, save
from skneural.inspection.dry_run import DryRun

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # one epoch does not converge

AUTO = {"hidden_layer_sizes": "auto", "n_members": "auto", "max_iter": 1, "random_state": 0}
both = pytest.mark.parametrize("estimator", [ActivationMLPClassifier, ActivationMLPRegressor])


def rows(n_rows):
    X = np.random.RandomState(0).normal(size=(n_rows, 2)).astype(np.float32)
    return X, (X[:, 0] > X[:, 1]).astype(int)


def size_of(model):
    return [W.shape[-1] for W in model.coefs_[:-1]], len(model.coefs_[-1])


def expected_size(estimator, units, n_members):
    return [units] * (3 if estimator is ActivationMLPClassifier else 2), n_members


@both
@pytest.mark.parametrize(("n_rows", "units", "n_members"), [(9999, 128, 8), (10_000, 192, 4)])
def test_many_rows_make_wider_layers_and_fewer_members(estimator, n_rows, units, n_members):
    X, y = rows(n_rows)
    model = estimator(**AUTO).fit(X, y)
    assert size_of(model) == expected_size(estimator, units, n_members)
    named = estimator(**{**AUTO, "hidden_layer_sizes": model._sizes[1:-1], "n_members": n_members}).fit(X, y)
    np.testing.assert_array_equal(model.parameters_, named.parameters_)


@both
@pytest.mark.parametrize("early_stopping", [True, "refit", "continue", "cross_validation"])
def test_rows_that_are_held_out_count(estimator, early_stopping):
    X, y = rows(10_000)
    model = estimator(**AUTO, early_stopping=early_stopping, validation_fraction=0.25).fit(X, y)
    assert size_of(model) == expected_size(estimator, 192, 4)


def test_either_can_be_given_alone():
    X, y = rows(100)
    assert size_of(ActivationMLPClassifier(**{**AUTO, "n_members": 2}).fit(X, y)) == ([128, 128, 128], 2)
    assert size_of(ActivationMLPClassifier(**{**AUTO, "hidden_layer_sizes": 5}).fit(X, y)) == ([5], 8)


@both
def test_training_goes_on_with_the_size_that_it_began_with(estimator, tmp_path):
    (X, y), (more_X, more_y) = rows(500), rows(10_000)
    first = {"classes": [0, 1]} if estimator is ActivationMLPClassifier else {}
    streamed = estimator(**AUTO).partial_fit(X, y, **first).partial_fit(more_X, more_y)
    resumed = estimator(**AUTO, warm_start=True).fit(X, y)
    save(resumed, tmp_path / "model.skops")
    for model in (streamed, resumed.fit(more_X, more_y), load(tmp_path / "model.skops").fit(more_X, more_y)):
        assert size_of(model) == expected_size(estimator, 128, 8)
    np.testing.assert_array_equal(resumed.parameters_, model.parameters_)
    assert size_of(resumed.set_params(warm_start=False).fit(more_X, more_y)) == expected_size(estimator, 192, 4)


@both
@pytest.mark.parametrize("is_fitted", [False, True])
def test_a_dry_run_of_a_few_rows_has_the_size_that_all_rows_ask_for(estimator, is_fitted):
    X, y = rows(10_000)
    model = estimator(**AUTO)
    network = DryRun(model.fit(X, y) if is_fitted else model, X, y, n_rows=20).network
    units, n_members = expected_size(estimator, 192, 4)
    assert (network.sizes[1:-1], network.n_members) == (units, n_members)


@pytest.mark.parametrize("sizes", [(), (5,), (5, 6), (5, 6, 7, 8)])
def test_training_cannot_go_on_with_another_number_of_layers(sizes):
    X, y = rows(50)
    model = ActivationMLPClassifier(sizes, max_iter=1, warm_start=True).fit(X, y).set_params(hidden_layer_sizes="auto")
    with pytest.raises(ValueError, match=rf"has {len(sizes)} hidden layers, and hidden_layer_sizes='auto' asks for 3"):
        model.fit(X, y)


def test_a_number_of_members_from_a_search_is_saved_as_an_int(tmp_path):
    X, y = rows(50)
    model = ActivationMLPClassifier(3, n_members=np.int64(2), max_iter=1).fit(X, y)
    save(model, tmp_path / "model.skops")
    for copied in (pickle.loads(pickle.dumps(model)), load(tmp_path / "model.skops")):
        assert size_of(copied) == ([3], 2)


@pytest.mark.parametrize("factory", [tabular_classifier, tabular_regressor])
def test_tables_take_sizes_by_their_rows(factory):
    X, y = rows(10_000)
    for n_rows, size in ((200, (128, 8)), (10_000, (192, 4))):
        model = factory(max_iter=1, random_state=0).fit(X[:n_rows], y[:n_rows])[-1]
        assert size_of(model) == expected_size(type(model), *size)
