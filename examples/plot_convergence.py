"""
How much faster does ReLU converge?
===================================

The authors of AlexNet report that ReLU reaches a training error six times as fast as tanh, in a convolutional network
on CIFAR-10. This example measures the epochs and seconds until the training loss falls to 0.1, on handwritten digits,
with the same folds and the same seed.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, StdScaler
from skneural.inspection import LossCurveDisplay, SearchHeatmapDisplay, compare_activations

X, y = load_digits(return_X_y=True)
network = ActivationMLPClassifier((64, 64), batch_size=32, max_iter=40, random_state=0)
model = make_pipeline(StdScaler(), network)

# %%
# Measure
# -------
# The speed depends on the learning rate. So each activation function runs at two rates, and the faster one counts.

comparison = compare_activations(
    X,
    y,
    estimator=model,
    activations=["relu", "elu", "tanh", "logistic"],
    learning_rates=[0.001, 0.005],
    cv=2,
    target_loss=0.1,
)
print(comparison)

# %%
# Compare
# -------
# A dash in the table above means that a fold did not reach the loss. Such a rate does not count.

names, rates, epochs = comparison.grid("epochs_to_target")
fewest = dict(zip(names, np.nanmin(epochs, axis=1), strict=True))
shortest = dict(zip(names, np.nanmin(comparison.grid("seconds_to_target")[2], axis=1), strict=True))
for name in ("tanh", "logistic"):
    print(
        f"A6: {name} needs {fewest[name]:.1f} epochs and {1e3 * shortest[name]:.1f} ms, ReLU {fewest['relu']:.1f} "
        f"epochs and {1e3 * shortest['relu']:.1f} ms: a factor {fewest[name] / fewest['relu']:.1f} in epochs, "
        f"{shortest[name] / shortest['relu']:.1f} in time"
    )
bears_out = fewest["tanh"] / fewest["relu"] > 3
print(
    f"A6: AlexNet's factor of 6 for tanh is {'seen' if bears_out else 'not seen'} on these digits, "
    "with two hidden layers, scaled inputs and Adam; the sigmoid is the slow one"
)

# %%
# Plot
# ----

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.set_prop_cycle(color=["#D55E00", "#0072B2", "#009E73", "#000000"])
for name in names:
    model.set_params(activationmlpclassifier__activation=name, activationmlpclassifier__max_iter=15)
    model.set_params(activationmlpclassifier__learning_rate="cosine").fit(X, y)
    LossCurveDisplay.from_estimator(model, name=name, ax=left)
left.axhline(0.1, color="0.6", linestyle="dotted")
left.set(yscale="log", title="Training loss, rate 0.001 falling to 0")
SearchHeatmapDisplay.from_comparison(comparison, ax=right)
plt.show()
