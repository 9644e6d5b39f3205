import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skneural import ActivationMLPClassifier
from skneural.estimators.tabular import RECIPE, tabular_classifier


def test_settings_are_the_recipes_unless_overridden():
    parameters = tabular_classifier(max_iter=7, random_state=3)[-1].get_params(deep=False)
    defaults = ActivationMLPClassifier().get_params(deep=False)
    assert parameters == {**defaults, **RECIPE, "max_iter": 7, "random_state": 3}


def test_each_setting_differs_from_the_default():
    defaults = ActivationMLPClassifier().get_params(deep=False)
    assert all(defaults[name] != value for name, value in RECIPE.items())


def test_the_recipe_itself_stays_unchanged():
    before = dict(RECIPE)
    tabular_classifier(alpha=0.0)
    assert before == RECIPE


def test_refuses_what_is_no_parameter():
    with pytest.raises(TypeError, match=r"Got beta, limit, but expected .* smoothclipper__limit"):
        tabular_classifier(limit=3, beta=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_learns_strings_in_single_precision_and_repeats_itself(dtype):
    X, y = load_breast_cancer(return_X_y=True)
    y = np.array(["malignant", "benign"])[y]
    model = tabular_classifier(max_iter=5, random_state=0).fit(X.astype(dtype), y)
    assert model[-1].parameters_.dtype == np.float32
    assert model.score(X, y) > 0.95
    again = clone(model).fit(X.astype(dtype), y)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_is_searchable():
    X, y = load_breast_cancer(return_X_y=True)
    grid = {"activationmlpclassifier__alpha": [0.0, 0.1], "smoothclipper__limit": [2.0, 4.0]}
    search = GridSearchCV(tabular_classifier(max_iter=2, random_state=0), grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4


def test_is_no_worse_than_scikit_learns_default_on_digits():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    theirs = make_pipeline(StandardScaler(), MLPClassifier(random_state=0)).fit(X_train, y_train)
    ours = tabular_classifier(max_iter=20, random_state=0).fit(X_train, y_train)
    assert ours.score(X_test, y_test) >= theirs.score(X_test, y_test)
