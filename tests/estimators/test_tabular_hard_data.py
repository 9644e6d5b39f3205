"""What people's tables hold that benchmarks do not: outliers, sentinels, many levels, objects, targets of odd units."""

import numpy as np
import pandas as pd
import pytest

from skneural import TableEncoder, tabular_classifier, tabular_regressor
from skneural.estimators.class_labels import SingleClassWarning
from skneural.preprocessing.target_encoding import target_columns

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
        np.testing.assert_allclose(TableEncoder().fit(X).scaler_.scale_, X.std(axis=0))


@pytest.mark.parametrize("n_rows", [86, 87, 172, 258])
def test_one_row_more_than_full_batches_does_no_harm(n_rows):
    """A quarter is held out: 65, 129 and 193 rows train in batches of 64, but for the first number."""
    scores = []
    for seed in range(3):
        rng = np.random.RandomState(seed)
        features = rng.randn(n_rows + 1000, 8)
        target = features[:, 0] * features[:, 1] + features[:, 2] + 0.1 * rng.randn(n_rows + 1000)
        model = tabular_regressor(random_state=seed).fit(features[:n_rows], target[:n_rows])
        scores.append(model.score(features[n_rows:], target[n_rows:]))
    assert np.mean(scores) > (0.82 if n_rows < 100 else 0.93)


class TestManyLevels:
    def test_whole_numbers_and_objects_are_classes(self):
        many = np.arange(300) % 40
        assert len(tabular_classifier(max_iter=1).fit(MANY_LEVELS, many).classes_) == 40
        for labels in (y[:300].astype(object), y[:300].astype(bool).astype(object), np.where(y[:300], "a", "b")):
            indicators, names = target_columns(labels, "multiclass", 30)
            np.testing.assert_array_equal(indicators[:, 0], labels == np.unique(labels)[1])
            assert names == []
            model = tabular_classifier(max_iter=1, random_state=0).fit(MANY_LEVELS, labels)
            assert set(model.predict(MANY_LEVELS).tolist()) <= set(labels.tolist())

    def test_one_class_alone_is_learned(self):
        with pytest.warns(SingleClassWarning):
            model = tabular_classifier(max_iter=1).fit(MANY_LEVELS, np.full(300, "a"))
        assert set(model.predict(MANY_LEVELS)) == {"a"}

    def test_names_that_hardly_repeat_cost_little(self):
        train, new = slice(80), slice(80, None)
        names = pd.DataFrame({"a": X[:, 0], "b": X[:, 3], "name": [f"n{i % 80 % 76}" for i in range(len(X))]})
        label = names["a"] + names["b"] > 0
        model = tabular_classifier(batch_size=60, random_state=6).fit(names[train], label[train])
        assert model.score(names[train], label[train]) > 0.9  # 0.79 if each name had the label of its row
        assert model.score(names[new], label[new]) > 0.88  # 0.83

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

    def test_fit_warns_once(self):
        with pytest.warns(UserWarning, match="dtype='float64'") as caught:
            tabular_regressor(random_state=0, max_iter=1, early_stopping="refit").fit(
                X[:200], 1e5 + 1e-3 * TARGET[:200]
            )
        assert sum("float64" in str(each.message) for each in caught) == 1
