"""What check_grads takes: trees, keyword and static arguments, complex numbers."""
from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pytest

from minigan import Tensor, nn, ops, tensor
from minigan.testing import GradientError, check_grads, from_jax, from_numpy, from_torch
from minigan.testing.trees import is_numbers, mapped

X = np.random.default_rng(0).normal(size=(3, 4))
W = np.random.default_rng(1).normal(size=(4, 2))
Z = X[:2] + 1j * X[1:]


class Pair(NamedTuple):
    scale: object
    shift: object


def reproduced(error):
    """The last line of a message, the call that makes the check again."""
    return str(error.value).split("\n")[-1].strip()


def test_a_tree_is_mapped_leaf_by_leaf_with_its_kinds_kept():
    tree = {"w": [1, (2, None)], "p": Pair(3, "s")}
    seen = []
    again = mapped(lambda name, x: seen.append((name, x)) or x, tree, name="t")
    assert again == tree and type(again["p"]) is Pair
    assert seen == [("t['w'][0]", 1), ("t['w'][1][0]", 2), ("t['w'][1][1]", None),
                    ("t['p'][0]", 3), ("t['p'][1]", "s")]
    assert mapped(lambda name, x, y: (x, y), {"a": [1, 2]}, {"a": None}) == {
        "a": [(1, None), (2, None)]}
    counted = defaultdict(int, a=1)
    assert mapped(lambda name, x: x + 1, counted) == {"a": 2} and counted == {"a": 1}
    assert is_numbers([[1.0, 2], [3, True]]) and is_numbers([]) and not is_numbers(Pair(1, 2))
    assert not is_numbers([np.ones(2)]) and not is_numbers("12") and not is_numbers([None])


def test_dicts_lists_and_named_tuples_go_in_and_come_out():
    def network(params, x, mode):
        assert mode == "train" and params["depth"] == 2
        y = ops.tanh(x @ params["w"] + params["layers"][0].shift) * params["layers"][0].scale
        return {"y": y, "none": None, "name": mode, "rest": [(x * x).sum(), x > 0]}

    params = {"w": W, "depth": 2, "layers": [Pair(tensor(np.ones(2)), np.zeros(2))]}
    report = check_grads(network, params, X, "train", order=1)
    # 8 cotangents and one more for each of two outputs; W, two, two and X, 3 directions
    assert report.ok and report.checked["first order"] == 10 * (8 + 2 + 2 + 12 + 3)
    assert check_grads(network, params, X, "train", wrt=0).ok


def test_the_wrong_leaf_is_named_and_the_call_is_written_as_it_was():
    def wrong(params, x):
        return x @ params["w"][1].detach() + params["b"]

    with pytest.raises(GradientError, match=r"input 0\['w'\]\[1\] of shape \(4, 2\)") as error:
        check_grads(wrong, {"w": ["static", W], "b": np.zeros(2)}, X, order=1)
    assert reproduced(error) == "check_grads(f, {'w': ['static', x0], 'b': x1}, x2, order=1)"
    check_grads(lambda params, x: wrong(params, x) + x @ params["w"][1] - wrong(params, x),
                {"w": ["static", W], "b": np.zeros(2)}, X, order=1, wrt=1)


def test_lists_of_numbers_are_arrays_and_numbers_in_trees_are_floats_or_static():
    def f(x, parts, n):
        assert x.shape == (2, 2) and n.shape == () and isinstance(parts[2], int)
        assert isinstance(parts[0], Tensor) and isinstance(parts[1], Tensor)
        return x * parts[0] + parts[1].sum() * parts[2]

    report = check_grads(f, [[1, 2.0], [3, 4]], (0.5, [1.0, 2.0], 3, np.zeros(1)), 7, order=1)
    assert report.checked["first order"] == 8 * (4 + 1 + 2 + 1 + 3)


