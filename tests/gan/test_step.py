"""One step of the game against hand-written NumPy, and against PyTorch where it is installed."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import backend, nn
from minigan.backend import asarray
from minigan.gan import minimax, models, nonsaturating, train_step
from minigan.gan import game


def judge(discriminator, real, fake):
    return game.judge(discriminator, (real,), (fake,))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class HandAdam:
    """Adam for one array, as the paper writes it."""

    def __init__(self, lr=2e-4, betas=(0.5, 0.999), eps=1e-8):
        self.lr, self.betas, self.eps, self.t, self.m, self.v = lr, betas, eps, 0, 0.0, 0.0

    def __call__(self, p, g):
        self.t += 1
        b1, b2 = self.betas
        self.m = b1 * self.m + (1 - b1) * g
        self.v = b2 * self.v + (1 - b2) * g * g
        m, v = self.m / (1 - b1 ** self.t), self.v / (1 - b2 ** self.t)
        return p - self.lr * m / (np.sqrt(v) + self.eps)


@pytest.mark.parametrize("objective", [minimax, nonsaturating], ids=["minimax", "nonsaturating"])
def test_three_steps_of_a_linear_game_equal_the_derivation_by_hand(objective):
    rng = np.random.default_rng(0)
    generator, discriminator = nn.Dense(2, 3, rng=rng), nn.Dense(3, 1, rng=rng)
    for module in (generator, discriminator):
        module.astype(np.float64)
    g_optimizer = mg.optim.Adam(generator.parameters())
    d_optimizer = mg.optim.Adam(discriminator.parameters())
    A, a = generator.weight.numpy(), generator.bias.numpy()
    w, b = discriminator.weight.numpy(), discriminator.bias.numpy()
    adams = [HandAdam() for _ in range(4)]

    for _ in range(3):
        real, z = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
        train_step(generator, discriminator, g_optimizer, d_optimizer, mg.tensor(real),
                   mg.tensor(z), objective)

        fake = z @ A + a
        slope_real = (sigmoid(real @ w + b) - 1) / 4      # of -ln D(x) by the logit
        slope_fake = sigmoid(fake @ w + b) / 4            # of -ln(1 - D(G(z)))
        w = adams[0](w, real.T @ slope_real + fake.T @ slope_fake)
        b = adams[1](b, (slope_real + slope_fake).sum(axis=0))
        d = sigmoid(fake @ w + b)                         # the new discriminator's answer
        slope = (-d if objective is minimax else d - 1) / 4
        A = adams[2](A, z.T @ (slope @ w.T))
        a = adams[3](a, (slope @ w.T).sum(axis=0))

    np.testing.assert_allclose(generator.weight.numpy(), A, rtol=1e-12)
    np.testing.assert_allclose(generator.bias.numpy(), a, rtol=1e-12)
    np.testing.assert_allclose(discriminator.weight.numpy(), w, rtol=1e-12)
    np.testing.assert_allclose(discriminator.bias.numpy(), b, rtol=1e-12)


def one_step(generator, discriminator, steps=1):
    rng = np.random.default_rng(1)
    g_optimizer = mg.optim.Adam(generator.parameters())
    d_optimizer = mg.optim.Adam(discriminator.parameters())
    for _ in range(steps):
        result = train_step(generator, discriminator, g_optimizer, d_optimizer,
                            mg.tensor(rng.random((5, 4, 4, 1), np.float32)),
                            mg.tensor(rng.standard_normal((5, generator.latent), np.float32)))
    return result


def small_pair():
    return models.mlp((4, 4, 1), width=8, depth=2, latent=3, rng=np.random.default_rng(0))


def test_the_generators_step_computes_no_weight_gradient_of_the_discriminator(monkeypatch):
    products, kernels = [], backend.current().kernels
    matmul = kernels.matmul

    def counted(x, w):
        products.append((x.shape, w.shape))
        return matmul(x, w)

    monkeypatch.setattr(kernels, "matmul", counted)
    one_step(*small_pair())
    # Both have 3 dense layers. Forward: G once, D once for both batches and once for G's step.
    # D's step: 3 weight and 2 input gradients, none for the data. G's step: 3 input gradients
    # through D, then 3 weight and 2 input gradients of G's own
    assert len(products) == 3 * 3 + (3 + 2) + 3 + (3 + 2)


class Alone(models.Discriminator):
    """A subclass, of which the step knows nothing."""


@pytest.mark.parametrize("build", [Alone, lambda body: models.Discriminator(body, nn.BatchNorm(1)),
                                   lambda body: models.Discriminator(body, nn.Dropout(0.1))])
def test_where_a_layer_may_mix_examples_both_batches_go_alone(build, monkeypatch):
    rng = np.random.default_rng(0)
    discriminator = build(nn.Dense(3, 1, rng=rng))
    seen = []
    forward = nn.Dense.forward
    monkeypatch.setattr(nn.Dense, "forward",
                        lambda self, x: seen.append(len(x)) or forward(self, x))
    judge(discriminator, mg.tensor(rng.random((4, 3))), mg.tensor(rng.random((5, 3))))
    assert seen == [4, 5]


def test_batches_of_two_precisions_or_a_replaced_forward_go_alone():
    """A forward that was set on one module may mix examples: only its class is known."""
    rng = np.random.default_rng(0)
    real, fake = mg.tensor(rng.random((4, 3))), mg.tensor(rng.random((5, 3)))
    discriminator = models.Discriminator(nn.Dense(3, 1, rng=rng))
    alone, _ = judge(discriminator, real.astype(np.float32), fake)
    assert alone.dtype == np.float32  # joined with the other it would be float64
    discriminator.forward = lambda x: x - x.mean(0)
    for logits, batch in zip(judge(discriminator, real, fake), (real, fake)):
        np.testing.assert_array_equal(logits.numpy(), discriminator(batch).numpy())


def test_batches_that_go_together_get_the_logits_that_each_gets_alone(monkeypatch):
    rng = np.random.default_rng(0)
    _, discriminator = models.mlp((4, 4, 1), width=8, rng=rng)
    discriminator.astype(np.float64)
    seen = []
    forward = models.Discriminator.forward
    monkeypatch.setattr(models.Discriminator, "forward",
                        lambda self, x: seen.append(len(x)) or forward(self, x))
    real, fake = mg.tensor(rng.random((4, 4, 4, 1))), mg.tensor(rng.random((5, 4, 4, 1)))
    for logits, batch in zip(judge(discriminator, real, fake), (real, fake)):
        np.testing.assert_allclose(logits.numpy(), discriminator(batch).numpy(), rtol=1e-12)
    assert seen == [9, 4, 5]


def test_a_step_leaves_the_discriminator_trainable_and_without_gradients_of_the_generators_loss():
    generator, discriminator = small_pair()
    one_step(generator, discriminator)
    assert all(p.requires_grad for p in discriminator.parameters())
    before = [p.grad.numpy() for p in discriminator.parameters()]
    assert all(np.isfinite(g).all() and np.abs(g).sum() > 0 for g in before[:-1])


def test_the_result_of_a_step_holds_no_graph():
    result = one_step(*small_pair())
    assert all(not t.requires_grad and t.creator is None for t in result)
    assert result.real_logits.shape == result.fake_logits.shape == (5, 1)


def identity():
    """A layer that returns its input, and can be trained away from it."""
    layer = nn.Dense(2, 2)
    layer.weight.data = asarray(np.eye(2, dtype=np.float32))
    return layer


def one_step_with_batch_norm(generator, discriminator):
    """On the means (4, 4) and (2, 8), the unbiased variances (8, 32) and (8, 128)."""
    real = mg.tensor(np.array([[2, 0], [6, 8]], np.float32))
    z = mg.tensor(np.array([[0, 0], [4, 16]], np.float32))
    train_step(generator, discriminator, mg.optim.SGD(generator.parameters(), lr=0.1),
               mg.optim.SGD(discriminator.parameters(), lr=0.1), real, z)


def test_a_step_moves_the_discriminators_running_statistics_three_times_in_order():
    norm = nn.BatchNorm(2, momentum=0.5)
    one_step_with_batch_norm(identity(), nn.Sequential(norm, nn.Dense(2, 1)))
    mean, var = np.zeros(2), np.ones(2)
    for batch in [(4, 4), (8, 32)], [(2, 8), (8, 128)], [(2, 8), (8, 128)]:  # real, fake, fake
        mean, var = (mean + batch[0]) / 2, (var + batch[1]) / 2
    assert norm.running_mean.numpy().tolist() == mean.tolist() == [2, 6.5]
    assert norm.running_var.numpy().tolist() == var.tolist() == [7.125, 100.125]


def test_a_step_moves_the_generators_running_statistics_once():
    norm = nn.BatchNorm(2, momentum=0.5)
    one_step_with_batch_norm(nn.Sequential(norm, identity()), nn.Dense(2, 1))
    assert norm.running_mean.numpy().tolist() == [1, 4]
    assert norm.running_var.numpy().tolist() == [4.5, 64.5]


def torch_pair(torch, generator, discriminator):
    """The same networks in PyTorch, with the same float64 weights."""
    def convert(module, last):
        layers, dense = [], [m for m in module.modules() if isinstance(m, nn.Dense)]
        for i, d in enumerate(dense):
            linear = torch.nn.Linear(*d.weight.shape, dtype=torch.float64)
            linear.weight.data = torch.from_numpy(d.weight.numpy().T.copy())
            linear.bias.data = torch.from_numpy(d.bias.numpy())
            layers += [linear] + ([torch.nn.LeakyReLU(0.2)] if i < len(dense) - 1 else [])
        return torch.nn.Sequential(*layers, *last)
    return convert(generator, [torch.nn.Sigmoid()]), convert(discriminator, [])


@pytest.mark.numpy_only("takes ten seconds; test_device_steps compares the device with NumPy")
def test_twenty_steps_of_mlp_small_equal_pytorch_in_every_parameter():
    torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
    generator, discriminator = models.mlp_small(rng=np.random.default_rng(0))
    generator.astype(np.float64), discriminator.astype(np.float64)
    g_optimizer = mg.optim.Adam(generator.parameters())
    d_optimizer = mg.optim.Adam(discriminator.parameters())
    G, D = torch_pair(torch, generator, discriminator)
    adam = {"lr": 2e-4, "betas": (0.5, 0.999)}
    opt_g = torch.optim.Adam(G.parameters(), **adam)
    opt_d = torch.optim.Adam(D.parameters(), **adam)
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    one, zero = torch.ones(50, 1, dtype=torch.float64), torch.zeros(50, 1, dtype=torch.float64)

    rng = np.random.default_rng(1)
    for _ in range(20):
        x, z = rng.random((50, 28, 28, 1)), rng.uniform(-1, 1, (50, 100))
        train_step(generator, discriminator, g_optimizer, d_optimizer, mg.tensor(x), mg.tensor(z))

        fake = G(torch.from_numpy(z))
        opt_d.zero_grad()
        real = torch.from_numpy(x.reshape(50, 784))
        (bce(D(real), one) + bce(D(fake.detach()), zero)).backward()
        opt_d.step()
        opt_g.zero_grad()
        bce(D(fake), one).backward()
        opt_g.step()

    for ours, theirs in ((generator, G), (discriminator, D)):
        pairs = zip(ours.parameters(), theirs.parameters())
        for p, q in pairs:
            expected = q.detach().numpy()
            expected = expected.T if expected.ndim == 2 else expected
            error = np.abs(p.numpy() - expected).max() / np.abs(expected).max()
            assert error < 1e-9
