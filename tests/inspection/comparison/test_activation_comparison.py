"""The comparison of activations: its numbers against fits by hand, what it accepts, what it prints."""

import math

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skneural import ACTIVATIONS, ELU, Activation, ActivationMLPClassifier, ActivationMLPRegressor, Maxout, StdScaler
from skneural.inspection import compare_activations

X, Y = load_iris(return_X_y=True)
SMALL = make_pipeline(StdScaler(), ActivationMLPClassifier((6,), max_iter=15, learning_rate_init=0.02, random_state=0))


@pytest.fixture(scope="module")
def comparison():
    return compare_activations(X, Y, estimator=SMALL, activations=["relu", ELU(0.5)], learning_rates=[0.01, 0.1], cv=3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::skneural.DeadUnitsWarning")
def test_scores_are_those_of_cross_validation(comparison):
    assert [(each.activation, each.learning_rate) for each in comparison.candidates] == [
        ("relu", 0.01),
        ("relu", 0.1),
        ("ELU(alpha=0.5)", 0.01),
        ("ELU(alpha=0.5)", 0.1),
    ]
    for each, activation in zip(comparison.candidates, ["relu", "relu", ELU(0.5), ELU(0.5)], strict=True):
        model = clone(SMALL).set_params(
            activationmlpclassifier__activation=activation,
            activationmlpclassifier__learning_rate_init=each.learning_rate,
        )
        scores = cross_val_score(model, X, Y, cv=3)
        assert (each.score, each.score_std) == (scores.mean(), scores.std())
    assert comparison.best.score == max(each.score for each in comparison.candidates)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_epochs_to_the_target_by_hand():
    network = ActivationMLPClassifier((6,), "tanh", max_iter=40, learning_rate_init=0.05, random_state=0)
    found = compare_activations(
        X, Y, estimator=network, activations=["tanh"], cv=KFold(2, shuffle=True, random_state=0), target_loss=0.5
    ).candidates[0]
    epochs = []
    for train, _ in KFold(2, shuffle=True, random_state=0).split(X):
        losses = clone(network).fit(X[train], Y[train]).loss_curve_
        epochs.append(next(i for i, loss in enumerate(losses, 1) if loss <= 0.5))
    assert found.epochs_to_target == np.mean(epochs)
    assert 0 < found.seconds_to_target <= found.fit_time


def test_the_default_target_is_reached_by_half(comparison):
    reached = [each for each in comparison.candidates if not math.isnan(each.epochs_to_target)]
    assert 1 <= len(reached) < 4
    assert comparison.target_loss > 0


def test_the_default_is_every_activation_at_the_rate_of_the_estimator():
    found = compare_activations(X, Y, estimator=SMALL, cv=2)
    names = [each.activation for each in found.candidates]
    assert len(names) == len(set(names)) == len({repr(each) for each in ACTIVATIONS.values()})
    assert set(names) <= set(ACTIVATIONS)
    assert {"logistic", "silu"} <= set(names)
    assert {each.learning_rate for each in found.candidates} == {0.02}
    by_name = {each.activation: each for each in found.candidates}
    assert by_name["maxout"].n_parameters - by_name["relu"].n_parameters == 4 * 6 + 6
    assert by_name["prelu"].n_parameters - by_name["relu"].n_parameters == 6
    assert abs(by_name["tanh"].mean_activation) < 0.2 < by_name["logistic"].mean_activation


def test_the_default_estimator_suits_the_targets():
    classes = compare_activations(X, Y.astype(str), activations=["tanh"], cv=2).candidates[0]
    numbers = compare_activations(X, X[:, 0] / 3, activations=["tanh"], cv=2, learning_rates=[0.01]).candidates[0]
    assert classes.n_parameters == 4 * 100 + 100 + 100 * 3 + 3
    assert numbers.n_parameters == 4 * 100 + 100 + 100 + 1


def test_divergence_is_a_row_without_score():
    network = ActivationMLPRegressor(hidden_layer_sizes=(5,), solver="sgd", max_iter=5, random_state=0)
    found = compare_activations(
        X, Y, estimator=network, activations=["identity"], learning_rates=[1e-3, 1e200], cv=2, target_loss=1.0
    )
    good, bad = found.candidates
    assert math.isnan(bad.score)
    assert not math.isnan(good.score)
    assert found.best is good
    assert str(found).splitlines()[2].split()[1:4] == ["1e+200", "-", "-"]


def test_where_all_training_diverges_there_is_no_target():
    network = ActivationMLPRegressor(hidden_layer_sizes=(5,), solver="sgd", learning_rate_init=1e200)
    found = compare_activations(X, Y, estimator=network, activations=["identity", "tanh"], cv=2)
    assert all(math.isnan(each.score) for each in found.candidates if each.activation == "identity")
    only = compare_activations(X, Y, estimator=network, activations=["identity"], cv=2)
    assert math.isnan(only.target_loss)
    assert str(only).endswith("until the training loss reached -")


@pytest.mark.parametrize("options", [{"n_jobs": 2}, {"scoring": "neg_log_loss"}, {"cv": StratifiedKFold(3)}])
def test_options_are_those_of_cross_validation(comparison, options):
    found = compare_activations(
        X, Y, **{"estimator": SMALL, "activations": ["relu"], "learning_rates": [0.01], "cv": 3, **options}
    ).candidates[0]
    assert (found.score == comparison.candidates[0].score) == ("scoring" not in options)


def test_the_default_estimator_takes_sparse_rows():
    rows, settings = np.where(X > 2, X, 0), {"activations": ["tanh"], "learning_rates": [0.1], "cv": 2}
    scaled = make_pipeline(StdScaler(with_mean=False), ActivationMLPClassifier(random_state=0))
    found = compare_activations(sparse.csr_array(rows), Y, **settings).best
    assert found.score == pytest.approx(compare_activations(rows, Y, estimator=scaled, **settings).best.score)


def test_sparse_rows_and_an_activation_per_layer():
    network = ActivationMLPClassifier((6, 5), max_iter=5, random_state=0)
    found = compare_activations(
        sparse.csr_array(X), Y, estimator=network, activations=[["relu", Maxout(3)], "relu"], cv=2
    )
    assert [each.activation for each in found.candidates] == ["['relu', Maxout(n_pieces=3)]", "relu"]


def test_the_grid_and_the_frame(comparison):
    activations, rates, scores = comparison.grid()
    assert (activations, rates) == (["relu", "ELU(alpha=0.5)"], [0.01, 0.1])
    assert scores.tolist() == [[each.score for each in comparison.candidates[i : i + 2]] for i in (0, 2)]
    assert comparison.grid("n_parameters")[2].tolist() == [[51, 51], [51, 51]]
    pytest.importorskip("pandas")
    assert comparison.to_frame()["score"].tolist() == scores.ravel().tolist()


def test_the_table(comparison):
    header, *rows, last = str(comparison).splitlines()
    assert header.split()[:4] == ["activation", "rate", "score", "±"]
    assert len({len(row) for row in [header, *rows]}) == 1
    assert rows[0].startswith("relu            0.01")
    assert last == f"epochs, seconds: until the training loss reached {comparison.target_loss:.4g}"
    assert repr(comparison) == str(comparison)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activations": "relu"}, "activations must be a sequence of at least one activation. Got 'relu'"),
        ({"activations": []}, r"activations must be a sequence of at least one activation. Got \[\]"),
        ({"learning_rates": 0.1}, "learning_rates must be a sequence of at least one learning rate. Got 0.1"),
        ({"learning_rates": []}, r"learning_rates must be a sequence of at least one learning rate. Got \[\]"),
        ({"cv": []}, r"cv must give at least one split. Got \[\]"),
    ],
)
def test_a_choice_of_nothing_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        compare_activations(X, Y, **options)


