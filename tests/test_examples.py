"""Every example runs, from an empty folder and in a fresh process, and prints what it claims."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))

# What the output must contain; an example without an entry here fails its test.
CLAIMS = {
    "plot_grid_search": [
        r"Maxout\(n_pieces=2\)( +0\.\d{4}){4}",
        r"best pair: .* mean accuracy 0\.9[78]",
        r"accuracy on 450 unseen digits: 0\.9[6-9]",
        r"in a fresh process: equal predictions: True",
    ],
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_prints_what_it_claims(path, tmp_path):
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    run = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900
    )
    assert run.returncode == 0, run.stderr
    for claim in CLAIMS[path.stem]:
        assert re.search(claim, run.stdout), f"{claim!r} is not in the output:\n{run.stdout}"
