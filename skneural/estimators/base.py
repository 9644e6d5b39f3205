"""What classifier and regressor share: from parameters and data to a trained network."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skneural._sklearn_compat import _check_sample_weight
from skneural.estimators.parameters import CONSTRAINTS
from skneural.estimators.printing import EpochPrinter
from skneural.estimators.training import Recipe
from skneural.network import Layout, Network, TrainingRows
from skneural.solvers import LBFGS, DivergenceError, Epoch, StochasticMinimization

Array = NDArray[Any]


class BaseActivationMLP(BaseEstimator):
    """Base of the two estimators; they add the loss, the encoding of targets and the form of predictions."""

    _parameter_constraints: dict = CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        l1_ratio: float = 0.0,
        max_norm: float | None = None,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        weight_init: Any = "auto",
        bias_init: float = 0.0,
        dtype: str | None = None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.max_norm = max_norm
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.weight_init = weight_init
        self.bias_init = bias_init
        self.dtype = dtype

    @property
    def coefs_(self) -> list[Array]:
        """Weights of each layer, views on ``parameters_``."""
        return list(self._fitted_network.weights)

    @coefs_.setter
    def coefs_(self, values: Sequence[Array]) -> None:
        _assign(self._fitted_network.weights, values, "coefs_")

    @property
    def intercepts_(self) -> list[Array]:
        """Biases of each layer, views on ``parameters_``."""
        return list(self._fitted_network.biases)

    @intercepts_.setter
    def intercepts_(self, values: Sequence[Array]) -> None:
        _assign(self._fitted_network.biases, values, "intercepts_")

    @property
    def slopes_(self) -> list[Array]:
        """Learned parameters of each hidden layer's activation, views on ``parameters_``."""
        return list(self._fitted_network.learned)

    @property
    def _fitted_network(self) -> Network:
        check_is_fitted(self)
        return self._network

    def _fit(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> Any:
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        with self._unchanged_on_error():
            recipe = Recipe(self)
            resume = self._resumes(incremental)
            X, y = self._validate_training(X, y, resume)
            weights = self._validate_weights(sample_weight, X)
            Y = self._encode(y, X.dtype, incremental)
            rng = self._random_numbers()
            network = self._grown(recipe, X) if resume else self._new_network(recipe, X, rng)
            self._adopt(network, recipe)
            rows, score = self._divide(TrainingRows(X, Y, weights), y)
            if self.solver == "lbfgs":
                self._minimize_lbfgs(recipe.lbfgs(network, self._loss, rows, self._guests()))
            else:
                watch = {"rng": rng, "score": score, "guests": self._guests()}
                self._minimize_stochastic(recipe.stochastic(network, self._loss, rows, **watch), incremental)
        return self

    @contextmanager
    def _unchanged_on_error(self) -> Iterator[None]:
        """Leave no half-fitted estimator behind; only divergence keeps what it found, the best finite weights."""
        before = dict(self.__dict__)
        try:
            yield
        except DivergenceError:
            raise
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    # Data: what subclasses define, and what they share.

    def _validate_training(self, X: Any, y: Any, resume: bool) -> tuple[Any, Array]:
        """Return checked X (dense or CSR, in the dtype of the computation) and y."""
        raise TypeError(f"{type(self).__name__} must define _validate_training")

    def _encode(self, y: Array, dtype: Any, incremental: bool) -> Array:
        """Return the targets as the loss expects them; sets ``_loss``, ``n_outputs_`` and what describes y."""
        raise TypeError(f"{type(self).__name__} must define _encode")

    def _score_raw(self, F: Array, Y: Array, weights: Array | None) -> float:
        """Return the score of raw outputs against encoded targets."""
        raise TypeError(f"{type(self).__name__} must define _score_raw")

    def _stratify_by(self, y: Array) -> Array | None:
        """Return what the validation split is stratified by, if anything."""
        return None

    def _resumes(self, incremental: bool) -> bool:
        """Whether training goes on from fitted parameters."""
        return hasattr(self, "parameters_") and (incremental or self.warm_start)

    def _random_numbers(self) -> np.random.RandomState:
        """Return a generator whose state may be set back when training goes on: never the caller's own."""
        rng = check_random_state(self.random_state)
        if isinstance(self.random_state, Integral):
            return rng
        return np.random.RandomState(rng.randint(np.iinfo(np.int32).max))

    def _dtypes(self, resume: bool) -> Any:
        if resume:
            return self.parameters_.dtype
        return [np.float64, np.float32] if self.dtype is None else np.dtype(self.dtype)

    def _validate_weights(self, sample_weight: Any, X: Any) -> Array | None:
        if sample_weight is None:
            return None
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        largest = weights.max()
        if not largest > 0:
            raise ValueError("All entries of sample_weight are zero, expected at least one positive: nothing to fit.")
        return weights / largest  # only ratios count, and now no sum overflows

    def _scores(self) -> bool:
        """Whether early stopping watches the score of held-out rows."""
        return self.early_stopping and self.solver != "lbfgs"

    def _divide(self, rows: TrainingRows, y: Array) -> tuple[TrainingRows, Callable[[], float] | None]:
        """Hold out rows for early stopping; return those to train on, and the score on the others."""
        if not self._scores():
            return rows, None
        asked = f"validation_fraction={self.validation_fraction} of {len(rows)} rows"
        if math.ceil(self.validation_fraction * len(rows)) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset. "
                f"Got {asked}, expected at least 2 rows."
            )
        try:
            train, test = train_test_split(
                np.arange(len(rows)),
                test_size=self.validation_fraction,
                random_state=self._split_seed,
                stratify=self._stratify_by(y),
            )
        except ValueError as error:
            raise ValueError(f"Early stopping cannot hold out {asked}: {error}") from error
        if rows.weights is not None and not (rows.weights[train].any() and rows.weights[test].any()):
            raise ValueError(
                f"sample_weight must be positive for some of the {len(train)} rows to train on and some of the "
                f"{len(test)} rows that early stopping holds out. Got only zeros there."
            )
        X, Y, weights = rows.take(test)
        X, network = X.copy(), self._network  # take() lends its memory only until the next call
        training = TrainingRows(rows.X, rows.Y, rows.weights, used=train)
        return training, lambda: self._score_raw(network.raw_output(X), Y, weights)

    # The network.

    def _new_network(self, recipe: Recipe, X: Any, rng: np.random.RandomState) -> Network:
        network = Network.zeros([X.shape[1], *recipe.hidden_sizes, self.n_outputs_], recipe.activations, X.dtype)
        network.initialize(recipe.initializer, self.bias_init, rng)
        self._split_seed = int(rng.randint(np.iinfo(np.int32).max))
        self._training_state: dict[str, Any] | None = None
        self.loss_curve_: list[float] = []
        self.validation_scores_: list[float] | None = [] if self._scores() else None
        self.t_ = 0
        return network

    def _grown(self, recipe: Recipe, X: Any) -> Network:
        """Return a network that goes on from the fitted parameters, on a copy of them."""
        sizes = [X.shape[1], *recipe.hidden_sizes, self.n_outputs_]
        n_parameters = Layout(sizes, recipe.activations).size
        if sizes != self._sizes or n_parameters != self.parameters_.size:
            raise ValueError(
                f"The fitted network has layer sizes {self._sizes} and {self.parameters_.size} parameters; parameters "
                f"and data now ask for layer sizes {sizes} and {n_parameters} parameters. To go on training keep "
                "hidden_layer_sizes, activation and the number of outputs; to start anew use fit with warm_start=False."
            )
        self.loss_curve_ = list(self.loss_curve_)
        self.validation_scores_ = list(self.validation_scores_ or []) if self._scores() else None
        return Network(sizes, recipe.activations, self.parameters_.copy())

    def _adopt(self, network: Network, recipe: Recipe) -> None:
        self._network = network
        self._sizes = network.sizes
        self.parameters_ = network.parameters
        self.activations_ = recipe.activations
        self.n_layers_ = len(network.sizes)
        self.out_activation_ = self._loss.output

    # Training.

    def _guests(self) -> list[Callable[[Epoch], Any]]:
        return [self._record, EpochPrinter()] if self.verbose else [self._record]

    def _record(self, epoch: Epoch) -> None:
        self.loss_curve_.append(epoch.loss)
        if self.validation_scores_ is not None and epoch.score is not None:
            self.validation_scores_.append(epoch.score)

    def _minimize_stochastic(self, training: StochasticMinimization, incremental: bool) -> None:
        self._resume(training)
        first = training.n_epochs + 1 if incremental else 1
        done = training.n_epochs
        converged = True
        try:
            converged = training.run(first, first if incremental else self.max_iter, self.max_iter)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        finally:
            self.n_iter_ = training.n_epochs - (0 if incremental else done)
            self.t_ = training.n_samples_seen
            self._training_state = {**training.get_state(), "solver": self.solver, "scores": self._scores()}
            self._summarize(training.stopping.best)
        if not (converged or incremental):
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet. Increase max_iter, or the learning rate.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _resume(self, training: StochasticMinimization) -> None:
        """Go on where the last call ended; without its solver's arrays at least count on."""
        state = self._training_state
        training.n_epochs, training.n_samples_seen = len(self.loss_curve_), self.t_
        if state is None or state["solver"] != self.solver:
            return
        training.set_state(state)
        if state["scores"] != self._scores():  # a loss is not to be compared with a score
            training.stopping.best, training.stopping.count = math.inf, 0

    def _minimize_lbfgs(self, training: LBFGS) -> None:
        done = len(self.loss_curve_)
        try:
            outcome = training.run(self.max_iter)
        finally:
            self.n_iter_ = len(self.loss_curve_) - done
            self._summarize(min(self.loss_curve_[done:], default=math.inf))
        self.n_iter_ = outcome.n_iter
        self._summarize(outcome.loss)
        self.loss_ = outcome.loss
        if not outcome.converged:
            warnings.warn(
                f"lbfgs failed to converge after {outcome.n_iter} iteration(s): {outcome.message} "
                "Increase max_iter or max_fun, or scale the data (StdScaler).",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _summarize(self, best: float) -> None:
        scored = self.validation_scores_ is not None
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else math.nan
        self.best_loss_ = None if scored else best
        self.best_validation_score_ = -best if scored else None

    # Prediction and persistence.

    def _raw_output(self, X: Any) -> Array:
        check_is_fitted(self)
        dtype = self.parameters_.dtype
        X = validate_data(self, X, accept_sparse="csr", dtype=dtype, reset=False)
        return self._network.raw_output(X)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "parameters_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_network", None)  # made of the parameters, sizes and activations
        if not self.warm_start and "_training_state" in state:
            state["_training_state"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "parameters_" in state:
            self._network = Network(self._sizes, self.activations_, self.parameters_)


def _assign(views: list[Array], values: Sequence[Array], name: str) -> None:
    """Copy arrays into views on the parameters: all of them, or none."""
    shapes = [np.shape(value) for value in values]
    expected = [view.shape for view in views]
    if shapes != expected:
        raise ValueError(f"{name} must be arrays of the shapes {expected}. Got {shapes} instead.")
    with np.errstate(over="ignore"):
        arrays = [np.asarray(value, dtype=view.dtype) for view, value in zip(views, values, strict=True)]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError(f"{name} must be finite in {views[0].dtype.name}. Got NaN or infinity.")
    for view, array in zip(views, arrays, strict=True):
        view[...] = array
