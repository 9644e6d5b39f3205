"""What holds for every use: a correct result or an error that was meant, and nothing changed that was passed in."""

from __future__ import annotations

import faulthandler
import linecache
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import sklearn
from cases import ESTIMATORS, Case, steps, takes_categories
from scipy import sparse
from sklearn.base import is_regressor
from tables import CATEGORICAL, FOLDER, Array

import skneural
from skneural import DivergenceError
from skneural.estimators.class_labels import SingleClassWarning

SECONDS = 20
# Errors of NumPy and Python that say what is wrong with an input as well as a sentence of ours would.
CLEAR = (
    "could not convert string to float",
    "setting an array element with a sequence",
    "float() argument must be",
    "Cannot cast array data from dtype",
    "Expected unique column names",
    "int too large to convert to float",
    "Python int too large to convert",
    "no supported conversion for types",
    "object dtype is not supported by sparse matrices",
)


@dataclass(frozen=True)
class Outcome:
    """What a call returned, or the error that it raised."""

    value: Any = None
    error: Exception | None = None


class Hang(Exception):
    """A call did not end."""


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise :class:`Hang` in the block when the time is over; end the process if it does not even hear that."""

    def ring(number: int, frame: Any) -> None:
        raise Hang(f"no end after {seconds} s")

    previous = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(3 * seconds, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def fingerprint(thing: Any) -> Any:
    """A value that differs if anything in the thing has changed; None for what cannot be compared."""
    if sparse.issparse(thing):  # not its cached flags
        thing = [
            thing.format,
            thing.shape,
            *(getattr(thing, name, None) for name in ("data", "indices", "indptr", "rows")),
        ]
    elif isinstance(thing, np.ndarray) and not thing.dtype.hasobject:
        return thing.tobytes(), str(thing.dtype), thing.shape, thing.strides, thing.flags.writeable
    if isinstance(thing, pd.DataFrame | pd.Series):  # nor theirs
        thing = [thing.to_numpy(object), list(thing.axes[0]), list(thing.axes[-1]), str(thing.dtypes)]
    try:
        return joblib.hash(thing)
    except Exception:  # generators, functions, modules
        return None


def attempt(call: Callable[..., Any], *arguments: Any, unchanged: bool = True, **named: Any) -> Outcome:
    """Make a call and check all that holds for every call; `unchanged`: also that it wrote into no argument.

    Raises
    ------
    AssertionError
        If it changed an argument, raised an error that nobody meant, did not end, or warned of numbers gone wrong.
    """
    everything = [*arguments, *named.values()]
    before = [fingerprint(each) for each in everything]
    outcome = _run(call, arguments, named)
    assert not unchanged or before == [fingerprint(each) for each in everything], f"{call.__name__} changed an argument"
    return outcome


def _run(call: Callable[..., Any], arguments: Any, named: Any) -> Outcome:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with time_limit(SECONDS):
                outcome = Outcome(call(*arguments, **named))
        except (ValueError, TypeError) as error:
            check_meant(error)
            return Outcome(error=error)
    meant = [each for each in caught if each.category is not SingleClassWarning]
    numeric = [str(each.message) for each in meant if issubclass(each.category, RuntimeWarning)]
    assert not numeric, f"{call.__name__} warned of {numeric}"
    return outcome


def check_meant(error: Exception) -> None:
    """Assert that somebody wrote this error down, for this reason, in words."""
    message = str(error)
    if any(words in message for words in CLEAR) or isinstance(error, DivergenceError):
        return
    frame = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(frame.filename, frame.lineno or 0).strip()
    ours = Path(skneural.__file__).parent, Path(sklearn.__file__).parent
    raised = line.startswith("raise") and any(folder in Path(frame.filename).parents for folder in ours)
    assert raised, f"not meant: {frame.filename}:{frame.lineno}: {line}: {error!r}"
    assert len(message) > 15, f"says too little: {error!r}"


def check(case: Case) -> str:
    """Run a case and assert all that must hold; return in a word how it ended."""
    (FOLDER / "last.txt").write_text(repr(case))  # what to look at after a crash
    estimator = ESTIMATORS[case.estimator](**case.parameters())
    attempt(repr, estimator)
    error = fit(estimator, case, case.X.build())
    if error is not None and not isinstance(error, DivergenceError):
        return type(error).__name__
    answers = ask(estimator, case.query.build)
    if error is None:
        check_saved(estimator, case, answers)
    if error is None and answers and comparable(case, estimator):
        same(answers, partial(of_plain, case), case)
    return "answered" if answers else "refused to answer"


def of_plain(case: Case, nudged: Any = None) -> dict[str, Any]:
    """Return the answers for the same numbers in a plain array, or for those that are next to them in a precision."""
    estimator, X = ESTIMATORS[case.estimator](**case.parameters()), case.X.twin()
    if nudged is not None:
        X = np.nextafter(X.astype(nudged), np.inf, dtype=nudged).astype(X.dtype)
    assert fit(estimator, case, X) is None, f"refused as a plain array (moved in {nudged})"
    return ask(estimator, case.query.twin)


def fit(estimator: Any, case: Case, X: Any) -> Exception | None:
    """Fit as the case asks; return the error, after which the estimator must be as it was.

    Of a pipeline only the last step: scikit-learn sets `steps` anew and fits the other steps before that one can fail.
    """
    entry = case.entry if hasattr(estimator, case.entry) else "fit"
    last = steps(estimator)[-1][1]
    error = None
    for _ in range(1 + case.twice):
        before = dict(vars(last))
        arguments, named = case.arguments(estimator, entry, X)
        error = attempt(getattr(estimator, entry), *arguments, **named).error
        if error is not None and not isinstance(error, DivergenceError):
            after = vars(last)
            changed = [name for name in {*before, *after} if before.get(name, last) is not after.get(name, last)]
            assert not changed, f"{changed} changed by a {entry} that failed"
    return error


def ask(estimator: Any, build: Callable[[], Any]) -> dict[str, Any]:
    """Call every method that a fitted estimator answers questions with; return the answers by name."""
    answers, X = {}, build()
    writes = getattr(estimator, "copy", True) is False
    for method in METHODS:
        if hasattr(estimator, method):
            answer = attempt(getattr(estimator, method), build() if writes else X, unchanged=not writes)
            if answer.error is None:
                METHODS[method](steps(estimator)[-1][1], X, answer.value)
                answers[method] = answer.value
    return answers


def check_saved(estimator: Any, case: Case, answers: dict[str, Any]) -> None:
    """Assert that it can be saved if its parameters can, loads, and gives the same answers to the bit."""
    try:
        pickle.dumps(ESTIMATORS[case.estimator](**case.parameters()))
    except (pickle.PicklingError, AttributeError, TypeError):  # a function in a function, a generator
        return
    loaded = attempt(pickle.loads, pickle.dumps(estimator))
    assert loaded.error is None, f"does not load: {loaded.error!r}"
    loaded_answers = ask(loaded.value, case.query.build)
    assert list(loaded_answers) == list(answers)
    for method, answer in loaded_answers.items():
        np.testing.assert_array_equal(_dense(answer), _dense(answers[method]), err_msg=f"{method} of a loaded one")


def n_rows(X: Any) -> int:
    """Number of rows of anything like a table."""
    return X.shape[0] if hasattr(X, "shape") else len(X)


def check_labels(estimator: Any, X: Any, y: Any) -> None:
    """Assert that predictions are of the right shape, dtype and range."""
    assert isinstance(y, np.ndarray)
    n_outputs = estimator.n_outputs_
    if is_regressor(estimator):
        assert y.shape == ((n_rows(X),) if n_outputs == 1 else (n_rows(X), n_outputs))
        assert y.dtype == estimator.parameters_.dtype
        assert np.isfinite(y).all(), "not finite"
    elif y.ndim == 2:
        assert y.shape == (n_rows(X), n_outputs)
        assert np.isin(y, [0, 1]).all()
    else:
        assert y.shape == (n_rows(X),)
        assert np.isin(y, estimator.classes_).all()
        assert y.dtype == estimator.classes_.dtype


def check_probabilities(estimator: Any, X: Any, P: Any) -> None:
    """Assert that these are probabilities."""
    assert P.shape == (n_rows(X), len(estimator.classes_))
    assert P.dtype == estimator.parameters_.dtype
    assert ((P >= 0) & (P <= 1)).all(), "no probabilities"
    if estimator.n_outputs_ in (1, P.shape[1]) and not estimator._multilabel:
        np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-5)


def check_log_probabilities(estimator: Any, X: Any, log_P: Any) -> None:
    """Assert that these are logarithms of probabilities, and finite."""
    assert log_P.shape == (n_rows(X), len(estimator.classes_))
    assert np.isfinite(log_P).all(), "not finite"
    assert (log_P <= 0).all()


def check_features(estimator: Any, X: Any, Z: Any) -> None:
    """Assert that a transformed table has its shape, and is NaN only where the input was."""
    assert Z.shape == (n_rows(X), len(estimator.get_feature_names_out()))
    assert Z.dtype.kind == "f"
    values = Z.toarray() if sparse.issparse(Z) else Z
    if not np.isfinite(values).all():
        assert not np.isinf(values).any(), "infinite"
        if isinstance(X, np.ma.MaskedArray):
            X = np.ma.filled(X.astype(float), np.nan)
        dense = X.toarray() if sparse.issparse(X) else np.asarray(X, dtype=float)
        mean = getattr(estimator, "mean_", None)
        missing = np.isnan(dense)
        if dense.shape != Z.shape:  # several columns for a feature
            missing = np.tile(missing.any(axis=1, keepdims=True), Z.shape[1])
        expected = missing | np.isnan(np.zeros(Z.shape[1]) if mean is None else mean)
        assert expected[np.isnan(values)].all(), "NaN out of numbers"


METHODS: dict[str, Callable[[Any, Any, Any], None]] = {
    "predict": check_labels,
    "predict_proba": check_probabilities,
    "predict_log_proba": check_log_probabilities,
    "transform": check_features,
}


def comparable(case: Case, estimator: Any) -> bool:
    """Whether fit and answers may be expected to be the same for plain arrays.

    Not where a container rounds numbers, to make text and categories of them. Where columns may be categories, they are
    encoded the same to the bit. Elsewhere not with long steps, which are chaotic, nor with dropout, which draws for
    stored entries only; nor where batch normalisation makes gradients zero but for the rounding of single precision, of
    which adam then makes whole steps.
    """
    settings = dict(case.settings).keys()
    if {getattr(each, "container", None) for each in (case.X, case.query)} & CATEGORICAL:
        return False
    single = case.X.tame and case.X.twin().dtype == np.float32
    chaotic = {"learning_rate_init", "dropout", "input_dropout"} & settings or ("batch_norm" in settings and single)
    if chaotic and not takes_categories(estimator):
        return False
    seeds = [getattr(step, "random_state", 0) for _, step in steps(estimator)]
    return all(isinstance(seed, int | np.integer) for seed in seeds) and case.X.tame and case.query.tame


def same(answers: dict[str, Any], plain: Callable[..., dict[str, Any]], case: Case) -> None:
    """Assert that answers agree with those for plain arrays, up to rounding.

    Where targets cancel, or features lie far off, rounding decides and adam makes whole steps of it: what rounding does
    there is seen by moving each number to the next one.
    """
    expected = plain()
    assert list(answers) == list(expected)
    for method, answer in answers.items():
        if answer.dtype.kind == "f":
            a, b = _dense(answer), _dense(expected[method])
            scale = max(np.abs(b).max(initial=0.0), 1e-3)
            precision = np.float32 if np.float32 in (a.dtype, case.X.twin().dtype) else np.float64
            tolerance = scale * (1e-3 if precision is np.float32 else 1e-7)
            if not np.allclose(a, b, rtol=0, atol=tolerance, equal_nan=True):
                tolerance = 10 * np.abs(_dense(plain(nudged=precision)[method]) - b).max()
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, err_msg=method)


def _dense(answer: Any) -> Array:
    return answer.toarray() if sparse.issparse(answer) else answer
