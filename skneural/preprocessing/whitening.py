"""Decorrelate features and give them unit variance, in principal or in original coordinates."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import RealNotInt, _check_feature_names_in, validate_data
from skneural.constraints import Interval, StrOptions
from skneural.preprocessing.base import MomentsTransformer, ignore_floating_point_errors, raise_on_overflow
from skneural.preprocessing.blocks import matrix_block_bytes, row_blocks, rows_per_block
from skneural.preprocessing.moments import subtract_center
from skneural.preprocessing.principal_components import (
    LeadingMoments,
    PrincipalComponents,
    eigh_components,
    is_ill_conditioned,
    leading_components,
    svd_components,
)
from skneural.preprocessing.scatter import FactorMoments, ScatterMoments
from skneural.saved_state import check_numbers, require

SOLVERS: dict[str, tuple[Any, Any]] = {
    "covariance_eigh": (ScatterMoments, eigh_components),
    "full": (FactorMoments, svd_components),
    "randomized": (LeadingMoments, leading_components),
}


def _lazily_computed(name: str) -> property:
    """A fitted attribute that follows from the moments and is computed with the others when needed."""
    return property(lambda self: self._decomposition()[name])


class PCAWhitener(ClassNamePrefixFeaturesOutMixin, MomentsTransformer):
    """Rotate features to their principal directions and scale these to unit variance.

    With μ the mean and C = Σ λᵢ vᵢ vᵢᵀ the covariance of the training rows, V the kept directions and
    Λ = diag(λᵢ + epsilon · λ₁),

    - ``method="pca"``: z = Λ^(-1/2) Vᵀ (x − μ), one output per kept direction;
    - ``method="zca"``: z = V Λ^(-1/2) Vᵀ (x − μ), one output per feature, of all whitened versions the
      closest to the centred input [1]_;
    - ``method="pca", whiten=False``: z = Vᵀ (x − μ), decorrelated only.

    Directions without variance, which whitening would blow up, are found, dropped (``"pca"``) or set to
    zero (``"zca"``) and reported in one warning.

    Parameters
    ----------
    n_components : int, float or None, default=None
        Directions to keep: a number, the smallest number whose share of the variance exceeds a float in
        (0, 1), or all. Directions without variance are never kept.
    method : {"pca", "zca"}, default="pca"
        Principal or original coordinates.
    whiten : bool, default=True
        Whether to scale to unit variance; False needs ``method="pca"``.
    epsilon : float, default=0.0
        Added to each variance, as a fraction of the largest. 0 whitens exactly; 1e-2 to 1e-5 keep the noise
        of weak directions small.
    rtol : float or None, default=None
        Directions whose standard deviation is at most ``rtol`` times the largest are taken to have none. None
        means the rounding error of the computation and of the input's dtype.
    svd_solver : {"auto", "covariance_eigh", "full", "randomized"}, default="auto"
        - "covariance_eigh": eigendecomposition of the covariance matrix. Variances below about 1e-16 of the
          largest are lost, those below 1e-10 inexact.
        - "full": singular values of a triangular factor of the centred rows; down to 1e-28. A few times
          slower for many rows, faster and smaller for fewer rows than features.
        - "randomized": leading directions only, approximate; reads X six times. Needs an integer
          ``n_components`` and excludes `partial_fit` and `merge`.
        - "auto": "full" for fewer rows than features. Otherwise "covariance_eigh", and then "full" if `fit`
          finds a direction, apart from constant features, with less than 2e-10 of the largest variance.
          `partial_fit`, which cannot read twice, takes "covariance_eigh".
    copy : bool, default=True
        False lets `transform` write into its input where that is possible.
    random_state : int, RandomState instance or None, default=None
        For ``svd_solver="randomized"``.

    Attributes
    ----------
    components_ : ndarray of shape (`n_components_`, `n_features_in_`), float64
        Kept directions, by descending variance; the entry of largest magnitude is positive in each.
    explained_variance_ : ndarray of shape (`n_components_`,), float64
        Their variances, with divisor n − 1 (or sum of the weights − 1), as in `sklearn.decomposition.PCA`.
    explained_variance_ratio_ : ndarray of shape (`n_components_`,), float64
        Their shares of the total variance.
    singular_values_ : ndarray of shape (`n_components_`,), float64
        Singular values of the centred (and weighted) training rows.
    mean_ : ndarray of shape (`n_features_in_`,), float64
    n_components_ : int
        Number of directions kept.
    rank_ : int
        Number of directions with variance among those computed.
    noise_variance_ : float
        Mean variance of the directions left out, of min(n, `n_features_in_`) in all.
    svd_solver_ : {"covariance_eigh", "full", "randomized"}
        The solver that was used.
    n_samples_seen_ : int or float
        Rows behind the statistics, or sum of their weights.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Only if X had column names that are all strings.

    See Also
    --------
    sklearn.decomposition.PCA : Whitens all directions, with or without variance.
    StdScaler : Unit variance without the rotation.

    Notes
    -----
    Statistics are accumulated and applied in float64, also for float32 input; the result is rounded once.

    After `partial_fit` and `merge` the directions are computed when they are first needed.

    References
    ----------
    .. [1] A. Kessy, A. Lewin, K. Strimmer, "Optimal whitening and decorrelation", The American Statistician
       72(4), 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from skneural.preprocessing import PCAWhitener
    >>> X = np.array([[3.0, 1.0], [-3.0, -1.0], [1.0, 3.0], [-1.0, -3.0]])
    >>> whitener = PCAWhitener().fit(X)
    >>> whitener.explained_variance_.round(3)
    array([10.667,  2.667])
    >>> Z = whitener.transform(X)
    >>> (Z.T @ Z / 3).round(12) + 0.0
    array([[1., 0.],
           [0., 1.]])
    >>> np.allclose(whitener.inverse_transform(Z), X)
    True
    >>> PCAWhitener(method="zca").fit_transform(X).round(3) + 0.0
    array([[ 1.225,  0.   ],
           [-1.225,  0.   ],
           [ 0.   ,  1.225],
           [ 0.   , -1.225]])
    """

    _parameter_constraints: dict[str, list] = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "method": [StrOptions({"pca", "zca"})],
        "whiten": ["boolean"],
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "rtol": [Interval(Real, 0, 1, closed="left"), None],
        "svd_solver": [StrOptions({"auto", "covariance_eigh", "full", "randomized"})],
        "copy": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=None,
        *,
        method="pca",
        whiten=True,
        epsilon=0.0,
        rtol=None,
        svd_solver="auto",
        copy=True,
        random_state=None,
    ):
        self.n_components = n_components
        self.method = method
        self.whiten = whiten
        self.epsilon = epsilon
        self.rtol = rtol
        self.svd_solver = svd_solver
        self.copy = copy
        self.random_state = random_state

    _fitted_names = MomentsTransformer._fitted_names | {"svd_solver_", "_derived"}
    components_ = _lazily_computed("components")
    explained_variance_ = _lazily_computed("explained_variance")
    explained_variance_ratio_ = _lazily_computed("explained_variance_ratio")
    singular_values_ = _lazily_computed("singular_values")
    n_components_ = _lazily_computed("n_components")
    rank_ = _lazily_computed("rank")
    noise_variance_ = _lazily_computed("noise_variance")

    @ignore_floating_point_errors
    def transform(self, X, copy=None):
        """Whiten X by what was learned; rows of X never change it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the features seen in `fit`.
        copy : bool, default=None
            False writes into X where that is possible: a writeable array of float64 or float32, and as many
            outputs as features. None means the parameter ``copy``.

        Returns
        -------
        X_new : array of shape (n_samples, `n_components_`), or (n_samples, n_features) with "zca"
            Of the dtype of X if that is floating, else float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self._float_dtypes)
        components, scale = self.components_, self._component_scale()
        projection = (components / scale[:, np.newaxis]).T
        out = self._output_array(X, self._n_features_out, copy)
        block_bytes = matrix_block_bytes(X.shape[1])
        buffer = np.empty((rows_per_block(X, block_bytes), X.shape[1]))
        with raise_on_overflow(self):
            for rows in row_blocks(X, block_bytes):
                values, factor = subtract_center(X[rows], self.mean_, out=buffer), projection
                if self.method == "zca":
                    values, factor = values @ projection, components
                np.matmul(values, factor, out=out[rows], casting="same_kind")
        return out

    @ignore_floating_point_errors
    def inverse_transform(self, X, copy=None):
        """Undo `transform` within the kept directions: the projection of the original on them.

        Parameters
        ----------
        X : array-like of shape (n_samples, `n_components_`), or (n_samples, n_features) with "zca"
            What `transform` returned.
        copy : bool, default=None
            As in `transform`.

        Returns
        -------
        X_original : array of shape (n_samples, n_features)
            Of the dtype of X if that is floating, else float64.
        """
        check_is_fitted(self)
        X = self._validate_transformed(X, self._n_features_out)
        components, scale = self.components_, self._component_scale()
        out = self._output_array(X, self.n_features_in_, copy)
        with raise_on_overflow(self):
            for rows in row_blocks(X, matrix_block_bytes(X.shape[1])):
                scores = X[rows] @ components.T if self.method == "zca" else X[rows]
                out[rows] = (scores * scale) @ components + self.mean_
        return out

    def get_feature_names_out(self, input_features=None):
        """Names of the outputs: "pcawhitener0", ..., or those of the features with "zca".

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features, if they had none in `fit`; used with "zca" alone.

        Returns
        -------
        names : ndarray of str objects
            One per column of what `transform` returns.
        """
        check_is_fitted(self)
        if self.method == "zca":
            return _check_feature_names_in(self, input_features)
        return super().get_feature_names_out(input_features)

    @property
    def _n_features_out(self) -> int:
        return self.n_features_in_ if self.method == "zca" else self.n_components_

    def _output_array(self, X: np.ndarray, n_outputs: int, copy: bool | None) -> np.ndarray:
        copies = self.copy if copy is None else copy
        if not copies and X.flags.writeable and X.shape[1] == n_outputs:
            return X
        return np.empty((len(X), n_outputs), X.dtype)

    def _component_scale(self) -> np.ndarray:
        """What whitening divides each direction by."""
        variances = self.explained_variance_
        if not self.whiten:
            return np.ones_like(variances)
        return np.sqrt(variances + self.epsilon * variances.max())

    def _compute_moments(self, X: np.ndarray, sample_weight: np.ndarray | None) -> Any:
        self._check_params(min(X.shape))
        if self.svd_solver == "randomized":
            random_state = check_random_state(self.random_state)
            return LeadingMoments.from_data(X, sample_weight, self.n_components, random_state)
        if self.svd_solver == "full" or (self.svd_solver == "auto" and len(X) < X.shape[1]):
            return FactorMoments.from_data(X, sample_weight)
        moments = ScatterMoments.from_data(X, sample_weight)
        if self.svd_solver == "auto" and is_ill_conditioned(moments):
            return FactorMoments.from_data(X, sample_weight)
        return moments

    def _compute_chunk_moments(self, X: np.ndarray, sample_weight: np.ndarray | None) -> Any:
        self._check_params(X.shape[1])
        solver = getattr(self, "svd_solver_", self.svd_solver)
        if solver == "randomized":
            raise ValueError(
                "svd_solver='randomized' cannot be updated exactly. For partial_fit use "
                "svd_solver='covariance_eigh' or 'full'."
            )
        return (FactorMoments if solver == "full" else ScatterMoments).from_data(X, sample_weight)

    def _check_params(self, n_directions: int) -> None:
        if self.method == "zca" and not self.whiten:
            raise ValueError(
                "Got method='zca' with whiten=False, which would give the centred input back. "
                "Use method='pca' to decorrelate, or MeanCenterer to centre."
            )
        whole = isinstance(self.n_components, Integral)
        if self.svd_solver == "randomized" and not whole:
            raise ValueError(f"Got n_components={self.n_components!r}, but svd_solver='randomized' expects an integer.")
        if whole and self.n_components > n_directions:
            raise ValueError(
                f"n_components={self.n_components} must be between 1 and min(n_samples, n_features)="
                f"{n_directions}. Lower it, or leave it at None to keep all directions."
            )

    def _set_fitted(self, moments: Any) -> None:
        self.svd_solver_ = next(name for name, (kind, _) in SOLVERS.items() if kind is type(moments))
        self.mean_ = moments.mean
        self.n_samples_seen_ = moments.weight
        self._derived: dict[str, Any] | None = None

    def _finalize(self) -> None:
        self._decomposition()

    def _get_moments(self) -> Any:
        return SOLVERS[self.svd_solver_][0](**self._moments)

    def _restore_fitted_state(self) -> None:
        moments, n_features = vars(self._get_moments()), self.n_features_in_
        check_numbers("mean_", self.mean_, (n_features,))
        for name in moments.keys() - {"weight", "input_eps"}:
            width = len(moments["directions"]) if name == "eigenvalues" else n_features
            check_numbers(f"{name} of the moments", moments[name], (*moments[name].shape[:-1], width))
        require(0 < moments["weight"] < np.inf, f"The rows must have weight. Got {moments['weight']} instead.")
        if self._derived is not None:
            check_numbers("components_", self.components_, (self.n_components_, n_features))
            for name in ("explained_variance", "explained_variance_ratio", "singular_values"):
                check_numbers(f"{name}_", self._derived[name], (self.n_components_,))
            require((self.explained_variance_ > 0).all(), "explained_variance_ must be > 0. Got zero or less.")

    @ignore_floating_point_errors
    def _decomposition(self) -> dict[str, Any]:
        check_is_fitted(self)
        if self._derived is None:
            self._derived = self._decompose()
        return self._derived

    def _decompose(self) -> dict[str, Any]:
        moments = self._get_moments()
        if moments.weight <= 1:
            raise ValueError(
                f"n_samples={moments.weight} rows (or sum of their weights) have no covariance. Expected more "
                "than one: fit more rows, or scale the weights so that each counts rows."
            )
        found = SOLVERS[self.svd_solver_][1](moments)
        significant = np.flatnonzero(found.significant(moments.mean, moments.input_eps, self.rtol))
        n_requested = self._n_requested(found)
        if not len(significant):
            raise ValueError(f"All {len(moments.mean)} features are constant: there is no variance to whiten.")
        if len(significant) < n_requested:
            self._warn_of_null_directions(n_requested - len(significant), found)
        return _kept(found, significant[:n_requested], moments.weight) | {"rank": len(significant)}

    def _n_requested(self, found: PrincipalComponents) -> int:
        if self.n_components is None:
            return len(found.feature_variances)
        if isinstance(self.n_components, Integral):
            return int(self.n_components)
        shares = np.cumsum(found.variances) / found.feature_variances.sum()
        return int(np.searchsorted(shares, self.n_components, side="right")) + 1

    def _warn_of_null_directions(self, n_null: int, found: PrincipalComponents) -> None:
        n_features = len(found.feature_variances)
        n_constant = int((found.feature_variances == 0).sum())
        reasons = [f"constant features: {n_constant}"] if n_constant else []
        if self.n_samples_seen_ <= n_features:
            reasons.append(f"{self.n_samples_seen_} rows span at most {self.n_samples_seen_ - 1} directions")
        elif n_null > n_constant:
            reasons.append("features depend linearly on one another")
        warnings.warn(
            f"{n_null} of {n_features} directions have no variance beyond rounding and are "
            f"{'set to zero' if self.method == 'zca' else 'dropped'}: {'; '.join(reasons)}.",
            UserWarning,
            stacklevel=2,
        )


def _kept(found: PrincipalComponents, index: np.ndarray, weight: float) -> dict[str, Any]:
    variances, n_features = found.variances[index], len(found.feature_variances)
    total = found.feature_variances.sum()
    n_left = min(int(weight), n_features) - len(index)
    return {
        "components": found.components[index],
        "explained_variance": variances,
        "explained_variance_ratio": variances / total,
        "singular_values": np.sqrt(variances * (weight - 1)),
        "n_components": len(index),
        "noise_variance": max(0.0, float(total - variances.sum()) / n_left) if n_left > 0 else 0.0,
    }
