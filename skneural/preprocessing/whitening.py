"""Decorrelate features and give them unit variance, in principal or in original coordinates."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skneural._sklearn_compat import RealNotInt, _check_feature_names_in, validate_data
from skneural.constraints import Interval, StrOptions
from skneural.float_errors import ignore_float_errors, raise_on_overflow
from skneural.preprocessing.component_selection import PrincipalComponents, check_n_components, select_components
from skneural.preprocessing.covariance import FactorMoments
from skneural.preprocessing.moments_transformer import MomentsTransformer
from skneural.preprocessing.row_blocks import (
    Array,
    SampleWeight,
    matrix_block_bytes,
    row_blocks,
    rows_per_block,
    subtract_center,
)
from skneural.preprocessing.svd_solvers import (
    STREAMING_SOLVERS,
    SVD_SOLVERS,
    check_svd_solver,
    fit_components,
    refuse_streaming,
    streaming_moments,
)
from skneural.saved_state import check_numbers, require


def _lazily_computed(name: str) -> property:
    """A fitted attribute that follows from the moments and is computed with the others when needed."""
    return property(lambda self: self._get_decomposition()[name])


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
    n_components : int, float, "mle" or None, default=None
        Directions to keep: a number, the smallest number whose share of the variance exceeds a float in
        (0, 1), the most likely number (Minka's estimate, as in `sklearn.decomposition.PCA`), or all. Directions
        without variance are never kept.
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
    svd_solver : {"auto", "covariance_eigh", "gram_eigh", "full", "randomized"}, default="auto"
        - "covariance_eigh": eigendecomposition of the covariance matrix of the features. Variances below about
          1e-16 of the largest are lost, those below 1e-10 inexact.
        - "gram_eigh": the same variances and directions, of the matrix of inner products of the rows: smaller and
          faster for fewer rows than features.
        - "full": singular values of the centred rows, or of a triangular factor of them; exact down to 1e-28. A few
          times slower.
        - "randomized": leading directions only, by a block Krylov method that reads X at most eleven times. Directions
          are approximate where variances hardly differ; the outputs have unit variance and no correlation in any case.
          Needs an integer ``n_components``.
        - "auto": "randomized" for an integer ``n_components`` that is small beside the numbers of rows and features,
          both above 500. Otherwise "covariance_eigh", or "gram_eigh" for fewer rows than features, and then "full" if
          a direction to be kept has less than 2e-10 of the largest variance.

        `partial_fit` takes "covariance_eigh" for "auto", and else needs "covariance_eigh" or "full".
    copy : bool, default=True
        False lets `transform` write into its input where that is possible.
    random_state : int, RandomState instance or None, default=None
        For ``svd_solver="randomized"``, also if "auto" takes it.

    Attributes
    ----------
    components_ : ndarray of shape (`n_components_`, `n_features_in_`), float64 or float32
        Kept directions, by descending variance; the entry of largest magnitude is positive in each. In float32 if the
        rows were, if directions with variance were left out, and if the standard deviations of those kept differ by no
        more than a factor of 100.
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
    svd_solver_ : {"covariance_eigh", "gram_eigh", "full", "randomized"}
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
    Statistics are accumulated and applied in float64, also for float32 input; the result is rounded once. `fit`
    multiplies many float32 rows of 128 features or more in single precision, if their correlation matrix has no
    eigenvalue below 0.1, and, where it leaves directions out, keeps the others in single precision if their standard
    deviations differ by no more than a factor of 100: the covariance of the outputs is then the identity up to 1e-5.

    `fit` keeps the directions, `partial_fit` and `merge` also the scatter matrix of all features (or a factor of it),
    from which the directions are computed when they are first needed. After `fit`, rows can be added if all directions
    with variance were kept; otherwise call `partial_fit` from the first rows on.

    Sparse rows are not made dense but in blocks; the outputs are dense.

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
            StrOptions({"mle"}),
            None,
        ],
        "method": [StrOptions({"pca", "zca"})],
        "whiten": ["boolean"],
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "rtol": [Interval(Real, 0, 1, closed="left"), None],
        "svd_solver": [StrOptions({"auto", *SVD_SOLVERS})],
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

    _check_array_options = {"accept_sparse": "csr"}
    _fitted_names = MomentsTransformer._fitted_names | {"svd_solver_", "_decomposition"}
    components_ = _lazily_computed("components")
    explained_variance_ = _lazily_computed("explained_variance")
    explained_variance_ratio_ = _lazily_computed("explained_variance_ratio")
    singular_values_ = _lazily_computed("singular_values")
    n_components_ = _lazily_computed("n_components")
    rank_ = _lazily_computed("rank")
    noise_variance_ = _lazily_computed("noise_variance")

    @ignore_float_errors
    def transform(self, X, copy=None):
        """Whiten X by the statistics of the training rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows of the features seen in `fit`.
        copy : bool, default=None
            False writes into X where that is possible: a writeable array of float64 or float32, and as many
            outputs as features. None means the parameter ``copy``.

        Returns
        -------
        X_new : ndarray of shape (n_samples, `n_components_`), or (n_samples, n_features) with "zca"
            Of the dtype of X if that is floating, else float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self._float_dtypes, **self._check_array_options)
        projection = (self._directions() / self._component_scale()[:, np.newaxis]).T
        whitened = self._output_array(X, self._n_features_out, copy)
        with raise_on_overflow(self):
            whiten = self._whiten_sparse if sparse.issparse(X) else self._whiten_blocks
            whiten(X, projection, whitened)
        return whitened

    def _whiten_sparse(self, X: sparse.csr_array, projection: np.ndarray, whitened: np.ndarray) -> None:
        scores = X @ projection - self.mean_ @ projection  # centring X itself would make it dense
        whitened[:] = scores @ self._directions() if self.method == "zca" else scores

    def _whiten_blocks(self, X: np.ndarray, projection: np.ndarray, whitened: np.ndarray) -> None:
        block_bytes, directions = matrix_block_bytes(X.shape[1]), self._directions()
        buffer = np.empty((rows_per_block(X, block_bytes), X.shape[1]))
        for rows in row_blocks(X, block_bytes):
            centered_rows, whitening_matrix = subtract_center(X[rows], self.mean_, out=buffer), projection
            if self.method == "zca":
                centered_rows, whitening_matrix = centered_rows @ projection, directions
            np.matmul(centered_rows, whitening_matrix, out=whitened[rows], casting="same_kind")

    @ignore_float_errors
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
        X_original : ndarray of shape (n_samples, n_features)
            Of the dtype of X if that is floating, else float64.
        """
        check_is_fitted(self)
        X = self._validate_transformed(X, self._n_features_out, accept_sparse=False)
        components, component_scale = self._directions(), self._component_scale()
        unwhitened = self._output_array(X, self.n_features_in_, copy)
        with raise_on_overflow(self):
            for rows in row_blocks(X, matrix_block_bytes(X.shape[1])):
                scores = X[rows] @ components.T if self.method == "zca" else X[rows]
                unwhitened[rows] = (scores * component_scale) @ components + self.mean_
        return unwhitened

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

    def _output_array(self, X: Array, n_outputs: int, copy: bool | None) -> np.ndarray:
        in_place = not (self.copy if copy is None else copy) and isinstance(X, np.ndarray) and X.flags.writeable
        return X if in_place and X.shape[1] == n_outputs else np.empty((X.shape[0], n_outputs), X.dtype)

    def _directions(self) -> np.ndarray:
        """The components in float64, for products that are rounded once."""
        return self.components_.astype(np.float64, copy=False)

    def _component_scale(self) -> np.ndarray:
        """What whitening divides each component by."""
        variances = self.explained_variance_
        return np.sqrt(variances + self.epsilon * variances.max()) if self.whiten else np.ones_like(variances)

    def _fit(self, X: Array, sample_weight: SampleWeight) -> None:
        self._check_params(min(X.shape))
        random_state = check_random_state(self.random_state)
        self.svd_solver_, computed = fit_components(X, sample_weight, self.svd_solver, self.n_components, random_state)
        self.mean_, self.n_samples_seen_ = computed.mean, computed.weight
        self._moments = None
        self._decomposition: dict[str, Any] | None = self._select(computed)

    def _compute_moments(self, X: Array, sample_weight: SampleWeight) -> Any:
        self._check_params(X.shape[1])
        if not self.__sklearn_is_fitted__():
            refuse_streaming(self.svd_solver)
        return streaming_moments(X, sample_weight, getattr(self, "svd_solver_", self.svd_solver))

    def _check_params(self, max_components: int) -> None:
        if self.method == "zca" and not self.whiten:
            raise ValueError(
                "Got method='zca' with whiten=False, which would give the centred input back. "
                "Use method='pca' to decorrelate, or MeanCenterer to centre."
            )
        check_svd_solver(self.svd_solver, self.n_components)
        check_n_components(self.n_components, max_components)

    def _set_fitted(self, moments: Any) -> None:
        self.svd_solver_ = next(name for name, (kind, _) in STREAMING_SOLVERS.items() if kind is type(moments))
        self.mean_, self.n_samples_seen_ = moments.mean, moments.weight
        self._decomposition = None

    def _get_moments(self) -> Any:
        if self._moments is not None:
            return STREAMING_SOLVERS[self.svd_solver_][0](**self._moments)
        moments = self._moments_of_components()
        return moments.to_scatter() if self.svd_solver_ == "covariance_eigh" else moments

    def _moments_of_components(self) -> FactorMoments:
        """The moments of the training rows, if all directions with variance were kept."""
        kept = self._get_decomposition()
        factor = kept["singular_values"][:, np.newaxis] * kept["components"]
        return FactorMoments(self.n_samples_seen_, self.mean_, kept["input_eps"], factor)

    def _check_updatable(self) -> None:
        if self._moments is None and not self._get_decomposition()["is_complete"]:
            raise ValueError(
                f"Cannot add rows: fit kept {self.n_components_} directions, but nothing of the others. To add rows or "
                "merge later, call partial_fit instead of fit, with svd_solver='auto', 'covariance_eigh' or 'full'."
            )

    def _check_mergeable(self, other: Self) -> None:
        super()._check_mergeable(other)
        other._check_updatable()

    def _restore_fitted_state(self) -> None:
        check_numbers("mean_", self.mean_, (self.n_features_in_,))
        require(self.svd_solver_ in SVD_SOLVERS, f"svd_solver_ must be a solver. Got {self.svd_solver_!r} instead.")
        require(0 < self.n_samples_seen_ < np.inf, f"The rows must have weight. Got {self.n_samples_seen_} instead.")
        require(self._moments is not None or self._decomposition is not None, "There must be moments or components.")
        if self._moments is not None:
            self._check_moments(vars(self._get_moments()))
        if self._decomposition is not None:
            self._check_decomposition()

    def _check_moments(self, moments: dict[str, Any]) -> None:
        for name in moments.keys() - {"weight", "input_eps"}:
            check_numbers(f"{name} of the moments", moments[name], (*moments[name].shape[:-1], self.n_features_in_))
        require(0 < moments["weight"] < np.inf, f"The rows must have weight. Got {moments['weight']} instead.")

    def _check_decomposition(self) -> None:
        check_numbers("components_", self.components_, (self.n_components_, self.n_features_in_), dtypes="df")
        check_numbers("explained_variance_", self.explained_variance_, (self.n_components_,))
        check_numbers("explained_variance_ratio_", self.explained_variance_ratio_, (self.n_components_,))
        check_numbers("singular_values_", self.singular_values_, (self.n_components_,))
        require((self.explained_variance_ > 0).all(), "explained_variance_ must be > 0. Got zero or less.")

    @ignore_float_errors
    def _get_decomposition(self) -> dict[str, Any]:
        check_is_fitted(self)
        if self._decomposition is None:
            compute_components = STREAMING_SOLVERS[self.svd_solver_][1]
            self._decomposition = self._select(compute_components(self._get_moments()))
        return self._decomposition

    def _select(self, computed: PrincipalComponents) -> dict[str, Any]:
        """The components to keep and what is known of them."""
        decomposition, n_null = select_components(computed, self.n_components, self.rtol)
        if n_null:
            dropped = "set to zero" if self.method == "zca" else "dropped"
            warnings.warn(
                f"{n_null} of {len(computed.mean)} directions have no variance beyond rounding and are {dropped}: "
                f"{'; '.join(computed.reasons_for_null_directions(n_null))}.",
                UserWarning,
                stacklevel=2,
            )
        return decomposition

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
