"""early_stopping="cross_validation": several networks hold out each row once, and so choose the number of epochs."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, make_classification, make_friedman1
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, tabular_classifier
from skneural.estimators import cross_validation
from skneural.estimators.cross_validation import FEW_ROWS, CrossValidationScorer, split_folds
from skneural.estimators.temperature_scaling import TemperatureScaling
from skneural.solvers import DivergenceError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

X, y = load_digits(return_X_y=True)
X, y = X[:400] / 16, y[:400]
OPTIONS = {
    "hidden_layer_sizes": (10,),
    "early_stopping": "cross_validation",
    "validation_fraction": 0.25,
    "batch_size": 20,
    "max_iter": 6,
    "learning_rate_init": 0.01,
    "random_state": 0,
}


class Recorder:
    """What the scorer saw after each epoch: the networks' parameters, the rows they hold out, loss and score."""

    def __init__(self, monkeypatch):
        self.epochs = []
        original = CrossValidationScorer.__call__

        def call(scorer):
            result = original(scorer)
            parts = [(part._network.parameters.copy(), part.data.X, part.data.y) for part in scorer._scorers]
            self.epochs.append((parts, result))
            self.networks = [part._network for part in scorer._scorers]
            self.order = np.argsort(np.concatenate(scorer._folds))
            return result

        monkeypatch.setattr(CrossValidationScorer, "__call__", call)

    def outputs(self, epoch):
        """Raw outputs for all rows, each by the network that holds it out, and their targets."""
        outputs, targets = [], []
        for network, (parameters, X, y) in zip(self.networks, self.epochs[epoch][0], strict=True):
            network.parameters[...] = parameters
            outputs.append(network.raw_output(X))
            targets.append(y)
        return np.concatenate(outputs, axis=-2)[..., self.order, :], np.concatenate(targets)[self.order]


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


def weights_of(n_rows, n_positive):
    weights = np.zeros(n_rows)
    weights[:n_positive] = 1
    return weights


