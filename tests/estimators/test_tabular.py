import json
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import (
    ActivationMLPClassifier,
    ActivationMLPRegressor,
    TableEncoder,
    tabular_classifier,
    tabular_regressor,
)
from skneural.deployment import load, save
from skneural.estimators.tabular import TABULAR_DEFAULTS
from skneural.inspection import check_gradient, unit_report

FACTORIES = {tabular_classifier: ActivationMLPClassifier, tabular_regressor: ActivationMLPRegressor}
both = pytest.mark.parametrize("factory", FACTORIES)
QUICK = {"max_iter": 3, "hidden_layer_sizes": 8, "n_members": 2, "random_state": 0}


def frame(n_rows=400, seed=0):
    """Return a frame with columns of many kinds and holes in each, and what it predicts: a number and a label."""
    pd = pytest.importorskip("pandas")
    rng = np.random.RandomState(seed)
    level, text, number = rng.randint(0, 4, n_rows), rng.randint(0, 3, n_rows), rng.normal(size=n_rows)
    flag = rng.randint(0, 2, n_rows).astype(bool)
    X = pd.DataFrame(
        {
            "category": pd.Categorical.from_codes(level, list("abcd")),
            "text": np.array(["one", "two", "three"], dtype=object)[text],
            "flag": pd.array(flag, dtype="boolean"),
            "number": number,
            "whole": rng.randint(0, 100, n_rows),
            "constant": 1.0,
            "empty": np.nan,
        }
    )
    for column in ("category", "text", "flag", "number"):
        X.loc[rng.uniform(size=n_rows) < 0.1, column] = None
    y = 1000 + 10 * (level == 2) + 5 * flag + 3 * number + rng.normal(scale=0.5, size=n_rows)
    return X, y, np.where(y > np.median(y), "high", "low")


@both
def test_settings_of_the_network_are_the_defaults_unless_overridden(factory):
    network = factory(max_iter=7, random_state=3)[-1]
    assert type(network) is FACTORIES[factory]
    more = {"max_iter": 7, "random_state": 3}
    if factory is tabular_regressor:
        more |= {"clip_predictions": True, "learning_rate_init": 0.03, "dropout": 0.05}
    else:
        more |= {"temperature_scaling": True, "learning_rate_init": 0.02, "dropout": "auto"}
    defaults = FACTORIES[factory]().get_params(deep=False)
    assert network.get_params(deep=False) == {**defaults, **TABULAR_DEFAULTS, **more}
    assert all(defaults[name] != value for name, value in TABULAR_DEFAULTS.items())


@both
def test_overrides_go_to_the_step_that_has_them(factory):
    before = dict(TABULAR_DEFAULTS)
    encoder, network = factory(n_bins=4, categorical_features=[1], alpha=0.5, random_state=7)
    assert (encoder.n_bins, encoder.categorical_features, encoder.random_state) == (4, [1], 7)
    assert (network.alpha, network.random_state) == (0.5, 7)
    assert before == TABULAR_DEFAULTS
    with pytest.raises(TypeError, match=r"Got beta, limits, but expected names of parameters of ActivationMLP"):
        factory(limits=3, beta=1)


def test_a_frame_with_all_kinds_of_columns():
    X, y, labels = frame()
    classifier = tabular_classifier(random_state=0).fit(X[:300], labels[:300])
    regressor = tabular_regressor(random_state=0).fit(X[:300], y[:300])
    assert classifier.score(X[300:], labels[300:]) > 0.8
    assert regressor.score(X[300:], y[300:]) > 0.6
    pl = pytest.importorskip("polars")
    missing = X.isna()
    cells = {name: [None if missing[name][i] else cell for i, cell in enumerate(X[name])] for name in X}
    other = pl.DataFrame({**cells, "empty": np.full(len(X), np.nan)})
    np.testing.assert_array_equal(regressor.predict(other), regressor.predict(X))


