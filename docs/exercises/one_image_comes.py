"""One image comes

Chapter: batch_norm. 6 minutes.

Batch normalisation without weights, in NumPy, with running statistics. Its evaluation mode has been
forgotten: with a batch of one everything comes out as 0. And the statistics are moved the wrong way
round. Mend both. In training the statistics of the batch are used, and the running ones each move
by `momentum`, a tenth, of the way towards them; in evaluation the running ones are used, and stay.
"""
# %% start
import numpy as np


class Normalise:
    def __init__(self, features, momentum=0.1):
        self.mean, self.var, self.momentum = np.zeros(features), np.ones(features), momentum

    def __call__(self, x, training):
        mean, var = x.mean(axis=0), x.var(axis=0)
        self.mean = self.momentum * self.mean + (1 - self.momentum) * mean
        self.var = self.momentum * self.var + (1 - self.momentum) * var
        return (x - mean) / np.sqrt(var + 1e-5)


# %% solution
import numpy as np


class Normalise:
    def __init__(self, features, momentum=0.1):
        self.mean, self.var, self.momentum = np.zeros(features), np.ones(features), momentum

    def __call__(self, x, training):
        mean, var = self.mean, self.var
        if training:
            mean, var = x.mean(axis=0), x.var(axis=0)
            self.mean = self.mean + self.momentum * (mean - self.mean)
            self.var = self.var + self.momentum * (var - self.var)
        return (x - mean) / np.sqrt(var + 1e-5)


# %% check
rng = np.random.default_rng(0)
for momentum in 0.1, 0.3:
    layer = Normalise(2, momentum)
    for step in range(3):
        x = rng.normal(5, 3, (16, 2))
        mean, var = layer.mean.copy(), layer.var.copy()
        y = layer(x, training=True)
        assert isinstance(y, np.ndarray) and y.shape == x.shape, (
            "the layer is to return an array of the shape of x")
        assert np.allclose(y.mean(axis=0), 0, atol=1e-9) and np.allclose(y.std(axis=0), 1,
                                                                         atol=1e-4), (
            "in training each feature is to come out with mean 0 and deviation 1: the batch's own "
            f"statistics are used; here the means are {y.mean(axis=0).round(3)} and the deviations "
            f"{y.std(axis=0).round(3)}")
        for name, was, now, batch in (("mean", mean, layer.mean, x.mean(axis=0)),
                                      ("var", var, layer.var, x.var(axis=0))):
            share = ((now - was) / (batch - was)).round(6)
            assert np.allclose(share, momentum), (
                f"with momentum {momentum}, step {step + 1}: the running {name} moved {share[0]:g} "
                "of the way from where it was to the batch's")
    mean, var = layer.mean.copy(), layer.var.copy()
    one = np.array([[5.0, 8.0]])
    y = layer(one, training=False)
    assert isinstance(y, np.ndarray) and y.shape == (1, 2), (
        "in evaluation, too, the layer is to return an array of the shape of x")
    assert not np.allclose(y, 0), (
        "in evaluation a batch of one comes out as 0: its own mean was taken from it. Whose mean "
        "is to be used?")
    assert np.array_equal(layer.mean, mean) and np.array_equal(layer.var, var), (
        "evaluation has moved the running statistics: what comes then would depend on what came "
        "before")
    assert np.allclose(y, (one - mean) / np.sqrt(var + 1e-5)), (
        f"in evaluation {one[0]} becomes {y[0].round(4)}, and with the running statistics "
        f"{((one - mean) / np.sqrt(var + 1e-5))[0].round(4)} is right")
