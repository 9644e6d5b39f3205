"""What the tests of ONNX share: graphs in the real onnxruntime, against the models' own predictions."""

import numpy as np
import pandas as pd
import pytest

from skneural.deployment import to_onnx


def _run_graph(graph, rows):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {name: rows[[name]].to_numpy() for name in rows} if isinstance(rows, pd.DataFrame) else {"X": rows}
    return session.run(None, feed)


def _assert_same(model, rows, atol, **how):
    graph = to_onnx(model, rows, **how)
    outputs = _run_graph(graph, rows)
    if hasattr(model, "predict_proba"):
        np.testing.assert_array_equal(outputs[0], model.predict(rows))
        expected = np.asarray(model.predict_proba(rows))  # a list, if there are several outputs
    elif hasattr(model, "predict"):
        np.testing.assert_array_equal(len(outputs[0]), len(rows))
        expected = model.predict(rows)
        if expected.dtype.kind not in "f":
            np.testing.assert_array_equal(outputs[0].ravel(), expected)
            return graph
        expected = expected.reshape(len(rows), -1)
    else:
        expected = model.transform(rows)
    assert np.shape(outputs[-1]) == expected.shape
    np.testing.assert_allclose(outputs[-1], expected, rtol=0, atol=atol)
    return graph


@pytest.fixture
def run_graph():
    """The outputs of a graph for some rows."""
    return _run_graph


@pytest.fixture
def assert_same():
    """Convert a model; labels must be the same, and probabilities, predictions or outputs agree; return the graph."""
    return _assert_same