def test_predictions_keep_within_the_range_of_the_targets():
    X, y, _ = frame()
    model = tabular_regressor(**QUICK).fit(X, y)
    outlying = X.assign(number=1e6)
    assert model.predict(outlying).max() <= y.max()
    np.testing.assert_allclose(
        tabular_regressor(**QUICK).fit(X, -1e-4 * y).predict(X), -1e-4 * model.predict(X), rtol=1e-4
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_learns_strings_in_single_precision_and_repeats_itself(dtype):
    X, y = load_breast_cancer(return_X_y=True)
    y = np.array(["malignant", "benign"])[y]
    model = tabular_classifier(max_iter=10, random_state=0).fit(X.astype(dtype), y)
    assert model.predict_proba(X[:2]).dtype == np.float32
    assert model.score(X, y) > 0.95
    again = clone(model).fit(X.astype(dtype), y)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_class_weights_by_label_and_sample_weights_reach_the_network():
    X, y = load_breast_cancer(return_X_y=True)
    labels = np.array(["malignant", "benign"])[y]
    weighted = tabular_classifier(**QUICK, class_weight={"malignant": 1e6, "benign": 1.0}).fit(X, labels)
    assert (weighted.predict(X) == "malignant").mean() > 0.85  # of which there are 37 %
    weights = np.where(y == 0, 1e6, 1.0)
    weighted = tabular_classifier(**QUICK).fit(X, labels, activationmlpclassifier__sample_weight=weights)
    assert (weighted.predict(X) == "malignant").mean() > 0.85  # of which there are 37 %


def test_searches_saved_files_and_inspection(tmp_path):
    X, _, labels = frame()
    grid = {
        "activationmlpclassifier__activation": ["relu", "elu"],
        "activationmlpclassifier__learning_rate_init": [0.01],
        "tableencoder__max_levels": [3, 30],
    }
    search = GridSearchCV(tabular_classifier(**QUICK), grid, cv=2, error_score="raise").fit(X, labels)
    model = search.best_estimator_
    save(model, tmp_path / "model.skops")
    np.testing.assert_array_equal(load(tmp_path / "model.skops").predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    assert unit_report(model, X, labels).layers[0].n_units == 8
    assert check_gradient(model, X, labels, n_rows=8).max_error <= 1e-6


@both
def test_little_data_is_said_to_be_little(factory):
    with pytest.raises(ValueError, match="The validation set is too small"):
        factory(early_stopping="continue").fit(np.arange(4.0)[:, None], [0, 1, 0, 1])
    with pytest.warns(UserWarning, match="`batch_size` larger than sample size") as warned:
        model = factory(random_state=0).fit(np.arange(12.0)[:, None], np.arange(12) > 5)
    assert sum("batch_size" in str(each.message) for each in warned) <= 3  # of trainings, not of all networks
    assert model[-1].n_iter_ >= 1


def test_progress_is_shown(capsys):
    X, y = load_breast_cancer(return_X_y=True)
    model = tabular_classifier(**QUICK, verbose=True)
    if not hasattr(model, "set_callbacks"):
        pytest.skip("scikit-learn before 1.9 has no callbacks")
    pytest.importorskip("rich")
    with pytest.warns(UserWarning, match="TableEncoder does not support callbacks"):
        model.fit(X, y)
    assert "ActivationMLPClassifier" in capsys.readouterr().out


def test_is_better_than_scikit_learns_default_on_digits():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    theirs = make_pipeline(StandardScaler(), MLPClassifier(random_state=0)).fit(X_train, y_train)
    ours = tabular_classifier(max_iter=15, random_state=0).fit(X_train, y_train)
    assert ours.score(X_test, y_test) >= theirs.score(X_test, y_test)
    assert log_loss(y_test, ours.predict_proba(X_test)) < log_loss(y_test, theirs.predict_proba(X_test))


def test_is_better_than_trees_on_diabetes():
    X, y = load_diabetes(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    ours = tabular_regressor(random_state=0).fit(X_train, y_train)
    trees = HistGradientBoostingRegressor(random_state=0).fit(X_train, y_train)
    assert ours.score(X_test, y_test) > trees.score(X_test, y_test)


def test_noise_is_trained_on_for_few_epochs_and_structure_for_many():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(600, 5))
    noise, structure = rng.randint(0, 2, 600), (np.sin(3 * X[:, 0]) * X[:, 1] > 0).astype(int)
    few, many = (tabular_classifier(random_state=0).fit(X, y)[-1].n_iter_ for y in (noise, structure))
    assert few < 10 < 20 < many


def test_the_settings_can_be_written_to_a_file():
    assert json.loads(json.dumps(TABULAR_DEFAULTS))["batch_size"] == TABULAR_DEFAULTS["batch_size"]


def test_the_encoder_of_the_regressor_takes_whole_numbers_for_numbers():
    assert isinstance(tabular_regressor()[0], TableEncoder)
    X = np.array([f"level {i % 40}" for i in range(400)], dtype=object)[:, None]
    y = np.arange(400) % 40
    assert tabular_regressor(**{**QUICK, "max_iter": 40, "learning_rate_init": 0.02}).fit(X, y).score(X, y) > 0.9
