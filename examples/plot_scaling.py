"""
Scaling features
================

If features have different units, those with large values dominate training. Subtract the mean and divide by the
standard deviation, and all features contribute. The pixels of an image have one unit already. For them it is enough to
subtract the mean.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer, PCAWhitener, StdScaler

warnings.simplefilter("ignore", ConvergenceWarning)  # some do not converge, and the table says so
transformers = {
    "as they are": None,
    "MeanCenterer": MeanCenterer(),
    "StdScaler": StdScaler(),
    "PCAWhitener": PCAWhitener(epsilon=1e-3),
    "PCAWhitener, ZCA": PCAWhitener(method="zca", epsilon=1e-3),
}


def compared(X, y, target_loss, **settings):
    """Print and return, for each transformer, the accuracy and the epochs to a training loss, means of five folds."""
    network = ActivationMLPClassifier((50,), random_state=0, **settings)
    print(f"{'':>18}{'accuracy':>10}   epochs to a loss of {target_loss:g}")
    found = {}
    for name, transformer in transformers.items():
        model = network if transformer is None else make_pipeline(transformer, network)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*directions have no variance")  # pixels that are always 0
            folds = cross_validate(model, X, y, return_estimator=True)
        curves = [getattr(each, "steps", [(None, each)])[-1][1].loss_curve_ for each in folds["estimator"]]
        epochs = [next((i for i, loss in enumerate(curve, 1) if loss <= target_loss), np.inf) for curve in curves]
        found[name] = np.mean(folds["test_score"]), np.mean(epochs)
        reached = f"{found[name][1]:.0f}" if np.isfinite(found[name][1]) else "not reached in every fold"
        print(f"{name:>18}{found[name][0]:10.4f}   {reached}")
    return found


# %%
# Features in different units
# ---------------------------
# The wine data: alcohol in per cent, magnesium in milligrams, proline in the hundreds.

X, y = load_wine(return_X_y=True)
print(
    "wine, standard deviations of the features from", X.std(axis=0).min().round(2), "to", X.std(axis=0).max().round(1)
)
wine = compared(X, y, 0.1, learning_rate_init=0.01, max_iter=100)
print(
    f"P1: accuracy {wine['as they are'][0]:.3f} with the features as they are, {wine['MeanCenterer'][0]:.3f} centred, "
    f"{wine['StdScaler'][0]:.3f} centred and scaled, in {wine['StdScaler'][1]:.0f} epochs"
)

# %%
# Images
# ------
# The digits data have 64 pixels with values from 0 to 16, here divided by 16.

X, y = load_digits(return_X_y=True)
images = compared(X / 16, y, 0.1, learning_rate_init=0.01, max_iter=25)
centred, scaled, white = (images[name][0] for name in ("MeanCenterer", "StdScaler", "PCAWhitener"))
print(f"P2: on images, centring reaches {centred:.4f}, centring and scaling {scaled:.4f}, whitening {white:.4f}")
print(
    f"P2: dividing by the standard deviation changes the accuracy by {100 * (scaled - centred):+.2f} points; "
    f"pixels at the border, which are rarely dark, then reach values of {StdScaler().fit_transform(X).max():.0f}"
)

# %%
# These folds follow the order of the rows, which is not random. With shuffled folds the accuracy is higher.

mixed = StratifiedKFold(5, shuffle=True, random_state=0)
network = ActivationMLPClassifier((50,), learning_rate_init=0.01, max_iter=25, random_state=0)
centred, scaled = (
    cross_val_score(make_pipeline(each, network), X / 16, y, cv=mixed).mean() for each in (MeanCenterer(), StdScaler())
)
print(f"P2: with shuffled folds, centring reaches {centred:.4f}, centring and scaling {scaled:.4f}")

# %%
# Plot
# ----

figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
height = 0.38
for shift, (title, found), color in zip(
    (-height / 2, height / 2), {"wine": wine, "digits": images}.items(), ["#D55E00", "#0072B2"], strict=True
):
    bars = ax.barh(
        np.arange(len(found)) + shift, [score for score, _ in found.values()], height, color=color, label=title
    )
    ax.bar_label(bars, fmt="%.3f", padding=3, fontsize="small")
ax.set_yticks(range(len(transformers)), transformers)
ax.invert_yaxis()
ax.set(xlabel="accuracy, mean of 5 folds", xlim=(0, 1.12), title="Accuracy by transformer")
figure.legend(loc="outside lower center", ncols=2)
plt.show()
