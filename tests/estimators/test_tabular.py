import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ActivationMLPClassifier
from skneural.estimators.tabular import TABULAR_DEFAULTS, tabular_classifier


def networks(model):
    """The three networks of the pipeline, whether or not an encoder stands before them."""
    return [member[-1] if isinstance(member, Pipeline) else member for _, member in model[-1].estimators]


def test_settings_of_each_network_are_the_recipes_unless_overridden():
    defaults = ActivationMLPClassifier().get_params(deep=False)
    for network in networks(tabular_classifier(max_iter=7, random_state=3)):
        parameters = network.get_params(deep=False)
        assert parameters == {**defaults, **TABULAR_DEFAULTS, "max_iter": 7, "random_state": parameters["random_state"]}


def test_the_networks_have_seeds_of_their_own_that_follow_from_the_random_state():
    def seeds(random_state):
        return [network.random_state for network in networks(tabular_classifier(random_state=random_state))]

    assert len(set(seeds(3))) == 3
    assert seeds(3) == seeds(3) == seeds(np.random.RandomState(3)) != seeds(4)
    assert seeds(None) == [None] * 3
    rng = np.random.RandomState(0)
    assert seeds(rng) != seeds(rng)


def test_each_setting_differs_from_the_default():
    defaults = ActivationMLPClassifier().get_params(deep=False)
    assert all(defaults[name] != value for name, value in TABULAR_DEFAULTS.items())


def test_the_recipe_itself_stays_unchanged():
    before = dict(TABULAR_DEFAULTS)
    tabular_classifier(alpha=0.0)
    assert before == TABULAR_DEFAULTS


def test_refuses_what_is_no_parameter():
    with pytest.raises(TypeError, match=r"Got beta, limit, but expected .* smoothclipper__limit"):
        tabular_classifier(limit=3, beta=1)


@pytest.mark.parametrize("class_weight", [{1: 5.0}, {"malignant": 2}, [{0: 1}], {}], ids=str)
def test_refuses_weights_by_labels_which_the_networks_do_not_see(class_weight):
    with pytest.raises(ValueError, match=r"None or 'balanced' .* numbers the classes .* pass sample_weight"):
        tabular_classifier(class_weight=class_weight)
    assert [network.class_weight for network in networks(tabular_classifier(class_weight="balanced"))] == [
        "balanced"
    ] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_learns_strings_in_single_precision_and_repeats_itself(dtype):
    X, y = load_breast_cancer(return_X_y=True)
    y = np.array(["malignant", "benign"])[y]
    model = tabular_classifier(max_iter=5, random_state=0).fit(X.astype(dtype), y)
    assert all(member.predict_proba(X[:2]).dtype == np.float32 for member in model[-1].estimators_)
    assert model.score(X, y) > 0.95
    again = clone(model).fit(X.astype(dtype), y)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_probabilities_are_the_mean_over_networks_with_and_without_encoder():
    X, y = load_breast_cancer(return_X_y=True)
    model = tabular_classifier(max_iter=2, random_state=0)
    fewest_rows = {f"votingclassifier__encoded_{i}__piecewiselinearencoder__min_rows": 1 for i in (1, 2)}
    model.set_params(**fewest_rows).fit(X, y)
    Z = model[:-1].transform(X)
    members = model[-1].estimators_
    expected = np.mean([member.predict_proba(Z) for member in members], axis=0)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-6)
    plain, *others = members
    assert plain.n_features_in_ == 30
    assert [member[-1].n_features_in_ for member in others] == [30 + 30 * 8] * 2


def test_parts_of_the_recipe_are_searchable_and_so_are_whole_recipes():
    X, y = load_breast_cancer(return_X_y=True)
    grid = {"votingclassifier__plain__alpha": [0.0, 0.1], "smoothclipper__limit": [2.0, 4.0]}
    search = GridSearchCV(tabular_classifier(max_iter=2, random_state=0), grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    recipes = {"recipe": [tabular_classifier(max_iter=n, random_state=0) for n in (1, 8)]}
    search = GridSearchCV(Pipeline([("recipe", tabular_classifier())]), recipes, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 2
    assert search.score(X, y) > 0.9


def test_weights_reach_every_network_by_routing():
    X, y = load_breast_cancer(return_X_y=True)
    model = tabular_classifier(max_iter=10, random_state=0)
    with config_context(enable_metadata_routing=True):
        for part in (model[0], *networks(model)):
            part.set_fit_request(sample_weight=True)
        model.fit(X, y, sample_weight=(y == 0).astype(float))
    Z = model[:-1].transform(X)
    assert all((member.predict(Z) == 0).mean() > 0.9 for member in model[-1].estimators_)
    assert model.score(X, y, sample_weight=(y == 0).astype(float)) > 0.95 > model.score(X, y)


def test_is_no_worse_than_scikit_learns_default_on_digits():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    theirs = make_pipeline(StandardScaler(), MLPClassifier(random_state=0)).fit(X_train, y_train)
    ours = tabular_classifier(max_iter=20, random_state=0).fit(X_train, y_train)
    assert ours.score(X_test, y_test) >= theirs.score(X_test, y_test)
