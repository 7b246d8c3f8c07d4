"""Cut off its head

Chapter: features. 4 minutes.

D is an `nn.Sequential`; its last layer is a dense one, of one output. Complete two functions of D
and images: `features`, what goes into the last layer, and `verdict`, the logits (n,), made of these
features and of the last layer's `weight` (k, 1) and `bias` (1,). Both return arrays.
"""
# %% start
import numpy as np

import minigan as mg


def features(D, images):
    return ...


def verdict(D, images):
    return ...


# %% solution
import numpy as np

import minigan as mg


def features(D, images):
    *body, last = D.layers
    with mg.no_grad():
        return mg.nn.Sequential(*body)(images).numpy()


def verdict(D, images):
    last = D.layers[-1]                                # a weighted sum, and that is all it does
    return features(D, images) @ last.weight.numpy()[:, 0] + last.bias.numpy()[0]


# %% check
rng = np.random.default_rng(0)
for hidden, depth in [(8, 1), (5, 2)]:
    layers = [mg.nn.Flatten(), mg.nn.Dense(6, hidden, rng=rng), mg.nn.LeakyReLU(0.2)]
    for _ in range(depth - 1):
        layers += [mg.nn.Dense(hidden, hidden, rng=rng), mg.nn.LeakyReLU(0.2)]
    D = mg.nn.Sequential(*layers, mg.nn.Dense(hidden, 1, rng=rng)).astype("float64")
    D.layers[-1].bias.data = np.array([0.7])
    images = rng.normal(size=(4, 2, 3))
    found = features(D, images)
    assert found is not ..., "features still returns ...: D.layers is the list of D's layers"
    assert np.shape(found) == (4, hidden), (
        f"features of 4 images have the shape {np.shape(found)}, but ({4}, {hidden}) goes into the "
        "last layer: how many layers are to be cut off?")
    wanted = mg.nn.Sequential(*D.layers[:-1])(images).numpy()
    assert np.allclose(np.asarray(found, dtype=float), wanted), (
        "the features have the right shape and wrong values: is a layer missing before the last?")
    said = verdict(D, images)
    assert said is not ..., "verdict still returns ...: features, weight and bias are all it needs"
    assert np.shape(said) == (4,), (
        f"verdict has the shape {np.shape(said)}, but one logit for each image is wanted, (4,): "
        "weight has the shape (k, 1)")
    logits, said = D(images).numpy()[:, 0], np.asarray(said, dtype=float)
    assert not np.allclose(said, logits - 0.7), "verdict forgets the bias"
    assert np.allclose(said, logits), (
        f"verdict says {said.round(3)}, but D itself says {logits.round(3)}")
