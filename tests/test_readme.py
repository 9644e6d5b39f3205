"""The README's code runs, and its commands are two."""

import re
from pathlib import Path

import joblib
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.parametrize("code", BLOCKS[1:], ids=lambda code: code.split("\n")[-2][:30])
def test_block_runs(code):
    exec(compile(code, "README.md", "exec"), {})


def test_main_job_runs_on_a_smaller_grid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid = '"logistic", "tanh", "relu", "leaky_relu", "prelu", "elu", '
    small = BLOCKS[0].replace(grid, "").replace("[1e-4, 1e-3, 1e-2, 1e-1]", "[1e-2]").replace("n_jobs=-1", "cv=2")
    assert len(small) < len(BLOCKS[0]) - 80  # the grid was found
    names = {}
    exec(compile(small, "README.md", "exec"), names)
    assert joblib.load("model.joblib").score(names["X_test"], names["y_test"]) > 0.95


def test_there_are_exactly_two_commands():
    section = README.split("## Try it")[1].split("\n## ")[0]
    assert len(re.findall(r"```sh\n(.*?)```", section, re.S)) == 2
