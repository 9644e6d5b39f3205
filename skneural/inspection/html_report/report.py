"""Everything about a fitted estimator on one page."""

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
from sklearn.base import is_classifier
from sklearn.utils import resample

from skneural.atomic_write import atomic_write
from skneural.estimators.base import BaseActivationMLP
from skneural.inspection.displays import UnitActivityDisplay
from skneural.inspection.gradients.check import check_gradient
from skneural.inspection.html_report.markup import Markup, element, joined
from skneural.inspection.html_report.predictions import classification_section, multilabel_section, regression_section
from skneural.inspection.html_report.sections import (
    Section,
    gradient_section,
    key_figures,
    model_section,
    training_section,
    units_section,
)
from skneural.inspection.html_report.style import PAGE_STYLE, STYLE
from skneural.inspection.units.report import unit_report
from skneural.inspection.unwrapping import unwrap

Array = NDArray[Any]

N_ROWS = 2000  # enough for a histogram

# Nothing may be loaded or run: the page is what it is.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Report:
    """The result of :func:`skneural.inspection.report`; shows itself in a notebook.

    Parameters
    ----------
    title, subtitle : str
        What the estimator is.
    figures : dict
        Names and values of what stands at the top.
    sections : sequence of Section
        What follows, each with its `title` and its `body` in HTML.
    footnote : str
        What it was made with.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.inspection import report
    >>> X, y = load_iris(return_X_y=True)
    >>> page = report(ActivationMLPClassifier((8,), "tanh", solver="lbfgs", tol=1e-2, random_state=0).fit(X, y), X, y)
    >>> page.figures["features"], page.html.startswith("<!DOCTYPE html>")
    ('4', True)
    >>> with TemporaryDirectory() as folder:
    ...     page.save(Path(folder, "report.html")).exists()
    True
    """

    title: str
    subtitle: str
    figures: dict[str, Any]
    sections: Sequence[Section]
    footnote: str

    @property
    def html(self) -> str:
        """The whole page, from ``<!DOCTYPE html>`` on."""
        head = joined(
            Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
            element("title", self.title),
            element("style", Markup(PAGE_STYLE)),
        )
        page = element("html", element("head", head), element("body", Markup(self._repr_html_())), lang="en")
        return f"<!DOCTYPE html>\n{page}\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page into a file, which any browser opens.

        Parameters
        ----------
        path : path-like
            Such as "report.html"; what was there is replaced when the page is whole, and stays if writing fails.

        Returns
        -------
        path : Path
            The same as a Path.
        """
        path = Path(path)
        page = self.html.encode()
        with atomic_write(path) as file:
            file.write(page)
        return path

    def _repr_html_(self) -> str:
        top = joined(element("h1", self.title), element("p", self.subtitle, class_="soft"), key_figures(self.figures))
        parts = [element("section", element("h2", each.title), each.body) for each in self.sections]
        foot = element("p", self.footnote, class_="soft")
        return element("article", element("style", Markup(STYLE)), top, *parts, foot, class_="skneural-report")

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        return f"<Report on {self.title}: {figures}. Save it with .save('report.html').>"


def report(estimator: Any, X: Any, y: Any) -> Report:
    """Put all that there is to see of a fitted network on one HTML page.

    What the model is, training curves, the unit report with its advice, predictions on the given rows (a confusion
    matrix, or residuals), and the gradient check. The page needs no network, no script and no other file.

    Parameters
    ----------
    estimator : ActivationMLPClassifier, ActivationMLPRegressor, or a Pipeline or search that ends in one
        Fitted.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows to look at, as `estimator` takes them: those it was trained on, to learn about training; others, to
        learn how it does on them.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their targets, as for `fit`.

    Returns
    -------
    report : Report
        With ``save(path)``, and the page as a string in ``html``.

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
    figures, predictions = _predictions(network, targets, network.predict(rows))
    return Report(
        title=type(network).__name__,
        subtitle=_subtitle(estimator, network),
        figures={
            **figures,
            "rows": f"{len(targets):,}",
            "features": f"{network.n_features_in_:,}",
            "parameters": f"{network._network.layout.n_trainable:,}",
            "epochs": len(network.loss_curve_),
            "training time": f"{sum(network.history_['seconds']):.3g} s",
            "gradient check": gradient.verdict,
        },
        sections=[
            model_section(estimator, network),
            training_section(network),
            units_section(units, _activity(network, rows)),
            predictions,
            gradient_section(gradient),
        ],
        footnote=_versions(),
    )


def _predictions(network: BaseActivationMLP, y: Array, predicted: Array) -> tuple[dict[str, str], Section]:
    if not is_classifier(network):
        return regression_section(y, predicted)
    return multilabel_section(y, predicted) if predicted.ndim == 2 else classification_section(y.ravel(), predicted)


def _subtitle(estimator: Any, network: BaseActivationMLP) -> str:
    steps = [type(step).__name__ for _, step in getattr(estimator, "steps", [(None, network)])]
    layers = " - ".join(str(size) for size in network._sizes)
    return f"{', '.join(steps)}; layers of {layers} units, solver {network.solver}, {network.parameters_.dtype.name}"


def _activity(network: BaseActivationMLP, rows: Any) -> UnitActivityDisplay | None:
    if not network.activations_:
        return None
    some = resample(rows, replace=False, n_samples=min(N_ROWS, np.shape(rows)[0]), random_state=0)
    layers = range(len(network.activations_))
    names = [f"layer {i}: {network.activations_[i]}" for i in layers]
    return UnitActivityDisplay([network.hidden_features(some, i) for i in layers], names)


def _versions() -> str:
    versions = {"Python": platform.python_version(), "NumPy": np.__version__, "SciPy": scipy.__version__}
    versions["scikit-learn"] = sklearn.__version__
    with suppress(PackageNotFoundError):  # a source tree that is only on the path
        versions["skneural"] = version("skneural")
    return "Made with " + ", ".join(f"{name} {number}" for name, number in versions.items()) + "."
