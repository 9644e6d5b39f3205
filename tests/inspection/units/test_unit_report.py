"""The unit report: its numbers against brute force, its table, what it works on."""

import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, Maxout, PReLU, StdScaler
from skneural.inspection import unit_report

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning"),
]

X, Y = load_digits(return_X_y=True)
QUICK = {"max_iter": 5, "random_state": 0}


@pytest.fixture(scope="module")
def fast():
    """Two layers, trained at too high a rate."""
    return ActivationMLPClassifier((60, 40), learning_rate_init=0.05, max_iter=20, random_state=0).fit(X, Y)


@pytest.mark.parametrize("rate", [0.02, 0.1, 1.0])
def test_dead_units_are_those_that_brute_force_finds(rate):
    model = ActivationMLPClassifier((60, 40), learning_rate_init=rate, max_iter=20, random_state=0).fit(X, Y)
    report = unit_report(model, X)
    for i, layer in enumerate(report.layers):
        dead = np.flatnonzero((model.hidden_features(X, i) == 0).all(axis=0))
        assert_array_equal(layer.dead_units, dead)
        assert layer.dead == len(dead) / layer.n_units
        assert len(dead) > 0
    assert f"learning_rate_init, now {rate:g}" in report.recommendations[0]


def test_the_default_rate_is_quiet():
    report = unit_report(ActivationMLPClassifier(random_state=0).fit(X, Y), X, Y)
    assert report.recommendations == []
    assert report.layers[0].dead < 0.1


def test_activations_by_brute_force(fast):
    report = unit_report(fast, X)
    assert report.n_rows == len(X)
    for i, layer in enumerate(report.layers):
        A = fast.hidden_features(X, i)
        assert_allclose([layer.mean, layer.std], [A.mean(), A.std()], rtol=1e-9)
        assert_array_equal(layer.always_on_units, np.flatnonzero((A > 0).all(axis=0)))
        assert layer.saturated == layer.saturation == 0
        assert (layer.layer, layer.activation, layer.n_units) == (i, "ReLU()", A.shape[1])
        assert layer.mean_is_near_zero == (A.mean() < 0.2 * np.sqrt(np.mean(A**2)))
        assert math.isnan(layer.unused_pieces)
        assert layer.one_sign_inputs == pytest.approx(1, abs=0.05)  # what a ReLU gives is never negative
        assert math.isnan(layer.gradient_norm)


def test_the_mean_of_tanh_is_near_zero_and_its_gradients_differ_in_sign():
    for activation, centred, rows in [("tanh", True, 0), ("logistic", False, 1)]:
        model = ActivationMLPClassifier((30, 30), activation, **QUICK).fit(X - X.mean(axis=0), Y)
        report = unit_report(model, X - X.mean(axis=0), Y)
        assert report.layers[1].mean_is_near_zero is centred
        assert report.layers[1].one_sign_inputs == rows
        assert report.layers[0].one_sign_inputs == 0


def test_maxout_and_prelu_show_what_they_learned():
    model = ActivationMLPClassifier((10, 8), [Maxout(3), PReLU()], **QUICK).fit(X, Y)
    maxout, prelu = unit_report(model, X).layers
    Z = (X @ model.coefs_[0] + model.intercepts_[0]).reshape(-1, 3, 10)
    assert_allclose(maxout.piece_usage, np.stack([(Z.argmax(axis=1) == piece).mean(axis=0) for piece in range(3)]))
    assert maxout.unused_pieces == (maxout.piece_usage == 0).mean()
    assert maxout.slopes.size == 0
    assert_array_equal(prelu.slopes, model.slopes_[1])
    text = str(unit_report(model, X))
    assert f"learned parameters from {prelu.slopes.min():.3f} to {prelu.slopes.max():.3f}" in text
    assert "Layer 0: the pieces are the largest on" in text


def test_the_table(fast):
    lines = str(unit_report(fast, X, Y)).splitlines()
    assert lines[0] == "Hidden units on 1797 rows"
    header = ["units", "dead", "always on", "saturated", "mean", "std", "one-sign inputs", "gradient", "update"]
    assert lines[1].split() == " ".join(["layer", *header]).split()
    assert lines[2].startswith("0 ReLU()     60")
    assert len({len(line) for line in lines[1:4]}) == 1
    report = unit_report(fast, X)
    assert " ".join(" ".join(lines[4:]).split()) == " ".join(f"- {sentence}" for sentence in report.recommendations)
    assert max(map(len, lines)) <= 100
    assert str(report).splitlines()[2].split()[-2:] == ["-", "-"]
    assert repr(report) == str(report)


