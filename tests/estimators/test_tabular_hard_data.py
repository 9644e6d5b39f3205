"""What people's tables hold that benchmarks do not: outliers, sentinels, many levels, objects, targets of odd units."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from skneural import ActivationMLPClassifier, TableEncoder, tabular_classifier, tabular_regressor
from skneural._sklearn_compat import CallbackSupportMixin
from skneural.estimators.class_labels import SingleClassWarning
from skneural.preprocessing.clipping import clip_outliers

RNG = np.random.RandomState(0)
X = RNG.randn(1300, 4)
y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
TARGET = 2 * X[:, 0] + X[:, 1]
MANY_LEVELS = pd.DataFrame({"x": X[:300, 0], "c": RNG.choice([f"level {i}" for i in range(60)], 300)})


class TestOutliers:
    @pytest.mark.parametrize("rows", [[0], slice(None, None, 20)], ids=["one row", "a twentieth"])
    @pytest.mark.parametrize("value", [1e2, -999.0, 1e6, 1e300])
    def test_they_cost_little(self, value, rows):
        train = X[:300].copy()
        train[rows, 0] = value
        model = tabular_regressor(random_state=0).fit(train, TARGET[:300])
        assert model.score(X[300:], TARGET[300:]) > 0.95

    def test_ordinary_features_are_standardised_by_all_their_values(self):
        np.testing.assert_array_equal(clip_outliers(X), X)
        np.testing.assert_allclose(TableEncoder().fit(X).scaler_.scale_, X.std(axis=0))

    def test_bounds_by_hand(self):
        x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 1e9, np.nan])
        low, high = 2.5 - 10 * 2.5, 2.5 + 10 * 2.5  # the middle half is from 1.25 to 3.75
        np.testing.assert_allclose(clip_outliers(x[:, None])[:, 0], np.clip(x, low, high))

    @pytest.mark.parametrize(
        ("values", "largest"),
        [([0.0] * 90 + [1.0] * 9 + [1e9], 1e9 * 0.01 * 10 + 10), ([0.0] * 99 + [1e9], 1e9), ([5.0] * 100, 5.0)],
        ids=["mostly zero", "all but one zero", "constant"],
    )
    def test_features_of_which_the_middle_half_is_one_value(self, values, largest):
        assert clip_outliers(np.array(values)[:, None]).max() <= largest

    @pytest.mark.parametrize("shape", [(1, 3), (2, 1)])
    def test_few_rows_and_missing_columns(self, shape):
        np.testing.assert_array_equal(clip_outliers(np.ones(shape)), np.ones(shape))
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            assert np.isnan(clip_outliers(np.full(shape, np.nan))).all()
            huge = clip_outliers(np.array([[1e308], [-1e308], [1e308]]))
        assert np.isfinite(huge).all()


class TestManyLevels:
    def test_whole_numbers_and_objects_are_classes(self):
        many = np.arange(300) % 40
        assert len(tabular_classifier(max_iter=1).fit(MANY_LEVELS, many).classes_) == 40
        for labels in (y[:300].astype(object), y[:300].astype(bool).astype(object), np.where(y[:300], "a", "b")):
            model = tabular_classifier(max_iter=1, random_state=0).fit(MANY_LEVELS, labels)
            assert model.score(MANY_LEVELS, labels) > 0.3

    def test_one_class_alone_is_learned(self):
        with pytest.warns(SingleClassWarning):
            model = tabular_classifier(max_iter=1).fit(MANY_LEVELS, np.full(300, "a"))
        assert set(model.predict(MANY_LEVELS)) == {"a"}

    def test_several_targets_are_refused(self):
        with pytest.raises(ValueError, match=r"one target.*array of shape \(300, 2\).*max_levels"):
            tabular_regressor().fit(MANY_LEVELS, np.c_[TARGET, -TARGET][:300])
        with pytest.raises(ValueError, match=r"one target.*max_levels"):
            tabular_classifier().fit(MANY_LEVELS, np.c_[y, 1 - y][:300])

    def test_missing_labels_are_refused(self):
        with pytest.raises(ValueError, match="cannot be sorted"):
            tabular_classifier().fit(MANY_LEVELS, np.where(y[:300] == 1, "a", None))


class TestTargets:
    @pytest.mark.parametrize("target", [1e5 + 1e-3 * TARGET, 1e-50 * TARGET], ids=["far from zero", "tiny"])
    def test_a_precision_that_does_not_suffice_is_warned_of(self, target):
        with pytest.warns(UserWarning, match="dtype='float64'"):
            tabular_regressor(random_state=0, max_iter=1).fit(X[:200], target[:200])
        exact = tabular_regressor(random_state=0, dtype="float64").fit(X[:200], target[:200])
        assert exact.score(X[300:], target[300:]) > 0.9

    def test_ordinary_units_are_not(self):
        for target in (TARGET, 2000 + TARGET, 1e6 * TARGET, np.full(len(X), 0.1)):
            tabular_regressor(random_state=0, max_iter=1).fit(X[:200], target[:200])


def test_labels_that_fit_takes_can_be_scored():
    labels = y.astype(bool).astype(object)
    model = ActivationMLPClassifier(random_state=0, max_iter=50, learning_rate_init=0.01, tol=1e-2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert model.fit(X, labels).score(X, labels) > 0.7


@pytest.mark.parametrize("early_stopping", ["refit", "continue"])
def test_lbfgs_does_not_warn_of_a_length_that_was_chosen(early_stopping):
    ActivationMLPClassifier(solver="lbfgs", early_stopping=early_stopping, max_iter=300, random_state=0).fit(X, y)


@pytest.mark.skipif(not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn has none before 1.9")
class TestCallbacks:
    @pytest.mark.parametrize("early_stopping", ["refit", "continue"])
    def test_a_callback_that_stops_training_ends_it(self, early_stopping):
        class StopAfterThree(BaseEstimator):
            n_calls = 0

            def setup(self, estimator, context):
                pass

            def teardown(self, estimator, context):
                pass

            def on_fit_task_begin(self, estimator, context, **arguments):
                pass

            def on_fit_task_end(self, estimator, context, **arguments):
                self.n_calls += context.task_name == "epoch"
                return self.n_calls >= 3

        stop = StopAfterThree()
        model = ActivationMLPClassifier(early_stopping=early_stopping, random_state=0).set_callbacks(stop).fit(X, y)
        assert (stop.n_calls, model.stopped_by_, model.n_iter_) == (3, "callback", 3)

    def test_the_progress_bar_is_not_saved(self, tmp_path):
        pytest.importorskip("rich")
        pytest.importorskip("skops")
        from skneural.deployment import load, save

        model = tabular_classifier(verbose=True, max_iter=1, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model.fit(X[:200], y[:200])
        callbacks = model._skl_callbacks
        save(model, tmp_path / "model.skops")
        assert model._skl_callbacks is callbacks
        np.testing.assert_array_equal(load(tmp_path / "model.skops").predict(X), model.predict(X))
