from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, mean_absolute_error, r2_score, recall_score

from skneural.inspection.html_report.predictions_section import (
    classification_section,
    multilabel_section,
    regression_section,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("labels", [np.array(["<b>", "ok", "no"]), np.array([3, 5, 9])])
def test_the_matrix_is_the_confusion_matrix(labels, tables):
    y, predicted = RNG.choice(labels, 60), RNG.choice(labels, 60)
    summary, section = classification_section(y, predicted)
    assert summary == {"accuracy": f"{np.mean(y == predicted):.4f}"}
    matrix, quality = tables(section).values()
    counts = [[int(cell or 0) for cell in row[1:]] for row in matrix[1:]]
    names = np.unique(labels)
    assert counts == confusion_matrix(y, predicted, labels=names).tolist()
    assert [row[0] for row in matrix[1:]] == [str(name) for name in names]
    recalls = recall_score(y, predicted, labels=names, average=None)
    assert [row[3] for row in quality[1:]] == [f"{recall:.3f}" for recall in recalls]


def test_cells_are_shaded_by_their_fraction_of_the_class():
    _, section = classification_section(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1]))
    parsed = ElementTree.fromstring(section.body)
    fractions = [cell.get("style") for cell in parsed.iter("td") if cell.get("class") == "heat"]
    assert fractions == ["--fraction: 0.750", "--fraction: 0.250", "--fraction: 0.000", "--fraction: 1.000"]


def test_many_classes_are_a_list_of_the_most_frequent_confusions(tables):
    y = np.repeat(np.arange(40), 3)
    predicted = y.copy()
    predicted[:3], predicted[3] = 7, 9
    _, section = classification_section(y, predicted)
    rows = tables(section)["The most frequent confusions among 40 classes"][1:]
    assert rows == [["0", "7", "3"], ["1", "9", "1"]]


def test_a_label_that_only_predictions_have(tables):
    _, section = classification_section(np.array(["a", "a"]), np.array(["a", "b"]))
    assert [row[0] for row in next(iter(tables(section).values()))[1:]] == ["a", "b"]


def test_several_labels(tables):
    Y = np.array([[1, 0], [1, 1], [0, 1], [0, 0]])
    summary, section = multilabel_section(Y, 1 - Y)
    assert summary == {"all labels right": "0.0000"}
    assert tables(section)["By class"][1:] == [["label 0", "2", "0.000", "0.000"], ["label 1", "2", "0.000", "0.000"]]


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_errors_of_numbers(n_outputs, tables):
    Y = RNG.normal(size=(30, n_outputs)).squeeze()
    F = Y + 0.1 * RNG.normal(size=Y.shape)
    summary, section = regression_section(Y, F)
    assert summary == {"R²": f"{r2_score(Y, F):.4f}"}
    rows = tables(section)["Errors, in units of y"][1:]
    first = (Y, F) if n_outputs == 1 else (Y[:, 0], F[:, 0])
    assert rows[0][1:3] == [f"{r2_score(*first):.4f}", f"{mean_absolute_error(*first):.3g}"]
    assert section.body.count("<figure>") == 2 * n_outputs
    assert section.body.count("<circle") == 30 * n_outputs


def test_one_row_and_many():
    summary, section = regression_section(np.array([1.0]), np.array([1.5]))
    assert summary == {"R²": "-"}
    assert "nan" not in section.body
    y = RNG.normal(size=10_000)
    assert regression_section(y, y)[1].body.count("<circle") == 500
