"""What a step's numbers say about a run, and where a number that is not finite came from."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.data import Loader, digits
from minigan.gan import models
from minigan.gan.diagnostics import (
    advice,
    boundary,
    explain,
    mean_distance,
    objective_of,
    order,
    reading,
    saturation,
)
from minigan.gan.game import GAN
from minigan.gan.objectives import OBJECTIVES, minimax, nonsaturating, smoothed
from minigan.gan.several import GMAN, d2gan
from minigan.gan.trainer import Trainer
from minigan.gan.update import StepResult

IMAGES, _ = digits()
KEYS = {"d_loss", "g_loss", "d_real", "d_fake", "order", "d_gradient", "g_gradient", "diversity"}


def logits(*values):
    return mg.tensor(np.array(values, np.float32).reshape(-1, 1))


def make(objective=nonsaturating, d_lr=1e-3, g_lr=1e-3, d_steps=1, images=IMAGES[:320]):
    """A trainer that keeps its last step's result."""
    generator, discriminator = models.digits(width=32, latent=8, rng=np.random.default_rng(0))
    trainer = Trainer(GAN(generator, discriminator, objective),
                      Loader(images, batch_size=32, seed=0), lr=(d_lr, g_lr), d_steps=d_steps)
    trainer.callbacks.append(keep_result)
    return trainer


def keep_result(trainer, result):
    trainer.result = result


def history_of(steps, every=2, **options):
    """The readings of a short run."""
    trainer, rows = make(**options), []

    def look(trainer, result):
        if trainer.step % every == 0:
            rows.append(reading(trainer.players, result))

    trainer.callbacks.append(look)
    trainer.run(steps)
    return rows


# The numbers

def test_a_reading_is_of_plain_floats_and_agrees_with_the_step():
    trainer = make()
    trainer.run(2)
    numbers = reading(trainer.players, trainer.result)
    assert set(numbers) == KEYS | {"saturation", "real_right", "fake_right"}
    assert all(type(v) is float and np.isfinite(v) for v in numbers.values())
    result = trainer.result
    assert numbers["d_loss"] == result.d_loss.item()
    real, fake = result.real_logits.numpy(), result.fake_logits.numpy()
    assert numbers["real_right"] == (real > 0).mean() and numbers["fake_right"] == (fake < 0).mean()
    assert numbers["order"] == pytest.approx((real > fake.T).mean())
    assert numbers["d_real"] == pytest.approx((1 / (1 + np.exp(-real))).mean(), rel=1e-5)
    for key, optimizer in (("d_gradient", trainer.players.d_optimizer),
                           ("g_gradient", trainer.players.g_optimizer)):
        parts = [(p.grad.numpy() ** 2).sum() for p in optimizer.flat.tensors]
        assert numbers[key] == pytest.approx(np.sqrt(sum(parts)), rel=1e-5)


def test_a_reading_waits_for_the_device_once(array_library):
    if array_library != "strict":
        pytest.skip("NumPy never waits, and CuPy does not count")
    from tests.strict import counted

    trainer = make()
    trainer.run(1)
    reading(trainer.players, trainer.result)  # finds the objective's boundary, once
    with counted() as counts:
        reading(trainer.players, trainer.result)
    assert counts.synchronisations == 1


def test_a_reading_changes_nothing():
    trainer, other = make(), make()
    for t in (trainer, other):
        t.run(1)
    reading(trainer.players, trainer.result)
    for t in (trainer, other):
        t.run(2)
    for name, value in trainer.game.state_dict().items():
        np.testing.assert_array_equal(value, other.game.state_dict()[name])


@pytest.mark.parametrize("name, expected", [
    ("minimax", 0), ("nonsaturating", 0), ("least-squares", 0.5), ("hinge", 0), ("kl", 1),
    ("reverse-kl", 0), ("pearson", 0), ("neyman", 0), ("squared-hellinger", 0),
    ("jensen-shannon", 0), ("relativistic", 0), ("wasserstein", None), ("total-variation", None)])
def test_the_boundary_is_the_logit_of_what_is_as_likely_real_as_generated(name, expected):
    found = boundary(OBJECTIVES[name])
    assert found is expected if expected is None else found == pytest.approx(expected, abs=0.01)


