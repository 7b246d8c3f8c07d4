"""What the strategies draw, and what they shrink to."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from minigan import ops
from minigan.testing.call import Call
from minigan.testing.strategies import (arrays, axes, broadcastable_arrays, broadcastable_shapes,
                                        conv_configs, cotangent_like, distinct_arrays, layouts,
                                        matmul_shapes, one_axis, shapes)

often = settings(max_examples=50)


def kinds(strategy, kind, count=200):
    """What kind(x) says of the values x that are drawn."""
    found = []
    settings(max_examples=count)(given(strategy)(lambda x: found.append(kind(x))))()
    return set(found)


# Numbers

@often
@given(arrays(shapes(), np.float32, avoid=[0, 1.5], margin=0.3, low=-2, high=2.5))
def test_numbers_keep_their_range_their_dtype_and_their_distance(x):
    assert x.dtype == np.float32 and np.all((x >= -2) & (x <= 2.5))
    assert np.all(abs(x) > 0.299) and np.all(abs(x - 1.5) > 0.299)


@often
@given(st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
    lambda dtype: arrays(shapes(), dtype)))
def test_numbers_are_finite_and_none_is_subnormal(x):
    assert np.isfinite(x).all()
    assert np.all((x == 0) | (abs(x) >= np.finfo(x.dtype).smallest_normal))


def test_numbers_are_often_those_at_which_functions_change_but_never_beyond_the_range():
    drawn = kinds(arrays(()), float, count=300)
    assert {0.0, 1.0, -1.0, 0.001, -0.001, 10.0, -10.0} <= drawn and max(map(abs, drawn)) == 10
    assert 1000.0 in kinds(arrays((), low=-2000, high=2000), float, count=300)
    assert "-0.0" in kinds(arrays(()), repr_of) and "-0.0" not in kinds(arrays((), low=0), repr_of)


def repr_of(x):
    return repr(float(x))


def test_two_zeros_ties_and_outer_products_are_drawn():
    assert True in kinds(arrays(4), lambda x: bool((x == 0).sum() > 1))
    assert True in kinds(arrays(4), lambda x: np.unique(x[x != 0]).size < np.count_nonzero(x))
    assert True in kinds(broadcastable_shapes(2, min_side=1),
                         lambda pair: np.broadcast_shapes(*pair) not in pair)


def test_arrays_of_whole_numbers_and_booleans_are_drawn_too():
    assert kinds(arrays((), np.int64, low=0, high=2), int) == {0, 1, 2}
    assert kinds(arrays((), bool), bool) == {False, True}


def test_where_no_number_is_left_the_error_says_why():
    with pytest.raises(ValueError, match=r"no number from 0 to 1 that is 2 away from all of"):
        arrays(3, low=0, high=1, avoid=[0.5], margin=2)
    with pytest.raises(ValueError, match="not complex128"):
        arrays(3, np.complex128)


@often
@given(distinct_arrays(shapes(), np.float32, margin=0.25))
def test_distinct_elements_are_a_margin_apart_also_from_each_other_in_float32(x):
    assert np.all(np.diff(np.sort(x, axis=None)) >= 0.2499)


@often
@given(shapes().flatmap(lambda shape: cotangent_like(np.zeros(shape, np.float32))))
def test_a_cotangent_has_no_zero_and_no_two_elements_of_one_size(g):
    assert g.dtype == np.float32 and np.all(g != 0)
    assert len(np.unique(abs(g))) == g.size


@often
@given(st.data())
def test_layouts_are_equal_in_value(data):
    x = data.draw(arrays(shapes()))
    np.testing.assert_array_equal(data.draw(layouts(x)), x, strict=True)


def test_layouts_are_contiguous_strided_reversed_and_fortran_ordered():
    x = np.arange(6.0).reshape(2, 3)
    assert kinds(layouts(x), lambda y: y.strides) == {(24, 8), (48, 16), (-24, -8), (8, 16)}


# Shapes and options

def test_shapes_are_scalars_vectors_and_empty_ones_but_never_large():
    drawn = kinds(shapes(max_size=6), lambda shape: shape)
    assert {(), (3,), (0,)} <= drawn and all(np.prod(shape) <= 6 for shape in drawn)
    assert {len(shape) for shape in drawn} == {0, 1, 2, 3, 4}


def test_a_few_shapes_have_a_long_axis_and_a_tenth_are_empty():
    drawn = kinds(shapes(), lambda shape: shape, count=600)
    assert {17, 33, 65} <= {max(shape, default=0) for shape in drawn}
    assert all(np.prod(shape) <= (65 if max(shape, default=0) > 3 else 12) for shape in drawn)
    empty = []
    settings(max_examples=200)(given(arrays(shapes()))(lambda x: empty.append(x.size == 0)))()
    assert 0.02 < np.mean(empty) < 0.25


@often
@given(broadcastable_shapes(3), broadcastable_arrays(2, avoid=[0]))
def test_shapes_that_broadcast_do(drawn, pair):
    np.broadcast_shapes(*drawn)
    assert (pair[0] + pair[1]).ndim <= 4 and np.all(pair[0] != 0)


@often
@given(matmul_shapes())
def test_matmul_takes_what_is_drawn_for_it(drawn):
    np.matmul(*map(np.ones, drawn))


def test_matmul_shapes_are_vectors_matrices_and_batches_that_broadcast():
    def kind(drawn):
        a, b = drawn
        stretched = len(a) == len(b) == 3 and a[0] != b[0]
        return (len(a), len(b), stretched)

    drawn = kinds(matmul_shapes(), kind)
    assert {(1, 1, False), (2, 1, False), (1, 2, False), (3, 2, False), (3, 3, True)} <= drawn


@often
@given(st.data())
def test_axes_are_what_a_sum_takes(data):
    shape = data.draw(shapes())
    np.ones(shape).sum(axis=data.draw(axes(shape)))


def test_axes_are_none_one_several_and_negative():
    drawn = kinds(axes((2, 3)), lambda axis: axis)
    assert {None, 0, -1, (), (0, 1), (-1, -2), (0, -1)} <= drawn
    with pytest.raises(ValueError, match="has no axes"):
        one_axis(())


@often
@given(conv_configs())
def test_conv2d_takes_what_is_drawn_for_it(config):
    y = ops.conv2d(np.ones(config.x), np.ones(config.w), **config.options)
    assert min(y.shape[1:]) >= 1


def test_convolutions_of_every_kind_are_drawn():
    def kind(c):
        several = not isinstance(c.padding, str) and np.ndim(c.padding) == 2
        return {"grouped": c.groups > 1 and c.w[2] > 1, "depthwise": c.groups > 1 == c.w[2],
                "oblong": c.w[0] != c.w[1], "pair": isinstance(c.stride, tuple),
                "strided": c.stride in (2, 3), "dilated": c.dilation == 2, "empty": c.x[0] == 0,
                "same": c.padding == "same", "valid": c.padding == "valid",
                "uneven": several and any(a != b for a, b in c.padding)}

    drawn = kinds(conv_configs(), lambda c: tuple(kind(c).items()), count=100)
    assert {name for c in drawn for name, _ in c} == {name for c in drawn for name, is_ in c if is_}


# Shrinking

@pytest.mark.parametrize("strategy, wanted, smallest", [
    (arrays((2, 2)), lambda x: True, "array([[0., 0.],\n       [0., 0.]])"),
    (arrays(3), lambda x: x[1] < -1, "array([ 0. , -1.1,  0. ])"),
    (arrays(2, avoid=[0]), lambda x: True, "array([0.2, 0.2])"),
    (arrays(shapes()), lambda x: x.size > 1, "array([0., 0.])"),
    (distinct_arrays(3), lambda x: True, "array([0. , 0.1, 0.2])"),
    (cotangent_like(np.zeros(3)), lambda g: True, "array([0.1, 0.2, 0.3])"),
    (layouts(np.ones(2)), lambda x: True, "array([1., 1.])"),
    (broadcastable_shapes(2), lambda s: len(s[0]) == 2, "((0, 0), ())"),
    (matmul_shapes(), lambda s: s[0] == (1, 1), "((1, 1), (1,))"),
    (axes((2, 3)), lambda axis: axis is not None, "0"),
    (conv_configs(), lambda c: c.groups == 2 and c.w[0] == 2,
     "ConvConfig(x=(1, 2, 1, 2), w=(2, 1, 1, 2), stride=1, padding=0, dilation=1, groups=2)")])
def test_what_is_found_shrinks_to_a_small_readable_case(strategy, wanted, smallest):
    assert repr(find(strategy, wanted)) == smallest


def test_a_call_reads_as_code_also_in_hypothesis_report():
    call = Call((np.array([0.0, 1.0]), 2), {"axis": 1, "padding": "same"})
    assert repr(call) == "Call(array([0., 1.]), 2, axis=1, padding='same')"

    @settings(database=None)
    @given(st.just(call))
    def fails(call):
        raise AssertionError

    with pytest.raises(AssertionError) as error:
        fails()
    assert "call=Call(array([0., 1.]), 2, axis=1, padding='same')" in str(error.value.__notes__)
