"""Print the oldest versions that pyproject.toml allows, as constraints for pip: its lower bounds, taken literally."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
groups = [project["dependencies"], *project["optional-dependencies"].values()]
bounds = {re.sub(r"\[.*?\]|,.*", "", each) for group in groups for each in group if ">=" in each}
print("\n".join(sorted(bounds)).replace(">=", "=="))
