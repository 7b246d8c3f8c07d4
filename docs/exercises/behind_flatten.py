"""The first layer behind Flatten

Chapter: pytorch. 7 minutes.

PyTorch flattens an image (C, H, W) channel by channel, minigan one of (H, W, C) pixel by pixel. So
the weight of the first `Linear` behind a `Flatten`, (out, C · H · W), meets other numbers here,
and no shape tells. `moved(weight, shape)` takes that weight and `shape`, (H, W, C), and returns
the weight of our `Dense`, (H · W · C, out), so that no layer is needed before `Flatten`.
"""
# %% start
import numpy as np


def moved(weight, shape):
    return weight.T


# %% solution
import numpy as np


def moved(weight, shape):
    height, width, channels = shape
    # first give the flat axis its own three back, in the order in which PyTorch flattened them
    images = weight.reshape(len(weight), channels, height, width)
    return images.transpose(2, 3, 1, 0).reshape(-1, len(weight))


# %% check
import numpy as np

from minigan.user_code import said

rng = np.random.default_rng(0)
for shape, hint in [((2, 2, 1), "one channel: only the two axes of the weight are exchanged"),
                    ((1, 1, 3), "one pixel: only the two axes of the weight are exchanged"),
                    ((2, 3, 2), "two channels of 2 × 3 pixels: which number of the flat axis is "
                     "pixel (0, 1) of channel 0, there and here?"),
                    ((2, 2, 3), "a square image: are rows and columns exchanged?"),
                    ((4, 2, 5), "higher than wide")]:
    images = rng.normal(size=(3, *shape))                      # (N, H, W, C)
    weight = rng.normal(size=(4, int(np.prod(shape))))
    try:
        found = np.asarray(moved(weight.copy(), shape))
    except Exception as error:
        raise AssertionError(f"moved raised {said(error)} for (H, W, C) = {shape}") from None
    assert found.shape == weight.T.shape, (f"(H, W, C) = {shape}: of {weight.shape} it makes "
                                           f"{found.shape}, and is to make {weight.T.shape}")
    theirs = images.transpose(0, 3, 1, 2).reshape(3, -1) @ weight.T
    off = abs(images.reshape(3, -1) @ found - theirs).max()
    assert off < 1e-9, f"(H, W, C) = {shape}: the outputs are off by {off:.2f}. Here: {hint}"
