"""Rows of tables as inputs of graphs: which type each column gets, and how its cells are spelled."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder

from skneural import StdScaler, TableEncoder
from skneural.deployment.onnx.graph_inputs import input_types, table_inputs, takes_table

FRAME = pd.DataFrame({"n": [1.0, 2.0, np.nan, 4.0], "t": ["a", "b", "a", None]})


def rows_of(**columns):
    table = pd.DataFrame(columns).assign(present=1.0)  # which no table can do without
    inputs = table_inputs(TableEncoder([*columns]).fit(table), table)
    return {name: inputs[name].ravel() for name in columns}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (np.array([1.5, np.nan], np.float32), np.array([1.5, np.nan], np.float32)),
        (np.array([1.5, 2], np.float16), np.array([1.5, 2], np.float32)),
        (np.array([1.5, 2]), np.array([1.5, 2])),
        (np.array([1, 2], np.int8), np.array([1, 2])),
        (np.array([1, 2], np.uint64), np.array([1.0, 2.0])),
        (pd.array([1, None], dtype="Int64"), np.array([1, np.nan])),
        (pd.array([1, 2], dtype="Int64"), np.array([1, 2])),
        (np.array([1, None], dtype=object), np.array([1, np.nan])),
        (pd.Categorical([7, None, 8]), np.array([7, np.nan, 8])),
        (pd.Categorical([7, 2**53 + 1]), np.array(["7", "9007199254740993"], dtype=object)),
        (np.array([True, False]), np.array([True, False])),
        (np.array([True, None], dtype=object), np.array(["True", ""], dtype=object)),
        (np.array(["1", None, np.nan], dtype=object), np.array(["1", "", ""], dtype=object)),
        (np.array([1.0, "a", 2, False], dtype=object), np.array(["1", "a", "2", "False"], dtype=object)),
        (pd.Categorical(["a", None]), np.array(["a", ""], dtype=object)),
        (np.array([None, None]), np.array(["", ""], dtype=object)),
    ],
    ids=str,
)
def test_each_kind_of_cells(cells, expected):
    array = rows_of(column=cells)["column"]
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)


def test_a_frame_has_an_input_per_column_with_its_name():
    rows = table_inputs(TableEncoder().fit(FRAME), FRAME)
    assert {name: array.shape for name, array in rows.items()} == {"n": (4, 1), "t": (4, 1)}
    frame = FRAME.set_axis([0, 1], axis=1)
    assert list(table_inputs(TableEncoder().fit(frame), frame)) == ["0", "1"]


def test_arrays():
    for dtype in (np.float32, np.float64, np.int64, bool):
        assert table_inputs(None, np.eye(3, dtype=dtype))["X"].dtype == dtype
    assert table_inputs(None, np.eye(3, dtype=np.uint8))["X"].dtype == np.int64
    np.testing.assert_array_equal(table_inputs(None, np.array([["a", None]], dtype=object))["X"], [["a", ""]])
    with pytest.raises(ValueError, match="columns of different types: float64, object"):
        table_inputs(None, FRAME.to_numpy())


def test_the_types_of_inputs():
    pytest.importorskip("skl2onnx")
    kinds = [np.float32, np.float64, np.int64, bool, object]
    types = input_types({kind.__name__: np.empty((3, 2), kind) for kind in kinds})
    assert [type(kind).__name__ for _, kind in types] == [
        f"{name}TensorType" for name in ("Float", "Double", "Int64", "Boolean", "String")
    ]
    assert all(kind.shape == [None, 2] for _, kind in types)


def test_which_models_take_tables():
    numbers, encoder = ["n"], TableEncoder()
    for model, expected in [
        (encoder, True),
        (make_pipeline(encoder, LogisticRegression()), True),
        (make_pipeline(make_pipeline(encoder)), True),
        (make_union(encoder, encoder), True),
        (VotingClassifier([("a", make_pipeline(encoder, LogisticRegression()))]), True),
        (make_column_transformer((encoder, ["t"])), True),
        (make_column_transformer((encoder, numbers), (OneHotEncoder(), ["t"])), False),
        (make_pipeline(make_column_transformer((StdScaler(), numbers)), encoder), False),
    ]:
        assert takes_table(model.fit(FRAME, [0, 1, 0, 1])) is expected
    assert not takes_table(RandomForestClassifier(2).fit(FRAME[numbers].fillna(0), [0, 1, 0, 1]))
