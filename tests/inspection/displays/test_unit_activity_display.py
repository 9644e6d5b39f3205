import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, ActivationMLPRegressor, StdScaler
from skneural.inspection import UnitActivityDisplay

X, y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def model():
    network = ActivationMLPClassifier(
        (12, 6), ["relu", "tanh"], learning_rate_init=0.1, n_iter_no_change=2, random_state=0
    )
    return make_pipeline(StdScaler(), network).fit(X, y)


def test_statistics_are_those_of_the_hidden_features(model):
    display = UnitActivityDisplay.from_estimator(model, X)
    rows = model[0].transform(X)
    for i in range(2):
        A = model[-1].hidden_features(rows, i)
        assert display.means[i] == pytest.approx(A.mean())
        assert display.stds[i] == pytest.approx(A.std())
        assert display.zero_fractions[i] == np.mean(A == 0)
    assert display.n_units.tolist() == [12, 6]
    assert display.names == ["layer 0: ReLU()", "layer 1: Tanh()"]


def test_densities_leave_out_zeros_and_at_most_a_thousandth_at_each_end(model):
    display = UnitActivityDisplay.from_estimator(model, X, n_bins=17)
    assert display.densities.shape == (2, 17)
    areas = (display.densities * np.diff(display.edges)).sum(axis=1)
    assert ((areas > 0.99) & (areas <= 1 + 1e-12)).all()


def test_units_that_are_always_zero_are_those_that_brute_force_finds(model):
    network = ActivationMLPClassifier((12, 6), learning_rate_init=0.01, tol=0.01, random_state=0).fit(X, y)
    network.intercepts_[0][:5] = -100
    display = UnitActivityDisplay.from_estimator(network, X)
    A = network.hidden_features(X, 0)
    always_zero = sum(all(a == 0 for a in A[:, j]) for j in range(12))
    assert always_zero >= 5
    assert display.n_always_zero[0] == always_zero
    assert any(f"on every row: {always_zero} of 12 units" in text.get_text() for text in display.ax_.texts)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_that_is_zero_everywhere(dtype):
    display = UnitActivityDisplay([np.zeros((5, 3), dtype), np.ones((5, 2), dtype)], ["dead", "constant"]).plot()
    assert display.zero_fractions.tolist() == [1, 0]
    assert display.n_always_zero.tolist() == [3, 0]
    assert not display.densities[0].any()
    assert np.isfinite(display.edges).all()
    assert (display.densities[1] * np.diff(display.edges)).sum() == pytest.approx(1)
    only = UnitActivityDisplay([np.zeros((1, 1), dtype)], ["dead"]).plot()
    assert only.edges[0] < only.edges[-1]


def test_a_dataframe_in_single_precision():
    frame = pd.DataFrame(X, columns=list("abcd"))
    network = ActivationMLPClassifier((3,), "tanh", learning_rate_init=0.1, tol=0.1, dtype="float32", random_state=0)
    display = UnitActivityDisplay.from_estimator(network.fit(frame, y), frame)
    assert display.means.dtype == np.float64
    assert display.means[0] == pytest.approx(network.hidden_features(frame, 0).mean(dtype=np.float64))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_sparse_rows_and_one_output():
    network = ActivationMLPRegressor(
        hidden_layer_sizes=(3,), learning_rate_init=0.1, n_iter_no_change=2, random_state=0
    )
    rows = csr_array(X)
    display = UnitActivityDisplay.from_estimator(network.fit(rows, y), rows)
    assert display.means[0] == pytest.approx(network.hidden_features(X, 0).mean())


def test_without_hidden_layers_there_is_nothing_to_show():
    network = ActivationMLPClassifier((), learning_rate_init=0.1, tol=0.1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="hidden_layer_sizes is empty"):
        UnitActivityDisplay.from_estimator(network, X)


def test_the_figure_has_one_histogram_and_one_mean_per_layer(model):
    display = UnitActivityDisplay.from_estimator(model, X)
    means = [line.get_xdata()[0] for line in display.ax_.get_lines()[1:]]
    np.testing.assert_allclose(means, display.means)
    outlines = [patch for patch in display.ax_.patches if not patch.get_fill()]
    for i, outline in enumerate(outlines):
        heights = outline.get_data().values - i
        np.testing.assert_allclose(heights / 0.6, display.densities[i] / display.densities[i].max(), atol=1e-12)
    assert len(outlines) == 2
