"""Solvers, and what they need: schedules, batches, stopping."""

from skneural.solvers.adam import Adam, AdamW
from skneural.solvers.adaptive import Adagrad, RMSprop
from skneural.solvers.base import Solver
from skneural.solvers.batches import Batches
from skneural.solvers.lbfgs import LBFGS
from skneural.solvers.schedules import SCHEDULES, Adaptive, Constant, Cosine, InverseScaling, OneCycle, Schedule
from skneural.solvers.sgd import SGD
from skneural.solvers.stochastic import StochasticMinimization
from skneural.solvers.stopping import DivergenceError, Stopping, TrainingInterrupted
from skneural.solvers.watching import Epoch, Watch

SOLVERS: dict[str, type[Solver]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
}

__all__ = [
    "LBFGS",
    "SCHEDULES",
    "SGD",
    "SOLVERS",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adaptive",
    "Batches",
    "Constant",
    "Cosine",
    "DivergenceError",
    "Epoch",
    "InverseScaling",
    "OneCycle",
    "RMSprop",
    "Schedule",
    "Solver",
    "StochasticMinimization",
    "Stopping",
    "TrainingInterrupted",
    "Watch",
]
