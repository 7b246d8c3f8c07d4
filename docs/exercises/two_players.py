"""Two players, one graph

Chapter: accumulation. 6 minutes.

Two players: `a` wants a · b small, `b` wants it large. As written, the round ends with a
RuntimeError: the second `backward` needs the old `a`, which has moved. Mend it without a second
forward pass: both gradients are those at the **old** values, both players move once, and neither
`.grad` may contain a piece of the other player's loss.
"""
# %% start
import minigan as mg


def play(a, b, rate):
    """One round: a and b, Tensors of one number, each move along their own gradient."""
    of_a, of_b = mg.optim.SGD([a], lr=rate), mg.optim.SGD([b], lr=rate)
    loss = a * b
    for player, own_loss in (of_a, loss), (of_b, -loss):
        player.zero_grad()
        own_loss.backward()
        player.step()


# %% solution
import minigan as mg


def play(a, b, rate):
    """One round: a and b, Tensors of one number, each move along their own gradient."""
    of_a, of_b = mg.optim.SGD([a], lr=rate), mg.optim.SGD([b], lr=rate)
    loss = a * b
    of_a.zero_grad()
    of_b.zero_grad()
    loss.backward(inputs=[a])       # for a alone: b.grad stays empty
    (-loss).backward(inputs=[b])
    of_a.step()                     # nobody moves before both gradients are there
    of_b.step()


# %% check
for old_a, old_b in (3.0, 2.0), (-1.0, 5.0):
    a, b = mg.tensor(old_a, requires_grad=True), mg.tensor(old_b, requires_grad=True)
    for rounds in 1, 2:
        right = old_a - 0.1 * old_b, old_b + 0.1 * old_a
        try:
            play(a, b, 0.1)
        except RuntimeError as error:
            raise AssertionError(
                f"{error}\n\nWho moves when? A step changes what the graph remembers.") from None
        got = a.item(), b.item()
        where = f"round {rounds} from a = {old_a:g}, b = {old_b:g}"
        assert abs(got[1] - (old_b + 0.1 * right[0])) > 1e-4, (
            f"{where}: b was moved by the gradient at the new a, not at the old one")
        assert max(abs(x - y) for x, y in zip(got, right)) < 1e-5, (
            f"{where}: it went to ({got[0]:.4g}, {got[1]:.4g}), and "
            f"({right[0]:.4g}, {right[1]:.4g}) is right. A backward() adds to the .grad of every "
            "leaf that it reaches, the other player's too: what is in each .grad at its step?")
        old_a, old_b = right
