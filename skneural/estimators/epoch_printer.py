"""The lines that ``verbose`` prints."""

from __future__ import annotations

from skneural.solvers import Epoch


class EpochPrinter:
    """Prints one aligned line per epoch, below a header.

    Examples
    --------
    >>> from skneural.estimators.epoch_printer import EpochPrinter
    >>> from skneural.solvers import Epoch
    >>> EpochPrinter()(Epoch(1, 0.6931, seconds=0.012, learning_rate=0.001))
    Iteration         loss   validation   learning rate   seconds
            1     0.693100            -           0.001     0.012
    """

    def __init__(self) -> None:
        self._has_header = False

    def __call__(self, epoch: Epoch) -> None:
        """Print the line of one epoch."""
        if not self._has_header:
            print("Iteration         loss   validation   learning rate   seconds")
            self._has_header = True
        score = "-" if epoch.score is None else f"{epoch.score:.6f}"
        rate = "-" if epoch.learning_rate != epoch.learning_rate else f"{epoch.learning_rate:.3g}"
        print(f"{epoch.number:9d} {epoch.loss:12.6f} {score:>12} {rate:>15} {epoch.seconds:9.3f}")
