"""The converters that skl2onnx calls: for each estimator of this package, what declares and what writes its outputs.

A graph computes in the precision of its input: float64 if that is float64, else float32, whatever the model was fitted
in; of several inputs the first counts, as in skl2onnx. It does not check its input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from skneural.deployment.onnx.graph_inputs import InputTable
from skneural.deployment.onnx.onnx_graph import Tensor
from skneural.deployment.onnx.onnx_network import (
    HiddenFeatures,
    hidden_features,
    predict_probabilities,
    predict_targets,
    raw_output_per_class,
)
from skneural.deployment.onnx.onnx_preprocessing import (
    clip_smoothly,
    encode_piecewise_linear,
    encode_table,
    standardize,
    whiten,
)
from skneural.deployment.optional_dependencies import import_optional_dependency
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.preprocessing import (
    MeanCenterer,
    PCAWhitener,
    PiecewiseLinearEncoder,
    SmoothClipper,
    StdScaler,
    TableEncoder,
)


def register_converters() -> None:
    """Register the estimators of this package with skl2onnx, for those who call it themselves.

    Only :func:`to_onnx` takes the hidden features of a network that stands before another estimator, where skl2onnx
    takes its predictions; and only :func:`to_onnx` compares the graph with the model.

    See Also
    --------
    to_onnx : Convert in one call, which registers them too.

    Examples
    --------
    >>> from skl2onnx import get_model_alias
    >>> from skneural import PCAWhitener
    >>> from skneural.deployment import register_converters
    >>> register_converters()
    >>> get_model_alias(PCAWhitener)
    'SkneuralPCAWhitener'
    """
    register = import_optional_dependency("skl2onnx", "onnx").update_registered_converter
    for estimator, (shapes, converter) in CONVERTERS.items():
        options = CLASSIFIER_OPTIONS if estimator is ActivationMLPClassifier else None
        register(estimator, f"Skneural{estimator.__name__}", shapes, converter, options=options)


# What writes the outputs.


def read_input(scope: Any, operator: Any, container: Any) -> Tensor:
    """Return the input of a converter as floats, its columns in one array."""
    dtype = _graph_dtype(operator)
    first, *others = [each.cast(dtype) for each in _input_tensors(scope, operator, container)]
    return first.hstack(*others)


def _input_tensors(scope: Any, operator: Any, container: Any) -> list[Tensor]:
    return [Tensor(scope, container, each.full_name, _dtype(each)) for each in operator.inputs]


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Write labels and probabilities."""
    F = raw_output_per_class(operator.raw_operator, read_input(scope, operator, container))
    P = predict_probabilities(operator.raw_operator, F)
    predict_labels(operator, F, P).write(operator.outputs[0])
    P.write(operator.outputs[1])


def predict_labels(operator: Any, F: Tensor, P: Tensor) -> Tensor:
    """The label of each row, or 0 and 1 per label, of raw outputs with a column per class and their probabilities."""
    model = operator.raw_operator
    # Where probabilities are rounded to equal ones, the raw outputs decide, as in `predict`.
    score, threshold = (F, 0) if model._fitted_network.n_members == 1 else (P, 0.5)
    if model._multilabel:
        return score.apply("Greater", threshold, dtype=bool).cast(np.int64)
    return score.constant(label_array(operator)).take(score.argmax(), axis=0)


