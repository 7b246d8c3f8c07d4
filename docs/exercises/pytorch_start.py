"""Begin as PyTorch does

Chapter: pytorch. 5 minutes.

Where a text was written for PyTorch, its first weights belong to the recipe: those of `Linear` and
`Conv2d`, weights and biases alike, are drawn evenly between −1/√f and 1/√f, where f, fan_in, is
how many inputs an output sees. Write `restart(layer, rng)`, which does that to a `Dense` or a
`Conv2d`, in place.
"""
# %% start
import numpy as np


def restart(layer, rng):
    limit = 1.0
    layer.weight.data[...] = rng.uniform(-limit, limit, layer.weight.shape)


# %% solution
import numpy as np


def restart(layer, rng):
    # (in, out) or (KH, KW, in, out): an output sees everything but the last axis
    fan_in = np.prod(layer.weight.shape[:-1])
    limit = 1 / np.sqrt(fan_in)
    for parameter in layer.weight, layer.bias:
        parameter.data[...] = rng.uniform(-limit, limit, parameter.shape)


# %% check
import numpy as np
from minigan import nn
from minigan.user_code import said

for layer, fan_in in (nn.Dense(400, 300), 400), (nn.Conv2d(16, 256, 5), 16 * 25):
    before, limit, name = layer.weight.data, 1 / np.sqrt(fan_in), type(layer).__name__
    try:
        restart(layer, np.random.default_rng(0))
    except Exception as error:
        raise AssertionError(f"restart({layer!r}) raised {said(error)}") from None
    assert layer.weight.data is before, (
        "the weight is another array now, and an optimiser that knows the old one would move that: "
        "write into it, data[...] = …")
    for part, parameter in ("weight", layer.weight), ("bias", layer.bias):
        values = parameter.numpy()
        assert values.any(), f"the {part} of {layer!r} is still 0: PyTorch draws biases, too"
        most = abs(values).max()
        assert 0.95 * limit < most <= 1.0001 * limit, (
            f"the {part} of {layer!r}, of shape {values.shape}, reaches to {most:.4f}, and 1/√f is "
            f"{limit:.4f}: an output sees {fan_in} inputs")
        assert abs(values.std() - limit / np.sqrt(3)) < 0.1 * limit, (
            f"the {part} of {layer!r} is not evenly spread between the limits: rng.uniform is")
