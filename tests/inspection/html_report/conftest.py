"""What the tests of the sections share: a fitted network, and the tables of a section as text."""

from xml.etree import ElementTree

import pytest
from sklearn.datasets import load_iris

from skneural import ActivationMLPClassifier


@pytest.fixture
def fitted():
    """Return a function that fits a small network on iris."""

    def fit(activation="tanh", sizes=(6, 4), **settings):
        settings = {"learning_rate_init": 0.1, "n_iter_no_change": 2, "tol": 0.01, "random_state": 0, **settings}
        return ActivationMLPClassifier(sizes, activation, **settings).fit(*load_iris(return_X_y=True))

    return fit


@pytest.fixture
def tables():
    """Return a function that returns each table of a section as caption -> rows of texts."""

    def parse(section):
        parsed = ElementTree.fromstring(f"<div>{section.body}</div>")
        return {
            table.find("caption").text: [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]
            for table in parsed.iter("table")
        }

    return parse
