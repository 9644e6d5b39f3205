"""``Tensor``: a value of an ONNX graph; what is computed from it is written as nodes of the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skneural.deployment.optional_dependencies import import_optional_dependency


class Tensor:
    """A value in an ONNX graph; each operation on it adds a node to the graph.

    Numbers and arrays that it is combined with become constants of its dtype. There is a method for each operator that
    the formulas need and that onnxruntime has in float32 and in float64; :meth:`apply` takes any other.

    Parameters
    ----------
    scope, container : object
        The arguments that skl2onnx passes to a converter: they name values and take nodes.
    name : str
        The value's name in the graph.
    dtype : dtype
        Its precision, which constants get too.

    Examples
    --------
    A formula is an expression. That of leaky ReLU, ``Z.maximum(Z * negative_slope)``, becomes two nodes:

    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.deployment import to_onnx
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ActivationMLPClassifier((8,), "leaky_relu", solver="lbfgs", tol=1e-2, random_state=0).fit(X, y)
    >>> [node.op_type for node in to_onnx(model, X).graph.node if node.op_type in ("Mul", "Max")]
    ['Mul', 'Max']
    """

    __array_ufunc__ = None  # so that ``array + tensor`` calls the tensor's method

    def __init__(self, scope: Any, container: Any, name: str, dtype: Any):
        self._scope, self._container = scope, container
        self.name, self.dtype = name, np.dtype(dtype)

    def apply(self, operator: str, *others: Any, dtype: Any = None, n_outputs: int = 1, **attributes: Any) -> Tensor:
        """Return the result of an ONNX operator on this value and others.

        Parameters
        ----------
        operator : str
            Its name in ONNX, such as "Clip".
        *others : Tensor, ndarray or float
            Further inputs.
        dtype : dtype, default=None
            The dtype of the result; None means that of this value.
        n_outputs : int, default=1
            The number of outputs of the operator; the first is returned.
        **attributes : int, float or str
            Attributes of the node.

        Returns
        -------
        result : Tensor
            The output of the node.
        """
        inputs = [self.name, *(self.constant(other).name for other in others)]
        result = Tensor(self._scope, self._container, self._scope.get_unique_variable_name("Z"), dtype or self.dtype)
        name = self._scope.get_unique_operator_name(operator)
        unused = [self._scope.get_unique_variable_name("unused") for _ in range(n_outputs - 1)]
        self._container.add_node(operator, inputs, [result.name, *unused], name=name, **attributes)
        return result

    def constant(self, value: Any) -> Tensor:
        """Return a number or an array as a constant of the graph; floats in the dtype of this value."""
        if isinstance(value, Tensor):
            return value
        array = np.asarray(value)
        return self._stored(array.astype(self.dtype) if array.dtype.kind == "f" or array.ndim == 0 else array)

    def _stored(self, array: NDArray[Any]) -> Tensor:
        name = self._scope.get_unique_variable_name("constant")
        if array.dtype.kind in "OU":
            text_type = import_optional_dependency("onnx", "onnx").TensorProto.STRING
            self._container.add_initializer(name, text_type, array.shape, [text.encode() for text in array.ravel()])
        else:
            # As bytes: a list of numbers would take a second for a million of them.
            array_as_bytes = import_optional_dependency("onnx.numpy_helper", "onnx").from_array(array)
            self._container.add_initializer(name, None, None, array_as_bytes)
        return Tensor(self._scope, self._container, name, array.dtype)

    def write(self, variable: Any) -> None:
        """Make this the value of one of the converter's outputs."""
        self._container.add_node("Identity", self.name, variable.full_name)

    def cast(self, dtype: Any) -> Tensor:
        """Return it in another dtype."""
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self
        onnx_dtype = import_optional_dependency("onnx.helper", "onnx").np_dtype_to_tensor_dtype(dtype)
        return self.apply("Cast", dtype=dtype, to=onnx_dtype)

    def __add__(self, other: Any) -> Tensor:
        return self.apply("Add", other)

    def __radd__(self, other: Any) -> Tensor:
        return self.apply("Add", other)

    def __sub__(self, other: Any) -> Tensor:
        return self.apply("Sub", other)

    def __rsub__(self, other: Any) -> Tensor:
        return self.constant(other).apply("Sub", self)

    def __mul__(self, other: Any) -> Tensor:
        return self.apply("Mul", other)

    def __rmul__(self, other: Any) -> Tensor:
        return self.apply("Mul", other)

    def __truediv__(self, other: Any) -> Tensor:
        return self.apply("Div", other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return self.constant(other).apply("Div", self)

    def __matmul__(self, other: Any) -> Tensor:
        return self.apply("MatMul", other)

    def __neg__(self) -> Tensor:
        return self.apply("Neg")

    def maximum(self, *others: Any) -> Tensor:
        """Return the larger of the values, entry by entry."""
        return self.apply("Max", *others)

    def minimum(self, *others: Any) -> Tensor:
        """Return the smaller of the values, entry by entry."""
        return self.apply("Min", *others)

    def abs(self) -> Tensor:
        """Return the magnitude."""
        return self.apply("Abs")

    def exp(self) -> Tensor:
        """Return the exponential."""
        return self.apply("Exp")

    def log(self) -> Tensor:
        """Return the natural logarithm."""
        return self.apply("Log")

    def sqrt(self) -> Tensor:
        """Return the square root."""
        return self.apply("Sqrt")

    def tanh(self) -> Tensor:
        """Return the hyperbolic tangent."""
        return self.apply("Tanh")

    def sigmoid(self) -> Tensor:
        """Return 1 / (1 + exp(-Z))."""
        return self.apply("Sigmoid")

    def softmax(self) -> Tensor:
        """Return the softmax of each row."""
        return self.apply("Softmax", axis=1)

    def argmax(self) -> Tensor:
        """Return the column of each row's (first) largest entry, of shape (n_rows,)."""
        return self.apply("ArgMax", dtype=np.int64, axis=1, keepdims=0)

    def sort(self) -> Tensor:
        """Return the entries of each row in ascending order."""
        width = self.apply("Shape", dtype=np.int64).take(np.array([1]), axis=0)
        return self.apply("TopK", width, n_outputs=2, axis=1, largest=0)

    def take(self, index: Any, axis: int) -> Tensor:
        """Return the entries at the index, an integer, an array of them or a Tensor, as `numpy.take` does."""
        index = index if isinstance(index, Tensor) else self._stored(np.asarray(index, np.int64))
        return self.apply("Gather", index, axis=axis)

    def rows_of(self, table: NDArray[Any]) -> Tensor:
        """Return the rows of an array that this, integers of shape (n_rows,), are the numbers of."""
        return self._stored(table).take(self, axis=0)

    def is_nan(self) -> Tensor:
        """Return where it is NaN, as bools."""
        return self.apply("IsNaN", dtype=np.bool_)

    def equals(self, other: Any) -> Tensor:
        """Return where the values are equal, as bools."""
        return self.apply("Equal", other, dtype=np.bool_)

    def where(self, condition: Tensor, otherwise: Any) -> Tensor:
        """Return its entries where the condition holds, else the others."""
        return condition.apply("Where", self, self.constant(otherwise), dtype=self.dtype)

    def reshape(self, *shape: int) -> Tensor:
        """Return it in another shape; 0 keeps a length, -1 stands for what is left."""
        return self.apply("Reshape", np.array(shape))

    def vstack(self, *others: Any) -> Tensor:
        """Return its rows and those of others in one array, as `numpy.vstack` does."""
        return self.apply("Concat", *others, axis=0)

    def hstack(self, *others: Any) -> Tensor:
        """Return its columns and those of others in one array, as `numpy.hstack` does."""
        return self.apply("Concat", *others, axis=1) if others else self
