"""ONNX: converters for skl2onnx, and whole pipelines in one call.

A graph computes in the precision of its input: float64 if that is float64, else float32, whatever the model was fitted
in. It contains no check of its input.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted

from skneural.deployment.onnx.activations import formula_of, link_of
from skneural.deployment.onnx.graph import Tensor
from skneural.deployment.optional_dependencies import import_optional_dependency
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.network import Network
from skneural.network.batch_normalization import EPSILON
from skneural.preprocessing import MeanCenterer, PCAWhitener, PiecewiseLinearEncoder, SmoothClipper, StdScaler
from skneural.preprocessing.standardizing import nonzero_scale, split_mean


def to_onnx(model: Any, X: Any, *, options: Any = None, target_opset: Any = None) -> Any:
    """Convert a fitted estimator, Pipeline or search to ONNX.

    Parameters
    ----------
    model : estimator
        Of this package, or anything of scikit-learn that skl2onnx converts, with estimators of this package inside. Of
        a search, the best estimator is converted.
    X : ndarray of shape (n_samples, n_features), or pandas.DataFrame
        Rows like those that the graph will be fed; only their dtype and width count. float64 makes a graph in float64,
        all else one in float32; a DataFrame makes an input per column.
    options : dict, default=None
        Options of skl2onnx, such as ``{"zipmap": True}``: probabilities as a list of dicts, with the labels as keys;
        "columns" makes an output per class. None gives them as one array.
    target_opset : int or dict, default=None
        Version of the operators; None leaves the choice to skl2onnx.

    Returns
    -------
    graph : onnx.ModelProto
        Save its ``SerializeToString()``.

    Raises
    ------
    ModuleNotFoundError
        If the extra ``onnx`` is not installed.
    ValueError
        If an activation or a loss has no formula in ONNX, or X has another number of features than the model.

    Examples
    --------
    >>> from onnxruntime import InferenceSession
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from skneural import ActivationMLPClassifier, StdScaler
    >>> from skneural.deployment import to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StdScaler(), ActivationMLPClassifier(solver="lbfgs", tol=1e-2, random_state=0)).fit(X, y)
    >>> session = InferenceSession(to_onnx(model, X.astype("float32")).SerializeToString())
    >>> labels, probabilities = session.run(None, {"X": X.astype("float32")})
    >>> bool((labels == model.predict(X)).all())
    True
    >>> bool(abs(probabilities - model.predict_proba(X)).max() < 1e-5)
    True
    """
    check_is_fitted(model)
    register_converters()
    model = getattr(model, "best_estimator_", model)
    seen = with_roles(model)
    if options is None:
        options = {id(seen): {"zipmap": False}} if is_classifier(model) else {}
    elif seen is not model and id(model) in options:
        options = {**options, id(seen): options[id(model)]}
    graph = import_optional_dependency("skl2onnx", "onnx").to_onnx(seen, X, options=options, target_opset=target_opset)
    double = import_optional_dependency("onnx", "onnx").TensorProto.DOUBLE
    in_double = any(each.type.tensor_type.elem_type == double for each in graph.graph.input)
    if in_double and any(node.op_type == "ZipMap" for node in graph.graph.node):
        raise ValueError(
            "Got zipmap=True with float64 rows, but ONNX has dicts of float32 alone. Pass options={'zipmap': False}, "
            "or 'columns', or rows of float32."
        )
    return graph


def register_converters() -> None:
    """Make the estimators of this package known to skl2onnx, for those who call it themselves.

    A network in the role of a transformer, whose hidden features go on, is recognised by :func:`to_onnx` alone.

    See Also
    --------
    to_onnx : Convert in one call, this one included.

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


