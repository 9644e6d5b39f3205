"""Pictures are drawn without a screen, and closed after each test."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def _no_screen():
    plt.close("all")  # that is open from elsewhere: a change of backends would warn of it
    plt.switch_backend("Agg")
    yield
    plt.close("all")
