"""
Compute the mean from the training data only
============================================

A transformer learns the mean, and all other statistics, from the training rows. It applies them to the test rows
without changing them. With mini-batches you still need the statistics of the whole training set. For a huge training
set, a sample of the rows can be enough.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, MeanCenterer, PCAWhitener, StdScaler

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

# %%
# Test rows do not change the statistics
# --------------------------------------
# In a Pipeline this always holds: only ``fit`` learns statistics; ``predict`` and ``score`` only apply them. To check
# it, the test rows are shifted by 5 grey levels here.

model = make_pipeline(StdScaler(), ActivationMLPClassifier(learning_rate_init=0.01, random_state=0)).fit(
    X_train, y_train
)
scaler = model[0]
before = [scaler.mean_.copy(), scaler.scale_.copy()]
model.score(X_test + 5, y_test)
moved = max(np.abs(new - old).max() for new, old in zip([scaler.mean_, scaler.scale_], before, strict=True))
print(f"P4: scoring shifted test rows changes mean and scale by {moved:g}")
print(
    f"P4: the mean is that of the {len(X_train)} training rows: largest difference "
    f"{np.abs(scaler.mean_ - X_train.mean(axis=0)).max():.1e}; the mean of all {len(X)} rows would differ by "
    f"{np.abs(scaler.mean_ - X.mean(axis=0)).max():.2f} grey levels"
)

# %%
# Mini-batches
# ------------
# Each mini-batch has a different mean. ``partial_fit`` reads the training set in chunks and computes the statistics of
# the whole set.

chunks = np.array_split(X_train, 41)
batch_means = np.array([chunk.mean(axis=0) for chunk in chunks])
furthest = np.abs(batch_means - X_train.mean(axis=0)).max()
print(f"P6: means of single chunks of {len(chunks[0])} rows differ by up to {furthest:.1f} grey levels from the whole")
attributes = {MeanCenterer(): "mean_", StdScaler(): "var_", PCAWhitener(n_components=20): "explained_variance_"}
for transformer, attribute in attributes.items():
    whole = getattr(transformer.fit(X_train), attribute)
    streamed = clone(transformer)
    for chunk in chunks:
        streamed.partial_fit(chunk)
    difference = np.abs(getattr(streamed, attribute) - whole).max() / np.abs(whole).max()
    print(
        f"P6: {type(transformer).__name__}: {attribute} after partial_fit on {len(chunks)} chunks and after fit on the "
        f"whole differ by {difference:.0e}, relative to the largest value"
    )

# %%
# A sample of the rows
# --------------------
# The data have half a million rows and ten features with standard deviation σ. The mean of k rows has a standard error
# of σ / √k, or a little less because the rows are drawn without replacement.

rng = np.random.default_rng(0)
huge = rng.normal(3, 2, size=(500_000, 10)).astype(np.float32)
exact = MeanCenterer().fit(huge).mean_
sizes = [1_000, 10_000, 100_000]
errors = []
for k in sizes:
    sampled = [MeanCenterer(subsample=k, random_state=seed).fit(huge).mean_ for seed in range(5)]
    errors.append(np.sqrt(np.mean((np.array(sampled) - exact) ** 2)))
    theory = 2 * np.sqrt((1 - k / len(huge)) / k)
    print(f"P7: mean estimated from {k:7,d} of {len(huge):,d} rows: error {errors[-1]:.4f}, theory {theory:.4f}")

# %%
# Plot
# ----

figure, ax = plt.subplots(layout="constrained")
fine = np.geomspace(500, 400_000, 100)
ax.loglog(fine, 2 * np.sqrt((1 - fine / len(huge)) / fine), color="0.6", label="theory: 2 √((1 - k/n) / k)")
ax.loglog(sizes, errors, "o", color="#D55E00", label="measured")
ax.set(
    xlabel="rows in the sample, k",
    ylabel="error of the mean (standard deviation 2)",
    title="A mean from a sample of 500,000 rows",
)
ax.legend()
plt.show()
