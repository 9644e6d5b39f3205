"""Solvers, the training loop, and what it needs: schedules, batches, early stopping."""

from skneural.solvers.adaptive_solvers import Adagrad, Adam, AdamW, RMSprop
from skneural.solvers.base import Solver
from skneural.solvers.batches import Batches, EqualBatches
from skneural.solvers.early_stopping import EarlyStopping
from skneural.solvers.exceptions import DivergenceError, TrainingInterrupted
from skneural.solvers.lbfgs import LBFGS
from skneural.solvers.schedule_free_adamw import ScheduleFreeAdamW
from skneural.solvers.schedules import SCHEDULES, Adaptive, Constant, Cosine, InverseScaling, OneCycle, Schedule
from skneural.solvers.sgd import SGD
from skneural.solvers.training_loop import TrainingLoop
from skneural.solvers.training_monitor import Epoch, TrainingMonitor

SOLVERS: dict[str, type[Solver]] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "schedule_free_adamw": ScheduleFreeAdamW,
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
    "EarlyStopping",
    "Epoch",
    "EqualBatches",
    "InverseScaling",
    "OneCycle",
    "RMSprop",
    "Schedule",
    "ScheduleFreeAdamW",
    "Solver",
    "TrainingInterrupted",
    "TrainingLoop",
    "TrainingMonitor",
]