class Flat(Activation):
    def forward(self, Z, out=None):
        return Z.ravel()

    def backward(self, dA, Z, A, out=None):
        return dA


def test_a_faulty_activation_is_named():
    with pytest.raises(ValueError, match=r"Flat\(\).forward must return an array of shape \(3, 6\)"):
        compare_activations(X, Y, estimator=SMALL, activations=["relu", Flat()], cv=2)
    with pytest.raises(ValueError, match=r"'activation' parameter .* Got 'rellu'"):
        compare_activations(X, Y, estimator=SMALL, activations=["rellu"], cv=2)


def quiet(estimator, X, y):
    """Return nothing, by mistake."""


def short(estimator, X):
    return 1.0


@pytest.mark.parametrize(
    ("scoring", "message"),
    [
        (quiet, "scoring, .* must return one number. Got None, of type NoneType, from <function quiet"),
        (["accuracy", "neg_log_loss"], r"scoring, .* must return one number. Got \{'accuracy': .*, of type dict"),
        (lambda estimator, X, y: estimator.predict_proba(X), r"must return one number. Got array\(.*of type ndarray"),
        (
            short,
            r"scoring, called as scoring\(estimator, X, y\), does not suit .* positional arguments.*<function short",
        ),
    ],
)
def test_a_faulty_scorer_is_named(scoring, message):
    with pytest.raises(TypeError, match=f"(?s){message}"):
        compare_activations(X, Y, estimator=SMALL, activations=["relu"], cv=2, scoring=scoring)


def test_a_scorer_of_your_own():
    def error_rate(estimator, X, y):
        return np.array([np.mean(estimator.predict(X) != y)])

    found = compare_activations(X, Y, estimator=SMALL, activations=["relu"], cv=2, scoring=error_rate).best
    accuracy = compare_activations(X, Y, estimator=SMALL, activations=["relu"], cv=2).best
    assert found.score == pytest.approx(1 - accuracy.score)


def test_what_is_no_network_is_refused():
    with pytest.raises(TypeError, match="Got StdScaler"):
        compare_activations(X, Y, estimator=StdScaler())
