"""What fitted networks compute, as operations on Tensors: hidden features, raw output, predictions.

With several members, the rows of one lie below those of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from skneural.deployment.onnx.onnx_activations import activation_formula, link_formula
from skneural.deployment.onnx.onnx_graph import Tensor
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor
from skneural.estimators.target_scaling import range_in_dtype
from skneural.network import Network
from skneural.network.batch_normalization import EPSILON


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


def hidden_features(model: HiddenFeatures, X: Tensor) -> Tensor:
    """A, the activations of the last hidden layer, of a network in the role of a transformer."""
    network = model.network._fitted_network
    return mean_of_members(network, hidden_activations(network, X), network.sizes[-2])


def predict_probabilities(model: ActivationMLPClassifier, F: Tensor) -> Tensor:
    """The probabilities of the classes, of shape (n_rows, n_classes), of raw outputs with a column per class."""
    return mean_of_members(model._fitted_network, link_formula(model._loss)(F), len(model.classes_))


def predict_targets(model: ActivationMLPRegressor, X: Tensor) -> Tensor:
    """The prediction in the units of the targets, of shape (n_rows, n_outputs)."""
    network = model._fitted_network
    outputs = mean_of_members(network, link_formula(model._loss)(raw_output(network, X)), model.n_outputs_)
    predicted = outputs * model.target_scale_ + model.target_mean_
    if not model.clip_predictions:
        return predicted
    lowest, highest = range_in_dtype(model.target_range_, X.dtype)
    return predicted.maximum(lowest).minimum(highest)


def raw_output_per_class(model: ActivationMLPClassifier, X: Tensor) -> Tensor:
    """F, the raw output; for two classes, which share one output, -F and F."""
    F = raw_output(model._fitted_network, X)
    return (-F).hstack(F) if model._binary else F


def raw_output(network: Network, X: Tensor) -> Tensor:
    """F, the raw output of each member."""
    *_, (W, b) = affine_maps(network)
    A = hidden_activations(network, X)
    if network.n_members == 1:
        return A @ W + b
    return (A.reshape(network.n_members, -1, W.shape[1]) @ W + b[:, None]).reshape(-1, W.shape[2])


def hidden_activations(network: Network, X: Tensor) -> Tensor:
    """A, the activations of the last hidden layer of each member."""
    if network.n_members > 1:
        first, *others = [X * scales for scales in network.views.member_scales[0]]
        X = first.vstack(*others)
    layers = zip(affine_maps(network), network.activations, network.activation_params, strict=False)
    for (W, b), activation, params in layers:
        X = activation_formula(activation)(activation, X @ W + b, *([params] if params.size else []))
    return X


def mean_of_members(network: Network, P: Tensor, n_columns: int) -> Tensor:
    """Return the mean over the members, of shape (n_rows, n_columns)."""
    if network.n_members == 1:
        return P
    members = P.reshape(network.n_members, -1, n_columns)
    first, *others = [members.take(j, axis=0) for j in range(network.n_members)]
    return sum(others, first) / network.n_members


def affine_maps(network: Network) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield weights and biases of each layer in float64, batch normalisation folded into those of hidden layers."""
    for i, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        is_normalized = network.batch_norm and i < len(network.views.running_means)
        yield fold_batch_norm(network, i) if is_normalized else (W.astype(np.float64), b.astype(np.float64))


def fold_batch_norm(network: Network, layer: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights and biases that give what a layer's own and its batch normalisation give together."""
    views = network.views
    fold_factor = views.scales[layer] / np.sqrt(views.running_variances[layer].astype(np.float64) + EPSILON)
    folded_bias = network.biases[layer] - views.running_means[layer] * fold_factor
    return network.weights[layer] * fold_factor, folded_bias
