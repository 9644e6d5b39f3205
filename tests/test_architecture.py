"""The house keeps its shape: imports go one way, rooms have their names, private names stay behind one door."""

import ast
import sys
from pathlib import Path

import pytest

import skneural

PACKAGE = Path(skneural.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))

MATHEMATICS = [
    "constraints",
    "component",
    "backend",
    "float_errors",
    "input_arrays",
    "signatures",
    "weighted_quantiles",
    "activations",
    "custom_component_checks",
    "initializers",
    "losses",
    "penalties",
    "preprocessing/row_blocks",
    "preprocessing/mean_and_variance",
    "preprocessing/covariance",
    "solvers/schedules",
    "solvers/batches",
    "solvers/early_stopping",
    "solvers/exceptions",
    "_version",
]
# Each room may import from itself and from rooms above it.
LEVELS = [
    MATHEMATICS,
    ["network"],
    ["solvers"],
    ["_sklearn_compat", "saved_state", "atomic_write", "sample_weight"],
    ["estimators", "preprocessing", "versions"],
    ["deployment"],
    ["inspection"],
    ["__init__"],
]


def imported(module):
    """Return the absolute names that a module imports, wherever in the file."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} uses a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def level(module):
    fitting = [i for i, rooms in enumerate(LEVELS) for room in rooms if module == room or module.startswith(room + "/")]
    assert fitting, f"{module} belongs to no room"
    return fitting[0]


def own(name):
    """Return the module of this package that an imported name comes from, as a path."""
    parts = name.split(".")[1:]
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end])
        if path in MODULES or f"{path}/__init__" in MODULES:
            return path
    return "__init__"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module):
    for name in imported(module):
        if name.split(".")[0] == "skneural":
            assert level(own(name)) <= level(module), f"{module} imports {name}, from a room below its own"


@pytest.mark.parametrize("module", [m for m in MODULES if level(m) <= level("solvers/base")])
def test_mathematics_and_parts_need_numpy_and_scipy_only(module):
    allowed = {"skneural", "numpy", "scipy"} | ({"joblib"} if module == "network/threads" else set())  # whose they are
    foreign = {name.split(".")[0] for name in imported(module)} - allowed
    assert foreign <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("module", [m for m in MODULES if m != "_sklearn_compat"])
def test_private_names_of_scikit_learn_stay_behind_one_door(module):
    private = [
        name
        for name in imported(module)
        if name.startswith("sklearn.") and any(part.startswith("_") for part in name.split("."))
    ]
    assert not private


def test_there_is_no_cycle():
    edges = {m: {own(n) for n in imported(m) if n.startswith("skneural.")} & set(MODULES) - {m} for m in MODULES}
    order = []
    while len(order) < len(edges):
        free = [m for m in edges if m not in order and edges[m] <= set(order)]
        assert free, f"a cycle among {sorted(set(edges) - set(order))}"
        order += free


def test_every_source_file_has_a_test_file_of_its_name():
    tested = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    untested = [m for m in MODULES if "test_" + Path(m).name.lstrip("_") not in tested and not m.endswith("__init__")]
    assert not untested


def test_no_room_is_named_after_a_mechanism():
    names = {part for module in MODULES for part in module.split("/")}
    assert not names & {"utils", "helpers", "common", "core", "misc"}


def test_all_public_names_exist():
    for name in skneural.__all__:
        assert hasattr(skneural, name)


TRAINING = [
    m for m in MODULES if m in ("activations", "losses", "penalties") or m.split("/")[0] in ("network", "solvers")
]


@pytest.mark.parametrize("module", TRAINING)
def test_training_keeps_to_one_blas(module):
    # NumPy's and SciPy's have threads of their own, which fight for the cores: see docs/decisions.md.
    assert not [name for name in imported(module) if name.startswith("scipy.linalg")]
