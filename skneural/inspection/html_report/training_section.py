"""The section on training: charts of the loss and of what else changed from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from skneural.estimators.base import BaseActivationMLP
from skneural.estimators.history import History, best_scored_epoch
from skneural.inspection.html_report.html_elements import Markup, Section, chart_grid, concatenate, element
from skneural.inspection.html_report.svg_charts import line_chart, short_number

# Column of `history_` -> title of its chart.
HISTORY_CHARTS = {
    "validation_score": "Score on the validation rows",
    "learning_rate": "Learning rate",
    "gradient_norm": "Norm of the gradient (last batch of each epoch)",
    "update_ratio": "Norm of a step, relative to the parameters",
}


def training_section(network: BaseActivationMLP) -> Section:
    """Return the section: the loss curve, and a chart for each other quantity that changed during training."""
    history = {name: column for name, column in network.history_.items() if column}
    kept_epoch = best_scored_epoch(network.history_) if network.early_stopping else None
    notes = element("p", " ".join(_training_notes(history, kept_epoch)), class_="muted")
    charts = [_loss_chart(history, kept_epoch), *_charts_of_changes(history)]
    return Section("Training", concatenate(notes, chart_grid(charts)))


def training_summary(network: BaseActivationMLP) -> dict[str, str]:
    """Return the epochs and the time, for the summary."""
    seconds = sum(network.history_["seconds"])
    training_time = f"{seconds:.3g} s" if math.isfinite(seconds) else "unknown"  # files do not hold it
    return {"epochs": f"{network._n_epochs:,}", "training time": training_time}


def _training_notes(history: History, kept_epoch: int | None) -> Iterator[str]:
    yield "The training loss is the mean over the batches of an epoch, plus the penalty."
    if "validation_loss" in history:
        yield "The validation loss has no penalty."
    learning_rates = {rate for rate in history.get("learning_rate", []) if math.isfinite(rate)}
    if len(learning_rates) == 1:
        yield f"The learning rate was {short_number(learning_rates.pop())} in all epochs."
    if kept_epoch is not None:
        yield f"Early stopping kept the weights of epoch {kept_epoch}, marked by a dashed line."


def _loss_chart(history: History, kept_epoch: int | None) -> Markup:
    curves = {"training": history.get("loss", [])}
    if "validation_loss" in history:
        curves["validation"] = history["validation_loss"]
    return line_chart("Loss", curves, marked=kept_epoch)


def _charts_of_changes(history: History) -> Iterator[Markup]:
    """Yield a chart for each column of the history that is not constant."""
    for name, title in HISTORY_CHARTS.items():
        curve = np.asarray(history.get(name, []), dtype=float)
        finite_values = curve[np.isfinite(curve)]
        if finite_values.size and np.ptp(finite_values) > 0:
            yield line_chart(title, {name: curve})
