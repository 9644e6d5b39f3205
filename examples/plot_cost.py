"""
The computing time of activation functions
==========================================

A sigmoid computes an exponential. Is that expensive? This example times each activation function, forward and backward,
and compares it with the matrix products of the same layer: one forward, two backward. It times the NumPy
implementation. The compiled one, which networks use if it is installed, is faster.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

from skneural import ACTIVATIONS

# %%
# A batch of 200 rows, a layer of 256 units with 256 inputs
# ---------------------------------------------------------
# Each time is the smallest of many measurements, because other programs can only make it larger.

N_ROWS, FAN_IN, N_UNITS = 200, 256, 256
rng = np.random.default_rng(0)
X, dA = (rng.normal(size=(N_ROWS, n)).astype(np.float32) for n in (FAN_IN, N_UNITS))


def microseconds(work, repeats=100):
    """Return the smallest of many times."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e6 * min(times)


def cost(activation):
    """Return the time of the activation function and of the matrix products of its layer, forward and backward."""
    W = rng.normal(size=(FAN_IN, N_UNITS * activation.n_pieces)).astype(np.float32) / np.float32(FAN_IN**0.5)
    Z = X @ W
    activation_params = [vector.astype(np.float32) for vector in [activation.init_params(N_UNITS)] if vector.size]
    A = activation.forward(Z, *activation_params)
    own = microseconds(lambda: activation.forward(Z, *activation_params, out=A))
    own += microseconds(lambda: activation.backward(dA, Z, A, *activation_params))
    return own, microseconds(lambda: (X @ W, X.T @ Z, Z @ W.T))


names = ["identity", "relu", "leaky_relu", "prelu", "logistic", "tanh", "elu", "softplus", "gelu", "silu", "maxout"]
costs = {name: cost(ACTIVATIONS[name]) for name in names}
print(f"{'activation':>12}{'activation µs':>16}{'products µs':>14}{'share':>8}")
for name, (own, products) in costs.items():
    print(f"{name:>12}{own:16.0f}{products:14.0f}{own / (own + products):8.0%}")

relu, logistic = costs["relu"], costs["logistic"]
print(
    f"A4: the sigmoid takes {logistic[0]:.0f} µs, {logistic[0] / relu[0]:.1f} times as much as ReLU; the matrix "
    f"products of the layer take {logistic[1]:.0f} µs, {logistic[1] / logistic[0]:.1f} times as much as the sigmoid"
)

# %%
# Plot
# ----

figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
ax.barh(names, [products for _, products in costs.values()], color="0.8", label="matrix products")
ax.barh(names, [own for own, _ in costs.values()], color="#0072B2", height=0.4, label="activation")
ax.invert_yaxis()
ax.set(xlabel="microseconds, forward and backward", title=f"{N_ROWS} rows, {FAN_IN} inputs, {N_UNITS} units, float32")
ax.legend()
plt.show()
