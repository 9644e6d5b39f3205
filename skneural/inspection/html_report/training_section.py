"""The section on training: the curves that training has recorded."""

from __future__ import annotations

import math

import numpy as np

from skneural.estimators.base import BaseActivationMLP
from skneural.inspection.displays.loss_curve_display import best_epoch
from skneural.inspection.html_report.html_elements import Section, chart_grid, concatenate, element
from skneural.inspection.html_report.svg_charts import line_chart, short_number

# Column of `history_` -> title of its chart.
CURVES = {
    "validation_score": "Score on the validation rows",
    "learning_rate": "Learning rate",
    "gradient_norm": "Norm of the gradient (last batch of each epoch)",
    "update_ratio": "Norm of a step, relative to the parameters",
}


def training_section(network: BaseActivationMLP) -> Section:
    """Return the section: the loss curve, and a chart for each other quantity that changed during training."""
    history = {name: column for name, column in network.history_.items() if column}
    losses = {"training": history.get("loss", [])}
    notes = ["The training loss is the mean over the batches of an epoch, plus the penalty."]
    if "validation_loss" in history:
        losses["validation"] = history["validation_loss"]
        notes.append("The validation loss has no penalty.")
    kept = best_epoch(network)
    charts = [line_chart("Loss", losses, marked=kept)]
    for name, title in CURVES.items():
        values = np.asarray(history.get(name, []), dtype=float)
        finite = values[np.isfinite(values)]
        if finite.size and np.ptp(finite) > 0:
            charts.append(line_chart(title, {name: values}))
    rates = {rate for rate in history.get("learning_rate", []) if math.isfinite(rate)}
    if len(rates) == 1:
        notes.append(f"The learning rate was {short_number(rates.pop())} in all epochs.")
    if kept is not None:
        notes.append(f"Early stopping kept the weights of epoch {kept}, marked by a dashed line.")
    return Section("Training", concatenate(element("p", " ".join(notes), class_="muted"), chart_grid(charts)))
