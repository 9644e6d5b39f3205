import numpy as np
from sklearn.datasets import load_iris

from skneural import Maxout
from skneural.inspection import unit_report
from skneural.inspection.html_report.units_section import recommendations_box, units_section

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
