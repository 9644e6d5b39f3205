"""Verification of a graph: what it returns on the user's rows against what the model returns."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import is_classifier, is_clusterer, is_outlier_detector

from skneural.deployment.onnx.graph_inputs import graph_inputs
from skneural.deployment.optional_dependencies import import_optional_dependency

Array = NDArray[Any]

# By the precision of the graph, that of its first input: the largest difference of probabilities; of other numbers
# relative to the largest of their column.
TOLERANCE = {np.float32: 1e-3, np.float64: 1e-5}

ADVICE = (
    "Either skl2onnx converts a part of the model wrongly (convert its parts one by one to find it), or float32 is too "
    "coarse (pass rows of float64)."
)
ADVICE_FOR_TEXT = (
    " Or X has empty texts, which a graph takes for missing cells where fit saw none: pass them as missing."
)


class ComparedOutput(NamedTuple):
    """What an output is ("labels", "probabilities", ...), the graph's values and the model's, one row for each of X."""

    what: str
    graph_values: Array
    model_values: Array


def verify(graph: Any, model: Any, X: Any, options: dict[str, Any], table: dict[str, Array] | None = None) -> None:
    """Raise ValueError if a graph and its model disagree on some rows, or if onnxruntime cannot run the graph.

    Labels must be equal, except where two of them are equally probable within the tolerance.

    Parameters
    ----------
    graph : onnx.ModelProto
    model : estimator
    X : ndarray or DataFrame
        The rows to compare on.
    options : dict
        skl2onnx's options for this model.
    table : dict of str to ndarray, default=None
        The rows as the graph takes them, see :func:`skneural.deployment.onnx.graph_inputs.table_inputs`; None derives
        them from X.
    """
    name, inputs = type(model).__name__, graph_inputs(graph, X if table is None else table)
    try:
        outputs = run_graph(graph, inputs)
    except Exception as error:  # onnxruntime has many, of no common base
        raise ValueError(
            f"onnxruntime cannot run the graph of this {name}: {first_line(error)}. Many operators exist in float32 "
            "only: if X is float64, try X.astype('float32')."
        ) from error
    tolerance = TOLERANCE[np.float64 if next(iter(inputs.values())).dtype == np.float64 else np.float32]
    for compared in compared_outputs(model, X, outputs, options):
        if disagreement := describe_disagreement(compared, model, X, tolerance):
            advice = ADVICE if table is None else ADVICE + ADVICE_FOR_TEXT
            raise ValueError(f"The ONNX graph of this {name} {disagreement} {advice}")


def describe_disagreement(compared: ComparedOutput, model: Any, X: Any, tolerance: float) -> str:
    """Return in words how the graph disagrees with the model; an empty string if it does not."""
    what, graph_values, model_values = compared
    if graph_values.shape != model_values.shape:
        return f"returns {what} of shape {graph_values.shape}, but the model of shape {model_values.shape}."
    is_wrong = differing(what, graph_values, model_values, tolerance)
    if what == "labels" and is_wrong.any():
        is_wrong &= ~equally_probable(model, X, graph_values, model_values, tolerance)
    if not is_wrong.any():
        return ""
    row, column = np.argwhere(is_wrong)[0]
    return (
        f"disagrees with the model in {np.any(is_wrong, axis=1).sum()} of {len(is_wrong)} rows. In row {row}, column "
        f"{column} of the {what} it returns {graph_values[row, column]}, the model {model_values[row, column]}; the "
        f"tolerance is {tolerance:g}."
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, without the full stop."""
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(". ")


def run_graph(graph: Any, inputs: dict[str, Array]) -> list[Any]:
    """Return the outputs that onnxruntime computes."""
    runtime = import_optional_dependency("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised, too
    session = runtime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def compared_outputs(model: Any, X: Any, outputs: list[Any], options: dict[str, Any]) -> Iterator[ComparedOutput]:
    """Yield each output of the graph that a method of the model returns too."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        if not hasattr(model, "predict"):
            yield ComparedOutput("transformed values", as_matrix(outputs[0]), as_matrix(model.transform(X)))
            return
        is_labels = is_classifier(model) or is_clusterer(model) or is_outlier_detector(model)
        predicted = model.classes_[outputs[0]] if is_classifier(model) and options.get("nocl") else outputs[0]
        what = "labels" if is_labels else "predictions"
        yield ComparedOutput(what, as_matrix(predicted), as_matrix(model.predict(X)))
        if is_classifier(model) and hasattr(model, "predict_proba") and not options.get("raw_scores"):
            P = probabilities(model, outputs, options)
            yield ComparedOutput("probabilities", P, as_matrix(model.predict_proba(X)))


def probabilities(model: Any, outputs: list[Any], options: dict[str, Any]) -> Array:
    """Return the probabilities of a classifier's graph, whatever their form."""
    if options.get("zipmap") == "columns":
        return np.column_stack(outputs[1 : 1 + len(model.classes_)])
    if isinstance(outputs[1][0], dict):
        return np.array([list(row.values()) for row in outputs[1]])
    return as_matrix(list(outputs[1]) if np.ndim(outputs[1][0]) == 2 else outputs[1])


def as_matrix(values: Any) -> Array:
    """Return an array of shape (n_rows, n_columns); a list, with an array for each of several outputs, side by side."""
    if isinstance(values, list):
        return np.hstack([as_matrix(each) for each in values])
    values = values.toarray() if issparse(values) else np.asarray(values)
    return values.reshape(len(values), -1)


def differing(what: str, graph_values: Array, model_values: Array, tolerance: float) -> Array:
    """Return where the values differ by more than the tolerance."""
    if what == "labels":
        return graph_values.astype(object) != model_values.astype(object)
    allowed_difference = np.full(graph_values.shape[1], tolerance)
    if what != "probabilities":
        magnitude = np.where(np.isfinite(model_values), np.abs(model_values), 0)
        # A column of noise, such as a constant feature that was centred, has no digits to compare.
        allowed_difference = tolerance * np.maximum(magnitude.max(axis=0), magnitude.max() / 1000)
    with np.errstate(invalid="ignore", over="ignore"):
        is_close = np.abs(graph_values - model_values) <= allowed_difference
    return ~(is_close | (graph_values == model_values) | (np.isnan(graph_values) & np.isnan(model_values)))


def equally_probable(model: Any, X: Any, graph_values: Array, model_values: Array, tolerance: float) -> Array:
    """Return where two labels have the same probability within the tolerance, if the model has probabilities."""
    P: Any = model.predict_proba(X) if hasattr(model, "predict_proba") else []
    both_labels = graph_values, model_values
    if np.shape(P) == graph_values.shape:  # several labels per row
        P_of_labels = [np.where(labels.astype(bool), P, 1 - P) for labels in both_labels]
    elif graph_values.shape[1] == 1 and np.ndim(P) == 2:
        P_of_labels = [np.where(labels == model.classes_, P, 0).sum(axis=1, keepdims=True) for labels in both_labels]
    else:
        return np.zeros(graph_values.shape, dtype=bool)
    return np.abs(P_of_labels[0] - P_of_labels[1]) <= 2 * tolerance
