"""The one place that touches scikit-learn's private or version-dependent names.

Everything that scikit-learn does not promise to keep is imported, and where versions differ adapted, here;
the rest of the package imports it from here.
"""

from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_feature_names_in, _check_sample_weight

__all__ = [
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "_check_feature_names_in",
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_fit_context",
]
