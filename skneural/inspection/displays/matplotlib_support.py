"""What displays ask of matplotlib: its import, new axes, ticks, and colours for colour-blind readers too."""

from __future__ import annotations

from typing import Any

# The palette of Okabe and Ito, without its yellow, which is too pale for lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


def import_pyplot() -> Any:
    """Return ``matplotlib.pyplot``, or raise an ImportError that says how to install it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        advice = "Displays need matplotlib, which cannot be imported. Install it with: pip install 'skneural[plot]'"
        raise ImportError(advice) from error
    return plt


def get_axes(ax: Any, width: float = 6.0, height: float = 4.0) -> Any:
    """Return `ax`, or the axes of a new figure of this size in inches if `ax` is None."""
    plt = import_pyplot()
    if ax is not None:
        return ax
    _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    ax.set_prop_cycle(color=COLOURS)
    return ax


class SingleAxesDisplay:
    """A display that is drawn into one Axes, `ax_`, of the figure `figure_`."""

    def _set_axes(self, ax: Any, width: float = 6.0, height: float = 4.0) -> Any:
        """Set `ax_` to `ax`, or to the axes of a new figure, and return it."""
        self.ax_ = get_axes(ax, width, height)
        self.figure_ = self.ax_.figure
        return self.ax_


def draw_zero_lines(ax: Any, color: str) -> None:
    """Draw thin lines where x and where y are zero, behind everything else."""
    ax.axhline(0, color=color, linewidth=0.8, zorder=0)
    ax.axvline(0, color=color, linewidth=0.8, zorder=0)


def use_integer_ticks(axis: Any) -> None:
    """Put ticks at integers only, unless the axis has a scale or ticks of its own."""
    from matplotlib.ticker import MaxNLocator

    if isinstance(axis.get_major_locator(), MaxNLocator):
        axis.get_major_locator().set_params(integer=True)


def get_row_of_axes(ax: Any, n: int, side: float = 2.8) -> Any:
    """Return `n` axes side by side.

    Parameters
    ----------
    ax : None, matplotlib Axes, or sequence of `n` Axes
        None makes a new figure. The space of one Axes is divided. A sequence is returned as it is.
    n : int
    side : float
        Width of each, in inches, in a new figure.
    """
    plt = import_pyplot()
    if ax is None:
        return plt.subplots(1, n, figsize=(side * n, side + 0.6), layout="constrained")[1]
    if hasattr(ax, "get_subplotspec"):
        ax.set_axis_off()
        return ax.get_subplotspec().subgridspec(1, n, wspace=0.35).subplots()
    if len(ax) != n:
        raise ValueError(f"ax must be one Axes, or a sequence of {n}. Got {len(ax)} instead.")
    return ax
