"""Where displays draw: matplotlib, imported when it is needed, and colours that everybody can tell apart."""

from __future__ import annotations

from typing import Any

# Okabe and Ito's palette, without the yellow, which is too pale for lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


def pyplot() -> Any:
    """Return ``matplotlib.pyplot``; an ImportError says how to get it."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays are drawn with matplotlib, which cannot be imported. "
            "Install it with: pip install 'skneural[plot]'"
        ) from error
    return plt


def axes(ax: Any, width: float = 6.0, height: float = 4.0) -> Any:
    """Return `ax`, or the axes of a new figure of that size in inches."""
    plt = pyplot()
    if ax is not None:
        return ax
    _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    ax.set_prop_cycle(color=COLOURS)
    return ax


def whole_numbers(axis: Any) -> None:
    """Put ticks at whole numbers, unless the axis has a scale or ticks of its own."""
    from matplotlib.ticker import MaxNLocator

    if isinstance(axis.get_major_locator(), MaxNLocator):
        axis.get_major_locator().set_params(integer=True)


def row_of_axes(ax: Any, n: int, side: float = 2.8) -> Any:
    """Return `n` axes side by side: those given, the place of the one given divided, or a new figure's.

    Parameters
    ----------
    ax : None, matplotlib Axes, or sequence of `n` Axes
    n : int
    side : float
        Width of each, in inches, in a new figure.
    """
    plt = pyplot()
    if ax is None:
        return plt.subplots(1, n, figsize=(side * n, side + 0.6), layout="constrained")[1]
    if hasattr(ax, "get_subplotspec"):
        ax.set_axis_off()
        places = ax.get_subplotspec().subgridspec(1, n, wspace=0.35)
        return places.subplots()
    if len(ax) != n:
        raise ValueError(f"ax must be one Axes, or a sequence of {n}. Got {len(ax)} instead.")
    return ax
