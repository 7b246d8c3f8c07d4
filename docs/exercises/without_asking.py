"""Without asking

Chapter: compiling. 6 minutes.

`step` halves what a loss counts where it is above 1. It asks for the number, in Python, and so it
cannot be captured: run it, and read the message. Write it so that arrays decide, and no Python
does: the captured step is to give the same losses. (`mg.ops.where(condition, a, b)` chooses element
by element.)
"""
# %% start
import minigan as mg


def step(x):
    """The mean of squares, of which what is above 1 counts half."""
    loss = (x * x).mean()
    if loss.item() > 1:
        loss = 1 + (loss - 1) / 2
    return loss


if __name__ == "__main__":
    captured = mg.capture(step)
    for scale in (0.5, 2.0, 0.5, 2.0, 1.0):
        print(captured(mg.tensor([scale, -scale])).item())
# %% solution
import minigan as mg


def step(x):
    """The mean of squares, of which what is above 1 counts half."""
    loss = (x * x).mean()
    return mg.ops.where(loss > 1, 1 + (loss - 1) / 2, loss)


if __name__ == "__main__":
    captured = mg.capture(step)
    for scale in (0.5, 2.0, 0.5, 2.0, 1.0):
        print(captured(mg.tensor([scale, -scale])).item())
# %% check
import warnings

captured, scales = mg.capture(step), [0.5, 2.0, 0.5, 2.0, 1.0, 3.0, 0.1, 1.5]
expected = [s * s if s <= 1 else 1 + (s * s - 1) / 2 for s in scales]
with warnings.catch_warnings():
    warnings.simplefilter("error")       # a list that was given up
    for n, (scale, right) in enumerate(zip(scales, expected)):
        try:
            got = captured(mg.tensor([scale, -scale, scale, -scale])).item()
        except (mg.CaptureError, UserWarning) as error:
            raise AssertionError(f"call {n + 1} is not captured: {error}") from None
        assert abs(got - right) < 1e-5, (
            f"of x = ±{scale} the step gives {got:.4g}, and {right:.4g} is right"
            + (": is it the choice of another call?" if n > 1 else ""))
captured.kernels()
x = mg.tensor([2.0, -2.0], requires_grad=True)
step(x).backward()
assert abs(x.grad.numpy() - [1, -1]).max() < 1e-5, (
    f"at x = (2, −2) the gradient is to be (1, −1), half of x: it is {x.grad.numpy()}")
