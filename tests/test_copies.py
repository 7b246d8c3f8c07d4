"""Copies of what shares memory: a parameter's data are a view of its optimiser's one array, and no
copy of both by itself keeps them so."""
from __future__ import annotations

import copy
import dataclasses
import multiprocessing
import pickle

import numpy as np
import pytest

import minigan as mg
from minigan import gan, nn, optim
from minigan.data import Loader, digits
from minigan.gan import objectives, penalties
from tests.options import BESIDE, CHANGED

OPTIMIZERS = {
    "Adam": optim.Adam, "AdamW": optim.AdamW,
    "SGD": lambda params: optim.SGD(params, 0.1, momentum=0.9),
    "RMSprop": optim.RMSprop,
}
COPIES = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "deepcopy": copy.deepcopy,
    "twice": lambda x: copy.deepcopy(pickle.loads(pickle.dumps(x))),
}
X = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)


def trained(name):
    """A network, its optimiser, its average and a schedule after two steps, one parameter
    without a gradient in the first."""
    net = nn.Sequential(nn.Dense(3, 4, rng=np.random.default_rng(0)), nn.BatchNorm(4),
                        nn.Dense(4, 2, rng=np.random.default_rng(0)))
    made = net, OPTIMIZERS[name](net.parameters()), optim.EMA(net)
    step(made, but=1)
    step(made)
    return made


def step(made, but=None):
    net, optimizer, average = made
    optimizer.zero_grad()
    (net(mg.tensor(X)) ** 2).sum().backward()
    if but is not None:
        list(net.parameters())[but].grad = None
    optimizer.step()
    average.update()
    return made


def state(made):
    net, optimizer, average = made
    return [*net.state_dict().values(), *average.module.state_dict().values(),
            *optimizer.state_dict().values()]


def same(left, right):
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("how", COPIES)
def test_a_copy_goes_on_as_the_original_would_have(name, how):
    made = trained(name)
    copied = COPIES[how](made)
    before = state(copied)
    same(before, state(made))
    step(copied), step(copied, but=2)
    same(before, state(made))  # the original has not moved
    step(made), step(made, but=2)
    same(state(copied), state(made))
    assert not np.array_equal(before[0], state(copied)[0])


def test_a_shallow_copy_of_an_optimizer_moves_the_weights():
    made, again = trained("Adam"), trained("Adam")
    net, optimizer, average = made
    step((net, copy.copy(optimizer), copy.copy(average)))
    same(state(made)[:4], state(step(again))[:4])
    made[1].flat = copy.copy(made[1].flat)
    made[1].state = made[1].flat.state
    before = made[0].layers[0].weight.numpy()
    step(made)
    assert not np.array_equal(before, made[0].layers[0].weight.numpy())


def test_another_process_trains_what_it_is_given():
    made = trained("Adam")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(step, (made,))
    same(state(there), state(step(made)))
    same(state(step(there)), state(step(made)))  # and what comes back


# Games

@pytest.mark.parametrize("how", COPIES)
def test_a_trainer_goes_on_as_the_original_would_have(how):
    networks = gan.models.digits(width=8, latent=4, rng=np.random.default_rng(0))
    game = gan.GAN(*networks, objectives.hinge, [penalties.r1()])
    trainer = gan.Trainer(game, Loader(digits()[0][:80], batch_size=32))
    trainer.run(3)
    copied = COPIES[how](trainer)
    trainer.run(6)
    copied.run(6)
    assert copied.step == 6
    same(weights(copied), weights(trainer))


def weights(trainer):
    return [*trainer.game.state_dict().values(),
            *trainer.average.module.state_dict().values()]


LOGITS = np.array([[-1.5], [0.25], [2.0]])


def losses_of(objective):
    real, fake = mg.tensor(LOGITS), mg.tensor(LOGITS[::-1] + 0.5)
    return [objective.discriminator(real, fake).item(), objective.generator(fake, real).item()]


def test_every_objective_is_pickled_and_so_is_what_is_made_of_it():
    named = {**{name: x for name, x in vars(objectives).items()
                if isinstance(x, objectives.Objective)}, **objectives.OBJECTIVES}
    assert len(named) > len(objectives.OBJECTIVES)
    for name, objective in named.items():
        assert COPIES["pickle"](objective) is objective is copy.deepcopy(objective), name
        for made in (objectives.smoothed(objective, 0.2), objectives.relativistic(objective),
                     objectives.smoothed(objectives.relativistic(objective))):
            copied = COPIES["pickle"](made)
            assert copied.relativistic == made.relativistic
            assert losses_of(copied) == losses_of(made), name
    assert losses_of(COPIES["pickle"](objectives.f_gan(mg.ops.tanh, mg.ops.softplus))) == losses_of(
        objectives.f_gan(mg.ops.tanh, mg.ops.softplus))


def test_an_objective_without_a_name_is_pickled_if_its_functions_are():
    own = objectives.Objective(mg.ops.softplus, mg.ops.relu, mg.ops.tanh)
    assert COPIES["pickle"](own) == own
    changed = dataclasses.replace(objectives.smoothed(own), on_real=mg.ops.exp)
    assert COPIES["pickle"](changed) == changed  # and not as what smoothed makes
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(dataclasses.replace(objectives.hinge, on_real=mg.ops.exp))


def test_every_penalty_is_pickled():
    for name, made in {**{name: make(0.5) for name, make in penalties.PENALTIES.items()},
                       "falling": penalties.read("r1:0.1:0.01"),
                       "consistency": penalties.Consistency(1, gan.augment.DiffAugment())}.items():
        assert COPIES["pickle"](made) == copy.deepcopy(made) == made, name


def test_every_schedule_is_pickled_with_the_optimizer_that_it_moves():
    factors = [optim.step_decay(2), optim.exponential_decay(0.5), optim.linear_decay(4),
               optim.cosine_decay(4), optim.warmup(3), optim.warmup(2, optim.linear_decay(3))]
    made = {getattr(optim, name) for name in optim.__all__ if "decay" in name or name == "warmup"}
    assert len(made) == 5  # of which all are here
    for factor in factors:
        optimizer = optim.SGD(nn.Dense(2, 3).parameters(), lr=1.0)
        schedule = optim.Schedule(optimizer, factor)
        schedule.step()
        for copied in (COPIES["pickle"](schedule), copy.deepcopy(schedule)):
            rates = []
            for each in (schedule, copied):
                before = each.steps
                for _ in range(5):
                    each.step()
                    rates.append(each.optimizer.lr)
                each.steps = before
            assert rates[:5] == rates[5:]


def test_every_game_of_options_is_pickled():
    system = dataclasses.replace(gan.SYSTEMS["digits"], networks=gan.models.Pair(
        gan.models.digits_generator, gan.models.digits.discriminator, width=4))
    for given in [{**BESIDE.get(name, {}), name: value} for name, value in CHANGED.items()] + [
            {"discriminators": 2, "mix": "softmax"}]:
        game = gan.Options(**given).build(system, (8, 8, 1), 10, np.random.default_rng(0))
        copied = COPIES["pickle"](game)
        same(copied.state_dict().values(), game.state_dict().values())
