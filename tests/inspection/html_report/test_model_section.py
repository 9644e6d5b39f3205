import pytest
from sklearn.pipeline import make_pipeline

from skneural import Maxout, StdScaler
from skneural.inspection.html_report.model_section import model_section


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
