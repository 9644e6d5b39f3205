"""
Check the gradient of your own activation
=========================================

If you write an activation function, you also write its gradient. If the gradient is wrong, training still runs, but it
learns badly. ``check_gradient`` finds such mistakes: it compares backpropagation with centred differences of the
objective, for every parameter array. Entries at a kink of the objective cannot be compared; they are left out and
counted.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skneural import ACTIVATIONS, Activation, ActivationMLPClassifier
from skneural.inspection import GradientError, check_gradient

X, y = load_digits(return_X_y=True)
X = X / 16

# %%
# A network of 64, 100 and 10 units
# ---------------------------------

report = check_gradient(ActivationMLPClassifier((100,), "elu", random_state=0), X, y)
print(report)
print(f"C3: ELU: largest relative error {report.max_error:.0e}, verdict: {report.verdict}")

# %%
# Every activation of the package
# -------------------------------

names = sorted({repr(activation): name for name, activation in ACTIVATIONS.items()}.values())
reports = {
    name: check_gradient(ActivationMLPClassifier((20, 10), name, random_state=0), X, y, n_rows=8, n_entries=10)
    for name in names
}
for name, each in reports.items():
    print(f"{name:>12}: {each.max_error:.0e}, entries at kinks: {each.n_kinks}, {each.verdict}")
bound = np.ceil(np.log10(max(report.max_error for report in reports.values())))
print(f"C3: of {len(names)} activations none has a relative error above {10**bound:.0e}")

# %%
# A mistake
# ---------
# The derivative of z² is 2z. Here the 2 is missing.


class Square(Activation):
    """f(z) = z², with a wrong gradient."""

    def forward(self, Z, out=None):
        """Return Z²."""
        return np.multiply(Z, Z, out=out)

    def backward(self, dA, Z, A, out=None):
        """Return dA · Z, which is wrong."""
        return np.multiply(dA, Z, out=out)


wrong = ActivationMLPClassifier((10,), Square(), random_state=0)
try:
    check_gradient(wrong, X, y).raise_if_wrong()
except GradientError as error:
    print(f"C3: caught: {error}")
else:
    print("C3: the mistake was not found")


class RightSquare(Square):
    """f(z) = z²."""

    def backward(self, dA, Z, A, out=None):
        """Return dA · 2 Z."""
        return np.multiply(dA, 2 * Z, out=out)


found = check_gradient(wrong, X, y)
corrected = check_gradient(wrong.set_params(activation=RightSquare()), X, y)
print(f"C3: with the 2: largest relative error {corrected.max_error:.0e}, verdict: {corrected.verdict}")

# %%
# Plot
# ----
# The error of a correct gradient is due to rounding alone. The error of a wrong gradient is much larger.

errors = {name: each.max_error for name, each in reports.items()} | {
    "z², 2 missing": found.max_error,
    "z²": corrected.max_error,
}
figure, ax = plt.subplots(figsize=(7.5, 5), layout="constrained")
colors = ["#D55E00" if error > 1e-4 else "#0072B2" for error in errors.values()]
ax.scatter(list(errors.values()), list(errors), c=colors, zorder=2)
for bound, verdict in [(1e-7, "acceptable"), (1e-4, "suspicious"), (1e-2, "wrong")]:
    ax.axvline(bound, color="0.7", linestyle="dotted")
    ax.text(bound * 1.3, -0.9, verdict, color="0.35", va="center", fontsize="small")
ax.text(1.3e-10, -0.9, "good", color="0.35", va="center", fontsize="small")
ax.set(xscale="log", xlim=(1e-10, 1.5), ylim=(len(errors) - 0.4, -1.5), xlabel="largest relative error")
ax.set_title("Gradients against centred differences")
plt.show()
