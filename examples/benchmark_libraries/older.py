"""The benchmark's steps in Chainer and DeZero, as ../benchmark_steps.py runs them: on the CPU, with
a NumPy before 2. `hidden` are the widths of both networks' dense layers, None for the DCGAN."""
import numpy as np

LATENT, PIXELS = 100, 784


def chainer_step(hidden, batch):
    import chainer
    from chainer import Sequential
    from chainer import functions as F
    from chainer import links as L

    def dense(sizes):
        layers = []
        for inputs, outputs in zip(sizes, sizes[1:]):
            layers += [L.Linear(inputs, outputs), leaky]
        return layers

    def leaky(x):
        return F.leaky_relu(x, 0.2)

    if hidden is None:
        shape = (1, 28, 28)
        generator = Sequential(
            L.Linear(LATENT, 7 * 7 * 128, nobias=True), L.BatchNormalization(7 * 7 * 128), leaky,
            lambda x: F.reshape(x, (-1, 128, 7, 7)),
            L.Deconvolution2D(128, 64, 5, 2, 2, nobias=True, outsize=(14, 14)),
            L.BatchNormalization(64), leaky,
            L.Deconvolution2D(64, 1, 5, 2, 2, outsize=(28, 28)), F.tanh)
        discriminator = Sequential(
            L.Convolution2D(1, 64, 5, 2, 2), leaky,
            L.Convolution2D(64, 128, 5, 2, 2), L.BatchNormalization(128), leaky,
            L.Linear(7 * 7 * 128, 1))  # which flattens its input
    else:
        shape = (PIXELS,)
        generator = Sequential(*dense([LATENT, *hidden]), L.Linear(hidden[-1], PIXELS), F.sigmoid)
        discriminator = Sequential(*dense([PIXELS, *hidden]), L.Linear(hidden[-1], 1))
    g_optimizer, d_optimizer = [chainer.optimizers.Adam(2e-4, 0.5, 0.999).setup(network)
                                for network in (generator, discriminator)]
    real = np.random.rand(batch, *shape).astype("f")
    one, zero = np.ones((batch, 1), "i"), np.zeros((batch, 1), "i")

    def step():
        fake = generator(np.random.randn(batch, LATENT).astype("f"))
        loss = (F.sigmoid_cross_entropy(discriminator(real), one)
                + F.sigmoid_cross_entropy(discriminator(fake.array), zero))
        discriminator.cleargrads()
        loss.backward()
        d_optimizer.update()
        loss = F.sigmoid_cross_entropy(discriminator(fake), one)
        generator.cleargrads()
        loss.backward()
        g_optimizer.update()
    return step


def dezero_step(hidden, batch):
    from dezero import Parameter, functions as F, layers as L, optimizers
    from dezero.models import Model

    class Up(L.Layer):
        """L.Deconv2d with the size of the output, which the layer does not pass on."""

        def __init__(self, inputs, outputs, size, nobias=False):
            super().__init__()
            self.size = size
            self.W = Parameter(np.random.randn(inputs, outputs, 5, 5).astype("f") * 0.02)
            self.b = None if nobias else Parameter(np.zeros(outputs, "f"))

        def forward(self, x):
            return F.deconv2d(x, self.W, self.b, 2, 2, (self.size, self.size))

    class Chain(Model):
        """Layers and functions, one after the other."""

        def __init__(self, *steps):
            super().__init__()
            self.steps = steps
            for i, f in enumerate(steps):
                if isinstance(f, L.Layer):
                    setattr(self, f"layer{i}", f)

        def forward(self, x):
            for f in self.steps:
                x = f(x)
            return x

    def dense(sizes):
        layers = []
        for size in sizes:
            layers += [L.Linear(size), F.leaky_relu]
        return layers

    if hidden is None:
        shape = (1, 28, 28)
        generator = Chain(
            L.Linear(7 * 7 * 128, nobias=True), L.BatchNorm(), F.leaky_relu,
            lambda x: F.reshape(x, (batch, 128, 7, 7)),
            Up(128, 64, 14, nobias=True), L.BatchNorm(), F.leaky_relu, Up(64, 1, 28), F.tanh)
        discriminator = Chain(
            L.Conv2d(64, 5, 2, 2), F.leaky_relu, L.Conv2d(128, 5, 2, 2), L.BatchNorm(),
            F.leaky_relu, F.flatten, L.Linear(1))
    else:
        shape = (PIXELS,)
        generator = Chain(*dense(hidden), L.Linear(PIXELS), F.sigmoid)
        discriminator = Chain(*dense(hidden), L.Linear(1))
    g_optimizer, d_optimizer = [optimizers.Adam(2e-4, 0.5, 0.999).setup(network)
                                for network in (generator, discriminator)]
    real = np.random.rand(batch, *shape).astype("f")
    one, zero = np.ones((batch, 1), "f"), np.zeros((batch, 1), "f")

    def step():
        fake = generator(np.random.randn(batch, LATENT).astype("f"))
        loss = (F.sigmoid_cross_entropy(discriminator(real), one)
                + F.sigmoid_cross_entropy(discriminator(fake.data), zero))
        discriminator.cleargrads()
        loss.backward()
        d_optimizer.update()
        loss = F.sigmoid_cross_entropy(discriminator(fake), one)
        generator.cleargrads()
        loss.backward()
        g_optimizer.update()
    return step
