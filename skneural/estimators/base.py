"""What classifier and regressor share: from parameters and data to a trained network."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skneural._sklearn_compat import CallbackSupportMixin, _check_sample_weight
from skneural.estimators.callbacks import CallbackGuest
from skneural.estimators.parameters import CONSTRAINTS
from skneural.estimators.printing import EpochPrinter
from skneural.estimators.training import Recipe
from skneural.estimators.validation import Rows, Validation, split
from skneural.network import Layout, Network, TrainingRows
from skneural.solvers import LBFGS, DivergenceError, Epoch, StochasticMinimization

Array = NDArray[Any]

# Column of `history_` -> attribute of the epoch.
HISTORY = {
    "loss": "loss",
    "validation_loss": "validation_loss",
    "validation_score": "score",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "update_ratio": "update_ratio",
    "seconds": "seconds",
}


class BaseActivationMLP(CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the two estimators; they add the loss, the encoding of targets and the form of predictions."""

    _parameter_constraints: dict = CONSTRAINTS

    # Parameters that are read here; the constructors of the two estimators list them all.
    solver: str
    random_state: Any
    bias_init: float
    batch_norm: bool
    max_iter: int
    verbose: Any
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    dtype: str | None

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

    @property
    def loss_curve_(self) -> list[float]:
        """Objective of each epoch."""
        return self.history_["loss"]

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """Loss on the validation rows after each epoch, if there are any."""
        return self.history_["validation_loss"] or None

    @property
    def validation_scores_(self) -> list[float] | None:
        """Score on the validation rows after each epoch, if there are any."""
        return self.history_["validation_score"] or None

    @property
    def best_validation_score_(self) -> float | None:
        """Best score on the validation rows, if there are any."""
        scores = [score for score in self.validation_scores_ or [] if not math.isnan(score)]
        return max(scores, default=None)

    @property
    def _no_improvement_count(self) -> int:
        """Epochs without progress so far, under the name that `MLPClassifier` has for it."""
        return (self._training_state or {"count": 0})["count"]

    def transform(self, X: Any) -> Array:
        """Return the activations of the last hidden layer: features for another model in a Pipeline.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        A : ndarray of shape (n_samples, n_units), in the dtype of the parameters
        """
        return self.hidden_features(X, layer=-1)

    def hidden_features(self, X: Any, layer: int) -> Array:
        """Return the activations of one hidden layer.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        layer : int
            Number of the hidden layer, from 0; -1 is the last.

        Returns
        -------
        A : ndarray of shape (n_samples, n_units), in the dtype of the parameters
        """
        X = self._validate_rows(X)
        n_hidden = len(self.activations_)
        if not -n_hidden <= layer < n_hidden:
            raise ValueError(f"layer must be the number of one of the {n_hidden} hidden layers. Got {layer!r} instead.")
        return self._network.features(X, layer % n_hidden)

    @property
    def _n_features_out(self) -> int:
        return self._sizes[-2]

    def _fit(self, X: Any, y: Any, sample_weight: Any, given: tuple[Any, Any, Any], incremental: bool) -> Any:
        if incremental and self.early_stopping and given[0] is None:
            raise ValueError(
                "partial_fit does not support early_stopping=True without X_val and y_val: "
                "rows held out in one call would be trained on in the next."
            )
        with self._unchanged_on_error():
            recipe = Recipe(self)
            resume = self._resumes(incremental)
            rows = self._read(X, y, sample_weight, resume, incremental)
            rng = self._random_numbers()
            network = self._grown(recipe, rows.X) if resume else self._new_network(recipe, rows.X, rng)
            validated = self.early_stopping and given[0] is not None  # without, _divide refuses
            if incremental and validated and (self._training_state or {}).get("stopped"):
                return self
            self._adopt(network, recipe)
            guests = self._guests(X, y, sample_weight)
            training, held_out = self._divide(rows, given)
            validate = None if held_out is None else Validation(self, held_out)
            company = {"validate": validate, "guests": guests}
            if self.solver == "lbfgs":
                self._minimize_lbfgs(recipe.lbfgs(network, self._loss, training, **company))
            else:
                loop = recipe.stochastic(network, self._loss, training, rng, **company)
                self._minimize_stochastic(loop, incremental)
            for guest in guests:
                if isinstance(guest, CallbackGuest):
                    guest.close()
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
            # What callbacks need for their own ending stays until they have ended.
            running = {name: value for name, value in self.__dict__.items() if name in _OF_CALLBACKS}
            self.__dict__.clear()
            self.__dict__.update(before, **running)
            raise

    # Data: what subclasses define, and what they share.

    def _describe(self, y: Array, incremental: bool) -> None:
        """Set ``_loss``, ``n_outputs_`` and what describes y."""
        raise TypeError(f"{type(self).__name__} must define _describe")

    def _validate_targets(self, X: Any, y: Any, **how: Any) -> tuple[Any, Array]:
        """Return checked X (dense or CSR, in the dtype of the computation) and y."""
        raise TypeError(f"{type(self).__name__} must define _validate_targets")

    def _encode(self, y: Array, dtype: Any) -> Array:
        """Return the targets as the loss expects them."""
        raise TypeError(f"{type(self).__name__} must define _encode")

    def _score_raw(self, F: Array, Y: Array, weights: Array | None) -> float:
        """Return the score of raw outputs against encoded targets."""
        raise TypeError(f"{type(self).__name__} must define _score_raw")

    def _stratify_by(self, y: Array) -> Array | None:
        """Return what the validation split is stratified by, if anything."""
        return None

    def _class_weights(self, y: Array, incremental: bool) -> Array | None:
        """Return a factor on each row's weight, if there is any."""
        return None

    def _read(self, X: Any, y: Any, sample_weight: Any, resume: bool, incremental: bool) -> Rows:
        X, y = self._validate_targets(X, y, dtype=self._dtypes(resume), reset=not resume)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self._describe(y, incremental)
        if (factors := self._class_weights(y, incremental)) is not None:
            weights = factors if weights is None else weights * factors
        if weights is not None:
            if not weights.max() > 0:
                raise ValueError(
                    "All entries of sample_weight are zero, expected at least one positive: nothing to fit."
                )
            weights = weights / weights.max()  # only ratios count, and now no sum overflows
        return Rows(X, self._encode(y, X.dtype), y, weights)

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

    def _divide(self, rows: Rows, given: tuple[Any, Any, Any]) -> tuple[TrainingRows, Rows | None]:
        """Return the rows to train on, and those to validate on: what was given, or what early stopping holds out."""
        everything = TrainingRows(rows.X, rows.Y, rows.weights)
        if given[0] is not None or given[1] is not None:
            return everything, self._read_validation(*given)
        if not self.early_stopping:
            return everything, None
        train, test = split(len(everything), self.validation_fraction, self._split_seed, self._stratify_by(rows.y))
        if rows.weights is not None and not (rows.weights[train].any() and rows.weights[test].any()):
            raise ValueError(
                f"sample_weight must be positive for some of the {len(train)} rows to train on and some of the "
                f"{len(test)} rows that early stopping holds out. Got only zeros there."
            )
        return TrainingRows(rows.X, rows.Y, rows.weights, used=train), rows.take(test)

    def _read_validation(self, X_val: Any, y_val: Any, sample_weight_val: Any) -> Rows:
        if X_val is None or y_val is None:
            missing = "X_val" if X_val is None else "y_val"
            raise ValueError(f"X_val and y_val must be given together. Got no {missing}.")
        X, y = self._validate_targets(X_val, y_val, dtype=self.parameters_.dtype, reset=False)
        weights = None
        if sample_weight_val is not None:
            weights = _check_sample_weight(sample_weight_val, X, dtype=np.float64, ensure_non_negative=True)
        return Rows(X, self._encode(y, X.dtype), y, weights)

    # The network.

    def _new_network(self, recipe: Recipe, X: Any, rng: np.random.RandomState) -> Network:
        sizes = [X.shape[1], *recipe.hidden_sizes, self.n_outputs_]
        network = Network.zeros(sizes, recipe.activations, X.dtype, self.batch_norm)
        network.initialize(recipe.initializer, self.bias_init, rng)
        self._split_seed = int(rng.randint(np.iinfo(np.int32).max))
        self._training_state: dict[str, Any] | None = None
        self.history_: dict[str, list[float]] = {name: [] for name in HISTORY}
        self.t_ = 0
        return network

    def _grown(self, recipe: Recipe, X: Any) -> Network:
        """Return a network that goes on from the fitted parameters, on a copy of them."""
        sizes = [X.shape[1], *recipe.hidden_sizes, self.n_outputs_]
        n_parameters = Layout(sizes, recipe.activations, self.batch_norm).size
        if sizes != self._sizes or n_parameters != self.parameters_.size:
            raise ValueError(
                f"The fitted network has layer sizes {self._sizes} and {self.parameters_.size} parameters; parameters "
                f"and data now ask for layer sizes {sizes} and {n_parameters} parameters. To go on training keep "
                "hidden_layer_sizes, activation and the number of outputs; to start anew use fit with warm_start=False."
            )
        self.history_ = {name: list(column) for name, column in self.history_.items()}
        return Network(sizes, recipe.activations, self.parameters_.copy(), self.batch_norm)

    def _adopt(self, network: Network, recipe: Recipe) -> None:
        self._network = network
        self._sizes = network.sizes
        self._batch_norm = network.batch_norm
        self.parameters_ = network.parameters
        self.activations_ = recipe.activations
        self.n_layers_ = len(network.sizes)
        self.out_activation_ = self._loss.output

    # Training.

    def _guests(self, X: Any, y: Any, sample_weight: Any) -> list[Any]:
        guests: list[Any] = [self._record]
        if self.verbose:
            guests.append(EpochPrinter())
        if hasattr(self, "_skl_callbacks"):
            guests.append(CallbackGuest(self, X, y, sample_weight))
        return guests

    def _record(self, epoch: Epoch) -> None:
        for name, attribute in HISTORY.items():
            value = getattr(epoch, attribute)
            if value is not None:
                self.history_[name].append(value)

    def _minimize_stochastic(self, loop: StochasticMinimization, incremental: bool) -> None:
        self._resume(loop)
        before = 0 if incremental else loop.n_epochs
        first = loop.n_epochs + 1 if incremental else 1
        ended = False
        try:
            ended = loop.run(first, first if incremental else self.max_iter, self.max_iter)
            if self.early_stopping and (ended or not incremental):
                loop.watch.restore_best()
        except KeyboardInterrupt:
            ended = True
            warnings.warn("Training interrupted by user.", stacklevel=4)
        finally:
            self.n_iter_ = loop.n_epochs - before
            self.t_ = loop.n_samples_seen
            self._training_state = {
                **loop.get_state(),
                "solver": self.solver,
                "early_stopping": self.early_stopping,
                "stopped": ended and incremental,
            }
            self._summarize(loop.watch.stopping.best)
        if not (ended or incremental):
            self._warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet. Increase max_iter, or the learning rate."
            )

    def _resume(self, loop: StochasticMinimization) -> None:
        """Go on where the last call ended; without its solver's arrays at least count on."""
        state = self._training_state
        loop.n_epochs, loop.n_samples_seen = len(self.loss_curve_), self.t_
        if state is None or state["solver"] != self.solver:
            return
        loop.set_state(state)
        if state["early_stopping"] != self.early_stopping:  # a loss is not to be compared with a score
            loop.watch.stopping.best, loop.watch.stopping.count = math.inf, 0

    def _minimize_lbfgs(self, training: LBFGS) -> None:
        done = len(self.loss_curve_)
        try:
            outcome = training.run(self.max_iter)
        finally:
            self.n_iter_ = len(self.loss_curve_) - done
            self._summarize(min(self.loss_curve_[done:], default=math.inf))
        if self.early_stopping:
            training.watch.restore_best()
        self.n_iter_ = outcome.n_iter
        self._summarize(outcome.loss)
        self.loss_ = outcome.loss
        if not outcome.converged:
            self._warn(
                f"lbfgs failed to converge after {outcome.n_iter} iteration(s): {outcome.message} "
                "Increase max_iter or max_fun, or scale the data (StdScaler)."
            )

    def _warn(self, message: str) -> None:
        warnings.warn(message, ConvergenceWarning, stacklevel=5)

    def _summarize(self, best: float) -> None:
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else math.nan
        self.best_loss_ = None if self.early_stopping else best

    # Prediction and persistence.

    def _validate_rows(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse="csr", dtype=self.parameters_.dtype, reset=False)

    def _raw_output(self, X: Any) -> Array:
        X = self._validate_rows(X)
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
            self._network = Network(self._sizes, self.activations_, self.parameters_, self._batch_norm)


_OF_CALLBACKS = {"_callback_fit_ctx", "_skl_callbacks_to_teardown"}


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
