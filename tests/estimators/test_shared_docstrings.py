"""The sections that both docstrings have: every parameter and attribute is in them, and nothing else."""

import inspect

import pytest
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.estimators.shared_docstrings import ATTRIBUTES_SECTION, PARAMETERS_SECTION

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # few epochs are enough

ESTIMATORS = [ActivationMLPClassifier, ActivationMLPRegressor]
X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_all_is_documented(Estimator):
    documented = inspect.getdoc(Estimator)
    assert "{" + "parameters}" not in documented
    for name in Estimator().get_params():
        assert f"\n{name} : " in documented, name
    fitted = Estimator(hidden_layer_sizes=(3,), max_iter=2, random_state=0).fit(X, Y)
    public = {name for name in vars(fitted) if name.endswith("_") and not name.startswith("_")}
    for name in public | {"coefs_", "intercepts_", "slopes_"}:
        assert name in documented, name


@pytest.mark.parametrize("text", [PARAMETERS_SECTION, ATTRIBUTES_SECTION])
def test_what_is_documented_exists(text):
    fitted = ActivationMLPClassifier((3,), "tanh", max_iter=2).fit(X, Y)
    names = [
        name
        for line in text.splitlines()
        if line[8:9] != " " and " : " in line
        for name in line.split(" : ")[0].strip().split(", ")
    ]
    assert len(names) > 10
    optional = {"feature_names_in_"}
    assert [name for name in names if not hasattr(fitted, name) and name not in optional] == []