def test_a_frame_has_a_row_per_layer(fast):
    pytest.importorskip("pandas")
    report = unit_report(fast, X, Y)
    frame = report.to_frame()
    assert frame["dead"].tolist() == [layer.dead for layer in report.layers]
    assert len(frame) == 2
    assert frame["update_ratio"].notna().all()
    assert frame["mean_slope"].isna().all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("options", [{}, {"batch_norm": True}, {"alpha": 0.1, "l1_ratio": 0.5}])
def test_every_way_of_training(solver, options, dtype):
    model = ActivationMLPRegressor(hidden_layer_sizes=(6, 5), solver=solver, dtype=dtype, **options, **QUICK)
    model.set_params(learning_rate_init=1e-4).fit(X / 16, Y)
    before = pickle.dumps(model)
    first, second = unit_report(model, X / 16, Y).layers
    assert pickle.dumps(model) == before
    assert first.gradient_norm > 0
    assert second.gradient_norm > 0
    assert math.isnan(first.update_ratio) == (solver == "lbfgs")


def test_forms_of_data_agree(fast):
    expected = str(unit_report(fast, X, Y))
    assert str(unit_report(fast, sparse.csr_array(X), Y)) == expected
    assert str(unit_report(fast, sparse.csc_matrix(X), list(Y))) == expected
    assert str(unit_report(fast, X.tolist(), Y)) == expected


def test_a_pipeline():
    model = make_pipeline(StdScaler(), ActivationMLPClassifier((20,), **QUICK)).fit(X, Y)
    assert str(unit_report(model, X, Y)) == str(unit_report(model[-1], model[0].transform(X), Y))


def test_weights_and_many_targets():
    labels = np.stack([Y > 4, Y % 2], axis=1).astype(int)
    model = ActivationMLPClassifier((20,), **QUICK).fit(X, labels)
    plain, weighted = (unit_report(model, X, labels, w).layers[0] for w in (None, 1.0 + Y))
    assert plain.gradient_norm != weighted.gradient_norm
    assert plain.mean == weighted.mean
    outputs = np.stack([Y, Y**2], axis=1)
    model = ActivationMLPRegressor(hidden_layer_sizes=(20,), **QUICK).fit(X, outputs)
    assert unit_report(model, X, outputs).layers[0].gradient_norm > 0


def test_no_hidden_layer_one_unit_one_row():
    linear = ActivationMLPClassifier((), **QUICK).fit(X, Y)
    assert unit_report(linear, X, Y).layers == []
    assert unit_report(linear, X, Y).recommendations == []
    assert "There are no hidden layers" in str(unit_report(linear, X, Y))
    single = ActivationMLPClassifier((1,), "tanh", **QUICK).fit(X, Y)
    assert unit_report(single, X[:1], Y[:1]).layers[0].n_units == 1


def test_dead_everywhere():
    model = ActivationMLPClassifier((5, 5), bias_init=-1e4, **QUICK).fit(X, Y)
    report = unit_report(model, X, Y)
    assert [layer.dead for layer in report.layers] == [1, 1]
    assert report.layers[0].gradient_norm == 0
    assert math.isnan(report.layers[0].one_sign_gradients)
    assert "In an untrained network 100% are dead already: scale the features" in report.recommendations[0]


def test_after_a_pickle_it_is_the_same_but_for_the_step(fast):
    again = unit_report(pickle.loads(pickle.dumps(fast)), X, Y).layers[0]
    once = unit_report(fast, X, Y).layers[0]
    assert again.gradient_norm == once.gradient_norm
    assert 0 < again.update_ratio != once.update_ratio > 0


def test_what_cannot_be_reported_on_is_refused(fast):
    with pytest.raises(NotFittedError):
        unit_report(ActivationMLPClassifier(), X)
    with pytest.raises(TypeError, match="Got StdScaler"):
        unit_report(StdScaler(), X)
    with pytest.raises(ValueError, match="expecting 64 features"):
        unit_report(fast, X[:, :3])
    with pytest.raises(ValueError, match="inconsistent"):
        unit_report(fast, X, Y[:-1])
