"""
PCA and ZCA whitening of images
===============================

PCA rotates the data so that the features are uncorrelated. Whitening then scales each direction to variance 1. ZCA
whitening rotates the data back, so that each whitened pixel resembles the original pixel. Both are rarely used for
images, because they remove the correlation between neighbouring pixels.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image
from sklearn.feature_extraction.image import extract_patches_2d

from skneural import PCAWhitener
from skneural.inspection import WhiteningDisplay

# %%
# Two neighbouring pixels
# -----------------------
# The data are patches of 12 x 12 pixels from a photograph. The panels show the grey values of two neighbouring pixels.

photograph = load_sample_image("china.jpg").mean(axis=2)
patches = extract_patches_2d(photograph, (12, 12), max_patches=3000, random_state=0).reshape(3000, -1) / 255
pair = patches[:, [66, 67]]
display = WhiteningDisplay.from_estimator(PCAWhitener().fit(pair), pair[:800])


def correlation(rows):
    """Return the correlation of two columns."""
    return np.corrcoef(rows, rowvar=False)[0, 1]


steps = display.panels
print(
    f"P3: correlation of neighbouring pixels: {correlation(pair):.3f}, after PCA "
    f"{abs(correlation(PCAWhitener(whiten=False).fit_transform(pair))):.3f}; whitening changes the standard deviations "
    f"from {steps['decorrelated'].std(axis=0).round(2)} to {PCAWhitener().fit_transform(pair).std(axis=0).round(2)}"
)

# %%
# Whole patches
# -------------
# Compare each whitened pixel with the original pixel. After ZCA whitening the two are correlated. After PCA whitening a
# column is a principal component and no longer belongs to one pixel.

whitened = {
    method: PCAWhitener(method=method, epsilon=1e-3).fit(patches).transform(patches) for method in ("zca", "pca")
}


def likeness(rows):
    """Return the mean correlation of each column with the original column of the same number."""
    return np.mean([correlation(np.column_stack(pair)) for pair in zip(rows.T, patches.T, strict=True)])


def neighbours(rows):
    """Return the mean correlation of horizontally neighbouring pixels."""
    grid = rows.reshape(-1, 12, 12)
    return np.mean(
        [correlation(np.column_stack([grid[:, i, j], grid[:, i, j + 1]])) for i in range(12) for j in range(11)]
    )


print(
    f"P3: mean correlation of neighbours in whole patches: {neighbours(patches):.3f}, "
    f"after ZCA {neighbours(whitened['zca']):.3f}"
)
print(
    f"P3: correlation of a whitened pixel with its original: ZCA {likeness(whitened['zca']):.3f}, "
    f"PCA {likeness(whitened['pca']):.3f}: ZCA keeps the spatial structure"
)

# %%
# The same five patches
# ---------------------

figure, axes = plt.subplots(3, 5, figsize=(9, 5.8), layout="constrained")
rows = {"original": patches, "ZCA whitened": whitened["zca"], "PCA whitened": whitened["pca"]}
chosen = np.argsort(-patches.std(axis=1))[:400:80]
for (title, images), row in zip(rows.items(), axes, strict=True):
    for k, ax in zip(chosen, row, strict=True):
        ax.imshow(images[k].reshape(12, 12), cmap="gray")
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(title)
plt.show()