def test_a_smoothed_label_moves_the_boundary():
    # 0.9 of what real examples say against 1.1 of the opposite: σ(logit) = 0.9 / 2
    assert boundary(smoothed(minimax, 0.1)) == pytest.approx(np.log(0.45 / 0.55), abs=0.02)
    # and where D's losses cancel, leaves 2 · 0.1 of a logit to be made ever smaller
    for name in ("wasserstein", "total-variation"):
        assert boundary(smoothed(OBJECTIVES[name], 0.1)) is None


def test_order_is_the_share_of_pairs_with_the_real_logit_larger_and_a_tie_is_half():
    real, fake = logits(3, 1).data.reshape(-1), logits(2, 1).data.reshape(-1)
    assert float(order(real, fake)) == (1 + 1 + 0 + 0.5) / 4


@pytest.mark.parametrize("name, values, share", [
    ("minimax", [-10, -10, 0, 3], 0.5),          # D sure that it is generated: the slope is σ
    ("nonsaturating", [-10, 0, 3, 10], 0.25),    # D fooled
    ("least-squares", [1, 0, 0.995, -3], 0.5),   # at its aim
    ("wasserstein", [-100, 0, 5, 100], 0),
    ("hinge", [-100, 0, 5, 100], 0),
    ("relativistic", [-20, -20, 30, 30], 0.5)])  # against a mean real logit of 0
def test_saturation_is_the_share_of_logits_without_a_slope(name, values, share):
    found = saturation(OBJECTIVES[name], logits(0, 0, 0, 0), logits(*values))
    assert float(found) == share


def test_mean_distance_is_that_of_all_pairs():
    x = np.random.default_rng(0).standard_normal((9, 2, 3)).astype(np.float32)
    expected = np.mean([np.linalg.norm(x[i] - x[j]) for i in range(9) for j in range(9) if i != j])
    assert float(mean_distance(mg.tensor(x).data)) == pytest.approx(expected, rel=1e-5)
    assert float(mean_distance(mg.tensor(np.ones((5, 3), np.float32)).data)) == 0
    assert float(mean_distance(mg.tensor(x[:1]).data)) == 0


@pytest.mark.parametrize("real, fake, expected", [
    (1.0, 0.5, 0.5), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)])
def test_diversity_is_relative_to_the_real_batch(real, fake, expected):
    trainer = make()
    trainer.run(1)
    x = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)
    result = trainer.result._replace(real=mg.tensor(x * np.float32(real)),
                                     fake=mg.tensor(x * np.float32(fake)))
    assert reading(trainer.players, result)["diversity"] == pytest.approx(expected, abs=1e-5)


def test_where_no_one_objective_holds_what_needs_it_is_left_out():
    generator, first = models.digits(width=8, latent=4, rng=np.random.default_rng(0))
    _, second = models.digits(width=8, latent=4, rng=np.random.default_rng(1))
    same = GMAN([GAN(generator, first), GAN(generator, second)])
    assert objective_of(same) is nonsaturating
    assert objective_of(d2gan(generator, first, second)) is None
    trainer = make(OBJECTIVES["wasserstein"])
    trainer.run(1)
    assert set(reading(trainer.players, trainer.result)) == KEYS | {"saturation"}


# Advice

def rows(n=40, **values):
    """n readings of a healthy run but for some values, each a number or a function of the row."""
    healthy = {"d_loss": 1.2, "g_loss": 0.9, "d_real": 0.6, "d_fake": 0.4, "order": 0.75,
               "d_gradient": 1.5, "g_gradient": 1.0, "diversity": 0.9, "saturation": 0.0,
               "real_right": 0.7, "fake_right": 0.7}
    return [{**healthy, **{k: v(i) if callable(v) else v for k, v in values.items()}}
            for i in range(n)]


@pytest.mark.parametrize("values, start", [
    ({"saturation": 0.95, "fake_right": 1.0}, "G's gradient has vanished: D is so sure"),
    ({"g_gradient": 1e-6}, "G's gradient has vanished within G"),
    ({"real_right": 1.0, "fake_right": 0.995, "order": 1.0}, "D has won"),
    ({"order": 0.1}, "D is too weak"),
    ({"order": 0.5, "d_gradient": 0.0}, "D is too weak"),
    ({"diversity": lambda i: 0.9 * 0.95 ** i}, "Modes are collapsing"),
    ({"diversity": 0.01}, "Modes are collapsing"),
    ({"diversity": 0.0, "real_right": 1.0, "fake_right": 1.0, "order": 1.0}, "Modes are")])
