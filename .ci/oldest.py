"""Print the oldest versions that pyproject.toml allows, as constraints for pip: its lower bounds, taken literally."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
requirements = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
print(
    "\n".join(sorted({re.sub(r"\[.*?\]|,.*", "", each).replace(">=", "==") for each in requirements if ">=" in each}))
)