def test_keyword_arguments_are_static_but_for_arrays():
    def f(x, axis, weight=None, scale=1.0):
        assert isinstance(scale, float) and isinstance(weight, Tensor)
        return ops.softmax(x * weight, axis=axis) * scale

    options = {"axis": 0, "weight": X[0], "scale": 2.0}
    assert check_grads(f, X, options=options, order=1).checked["first order"] == 8 * (12 + 4 + 3)
    assert check_grads(f, X, options=options, order=1, wrt="weight").ok
    with pytest.raises(GradientError, match="option weight of shape") as error:
        check_grads(lambda x, weight: x * weight.detach(), X[0, :1], options={"weight": X[0, :1]},
                    order=1)
    assert reproduced(error) == "check_grads(f, x0, order=1, options={'weight': x1})"
    with pytest.raises(ValueError, match=r"of the inputs \[0, 'weight'\] are, wrt is \['axis'\]"):
        check_grads(f, X, options=options, wrt=["axis"])


def test_a_vjp_of_trees_returns_trees():
    def vjp(params, x, mode, grad):
        return {"w": x.T @ grad["y"], "b": grad["y"].sum(0) + 2 * grad["more"][0] * params["b"],
                "n": None}, grad["y"] @ params["w"].T, None

    f = from_numpy(lambda params, x, mode: {"y": x @ params["w"] + params["b"], "count": 3 * [None],
                                            "more": [params["b"] ** 2, np.arange(2)]}, vjp)
    params = {"w": W, "b": np.ones(2), "n": 3}
    assert check_grads(f, params, X, "train").ok
    wrong = from_numpy(f.f, lambda *given: ({**vjp(*given)[0], "b": np.ones(2)}, *vjp(*given)[1:]))
    with pytest.raises(GradientError, match="the gradient by input 0.'b'. is not linear"):
        check_grads(wrong, params, X, "train")
    with pytest.raises(GradientError, match="vjp returned None for input 0.'b'.: return its"):
        check_grads(from_numpy(f.f, lambda *given: ({"w": W, "b": None, "n": None}, X, None)),
                    params, X, "train")


def test_numpys_complex_numbers_have_gradients_of_real_and_imaginary_part():
    def square(make):
        return from_numpy(lambda z: z * z, lambda z, grad: make(grad, 2 * z))

    assert check_grads(square(lambda g, d: g * d.conj()), Z).ok
    assert check_grads(square(lambda g, d: g * d.conj()), Z.astype(np.complex64)).ok
    with pytest.raises(GradientError, match=r"input 0 \(real, imaginary\) of shape") as error:
        check_grads(square(lambda g, d: g * d), Z)
    assert reproduced(error) == "check_grads(f, x0 @ [1, 1j])"
    phase = from_numpy(lambda x: np.exp(1j * x), lambda x, g: np.real(g * -1j * np.exp(-1j * x)))
    assert check_grads(phase, X).ok
    forgotten = from_numpy(lambda x: np.exp(1j * x), lambda x, g: -np.sin(x) * np.real(g))
    with pytest.raises(GradientError, match="wrong at first order"):
        check_grads(forgotten, X)


def test_complex_numbers_are_refused_where_they_cannot_be_checked():
    with pytest.raises(TypeError, match=r"input 0\['z'\] is complex, and minigan's operations are"):
        check_grads(lambda x: x["z"], {"z": Z})
    with pytest.raises(TypeError, match="input 0 is complex, where complex_step needs real"):
        check_grads(from_numpy(np.exp, lambda z, g: g, complex_step=True), Z)
    with pytest.raises(GradientError, match="the result is complex, where complex_step"):
        check_grads(from_numpy(lambda x: x * 1j, lambda x, g: g, complex_step=True), X)


def test_torchs_trees_complex_numbers_and_functions_that_write_are_checked():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, conjugate):
            ctx.save_for_backward(z)
            ctx.conjugate = conjugate
            return z * z

        @staticmethod
        def backward(ctx, grad):
            (z,) = ctx.saved_tensors
            return grad * 2 * (z.conj() if ctx.conjugate else z), None

    assert check_grads(from_torch(Square.apply), Z, True, order=1).ok
    with pytest.raises(GradientError, match=r"input 0 \(real, imaginary\)"):
        check_grads(from_torch(lambda z: Square.apply(z, False)), torch.tensor(Z))
    assert check_grads(from_torch(lambda z: (z.abs(), torch.view_as_real(z * 1j).sum())), Z).ok
    assert check_grads(from_torch(lambda p, x, mode: {mode: [x @ p["w"], None]}), {"w": W},
                       torch.tensor(X), "train", order=1).ok
    with pytest.raises(GradientError, match='changed in place\nif that is meant: skip="in place"'):
        check_grads(from_torch(lambda x: x.mul_(2)), X)
    assert check_grads(from_torch(lambda x: x.mul_(2)), X, skip="in place").ok