class TestParts:
    @pytest.mark.parametrize(("fraction", "n_parts"), [(0.25, 4), (0.1, 10), (0.3, 3), (0.5, 2), (0.9, 2), (0.01, 10)])
    def test_each_row_is_in_one_of_equal_parts(self, fraction, n_parts):
        parts = split_folds(21, fraction, 3, None, None)
        assert len(parts) == n_parts
        assert {len(part) for part in parts} <= {21 // n_parts, 21 // n_parts + 1}
        assert sorted(np.concatenate(parts)) == list(range(21))
        assert np.concatenate(parts).tolist() != list(range(21))  # drawn at random

    def test_the_seed_decides(self):
        first, again, other = (split_folds(20, 0.5, seed, None, None)[0].tolist() for seed in (0, 0, 1))
        assert first == again != other

    def test_each_part_has_the_proportions_of_the_classes(self, recwarn):
        labels = np.array(["a", "b", "c", "d"]).repeat([40, 20, 7, 1])
        counts = [np.unique(labels[part], return_counts=True)[1] for part in split_folds(68, 0.25, 0, labels, None)]
        assert [count[:2].tolist() for count in counts] == [[10, 5]] * 4
        assert all(count[2] in (1, 2) for count in counts)
        assert not recwarn.list

    def test_each_part_has_rows_of_positive_weight(self):
        weights = np.random.RandomState(0).permutation(weights_of(300, 9))
        counts = [np.count_nonzero(weights[part]) for part in split_folds(300, 0.25, 0, None, weights)]
        assert sorted(counts) == [2, 2, 2, 3]

    def test_no_part_has_less_than_two_rows_of_positive_weight(self):
        assert len(split_folds(7, 0.1, 0, None, None)) == 3
        assert len(split_folds(100, 0.1, 0, None, weights_of(100, 4))) == 2

    @pytest.mark.parametrize(
        ("n_rows", "fraction", "weights"), [(3, 0.25, None), (100, 0.0, None), (100, 0.25, weights_of(100, 3))]
    )
    def test_what_cannot_be_divided_is_refused(self, n_rows, fraction, weights):
        expected = (
            rf"cannot hold out validation_fraction={fraction} of n_samples={n_rows} in turn, .* Expected at least 4"
        )
        with pytest.raises(ValueError, match=expected):
            split_folds(n_rows, fraction, 0, None, weights)


class TestScores:
    @pytest.mark.parametrize("activation", ["relu", "prelu", "maxout"])  # with parameters of its own, and with pieces
    def test_all_rows_are_scored_by_networks_that_hold_them_out(self, activation, recorder, backend):
        model = ActivationMLPClassifier(activation=activation, **OPTIONS).fit(X, y)
        assert len(recorder.epochs) == 6
        for epoch, (_, (loss, score)) in enumerate(recorder.epochs):
            F, labels = recorder.outputs(epoch)
            np.testing.assert_array_equal(labels, y)
            P = np.exp(F - F.max(axis=1, keepdims=True))
            P /= P.sum(axis=1, keepdims=True)
            assert loss == pytest.approx(log_loss(labels, P), rel=1e-9)
            assert score == accuracy_score(labels, F.argmax(axis=1))
        best = int(np.argmax([score for _, (_, score) in recorder.epochs])) + 1
        assert model.n_iter_ == best

    def test_a_network_does_not_see_the_rows_that_it_holds_out(self, recorder, backend):
        rows, target = make_friedman1(80, random_state=0)
        options = {**OPTIONS, "max_iter": 3, "normalize_y": False}
        ActivationMLPRegressor(**options).fit(rows, target)
        before = [[parameters for parameters, _, _ in parts] for parts, _ in recorder.epochs]
        held_out = recorder.epochs[0][0][1][2]  # targets of the second part
        recorder.epochs.clear()
        ActivationMLPRegressor(**options).fit(rows, np.where(np.isin(target, held_out), 100.0, target))
        for earlier, (parts, _) in zip(before, recorder.epochs, strict=True):
            same = [np.array_equal(a, b) for a, (b, _, _) in zip(earlier, parts, strict=True)]
            assert same == [False, True, False, False]

    @pytest.mark.parametrize("weighted", [False, True])
    def test_a_scorer_scores_all_rows_with_their_weights(self, weighted, recorder):
        rows, target = make_friedman1(83, random_state=0)
        weights = np.random.RandomState(0).exponential(size=83) ** 3 if weighted else None
        options = {**OPTIONS, "normalize_y": False, "scoring": "neg_mean_squared_error"}
        ActivationMLPRegressor(**options).fit(rows, target, weights)
        F, targets = recorder.outputs(2)
        expected = -mean_squared_error(targets, F[:, 0], sample_weight=weights)
        assert recorder.epochs[2][1][1] == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize(
        ("scores", "best"),
        [
            ([np.nan, 2.0, 3.0, 1.0], 2),
            ([np.nan] * 4, 3),
            ([-np.inf, np.nan, -np.inf, -np.inf], 3),
            ([1, np.nan, 0, 0], 0),
        ],
    )
    def test_scores_that_are_no_numbers_do_not_count(self, scores, best, monkeypatch):
        outputs, given = [], iter(scores)

        def evaluate(scorer, F):
            outputs.append(F)
            return 0.5, float(next(given))

        kept = []
        original = CrossValidationScorer.best_output
        monkeypatch.setattr(CrossValidationScorer, "evaluate", evaluate)
        monkeypatch.setattr(CrossValidationScorer, "best_output", lambda self: kept.append(original(self)) or kept[0])
        options = {**OPTIONS, "max_iter": 4, "scoring": "loss", "temperature_scaling": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model = ActivationMLPClassifier(**options).fit(X, y)
        assert kept[0] is outputs[best]
        assert model.n_iter_ == best + 1

    def test_the_temperature_is_that_of_all_rows_at_the_best_epoch(self, recorder):
        labels = np.where(np.random.RandomState(0).rand(len(y)) < 0.3, np.random.RandomState(1).permutation(y), y)
        options = {**OPTIONS, "max_iter": 40, "learning_rate_init": 0.05, "n_members": 3, "scoring": "loss"}
        model = ActivationMLPClassifier(temperature_scaling=True, **options).fit(X, labels)
        F, targets = recorder.outputs(model.n_iter_ - 1)
        scaling = TemperatureScaling(targets)
        scaling.minimize(F)
        assert model.temperature_ == scaling.cautious_temperature() != 1
        assert len(recorder.epochs) == model.n_iter_ + 11 < 40  # epochs without a better score


class TestSecondTraining:
    @pytest.mark.parametrize("solver", ["adam", "sgd", "schedule_free_adamw"])
    def test_the_network_is_trained_anew_on_all_rows(self, solver, recorder, backend):
        model = ActivationMLPClassifier(solver=solver, **OPTIONS).fit(X, y)
        assert model.stopped_by_ == "max_iter"
        assert model.t_ == model.n_iter_ * len(X)
        assert len(model.loss_curve_) == model.n_iter_
        assert model.validation_scores_ is None
        assert model.score(X, y) > 0.3  # a tenth by chance
        again = clone(model).fit(X, y)
        np.testing.assert_array_equal(again.parameters_, model.parameters_)

    @pytest.mark.parametrize(
        "settings",
        [
            {"batch_norm": True, "n_members": 3, "dropout": 0.2},
            {"dtype": "float32"},
            {"learning_rate": "cosine", "shuffle": False},
            {"temperature_scaling": True, "scoring": "loss"},
            {"hidden_layer_sizes": "auto", "n_members": "auto"},
        ],
    )
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_every_other_setting_may_be_there(self, settings, container, backend):
        model = ActivationMLPClassifier(**{**OPTIONS, **settings}).fit(container(X), y)
        assert model.score(container(X), y) > 0.2
        assert model.t_ == model.n_iter_ * len(X)

    def test_multilabel_and_several_targets(self):
        labels = np.stack([y % 2, y > 4], axis=1).astype(int)
        model = ActivationMLPClassifier(temperature_scaling=True, **OPTIONS).fit(X, labels)
        assert model.predict(X).shape == labels.shape
        assert ActivationMLPRegressor(**OPTIONS).fit(X, labels).predict(X).shape == labels.shape

    def test_it_is_said_when_training_begins_anew(self, capsys):
        model = ActivationMLPClassifier(verbose=True, **OPTIONS).fit(X, y)
        expected = f"The best epoch was {model.n_iter_}: training anew, on all rows, for {model.n_iter_} epochs."
        assert expected in capsys.readouterr().out

    def test_a_validation_set_of_the_users_own_is_never_trained_on(self, recorder):
        model = ActivationMLPClassifier(**OPTIONS).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
        assert not recorder.epochs
        assert model.t_ == 6 * 300
        assert len(model.validation_scores_) == 6

    def test_too_few_weights_are_refused(self):
        with pytest.raises(ValueError, match="n_samples=400 in turn, 3 of them with a positive weight"):
            ActivationMLPClassifier(**OPTIONS).fit(X, y, weights_of(len(X), 3))

    def test_weights_reach_all_networks(self):
        rows, labels = make_classification(300, 6, flip_y=0, random_state=0)
        model = ActivationMLPClassifier(**{**OPTIONS, "max_iter": 30, "learning_rate_init": 0.05})
        assert (model.fit(rows, labels, (labels == 0).astype(float)).predict(rows) == 0).all()

    @pytest.mark.parametrize("setting", [{"solver": "lbfgs"}, {"solver": "sgd", "learning_rate": "adaptive"}])
    def test_what_cannot_go_on_an_epoch_at_a_time_is_refused(self, setting):
        name, value = list(setting.items())[-1]
        with pytest.raises(ValueError, match=rf"Got {name}='{value}', .*; use another, or early_stopping='refit'"):
            ActivationMLPClassifier(**setting, **OPTIONS).fit(X, y)

    def test_a_warm_start_is_refused(self):
        with pytest.raises(ValueError, match="early_stopping='cross_validation' may train twice"):
            ActivationMLPClassifier(warm_start=True, **OPTIONS).fit(X, y)

    def test_a_network_that_diverges_is_an_error(self, monkeypatch):
        rows, target = make_friedman1(80, random_state=0)

        class Spoilt(cross_validation.FoldTraining):
            def train_epoch(self):
                self._loop.objective.parameters[...] = np.nan
                super().train_epoch()

        monkeypatch.setattr(cross_validation, "FoldTraining", Spoilt)
        model = ActivationMLPRegressor(**OPTIONS)
        with pytest.raises(DivergenceError):
            model.fit(rows, target)
        assert np.isfinite(model.parameters_).all()


class TestAuto:
    @pytest.mark.parametrize(
        ("n_rows", "settings", "named"),
        [
            (FEW_ROWS - 1, {}, "cross_validation"),
            (FEW_ROWS, {}, "continue"),
            (FEW_ROWS - 1, {"learning_rate_init": 1e-4}, "continue"),  # which learns until the end
            (100, {"solver": "lbfgs"}, "continue"),
            (100, {"solver": "sgd", "learning_rate": "adaptive"}, "continue"),
            (100, {"scoring": "r2"}, "continue"),
        ],
    )
    def test_rows_and_best_epoch_decide(self, n_rows, settings, named, backend, capsys):
        rows, target = np.random.RandomState(0).randn(2, n_rows, 5)  # the target is nothing but noise
        options = {**OPTIONS, "hidden_layer_sizes": (50,), "max_iter": 12, **settings}
        model = ActivationMLPRegressor(**{**options, "early_stopping": "auto"}, verbose=True).fit(rows, target[:, 0])
        assert ("several networks look for it anew" in capsys.readouterr().out) == (named == "cross_validation")
        expected = ActivationMLPRegressor(**{**options, "early_stopping": named}).fit(rows, target[:, 0])
        np.testing.assert_array_equal(model.parameters_, expected.parameters_)
        assert (model.n_iter_, model.t_) == (expected.n_iter_, expected.t_)

    def test_rows_of_weight_zero_do_not_count(self, capsys):
        rows, target = np.random.RandomState(0).randn(2, FEW_ROWS + 99, 5)
        options = {**OPTIONS, "hidden_layer_sizes": (50,), "max_iter": 30, "early_stopping": "auto", "verbose": True}
        ActivationMLPRegressor(**options).fit(rows, target[:, 0], weights_of(len(rows), FEW_ROWS))
        assert "anew." not in capsys.readouterr().out
        ActivationMLPRegressor(**options).fit(rows, target[:, 0], weights_of(len(rows), FEW_ROWS - 1))
        assert "anew." in capsys.readouterr().out

    def test_a_warm_start_is_refused(self):
        with pytest.raises(ValueError, match="early_stopping='auto' may train twice"):
            ActivationMLPClassifier(**{**OPTIONS, "early_stopping": "auto"}, warm_start=True).fit(X, y)

    def test_small_noisy_tables_get_better_probabilities(self):
        differences = []
        for seed in range(8):
            rows, labels = make_classification(1300, 8, n_informative=4, flip_y=0.3, random_state=seed)
            parts = rows[:300], rows[300:], labels[:300], labels[300:]
            losses = [
                log_loss(parts[3], model.fit(parts[0], parts[2]).predict_proba(parts[1]))
                for model in (
                    tabular_classifier(random_state=0),
                    tabular_classifier(random_state=0, early_stopping="continue"),
                )
            ]
            differences.append(losses[0] - losses[1])
        assert np.mean(differences) < -0.002
