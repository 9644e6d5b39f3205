"""The converters that skl2onnx calls: for each estimator of this package, what it computes as an ONNX graph.

A graph computes in the precision of its input: float64 if that is float64, else float32, whatever the model was fitted
in; of several inputs the first counts, as in skl2onnx. It does not check its input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from skneural.deployment.onnx.graph_inputs import InputTable
from skneural.deployment.onnx.meta_estimators import HiddenFeatures
from skneural.deployment.onnx.onnx_activations import activation_formula, link_formula
from skneural.deployment.onnx.onnx_graph import Tensor
from skneural.deployment.onnx.onnx_preprocessing import (
    clip_smoothly,
    encode_piecewise_linear,
    encode_table,
    standardize,
    whiten,
)
from skneural.deployment.optional_dependencies import import_optional_dependency
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.estimators.target_scaling import range_in_dtype
from skneural.network import Network
from skneural.network.batch_normalization import EPSILON
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


# What the estimators compute.


def read_input(scope: Any, operator: Any, container: Any) -> Tensor:
    """Return the input of a converter as floats, its columns in one array."""
    dtype = np.float64 if _float_type(operator) == "DoubleTensorType" else np.float32
    first, *others = [Tensor(scope, container, each.full_name, _dtype(each)).cast(dtype) for each in operator.inputs]
    return first.hstack(*others) if others else first


def hidden_activations(network: Network, X: Tensor) -> Tensor:
    """A, the activations of the last hidden layer; with several members the rows of one below those of another."""
    if network.n_members > 1:
        first, *others = [X * scales for scales in network.views.member_scales[0]]
        X = first.vstack(*others)
    layers = zip(affine_maps(network), network.activations, network.activation_params, strict=False)
    for (W, b), activation, params in layers:
        X = activation_formula(activation)(activation, X @ W + b, *([params] if params.size else []))
    return X


def raw_output(network: Network, X: Tensor) -> Tensor:
    """F, the raw output; with several members the rows of one below those of another."""
    *_, (W, b) = affine_maps(network)
    A = hidden_activations(network, X)
    if network.n_members == 1:
        return A @ W + b
    return (A.reshape(network.n_members, -1, W.shape[1]) @ W + b[:, None]).reshape(-1, W.shape[2])


def mean_of_members(network: Network, P: Tensor, n_columns: int) -> Tensor:
    """Return the mean over the members, whose rows lie below one another."""
    if network.n_members == 1:
        return P
    members = P.reshape(network.n_members, -1, n_columns)
    first, *others = [members.take(j, axis=0) for j in range(network.n_members)]
    return sum(others, first) / network.n_members


def affine_maps(network: Network) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield weights and biases of each layer in float64, batch normalisation folded into those of hidden layers."""
    views = network.views
    for i, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        if network.batch_norm and i < len(views.running_means):
            scale = views.scales[i] / np.sqrt(views.running_variances[i].astype(np.float64) + EPSILON)
            yield W * scale, b - views.running_means[i] * scale
        else:
            yield W.astype(np.float64), b.astype(np.float64)


def hidden_features(model: HiddenFeatures, X: Tensor) -> Tensor:
    """A, the activations of the last hidden layer, of a network in the role of a transformer."""
    network = model.network._fitted_network
    return mean_of_members(network, hidden_activations(network, X), network.sizes[-2])


def predict_targets(model: ActivationMLPRegressor, X: Tensor) -> Tensor:
    """The prediction in the units of the targets, of shape (n_rows, n_outputs)."""
    network = model._fitted_network
    outputs = mean_of_members(network, link_formula(model._loss)(raw_output(network, X)), model.n_outputs_)
    predicted = outputs * model.target_scale_ + model.target_mean_
    if not model.clip_predictions:
        return predicted
    low, high = range_in_dtype(model.target_range_, X.dtype)
    return predicted.maximum(low).minimum(high)


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Write labels and probabilities."""
    model = operator.raw_operator
    network, n_classes = model._fitted_network, len(model.classes_)
    F = raw_output(network, read_input(scope, operator, container))
    if n_classes == 2 and not model._multilabel:
        F = (-F).hstack(F)
    P = mean_of_members(network, link_formula(model._loss)(F), n_classes)
    score, threshold = (F, 0) if network.n_members == 1 else (P, 0.5)  # equal probabilities may have unequal F
    if model._multilabel:
        label = score.apply("Greater", threshold, dtype=bool).cast(np.int64)
    else:
        label = score.constant(label_array(operator)).take(score.argmax(), axis=0)
    label.write(operator.outputs[0])
    P.write(operator.outputs[1])


def convert_with(formula: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Any, Any], None]:
    """Return a converter that writes the formula of an estimator and its input."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        formula(operator.raw_operator, read_input(scope, operator, container)).write(operator.outputs[0])

    return convert


def convert_table(scope: Any, operator: Any, container: Any) -> None:
    """Write the encoding of a table, whose columns are one input each, or together one matrix, or some of both."""
    model = operator.raw_operator
    tensors = [Tensor(scope, container, each.full_name, _dtype(each)) for each in operator.inputs]
    otherwise = model.n_features_in_ if len(tensors) == 1 else 1
    widths = [each.get_second_dimension() or otherwise for each in operator.inputs]
    dtype = np.float64 if _float_type(operator) == "DoubleTensorType" else np.float32
    encode_table(model, InputTable(tensors, widths)).cast(dtype).write(operator.outputs[0])


# The types and shapes of the outputs, which skl2onnx asks for first.


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
    width = sum(each.get_second_dimension() or 0 for each in operator.inputs)
    expected = operator.raw_operator.n_features_in_
    if width and width != expected:
        raise ValueError(
            f"X has {width} features, but {type(operator.raw_operator).__name__} was fitted on {expected}."
        )
    shape = [operator.inputs[0].get_first_dimension(), *columns]
    variable.set_type(getattr(import_optional_dependency("skl2onnx.common.data_types", "onnx"), kind)(shape))


def _float_type(operator: Any) -> str:
    return "DoubleTensorType" if _dtype(operator.inputs[0]) == np.float64 else "FloatTensorType"


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
