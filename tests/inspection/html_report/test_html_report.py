import html
import os
import pickle
import re
import shutil
import subprocess
import warnings
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skneural import Activation, ActivationMLPClassifier, ActivationMLPRegressor, StdScaler
from skneural.inspection import ActivationDisplay, Report, SearchHeatmapDisplay, check_gradient, report, unit_report

X, y = load_iris(return_X_y=True)
QUICK = {"learning_rate_init": 0.05, "n_iter_no_change": 2, "tol": 0.01, "random_state": 0}
NASTY = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def classifier(sizes=(8, 5), activation="tanh", **settings):
    return ActivationMLPClassifier(sizes, activation, **{**QUICK, **settings})


@pytest.fixture(scope="module")
def page():
    model = make_pipeline(StdScaler(), classifier(early_stopping=True))
    return report(model.fit(X, y), X, y)


def texts(page):
    """Return all text of a report, and fail if it is not well-formed."""
    return " ".join(ElementTree.fromstring(page._repr_html_()).itertext())


def test_the_sections_and_the_summary(page):
    titles = ["The model", "Training", "Hidden units", "Predictions", "Gradient check"]
    assert [section.title for section in page.sections] == titles
    assert (page.summary["rows"], page.summary["features"]) == ("150", "4")
    assert page.summary["parameters"] == str(4 * 8 + 8 + 8 * 5 + 5 + 5 * 3 + 3)
    assert page.summary["gradient check"] == "good"
    assert repr(page).startswith(f"<Report on ActivationMLPClassifier: accuracy {page.summary['accuracy']}, rows 150")


def test_the_training_time_of_a_loaded_model_is_unknown(page):
    assert re.fullmatch(r"\S+ s", page.summary["training time"])
    model = pickle.loads(pickle.dumps(classifier().fit(X, y)))
    assert report(model, X, y).summary["training time"] == "unknown"


def test_the_page_is_whole_and_loads_nothing(page, tmp_path):
    path = page.save(tmp_path / "report.html")
    text = path.read_text(encoding="utf-8")
    assert text == page.html
    assert text.startswith("<!DOCTYPE html>\n<html")
    assert page._repr_html_() in text
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|<script|<link|<iframe|<img|\ssrc=|\shref=|url\(|@import|\son\w+=", text)
    assert len(text) < 60_000


def test_a_page_that_cannot_be_written_leaves_the_old_one(page, tmp_path, monkeypatch):
    path = page.save(tmp_path / "report.html")
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    other = Report("another", "", {}, [], "")
    with pytest.raises(OSError, match="No space left"):
        other.save(path)
    assert path.read_text(encoding="utf-8") == page.html
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (classifier(), (X, y)),
        (classifier(), (X[y < 2], y[y < 2])),
        (classifier(), (X, np.array(["setosa", "versicolor", "virginica"])[y])),
        (classifier(dtype="float32"), (csr_array(X), y)),
        (classifier(sizes=()), (X, y)),
        (classifier(sizes=(1,)), (X, y)),
        (classifier(solver="lbfgs", tol=0.1), (X, y)),
        (classifier(activation="prelu", batch_norm=True, dropout=0.2), (X, y)),
        (classifier(class_weight="balanced", label_smoothing=0.1), (X, y)),
        (make_pipeline(classifier()), (X, y)),
        (GridSearchCV(make_pipeline(StdScaler(), classifier()), {"stdscaler__with_std": [True, False]}, cv=2), (X, y)),
        (
            make_pipeline(StdScaler().set_output(transform="pandas"), classifier()),
            (pd.DataFrame(X, columns=list("abcd")), y),
        ),
    ],
    ids=[
        "plain",
        "binary",
        "strings",
        "sparse",
        "linear",
        "unit",
        "lbfgs",
        "all",
        "weights",
        "step",
        "search",
        "frame",
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_kind_of_classifier(model, data):
    page = report(model.fit(*data), *data)
    shown = texts(page)
    assert "Confusion matrix" in shown
    assert "nan" not in shown.split()
    assert page.summary["gradient check"] in ("good", "acceptable")  # in single precision


def test_several_labels():
    rows, labels = make_multilabel_classification(100, n_features=6, n_classes=4, random_state=0)
    model = classifier().fit(rows, labels)
    page = report(model, rows, labels)
    assert "all labels right" in page.summary
    assert "label 3" in texts(page)
    assert report(model, rows, csr_array(labels)).html == page.html


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson"])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_kind_of_regressor(loss, n_outputs):
    rows, target = load_diabetes(return_X_y=True)
    targets = target / 100 if n_outputs == 1 else np.column_stack([target / 100, target / 50])
    model = ActivationMLPRegressor(loss=loss, hidden_layer_sizes=(5,), activation="elu", max_iter=5, random_state=0)
    page = report(model.fit(rows, targets), rows, targets)
    shown = texts(page)
    assert f"Output {n_outputs - 1}: errors" in shown
    assert "R²" in page.summary


def test_other_rows_than_those_of_training(page):
    model = make_pipeline(StdScaler(), classifier()).fit(X[::2], y[::2])
    held_out = report(model, X[1::2], y[1::2])
    assert held_out.summary["accuracy"] == f"{model.score(X[1::2], y[1::2]):.4f}"
    assert texts(report(model, X[:1], y[:1]))


class Odd(Activation):
    def forward(self, Z, out=None):
        return np.clip(Z, -1, 1, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, np.abs(Z) < 1, out=out)

    def __repr__(self):
        return NASTY


def test_whatever_the_user_names_is_escaped():
    labels = np.array([NASTY, "& b", "c'"])[y]
    model = make_pipeline(StdScaler(), classifier(activation=Odd()))
    model.steps[0] = (NASTY.replace("__", "_"), model.steps[0][1])
    page = report(model.fit(X, labels), X, labels)
    assert "<script" not in page.html
    assert "<img" not in page.html
    assert html.escape(NASTY) in page.html
    shown = texts(page)  # well-formed
    assert shown.count(NASTY) >= 4


def test_the_estimator_is_not_changed_and_the_page_is_repeatable():
    model = make_pipeline(StdScaler(), classifier()).fit(X, y)
    before = model[-1].parameters_.copy()
    first, second = report(model, X, y), report(model, X, y)
    np.testing.assert_array_equal(model[-1].parameters_, before)
    assert first.html == second.html


class HardTanh(Activation):
    def forward(self, Z, out=None):
        return np.clip(Z, -1, 1, out=out)

    def backward(self, dA, Z, A, out=None):
        return np.multiply(dA, np.abs(Z) < 1, out=out)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_activation_from_outside_gets_everything():
    plt.close("all")
    plt.switch_backend("Agg")
    model = make_pipeline(StdScaler(), ActivationMLPClassifier((8,), max_iter=5, random_state=0))
    grid = {
        "activationmlpclassifier__activation": [HardTanh(), "tanh"],
        "activationmlpclassifier__learning_rate_init": [0.01, 0.1],
    }
    heatmap = SearchHeatmapDisplay.from_estimator(GridSearchCV(model, grid, cv=2).fit(X, y))
    assert heatmap.rows[1][0] == HardTanh()
    assert np.isfinite(heatmap.scores).all()
    fitted = model.set_params(activationmlpclassifier__activation=HardTanh()).fit(X, y)
    assert check_gradient(fitted, X, y).raise_if_wrong().verdict == "good"
    assert unit_report(fitted, X, y).layers[0].activation == "HardTanh()"
    curve = ActivationDisplay.from_activation(HardTanh())
    np.testing.assert_array_equal(curve.flat, np.abs(curve.z) >= 1)
    shown = texts(report(fitted, X, y))
    assert "0: HardTanh()" in shown
    plt.close("all")


def test_recommendations_are_on_the_page():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = classifier((20, 10), "relu", learning_rate_init=1.0, max_iter=10).fit(X, y)
    page = report(model, X, y)
    assert "units are dead" in texts(page)
    assert "usual ranges" not in texts(page)


def test_the_summary_is_escaped():
    assert "<dt>a</dt><dd>&lt;b&gt;</dd>" in Report("title", "", {"a": "<b>"}, [], "").html


def test_what_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError):
        report(classifier(), X, y)


