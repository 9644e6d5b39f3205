"""
Vanishing gradients
===================

On its way back through the network, the gradient is multiplied by the slope of each activation function and by the
weights. The slope of a sigmoid is at most 0.25. After several layers the gradient is tiny, unless larger weights make
up for it. This example measures the norm of the gradient with respect to the weights of each layer, before training.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skneural import ActivationMLPClassifier, Logistic, StdScaler
from skneural.inspection import unit_report

X, y = load_digits(return_X_y=True)
X = StdScaler().fit_transform(X)
DEPTH = 8

# %%
# Eight hidden layers of 64 units
# -------------------------------
# The learning rate is so small that the weights do not change. ``glorot_uniform`` is the usual rule. It suits functions
# like tanh, whose value at 0 is 0 and whose slope there is 1. ``auto`` takes the value and the slope of the activation
# function into account, and gives a sigmoid network larger weights.


def gradient_norms(activation, weight_init):
    """Return the norm of the gradient with respect to the weights of each hidden layer."""
    model = ActivationMLPClassifier(
        (64,) * DEPTH, activation, weight_init=weight_init, learning_rate_init=1e-12, random_state=0
    )
    report = unit_report(model.partial_fit(X, y, classes=np.unique(y)), X, y)
    return np.array([layer.gradient_norm for layer in report.layers])


stacks = {
    "sigmoid, glorot_uniform": gradient_norms("logistic", "glorot_uniform"),
    "sigmoid, auto": gradient_norms("logistic", "auto"),
    "tanh, auto": gradient_norms("tanh", "auto"),
    "ReLU, auto": gradient_norms("relu", "auto"),
}
print(f"{'norm of the gradient in layer':>30}", *(f"{layer:>8}" for layer in range(DEPTH)))
for name, norms in stacks.items():
    print(f"{name:>30}", *(f"{norm:8.1e}" for norm in norms))

sigmoid, relu = stacks["sigmoid, glorot_uniform"], stacks["ReLU, auto"]
scaled = stacks["sigmoid, auto"]
print(
    f"A2: from the last to the first of {DEPTH} hidden layers the gradient changes by a factor "
    f"{sigmoid[0] / sigmoid[-1]:.0e} in a sigmoid network and by {relu[0] / relu[-1]:.2f} in a ReLU network"
)
print(
    f"A2: with auto, weights {Logistic().properties().gain:.1f} times as large, the sigmoid's factor is "
    f"{scaled[0] / scaled[-1]:.0e}: larger weights help, but not enough"
)

# %%
# Plot
# ----

figure, ax = plt.subplots(layout="constrained")
for (name, norms), marker, color in zip(
    stacks.items(), "os^D", ["#0072B2", "#56B4E9", "#009E73", "#D55E00"], strict=True
):
    ax.semilogy(range(DEPTH), norms, marker=marker, color=color, label=name)
ax.set(xlabel="hidden layer (0 is next to the input)", ylabel="norm of the gradient", title="Before training")
ax.legend()
plt.show()