class HiddenFeatures(TransformerMixin, BaseEstimator):
    """A fitted network in the role of a transformer, for which skl2onnx would take its predictions.

    Parameters
    ----------
    network : ActivationMLPClassifier or ActivationMLPRegressor
    """

    def __init__(self, network: Any):
        self.network = network

    @property
    def n_features_in_(self) -> int:
        """Number of features of the network."""
        return self.network.n_features_in_

    def transform(self, X: Any) -> Any:
        """Return the activations of the last hidden layer."""
        return self.network.transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return their names."""
        return self.network.get_feature_names_out(input_features)


# What has parts -> the attribute that lists them, each after its name.
PARTS = {Pipeline: "steps", FeatureUnion: "transformer_list", ColumnTransformer: "transformers_"}


def with_roles(model: Any, transforms: bool = False) -> Any:
    """Return the model as skl2onnx should see it, the same object if there is nothing to change.

    Networks in the role of transformers are marked as such, and steps that pass everything through are left out.
    """
    if isinstance(model, ActivationMLPClassifier | ActivationMLPRegressor):
        return HiddenFeatures(model) if transforms else model
    kind = next((kind for kind in PARTS if isinstance(model, kind)), None)
    if kind is None:
        return model
    parts = getattr(model, PARTS[kind])
    predicts = parts[-1] if kind is Pipeline else None
    seen = [(part[0], with_roles(part[1], transforms or part is not predicts), *part[2:]) for part in parts]
    if kind is Pipeline:
        seen = [part for part in seen if part[1] is not None and not isinstance(part[1], str)]
    if len(seen) == len(parts) and all(new[1] is part[1] for new, part in zip(seen, parts, strict=True)):
        return model
    model = copy.copy(model)
    setattr(model, PARTS[kind], seen)
    return model


# What estimators compute.


def read(scope: Any, operator: Any, container: Any) -> Tensor:
    """Return a converter's input, columns side by side, as floats."""
    dtype = np.float64 if _float_type(operator) == "DoubleTensorType" else np.float32
    first, *others = [Tensor(scope, container, each.full_name, _dtype(each)).cast(dtype) for each in operator.inputs]
    return first.beside(*others) if others else first


def standardised(model: Any, X: Tensor) -> Tensor:
    """Z = (X - shift) / scale, the shift in two parts where one would lose digits in float32."""
    shift, scale = model._mean_and_scale()
    for part in split_mean(shift, X.dtype):
        X = X if part is None else X - part
    return X if scale is None else X / nonzero_scale(scale, X.dtype)


def whitened(model: PCAWhitener, X: Tensor) -> Tensor:
    """Z = (X - mean) V / spread (and back, with "zca"), in float64 as in the model."""
    components = model.components_
    scores = (X.cast(np.float64) - model.mean_) @ (components / model._component_scale()[:, np.newaxis]).T
    return (scores @ components if model.method == "zca" else scores).cast(X.dtype)


def squashed(model: SmoothClipper, X: Tensor) -> Tensor:
    """Z = limit · X / hypot(X, limit), the larger of the two factored out so that no square overflows."""
    limit, size = model.limit, X.abs()
    larger = size.maximum(limit)
    ratio = size.minimum(limit) / larger
    return X / larger / (ratio * ratio + 1).sqrt() * limit


def ramped(model: PiecewiseLinearEncoder, X: Tensor) -> Tensor:
    """X, and beside it its ramps: clip(X, low, high) - low, over high - low, centred."""
    column = np.concatenate([np.full(max(len(edges) - 1, 0), i) for i, edges in enumerate(model.bin_edges_)])
    if not len(column):
        return X.apply("Identity")
    low = np.concatenate([edges[:-1] for edges in model.bin_edges_]).astype(X.dtype)
    high = np.concatenate([edges[1:] for edges in model.bin_edges_]).astype(X.dtype)
    inside = X.take(column, axis=1).maximum(low).minimum(high)
    return X.beside((inside - low) / np.maximum(high - low, np.finfo(X.dtype).tiny) - model.encoding_mean_)


def hidden(network: Network, X: Tensor) -> Tensor:
    """A, the activations of the last hidden layer."""
    layers = zip(affine_maps(network), network.activations, network.activation_params, strict=False)
    for (W, b), activation, params in layers:
        X = formula_of(activation)(activation, X @ W + b, *([params] if params.size else []))
    return X


def raw_output(network: Network, X: Tensor) -> Tensor:
    """F, the raw output."""
    *_, (W, b) = affine_maps(network)
    return hidden(network, X) @ W + b


