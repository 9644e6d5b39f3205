"""What people set an estimator's parameters to: usual values by name, and strange ones for all."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

import skneural
from skneural.initializers import INITIALIZERS, VarianceScaling
from skneural.losses import Huber
from skneural.solvers import SCHEDULES, SOLVERS
from skneural.solvers.schedules import Cosine, OneCycle

# Values are named, so that a failing case prints in one line and is built anew in each run.
STRANGE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "1": lambda: 1,
    "2": lambda: 2,
    "0.5": lambda: 0.5,
    "-0.0": lambda: -0.0,
    "1e-320": lambda: 1e-320,
    "1e308": lambda: 1e308,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "text": lambda: "x",
    "empty text": lambda: "",
    "bytes": lambda: b"relu",
    "empty list": list,
    "list": lambda: [1],
    "list of NaN": lambda: [float("nan")],
    "list of text": lambda: ["relu"],
    "list of all sorts": lambda: [1, "relu", None],
    "tuple": lambda: (1, 2),
    "nested": lambda: [[1], [2, 3]],
    "dict": lambda: {"a": 1},
    "labels": lambda: {0: 1.0, 1: 2.0},
    "weightless labels": lambda: {0: 0.0, 1: 0, 2: 0},
    "strange labels": lambda: {0: float("nan"), None: "a"},
    "set": lambda: {1},
    "object": object,
    "type": lambda: skneural.ELU,
    "module": lambda: np,
    "function": lambda: len,
    "function of anything": lambda: lambda *args: "nonsense",
    "float32": lambda: np.float32(0.1),
    "int64": lambda: np.int64(3),
    "bool_": lambda: np.True_,
    "str_": lambda: np.str_("relu"),
    "array": lambda: np.array([1, 2]),
    "scalar array": lambda: np.array(1),
    "generator": lambda: (i for i in range(2)),
    "decimal": lambda: Decimal("0.1"),
    "fraction": lambda: Fraction(1, 2),
    "complex": lambda: 1j,
    "ELU(nan)": lambda: skneural.ELU(alpha=float("nan")),
    "ELU(1e308)": lambda: skneural.ELU(alpha=1e308),
    "ELU(text)": lambda: skneural.ELU(alpha="x"),
    "Maxout(0)": lambda: skneural.Maxout(n_pieces=0),
    "Maxout(2.5)": lambda: skneural.Maxout(n_pieces=2.5),
    "LeakyReLU(-1)": lambda: skneural.LeakyReLU(negative_slope=-1),
    "PReLU(None)": lambda: skneural.PReLU(init=None),
    "Activation": skneural.Activation,
    "Huber(0)": lambda: Huber(delta=0),
    "Huber(1e-300)": lambda: Huber(delta=1e-300),
    "Cosine(2)": lambda: Cosine(final=2),
    "OneCycle(nan)": lambda: OneCycle(warmup=float("nan")),
    "VarianceScaling(text)": lambda: VarianceScaling("x", "y", "z"),
    "VarianceScaling(1e300)": lambda: VarianceScaling(1e300, "fan_in", "normal"),
    "estimator": skneural.StdScaler,
}
# Valid for a number of epochs, which would then take years: nothing to be learned from that.
ENDLESS = {"2**40": lambda: 2**40, "2**63": lambda: 2**63, "10**30": lambda: 10**30}
PATIENT = {"max_iter"}

USUAL: dict[str, list[Callable[[], Any]]] = {
    "hidden_layer_sizes": [
        lambda: (),
        lambda: 1,
        lambda: (3,),
        lambda: [2, 2],
        lambda: np.array([3]),
        lambda: (4, 1),
        lambda: "auto",
    ],
    "activation": [
        *[lambda name=name: name for name in skneural.ACTIVATIONS],
        lambda: skneural.ELU(alpha=0.5),
        lambda: skneural.Maxout(n_pieces=3),
        lambda: skneural.PReLU(shared=True),
        lambda: ["tanh", skneural.LeakyReLU(0.3)],
    ],
    "solver": [lambda name=name: name for name in [*SOLVERS, "lbfgs"]],
    "alpha": [lambda: 0, lambda: 0.1, lambda: 1e6],
    "l1_ratio": [lambda: 0.5, lambda: 1],
    "max_norm": [lambda: 1.0, lambda: 1e-10],
    "clip_norm": [lambda: 1.0, lambda: 1e-300],
    "dropout": [lambda: 0.5, lambda: [0.1], lambda: 0.999, lambda: "auto"],
    "input_dropout": [lambda: 0.5, lambda: 0.999],
    "batch_norm": [lambda: True],
    "n_members": [lambda: 1, lambda: 3, lambda: "auto"],
    "batch_size": [lambda: 1, lambda: 5, lambda: 10**6],
    "learning_rate": [
        *[lambda name=name: name for name in SCHEDULES],
        lambda: lambda progress: 1.0,
        lambda: lambda progress: progress.fraction,
    ],
    "learning_rate_init": [lambda: 0.1, lambda: 10.0, lambda: 1e300],
    "max_iter": [lambda: 1, lambda: 3],
    "shuffle": [lambda: False],
    "random_state": [lambda: 0, lambda: np.random.RandomState(0)],
    "tol": [lambda: 0, lambda: 10.0],
    "verbose": [lambda: 0],
    "warm_start": [lambda: True],
    "momentum": [lambda: 0, lambda: 1],
    "nesterovs_momentum": [lambda: False],
    "beta_1": [lambda: 0, lambda: 0.5],
    "beta_2": [lambda: 0, lambda: 0.9],
    "power_t": [lambda: 0, lambda: 1.0],
    "normalize_y": [lambda: False],
    "max_fun": [lambda: 1],
    "early_stopping": [lambda: True, lambda: "refit", lambda: "continue"],
    "scoring": [lambda: "loss", lambda: "accuracy", lambda: "r2", lambda: "neg_log_loss"],
    "validation_fraction": [lambda: 0.3, lambda: 0.5],
    "n_iter_no_change": [lambda: 1, lambda: np.inf],
    "weight_init": [
        *[lambda name=name: name for name in INITIALIZERS],
        lambda: lambda fan_in, fan_out, rng: np.ones((fan_in, fan_out)),
    ],
    "bias_init": [lambda: 0.1, lambda: -1e300],
    "dtype": [lambda: "float32", lambda: "float64"],
    "class_weight": [lambda: "balanced", lambda: {0: 2.0, 1: 0.5}],
    "label_smoothing": [lambda: 0.1],
    "temperature_scaling": [lambda: True],
    "loss": [
        lambda: "absolute_error",
        lambda: "huber",
        lambda: "poisson",
        lambda: "squared_error",
        lambda: Huber(delta=1e-3),
    ],
    "clip_predictions": [lambda: True],
    "n_channels": [lambda: 1, lambda: 2],
    "data_format": [lambda: "channels_first"],
    "subsample": [lambda: 1, lambda: 3],
    "copy": [lambda: False],
    "with_mean": [lambda: False],
    "with_std": [lambda: False],
    "n_components": [lambda: 1, lambda: 2, lambda: 0.9],
    "method": [lambda: "zca"],
    "whiten": [lambda: False],
    "epsilon": [lambda: 1e-3, lambda: 1e-8],
    "rtol": [lambda: 1e-6, lambda: 0.5],
    "svd_solver": [lambda: "full", lambda: "covariance_eigh", lambda: "randomized"],
    "limit": [lambda: 1e-300, lambda: 1e300],
    "n_bins": [lambda: 2],
    "max_columns": [lambda: 0],
    "component_variance": [lambda: 0, lambda: 0.5],
    "min_rows": [lambda: 1],
    "categorical_features": [lambda: None, lambda: [0], lambda: [True] * 3],
    "max_levels": [lambda: 1, lambda: 3],
    "min_frequency": [lambda: 3, lambda: 0.2, lambda: None],
    "target_type": [lambda: "continuous", lambda: "multiclass"],
}


def strange_values(name: str) -> dict[str, Callable[[], Any]]:
    """What else somebody may set the parameter to."""
    return STRANGE if name in PATIENT else STRANGE | ENDLESS


def value(name: str, choice: str | int) -> Any:
    """The value that a choice of `choices` stands for, made anew."""
    return USUAL[name][choice]() if isinstance(choice, int) else strange_values(name)[choice]()


@cache
def choices(name: str) -> Any:
    """Choices for one parameter: usual values seven times as often as strange ones."""
    strange = st.sampled_from(sorted(strange_values(name)))
    if name not in USUAL:
        return strange
    usual = st.sampled_from(range(len(USUAL[name])))
    return st.integers(0, 7).flatmap(lambda die: usual if die else strange)
