"""The section on the model: the steps before the network, its layers, and the parameters that were changed."""

from __future__ import annotations

import inspect
from typing import Any

from sklearn.pipeline import Pipeline

from skneural.estimators.base import BaseActivationMLP
from skneural.inspection.html_report.html_elements import Section, concatenate, side_by_side, table, text_cell


def model_section(estimator: Any, network: BaseActivationMLP) -> Section:
    """Return the section.

    Parameters
    ----------
    estimator : BaseActivationMLP or Pipeline
        What the user has fitted.
    network : BaseActivationMLP
        The network in it.
    """
    steps = estimator.steps[:-1] if isinstance(estimator, Pipeline) else []
    pipeline = [[name, text_cell(step)] for name, step in steps]
    changed = [[name, text_cell(repr(value))] for name, value in _changed_parameters(network).items()]
    return Section(
        "The model",
        concatenate(
            table(["step", "transformer"], pipeline, "Before the network") if pipeline else None,
            side_by_side(
                table(["layer", "units", "activation", "weights", "parameters"], _layer_rows(network), "Layers"),
                table(["parameter", "value"], changed, "Parameters that are not at their default") if changed else None,
            ),
        ),
    )


def _layer_rows(network: BaseActivationMLP) -> list[list[Any]]:
    views = network._network.views
    n_hidden = len(network.activations_)
    rows: list[list[Any]] = [["input", network._sizes[0], text_cell("-"), "-", "-"]]
    for i, (W, b) in enumerate(zip(views.weights, views.biases, strict=True)):
        is_hidden = i < n_hidden
        further = [views.activation_params[i], *views.scales[i : i + 1]] if is_hidden else []
        size = W.size + b.size + sum(array.size for array in further)
        layer = f"hidden {i}" if is_hidden else "output"
        activation = repr(network.activations_[i]) if is_hidden else network.out_activation_
        shape = f"{W.shape[0]} by {W.shape[1]}"
        rows.append([layer, network._sizes[i + 1], text_cell(activation), shape, f"{size:,}"])
    return rows


def _changed_parameters(network: BaseActivationMLP) -> dict[str, Any]:
    defaults = inspect.signature(type(network).__init__).parameters
    values = network.get_params(deep=False)
    return {name: value for name, value in values.items() if repr(value) != repr(defaults[name].default)}
