"""A classifier for tabular data with settings that were chosen by benchmarks."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import check_random_state

from skneural.estimators.classifier import ActivationMLPClassifier
from skneural.preprocessing.clipping import SmoothClipper
from skneural.preprocessing.piecewise_linear import PiecewiseLinearEncoder
from skneural.preprocessing.scaling import StdScaler

TABULAR_DEFAULTS: dict[str, Any] = {
    "hidden_layer_sizes": (256, 256),
    "solver": "adamw",
    "alpha": 0.3,
    "dropout": 0.15,
    "batch_norm": True,
    "label_smoothing": 0.1,
    "batch_size": 128,
    "learning_rate": "cosine",
    "learning_rate_init": 0.01,
    "max_iter": 60,
    "n_iter_no_change": np.inf,
    "beta_2": 0.95,
    "dtype": "float32",
}


def tabular_classifier(**overrides: Any) -> Pipeline:
    """Return a classifier with settings that suit tabular data of some hundred to some ten thousand rows.

    A pipeline of StdScaler, SmoothClipper and a :class:`sklearn.ensemble.VotingClassifier` that averages the
    probabilities of three networks of different seeds: one sees the features, two also see them encoded by
    :class:`skneural.PiecewiseLinearEncoder`. Each has two wide hidden layers with batch normalisation, dropout and
    smoothed labels, trained by AdamW for a fixed number of epochs at a rate that falls to zero. Their settings are in
    `TABULAR_DEFAULTS`; docs/tabular.md has the benchmark of each.

    Weights of the rows reach the networks by scikit-learn's metadata routing only, as docs/tabular.md shows: without
    it the pipelines inside VotingClassifier refuse ``votingclassifier__sample_weight``.

    Parameters
    ----------
    **overrides
        Parameters of :class:`skneural.ActivationMLPClassifier` for all three networks; they take precedence over
        `TABULAR_DEFAULTS`. Each network gets a random state of its own, drawn from `random_state`. `class_weight` can
        be None or "balanced".

    Returns
    -------
    model : Pipeline
        Not fitted. The networks see the classes as 0, 1, ..., in the order of ``classes_``.

    Raises
    ------
    TypeError
        If an override is no parameter of ActivationMLPClassifier.
    ValueError
        If `class_weight` has weights by label: the networks do not see the labels.

    Examples
    --------
    >>> from skneural.estimators.tabular import tabular_classifier
    >>> model = tabular_classifier(max_iter=30, random_state=0)
    >>> list(model.named_steps)
    ['stdscaler', 'smoothclipper', 'votingclassifier']
    >>> [name for name, _ in model[-1].estimators]
    ['plain', 'encoded_1', 'encoded_2']
    """
    unknown = sorted(set(overrides) - set(ActivationMLPClassifier._get_param_names()))
    if unknown:
        raise TypeError(
            f"Got {', '.join(unknown)}, but expected names of parameters of ActivationMLPClassifier; set those of the "
            "other steps by set_params, for instance smoothclipper__limit."
        )
    if not isinstance(overrides.get("class_weight"), str | None):
        raise ValueError(
            "class_weight must be None or 'balanced' in tabular_classifier, whose VotingClassifier numbers the classes "
            f"before the networks see them. Got {overrides['class_weight']!r}; pass sample_weight instead, see "
            "sklearn.utils.class_weight.compute_sample_weight and docs/tabular.md."
        )
    plain, *others = (
        ActivationMLPClassifier(**{**TABULAR_DEFAULTS, **overrides, "random_state": seed})
        for seed in _draw_seeds(overrides.get("random_state"))
    )
    encoded = [make_pipeline(PiecewiseLinearEncoder(n_bins=8, max_columns=1000), network) for network in others]
    members = [("plain", plain), ("encoded_1", encoded[0]), ("encoded_2", encoded[1])]
    # skl2onnx converts a VotingClassifier only with flatten_transform=False; predictions do not depend on it.
    vote = VotingClassifier(members, voting="soft", flatten_transform=False)
    return make_pipeline(StdScaler(), SmoothClipper(), vote)


def _draw_seeds(random_state: int | np.random.RandomState | None) -> list[int | None]:
    """Return one seed per network: networks with copies of one generator would have the same random numbers."""
    if random_state is None:
        return [None] * 3
    return check_random_state(random_state).randint(np.iinfo(np.int32).max, size=3).tolist()
