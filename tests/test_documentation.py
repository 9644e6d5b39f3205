"""The pages keep their word: their code runs and prints what they say it prints, and their links lead somewhere."""

import contextlib
import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import joblib
import pytest
from sklearn.exceptions import ConvergenceWarning

from skneural import DeadUnitsWarning, VersionWarning

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]

# python runs, output is what the python before it prints; the others are shown only.
LANGUAGES = {"python", "output", "sh", "text", "toml"}

# What a page, or a section of a page whose sections are run one by one, needs besides the package; where it is not
# installed, or scikit-learn is older, it is skipped, with the name of what is missing as the reason.
NEEDS = {
    "docs/diagnosis.md": ["sklearn.callback"],
    "docs/deployment.md": ["skops", "skl2onnx", "onnxruntime", "pandas"],
    "docs/scale.md": ["dask.array", "distributed"],
    "docs/with_other_tools.md#MLflow": ["mlflow", "skops"],
    "docs/with_other_tools.md#Optuna": ["optuna"],
    "docs/with_other_tools.md#SHAP": ["shap"],
    "docs/with_other_tools.md#imbalanced-learn": ["imblearn", "pandas"],
    "docs/with_other_tools.md#skrub": ["skrub", "pandas"],
    "docs/with_other_tools.md#MAPIE": ["mapie"],
    "docs/with_other_tools.md#dask-ml": ["dask_ml"],
}

# The main job takes two minutes; pages that show it are run with one activation, one rate and two folds.
SMALLER = [
    ('"logistic", "tanh", "relu", "leaky_relu", "prelu", "elu", Maxout(n_pieces=2)', "Maxout(n_pieces=2)"),
    ("[1e-4, 1e-3, 1e-2, 1e-1]", "[1e-2]"),
    ("n_jobs=-1", "cv=2"),
]


@dataclass
class Block:
    """A fenced block of a page: its language, its text, the number of its first line."""

    language: str
    text: str
    line: int


def blocks(name):
    """Return the blocks of a page, or those before its first section and those of the section after the #."""
    page, _, section = name.partition("#")
    text = (ROOT / page).read_text()
    if section:
        parts = re.split(r"^(?=## )", text, flags=re.M)
        wanted = [not part.startswith("## ") or part.startswith(f"## {section}\n") for part in parts]
        text = "".join(
            part if want else "\n" * part.count("\n") for part, want in zip(parts, wanted, strict=True)
        )  # lines keep their numbers
    fences = re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.M | re.S)
    found = [Block(fence[1], fence[2], text[: fence.start(2)].count("\n") + 1) for fence in fences]
    return [block for block in found if not block.language.startswith("{")]  # what Sphinx puts there


def run(block, name, names):
    """Run a block; its lines have their numbers on the page in a traceback."""
    code = block.text
    for full, small in SMALLER:
        code = code.replace(full, small)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n" * (block.line - 1) + code, name, "exec"), names)
    return printed.getvalue()


NUMBER = re.compile(r"-?\d+\.\d*(?:e[+-]?\d+)?|-?\d+e[+-]?\d+|\d+(?=%)")  # those that arithmetic may change


def agree(said, printed):
    """Whether two outputs are the same, apart from spaces and from what rounding may do to decimal fractions."""
    texts = [NUMBER.sub("#", text).split() for text in (said, printed)]
    numbers = zip(NUMBER.findall(said), NUMBER.findall(printed), strict=False)
    return texts[0] == texts[1] and all(abs(float(a) - float(b)) <= tolerance(a) for a, b in numbers)


def tolerance(number):
    """Return one unit in the last place, or a twentieth of the number if that is more."""
    digits = number.partition("e")[0].partition(".")[2]
    return max(0.05 * abs(float(number)), 1.01 * 10.0 ** -len(digits))


@pytest.mark.parametrize(
    ("said", "printed", "same"),
    [
        ("accuracy 0.97", "accuracy  0.96\n", True),
        ("accuracy 0.97", "accuracy 0.91", False),
        ("accuracy 0.97", "loss 0.97", False),
        ("0.0007 True", "0.0008 True", True),
        ("0.0007 True", "0.0009 True", False),
        ("450 digits", "451 digits", False),
        ("94% dead", "92% dead", True),
        ("94% dead", "80% dead", False),
        ("0.5", "0.5 0.5", False),
    ],
)
def test_agreement(said, printed, same):
    assert agree(said, printed) is same


@pytest.mark.parametrize("name", NAMES)
def test_every_block_says_what_it_is(name):
    assert {block.language for block in blocks(name)} <= LANGUAGES


def runnable(name):
    return any(block.language == "python" for block in blocks(name))


def runs():
    """Yield what is run in one go: pages, and sections of the page on other tools."""
    for name in NAMES:
        sections = [key for key in NEEDS if key.startswith(f"{name}#")]
        yield from sections or ([name] if runnable(name) else [])


# joblib's dask backend keeps arrays by their address, and deletes an entry twice if two threads get the same address.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <function _WeakKeyDictionary:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("name", [*runs()])
def test_code_runs_and_prints_what_the_page_says(name, tmp_path, monkeypatch):
    for module in NEEDS.get(name, []):
        pytest.importorskip(module)
    if "#" in name:  # the other tools warn of one another; what this package warns of stays an error
        warnings.simplefilter("ignore")
        for category in (ConvergenceWarning, DeadUnitsWarning, VersionWarning, RuntimeWarning):
            warnings.simplefilter("error", category)
    monkeypatch.chdir(tmp_path)
    names, printed = {"__name__": "page"}, ""
    for block in blocks(name):
        if block.language == "python":
            printed += run(block, name, names)
        elif block.language == "output":
            says = f"{name}, line {block.line}, says\n{block.text}\nbut the code printed\n{printed}"
            assert agree(block.text, printed), says
            printed = ""
    assert not printed, f"{name} does not show this output:\n{printed}"


def test_every_section_with_code_is_run():
    text = (ROOT / "docs/with_other_tools.md").read_text()
    sections = [part for part in re.split(r"^## ", text, flags=re.M)[1:] if "```python" in part]
    named = [f"docs/with_other_tools.md#{part.splitlines()[0]}" for part in sections]
    assert named == [key for key in NEEDS if "#" in key]


@pytest.mark.parametrize("name", ["README.md", "docs/index.md"])
def test_the_main_job_saves_a_good_model(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main_job, names = blocks(name)[0], {"__name__": "page"}
    assert all(full in main_job.text for full, _ in SMALLER)  # else it was not made smaller
    run(main_job, name, names)
    assert joblib.load("model.joblib").score(names["X_test"], names["y_test"]) > 0.95


def test_the_readme_has_exactly_two_commands():
    section = (ROOT / "README.md").read_text().split("## Try it")[1].split("\n## ")[0]
    assert len(re.findall(r"```sh\n(.*?)```", section, re.S)) == 2


@pytest.mark.parametrize("name", NAMES)
def test_links_to_files_lead_somewhere(name):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.S))
    built = ("gallery/", "generated/")  # there only once the site is; its links are followed in test_site
    missing = [target for target in targets if not ((ROOT / name).parent / target).exists()]
    assert not [target for target in missing if not target.startswith(built)]
