"""A report on a fitted estimator as one HTML page: a summary, and the sections below it."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy.sparse import issparse

from skneural.atomic_write import atomic_write
from skneural.inspection.gradients.gradient_check import check_gradient
from skneural.inspection.html_report.gradient_section import gradient_section
from skneural.inspection.html_report.html_elements import Markup, Section, element
from skneural.inspection.html_report.model_section import model_section, model_subtitle, model_summary
from skneural.inspection.html_report.predictions_section import predictions_section
from skneural.inspection.html_report.stylesheet import PAGE_STYLE, STYLE
from skneural.inspection.html_report.training_section import training_section, training_summary
from skneural.inspection.html_report.units_section import sample_activations, units_section
from skneural.inspection.units.unit_report import unit_report
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]


# The browser must not load anything or run any script.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
META_ELEMENTS = Markup(
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">'
)


@dataclass(frozen=True)
class Report:
    """The result of :func:`skneural.inspection.report`. A notebook displays it.

    Parameters
    ----------
    title, subtitle : str
        Description of the estimator.
    summary : dict
        Names and values of the most important numbers, shown at the top.
    sections : sequence of Section
        The sections, each with a `title` and a `body` in HTML.
    footnote : str
        Versions of the software that made the report.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import report
    >>> X, y = load_iris(return_X_y=True)
    >>> page = report(ActivationMLPClassifier((8,), "tanh", solver="lbfgs", tol=1e-2, random_state=0).fit(X, y), X, y)
    >>> page.summary["features"], page.html.startswith("<!DOCTYPE html>")
    ('4', True)
    >>> with TemporaryDirectory() as folder:
    ...     page.save(Path(folder, "report.html")).exists()
    True
    """

    title: str
    subtitle: str
    summary: dict[str, Any]
    sections: Sequence[Section]
    footnote: str

    @property
    def html(self) -> str:
        """The page as a string that starts with ``<!DOCTYPE html>``."""
        head = element("head", META_ELEMENTS, element("title", self.title), element("style", Markup(PAGE_STYLE)))
        body = element("body", Markup(self._repr_html_()))
        return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page into a file that any browser can open.

        Parameters
        ----------
        path : path-like
            Such as "report.html". An existing file is replaced when the page is complete; if writing fails, it stays.

        Returns
        -------
        path : Path
            The same path, as a Path.
        """
        path = Path(path)
        page = self.html.encode()
        with atomic_write(path) as file:
            file.write(page)
        return path

    def _repr_html_(self) -> str:
        subtitle, footnote = (element("p", line, class_="muted") for line in (self.subtitle, self.footnote))
        head = element("style", Markup(STYLE)), element("h1", self.title), subtitle, _summary_tiles(self.summary)
        sections = [element("section", element("h2", section.title), section.body) for section in self.sections]
        return element("article", *head, *sections, footnote, class_="skneural-report")

    def __repr__(self) -> str:
        summary = ", ".join(f"{name} {value}" for name, value in self.summary.items())
        return f"<Report on {self.title}: {summary}. Save it with .save('report.html').>"


def report(estimator: Any, X: Any, y: Any) -> Report:
    """Make a report on a fitted network: one HTML page that you can open, save or send.

    The page shows the model and its parameters, the training curves, the unit report with its recommendations, the
    predictions on `X` (a confusion matrix, or residuals), and the gradient check. It needs no internet connection, no
    script and no other file.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        Fitted.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows, as for `predict`. Pass the training data to learn about training, or test data to see how good the
        predictions are.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets, as for `fit`.

    Returns
    -------
    report : Report
        Save it with ``save(path)``. The attribute ``html`` has the page as a string.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import report
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ActivationMLPClassifier((8,), "tanh", learning_rate_init=0.1, random_state=0).fit(X, y)
    >>> page = report(model, X, y)
    >>> [section.title for section in page.sections]
    ['The model', 'Training', 'Hidden units', 'Predictions', 'Gradient check']
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    network, rows = unwrap(estimator, X)
    targets = y.toarray() if issparse(y) else np.asarray(y)
    units, gradient = unit_report(network, rows, y), check_gradient(network, rows, y)
    quality, predictions = predictions_section(network, targets, network.predict(rows))
    summary = quality | {"rows": f"{len(targets):,}"} | model_summary(network) | training_summary(network)
    summary["gradient check"] = gradient.verdict
    model, training = model_section(estimator, network), training_section(network)
    hidden_units = units_section(units, sample_activations(network, rows))
    sections = [model, training, hidden_units, predictions, gradient_section(gradient)]
    return Report(type(network).__name__, model_subtitle(estimator, network), summary, sections, _footnote())


def _summary_tiles(summary: dict[str, Any]) -> Markup:
    """Return the names and values as tiles."""
    tiles = [element("div", element("dt", name), element("dd", value)) for name, value in summary.items()]
    return element("dl", *tiles)


def _footnote() -> str:
    made_with = {"Python": platform.python_version(), "NumPy": np.__version__, "SciPy": scipy.__version__}
    made_with["scikit-learn"] = sklearn.__version__
    with suppress(PackageNotFoundError):  # a source tree that is only on the path
        made_with["skneural"] = version("skneural")
    return "Made with " + ", ".join(f"{software} {number}" for software, number in made_with.items()) + "."
