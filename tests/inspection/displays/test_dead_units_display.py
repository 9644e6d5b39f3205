import numpy as np
import pytest
from sklearn.datasets import load_digits

from skneural import ActivationMLPClassifier
from skneural._sklearn_compat import CallbackSupportMixin
from skneural.inspection import DeadUnitsDisplay, NetworkMonitor

X, y = load_digits(return_X_y=True)
needs_callbacks = pytest.mark.skipif(
    not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn has no callbacks before 1.9"
)


@needs_callbacks
@pytest.mark.filterwarnings("ignore")
def test_fractions_are_those_that_the_monitor_counted():
    monitor = NetworkMonitor(X[:200])
    model = ActivationMLPClassifier((20, 10), learning_rate_init=0.5, max_iter=4, random_state=0)
    model.set_callbacks(monitor).fit(X, y)
    display = DeadUnitsDisplay.from_monitor(monitor, name="rate 0.5")
    assert display.epochs.tolist() == [0, 1, 2, 3, 4]
    for fractions, report in zip(display.fractions, monitor.reports, strict=True):
        assert fractions.tolist() == [layer.dead for layer in report.layers]
    assert display.fractions[-1].max() > 0.5
    drawn = {line.get_label(): line.get_ydata() for line in display.ax_.get_lines()}
    np.testing.assert_array_equal(drawn["rate 0.5, layer 1: ReLU()"], display.fractions[:, 1])


def test_lines_are_the_fractions_and_the_band_is_drawn_once():
    first = DeadUnitsDisplay(np.arange(3), np.array([[0.0], [0.1], [0.6]]), ["slow"]).plot()
    second = DeadUnitsDisplay(np.arange(2), np.array([[0.0], [0.9]]), ["fast"]).plot(first.ax_)
    assert second.figure_ is first.figure_
    assert [line.get_ydata().tolist() for line in second.ax_.get_lines()] == [[0.0, 0.1, 0.6], [0.0, 0.9]]
    assert len(second.ax_.patches) == 1
    assert [text.get_text() for text in second.ax_.get_legend().texts][1:] == ["slow", "fast"]


def test_a_monitor_that_saw_nothing_is_refused():
    with pytest.raises(ValueError, match="recorded nothing yet"):
        DeadUnitsDisplay.from_monitor(NetworkMonitor())
    with pytest.raises(TypeError, match=r"monitor must be a NetworkMonitor. Got ActivationMLPClassifier"):
        DeadUnitsDisplay.from_monitor(ActivationMLPClassifier())
