"""How healthy a run is: a few numbers of a step, and what people do when they look ill."""
from __future__ import annotations

from functools import lru_cache
from typing import Any, Callable, Iterable, Mapping, Sequence

from .. import backend
from ..anomaly import AnomalyError, anomaly
from ..autodiff import Tensor, grad
from ..backend import Array, array_module
from ..nn import Module
from ..optim import Optimizer
from .game import GAN
from .objectives import Objective
from .update import Players, StepResult

ROWS = 64    # examples whose distances are taken: 2016 pairs
PAIRS = 256  # logits of each kind that are compared with each other
FLAT = 0.01  # a slope of G's objective by a logit is none below this; at its steepest it is near 1
TINY = 1e-12
NAN = float("nan")
CURVES = {  # caption: by the fields of `reading`, the names of their curves; and limits
    "losses": ({"d_loss": "discriminator", "g_loss": "generator"}, None),
    "what D answers, 1 being real": ({"d_real": "D(x)", "d_fake": "D(G(z))"}, (0, 1)),
    "how often D is right": ({"real_right": "of real", "fake_right": "of generated",
                              "order": "of pairs (0.5: it guesses)"}, (0, 1)),
    "norms of the gradients": ({"d_gradient": "discriminator", "g_gradient": "generator"}, None),
    "what G does: 0 is collapse, 1 right; 1 is taught nothing": (
        {"diversity": "diversity", "saturation": "saturation"}, None),
}


def reading(players: Players, result: StepResult) -> dict[str, float]:
    """The numbers of a step, of the gradients that it left and the batches that it saw. Waits for
    a GPU once.

    d_loss, g_loss            the losses
    d_real, d_fake            the mean of σ(logit) over real and over generated examples
    real_right, fake_right    the share of real and of generated examples that D takes for what
                              they are, its logit on the right side of the objective's `boundary`;
                              left out where there is none, as for Wasserstein's
    order                     the share of pairs, a real and a generated example, of which D gives
                              the real one the larger logit: 0.5 is guessing, for any objective
    d_gradient, g_gradient    the Euclidean norms of both players' gradients (after clipping, if
                              they are clipped)
    saturation                the share of generated examples by which G's objective has no slope
                              to speak of, |∂loss/∂logit| < 0.01: they teach G nothing
    diversity                 the mean distance of two generated examples, over that of two real
                              ones (64 of each): 0 is collapse to a point, and about 1 is right

    Distances do not see everything: one example of each of two far modes has distance enough. A
    game of several discriminators is read by their mean logit; where their objectives differ
    (D2GAN) there is no one boundary or slope, and what needs it is left out.
    """
    real, fake = result.real_logits.data.reshape(-1), result.fake_logits.data.reshape(-1)
    objective = objective_of(players.game)
    numbers = {
        "d_loss": result.d_loss.data, "g_loss": result.g_loss.data,
        "d_real": backend.kernels(real).sigmoid(real).mean(),
        "d_fake": backend.kernels(fake).sigmoid(fake).mean(),
        "order": order(real, fake),
        "d_gradient": gradient_norm(players.d_optimizer),
        "g_gradient": gradient_norm(players.g_optimizer),
        "diversity": ((mean_distance(result.fake.data) + TINY)
                      / (mean_distance(result.real.data) + TINY)),
    }
    if objective is not None:
        numbers["saturation"] = saturation(objective, result.real_logits, result.fake_logits)
        if boundary(objective) is not None:
            numbers["real_right"], numbers["fake_right"] = accuracies(objective, real, fake)
    values = array_module(real).concatenate([backend.result(v).astype(real.dtype).reshape(1)
                                             for v in numbers.values()])
    return dict(zip(numbers, Tensor(values).numpy().tolist()))


def objective_of(game: GAN) -> Objective | None:
    """The game's objective, or that of all its games; None if there are several."""
    found = {g.objective for g in getattr(game, "games", [game])}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=None)
def boundary(objective: Objective) -> float | None:
    """The logit of an example that is as likely real as generated, which is where D's two losses
    together are least: 0 for minimax, 1/2 for least squares, 1 for KL. The middle, if there are
    many (hinge: −1 to 1); None if it could be any, as for Wasserstein, whose critic means only
    differences, or if the loss falls without end, as with smoothed labels there."""
    places = [i / 64 for i in range(-512, 513)]
    logits = Tensor(backend.asarray(places))
    total = (objective.on_real(logits) + objective.on_fake(logits)).numpy()
    least = [place for place, v in zip(places, total) if v <= total.min() + 1e-9]
    return None if {places[0], places[-1]} & {*least} else sum(least) / len(least)


