"""What the report says of the model: steps before the network, layers, and parameters that are not at their default."""

from __future__ import annotations

import inspect
from typing import Any

from sklearn.pipeline import Pipeline

from skneural.estimators.base import BaseActivationMLP
from skneural.inspection.html_report.html_elements import Markup, Section, concatenate, side_by_side, table, text_cell

LAYER_HEADER = ["layer", "units", "activation", "weights", "parameters"]


def model_section(estimator: Any, network: BaseActivationMLP) -> Section:
    """Return the section.

    Parameters
    ----------
    estimator : BaseActivationMLP or Pipeline
        What the user has fitted.
    network : BaseActivationMLP
        The network in it.
    """
    layers = table(LAYER_HEADER, _layer_rows(network), "Layers")
    model = concatenate(_steps_table(estimator), side_by_side(layers, _changed_parameters_table(network)))
    return Section("The model", model)


def model_subtitle(estimator: Any, network: BaseActivationMLP) -> str:
    """Return the steps, the sizes of the layers and the solver in one line."""
    steps = [type(step).__name__ for _, step in getattr(estimator, "steps", [(None, network)])]
    layers = " - ".join(str(size) for size in network._sizes)
    return f"{', '.join(steps)}; layers of {layers} units, solver {network.solver}, {network.parameters_.dtype.name}"


def model_summary(network: BaseActivationMLP) -> dict[str, str]:
    """Return the numbers of features and of parameters, for the summary."""
    n_features, n_parameters = network.n_features_in_, network._network.layout.n_trainable
    return {"features": f"{n_features:,}", "parameters": f"{n_parameters:,}"}


def _steps_table(estimator: Any) -> Markup | None:
    steps = estimator.steps[:-1] if isinstance(estimator, Pipeline) else []
    rows = [[name, text_cell(step)] for name, step in steps]
    return table(["step", "transformer"], rows, "Before the network") if rows else None


def _layer_rows(network: BaseActivationMLP) -> list[list[Any]]:
    input_row = ["input", network._sizes[0], text_cell("-"), "-", "-"]
    return [input_row, *(_layer_row(network, i) for i in range(len(network._sizes) - 1))]


def _layer_row(network: BaseActivationMLP, i: int) -> list[Any]:
    is_hidden = i < len(network.activations_)
    layer = f"hidden {i}" if is_hidden else "output"
    activation = repr(network.activations_[i]) if is_hidden else network.out_activation_
    weights = " by ".join(map(str, network._network.views.weights[i].shape))
    return [layer, network._sizes[i + 1], text_cell(activation), weights, f"{_n_parameters_of_layer(network, i):,}"]


def _n_parameters_of_layer(network: BaseActivationMLP, i: int) -> int:
    """Return the number of parameters of a layer; those of the members' inputs count in the first layer."""
    views = network._network.views
    arrays = [views.weights[i], views.biases[i], *views.activation_params[i : i + 1], *views.scales[i : i + 1]]
    return sum(array.size for array in arrays + (views.member_scales if i == 0 else []))


def _changed_parameters_table(network: BaseActivationMLP) -> Markup | None:
    rows = [[name, text_cell(repr(value))] for name, value in _changed_parameters(network).items()]
    return table(["parameter", "value"], rows, "Parameters that are not at their default") if rows else None


def _changed_parameters(network: BaseActivationMLP) -> dict[str, Any]:
    defaults = inspect.signature(type(network).__init__).parameters
    values = network.get_params(deep=False)
    return {name: value for name, value in values.items() if repr(value) != repr(defaults[name].default)}
