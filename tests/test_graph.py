"""How the graph is walked and freed: no needless work, no recursion, no memory kept."""
from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
import weakref
from collections import Counter

import numpy as np
import pytest

import minigan as mg
from minigan import Function, backend, losses, nn, ops, optim
from minigan.backend import array_module


@pytest.fixture
def computed(monkeypatch):
    """Counts the functions that are evaluated, by their names, and the products as "matmul"."""
    counts = Counter()
    kernels = backend.current().kernels
    call, matmul = Function.__call__, kernels.matmul

    def counting(self, *inputs):
        counts[type(self).__name__] += 1
        return call(self, *inputs)

    def counting_products(x, w):
        counts["matmul"] += 1
        return matmul(x, w)

    monkeypatch.setattr(Function, "__call__", counting)
    monkeypatch.setattr(kernels, "matmul", counting_products)
    return counts


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf(data):
    return mg.tensor(np.array(data, np.float64), requires_grad=True)


def mlp(*sizes):
    rng = np.random.default_rng(0)
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [nn.Dense(inputs, outputs, rng=rng), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def products_of(backward, computed):
    """How many matrix products a backward pass computes."""
    computed.clear()
    backward()
    return computed["matmul"]


def test_the_first_layer_computes_no_gradient_for_the_data(computed):
    loss = mlp(3, 4, 5, 1)(mg.tensor(np.ones((2, 3), np.float32))).sum()
    assert products_of(loss.backward, computed) == 3 + 2  # by three weights, by two hidden layers


def test_a_frozen_discriminator_computes_no_weight_gradients(computed):
    generator, discriminator = mlp(2, 4, 3), mlp(3, 4, 1)
    z = mg.tensor(np.ones((2, 2), np.float32))
    with nn.frozen(discriminator):
        loss = discriminator(generator(z)).sum()
        assert products_of(loss.backward, computed) == 2 + (1 + 2)
    assert all(p.grad is None for p in discriminator.parameters())
    assert all(p.grad is not None for p in generator.parameters())
    loss = discriminator(generator(z)).sum()
    assert products_of(loss.backward, computed) == (2 + 2) + (1 + 2)


def test_grad_walks_only_the_paths_to_what_is_asked_for(computed):
    x, w = leaf(np.ones((2, 2))), leaf(np.ones((2, 2)))
    y = (w.exp() @ w).sum() + (2 * x).sum()
    computed.clear()
    mg.grad(y, x)
    assert computed["MatMul"] == 0 and computed["Multiply"] == 1


@pytest.mark.parametrize("op, name", [(ops.multiply, "Multiply"), (ops.matmul, "MatMul")])
@pytest.mark.parametrize("wanted", [0, 1])
def test_a_factor_that_needs_no_gradient_gets_none(op, name, wanted, computed):
    factors = [mg.tensor(np.ones((3, 3))), mg.tensor(np.ones((3, 3)))]
    factors[wanted].requires_grad = True
    y = op(*factors).sum()
    computed.clear()
    y.backward()
    assert computed[name] == 1


def test_grad_by_an_intermediate_goes_no_further_than_it(computed):
    y = leaf(np.ones(3)).exp()
    z = (y * 2).sum()
    computed.clear()
    mg.grad(z, y)
    assert computed["Multiply"] == 1


def test_a_shared_node_is_visited_once(computed):
    x = leaf(1.0)
    y = ops.tanh(x)
    for _ in range(30):
        y = y + y
    computed.clear()
    y.backward()
    assert sum(computed.values()) < 100
    assert x.grad.item() == pytest.approx(2 ** 30 * (1 - np.tanh(1) ** 2))


@pytest.mark.numpy_only("the walk is the same for every array library")
def test_a_chain_of_100_000_nodes_is_walked_and_freed():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1
    del y


def test_a_chain_of_10_000_nodes_is_differentiated_twice():
    x = leaf(1.0)
    y = x * x
    for _ in range(10_000):
        y = -y
    (by_x,) = mg.grad(y, x, create_graph=True)
    assert by_x.item() == 2 and mg.grad(by_x, x)[0].item() == 2


def test_a_forward_pass_whose_result_is_dropped_frees_its_tensors(no_collector):
    x = leaf(np.ones(3))
    hidden = ops.tanh(x)
    seen = [weakref.ref(hidden), weakref.ref(hidden.creator)]
    y = (hidden * hidden).sum()
    del hidden
    assert all(ref() is not None for ref in seen)
    del y
    assert all(ref() is None for ref in seen)


def test_backward_keeps_nothing_alive(no_collector):
    x = leaf(np.ones(3))
    hidden = ops.tanh(x)
    seen = weakref.ref(hidden)
    y = (hidden * hidden).sum()
    y.backward()
    del hidden, y
    assert seen() is None


def test_a_differentiable_gradient_goes_without_the_collector(no_collector):
    x = leaf(np.ones(3))
    y = (ops.tanh(x) * x).sum()
    (by_x,) = mg.grad(y, x, create_graph=True)
    seen = weakref.ref(by_x), weakref.ref(by_x.creator), weakref.ref(y.creator)
    mg.grad(by_x.sum(), x)
    del by_x, y
    assert [ref() for ref in seen] == [None, None, None]


def test_memory_is_flat_over_100_training_steps_without_the_collector(no_collector):
    net = nn.Sequential(nn.Dense(5, 8), nn.BatchNorm(8), nn.LeakyReLU(), nn.Dense(8, 1))
    optimizer = optim.Adam(net.parameters())
    x, t = np.ones((16, 5), np.float32), mg.tensor(np.ones((16, 1), np.float32))
    x[:8] = 0
    x = mg.tensor(x)

    def train(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            losses.bce_with_logits(net(x), t).backward()
            optimizer.step()

    def held():
        """Objects that hold others, and bytes of arrays. (Python's free lists, which fill up once,
        make the sum of all bytes a bad measure.)"""
        arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
        traces = tracemalloc.take_snapshot().filter_traces([arrays]).traces
        return len(gc.get_objects()), sum(trace.size for trace in traces)

    tracemalloc.start()
    try:
        train(20)
        objects, array_bytes = held()
        train(100)
        objects_later, array_bytes_later = held()
    finally:
        tracemalloc.stop()
    assert objects_later - objects < 50  # one kept tensor a step would be 100
    assert array_bytes_later - array_bytes < 1000


SHARING = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "reshaped": lambda x, y: x.reshape(6) + y.reshape(6),
    "concatenated": lambda x, y: ops.concatenate([x, y]),
    "stacked": lambda x, y: ops.stack([x, y]),
    "halves": lambda x, y: (x + y)[:1] + (x + y)[1:],
    "where": lambda x, y: ops.where(mg.tensor(np.ones((2, 3), bool)), x, y),
    "transposed": lambda x, y: x.T + y.T,
}


@pytest.mark.parametrize("name", SHARING)
@pytest.mark.parametrize("by_hand", [False, True], ids=["from a sum", "from a cotangent"])
def test_the_gradients_of_two_leaves_never_share_memory(name, by_hand):
    x, y = leaf(np.ones((2, 3))), leaf(np.ones((2, 3)))
    result = SHARING[name](x, y)
    cotangent = mg.tensor(np.ones(result.shape))
    result.backward(cotangent) if by_hand else result.sum().backward()
    shares_memory = array_module(x.data).shares_memory
    assert not shares_memory(x.grad.data, y.grad.data)
    for t in (x, y):
        assert not shares_memory(t.grad.data, cotangent.data)
        assert getattr(t.grad.data.flags, "writeable", True)  # CuPy's are always
        t.grad.data[...] = 7  # no broadcast view: every element is its own
        assert t.grad.numpy().sum() == 42


def test_the_gradient_given_to_backward_is_not_taken_over():
    x, g = leaf([1.0, 2.0]), mg.tensor(np.array([3.0, 4.0]))
    x.backward(g)
    x.grad.data[0] = 9
    assert g.numpy().tolist() == [3, 4]


def test_threads_that_share_a_leaf_lose_no_gradient():
    x, times, interval = leaf(np.zeros(3)), 200, sys.getswitchinterval()

    def add(factor):
        for _ in range(times):
            (x * factor).sum().backward()

    threads = [threading.Thread(target=add, args=(10.0 ** i,)) for i in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert x.grad.numpy().tolist() == [1111 * times] * 3


def test_grad_mode_is_each_threads_own():
    """no_grad() in one thread must not stop another from recording."""
    entered, done = threading.Event(), threading.Event()

    def without():
        with mg.no_grad():
            entered.set()
            done.wait(30)

    other = threading.Thread(target=without)
    other.start()
    entered.wait(30)
    y = leaf([1.0]) * 2
    done.set()
    other.join()
    assert y.requires_grad


@pytest.mark.numpy_only("looks at NumPy's memory")
def test_a_gradient_that_is_passed_on_is_let_go_of_on_the_way():
    seen = []

    class Double(mg.Function):
        def forward(self, x):
            return x * 2

        def backward(self, grad):
            left.append(sum(ref() is not None for ref in seen))
            seen.append(weakref.ref(grad.data))
            return grad * 2

    left = []
    x = y = mg.tensor(np.ones(3), requires_grad=True)
    for _ in range(5):
        y = Double()(y)
    mg.grad(y.sum(), x)
    assert max(left) <= 1  # what is under way, and not one for each operation
