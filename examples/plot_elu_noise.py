"""
ELU: mean activations and robustness to noise
=============================================

ELU is linear for positive pre-activations and approaches -1 for negative ones. This brings the mean activation closer
to zero. Where ELU is flat, noise in the input has little effect, so the lecture calls it robust to noise. This example
measures both, and compares ELU with ReLU.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer
from skneural.inspection import UnitActivityDisplay, unit_report

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0, stratify=y)
warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is fixed on purpose

# %%
# Mean activations
# ----------------
# Each activation function is trained with five seeds.

SEEDS = range(5)
models = {
    name: [
        make_pipeline(
            MeanCenterer(),
            ActivationMLPClassifier((64, 64), name, learning_rate_init=0.005, max_iter=15, random_state=seed),
        ).fit(X_train, y_train)
        for seed in SEEDS
    ]
    for name in ("relu", "elu", "tanh")
}
means = {
    name: np.mean([[each.mean for each in unit_report(m, X_test).layers] for m in models[name]], axis=0)
    for name in models
}
print(f"{'mean activation of':>20}{'layer 0':>9}{'layer 1':>9}")
for name, mean in means.items():
    print(f"{name:>20}{mean[0]:9.3f}{mean[1]:9.3f}")
print(
    f"A12: the mean activation in the two layers is {means['elu'][0]:.2f} and {means['elu'][1]:.2f} with ELU, "
    f"{means['relu'][0]:.2f} and {means['relu'][1]:.2f} with ReLU"
)

# %%
# Accuracy under noise
# --------------------
# The networks were trained on digits without noise. Pixel values range from 0 to 1; the noise is normal.

levels = [0, 0.125, 0.25, 0.375, 0.5]
noise = np.random.default_rng(0).normal(size=(4, *X_test.shape))
accuracy = {
    name: [
        np.mean([m.score(X_test + level * each, y_test) for m in models[name] for each in noise[: 4 if level else 1]])
        for level in levels
    ]
    for name in models
}
print(f"{'noise':>20}", *(f"{level:7g}" for level in levels))
for name, scores in accuracy.items():
    print(f"{name:>20}", *(f"{score:7.3f}" for score in scores))
quarter = {name: scores[2] for name, scores in accuracy.items()}
print(f"A12: with noise of standard deviation 0.25, ELU scores {quarter['elu']:.3f} and ReLU {quarter['relu']:.3f}")
loss = {name: scores[0] - scores[2] for name, scores in accuracy.items()}
verdict = "seen" if loss["elu"] < loss["relu"] - 0.005 else "not seen"
print(
    f"A12: this noise lowers the accuracy of ELU by {loss['elu']:.3f} and of ReLU by {loss['relu']:.3f}: that ELU is "
    f"more robust is {verdict} on these digits"
)

# %%
# Plot
# ----

places = [["relu", "elu"], ["noise", "noise"]]
figure, axes = plt.subplot_mosaic(places, figsize=(10, 7.5), layout="constrained")
for name in ("relu", "elu"):
    UnitActivityDisplay.from_estimator(models[name][0], X_test, ax=axes[name])
for (name, scores), marker, color in zip(accuracy.items(), "os^", ["#D55E00", "#0072B2", "#009E73"], strict=True):
    axes["noise"].plot(levels, scores, marker=marker, color=color, label=name)
axes["noise"].set(xlabel="standard deviation of the noise", ylabel="accuracy", title="Trained on clean digits")
axes["noise"].legend()
plt.show()
