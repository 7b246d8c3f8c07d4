"""Forward mode and vmap, where a framework has them: the same derivatives by other rules."""
from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .existence import random_direction
from .function import Point, flat, nudged, unflat
from .report import GradientError
from .stage import Stage

__tracebackhide__ = True  # pytest: the message says what is wrong


def check_modes(stage: Stage) -> None:
    """Check that forward mode gives the derivative that the reverse pass does, and that vmap gives
    of a batch what a loop does. A function that has no such rule is counted, not refused."""
    framework = stage.function.framework
    for part, check in MODES.items() if framework.has_modes and stage.start.size else ():
        if not stage.wants(part):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the frameworks, about their own rules
                wrong = check(stage)
        except GradientError:
            raise
        except Exception as error:
            if not framework.unsupported(error):
                raise stage.fail(f"{part} raised {type(error).__name__}: {error}") from error
            stage.report.skip(f"{part}: not implemented for this function")
            continue
        if wrong and not stage.rough:
            raise stage.fail(wrong)
        stage.report.skip(f"{part}: a kink", bool(wrong))  # of whose slopes each may take another
    stage.part = ""


def _check_forward(stage: Stage) -> str:
    """What is wrong with forward mode, "" if nothing is: ⟨u, J v⟩ = ⟨Jᵀ u, v⟩."""
    function, framework = stage.function, stage.function.framework
    v = random_direction(stage, stage.rng)
    tangents = [framework.array(part) for part in unflat(v, stage.point)]
    found = framework.forward(function.f, function.natives(stage.point), function.variables,
                              tangents)
    tangent = flat([framework.numpy(t) for t in found])
    if tangent.shape != stage.start.shape:
        return f"forward mode gives {tangent.size} numbers for {stage.start.size} of the result"
    for u in stage.cotangents(3):
        gradient = flat(stage.pull_back(u))
        off = abs(u @ tangent - gradient @ v)
        slack = stage.settings.atol + max(1e-9, 10 * stage.settings.accuracy) * (
            abs(u) @ abs(tangent) + abs(gradient) @ abs(v))
        if not off <= slack and not off <= slack + abs(v) @ stage.blur(u):
            return (f"along a random direction forward mode says {u @ tangent:.9g}, the reverse "
                    f"pass {gradient @ v:.9g}")
    return ""


def _check_batched(stage: Stage) -> str:
    """What is wrong with vmap, "" if nothing is: the point and one beside it, as a batch of two."""
    function, framework = stage.function, stage.function.framework
    u = stage.cotangents(1)[0]
    beside = nudged(stage.point)
    inside = np.isfinite(function.near_values(beside, stage.start)).all()
    points = [stage.point, beside if inside else stage.point]
    one_by_one = [stage.run(function.natives(point), u) for point in points]
    cotangents = [part.astype(y.dtype) for part, y in zip(unflat(u, function.outputs),
                                                          function.outputs)]
    found = framework.batched(function.f, function.natives(stage.point), function.variables,
                              _stacked(framework, points),
                              _stacked(framework, [cotangents, cotangents]))
    found = [framework.numpy(x) for x in found]
    count = len(function.outputs)
    for k, (values, gradients) in enumerate(one_by_one):
        off = abs(flat([y[k] for y in found[:count]]) - values)
        if not np.all(off <= stage.slack(values)):
            return f"the values of a batch by vmap are off by {np.max(off):.3g}"
        off = [abs(g[k] - e) for g, e in zip(found[count:], gradients)]
        for i, fine in enumerate(stage.excuses(off, [abs(e) for e in gradients], u)):
            if not fine:
                return (f"the gradient by {function.names[i]} of a batch by vmap is off by "
                        f"{np.max(off[i]):.3g}")
    return ""


def _stacked(framework: Any, points: list[Point]) -> list[Any]:
    return [framework.array(np.stack(parts)) for parts in zip(*points)]


MODES = {"forward mode": _check_forward, "vmap": _check_batched}