def affine_maps(network: Network) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield weights and biases of each layer in float64, batch normalisation folded into those of hidden layers."""
    views = network.views
    for i, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        if network.batch_norm and i < len(views.running_means):
            scale = views.scales[i] / np.sqrt(views.running_variances[i].astype(np.float64) + EPSILON)
            yield W * scale, b - views.running_means[i] * scale
        else:
            yield W.astype(np.float64), b.astype(np.float64)


def predicted(model: ActivationMLPRegressor, X: Tensor) -> Tensor:
    """The prediction in the units of the targets, of shape (n_rows, n_outputs)."""
    outputs = link_of(model._loss)(raw_output(model._fitted_network, X))
    predicted = outputs * model.target_scale_ + model.target_mean_
    if not model.clip_predictions:
        return predicted
    low, high = model.target_range_.astype(X.dtype)
    return predicted.maximum(low).minimum(high)


def convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Labels and probabilities."""
    model = operator.raw_operator
    F = raw_output(model._fitted_network, read(scope, operator, container))
    if model._multilabel:
        label = F.apply("Greater", 0, dtype=bool).cast(np.int64)
    else:
        F = F if model.n_outputs_ > 1 else (-F).beside(F)
        label = F.constant(_classes(operator)).take(F.argmax(), axis=0)
    label.write(operator.outputs[0])
    link_of(model._loss)(F).write(operator.outputs[1])


def convert_with(formula: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Any, Any], None]:
    """Return a converter that writes what a formula makes of the estimator and its input."""

    def convert(scope: Any, operator: Any, container: Any) -> None:
        formula(operator.raw_operator, read(scope, operator, container)).write(operator.outputs[0])

    return convert


# What skl2onnx wants to know before: the outputs' types and shapes.


def transformer_shapes(operator: Any) -> None:
    """One array of floats, with a column per feature that the transformer makes."""
    _declare(operator.outputs[0], _float_type(operator), operator, len(operator.raw_operator.get_feature_names_out()))


def regressor_shapes(operator: Any) -> None:
    """One array of floats, with a column per output."""
    _declare(operator.outputs[0], _float_type(operator), operator, operator.raw_operator.n_outputs_)


def classifier_shapes(operator: Any) -> None:
    """Labels, and an array of floats with a column per class."""
    model = operator.raw_operator
    kind = "StringTensorType" if _classes(operator).dtype.kind in "OU" else "Int64TensorType"
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


def _classes(operator: Any) -> np.ndarray:
    """Return the labels as ONNX can hold them: int64 or text, or their numbers with the option "nocl"."""
    model, classes = operator.raw_operator, operator.raw_operator.classes_
    if operator.scope_inst.get_options(model, {"nocl": False})["nocl"]:
        return np.arange(len(classes))
    if classes.dtype.kind in "OU" and all(isinstance(label, str) for label in classes):
        return classes
    labels = classes.astype(np.int64) if classes.dtype.kind in "biuf" else None
    if labels is None or not np.array_equal(labels, classes):
        raise ValueError(f"ONNX has labels that are integers or text. Got {classes!r}; pass options={{'nocl': True}}.")
    return labels


CLASSIFIER_OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]}

# Estimator -> what declares its outputs, what writes them.
CONVERTERS: dict[type, tuple[Callable[[Any], None], Callable[[Any, Any, Any], None]]] = {
    ActivationMLPClassifier: (classifier_shapes, convert_classifier),
    ActivationMLPRegressor: (regressor_shapes, convert_with(predicted)),
    HiddenFeatures: (transformer_shapes, convert_with(lambda model, X: hidden(model.network._fitted_network, X))),
    MeanCenterer: (transformer_shapes, convert_with(standardised)),
    StdScaler: (transformer_shapes, convert_with(standardised)),
    PCAWhitener: (transformer_shapes, convert_with(whitened)),
    SmoothClipper: (transformer_shapes, convert_with(squashed)),
    PiecewiseLinearEncoder: (transformer_shapes, convert_with(ramped)),
}
