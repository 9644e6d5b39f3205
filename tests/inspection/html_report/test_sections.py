from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, Maxout, StdScaler, Tanh
from skneural.inspection import check_gradient, unit_report
from skneural.inspection.displays import UnitActivityDisplay
from skneural.inspection.html_report.sections import (
    advice_box,
    gradient_section,
    key_figures,
    model_section,
    training_section,
    units_section,
)

X, y = load_iris(return_X_y=True)


def fitted(activation="tanh", sizes=(6, 4), **settings):
    settings = {"learning_rate_init": 0.1, "n_iter_no_change": 2, "tol": 0.01, "random_state": 0, **settings}
    return ActivationMLPClassifier(sizes, activation, **settings).fit(X, y)


def tables(section):
    """Return each table of a section as caption -> rows of texts."""
    parsed = ElementTree.fromstring(f"<div>{section.body}</div>")
    return {
        table.find("caption").text: [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]
        for table in parsed.iter("table")
    }


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "prelu", Maxout(n_pieces=3)])
def test_parameters_of_the_layers_add_up(activation, batch_norm):
    network = fitted(activation, batch_norm=batch_norm)
    rows = tables(model_section(network, network))["Layers"][2:]
    units = [int(row[1]) for row in rows]
    assert units == [6, 4, 3]
    trained = network.parameters_.size - (2 * sum(b.size for b in network.intercepts_[:-1]) + 2) * batch_norm
    assert sum(int(row[4].replace(",", "")) for row in rows) == trained


def test_settings_that_are_not_the_default_and_steps_before_the_network():
    model = make_pipeline(StdScaler(with_mean=False), fitted())
    shown = tables(model_section(model, model[-1]))
    assert shown["Before the network"][1:] == [["stdscaler", "StdScaler(with_mean=False)"]]
    settings = dict(shown["Settings that are not the default"][1:])
    assert settings == {
        "hidden_layer_sizes": "(6, 4)",
        "activation": "'tanh'",
        "learning_rate_init": "0.1",
        "n_iter_no_change": "2",
        "tol": "0.01",
        "random_state": "0",
    }


def test_curves_that_training_has_recorded():
    section = training_section(fitted(early_stopping=True, learning_rate="cosine"))
    for title in ("Loss", "Score on validation rows", "Learning rate", "Norm of the gradient", "Length of a step"):
        assert f"<figcaption>{title}" in section.body
    assert "Early stopping kept the weights of epoch" in section.body
    plain = training_section(fitted())
    assert "validation rows" not in plain.body
    assert "The learning rate was 0.1 throughout." in plain.body


def test_lbfgs_has_a_loss_curve():
    assert "<figcaption>Loss" in training_section(fitted(solver="lbfgs", tol=0.1)).body


def test_units_are_those_of_the_unit_report():
    network = fitted(Maxout(n_pieces=2))
    report = unit_report(network, X, y)
    activity = UnitActivityDisplay([network.hidden_features(X, i) for i in range(2)], ["layer 0", "layer 1"])
    section = units_section(report, activity)
    (shown,) = tables(section).values()
    header, *rows = shown
    assert len(rows) == 2
    for row, layer in zip(rows, report.layers, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["units"] == str(layer.n_units)
        assert cells["dead"] == f"{layer.dead:.0%}"
        assert cells["never chosen"] == f"{layer.never_chosen:.0%}"
        assert cells["update ratio"] == f"{layer.update_ratio:.1e}"
    assert "mean slope" not in header  # nothing to say
    assert section.body.count("<figure>") == 2


def test_advice_is_shown_or_that_none_is_needed():
    assert advice_box(["lower <it>", "now"]).count("<li>") == 2
    assert "lower &lt;it&gt;" in advice_box(["lower <it>"])
    assert "usual ranges" in advice_box([])


def test_a_network_without_hidden_layers():
    network = fitted(sizes=(), learning_rate_init=0.01)
    assert "no hidden layer" in units_section(unit_report(network, X, y), None).body


def test_the_gradient_check_is_shown_array_by_array():
    report = check_gradient(fitted(), X, y)
    rows = tables(gradient_section(report))["Relative errors"][1:]
    assert [row[0] for row in rows] == [check.array for check in report.checks]
    assert [row[5] for row in rows] == [f"{check.worst:.0e}" for check in report.checks]
    assert {row[-1] for row in rows} == {"good"}


class Forgetful(Tanh):
    def backward(self, dA, Z, A, out=None):
        return np.positive(dA, out=out)


def test_a_wrong_gradient_stands_out():
    section = gradient_section(check_gradient(fitted(Forgetful()), X, y))
    assert '<td class="bad">wrong</td>' in section.body


def test_key_figures_are_escaped():
    assert "<dt>a</dt><dd>&lt;b&gt;</dd>" in key_figures({"a": "<b>"})


def test_sections_are_finite_on_one_row():
    network = fitted()
    report = unit_report(network, X[:1], y[:1])
    activity = UnitActivityDisplay([network.hidden_features(X[:1], i) for i in range(2)], ["a", "b"])
    assert "nan" not in units_section(report, activity).body
    assert np.isfinite(activity.densities).all()
