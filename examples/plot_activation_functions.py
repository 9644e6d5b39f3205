"""
Activation functions and their gradients
========================================

This example plots the value and the derivative of seven activation functions. The derivative is the local gradient:
where it is zero, a unit does not learn. All numbers are computed from the functions themselves.
"""

import matplotlib.pyplot as plt
import numpy as np

from skneural import ACTIVATIONS
from skneural.inspection import ActivationDisplay

lecture = ["logistic", "tanh", "relu", "leaky_relu", "prelu", "elu", "maxout"]

# %%
# Value and local gradient
# ------------------------
# Grey marks the pre-activations where the local gradient is below 0.01. A Maxout unit outputs the largest of several
# linear functions. Here it has two, with slopes -1 and 1, so it computes the absolute value.

figure, places = plt.subplots(3, 3, figsize=(10, 8.5), layout="constrained")
displays = {
    name: ActivationDisplay.from_activation(name, interval=(-10, 10), n_points=2001, ax=ax)
    for name, ax in zip(lecture, places.flat, strict=False)
}
for display in displays.values():
    display.ax_.get_legend().remove()
handles, labels = displays["logistic"].ax_.get_legend_handles_labels()
for ax in places.flat[len(lecture) :]:
    ax.set_axis_off()
places.flat[len(lecture)].legend(handles, labels, loc="center", fontsize="large")

# %%
# Local gradients at -10, 0 and 10
# --------------------------------
# ReLU and its variants have a kink at 0. There the table shows the gradient of the left side.

properties = {name: ACTIVATIONS[name].properties() for name in ACTIVATIONS}
print(f"{'activation':>12}{'f(-10)':>11}{'f(10)':>11}{'slope -10':>11}{'slope 0':>9}{'slope 10':>10}  saturates")
for name in ACTIVATIONS:
    z = np.array([[-10.0], [0.0], [10.0]])
    pieces = ACTIVATIONS[name].n_pieces
    Z = z * np.linspace(-1, 1, pieces) if pieces > 1 else z
    slopes = ACTIVATIONS[name].derivative(Z) @ (np.linspace(-1, 1, pieces) if pieces > 1 else np.ones(1))
    low, _, high = ACTIVATIONS[name].forward(Z, *([np.array([0.25])] if name == "prelu" else [])).ravel()
    print(
        f"{name:>12}{low:11.4f}{high:11.4f}{slopes[0]:11.1e}{slopes[1]:9.2f}{slopes[2]:10.1e}"
        f"  {properties[name].saturates}"
    )

# %%
# Sigmoid
# -------
# You can read the output of a sigmoid as the firing rate of a neuron, from 0 (never) to 1 (always). Near zero it is
# almost a straight line: the next term of its series is -z³ / 48.

logistic, tanh, relu = displays["logistic"], displays["tanh"], displays["relu"]
near_zero = np.abs(logistic.z) <= 0.5
line = 0.5 + logistic.z[near_zero] / 4
bend = np.abs(logistic.values[near_zero, 0] - line).max()
low, high = properties["logistic"].range
print(
    f"A1: the sigmoid takes values from {low:g} to {high:g}; its slope at 0 is 0.25; for |z| <= 0.5 it differs from a "
    f"straight line by at most {bend:.4f}"
)


def slopes(display):
    """Return the local gradients at -10, 0 and 10."""
    return np.interp([-10, 0, 10], display.z, display.derivatives[:, 0])


dead, healthy, _ = slopes(logistic)
print(f"A2: local gradient of the sigmoid: {dead:.1e} at -10, {healthy:.2f} at 0, {slopes(logistic)[2]:.1e} at 10")

# %%
# Tanh
# ----
# Tanh is centred at zero. It saturates like the sigmoid, but sooner: its slope at 0 is four times as large and falls
# twice as fast.

low, high = properties["tanh"].range
print(
    f"A5: tanh takes values from {low:g} to {high:g}, its mean for standard normal input is "
    f"{properties['tanh'].mean:.3f} "
    f"(sigmoid: {properties['logistic'].mean:.3f}); slope at ±10: {slopes(tanh)[0]:.1e}"
)

# %%
# ReLU
# ----
# ReLU does not saturate on the positive side. On the negative side it is flat, and its outputs are never negative.

left, middle, right = slopes(relu)
print(
    f"A7: ReLU's local gradient is {left:g} at -10, {middle:g} at 0 and {right:g} at 10; it is zero on "
    f"{relu.flat.mean():.0%} of the interval; "
    f"its mean output for standard normal input is {properties['relu'].mean:.3f}, not zero"
)
plt.show()
