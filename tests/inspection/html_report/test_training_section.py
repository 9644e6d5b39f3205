import numpy as np

from skneural.inspection.html_report.training_section import training_section


def test_curves_that_training_has_recorded(fitted):
    section = training_section(fitted(early_stopping=True, learning_rate="cosine"))
    for title in ("Loss", "Score on the validation rows", "Learning rate", "Norm of the gradient", "Norm of a step"):
        assert f"<figcaption>{title}" in section.body
    assert "Early stopping kept the weights of epoch" in section.body
    assert "The learning rate was" not in section.body
    plain = training_section(fitted())
    assert "validation" not in plain.body
    assert "The learning rate was 0.1 in all epochs." in plain.body


def test_what_became_of_the_best_epoch(fitted):
    continued = fitted(early_stopping="continue")
    best_epoch = int(np.nanargmax(continued.validation_scores_)) + 1
    note = f"Epoch {best_epoch}, marked by a dashed line, was the best on the held-out rows; from there, training went"
    assert note in training_section(continued).body
    assert "kept the weights" not in training_section(continued).body
    trained_anew = training_section(fitted(early_stopping="refit")).body
    assert "dashed line" not in trained_anew


def test_lbfgs_has_a_loss_curve(fitted):
    section = training_section(fitted(solver="lbfgs", tol=0.1))
    assert "<figcaption>Loss" in section.body
    assert "The learning rate was" not in section.body
