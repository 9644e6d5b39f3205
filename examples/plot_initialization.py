"""
Initial weights
===============

If the initial weights are too small, the activations shrink from layer to layer. If they are too large, the activations
grow, or the units saturate. If they are equal, all units of a layer stay identical. The default, ``auto``, keeps the
standard deviation of the activations almost the same in every layer.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from skneural import ActivationMLPClassifier, StdScaler
from skneural.initializers import Normal
from skneural.inspection import DeadUnitsWarning, UnitActivityDisplay

X, y = load_digits(return_X_y=True)
X = StdScaler().fit_transform(X)
DEPTH = 6
schemes = {
    "normal(0.01)": Normal(std=0.01),
    "normal(1)": Normal(std=1.0),
    "glorot_uniform": "glorot_uniform",
    "he_uniform": "he_uniform",
    "orthogonal": "orthogonal",
    "auto": "auto",
}

# %%
# Standard deviation of the activations, before training
# ------------------------------------------------------
# The networks have six hidden layers of 100 units. The learning rate is so small that the weights do not change.


def at_the_beginning(activation, init_scheme):
    """Return a network with its initial weights."""
    model = ActivationMLPClassifier(
        (100,) * DEPTH, activation, weight_init=schemes[init_scheme], learning_rate_init=1e-12, random_state=0
    )
    return model.partial_fit(X, y, classes=np.unique(y))


def deviations(activation, init_scheme):
    """Return the standard deviation of the activations of each layer."""
    model = at_the_beginning(activation, init_scheme)
    return np.array([model.hidden_features(X, layer).std() for layer in range(DEPTH)])


found = {}
for activation in ("relu", "tanh"):
    print(f"{activation + ', layer':>22}", *(f"{layer:>9}" for layer in range(DEPTH)))
    for init_scheme in schemes:
        found[activation, init_scheme] = deviations(activation, init_scheme)
        print(f"{init_scheme:>22}", *(f"{deviation:9.2g}" for deviation in found[activation, init_scheme]))

ratio = {init_scheme: found["relu", init_scheme][-1] / found["relu", init_scheme][0] for init_scheme in schemes}
print(
    f"C1: from the first to the last of {DEPTH} ReLU layers the standard deviation changes by a factor "
    f"{ratio['auto']:.2f} with auto, {ratio['glorot_uniform']:.2f} with glorot_uniform, "
    f"{ratio['normal(0.01)']:.0e} with normal(0.01), {ratio['normal(1)']:.0e} with normal(1)"
)
saturated = np.mean(np.abs(at_the_beginning("tanh", "normal(1)").hidden_features(X, -1)) > 0.99)
print(f"C1: with normal(1), {saturated:.0%} of the last layer's tanh activations are beyond ±0.99: saturated")

# %%
# Training loss after ten epochs
# ------------------------------
# Zero weights are included. With them, all units of a layer receive the same gradient and stay identical.

warnings.simplefilter("ignore", ConvergenceWarning)
warnings.simplefilter("ignore", DeadUnitsWarning)
print(f"{'loss after 10 epochs':>22}")
losses = {}
for init_scheme, initializer in {**schemes, "zeros": "zeros"}.items():
    model = ActivationMLPClassifier((100,) * DEPTH, "relu", weight_init=initializer, max_iter=10, random_state=0)
    losses[init_scheme] = model.fit(X, y).loss_
    print(f"{init_scheme:>22}{losses[init_scheme]:9.3f}")
print(
    f"C1: loss after 10 epochs: {losses['auto']:.3f} with auto, {losses['normal(0.01)']:.3f} with normal(0.01), "
    f"{losses['zeros']:.3f} with zeros (guessing: {np.log(10):.3f})"
)

# %%
# Plot
# ----

figure, axes = plt.subplots(2, 2, figsize=(10.5, 10), layout="constrained")
for ax, init_scheme in zip(axes.flat, ["normal(0.01)", "normal(1)", "orthogonal", "auto"], strict=True):
    UnitActivityDisplay.from_estimator(at_the_beginning("tanh", init_scheme), X, ax=ax)
    ax.set_title(f"tanh, {init_scheme}")
plt.show()
