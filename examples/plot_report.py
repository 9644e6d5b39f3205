"""
A report on one HTML page
=========================

``report`` puts what the package knows about a fitted network on one HTML page: the model, the training curves, the
hidden units with recommendations, the errors of the predictions, and the gradient check. You can save the page, send
it, or display it in a notebook. It needs no internet connection and no script.
"""

# sphinx_gallery_thumbnail_path = 'images/report.png'

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skneural import ActivationMLPClassifier, StdScaler
from skneural.inspection import report

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
network = ActivationMLPClassifier((100, 50), learning_rate_init=0.01, early_stopping=True, random_state=0)
model = make_pipeline(StdScaler(), network).fit(X_train, y_train)

page = report(model, X_test, y_test)
path = page.save("report.html")
print(page)
print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")

# %%
# The page
# --------

page