def accuracies(objective: Objective, real: Array, fake: Array) -> tuple[Array, Array]:
    """The shares of real and of generated examples whose logit is on the right side of the
    boundary. A relativistic D says how far they are from the other kind's mean."""
    limit = boundary(objective)
    if objective.relativistic:
        real, fake = real - fake.mean(), fake - real.mean()
    return (real > limit).mean(), (fake < limit).mean()


def order(real: Array, fake: Array) -> Array:
    """The share of pairs in the right order; a tie is half."""
    real, fake = real[:PAIRS, None], fake[None, :PAIRS]
    return (real > fake).mean() + (real == fake).mean() * 0.5


def gradient_norm(optimizer: Optimizer) -> Array:
    """The Euclidean norm of the gradient that the last step left."""
    left = [t.grad.data for t in optimizer.flat.tensors if t.grad is not None]
    return array_module(left[0]).sqrt(sum((g * g).sum() for g in left))


def saturation(objective: Objective, real: Tensor, fake: Tensor) -> Array:
    """The share of generated logits by which G's objective is flat."""
    logits = Tensor(fake.data, requires_grad=True)
    slope, = grad(objective.generator(logits, real), logits, allow_unused=True)
    return (abs(slope.data) * logits.size < FLAT).mean()  # the objective is a mean over examples


def mean_distance(x: Array) -> Array:
    """The mean Euclidean distance of two of the first ROWS examples; 0 for a single one."""
    xp, x = array_module(x), x[:ROWS].reshape(min(len(x), ROWS), -1)
    x = x - x.mean(axis=0)  # |a|² + |b|² − 2ab is the more exact, the smaller they are
    squares = (x * x).sum(axis=1)
    between = squares[:, None] + squares[None, :] - 2 * (x @ x.T)
    between *= 1 - xp.eye(len(x), dtype=x.dtype)  # to itself 0, not what rounding leaves
    return xp.sqrt(xp.maximum(between, 0)).sum() / max(len(x) * (len(x) - 1), 1)


RECENT = 10  # readings; of one every 10 steps, that is the last 100 steps
LONG = 30
AGAIN = 1000  # steps without a failure, after which it is news again


def advice(history: Sequence[Mapping[str, float]]) -> str | None:
    """A sentence about what is going wrong, and what people try then, if the last readings show a
    failure that is known; else None, also where there are too few of them. Its limits are
    chosen so that healthy runs, which also start with a D that is always right, hear nothing.

    history  what `reading` returned, the latest last, of about every 10th step
    """
    found = (sentence for sign, sentence in SIGNS if sign(history))
    return next(found, None)


class Adviser:
    """Hears the readings of a run, and says what looks ill; again only if it has not for a while.
    `said` has all of it, by the steps."""

    def __init__(self, rows: Iterable[Mapping[str, float]] = ()):
        self.said: list[tuple[int, str]] = []
        self._held: dict[str, int] = {}  # sentence: when it held last
        self._history: list[Mapping[str, float]] = []
        for row in rows:
            self.hear(row)

    def hear(self, row: Mapping[str, float]) -> str | None:
        """What is news by a reading and its step, if anything."""
        self._history = [*self._history[1 - LONG:], row]
        step, sentence = int(row["step"]), advice(self._history)
        if sentence is None:
            return None
        news = step - self._held.get(sentence, -AGAIN) >= AGAIN
        self._held[sentence] = step
        if news:
            self.said.append((step, sentence))
        return sentence if news else None


def has_vanished(history: Sequence[Mapping[str, float]]) -> bool:
    """Nine tenths of the generated examples give G no slope, because D is sure of them. (Where D
    is sure that they are real there is no slope either, and no need of one.)"""
    return (mean_of(history, "saturation", RECENT) > 0.9
            and mean_of(history, "fake_right", RECENT) > 0.9)


def is_dead(history: Sequence[Mapping[str, float]]) -> bool:
    """G's gradient is next to nothing, though D is not fooled and the objective has a slope."""
    ratio = mean_of(history, "g_gradient", RECENT) / (mean_of(history, "d_gradient", RECENT) + TINY)
    return ratio < 1e-4 and mean_of(history, "order", RECENT) > 0.5


