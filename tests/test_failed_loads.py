"""A state that does not fit is refused before anything is changed: every object that loads one, and
everything that can be wrong with each of its keys."""
from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from minigan import nn, optim
from minigan.data import Loader, digits
from minigan.gan import GAN, Trainer, models

RNG = np.random.default_rng


def network():
    return nn.Sequential(nn.Dense(3, 4, rng=RNG(0)), nn.BatchNorm(4),
                         nn.SpectralNorm(nn.Dense(4, 2, rng=RNG(0)), rng=RNG(0)))


def pair():
    return models.digits(width=4, latent=2, rng=RNG(0))


def stepped(kind, **settings):
    """An optimiser whose parameters have stepped differently often, and whose groups differ."""
    first, *rest = params = list(network().parameters())
    optimizer = kind([{"params": first}, {"params": rest, "lr": 0.5}], lr=0.25, **settings)
    for p in params[:2]:
        p.grad = p.detach()
        optimizer.step()
    return optimizer


def trainer():
    made = Trainer(GAN(*pair()), Loader(digits()[0][:48], batch_size=16))
    made.run(2)
    return made


OBJECTS = {
    "module": network, "GAN": lambda: GAN(*pair()), "average": lambda: optim.EMA(network()).module,
    "Adam": lambda: stepped(optim.Adam), "RMSprop": lambda: stepped(optim.RMSprop),
    "SGD": lambda: stepped(optim.SGD, momentum=0.9), "AdamW": lambda: stepped(optim.AdamW),
    "schedule": lambda: optim.Schedule(stepped(optim.Adam), optim.linear_decay(9)),
    "trainer": trainer,
}
# what NumPy's generator and the loader, whose states they are, have no objection to
TAKEN = {"['progress', 'rng'] state: extra", "['progress', 'rng'] has_uint32: negative",
         "['progress', 'loader'] epoch: infinite"}


def bits(thing):
    return pickle.dumps(thing.state_dict())


def places(state, path=()):
    """The paths of all keys, nested ones too."""
    for key, value in state.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def wrong(value):
    """Values that are not of this one's kind, by what is wrong with them."""
    if isinstance(value, np.ndarray):
        return {"shape": np.zeros((*value.shape, 2), value.dtype), "no array": None,
                "dtype": value.astype(np.float16), "kind": value.astype(np.int64)}
    if isinstance(value, list):
        return {"length": [*value, 1], "element": [None, *value[1:]], "kind": "many"}
    return {"kind": None, "word": "many"} | ({} if isinstance(value, (dict, str)) else
                                             {"negative": -1, "infinite": float("inf")})


def spoiled(state):
    """Copies of the state with one thing wrong in each, and what that is."""
    def within(at):
        made = copy.deepcopy(state)
        inner = made
        for key in at:
            inner = inner[key]
        return made, inner

    for *at, key in places(state):
        made, inner = within(at)
        value = inner.pop(key)
        yield f"{at} {key}: missing", made
        for what, other in wrong(value).items():
            made, inner = within(at)
            inner[key] = other
            yield f"{at} {key}: {what}", made
        if isinstance(value, dict):
            made, inner = within([*at, key])
            inner["extra"] = 1
            yield f"{at} {key}: extra", made
    yield "extra", {**state, "extra": np.zeros(3)}


@pytest.mark.parametrize("name", OBJECTS)
def test_a_state_with_anything_wrong_is_refused_and_changes_nothing(name):
    thing = OBJECTS[name]()
    before = bits(thing)
    state = copy.deepcopy(thing.state_dict())
    for part in state.values():  # other values, so that what was loaded would be seen
        for array in (part.values() if isinstance(part, dict) else [part]):
            if isinstance(array, np.ndarray):
                array += 1
    taken = []
    for what, other in spoiled(state):
        try:
            thing.load_state_dict(other)
        except (KeyError, TypeError, ValueError):
            assert bits(thing) == before, what
        else:
            taken.append(what)
            thing = OBJECTS[name]()
    assert not {*taken} - TAKEN
    thing.load_state_dict(state)
    assert (bits(thing) == before) == (name == "schedule")


def test_a_pair_whose_discriminator_does_not_fit_leaves_the_generator_as_it_was():
    game, other = GAN(*pair()), GAN(*models.digits(width=4, latent=2, rng=RNG(1)))
    state, before = other.state_dict(), game.generator.state_dict()
    state["discriminator.body.layers.1.weight"] = np.zeros((1, 1), np.float32)
    with pytest.raises(ValueError, match="discriminator.body.layers.1.weight"):
        game.load_state_dict(state)
    for name, array in game.generator.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
