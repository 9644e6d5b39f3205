"""The nodes that expressions write: the real runtime computes what NumPy does, in both precisions."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, TransformerMixin

from skneural.deployment.onnx.onnx_graph import Tensor

onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

rng = np.random.default_rng(0)
X = rng.normal(size=(5, 4))
W = rng.normal(size=(4, 3))
b = rng.normal(size=3)


class Computed(TransformerMixin, BaseEstimator):
    """A transformer that is nothing but a formula."""

    def __init__(self, formula):
        self.formula = formula


def evaluated(formula, rows):
    """Return what the runtime makes of a formula of one Tensor."""

    def shapes(operator):
        operator.outputs[0].set_type(type(operator.inputs[0].type)([None, None]))

    def convert(scope, operator, container):
        formula(Tensor(scope, container, operator.inputs[0].full_name, rows.dtype)).write(operator.outputs[0])

    skl2onnx.update_registered_converter(Computed, "Computed", shapes, convert)
    graph = skl2onnx.to_onnx(Computed(formula), rows)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: rows})[0]


# A formula, and what NumPy says.
FORMULAS = {
    "add": (lambda Z: Z + 1, lambda z: z + 1),
    "add on the left": (lambda Z: 1 + Z, lambda z: z + 1),
    "an array on the left": (lambda Z: np.arange(4.0) + Z, lambda z: z + np.arange(4)),
    "an array on the left of a product": (lambda Z: np.arange(4.0) * Z, lambda z: z * np.arange(4)),
    "subtract": (lambda Z: Z - 0.5, lambda z: z - 0.5),
    "subtract from": (lambda Z: 0.5 - Z, lambda z: 0.5 - z),
    "multiply": (lambda Z: 2 * Z * Z, lambda z: 2 * z * z),
    "divide": (lambda Z: Z / 3, lambda z: z / 3),
    "divide into": (lambda Z: 1 / (Z * Z + 1), lambda z: 1 / (z * z + 1)),
    "negate": (lambda Z: -Z, lambda z: -z),
    "matrix product": (lambda Z: Z @ W + b, lambda z: z @ W + b),
    "maximum": (lambda Z: Z.maximum(0, -Z / 2), lambda z: np.maximum(np.maximum(z, 0), -z / 2)),
    "minimum": (lambda Z: Z.minimum(0.25), lambda z: np.minimum(z, 0.25)),
    "abs": (lambda Z: Z.abs(), np.abs),
    "exp": (lambda Z: Z.exp(), np.exp),
    "log": (lambda Z: Z.abs().log(), lambda z: np.log(np.abs(z))),
    "sqrt": (lambda Z: Z.abs().sqrt(), lambda z: np.sqrt(np.abs(z))),
    "tanh": (lambda Z: Z.tanh(), np.tanh),
    "sigmoid": (lambda Z: Z.sigmoid(), expit),
    "softmax": (lambda Z: Z.softmax(), lambda z: softmax(z, axis=1)),
    "columns": (lambda Z: Z.take([2, 0], axis=1), lambda z: z[:, [2, 0]]),
    "the largest column": (
        lambda Z: Z.constant(b[[0, 1, 2, 0]]).take(Z.argmax(), axis=0),
        lambda z: b[[0, 1, 2, 0]][z.argmax(1)],
    ),
    "reshape": (lambda Z: Z.reshape(0, 2, -1), lambda z: z.reshape(len(z), 2, 2)),
    "columns of several": (lambda Z: Z.hstack(Z * 2, Z), lambda z: np.hstack([z, 2 * z, z])),
    "another operator": (lambda Z: Z.apply("Sign"), np.sign),
    "there and back": (lambda Z: (Z.cast(np.float64) / 3).cast(Z.dtype), lambda z: z / 3),
    "nothing": (lambda Z: Z.cast(Z.dtype), lambda z: z),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FORMULAS)
def test_the_runtime_computes_what_numpy_does(name, dtype):
    formula, reference = FORMULAS[name]
    rows = X.astype(dtype)
    values = evaluated(formula, rows)
    assert values.dtype == dtype
    np.testing.assert_allclose(values, reference(rows), rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)


def test_constants_take_the_precision_of_what_they_meet():
    third, rows = 1 / 3, X.astype(np.float32)  # a third is not a float32
    np.testing.assert_array_equal(evaluated(lambda Z: Z * 0 + third, rows), np.float32(third))
    lost = third - float(np.float32(third))
    found = evaluated(lambda Z: (Z.cast(np.float64) * 0 + third - float(np.float32(third))).cast(Z.dtype), rows)
    np.testing.assert_array_equal(found, np.float32(lost))
