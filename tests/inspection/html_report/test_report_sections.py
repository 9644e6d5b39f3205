from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import confusion_matrix, mean_absolute_error, r2_score, recall_score
from sklearn.pipeline import make_pipeline

from skneural import Maxout, StdScaler, Tanh
from skneural.inspection import check_gradient, unit_report
from skneural.inspection.html_report.report_sections import (
    classification_section,
    gradient_section,
    model_section,
    multilabel_section,
    recommendations_box,
    regression_section,
    training_section,
    units_section,
)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "prelu", Maxout(n_pieces=3)])
def test_parameters_of_the_layers_add_up(activation, batch_norm, fitted, tables):
    network = fitted(activation, batch_norm=batch_norm)
    rows = tables(model_section(network, network))["Layers"][2:]
    units = [int(row[1]) for row in rows]
    assert units == [6, 4, 3]
    trained = network.parameters_.size - (2 * sum(b.size for b in network.intercepts_[:-1]) + 2) * batch_norm
    assert sum(int(row[4].replace(",", "")) for row in rows) == trained


def test_changed_parameters_and_steps_before_the_network(fitted, tables):
    model = make_pipeline(StdScaler(with_mean=False), fitted())
    shown = tables(model_section(model, model[-1]))
    assert shown["Before the network"][1:] == [["stdscaler", "StdScaler(with_mean=False)"]]
    changed = dict(shown["Parameters that are not at their default"][1:])
    assert changed == {
        "hidden_layer_sizes": "(6, 4)",
        "activation": "'tanh'",
        "learning_rate_init": "0.1",
        "n_iter_no_change": "2",
        "tol": "0.01",
        "random_state": "0",
    }


def test_curves_that_training_has_recorded(fitted):
    section = training_section(fitted(early_stopping=True, learning_rate="cosine"))
    for title in ("Loss", "Score on the validation rows", "Learning rate", "Norm of the gradient", "Norm of a step"):
        assert f"<figcaption>{title}" in section.body
    assert "Early stopping kept the weights of epoch" in section.body
    assert "The learning rate was" not in section.body
    plain = training_section(fitted())
    assert "validation" not in plain.body
    assert "The learning rate was 0.1 in all epochs." in plain.body


def test_lbfgs_has_a_loss_curve(fitted):
    section = training_section(fitted(solver="lbfgs", tol=0.1))
    assert "<figcaption>Loss" in section.body
    assert "The learning rate was" not in section.body


X, y = load_iris(return_X_y=True)


def test_units_are_those_of_the_unit_report(fitted, tables):
    network = fitted(Maxout(n_pieces=2))
    report = unit_report(network, X, y)
    section = units_section(report, [network.hidden_features(X, i) for i in range(2)])
    (shown,) = tables(section).values()
    header, *rows = shown
    assert len(rows) == 2
    for row, layer in zip(rows, report.layers, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["units"] == str(layer.n_units)
        assert cells["dead"] == f"{layer.dead:.0%}"
        assert cells["unused pieces"] == f"{layer.unused_pieces:.0%}"
        assert cells["update ratio"] == f"{layer.update_ratio:.1e}"
    assert "mean slope" not in header  # there is none
    assert section.body.count("<figure>") == 2


def test_recommendations_are_shown_or_that_there_are_none():
    assert recommendations_box(["lower <it>", "now"]).count("<li>") == 2
    assert "lower &lt;it&gt;" in recommendations_box(["lower <it>"])
    assert "usual ranges" in recommendations_box([])


def test_a_network_without_hidden_layers(fitted):
    network = fitted(sizes=(), learning_rate_init=0.01)
    assert "no hidden layer" in units_section(unit_report(network, X, y), []).body


def test_the_section_is_finite_on_one_row(fitted):
    network = fitted()
    activations = [network.hidden_features(X[:1], i) for i in range(2)]
    assert "nan" not in units_section(unit_report(network, X[:1], y[:1]), activations).body


def test_each_histogram_has_a_range_of_its_own(fitted):
    network = fitted()
    wide, narrow = np.linspace(0.1, 1000, 60)[:, None], np.linspace(0.1, 1, 60)[:, None]
    body = units_section(unit_report(network, X, y), [wide, narrow]).body
    first, second = body.split("<figure>")[1:]
    assert ">500<" in first
    assert ">0.5<" in second


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


def test_the_gradient_check_is_shown_array_by_array(fitted, tables):
    report = check_gradient(fitted(), X, y)
    rows = tables(gradient_section(report))["Relative errors"][1:]
    assert [row[0] for row in rows] == [check.array for check in report.checks]
    assert [row[5] for row in rows] == [f"{check.max_error:.0e}" for check in report.checks]
    assert {row[-1] for row in rows} == {"good"}


class Forgetful(Tanh):
    def backward(self, dA, Z, A, out=None):
        return np.positive(dA, out=out)


def test_a_wrong_gradient_stands_out(fitted):
    section = gradient_section(check_gradient(fitted(Forgetful()), X, y))
    assert '<td class="bad">wrong</td>' in section.body
