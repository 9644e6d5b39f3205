"""Print the requirements of an extra of pyproject.toml and of the extras that it names, without the package itself."""

import re
import sys
import tomllib
from pathlib import Path

extras = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def requirements(extra):
    for each in extras[extra]:
        named = re.fullmatch(r"skneural\[(.*)\]", each)
        yield from (inner for name in named[1].split(",") for inner in requirements(name)) if named else [each]


print("\n".join(sorted(set(requirements(sys.argv[1])))))