MEASURE = """<!DOCTYPE html><body><iframe style="width: {width}px; height: 800px; border: 0"></iframe><script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe"), shown = () => page.contentDocument;
  page.onload = () => {{
    const root = shown().documentElement;
    const style = name => page.contentWindow.getComputedStyle(shown().querySelector(name));
    const inside = [...shown().querySelectorAll("svg text, dd, h1, h2, p, li")].every(each => {{
      const box = each.getBoundingClientRect();
      return box.left >= 0 && box.right <= {width} + 0.5;
    }});
    document.title = JSON.stringify({{wide: root.scrollWidth, inside, svg: shown().querySelectorAll("svg").length,
      ground: style(".skneural-report").backgroundColor, drawn: style("svg .line").stroke,
      height: shown().querySelector("svg").getBoundingClientRect().height}});
  }};
  page.srcdoc = {source};
}});
</script></body>"""


def in_chromium(page, tmp_path, width, *options):
    """Return what the browser measures of the page at some width."""
    import json

    source = json.dumps(page.html).replace("</", "<\\/")
    outer = tmp_path / "outer.html"
    outer.write_text(MEASURE.format(width=width, source=source), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", *options]
    dumped = subprocess.run(
        [*command, "--dump-dom", outer.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    title = re.search(r"<title>(.*?)</title>", dumped.stdout)
    assert title, dumped.stdout[:2000] + dumped.stderr
    return json.loads(html.unescape(title.group(1)))


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian's package chromium)")
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_in_a_browser_nothing_sticks_out(page, tmp_path, width):
    found = in_chromium(page, tmp_path, width)
    assert found["wide"] <= width
    assert found["inside"]
    assert found["svg"] == page.html.count("<svg")
    assert found["height"] > 100
    assert found["ground"] == "rgb(255, 255, 255)"
    assert found["drawn"] == "rgb(0, 114, 178)"


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian's package chromium)")
def test_in_a_dark_browser_the_page_is_dark(page, tmp_path):
    found = in_chromium(page, tmp_path, 900, "--blink-settings=preferredColorScheme=0")
    assert found["ground"] == "rgb(20, 23, 27)"
    assert found["drawn"] == "rgb(86, 180, 233)"
