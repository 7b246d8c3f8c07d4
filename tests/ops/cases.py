"""The table of all public ops: how to call each, what it computes, and with which inputs.

The laws in test_laws.py hold for every row. An op that is missing here fails a test there.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Callable

import naive
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigan import losses, ops
from minigan.backend.window import Window
from minigan.ops.activation import LeakyReLUGradient
from minigan.ops.conv import Conv2dWeightGradient


@dataclass(frozen=True)
class Example:
    """One call: arrays (integers and booleans among them are constants) and keyword options."""

    arrays: tuple[np.ndarray, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False)
class Case:
    """One way to call an op.

    f          Tensors and options in, a Tensor or several out
    reference  the same on NumPy arrays, written from the definition
    inputs     a strategy for Examples, within the domain, ties and kinks included
    typical    an Example where one will do
    empty      an Example of zero size, None where that is refused
    linear     in all of its float inputs together; bilinear in the first two
    """

    op: str
    f: Callable
    reference: Callable
    inputs: st.SearchStrategy
    typical: Example
    empty: Example | None
    variant: str = ""
    linear: bool = False
    bilinear: bool = False
    keeps_dtype: bool = True

    def __str__(self) -> str:
        return f"{self.op} {self.variant}" if self.variant else self.op

    __repr__ = __str__


# Inputs: tenths, so that ties and zeros come up often and examples stay readable

def tenths(low, high):
    return st.integers(round(10 * low), round(10 * high)).map(lambda k: k / 10)


ANY = tenths(-3, 3)
POSITIVE = tenths(0.1, 4)
NONZERO = st.one_of(tenths(0.3, 3), tenths(-3, -0.3))
PROBABILITY = tenths(0.1, 0.9)
SHAPES = st.one_of(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3),
                   hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=2))
AXED_SHAPES = hnp.array_shapes(max_dims=3, min_side=0, max_side=2)
FULL_SHAPES = st.one_of(hnp.array_shapes(max_dims=2, max_side=3),
                        hnp.array_shapes(min_dims=3, max_dims=3, max_side=2))


def array(shape, elements=ANY):
    return hnp.arrays(np.float64, shape, elements=elements)


def numbers(*shape, low=-2.0, high=2.0, seed=0):
    """Numbers for a typical example: no ties, no kinks."""
    return np.random.default_rng(seed).uniform(low, high, shape)


@st.composite
def one(draw, elements=ANY, shapes=SHAPES, options=None):
    """An Example of one array; options is a function of the shape that gives a strategy."""
    shape = draw(shapes)
    return Example((draw(array(shape, elements)),), draw(options(shape)) if options else {})


@st.composite
def broadcasting(draw, *elements, options=None):
    """An Example of arrays whose shapes broadcast."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=len(elements), min_side=0,
                                                    max_dims=2, max_side=3)).input_shapes
    return Example(tuple(draw(hnp.arrays(bool, s) if e is bool else array(s, e))
                         for s, e in zip(shapes, elements)), options or {})


def fixed(**strategies):
    """Options that do not depend on the shape."""
    return lambda shape: st.fixed_dictionaries(strategies)


def one_axis(shape):
    return st.integers(-len(shape), len(shape) - 1)


def axes(shape):
    """None, one axis, or several."""
    several = st.lists(one_axis(shape), unique_by=lambda a: a % len(shape)).map(tuple)
    return st.one_of(st.none(), one_axis(shape), several) if shape else st.none()


def reduction(shape):
    return st.fixed_dictionaries({"axis": axes(shape), "keepdims": st.booleans()})


# Rows of the same kind

def elementwise(op, reference, *elements, options=None, **flags):
    """A case of an op of one or more broadcasting inputs."""
    elements = elements or (ANY,)
    f = getattr(ops, op)
    chosen = {name: values[0] for name, values in (options or {}).items()}
    low, high = (0.2, 3) if POSITIVE in elements or NONZERO in elements else (-2, 2)
    if len(elements) == 1:
        drawn = {name: st.sampled_from(values) for name, values in (options or {}).items()}
        inputs = one(elements[0], options=fixed(**drawn))
        typical = Example((numbers(2, 3, low=low, high=high),), chosen)
    else:
        inputs = broadcasting(*elements)
        shapes = [(2, 3), (2, 1), (3,)]
        typical = Example(tuple(numbers(*shape) > 0 if e is bool else
                                numbers(*shape, low=low, high=high, seed=i)
                                for i, (e, shape) in enumerate(zip(elements, shapes))))
    none = Example(tuple(np.zeros((0, 3), bool if e is bool else float) for e in elements), chosen)
    return Case(op, f, reference, inputs, typical, none, **flags)


