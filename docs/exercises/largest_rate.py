"""The largest rate

Chapter: learning. 5 minutes.

Each loss has one weight and its lowest point at 0. Below which learning rate does gradient descent
get there, if it starts near by? Write `largest_rate(loss)`. The curvature is not given, and it
differs from place to place; what counts is how fast the slope grows at the bottom. Measure it:
`slope(loss, w)` is there to help.
"""
# %% start
import minigan as mg


def slope(loss, w):
    """The derivative of the loss at w."""
    w = mg.tensor(float(w), requires_grad=True)
    return mg.grad(loss(w), w)[0].item()


def largest_rate(loss):
    """The learning rate from which on the steps grow instead of shrinking."""
    return 0.5


def parabola(w):
    return 2 * w * w


if __name__ == "__main__":
    print(largest_rate(parabola))


# %% solution
import minigan as mg


def slope(loss, w):
    """The derivative of the loss at w."""
    w = mg.tensor(float(w), requires_grad=True)
    return mg.grad(loss(w), w)[0].item()


def largest_rate(loss):
    """The learning rate from which on the steps grow instead of shrinking."""
    h = 0.001
    curvature = (slope(loss, h) - slope(loss, -h)) / (2 * h)    # how fast the slope grows
    return 2 / curvature            # |1 − lr · curvature| < 1; the fastest is half of it


def parabola(w):
    return 2 * w * w


if __name__ == "__main__":
    print(largest_rate(parabola))


# %% check
import minigan as mg


def steep(w):
    return 50 * w * w


def flat(w):
    return 0.01 * w * w


def bowl(w):
    return 1 - mg.ops.cos(3 * w)


def curve(w):
    return mg.ops.log(1 + w * w) * 4


def after(loss, rate):
    """How far from the bottom 300 steps from 0.001 lead, at most to 1e6."""
    w = 0.001
    for _ in range(300):
        w = w - rate * slope(loss, w) if abs(w) < 1e6 else w
    return abs(w)


for loss, name, bound in [(parabola, "2w²", 0.5), (steep, "50w²", 0.02), (flat, "0.01w²", 100.0),
                          (bowl, "1 − cos 3w", 2 / 9), (curve, "4 ln(1 + w²)", 0.25)]:
    try:
        rate = largest_rate(loss)
    except ZeroDivisionError:
        raise AssertionError("this divides by 0. The slope at the bottom is 0; asked is how fast "
                             "it grows: take it at two places") from None
    assert isinstance(rate, (int, float)) or getattr(rate, "ndim", 1) == 0, (
        f"largest_rate returned {rate!r}: a number is wanted")
    rate = float(rate)
    if abs(rate / bound - 1) < 0.01:
        continue
    if name == "2w²":
        assert abs(rate / bound - 0.5) > 0.01, (
            "0.25 is the rate that reaches the bottom of 2w² in one step. One can go on beyond: "
            "what if each step overshoots, but lands nearer than it began? (Or is the difference "
            "of the slopes divided by the wrong distance?)")
        assert rate < 10 * bound, (
            f"for {name} you say {rate:.4g}, far too large. Have you divided the difference of "
            "the slopes by the distance between the two places?")
    assert abs(rate - 0.5) > 1e-9, (
        f"0.5 is right for 2w², but not for {name}: the bound depends on how fast the slope grows "
        "there. Measure that from two slopes")
    assert abs(rate / bound - 0.5) > 0.01, (
        f"{rate:.4g} is the fastest rate for {name}, and not the largest that converges")
    assert rate > 0, (
        f"for {name} you say {rate:.4g}, and a rate is above 0. Where did you measure? Far from "
        "the bottom the slope may well fall again; what counts is how fast it grows at w = 0")
    assert abs(rate / bound - 1) > 0.05, (
        f"for {name} you say {rate:.4g}: nearly right, but not to one part in a hundred. Are your "
        "two slopes too far from the bottom, so that the curvature changes between them?")
    end = after(loss, 0.98 * rate) if rate > bound else after(loss, 1.02 * rate)
    raise AssertionError(
        f"for {name} you say {rate:.4g}. " + (
            f"But 300 steps with 0.98 times that lead from 0.001 to {end:.2g}: it is too large"
            if rate > bound else
            f"But 300 steps with 1.02 times that lead from 0.001 to {end:.2g}, nearer to the "
            "bottom: it can be larger") +
        ". A step multiplies w by 1 − lr · curvature, that at the bottom, w = 0. Between which "
        "numbers must that lie?")