def test_jaxs_trees_and_complex_numbers_are_checked():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    tree = {"dense": {"kernel": W, "bias": jax.numpy.zeros(2)}}
    report = check_grads(from_jax(lambda p, x: {"y": x @ p["dense"]["kernel"]
                                                     + p["dense"]["bias"]}), tree, X, order=1)
    assert report.ok and report.checked["first order"] == 8 * (8 + 2 + 12 + 3)

    key = jax.random.key(0)  # static, so that what is random is the same every time
    assert check_grads(from_jax(lambda x, key: x * jax.random.normal(key, x.shape)), X, key,
                       order=1).ok
    with pytest.raises(TypeError, match="input 0 is a Partial, and arrays are looked for in dicts"):
        check_grads(from_jax(lambda f, x: f(x)), jax.tree_util.Partial(
            jax.numpy.add, jax.numpy.ones(2)), X)

    def square(derivative):
        made = jax.custom_vjp(lambda z: z * z)
        made.defvjp(lambda z: (z * z, z), lambda z, grad: (grad * derivative(2 * z),))
        return from_jax(made)

    assert check_grads(square(lambda d: d), Z, order=1).ok  # no conjugate, as JAX defines it
    with pytest.raises(GradientError, match=r"input 0 \(real, imaginary\)"):
        check_grads(square(lambda d: d.conj()), Z, order=1)


def test_what_a_function_closes_over_is_named_as_not_looked_at():
    weight, constant = tensor(X, requires_grad=True), tensor(X)
    assert "what the function closes over, weight: make it an input" in str(
        check_grads(lambda x: x * weight * constant, X, order=1))
    assert not check_grads(lambda x: x * constant, X, order=1).skipped
    assert "closes over, weight" in str(check_grads(Dense(X), X, order=1))

    layer = Layer()
    assert "closes over, w:" in str(check_grads(from_numpy(layer.forward, layer.backward), X))
    assert "closes over" not in str(check_grads(from_numpy(lambda x: x * X, lambda x, g: g * X), X))


class Dense(nn.Module):
    def __init__(self, weight):
        self.weight = nn.Parameter(weight)

    def forward(self, x):
        return x * self.weight


class Layer:
    """A gradient by w is left where no vjp returns it."""

    w = None

    def __init__(self):
        self.w = np.ones(4)

    def forward(self, x):
        return x * self.w

    def backward(self, x, grad):
        self.dw = 0
        return grad * self.w


def test_what_a_function_of_jax_closes_over_is_named():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    kernel = jax.numpy.ones(4)
    assert "closes over, kernel" in str(check_grads(from_jax(jax.jit(lambda x: x * kernel)), X,
                                                    order=1))


def test_a_report_says_where_most_was_skipped():
    text = str(check_grads(lambda x: ops.maximum(x, 0), np.zeros((3, 40))))
    assert "right, but only partly checked at second order; " in text


def test_bfloat16_is_held_against_float64_as_float16_is():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, slip):
            ctx.save_for_backward(x)
            ctx.slip = slip
            return x.sin()

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return grad * x.cos() * (ctx.slip if x.dtype == torch.bfloat16 else 1), None

    x = torch.tensor(X, dtype=torch.bfloat16)
    assert check_grads(from_torch(Sine.apply), x, 1, order=1).ok
    with pytest.raises(GradientError, match='in bfloat16 it is(.|\n)*skip="bfloat16" leaves'):
        check_grads(from_torch(Sine.apply), x, 2, order=1)
    assert check_grads(from_torch(Sine.apply), x, 2, order=1, skip="bfloat16").ok
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    assert check_grads(from_jax(jax.numpy.tanh), jax.numpy.array(X, "bfloat16"), order=1).ok