def reducing(op, reference, options=reduction, typical=None, shapes=FULL_SHAPES, **flags):
    """A case of an op over one or more axes."""
    chosen = {"axis": -1} if typical is None else typical
    return Case(op, getattr(ops, op), reference, one(shapes=shapes, options=options),
                Example((numbers(2, 3),), chosen), Example((np.zeros((0, 3)),), {"axis": 1}),
                **flags)


def moving(op, options, reference=None, f=None, typical=None, empty=None, shapes=SHAPES, **flags):
    """A case of a linear op that moves the elements of one array."""
    return Case(op, f or getattr(ops, op), reference or getattr(np, op),
                one(shapes=shapes, options=options), Example((numbers(2, 3),), typical or {}),
                Example((np.zeros((0, 3)),), typical or {} if empty is None else empty),
                linear=True, **flags)


# Options of the shape ops

def new_shapes(shape):
    size = int(np.prod(shape))
    return st.sampled_from([(size,), shape[::-1], (1, *shape), (size, 1), (-1,) if size else (0,)]
                           ).map(lambda new: {"shape": new})


def orders(shape):
    return st.permutations(range(len(shape))).map(lambda order: {"axes": tuple(order)})


def two_axes(shape):
    return st.fixed_dictionaries({"axis1": one_axis(shape), "axis2": one_axis(shape)})


def unit_axes(shape):
    units = [i for i, n in enumerate(shape) if n == 1]
    some = st.lists(st.sampled_from(units), unique=True).map(tuple) if units else st.just(())
    return st.one_of(st.none(), some).map(lambda axis: {"axis": axis})


def new_axis(shape):
    return st.integers(-len(shape) - 1, len(shape)).map(lambda axis: {"axis": axis})


def larger_shapes(shape):
    added = st.lists(st.integers(0, 2), max_size=1)
    stretched = st.tuples(*[st.integers(0, 3) if n == 1 else st.just(n) for n in shape])
    return st.tuples(added, stretched).map(lambda s: {"shape": (*s[0], *s[1])})


def margins(shape):
    margin = st.tuples(st.integers(0, 2), st.integers(0, 1))
    return st.fixed_dictionaries({"pad_width": st.tuples(*[margin] * len(shape)),
                                  "constant_values": st.sampled_from([0, 1.5])})


@st.composite
def cuts(draw, shape):
    axis = draw(one_axis(shape))
    n = shape[axis]
    equal = [k for k in range(1, n + 1) if n % k == 0] or [1]
    places = st.lists(st.integers(0, n), max_size=2).map(sorted)
    return {"sections": draw(st.one_of(st.sampled_from(equal), places)), "axis": axis}


def indices(shape):
    return hnp.basic_indices(shape, allow_newaxis=True).map(lambda index: {"index": index})


@st.composite
def joined(draw, new_axis):
    """Arrays to concatenate along an axis, or of one shape to stack along a new one."""
    shape = draw(hnp.array_shapes(min_dims=1 - new_axis, max_dims=2, min_side=0, max_side=3))
    axis = draw(st.integers(-len(shape) - new_axis, len(shape) - 1 + new_axis))
    arrays = []
    for _ in range(draw(st.integers(1, 3))):
        lengths = list(shape)
        if not new_axis:
            lengths[axis] = draw(st.integers(0, 2))
        arrays.append(draw(array(tuple(lengths))))
    return Example(tuple(arrays), {"axis": axis})


