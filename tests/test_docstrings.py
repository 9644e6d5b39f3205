"""Everything public says what it is: a row in the API reference, numpydoc's checks, an example that runs."""

import doctest
import functools
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import skneural

API = (Path(__file__).parents[1] / "docs" / "api.rst").read_text()
LISTED = re.findall(r"^   (skneural\.[\w.]+)$", API, re.M)

# Not asked for: a summary on the second line, or one that is a sentence in the infinitive (formulas are neither);
# sections that only some need (extended summary, See Also, Yields); the type alone in the first line of Returns.
NOT_ASKED = {"GL01", "SS02", "SS05", "ES01", "SA01", "YD01", "RT02"}
# Methods are shown at work in the example of their class. Those of parts (activations, solvers, ...) all have the
# signature that their base describes, so that one sentence, often a formula, is enough.
NOT_ASKED_OF_METHODS = NOT_ASKED | {"EX01"}
NOT_ASKED_OF_SENTENCES = NOT_ASKED_OF_METHODS | {"PR01", "RT01"}

# Modules in which everything without an underscore is public; elsewhere it is what a package exports.
MATHEMATICS = [
    "activations",
    "initializers",
    "losses",
    "penalties",
    "solvers.schedules",
    "constraints",
    "component",
    "deployment.onnx.onnx_graph",
]

MODULES = [importlib.import_module(info.name) for info in pkgutil.walk_packages(skneural.__path__, "skneural.")]


def located(name):
    """Return the object behind a dotted name; a function goes before the module of the same name."""
    return functools.reduce(getattr, name.split(".")[1:], skneural)


def documentable(item):
    return (inspect.isclass(item) or inspect.isfunction(item)) and item.__module__.startswith("skneural")


def public():
    for package in [skneural, *(module for module in MODULES if hasattr(module, "__path__"))]:
        yield from (getattr(package, name) for name in package.__all__)
    for module in (importlib.import_module(f"skneural.{name}") for name in MATHEMATICS):
        names = [name for name in vars(module) if not name.startswith("_")]
        yield from (item for name in names if getattr(item := vars(module)[name], "__module__", "") == module.__name__)


def own_methods(cls):
    bases = [base for base in cls.__mro__ if base.__module__.startswith("skneural")]
    names = {name for base in bases for name, member in vars(base).items() if inspect.isroutine(member)}
    return sorted(name for name in names if not name.startswith("_"))


CLASSES = [name for name in LISTED if inspect.isclass(located(name))]
METHODS = [f"{name}.{method}" for name in CLASSES for method in own_methods(located(name))]


def test_the_api_reference_is_complete():
    listed = {located(name) for name in LISTED}
    assert {item.__name__ for item in public() if documentable(item)} == {item.__name__ for item in listed}


def complaints(name, not_asked):
    validate = pytest.importorskip("numpydoc.validate").validate
    parsed = importlib.import_module("numpydoc.docscrape").get_doc_object(located(name))
    return [f"{code}: {text}" for code, text in validate(parsed)["errors"] if code not in not_asked]


@pytest.mark.parametrize("name", LISTED)
def test_numpydoc_has_no_complaint(name):
    assert not complaints(name, NOT_ASKED)


@pytest.mark.parametrize("name", METHODS)
def test_numpydoc_has_no_complaint_about_a_method(name):
    is_estimator = hasattr(located(name.rpartition(".")[0]), "fit")
    one_sentence = "\n" not in (inspect.getdoc(located(name)) or "")
    assert not complaints(name, NOT_ASKED_OF_SENTENCES if one_sentence and not is_estimator else NOT_ASKED_OF_METHODS)


@pytest.mark.parametrize("name", LISTED)
def test_the_example_shows_a_result(name):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(located(name)))
    assert any(example.want for example in examples)
