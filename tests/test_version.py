"""One version, wherever people look for it."""

import tomllib
from importlib.metadata import version
from pathlib import Path

import skneural
from skneural._version import __version__


def test_the_package_its_metadata_and_its_configuration_agree():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert skneural.__version__ == __version__ == version("skneural")
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "skneural._version.__version__"}