@st.composite
def gathered(draw):
    """An array and integer arrays that index its first axes, elements repeated."""
    x = draw(array(draw(hnp.array_shapes(max_dims=2, max_side=3))))
    index = draw(hnp.integer_array_indices(x.shape[:draw(st.integers(1, x.ndim))],
                                           result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    return Example((x, *index))


@st.composite
def masked(draw):
    x = draw(array(draw(AXED_SHAPES)))
    return Example((x, draw(hnp.arrays(bool, x.shape[:draw(st.integers(1, x.ndim))]))))


@st.composite
def products(draw):
    shapes = draw(hnp.mutually_broadcastable_shapes(
        signature=np.matmul.signature, min_side=0, max_dims=1, max_side=3)).input_shapes
    return Example(tuple(draw(array(shape)) for shape in shapes))


@st.composite
def affine_maps(draw):
    lead = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2))
    k, m = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    return Example(tuple(draw(array(shape)) for shape in ((*lead, k), (k, m), (m,))))


def normalising(op, axes_of, shapes, typical, returns_statistics=False, **flags):
    """A case of (x − mean) / √(var + eps) · weight + bias, over the axes that x's shape gives."""
    @st.composite
    def examples(draw):
        shape = draw(shapes)
        x = draw(array(shape, tenths(-1, 1))) * 0.5 + numbers(*shape, seed=draw(st.integers(0, 9)))
        options = {"eps": draw(st.sampled_from([0.1, 0.5]))}
        return Example((x, *[draw(array(shape[-1:])) for _ in range(2)]), options)

    def reference(x, weight, bias, eps=1e-5):
        axes = axes_of(x)
        mean, var = (f(x, axis=axes, keepdims=True) for f in (np.mean, np.var))
        return (x - mean) / np.sqrt(var + eps) * weight + bias

    f = getattr(ops, op)
    channels = typical[-1]
    return Case(op, (lambda *args, **o: f(*args, **o)[0]) if returns_statistics else f, reference,
                examples(), Example((numbers(*typical), numbers(channels, seed=1),
                                     numbers(channels, seed=2))), **flags)


# Convolution and pooling: the smallest images on which every option shows

def number_or_pair(low, high):
    number = st.integers(low, high)
    return st.one_of(number, st.tuples(number, number))


@st.composite
def convolutions(draw, transposed=False):
    size, groups = (draw(st.integers(1, 3)), draw(st.integers(1, 2))), draw(st.integers(1, 2))
    stride, dilation = draw(number_or_pair(1, 2)), draw(number_or_pair(1, 2))
    w = draw(array((*size, draw(st.integers(1, 2)), groups * draw(st.integers(1, 2)))))
    extent = naive.extents(w, dilation)
    options = {"stride": stride, "dilation": dilation, "groups": groups}
    if transposed:
        image = draw(st.tuples(st.integers(1, 2), st.integers(1, 3)))
        most = [(e - 1) // 2 for e in extent]  # padding that leaves something of the output
        options["output_padding"] = tuple(
            draw(st.integers(0, max(pair) - 1))
            for pair in zip(naive.both(stride), naive.both(dilation)))
    else:
        image, most = [e + draw(st.integers(0, 1)) for e in extent], (2, 1)
    margin = st.tuples(*[st.integers(0, n) for n in most])
    options["padding"] = draw(st.one_of(
        st.sampled_from(["same", "valid", 0]), margin, st.tuples(margin, margin).map(
            lambda ends: tuple(zip(*ends)))))
    if options["padding"] == "same":
        options.pop("output_padding", None)
    ends = w.shape[2] * groups, w.shape[3]
    inputs, outputs = reversed(ends) if transposed else ends
    x = draw(array((draw(st.integers(0, 2)), *image, inputs)))
    bias = [draw(array((outputs,)))] if draw(st.booleans()) else []
    return Example((x, w, *bias), options)


WINDOW = Window((2, 2), (2, 1), ((1, 0), (0, 1)), (1, 2))  # of the weight gradient's case


@st.composite
def weight_gradients(draw):
    image, batch = draw(st.tuples(st.integers(2, 3), st.integers(2, 3))), draw(st.integers(0, 2))
    return Example((draw(array((batch, *image, 4))),
                    draw(array((batch, *WINDOW.outputs(image), 2)))))


def weight_gradient(x, g):
    return Conv2dWeightGradient(WINDOW, 2, x.shape[1:3])(x, g)


@st.composite
def pooled(draw):
    size = draw(number_or_pair(1, 2))
    image = [n + draw(st.integers(0, 2)) for n in naive.both(size)]
    x = draw(array((draw(st.integers(0, 2)), *image, draw(st.integers(0, 2)))))
    return Example((x,), {"size": size,
                          "stride": draw(st.one_of(st.none(), number_or_pair(1, 3)))})


@st.composite
def enlarged(draw, shuffled=False):
    factor = draw(number_or_pair(1, 3))
    channels = draw(st.integers(0, 2)) * (math.prod(naive.both(factor)) if shuffled else 1)
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 3)), channels)
    return Example((draw(array(shape)),), {"factor": factor})


