"""The missing detach

Chapter: first_gan. 5 minutes.

Three people wrote D's step on generated points. One of them forgot that it must leave nothing in
G's weights. Complete `leak`: the size of the largest element of the gradients that a step has left
in `generator.parameters()`, 0.0 where it has left none. Then run it: whose number is not 0?
"""
# %% start
import numpy as np

import minigan as mg

rng = np.random.default_rng(0)
bce = mg.losses.bce_with_logits
generator, discriminator = mg.nn.Dense(2, 2, rng=rng), mg.nn.Dense(2, 1, rng=rng)


def anna(noise):
    fake = generator(noise).detach()
    bce(discriminator(fake), 0.0).backward()


def ben(noise):
    fake = generator(noise)
    bce(discriminator(fake), 0.0).backward()


def cleo(noise):
    with mg.no_grad():
        fake = generator(noise)
    bce(discriminator(fake), 0.0).backward()


def leak(step):
    generator.zero_grad()
    step(rng.standard_normal((64, 2)))
    return ...                       # p.grad of each parameter p: a tensor, or None


if __name__ == "__main__":
    for step in anna, ben, cleo:
        print(step.__name__, leak(step))
# %% solution
import numpy as np

import minigan as mg

rng = np.random.default_rng(0)
bce = mg.losses.bce_with_logits
generator, discriminator = mg.nn.Dense(2, 2, rng=rng), mg.nn.Dense(2, 1, rng=rng)


def anna(noise):
    fake = generator(noise).detach()
    bce(discriminator(fake), 0.0).backward()


def ben(noise):
    fake = generator(noise)
    bce(discriminator(fake), 0.0).backward()


def cleo(noise):
    with mg.no_grad():
        fake = generator(noise)
    bce(discriminator(fake), 0.0).backward()


def leak(step):
    generator.zero_grad()
    step(rng.standard_normal((64, 2)))
    left = [p.grad.numpy() for p in generator.parameters() if p.grad is not None]
    return max((float(abs(grad).max()) for grad in left), default=0.0)


if __name__ == "__main__":
    for step in anna, ben, cleo:     # ben: fake remembers that G made it, so backward goes on
        print(step.__name__, leak(step))
# %% check
weight, bias = generator.weight, generator.bias


def leaves(**gradients):
    """A step that leaves these gradients in G's weights, and some in D's."""
    def step(noise):
        anna(noise)
        for name, grad in gradients.items():
            getattr(generator, name).grad = mg.tensor(np.array(grad))
    return step


def left_by(step):
    try:
        size = leak(step)
    except (AttributeError, ValueError) as error:
        assert not (isinstance(error, AttributeError) and "NoneType" in str(error)), (
            "where no gradient has arrived, p.grad is None, which has no .numpy() and no size: "
            "leave these parameters out")
        assert "item()" not in str(error), (  # bool(tensor) says so, too
            "a matrix has no one truth and no one number: write `if p.grad is not None`, not "
            "`if p.grad`, and take the largest before .item()")
        assert "truth" not in str(error), (
            "an array has no one truth: write `is not None` where you ask whether it is there")
        assert "empty" not in str(error), (
            "where no parameter has a gradient, leak takes the largest of nothing: 0.0 is wanted "
            "there (max has default=)")
        raise
    assert size is not ..., "leak still returns ...: look at p.grad of each generator.parameters()"
    assert isinstance(size, (int, float, np.floating)), (
        f"leak returns {size!r}, but one number is asked for: the largest size of all; .item() "
        "makes a number of it")
    return size


for step in anna, cleo:
    size = left_by(step)
    assert size == 0, (f"leak says {size:.3f} of {step.__name__}, whose step leaves nothing in G: "
                       "are you looking at D's weights?")
assert left_by(ben) > 0, "leak says 0 of ben, but look at ben's fake: where did it come from?"
for largest, said, gradients in [
        (0.5, {-0.5: "the largest is in the weight, and negative: its size counts, not its sign",
               0.1: "that is the largest of the weight with its sign, but −0.5 is larger in size",
               0.2: "that is the largest with its sign, but −0.5 is larger in size",
               0.25: "that is the largest of the bias, but all parameters count, not the last"},
         {"weight": [[-0.5, 0.1], [0.1, 0.1]], "bias": [0.2, -0.25]}),
        (0.7, {0.1: "the largest is in the bias, which is a parameter, too"},
         {"weight": [[0.1, 0.1], [0.1, 0.1]], "bias": [0.2, -0.7]}),
        (0.3, {0.0: "the weight has none (None), and the bias has"}, {"bias": [0.3, 0.0]})]:
    size = left_by(leaves(**gradients))
    why = next((said[key] for key in said if abs(size - key) < 1e-6),
               "more than any single element. Is it a sum, or a norm?" if size > largest else
               "less than the largest element. Is it a mean, or are some left out?")
    assert abs(size - largest) < 1e-6, f"leak says {size:.3f} where {largest} is left: {why}"