def convert_with(formula: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Any, Any], None]:
    """Return a converter that writes the formula of an estimator and its input."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        formula(operator.raw_operator, read_input(scope, operator, container)).write(operator.outputs[0])

    return convert


def convert_table(scope: Any, operator: Any, container: Any) -> None:
    """Write the encoding of a table, whose columns are one input each, or together one matrix, or some of both."""
    model, tensors = operator.raw_operator, _input_tensors(scope, operator, container)
    default_width = model.n_features_in_ if len(tensors) == 1 else 1
    widths = [each.get_second_dimension() or default_width for each in operator.inputs]
    encode_table(model, InputTable(tensors, widths)).cast(_graph_dtype(operator)).write(operator.outputs[0])


# What declares the types and shapes of the outputs, which skl2onnx asks for first.


def transformer_shapes(operator: Any) -> None:
    """Declare one array of floats, with a column per feature that the transformer returns."""
    _declare(operator.outputs[0], _float_type(operator), operator, len(operator.raw_operator.get_feature_names_out()))


def regressor_shapes(operator: Any) -> None:
    """Declare one array of floats, with a column per output."""
    _declare(operator.outputs[0], _float_type(operator), operator, operator.raw_operator.n_outputs_)


def classifier_shapes(operator: Any) -> None:
    """Declare labels, and an array of floats with a column per class."""
    model = operator.raw_operator
    kind = "StringTensorType" if label_array(operator).dtype.kind in "OU" else "Int64TensorType"
    _declare(operator.outputs[0], kind, operator, *([len(model.classes_)] if model._multilabel else []))
    _declare(operator.outputs[1], _float_type(operator), operator, len(model.classes_))


def _declare(variable: Any, kind: str, operator: Any, *columns: int) -> None:
    _refuse_other_width(operator)
    shape = [operator.inputs[0].get_first_dimension(), *columns]
    variable.set_type(getattr(import_optional_dependency("skl2onnx.common.data_types", "onnx"), kind)(shape))


def _refuse_other_width(operator: Any) -> None:
    """Raise ValueError if the inputs have another number of features than the estimator was fitted on."""
    model, width = operator.raw_operator, sum(each.get_second_dimension() or 0 for each in operator.inputs)
    if width and width != model.n_features_in_:
        raise ValueError(f"X has {width} features, but {type(model).__name__} was fitted on {model.n_features_in_}.")


def _float_type(operator: Any) -> str:
    return "DoubleTensorType" if _graph_dtype(operator) is np.float64 else "FloatTensorType"


def _graph_dtype(operator: Any) -> type:
    """Return the dtype in which the graph computes."""
    return np.float64 if _dtype(operator.inputs[0]) == np.float64 else np.float32


def _dtype(variable: Any) -> np.dtype:
    proto_type = import_optional_dependency("skl2onnx.common.data_types", "onnx").guess_proto_type(variable.type)
    return import_optional_dependency("onnx.helper", "onnx").tensor_dtype_to_np_dtype(proto_type)


def label_array(operator: Any) -> np.ndarray:
    """Return the labels in a type of ONNX: int64 or text; with the option "nocl" their numbers."""
    model, classes = operator.raw_operator, operator.raw_operator.classes_
    if operator.scope_inst.get_options(model, {"nocl": False})["nocl"]:
        return np.arange(len(classes))
    if classes.dtype.kind in "OU" and all(isinstance(label, str) for label in classes):
        return classes
    labels = classes.astype(np.int64) if classes.dtype.kind in "biuf" else None
    if labels is None or not np.array_equal(labels, classes):
        raise ValueError(f"Labels in ONNX are integers or text. Got {classes!r}; pass options={{'nocl': True}}.")
    return labels


CLASSIFIER_OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]}

# Estimator -> the function that declares its outputs, the function that writes them.
CONVERTERS: dict[type, tuple[Callable[[Any], None], Callable[[Any, Any, Any], None]]] = {
    ActivationMLPClassifier: (classifier_shapes, convert_classifier),
    ActivationMLPRegressor: (regressor_shapes, convert_with(predict_targets)),
    HiddenFeatures: (transformer_shapes, convert_with(hidden_features)),
    MeanCenterer: (transformer_shapes, convert_with(standardize)),
    StdScaler: (transformer_shapes, convert_with(standardize)),
    PCAWhitener: (transformer_shapes, convert_with(whiten)),
    SmoothClipper: (transformer_shapes, convert_with(clip_smoothly)),
    PiecewiseLinearEncoder: (transformer_shapes, convert_with(encode_piecewise_linear)),
    TableEncoder: (transformer_shapes, convert_table),
}