def resizing(op, inputs, options, channels=1, **flags):
    """A case of an op that makes images smaller or larger."""
    return Case(op, getattr(ops, op), getattr(naive, op), inputs,
                Example((numbers(1, 3, 3, channels),), options),
                Example((np.zeros((0, 3, 3, channels)),), options), **flags)


# Losses

@st.composite
def pairs(draw, x, y):
    shape = draw(FULL_SHAPES)
    return Example((draw(array(shape, x)), draw(array(shape, y))))


@st.composite
def labelled(draw):
    shape = draw(hnp.array_shapes(max_dims=3, max_side=2))
    return Example((draw(array((*shape, 3))), draw(hnp.arrays(np.int64, shape,
                                                              elements=st.integers(0, 2)))))


@st.composite
def parameters(draw):
    shapes = draw(st.lists(SHAPES, min_size=1, max_size=3))
    return Example(tuple(draw(array(shape)) for shape in shapes))


def loss(name, reference, inputs, *typical, f=None, empty=None, **flags):
    return Case(f"losses.{name}", f or getattr(losses, name), reference, inputs, Example(typical),
                empty, **flags)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softmax(x, axis):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def _getitem(x, *index):
    return x[index]


def _split(x, sections, axis):
    return np.split(x, sections if isinstance(sections, int) else list(sections), axis)


def _cross_entropy(x, labels):
    chosen = np.take_along_axis(_softmax(x, -1), labels[..., None], -1)
    return -np.log(chosen).mean()


