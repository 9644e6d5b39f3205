"""Tables and plots that the site computes from the package at each build, and the inventories of other projects."""

import contextlib
import inspect
import re
import warnings
import zlib
from pathlib import Path

import numpy as np

from skneural import ACTIVATIONS, Activation

CLASSES = {type(activation): activation for activation in ACTIVATIONS.values()}
HEADER = ["name", "range", "mean", "zero-centred", "saturates", "init scheme", "gain", "pieces", "params"]


class GalleryOrder:
    """Sorts the examples: the grid search, then by the order of the lecture; new ones come last.

    Parameters
    ----------
    folder : str
        Folder of the examples; there is only one.
    """

    NAMES = [
        "grid_search",
        "activation_functions",
        "vanishing_gradients",
        "zero_centred",
        "cost",
        "convergence",
        "dead_units",
        "slopes",
        "elu_noise",
        "maxout",
        "scaling",
        "whitening",
        "training_statistics",
        "image_means",
        "initialization",
        "regularization",
        "quantiles",
        "gradient_check",
        "report",
    ]

    def __init__(self, folder: str):
        self.folder = folder

    def __call__(self, path: str) -> tuple[int, str]:
        """Return the sort key of an example."""
        name = Path(path).stem.removeprefix("plot_")
        return (self.NAMES.index(name) if name in self.NAMES else len(self.NAMES)), name


def write_activations(docs: Path) -> None:
    """Write a table of properties, and for each activation function its formula, parameters and plot."""
    folder = docs / "generated" / "activations"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [HEADER, ["---"] * len(HEADER), *map(properties, CLASSES.values())]
    (folder / "properties.md").write_text("".join(f"| {' | '.join(row)} |\n" for row in rows))
    for activation in CLASSES.values():
        name = names(activation)[0]
        (folder / f"{name}.md").write_text(description(activation, f"generated/activations/{name}.svg"))
        draw(activation, folder / f"{name}.svg")


def names(activation: Activation) -> list[str]:
    """Return the names under which an activation function is registered, the usual one first."""
    return [name for name, registered in ACTIVATIONS.items() if type(registered) is type(activation)]


def properties(activation: Activation) -> list[str]:
    """Return a row of the table of properties."""
    measured = activation.properties()
    low, high = (f"{bound:.4g}".replace("inf", "∞").replace("-", "\N{MINUS SIGN}") for bound in measured.range)
    return [
        ", ".join(f"`{name}`" for name in names(activation)),
        f"{low}\N{NO-BREAK SPACE}…\N{NO-BREAK SPACE}{high}",
        f"{measured.mean:.2f}".replace("-0.00", "0.00"),
        "yes" if measured.zero_centred else "no",
        measured.saturates,
        measured.init_scheme,
        f"{measured.gain:.3f}",
        str(measured.n_pieces),
        str(measured.n_params),
    ]


def description(activation: Activation, picture: str) -> str:
    """Return the formula from the docstring of the class, the plot and the parameters."""
    cls = type(activation)
    summary, *rest = inspect.getdoc(cls).split("\n\n")
    source = next((part for part in rest if part.startswith("Source:")), "")
    words = re.sub(r":(\w+):`", r"{\1}`", f"{summary} {source}".strip())
    settings = ", ".join(f"`{name}={value!r}`" for name, value in activation.get_params().items())
    reference = f"Class: {{class}}`~skneural.{cls.__name__}`" + (f"; parameters: {settings}." if settings else ".")
    return f"{words}\n\n![{cls.__name__}: value and derivative]({picture})\n\n{reference}\n"


def draw(activation: Activation, path: Path) -> None:
    """Plot the value and the derivative; for several pieces, those of a unit whose pieces have different slopes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    x = np.linspace(-4, 4, 401)
    slopes = np.linspace(-0.5, 1, activation.n_pieces) if activation.n_pieces > 1 else np.ones(1)
    Z = x[:, None] * slopes
    activation_params = activation.init_params(1)
    A = activation.forward(Z, activation_params) if activation_params.size else activation.forward(Z)
    with mpl.rc_context({"svg.hashsalt": "skneural", "svg.fonttype": "path"}):
        ax = (figure := Figure(figsize=(4.6, 2.6), layout="constrained")).subplots()
        ax.axhline(0, color="0.8", linewidth=0.8)
        ax.axvline(0, color="0.8", linewidth=0.8)
        ax.plot(x, A[:, 0], color="#0072B2", linewidth=2, label="value")
        ax.plot(x, activation.derivative(Z) @ slopes, color="#D55E00", linestyle="--", label="derivative")
        ax.set(xlabel="pre-activation z" if len(slopes) == 1 else f"x; pieces {', '.join(f'{s:g} x' for s in slopes)}")
        ax.set(ylim=(-1.5, 4) if A.max() > 1.5 else (-1.2, 1.2))
        ax.legend(frameon=False, loc="upper left")
        ax.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, metadata={"Date": None})


def run_page(docs: Path, name: str) -> None:
    """Run the code of a page in a separate folder, because it saves the plots that the page shows."""
    folder = docs / "generated" / name
    folder.mkdir(parents=True, exist_ok=True)
    blocks = re.findall(r"^```python\n(.*?)^```$", (docs / f"{name}.md").read_text(), re.M | re.S)
    with contextlib.chdir(folder), contextlib.redirect_stdout(None), warnings.catch_warnings():
        exec("\n".join(blocks), {"__name__": "page"})


def write_inventories(docs: Path) -> dict[str, tuple[str, str]]:
    """Write an inventory for each project in ``other_projects.txt``, and return the mapping for intersphinx.

    In that file, a line ``project address`` comes before the lines ``name domain:role page`` of the project.
    """
    folder = docs / "generated"
    folder.mkdir(exist_ok=True)
    mapping, entries = {}, {}
    for line in (docs / "other_projects.txt").read_text().splitlines():
        words = line.split()
        if len(words) == 2:
            project, address = words
            mapping[project], entries[project] = (address, f"generated/{project}.inv"), []
        elif words:
            name, role, page = words
            entries[project].append(f"{name} {role} 1 {page} -\n")
    for project, lines in entries.items():
        head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version:\n"
        head += "# The remainder of this file is compressed using zlib.\n"
        (folder / f"{project}.inv").write_bytes(head.encode() + zlib.compress("".join(lines).encode()))
    return mapping
