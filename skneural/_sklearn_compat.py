"""The one place that touches scikit-learn's private or version-dependent names.

Everything that scikit-learn does not promise to keep is imported, and where versions differ adapted, here;
the rest of the package imports it from here.
"""

from collections.abc import Callable
from inspect import Parameter, signature

from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import Interval, Options, RealNotInt, StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_feature_names_in, _check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin  # scikit-learn 1.9
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks: none can be set."""


def accepts_sample_weight(scorer: Callable) -> bool:
    """Return whether a scorer, or the metric inside one of scikit-learn's, takes sample weights."""
    parameters = signature(getattr(scorer, "_score_func", scorer)).parameters
    return "sample_weight" in parameters or any(p.kind is Parameter.VAR_KEYWORD for p in parameters.values())


__all__ = [
    "CallbackSupportMixin",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "_check_feature_names_in",
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_fit_context",
    "_safe_indexing",
    "accepts_sample_weight",
]
