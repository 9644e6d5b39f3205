import numpy as np
from sklearn.datasets import load_iris

from skneural import Maxout
from skneural.inspection import unit_report
from skneural.inspection.displays import UnitActivityDisplay
from skneural.inspection.html_report.units_section import recommendations_box, units_section

X, y = load_iris(return_X_y=True)


def test_units_are_those_of_the_unit_report(fitted, tables):
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
    assert "no hidden layer" in units_section(unit_report(network, X, y), None).body


def test_the_section_is_finite_on_one_row(fitted):
    network = fitted()
    report = unit_report(network, X[:1], y[:1])
    activity = UnitActivityDisplay([network.hidden_features(X[:1], i) for i in range(2)], ["a", "b"])
    assert "nan" not in units_section(report, activity).body
    assert np.isfinite(activity.densities).all()
