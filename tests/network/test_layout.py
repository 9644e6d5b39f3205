"""The layout cuts the flat vector into parts, without gap and without overlap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skneural.activations import ACTIVATIONS, Maxout, PReLU, ReLU
from skneural.network import Layout

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=5)
ANY = [*ACTIVATIONS.values(), Maxout(3), PReLU(shared=True)]


@st.composite
def architectures(draw):
    sizes = draw(SIZES)
    return sizes, [draw(st.sampled_from(ANY)) for _ in sizes[1:-1]]


@settings(deadline=None)
@given(architectures())
def test_the_views_cover_the_vector_exactly_once(architecture):
    layout = Layout(*architecture)
    vector = np.zeros(layout.size)
    views = layout.views(vector)
    for part in views:
        for view in part:
            view += 1
    np.testing.assert_array_equal(vector, 1)


@settings(deadline=None)
@given(architectures())
def test_the_weights_come_first_then_the_biases_then_what_is_learned(architecture):
    layout = Layout(*architecture)
    views = layout.views(np.arange(layout.size))
    in_order = [view.ravel() for part in (views.weights, views.biases, views.activation_params) for view in part]
    np.testing.assert_array_equal(np.concatenate(in_order), np.arange(layout.size))
    assert layout.n_weights == sum(W.size for W in views.weights)


@settings(deadline=None)
@given(architectures())
def test_the_shapes_follow_from_the_sizes(architecture):
    sizes, activations = architecture
    layout = Layout(sizes, activations)
    views = layout.views(np.zeros(layout.size))
    pieces = [*(activation.n_pieces for activation in activations), 1]
    widths = [units * k for units, k in zip(sizes[1:], pieces, strict=True)]
    assert [W.shape for W in views.weights] == list(zip(sizes[:-1], widths, strict=True))
    assert [b.shape for b in views.biases] == [(width,) for width in widths]
    expected = [a.init_params(units).shape for a, units in zip(activations, sizes[1:-1], strict=True)]
    assert [activation_params.shape for activation_params in views.activation_params] == expected


@pytest.mark.parametrize("activations", [[], [ReLU(), ReLU()]], ids=len)
def test_one_activation_per_hidden_layer(activations):
    with pytest.raises(ValueError, match="zip"):
        Layout([3, 4, 2], activations)


@settings(deadline=None)
@given(architectures())
def test_batch_normalisation_adds_scales_to_the_parameters_and_statistics_behind_them(architecture):
    sizes, activations = architecture
    plain, layout = Layout(sizes, activations), Layout(sizes, activations, batch_norm=True)
    vector = np.arange(layout.size)
    views = layout.views(vector)
    assert plain.n_trainable == plain.size
    assert layout.n_weights == plain.n_weights
    for before, now in zip(plain.views(vector)[:3], views[:3], strict=True):
        assert [view.shape for view in before] == [view.shape for view in now]
    widths = [units * a.n_pieces for units, a in zip(sizes[1:-1], activations, strict=True)]
    for part in (views.scales, views.running_means, views.running_variances):
        assert [normalized.shape for normalized in part] == [(width,) for width in widths]
    assert [count.shape for count in views.batch_counts] == [(1,) for _ in widths]
    assert layout.n_trainable == plain.size + sum(widths)
    assert layout.size == layout.n_trainable + 2 * sum(widths) + len(widths)
    assert all((normalized < layout.n_trainable).all() for normalized in views.scales)
    statistics = [*views.running_means, *views.running_variances, *views.batch_counts]
    assert all((normalized >= layout.n_trainable).all() for normalized in statistics)
    np.testing.assert_array_equal(np.concatenate([v.ravel() for part in views for v in part]), vector)
