"""The page on deployment keeps its word: its code runs, in order, and prints what it says."""

import contextlib
import io
import re
import warnings
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()


def test_the_code_runs_and_prints_what_the_page_says(tmp_path, monkeypatch):
    pytest.importorskip("skops.io")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    monkeypatch.chdir(tmp_path)
    names, printed, said = {"__name__": "page"}, io.StringIO(), []
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
        for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S):
            if language == "python":
                exec(compile(block, "docs/deployment.md", "exec"), names)
            elif language == "output":
                said.append(block)
    assert printed.getvalue().split() == "".join(said).split()
