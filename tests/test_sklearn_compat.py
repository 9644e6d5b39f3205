"""The one file for scikit-learn's private names: each exists, does what we rely on, and is taken from there only."""

import ast
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, make_scorer, rand_score

import skneural
from skneural import _sklearn_compat as compat
from skneural.constraints import Interval

SOURCES = sorted(Path(skneural.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("name", compat.__all__)
def test_every_name_is_there(name):
    assert callable(getattr(compat, name))


def private_imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sklearn":
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if name.startswith("_"))
        if isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".") if alias.name.startswith("sklearn")]
            yield from (name for name in names if name.startswith("_"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_private_names_come_from_here_only(path):
    private = list(private_imports(path))
    assert bool(private) == (path.name == "_sklearn_compat.py")


def test_a_real_that_is_no_int_has_an_interval():
    open_interval = Interval(compat.RealNotInt, 0, 2, closed="neither")
    assert open_interval.is_satisfied_by(0.5)
    assert not open_interval.is_satisfied_by(1)


def test_weights_are_checked():
    X = np.ones((3, 2))
    checked = compat._check_sample_weight([1, 2, 3], X, dtype=np.float64, ensure_non_negative=True)
    assert checked.dtype == np.float64
    np.testing.assert_array_equal(compat._check_sample_weight(None, X), np.ones(3))
    with pytest.raises(ValueError, match=r"[Nn]egative"):
        compat._check_sample_weight([1, -2, 3], X, ensure_non_negative=True)
    with pytest.raises(ValueError, match="shape"):
        compat._check_sample_weight([1, 2], X)


@pytest.mark.parametrize(
    ("scorer", "accepts"),
    [
        (lambda model, X, y: 0, False),
        (lambda model, X, y, sample_weight: 0, True),
        (lambda model, X, y, **options: 0, True),
        (make_scorer(accuracy_score), True),
        (make_scorer(rand_score), False),
        (max, False),  # which has no signature
    ],
    ids=range(6),
)
def test_scorers_that_take_weights(scorer, accepts):
    assert compat.accepts_sample_weight(scorer) == accepts


def test_the_first_call_of_partial_fit_sets_the_classes():
    model = skneural.ActivationMLPClassifier()
    assert compat._check_partial_fit_first_call(model, [2, 0, 1])
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    assert not compat._check_partial_fit_first_call(model, [0, 1, 2])
    with pytest.raises(ValueError, match="classes"):
        compat._check_partial_fit_first_call(model, [0, 1])


def test_the_fit_context_validates_parameters():
    class Estimator(skneural.StdScaler):
        @compat._fit_context(prefer_skip_nested_validation=True)
        def fit(self, X, y=None):
            return self

    estimator = Estimator()
    name = next(iter(estimator.get_params()))
    assert estimator.fit(None) is estimator
    with pytest.raises(ValueError, match=name):
        estimator.set_params(**{name: object()}).fit(None)
