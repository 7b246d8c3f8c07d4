"""A generator with a canvas

Chapter: own_networks. 6 minutes.

Write a generator that is a Module of its own: it has a `canvas`, a Parameter of the shape of an
image that begins at 0, and a Dense layer that says how each sample differs from it: tanh(canvas +
dense(z)), of shape (n, height, width, channels). Since it is no `Sequential`, it says by an
attribute how many numbers its noise has.
"""
# %% start
import numpy as np
from minigan import nn, ops


class Painter(nn.Module):
    def __init__(self, shape, rng, latent=16):
        self.shape = shape
        self.canvas = np.zeros(shape, np.float32)
        self.dense = nn.Dense(latent, int(np.prod(shape)), rng=rng)

    def forward(self, z):
        return ops.tanh(self.dense(z))


# %% solution
import numpy as np
from minigan import nn, ops


class Painter(nn.Module):
    def __init__(self, shape, rng, latent=16):
        self.shape, self.latent = shape, latent
        self.canvas = nn.Parameter(np.zeros(shape, np.float32))      # an array would not be trained
        self.dense = nn.Dense(latent, int(np.prod(shape)), rng=rng)

    def forward(self, z):
        own = self.dense(z).reshape(len(z), *self.shape)
        return ops.tanh(self.canvas + own)                           # one canvas for all n


# %% check
import numpy as np
from minigan.gan.game import latent_of
from minigan.user_code import said

painter = Painter((2, 3, 1), np.random.default_rng(0), latent=5)
latent_of(painter)                          # what it says where it is missing is the diagnosis
assert painter.latent == 5, f"with latent=5 its attribute latent is {painter.latent!r}"
names = dict(painter.named_parameters())
assert "canvas" in names, (
    f"its parameters are {', '.join(names)}: what an optimiser is to move has to be a nn.Parameter")
assert names["canvas"].shape == (2, 3, 1) and not names["canvas"].numpy().any(), (
    f"canvas is to be zeros of an image's shape, (2, 3, 1), and has {names['canvas'].shape}")
z = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
try:
    images = painter(z)
except Exception as error:
    raise AssertionError(f"of noise (4, 5) it raised {said(error)}") from None
assert getattr(images, "shape", None) == (4, 2, 3, 1), (
    f"of noise (4, 5) it makes {getattr(images, 'shape', images)!r}, and is to make four "
    "images: (4, 2, 3, 1)")
before = images.numpy()
layers = [m for m in painter.modules() if isinstance(m, nn.Dense)]
assert len(layers) == 1, f"it is to have one Dense layer beside the canvas, and has {len(layers)}"
assert np.allclose(before.reshape(4, 6), np.tanh(layers[0](z).numpy()), atol=1e-5), (
    "where the canvas is 0, an image is to be tanh(dense(z))")
names["canvas"].data[...] = 0.5
after = painter(z).numpy()
assert np.allclose(after, np.tanh(np.arctanh(before.clip(-1, 1)) + 0.5), atol=1e-5), (
    "canvas raised by ½ is to raise what tanh gets by ½, in every sample")
painter.zero_grad()
painter(z).sum().backward()
for name, parameter in names.items():
    assert parameter.grad is not None, f"no gradient comes to {name}: forward does not use it"
