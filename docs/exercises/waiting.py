"""An order by counting

Chapter: graph. 8 minutes.

There is another way to the order of a backward pass. Count for each tensor how many contributions
it **waits** for: how often it is an input of something in the graph. The result waits for none. A
tensor whose turn has come gives one contribution to each of its inputs. Who has received all of
them is ready.

The counting is done. Complete `backward_order`: all tensors of the graph, each once, and none
before all that was computed from it.
"""
# %% start
import minigan as mg


def inputs_of(tensor):
    return tensor.creator.inputs if tensor.creator is not None else ()


def counted(result):
    """For each tensor of the graph, by its id, for how many contributions it waits."""
    waits, stack = {id(result): 0}, [result]
    while stack:
        for t in inputs_of(stack.pop()):
            if id(t) not in waits:
                waits[id(t)] = 0
                stack.append(t)
            waits[id(t)] += 1
    return waits


def backward_order(result):
    waits, ready, order = counted(result), [result], []
    while ready:
        tensor = ready.pop()
        order.append(tensor)
        ...
    return order


# %% solution
import minigan as mg


def inputs_of(tensor):
    return tensor.creator.inputs if tensor.creator is not None else ()


def counted(result):
    """For each tensor of the graph, by its id, for how many contributions it waits."""
    waits, stack = {id(result): 0}, [result]
    while stack:
        for t in inputs_of(stack.pop()):
            if id(t) not in waits:
                waits[id(t)] = 0
                stack.append(t)
            waits[id(t)] += 1
    return waits


def backward_order(result):
    waits, ready, order = counted(result), [result], []
    while ready:
        tensor = ready.pop()
        order.append(tensor)
        for t in inputs_of(tensor):
            waits[id(t)] -= 1
            if waits[id(t)] == 0:       # the last contribution is in, and not before
                ready.append(t)
    return order


# %% check
def graphs():
    """Results, each with a name and how many tensors its graph has."""
    x = mg.tensor(0.5, requires_grad=True)
    yield "a chain, x + 1 + 1", x + 1 + 1, None
    yield "x * x, which uses x twice", x * x, 2
    s = mg.ops.sin(x)
    yield "s * exp(exp(s)), with a short and a long way to s", s * mg.ops.exp(mg.ops.exp(s)), 5
    yield "the same, turned round", mg.ops.exp(mg.ops.exp(s)) * s, 5
    y = x
    for _ in range(14):
        y = y + y
    yield "14 times y = y + y", y, 15


for name, result, size in graphs():
    order = backward_order(result)
    assert len(order) > 1, f"{name}: only the result is listed; its inputs never become ready"
    place = {id(t): i for i, t in enumerate(order)}
    assert len(place) == len(order), (
        f"{name}: {len(order)} entries for {len(place)} tensors: somebody was listed twice. A "
        "tensor is ready when its last contribution is in, and not with each of them")
    for tensor in order:
        for t in inputs_of(tensor):
            assert id(t) in place, f"{name}: an input of {type(tensor.creator).__name__} is missing"
            assert place[id(t)] > place[id(tensor)], (
                f"{name}: a tensor stands before {type(tensor.creator).__name__}, which was "
                "computed from it and still has a contribution for it")
    assert size is None or len(order) == size, f"{name}: {len(order)} tensors, not {size}"
