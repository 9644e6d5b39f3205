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
    best_epoch = best_scored_epoch(network.history_) if network.early_stopping else None
    best_note = "" if best_epoch is None else _best_epoch_note(network, best_epoch)
    notes = element("p", " ".join([*_training_notes(history), best_note]).strip(), class_="muted")
    charts = [_loss_chart(history, best_epoch), *_charts_of_changes(history)]
    return Section("Training", concatenate(notes, chart_grid(charts)))


def training_summary(network: BaseActivationMLP) -> dict[str, str]:
    """Return the epochs and the time, for the summary."""
    seconds = sum(network.history_["seconds"])
    training_time = f"{seconds:.3g} s" if math.isfinite(seconds) else "unknown"  # files do not hold it
    return {"epochs": f"{network._n_epochs:,}", "training time": training_time}


def _best_epoch_note(network: BaseActivationMLP, best_epoch: int) -> str:
    """Return what became of the weights of the best epoch: the epochs after it have no score if they saw all rows."""
    if network.early_stopping in ("auto", "continue") and math.isnan(network.history_["validation_score"][-1]):
        from_there = "from there, training went on, on all rows."
        return f"Epoch {best_epoch}, marked by a dashed line, was the best on the held-out rows; {from_there}"
    return f"Early stopping kept the weights of epoch {best_epoch}, marked by a dashed line."


def _training_notes(history: History) -> Iterator[str]:
    yield "The training loss is the mean over the batches of an epoch, plus the penalty."
    if "validation_loss" in history:
        yield "The validation loss has no penalty."
    learning_rates = {rate for rate in history.get("learning_rate", []) if math.isfinite(rate)}
    if len(learning_rates) == 1:
        yield f"The learning rate was {short_number(learning_rates.pop())} in all epochs."


def _loss_chart(history: History, best_epoch: int | None) -> Markup:
    curves = {"training": history.get("loss", [])}
    if "validation_loss" in history:
        curves["validation"] = history["validation_loss"]
    return line_chart("Loss", curves, marked=best_epoch)


def _charts_of_changes(history: History) -> Iterator[Markup]:
    """Yield a chart for each column of the history that is not constant."""
    for name, title in HISTORY_CHARTS.items():
        curve = np.asarray(history.get(name, []), dtype=float)
        finite_values = curve[np.isfinite(curve)]
        if finite_values.size and np.ptp(finite_values) > 0:
            yield line_chart(title, {name: curve})
