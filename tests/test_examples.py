"""Every example runs, from an empty folder and in a fresh process, and prints the numbers of its claims."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skneural import ACTIVATIONS
from skneural.backend import EXTENSIONS, built_extension

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LECTURE = {f"A{i}" for i in range(1, 15)} | {f"P{i}" for i in range(1, 8)} | {"C1", "C2", "C3"}

N_ACTIVATIONS = len(set(map(repr, ACTIVATIONS.values())))  # two have two names

# Example -> what its output must contain, claim by claim; the claim's number begins the line.
CLAIMS = {
    "plot_activation_functions": [
        r"A1: .* from 0 to 1; its slope at 0 is 0\.25; .* at most 0\.0025",
        r"A2: .* 4\.5e-05 at -10, 0\.25 at 0, 4\.5e-05 at 10",
        r"A5: tanh takes values from -1 to 1, its mean .* is -?0\.000 .* slope at ±10: 8\.2e-09",
        r"A7: .* is 0 at -10, 0 at 0 and 1 at 10; it is zero on 50% .* 0\.399",
    ],
    "plot_convergence": [
        r"A6: tanh needs \d+\.\d epochs and \d+\.\d ms, ReLU \d+\.\d epochs .* a factor \d+\.\d in epochs, \d+\.\d in",
        r"A6: logistic needs \d+\.\d epochs",
        r"A6: AlexNet's factor of 6 for tanh is (not )?seen",
    ],
    "plot_cost": [r"A4: the sigmoid takes \d+ µs, \d+\.\d times .* matrix products of the layer take \d+ µs, \d+\.\d"],
    "plot_dead_units": [
        r"A8: dead before training \d+% .* \d+% at the default rate, \d+% at rate 0\.03, (9\d|100)% at rate 1",
        r"A8: at rate 1: Layer 1: \d+ of 50 units died in epoch 1\.",
        r"A8: recommendation at rate 1: Layer 1: \d+% of the units are dead.* learning_rate_init, now 1",
        r"A8: recommendations at the default rate: none",
        r"A8: with biases that begin at -5, [1-9]\d*% of layer 0 are dead before training",
        r"A9: biases of 0\.01 .* dead units by [+-]\d+\.\d points and the accuracy by [+-]\d\.\d\d points",
    ],
    "plot_elu_noise": [
        r"A12: the mean activation .* 0\.[01]\d and 0\.\d\d with ELU, 0\.[34]\d and \d\.\d\d with ReLU",
        r"A12: with noise .* ELU scores 0\.\d{3} and ReLU 0\.\d{3}",
        r"A12: this noise lowers the accuracy of ELU by -?0\.\d{3} and of ReLU by -?0\.\d{3}: .* is (not )?seen",
    ],
    "plot_gradient_check": [
        r"C3: ELU: largest relative error \de-(0[89]|1\d), verdict: good",
        rf"C3: of {N_ACTIVATIONS} activations none has a relative error above 1e-(0[789]|1\d)",
        r"C3: caught: The gradient is wrong: coefs_\[0\] \(data loss\): relative error 3\.3e-01",
        r"C3: with the 2: .* verdict: good",
    ],
    "plot_grid_search": [
        r"Maxout\(n_pieces=2\)( +0\.\d{4}){4}",
        r"A14: each at its best learning rate: \w.* 0\.9\d{3}, ",
        r"A14: logistic is number \d of 7",
        r"A14: \d of 7 are within one standard deviation over the folds, 0\.0\d{3}, of the best",
        r"A14: best pair: .* mean accuracy 0\.9[78]",
        r"A14: accuracy on 450 unseen digits: 0\.9[6-9]",
        r"in a fresh process: equal predictions: True",
        r"heat map: grid_search\.png",
    ],
    "plot_image_means": [
        r"P5: the mean image has 432 numbers, the channel means are \[0\.\d+ 0\.\d+ 0\.\d+\]",
        r"P5: means of the channels .* after centring \de-1[3-9]",
        r"P5: accuracy 0\.\d{3} without centring, 0\.9\d\d with the mean image, 0\.9\d\d with channel means",
    ],
    "plot_initialization": [
        r"C1: .* a factor (0\.[89]|1\.[01])\d? with auto, 0\.1\d with glorot_uniform, \de-06 .*, \de\+04 with",
        r"C1: with normal\(1\), [6-9]\d% .* saturated",
        r"C1: loss after 10 epochs: 0\.[01]\d\d with auto, 2\.3\d\d with normal\(0\.01\), 2\.3\d\d with zeros",
    ],
    "plot_maxout": [
        r"A13: .* has 3250 parameters with ReLU and 6500 with Maxout of two pieces: 2 times as many",
        r"A13: Maxout of 2: its pieces are the largest on \d+%, \d+% of the rows",
        r"A13: dead in the second layer at learning rate 0\.3: [1-9]\d*% of the ReLU units, 0% of the Maxout units",
        r"A13: eight units of three straight pieces fit .* an error of 0\.[01]\d\d",
    ],
    "plot_members": [
        r"among the rows +0\.0[1-4]\d +0\.0\d\d",
        r"in the gap +0\.[01]\d\d +0\.[1-4]\d\d",
        r"outside +0\.[3-9]\d\d +[01]\.\d\d\d",
        r"worst radius: rank correlation of spread and error 0\.[23]\d, from 0\.\d\d to 0\.[34]\d; R² 0\.9[45]",
        r"diabetes: rank correlation of spread and error -0\.[01]\d, from -0\.\d\d to -?0\.\d\d; R² 0\.5\d",
    ],
    "plot_quantiles": [
        r"targets inside the 90 % interval: (8[5-9]|9[0-5])\.\d% of held-out patients, mean of 10 splits",
        r"0\.05 +4\.\d\d +5\.\d\d",
        r"0\.50 +2[1-4]\.\d\d +3[23]\.\d\d",
        r"0\.95 +5\.\d\d +[78]\.\d\d",
    ],
    "plot_racing": [
        r"28 candidates, 4 epochs more each: best .* 0\.9[67]\d\d",
        r"3 candidates, 48 epochs more each: best .* 0\.9[78]\d\d",
        r"race's best is within one standard error of the grid's: True",
        r"equal networks: True",
        r"race takes 0\.[123]\d of the grid's time",
    ],
    "plot_regularization": [
        rf"C2: {name}: test accuracy 0\.\d{{3}}, [+-]\d+\.\d points"
        for name in ["L2", "L1", "dropout", "max-norm", "label smoothing", "early stopping"]
    ],
    "plot_report": [
        r"<Report on ActivationMLPClassifier: accuracy 0\.9\d{3}, rows 450, features 64, .* gradient check good\.",
        r"report\.html: [2-5]\d KiB",
    ],
    "plot_scaling": [
        r"P1: accuracy 0\.\d{3} with the features as they are, .* 0\.9\d\d centred and scaled, in \d+ epochs",
        r"P2: on images, centring reaches 0\.9\d{3}, centring and scaling 0\.9\d{3}, whitening 0\.\d{4}",
        r"P2: with shuffled folds, centring reaches 0\.9[78]\d\d, centring and scaling 0\.9[678]\d\d",
    ],
    "plot_slopes": [
        r"A10: at learning rate 0\.1, [1-9]\d*% of the ReLU units .* are dead, and 0% of the Leaky ReLU units",
        r"A10: best negative_slope [01](\.\d+)?, accuracy 0\.9\d{3}",
        r"A11: slopes learned by layer 1: mean 0\.\d{3}, from -?0\.\d{3} to 0\.\d{3}",
        r"A11: slopes_\[0\], slopes_\[1\] receive a gradient .* to coefs_\[0\], coefs_\[1\], coefs_\[2\] only",
    ],
    "plot_training_statistics": [
        r"P4: scoring shifted test rows changes mean and scale by 0\n",
        r"P4: .* 1347 training rows: largest difference \d\.\de-1[4-9]; .* differ by 0\.\d\d grey levels",
        r"P6: MeanCenterer: .* differ by (0|\d)e[+-](00|1[4-9]), relative to the largest",
        r"P6: PCAWhitener: .* differ by (0|\d)e[+-](00|1[3-9]), relative to the largest",
        r"P7: mean estimated from +10,000 of 500,000 rows: error 0\.0[12]\d\d, theory 0\.0198",
    ],
    "plot_vanishing_gradients": [
        r"A2: .* by a factor \de-0[4-7] in a sigmoid network and by [01]\.\d\d in a ReLU network",
    ],
    "plot_whitening": [
        r"P3: correlation of neighbouring pixels: 0\.9\d\d, after PCA 0\.000; .* to \[1\. 1\.\]",
        r"P3: mean correlation of neighbours in whole patches: 0\.9\d\d, after ZCA 0\.[0-4]\d\d",
        r"P3: correlation of a whitened pixel with its original: ZCA 0\.[3-9]\d\d, PCA -?0\.0\d\d",
    ],
    "plot_zero_centred": [
        r"A3: .* one sign for 100% of the rows behind a sigmoid layer, for 0% behind a tanh .* 100% .* 0% behind",
        r"A3: averaged over many rows, \d+% of the units",
        r"A5: behind tanh, 0% of the rows",
        r"A7: behind ReLU, 100% of the rows",
    ],
}


# Hundreds of fits, which take minutes in NumPy's form: without the native core a smaller search runs instead, and
# what it prints is not compared.
SEARCHES = {"plot_grid_search", "plot_racing"}
NATIVE = all(map(built_extension, EXTENSIONS))

# What an example needs besides the package; where scikit-learn is older, the example is not run.
NEEDS = {"plot_dead_units": ["sklearn.callback"]}


def run(code, folder, **variables):
    """Run a program in a folder, without a screen and with one BLAS thread per process, and return its output."""
    environment = {**os.environ, "MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", **variables}
    done = subprocess.run(
        [sys.executable, *code], cwd=folder, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
TIME = re.compile(r"\d [µm]?s\b")


def quotes(example):
    """Yield the lines that pages say an example prints, after the name of the page."""
    for page in PAGES:
        for quote in re.findall(rf"<!-- printed by examples/{example} -->\n```text\n(.*?)```", page.read_text(), re.S):
            yield from ((page.name, line) for line in quote.splitlines() if line)


def alike(said, printed):
    """Whether two lines are the same, apart from spaces, from times, and from what another machine may round."""
    if len({"".join(NUMBER.sub("#", line).split()) for line in (said, printed)}) > 1:
        return False
    pairs = zip(NUMBER.findall(said), NUMBER.findall(printed), strict=True)
    return bool(TIME.search(said)) or all(close(*pair) for pair in pairs)


def close(said, printed):
    """Whether a number is off by a tenth, or one in the last place, at most; by 0.01 if it has three decimals."""
    a, b = abs(float(said)), abs(float(printed))
    if "e" in said:
        return max(a, b) < 1e-6 or 0.5 < a / b < 2  # what is that small is rounding
    places = len(said.partition(".")[2])
    return abs(a - b) <= (0.01 if places > 2 else max(0.1 * a, 1.01 * 10.0**-places))


@pytest.mark.parametrize(
    ("said", "printed", "same"),
    [
        ("relu 0.9339   0.9755", "relu   0.9341 0.9755", True),
        ("relu 0.8701", "relu 0.9117", False),
        ("22% dead", "23% dead", True),
        ("22% dead", "64% dead", False),
        ("22% dead", "22% saturated", False),
        ("a factor 6e-05", "a factor 5e-05", True),
        ("a factor 6e-05", "a factor 2e-03", False),
        ("off by 2e-15", "off by 4e-16", True),
        ("costs 231 µs, 4.8 times", "costs 100 µs, 2.5 times", True),
        ("5 of 7", "2 of 7", False),
    ],
)
def test_lines_that_are_alike(said, printed, same):
    assert alike(said, printed) is same


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_prints_what_it_claims(path, tmp_path):
    for module in NEEDS.get(path.stem, []):
        pytest.importorskip(module)
    if path.stem in SEARCHES and not NATIVE:
        pytest.skip("see test_a_smaller_search")
    output = run([str(path)], tmp_path)
    for claim in CLAIMS[path.stem]:
        assert re.search(claim, output), f"{claim!r} is not in the output:\n{output}"
    for page, line in quotes(path.name):
        assert any(alike(line, printed) for printed in output.splitlines()), f"{page} has {line!r}, not in\n{output}"


def test_no_claim_of_the_lecture_is_missing():
    numbers = [re.match(r"[APC]\d+(?=:)", claim) for claims in CLAIMS.values() for claim in claims]
    assert {number.group() for number in numbers if number} == LECTURE


def test_every_example_has_claims_and_every_claim_an_example():
    assert set(CLAIMS) == {path.stem for path in EXAMPLES}


def smaller_search(name, folder):
    """Write an example with a grid of two activations at one rate into a folder, and return its name."""
    source = (EXAMPLES[0].parent / f"{name}.py").read_text()
    source, n_rates = re.subn(r"\[1e-4, 1e-3, 1e-2, 1e-1\]", "[1e-2]", source)
    source, n_activations = re.subn(r"activations = \[.*\]", 'activations = ["logistic", "relu"]', source)
    assert n_rates == n_activations == 1
    (folder / "small.py").write_text(source.replace("n_jobs=-1", "cv=2"))
    return "small.py"


@pytest.mark.skipif(NATIVE, reason="runs in full")
def test_a_smaller_search(tmp_path):
    output = run([smaller_search("plot_racing", tmp_path)], tmp_path)
    assert "equal networks: True" in output
    assert "race's best is within one standard error of the grid's: True" in output
    output = run([smaller_search("plot_grid_search", tmp_path)], tmp_path)
    assert "equal predictions: True" in output
    assert (tmp_path / "grid_search.png").exists()


def test_the_main_job_runs_without_matplotlib(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('blocked')\n")
    output = run([smaller_search("plot_grid_search", tmp_path)], tmp_path)
    assert "equal predictions: True" in output
    assert "no heat map: Displays need matplotlib" in output
    assert not (tmp_path / "grid_search.png").exists()
