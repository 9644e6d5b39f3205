"""The lines that ``verbose`` prints."""

from __future__ import annotations

from typing import Any

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
        printed_score = "-" if epoch.score is None else f"{epoch.score:.6f}"
        printed_rate = "-" if epoch.learning_rate != epoch.learning_rate else f"{epoch.learning_rate:.3g}"
        print(f"{epoch.number:9d} {epoch.loss:12.6f} {printed_score:>12} {printed_rate:>15} {epoch.seconds:9.3f}")


def print_end(estimator: Any) -> None:
    """Print the last line, why and after how many epochs training ended, if the estimator is verbose.

    Parameters
    ----------
    estimator : BaseActivationMLP
        After training; without a reason, because an error has ended it, nothing is printed.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skneural import ActivationMLPClassifier
    >>> from skneural.estimators.epoch_printer import print_end
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ActivationMLPClassifier((5,), tol=1.0, n_iter_no_change=3, random_state=0).fit(X, y)
    >>> print_end(model.set_params(verbose=True))
    Training ended after 5 epochs: tol
    """
    if estimator.verbose and estimator.stopped_by_ is not None:
        print(f"Training ended after {estimator.n_iter_} epochs: {estimator.stopped_by_}")