def _bce(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


CASES = [
    elementwise("abs", np.abs),
    elementwise("add", np.add, ANY, ANY, linear=True),
    elementwise("subtract", np.subtract, ANY, ANY, linear=True),
    elementwise("multiply", np.multiply, ANY, ANY, bilinear=True),
    elementwise("divide", np.divide, ANY, NONZERO),
    elementwise("negative", np.negative, linear=True),
    elementwise("power", lambda x, p: x ** p, options={"p": [3, 2, 1, 0, 2.0]},
                variant="of any number"),
    elementwise("power", lambda x, p: x ** p, POSITIVE, options={"p": [0.5, -1, -0.5, 1.7]},
                variant="of a positive number"),
    elementwise("power", np.power, POSITIVE, ANY, variant="to a tensor"),
    elementwise("exp", np.exp),
    elementwise("log", np.log, POSITIVE),
    elementwise("sqrt", np.sqrt, POSITIVE),
    elementwise("sin", np.sin),
    elementwise("cos", np.cos),
    elementwise("maximum", np.maximum, ANY, ANY),
    elementwise("minimum", np.minimum, ANY, ANY),
    elementwise("clip", lambda x, low, high: np.clip(x, low, high),
                options={"low": [-1, None, -0.5], "high": [1.5, 2, None]}),
    elementwise("where", np.where, bool, ANY, ANY, linear=True),
    elementwise("astype", lambda x, dtype: x.astype(dtype), options={"dtype": ["float64"]},
                linear=True, keeps_dtype=False),
    elementwise("sigmoid", _sigmoid),
    elementwise("tanh", np.tanh),
    elementwise("softplus", lambda x: np.log(1 + np.exp(x))),
    elementwise("relu", lambda x: np.where(x > 0, x, 0)),
    elementwise("leaky_relu", lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
                options={"negative_slope": [0.2, 0.0, 1.0, 1.5, -0.5]}),
    Case("leaky_relu", lambda positive, grad: LeakyReLUGradient(positive.data, 0.2)(grad),
         lambda positive, grad: np.where(positive, grad, 0.2 * grad),
         SHAPES.flatmap(lambda shape: st.tuples(array(shape, ANY), array(shape, ANY))).map(
             lambda pair: Example((pair[0] > 0, pair[1]))),
         Example((numbers(2, 3) > 0, numbers(2, 3, seed=1))),
         Example((np.zeros((0, 3), bool), np.zeros((0, 3)))), "'s gradient", linear=True),
    elementwise("elu", lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)),
                options={"alpha": [1.0, 0.5, 2.0]}),

    reducing("sum", np.sum, shapes=SHAPES, linear=True),
    reducing("mean", np.mean, linear=True),
    reducing("var", np.var),
    reducing("var", np.var, options=fixed(axis=st.sampled_from([None, 0, -1, (0,)]),
                                          keepdims=st.booleans(), ddof=st.just(1)),
             shapes=hnp.array_shapes(max_dims=2, min_side=2, max_side=3),
             typical={"axis": 1, "ddof": 1}, variant="unbiased"),
    reducing("max", np.max),
    reducing("min", np.min),
    reducing("logsumexp", lambda x, **options: np.log(np.sum(np.exp(x), **options))),
    reducing("softmax", _softmax, options=lambda shape: one_axis(shape).map(lambda a: {"axis": a})),
    reducing("log_softmax", lambda x, axis: np.log(_softmax(x, axis)),
             options=lambda shape: one_axis(shape).map(lambda a: {"axis": a})),

    moving("reshape", new_shapes, f=lambda x, shape: ops.reshape(x, shape),
           reference=lambda x, shape: np.reshape(x, shape), typical={"shape": (3, 2)},
           empty={"shape": (3, 0, 2)}),
    moving("transpose", orders, f=lambda x, axes: ops.transpose(x, axes), typical={"axes": (1, 0)}),
    moving("swapaxes", two_axes, typical={"axis1": 0, "axis2": -1}, shapes=AXED_SHAPES),
    moving("squeeze", unit_axes, typical={"axis": ()}),
    moving("expand_dims", new_axis, typical={"axis": 1}),
    moving("broadcast_to", larger_shapes, typical={"shape": (4, 2, 3)}, empty={"shape": (4, 0, 3)}),
    moving("flip", lambda shape: axes(shape).map(lambda a: {"axis": a}), typical={"axis": 1}),
    moving("split", cuts, reference=_split, typical={"sections": 3, "axis": 1},
           shapes=AXED_SHAPES),
    moving("pad", margins, f=lambda x, **o: ops.pad(x, **o),
           reference=lambda x, pad_width, constant_values: np.pad(
               x, pad_width, constant_values=constant_values) if x.ndim else x,
           typical={"pad_width": ((1, 0), (2, 1)), "constant_values": 1.5}),
    moving("getitem", indices, reference=lambda x, index: x[index],
           typical={"index": (slice(None), slice(None, None, -2))}, variant="by slices"),
    Case("getitem", lambda x, *index: ops.getitem(x, index), _getitem, gathered(),
         Example((numbers(3, 2), np.array([2, 0, 2]))),
         Example((numbers(3, 2), np.zeros((0,), np.int64))), "by integers", linear=True),
    Case("getitem", lambda x, mask: ops.getitem(x, mask), _getitem, masked(),
         Example((numbers(3, 2), np.array([True, False, True]))),
         Example((np.zeros((0, 2)), np.zeros((0,), bool))), "by a mask", linear=True),
    Case("concatenate", lambda *xs, axis: ops.concatenate(xs, axis),
         lambda *xs, axis: np.concatenate(xs, axis), joined(new_axis=False),
         Example((numbers(2, 3), numbers(2, 1, seed=1)), {"axis": 1}),
         Example((np.zeros((0, 3)), np.zeros((0, 3))), {"axis": 0}), linear=True),
    Case("stack", lambda *xs, axis: ops.stack(xs, axis), lambda *xs, axis: np.stack(xs, axis),
         joined(new_axis=True), Example((numbers(2), numbers(2, seed=1)), {"axis": 1}),
         Example((np.zeros((0, 3)), np.zeros((0, 3))), {"axis": 1}), linear=True),

    Case("matmul", ops.matmul, np.matmul, products(),
         Example((numbers(2, 3), numbers(3, 2, seed=1))),
         Example((np.zeros((0, 3)), np.ones((3, 2)))), bilinear=True),
    Case("affine", ops.affine, lambda x, w, b: np.einsum("...k,km->...m", x, w) + b, affine_maps(),
         Example((numbers(2, 3), numbers(3, 2, seed=1), numbers(2, seed=2))),
         Example((np.zeros((0, 3)), np.ones((3, 2)), np.ones(2))), bilinear=True),

    normalising("batch_norm", lambda x: tuple(range(x.ndim - 1)),
                hnp.array_shapes(min_dims=2, max_dims=4, max_side=3), (4, 3), empty=None,
                returns_statistics=True),
    normalising("layer_norm", lambda x: -1, hnp.array_shapes(max_dims=3, max_side=3), (2, 3),
                empty=Example((np.zeros((0, 3)), np.ones(3), np.ones(3)))),
    normalising("instance_norm", lambda x: tuple(range(1, x.ndim - 1)),
                hnp.array_shapes(min_dims=3, max_dims=4, max_side=2), (2, 2, 2, 2),
                empty=Example((np.zeros((0, 2, 2, 3)), np.ones(3), np.ones(3)))),

    Case("conv2d", ops.conv2d, naive.conv2d, convolutions(),
         Example((numbers(1, 3, 4, 2), numbers(2, 2, 1, 2, seed=1), numbers(2, seed=2)),
                 {"stride": (1, 2), "padding": "same", "groups": 2}),
         Example((np.zeros((0, 3, 4, 2)), numbers(2, 2, 2, 3), numbers(3))), bilinear=True),
    Case("conv_transpose2d", ops.conv_transpose2d, naive.conv_transpose2d,
         convolutions(transposed=True),
         Example((numbers(1, 2, 3, 2), numbers(2, 2, 1, 2, seed=1), numbers(2, seed=2)),
                 {"stride": 2, "padding": (1, 0), "output_padding": 1, "groups": 2}),
         Example((np.zeros((0, 2, 3, 2)), numbers(2, 2, 3, 2), numbers(3))), bilinear=True),
    Case("conv2d", weight_gradient,
         lambda x, g: naive.conv2d_weight_gradient(x, g, *WINDOW, groups=2), weight_gradients(),
         Example((numbers(2, 3, 3, 4), numbers(2, *WINDOW.outputs((3, 3)), 2, seed=1))),
         Example((np.zeros((0, 3, 3, 4)), np.zeros((0, *WINDOW.outputs((3, 3)), 2)))),
         "'s weight gradient", bilinear=True),
    resizing("max_pool2d", pooled(), {"size": 2, "stride": 1}),
    resizing("avg_pool2d", pooled(), {"size": 2, "stride": 1}, linear=True),
    resizing("upsample_nearest", enlarged(), {"factor": 2}, linear=True),
    resizing("upsample_bilinear", enlarged(), {"factor": 2}, linear=True),
    resizing("pixel_shuffle", enlarged(shuffled=True), {"factor": (2, 1)}, 4, linear=True),

    loss("bce", _bce, pairs(PROBABILITY, PROBABILITY), numbers(2, 3, low=0.1, high=0.9),
         numbers(2, 3, low=0.1, high=0.9, seed=1)),
    loss("bce_with_logits", lambda x, t: _bce(_sigmoid(x), t), pairs(ANY, PROBABILITY),
         numbers(2, 3), numbers(2, 3, low=0.1, high=0.9)),
    loss("mse", lambda x, y: ((x - y) ** 2).mean(), pairs(ANY, ANY), numbers(2, 3),
         numbers(2, 3, seed=1)),
    loss("cross_entropy", _cross_entropy, labelled(), numbers(2, 3), np.array([0, 2])),
    loss("l1", lambda *ws: sum(np.abs(w).sum() for w in ws), parameters(), numbers(2, 3),
         numbers(3), f=lambda *ws: losses.l1(ws), empty=Example((np.zeros((0, 3)),))),
    loss("l2", lambda *ws: sum((w ** 2).sum() for w in ws), parameters(), numbers(2, 3),
         numbers(3), f=lambda *ws: losses.l2(ws), empty=Example((np.zeros((0, 3)),))),
]
