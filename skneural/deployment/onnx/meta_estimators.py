"""Meta-estimators, rewritten so that skl2onnx converts them correctly; a ValueError where that is not possible.

Pipelines, votes, searches and the like are copied with their fitted parts replaced. The user's model is not changed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.semi_supervised import SelfTrainingClassifier

from skneural.deployment.onnx.onnx_network import HiddenFeatures
from skneural.estimators import ActivationMLPClassifier, ActivationMLPRegressor


def make_convertible(model: Any, transforms: bool = False) -> Any:
    """Return the model as skl2onnx should see it; the same object if there is nothing to change.

    Searches and the like are replaced by the estimator inside, networks in the role of transformers by
    :class:`HiddenFeatures`; steps of pipelines that do nothing are left out.

    Parameters
    ----------
    model : estimator
        Fitted.
    transforms : bool, default=False
        Whether the next step of a pipeline takes its ``transform``, instead of the user its ``predict``.

    Raises
    ------
    ValueError
        If skl2onnx would convert a part of it wrongly.
    """
    _refuse_threshold(model)
    _refuse_calibration(model)
    if isinstance(model, ActivationMLPClassifier | ActivationMLPRegressor):
        return HiddenFeatures(model) if transforms else model
    if (inner_estimator := _inner_estimator(model)) is not None:
        return make_convertible(inner_estimator, transforms)
    rewrite = next((rewrite for kind, rewrite in REWRITES.items() if isinstance(model, kind)), _rewrite_ensemble)
    return rewrite(model, transforms)


# Meta-estimator -> the attribute with the estimator that makes its predictions.
WRAPPERS = {FrozenEstimator: "estimator", SelfTrainingClassifier: "estimator_"}

# Where ensembles and other meta-estimators keep the fitted estimators whose predictions they use.
FITTED_PARTS = ("estimators_", "final_estimator_")


def _inner_estimator(model: Any) -> Any:
    """Return the one estimator that makes the predictions of a search or of a wrapper; None for other models."""
    if hasattr(model, "best_estimator_"):  # a search, scikit-learn's or another's
        return model.best_estimator_
    attribute = next((attribute for wrapper, attribute in WRAPPERS.items() if isinstance(model, wrapper)), None)
    return None if attribute is None else getattr(model, attribute)


def _each(part: Any) -> Any:
    """Return fitted estimators, one or a list of them, as skl2onnx should see them."""
    return [make_convertible(each) for each in part] if isinstance(part, list) else make_convertible(part)


def _with_parts(model: Any, parts: dict[str, Any]) -> Any:
    """Return a copy of the model with other parts; the model itself if they are the same objects."""
    if all(_same(getattr(model, name), part) for name, part in parts.items()):
        return model
    model = copy.copy(model)
    vars(model).update(parts)
    return model


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    return old is new


def _rewrite_ensemble(model: Any, transforms: bool) -> Any:
    return _with_parts(model, {name: _each(getattr(model, name)) for name in FITTED_PARTS if hasattr(model, name)})


def _rewrite_pipeline(model: Pipeline, transforms: bool) -> Any:
    *before, (name, last) = model.steps
    steps = [*_transformers(before), (name, make_convertible(last, transforms))]
    return _with_parts(model, {"steps": [step for step in steps if not isinstance(step[1], str | None)]})


def _rewrite_union(model: FeatureUnion, transforms: bool) -> Any:
    return _with_parts(model, {"transformer_list": _transformers(model.transformer_list)})


def _rewrite_columns(model: ColumnTransformer, transforms: bool) -> Any:
    return _with_parts(model, {"transformers_": _transformers(model.transformers_)})


def _transformers(parts: list[tuple]) -> list[tuple]:
    return [(name, make_convertible(part, transforms=True), *rest) for name, part, *rest in parts]


def _rewrite_vote(model: VotingClassifier | VotingRegressor, transforms: bool) -> Any:
    """Replace the parameters that skl2onnx cannot read: weights as a list, and the form of ``transform``."""
    parts: dict[str, Any] = {"estimators_": _each(model.estimators_)}
    if model.weights is not None:
        kept = [part != "drop" for _, part in model.estimators]
        parts["weights"] = np.asarray(model.weights, dtype=np.float64)[kept]
    if isinstance(model, VotingClassifier):
        parts["flatten_transform"] = False
    return _with_parts(model, parts)


def _rewrite_calibrated(model: CalibratedClassifierCV, transforms: bool) -> Any:
    calibrated = model.calibrated_classifiers_
    rewritten = [_with_parts(each, {"estimator": make_convertible(each.estimator)}) for each in calibrated]
    return _with_parts(model, {"calibrated_classifiers_": rewritten})


# Meta-estimator -> how to rewrite it, given whether it is used as a transformer.
REWRITES: dict[type, Callable[[Any, bool], Any]] = {
    Pipeline: _rewrite_pipeline,
    FeatureUnion: _rewrite_union,
    ColumnTransformer: _rewrite_columns,
    VotingClassifier: _rewrite_vote,
    VotingRegressor: _rewrite_vote,
    CalibratedClassifierCV: _rewrite_calibrated,
}


def _refuse_threshold(model: Any) -> None:
    """Raise ValueError for a classifier whose threshold a graph of skl2onnx would not have."""
    if isinstance(model, FixedThresholdClassifier | TunedThresholdClassifierCV):
        threshold = model.best_threshold_ if isinstance(model, TunedThresholdClassifierCV) else model.threshold
        raise ValueError(
            f"{type(model).__name__} cannot be converted to ONNX: the graph would ignore its threshold, {threshold}, "
            "and return the more probable label. Convert its estimator_, and compare the probabilities with the "
            "threshold yourself."
        )


def _refuse_calibration(model: Any) -> None:
    """Raise ValueError for a method of calibration that skl2onnx converts to something else."""
    method = model.method if isinstance(model, CalibratedClassifierCV) else "sigmoid"
    if method != "sigmoid":
        reason = "skl2onnx does not interpolate" if method == "isotonic" else "skl2onnx does not support it"
        raise ValueError(
            f"{type(model).__name__} with method={method!r} cannot be converted to ONNX: {reason}. Calibrate with "
            "method='sigmoid'."
        )