def is_weak(history: Sequence[Mapping[str, float]]) -> bool:
    """D mostly prefers the generated examples, or gives all the same logit."""
    return (mean_of(history, "order", 2 * RECENT) < 0.4
            or all(row.get("order") == 0.5 for row in history[-RECENT:]) and len(history) >= RECENT)


def is_collapsing(history: Sequence[Mapping[str, float]]) -> bool:
    """Generated examples are half as far from each other as real ones and coming closer, or have
    long been next to the same. Many a generator starts with small distances that grow."""
    now, before = (mean_of(rows, "diversity", RECENT) for rows in (history, history[:-RECENT]))
    return now < 0.5 and now < 0.9 * before or mean_of(history, "diversity", LONG) < 0.1


def has_won(history: Sequence[Mapping[str, float]]) -> bool:
    """D has not been wrong for long."""
    return (mean_of(history, "real_right", LONG) > 0.99
            and mean_of(history, "fake_right", LONG) > 0.99)


# causes before consequences: collapsed examples are easily known, so D wins, too
SIGNS: list[tuple[Callable[[Sequence[Mapping[str, float]]], bool], str]] = [
    (has_vanished,
     "G's gradient has vanished: D is so sure of the generated examples that the objective has no "
     "slope there. People try --objective nonsaturating in place of minimax, hinge or wasserstein "
     "with --penalty gradient, or a D that is held back by --penalty r1 or fewer --d-steps."),
    (is_dead,
     "G's gradient has vanished within G: the objective has a slope, but G's weights get less than "
     "1/10000 of what D's get. People try LeakyReLU for ReLU, BatchNorm in G, data scaled to "
     "the range of G's last layer, and a smaller --lr."),
    (is_weak,
     "D is too weak: it does not give real examples the larger logits, so G learns nothing from "
     "it. People try more --d-steps, a larger --d-lr, a wider D, and less "
     "of what holds it back (--penalty, --clip-weights, --label-noise)."),
    (is_collapsing,
     "Modes are collapsing: generated examples are less than half as far from each other as real "
     "ones are, and no further than before. People try --pack 2, --penalty r1r2, --objective "
     "relativistic, --unroll 5, BatchNorm in G, and a smaller --lr."),
    (has_won,
     "D has won: for long it has been right about all but 1 % of the real and of the generated "
     "examples, and G does not catch up. People try --penalty r1, --label-smoothing 0.1, "
     "--instance-noise 0.1 or --spectral-norm, a smaller --d-lr, and a wider G with BatchNorm."),
]


def mean_of(history: Sequence[Mapping[str, float]], key: str, n: int) -> float:
    """The mean of the last n readings; NaN, of which nothing is true, if there are fewer."""
    rows = history[-n:]
    return sum(row.get(key, NAN) for row in rows) / n if len(rows) == n else NAN


def explain(trainer: Any, state: Mapping[str, Any] | None, steps: int) -> str:
    """Where the first number that is not finite came from: the steps from a saved state on are
    made once more under `mg.anomaly()`, and what that says is returned, in a sentence or two.

    trainer  a gan.Trainer; it is left where the error was, not where it had been
    state    a state_dict() of before the numbers went wrong; None: the trainer is there
    steps    the step that showed them; the replay ends there

    A run is deterministic, so it goes wrong again: on a CPU in the same bits, on a GPU nearly so.
    Steps are made as they are, not captured, and callbacks do not see them. On a GPU every
    operation waits. Nothing is raised for a replay without an error: the sentence says so.
    """
    captured, callbacks, display = trainer.captured, trainer.callbacks, trainer.display
    if state is not None:
        trainer.load_state_dict(state)
    trainer.captured, trainer.callbacks = getattr(captured, "step", captured), []
    trainer.stop, trainer.display = False, None
    first = trainer.step
    try:
        with anomaly(**networks(trainer.game)):
            trainer.run(steps)
    except AnomalyError as error:
        return f"step {trainer.step + 1} made the first number that is not finite: {error}"
    finally:
        trainer.captured, trainer.callbacks, trainer.display = captured, callbacks, display
    return (f"steps {first + 1} to {steps}, made once more under mg.anomaly(), made only finite "
            "numbers: either what went wrong is done outside of operations, as in an optimiser's "
            "last step, or the device does not compute the same twice")


def networks(game: Module) -> dict[str, Module]:
    """A game's networks by their names."""
    return {name: child for name, child in game.children() if isinstance(child, Module)}
