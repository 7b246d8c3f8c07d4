"""The benchmark's steps in JAX, each one function that `jit` compiles, as ../benchmark_steps.py
runs them: on the CPU. Images are (N, H, W, C), weights lie as minigan's. Running statistics, which
no step reads, are left out."""
import jax
import numpy as np
from jax import lax
from jax import numpy as jnp
from jax.nn import softplus

LATENT, PIXELS = 100, 784
LAYOUT = ("NHWC", "HWIO", "NHWC")

# Layers: the shapes of their parameters, and what they make of x and these


def dense(inputs, outputs, bias=True):
    return [(inputs, outputs), *[(outputs,)] * bias], lambda x, w, b=0: x @ w + b


def conv(inputs, outputs):
    def f(x, w, b):
        return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=LAYOUT) + b
    return [(5, 5, inputs, outputs), (outputs,)], f


def conv_transpose(inputs, outputs, size=5, stride=2, bias=True):
    def f(x, w, b=0):
        return lax.conv_transpose(x, w, (stride, stride), "SAME", dimension_numbers=LAYOUT,
                                  transpose_kernel=True) + b
    return [(size, size, outputs, inputs), *[(outputs,)] * bias], f


def batch_norm(features):
    def f(x, weight, bias):
        rows = tuple(range(x.ndim - 1))
        return (x - x.mean(rows)) * lax.rsqrt(x.var(rows) + 1e-5) * weight + bias
    return [(features,), (features,)], f


def plain(f):
    return [], f


def leaky(slope):
    return plain(lambda x: jnp.where(x > 0, x, slope * x))


def dense_stack(sizes, slope, normalised=False):
    return [layer for inputs, outputs in zip(sizes, sizes[1:]) for layer in (
        dense(inputs, outputs), *[batch_norm(outputs)] * normalised, leaky(slope))]


def networks(workload, hidden):
    """The layers of the generator and of the discriminator."""
    flat = plain(lambda x: x.reshape(len(x), -1))
    if workload == "dcgan":
        return ([dense(LATENT, 7 * 7 * 128, bias=False), batch_norm(7 * 7 * 128), leaky(0.2),
                 plain(lambda x: x.reshape(-1, 7, 7, 128)),
                 conv_transpose(128, 64, bias=False), batch_norm(64), leaky(0.2),
                 conv_transpose(64, 1), plain(jnp.tanh)],
                [conv(1, 64), leaky(0.2), conv(64, 128), batch_norm(128), leaky(0.2), flat,
                 dense(7 * 7 * 128, 1)])
    if workload == "dense-dcgan":
        return ([*dense_stack([LATENT, 128, 256, 512, 1024, 7 * 7 * 256], 0.3, normalised=True),
                 plain(lambda x: x.reshape(-1, 7, 7, 256)),
                 conv_transpose(256, 128), batch_norm(128), leaky(0.3),
                 conv_transpose(128, 64), batch_norm(64), leaky(0.3),
                 conv_transpose(64, 1, 7, 1), plain(jnp.tanh)],
                [flat, *dense_stack([PIXELS, 1024, 512, 256], 0.3, normalised=True),
                 dense(256, 1)])
    return ([*dense_stack([LATENT, *hidden], 0.2), dense(hidden[-1], PIXELS),
             plain(jax.nn.sigmoid)],
            [*dense_stack([PIXELS, *hidden], 0.2), dense(hidden[-1], 1)])


def of(layers):
    """The network as a function of its parameters, a list, and of x."""
    def network(parameters, x):
        rest = iter(parameters)
        for shapes, f in layers:
            x = f(x, *[next(rest) for _ in shapes])
        return x
    return network


def adam(state, grads, t):
    """The parameters and both moments after step t, by Adam(2e-4, betas=(0.5, 0.999))."""
    moved = []
    for p, m, v, grad in zip(*state, grads):
        m, v = m + 0.5 * (grad - m), v + 0.001 * (grad * grad - v)
        change = m / (1 - 0.5 ** t) / (jnp.sqrt(v / (1 - 0.999 ** t)) + 1e-8)
        moved.append((p - 2e-4 * change, m, v))
    return tuple(map(list, zip(*moved)))


def at_rest(parameters):
    """Adam's state before the first step."""
    return parameters, *[[jnp.zeros_like(p) for p in parameters] for _ in range(2)]


def update_of(workload, hidden):
    """update(state, real, z, share): the state after a step, and both losses. A state is G's and
    D's (parameters, moments), and the number of the step, from 1 on."""
    generate, judge = map(of, networks(workload, hidden))

    def d_loss(d, real, fake, share):
        if workload != "wgan-gp":
            return softplus(-judge(d, real)).mean() + softplus(judge(d, fake)).mean()
        slopes = jax.grad(lambda x: judge(d, x).sum())(real + share * (fake - real))
        penalty = 10 * ((jnp.linalg.norm(slopes, axis=1) - 1) ** 2).mean()
        return judge(d, fake).mean() - judge(d, real).mean() + penalty

    def g_loss(fake, d):
        logits = judge(d, fake)
        return (-logits if workload == "wgan-gp" else softplus(-logits)).mean()

    def update(state, real, z, share):
        g, d, t = state
        fake, pull_back = jax.vjp(lambda parameters: generate(parameters, z), g[0])
        d_value, grads = jax.value_and_grad(d_loss)(d[0], real, fake, share)
        d = adam(d, grads, t)
        g_value, by_fake = jax.value_and_grad(g_loss)(fake, d[0])
        return (adam(g, *pull_back(by_fake), t), d, t + 1), (d_value, g_value)

    return update


def jax_step(workload, hidden, batch):
    rng, update = np.random.default_rng(0), update_of(workload, hidden)
    g, d = [at_rest([jnp.asarray(0.02 * rng.standard_normal(shape, np.float32))
                     for shapes, _ in layers for shape in shapes])
            for layers in networks(workload, hidden)]
    real = jnp.asarray(rng.random((batch, *([PIXELS] if hidden else [28, 28, 1])), np.float32))

    def whole(state, key):
        key, for_z, for_share = jax.random.split(key, 3)
        z = jax.random.normal(for_z, (batch, LATENT))
        state, losses = update(state, real, z, jax.random.uniform(for_share, (batch, 1)))
        return (state, key), losses

    run = jax.jit(whole, donate_argnums=(0, 1))  # into the memory of the state before
    state = (g, d, jnp.float32(1)), jax.random.key(0)

    def step():
        nonlocal state
        state, losses = jax.block_until_ready(run(*state))
        return losses
    return step
