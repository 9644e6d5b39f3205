"""Run scikit-learn's own tests of StandardScaler with StdScaler in its place.

``python tests/preprocessing/sklearn_scaler_suite.py`` prints one JSON object: the number of tests that
passed, and the ids of those that failed or were skipped.
"""

from __future__ import annotations

import collections
import inspect
import json
import os
import sys
from pathlib import Path

import pytest
import sklearn.preprocessing
from sklearn.preprocessing.tests import __file__ as tests_folder

from skneural.preprocessing import StdScaler

TEST_FILE = Path(tests_folder).with_name("test_data.py")


class Selection:
    """Keeps the tests that use the scaler, and notes how each ended."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        items[:] = [item for item in items if self._concerned(item)]

    @staticmethod
    def _concerned(item: pytest.Function) -> bool:
        classes = (
            [
                value if inspect.isclass(value) else type(value)
                for name, value in getattr(item, "callspec", None).params.items()
                if name in ("Transformer", "TransformerClass", "scaler", "est", "estimator")
            ]
            if hasattr(item, "callspec")
            else []
        )
        if classes:
            return StdScaler in classes
        return "StandardScaler" in inspect.getsource(item.function)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid.split("::")[-1]] = report.outcome


def main() -> None:
    sklearn.preprocessing.StandardScaler = StdScaler
    selection = Selection()
    options = ["-c", os.devnull, "--rootdir", str(TEST_FILE.parent), "-p", "no:cacheprovider", "-p", "no:xdist"]
    with open(os.devnull, "w") as silence:
        stdout, sys.stdout = sys.stdout, silence
        pytest.main([str(TEST_FILE), *options, "--tb=short" if "-v" in sys.argv else "--tb=no"], [selection])
        sys.stdout = stdout
    named = {
        outcome: sorted(name for name, each in selection.outcomes.items() if each == outcome)
        for outcome in ("failed", "skipped")
    }
    counts = collections.Counter(selection.outcomes.values())
    print(json.dumps({"passed": counts["passed"], **named}))


if __name__ == "__main__":
    main()
