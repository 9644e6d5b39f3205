"""A classifier for tabular data whose settings were found by measuring."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline, make_pipeline

from skneural.estimators.classifier import ActivationMLPClassifier
from skneural.preprocessing.clipping import RampEncoder, SmoothClipper
from skneural.preprocessing.scaling import StdScaler

RECIPE: dict[str, Any] = {
    "hidden_layer_sizes": (256, 256),
    "solver": "adamw",
    "alpha": 0.3,
    "dropout": 0.3,
    "batch_norm": True,
    "label_smoothing": 0.1,
    "batch_size": 64,
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "max_iter": 60,
    "n_iter_no_change": np.inf,
    "beta_2": 0.95,
    "dtype": "float32",
}


def tabular_classifier(**overrides: Any) -> Pipeline:
    """Return a classifier with settings that suit tabular data of some hundred to some ten thousand rows.

    A pipeline of StdScaler, SmoothClipper, RampEncoder and ActivationMLPClassifier: two wide hidden layers with batch
    normalisation, dropout and smoothed labels, trained by AdamW for a fixed number of epochs at a rate that falls to
    zero. All settings are in `RECIPE`; docs/tabular.md says what each of them brought.

    Parameters
    ----------
    **overrides
        Parameters of :class:`skneural.ActivationMLPClassifier`, instead of or besides those of `RECIPE`; among them
        `random_state`.

    Returns
    -------
    model : Pipeline
        Not fitted. Its parameters are searched as in ``activationmlpclassifier__alpha``.

    Raises
    ------
    TypeError
        If an override is no parameter of ActivationMLPClassifier.

    Examples
    --------
    >>> from skneural.estimators.tabular import tabular_classifier
    >>> model = tabular_classifier(max_iter=30, random_state=0)
    >>> list(model.named_steps)
    ['stdscaler', 'smoothclipper', 'rampencoder', 'activationmlpclassifier']
    >>> model[-1].max_iter, model[-1].learning_rate
    (30, 'cosine')
    """
    unknown = sorted(set(overrides) - set(ActivationMLPClassifier._get_param_names()))
    if unknown:
        raise TypeError(
            f"Got {', '.join(unknown)}, but expected names of parameters of ActivationMLPClassifier; set those of the "
            "other steps by set_params, for instance smoothclipper__limit."
        )
    return make_pipeline(
        StdScaler(), SmoothClipper(), RampEncoder(), ActivationMLPClassifier(**{**RECIPE, **overrides})
    )
