"""``to_onnx``: from a fitted model to an ONNX graph in one call, compared with the model on the user's rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from skneural.deployment.onnx.converters import register_converters
from skneural.deployment.onnx.graph_inputs import input_types, table_inputs, takes_table
from skneural.deployment.onnx.meta_estimators import make_convertible
from skneural.deployment.onnx.verification import first_line, verify
from skneural.deployment.optional_dependencies import import_optional_dependency


def to_onnx(model: Any, X: Any, *, options: Any = None, target_opset: Any = None) -> Any:
    """Convert a fitted estimator, Pipeline or search to ONNX, and compare the graph with the model.

    Parameters
    ----------
    model : estimator
        Of this package, or any of scikit-learn that skl2onnx converts, with estimators of this package inside. Of a
        search, the best estimator is converted.
    X : ndarray of shape (n_samples, n_features), or DataFrame
        Rows on which the graph is compared with the model, one at least. Their dtype and width are those of the graph's
        input: rows of float64 give a graph in float64, all others one in float32. A DataFrame of pandas gives an input
        per column, of which the first decides; for a TableEncoder it can be of Polars, too.
    options : dict, default=None
        Options of skl2onnx, such as ``{"zipmap": True}``: probabilities as a list of dicts, with the labels as keys;
        "columns" gives an output per class. None gives them as one array.
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
        If skl2onnx cannot convert a part of the model, or converts it wrongly; if an activation or a loss has no
        formula in ONNX; if X has other features than the model, or is an array of both numbers and text; if onnxruntime
        cannot run the graph; if the graph's results on X are not the model's.

    Notes
    -----
    What is compared is ``predict`` and ``predict_proba``, or ``transform`` where there is no ``predict``. Labels must
    be equal, except where two are equally probable within the tolerance. Probabilities may differ by 1e-3, other
    numbers by 1e-3 times the largest of their column; in float64 by 1e-5. Graphs of this package's estimators are much
    closer; the tolerance allows for operators that skl2onnx computes in float32.

    Where a :class:`skneural.TableEncoder` reads the rows, categories are text, except those of numbers, and of bools
    without missing cells. ONNX has no missing text: the empty string stands for it, NaN for a missing number.
    Levels are spelled as in ``levels_``. In the names of inputs, skl2onnx replaces what is neither a letter nor a digit
    by an underscore; their order is that of the columns.

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
    if not len(X):
        raise ValueError("X has no rows. Expected at least one, on which the graph is compared with the model.")
    converted = make_convertible(model)
    if options is not None and id(model) in options:
        options = {**options, id(converted): options[id(model)]}
    inputs = table_inputs(converted, X) if takes_table(converted) else None
    graph = _convert(converted, X if inputs is None else input_types(inputs), options, target_opset)
    verify(graph, model, X, _options_of(converted, options or {}), inputs)
    return graph


def _options_of(model: Any, options: dict[Any, Any]) -> dict[str, Any]:
    """Return the options of all models and of this one, by name; skl2onnx takes those of one by the id of the model."""
    options_of_all = {name: value for name, value in options.items() if isinstance(name, str)}
    return options_of_all | options.get(id(model), {})


def _convert(model: Any, X: Any, options: Any, target_opset: Any) -> Any:
    """Return the graph; without options with probabilities as an array, where there is a choice."""
    convert = partial(import_optional_dependency("skl2onnx", "onnx").to_onnx, model, X, target_opset=target_opset)
    try:
        if options is None and is_classifier(model):
            graph = _with_array_of_probabilities(convert, model)
        else:
            graph = convert(options=dict(options or {}))  # a copy, since skl2onnx writes to it
    except ValueError:
        raise
    except Exception as error:  # skl2onnx has many, without a base class of their own
        raise ValueError(
            f"skl2onnx cannot convert this {type(model).__name__}. {type(error).__name__}: {first_line(error)}."
        ) from error
    _refuse_double_dicts(graph)
    return graph


def _with_array_of_probabilities(convert: Callable[..., Any], model: Any) -> Any:
    try:
        return convert(options={id(model): {"zipmap": False}})
    except NameError:  # this classifier has no such option
        return convert(options={})


def _refuse_double_dicts(graph: Any) -> None:
    double = import_optional_dependency("onnx", "onnx").TensorProto.DOUBLE
    in_double = graph.graph.input[0].type.tensor_type.elem_type == double
    if in_double and any(node.op_type == "ZipMap" for node in graph.graph.node):
        raise ValueError(
            "Got zipmap=True with float64 rows, but ONNX has dicts of float32 only. Pass options={'zipmap': False}, "
            "or 'columns', or rows of float32."
        )
