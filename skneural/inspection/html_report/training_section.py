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
    "update_ratio": "Norm of a step, relative to that of the parameters",
}


def training_section(network: BaseActivationMLP) -> Section:
    """Return the section: the loss curve, and a chart for each other quantity that changed during training."""
    history = {name: column for name, column in network.history_.items() if column}
    losses = {"training": history.get("loss", [])}
    if "validation_loss" in history:
        losses["validation"] = history["validation_loss"]
    kept = best_epoch(network)
    charts = [line_chart("Loss", losses, marked=kept)]
    for name, title in CURVES.items():
        values = np.asarray(history.get(name, []), dtype=float)
        finite = values[np.isfinite(values)]
        if finite.size and np.ptp(finite) > 0:
            charts.append(line_chart(title, {name: values}))
    note = " ".join(
        [
            "The training loss is the mean over the batches of an epoch, plus the penalty. "
            "A validation loss has no penalty.",
            *_constant_rate(history.get("learning_rate", [])),
            *([] if kept is None else [f"Early stopping kept the weights of epoch {kept}: the dashed line."]),
        ]
    )
    return Section("Training", concatenate(element("p", note, class_="muted"), chart_grid(charts)))


def _constant_rate(learning_rates: list[float]) -> list[str]:
    distinct = {rate for rate in learning_rates if math.isfinite(rate)}
    return [f"The learning rate was {short_number(rate)} in all epochs." for rate in distinct if len(distinct) == 1]