def test_each_failure_has_its_sentence_and_what_people_try(values, start):
    sentence = advice(rows(**values))
    assert sentence.startswith(start) and "People try" in sentence
    assert advice(rows(9, **values)) is None  # too early to tell


@pytest.mark.parametrize("values", [
    {}, {"saturation": 0.95, "fake_right": 0.0, "real_right": 0.9},  # no slope, and no need
    {"diversity": lambda i: 0.2 + 0.01 * i},                         # small, but growing
    {"order": lambda i: 0.5 + 0.05 * (-1) ** i},                     # an equilibrium
    {"real_right": 1.0, "fake_right": 0.8, "order": 0.98},
    {"d_loss": float("nan"), "order": float("nan"), "diversity": float("nan")}])
def test_a_healthy_history_hears_nothing(values):
    assert advice(rows(**values)) is None


def test_a_history_without_accuracies_is_judged_by_the_rest():
    history = [{k: row[k] for k in KEYS} for row in rows(order=1.0, diversity=0.01)]
    assert advice(history).startswith("Modes")
    assert advice([{k: row[k] for k in KEYS} for row in rows(order=1.0)]) is None


@pytest.mark.numpy_only("a run of hundreds of steps")
@pytest.mark.parametrize("start, options", [
    ("D has won", {"g_lr": 0, "steps": 200}),
    ("D is too weak", {"d_lr": 0, "steps": 100}),
    ("G's gradient has vanished", {"objective": minimax, "d_steps": 10, "steps": 60})])
def test_a_run_made_ill_on_purpose_is_recognised(start, options):
    history = history_of(**options)
    assert advice(history).startswith(start)


@pytest.mark.numpy_only("a run of hundreds of steps")
def test_a_healthy_run_hears_nothing_at_any_time():
    history = history_of(400, every=4)
    assert [advice(history[:i]) for i in range(len(history) + 1)] == [None] * (len(history) + 1)


# Where a NaN came from

def one_bad_pixel():
    images = IMAGES[:320].copy()
    images[37, 3, 3, 0] = np.nan
    return images


def test_a_replay_names_the_step_and_the_layer_at_which_data_was_wrong():
    trainer, losses, seen = make(images=one_bad_pixel()), [], []
    trainer.callbacks.append(lambda trainer, result: losses.append(result.d_loss.item()))
    state = trainer.state_dict()
    trainer.run(10)
    wrong = [np.isnan(loss) for loss in losses].index(True) + 1
    trainer.callbacks.append(lambda trainer, result: seen.append(trainer.step))
    before = trainer.captured, trainer.callbacks
    sentence = explain(trainer, state, 10)
    assert sentence.startswith(f"step {wrong} made the first number that is not finite: ")
    assert "has 1 NaN already: it is the input" in sentence
    assert trainer.step == wrong - 1 and not seen
    assert (trainer.captured, trainer.callbacks) == before


def test_a_replay_goes_on_from_the_saved_step():
    trainer = make()
    trainer.run(2)
    state = trainer.state_dict()
    trainer.run(4)
    assert "steps 3 to 4, made once more" in explain(trainer, state, 4)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_learning_rate_that_is_too_large_is_found_in_the_weights():
    trainer = make(d_lr=1e38)
    state = trainer.state_dict()
    sentence = explain(trainer, state, 5)
    assert sentence.startswith("step 1 made") and "discriminator.body.layers." in sentence
    assert "lower the learning rate" in sentence


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_operation_of_a_layer_is_found_by_its_name():
    class Log(nn.Module):
        def forward(self, x):
            return mg.ops.log(x)

    trainer = make()
    state = trainer.state_dict()
    trainer.game.discriminator.body.layers[2] = Log()
    sentence = explain(trainer, state, 3)
    assert "Log, forward, in discriminator.body.layers.2 (Log)" in sentence
    assert "log of 0 or less" in sentence


def test_the_step_and_not_its_recording_is_replayed():
    class Recorded:
        def __init__(self, step):
            self.step = step

        def __call__(self, *inputs):
            raise AssertionError("a replay runs no Python: nothing is seen in it")

    trainer = make()
    trainer.captured = recorded = Recorded(trainer.captured.step)
    assert explain(trainer, trainer.state_dict(), 1).startswith("steps 1 to 1")
    assert trainer.captured is recorded


def test_a_step_result_is_all_that_a_reading_needs_besides_the_players():
    assert {"d_loss", "g_loss", "real_logits", "fake_logits", "real", "fake"} == set(
        StepResult._fields)
