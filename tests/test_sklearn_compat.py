"""The one file for scikit-learn's private names: each exists, does what we rely on, and is taken from there only."""

import ast
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, make_scorer, rand_score

import skneural
from skneural import StdScaler
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


X = np.arange(12.0).reshape(4, 3)
CHECKS = [lambda X: compat.check_array(X, accept_sparse=True), lambda X: StdScaler(with_mean=False).fit(X)]


@pytest.mark.parametrize("check", CHECKS, ids=["check_array", "fit"])
@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array"])
@pytest.mark.parametrize("shift", [2, -4])
def test_sparse_indices_outside_of_the_matrix_are_refused(check, kind, shift):
    S = getattr(sparse, kind)(np.where(X % 2, X, 0))
    check(S)
    index = S.row if kind == "coo_array" else S.indices
    index += shift
    with pytest.raises(ValueError, match=r"indices from -?\d to -?\d"):
        check(S)


@pytest.mark.parametrize("check", CHECKS, ids=["check_array", "fit"])
@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix"])
def test_sparse_starts_that_cannot_be_are_refused(check, kind):
    for place, wrong in ((0, 1), (1, 100_000_000), (2, 0), (-1, 10**6)):
        S = getattr(sparse, kind)(X + 1)
        S.indptr[place] = wrong
        with pytest.raises(ValueError, match=r"starts \(indptr\) that do not rise from 0 to at most 12"):
            check(S)
    S = getattr(sparse, kind)(X + 1)
    S.data = S.data[:5]
    with pytest.raises(ValueError, match="to at most 5, the number of its entries"):
        check(S)


def test_parts_of_sparse_tables_become_contiguous():
    S = sparse.csr_array(X + 1).astype(complex).real
    assert not S.data.flags.c_contiguous
    checked = compat.check_array(S, accept_sparse=True)
    assert checked.data.flags.c_contiguous
    np.testing.assert_array_equal(checked.toarray(), X + 1)


@pytest.mark.parametrize("check", [compat.check_array, StdScaler().fit], ids=["check_array", "fit"])
def test_integers_beyond_float64_are_a_value_error(check):
    with pytest.raises(ValueError, match="within the range of float64"):
        check(np.array([[10**400, 1]], dtype=object))


def test_weights_are_finite_also_as_one_number():
    with pytest.raises(ValueError, match=r"sample_weight must be finite\. Got nan"):
        compat._check_sample_weight(float("nan"), X)


def test_frames_of_another_byte_order_are_turned_round():
    frame = pd.DataFrame(X.astype(">f4"), columns=["a", "b", "c"])
    checked = compat.check_array(frame, dtype=[np.float64, np.float32])
    assert checked.dtype.isnative
    np.testing.assert_array_equal(checked, X)
    one, other = (skneural.ActivationMLPRegressor(max_iter=2, tol=0, random_state=0) for _ in range(2))
    with pytest.warns(ConvergenceWarning):
        one.fit(frame, X[:, 0])
    with pytest.warns(ConvergenceWarning):
        other.fit(X.astype(np.float32), X[:, 0])
    np.testing.assert_array_equal(one.predict(frame), other.predict(X.astype(np.float32)))


def misaligned(array):
    memory = np.zeros(array.nbytes + 1, dtype=np.uint8)[1:]
    found = memory.view(array.dtype).reshape(array.shape)
    found[...] = array
    assert not found.flags.aligned
    return found


def test_what_is_not_aligned_is_copied():
    checked = compat.check_array(misaligned(X))
    assert checked.flags.aligned
    np.testing.assert_array_equal(checked, X)
    S = sparse.csr_array(X)
    S.data = misaligned(S.data)
    checked = compat.check_array(S, accept_sparse="csr")
    assert checked.data.flags.aligned
    np.testing.assert_array_equal(checked.toarray(), X)
    assert compat.check_array(X) is X


def test_a_fraction_is_no_number_to_compute_with():
    with pytest.raises(ValueError, match=r"alpha.*must be a float.*Got Fraction"):
        skneural.ActivationMLPRegressor(alpha=Fraction(1, 2)).fit(X, X[:, 0])
