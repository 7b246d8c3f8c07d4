"""Always right, without an idea

Chapter: slips. 3 minutes.

G ends in a tanh. D is right about every picture at once, by a rule of one line, which is below. Run
it: 100 % and 100 %. Complete `prepared`, which is to bring the images (in [0, 1], as loaded) to G's
range, so that the rule knows nothing any more. The rule stays as it is.
"""
# %% start
import numpy as np

import minigan as mg

images, _ = mg.data.digits()
rng = np.random.default_rng(0)
generated = np.tanh(rng.standard_normal(images.shape))


def prepared(images):
    return images


def says_real(images):
    return (images >= 0).all(axis=(1, 2, 3))


print(f"real ones called real {says_real(prepared(images)).mean():.0%}, "
      f"generated ones found out {(~says_real(generated)).mean():.0%}")
# %% solution
import numpy as np

import minigan as mg

images, _ = mg.data.digits()
rng = np.random.default_rng(0)
generated = np.tanh(rng.standard_normal(images.shape))


def prepared(images):
    return 2 * images - 1              # 0 ↦ −1 and 1 ↦ 1, the ends of tanh


def says_real(images):
    return (images >= 0).all(axis=(1, 2, 3))


print(f"real ones called real {says_real(prepared(images)).mean():.0%}, "
      f"generated ones found out {(~says_real(generated)).mean():.0%}")
# %% check
ends = np.array([0.0, 0.25, 0.5, 1.0]).reshape(1, 2, 2, 1)
made = prepared(ends.copy())
assert np.shape(made) == ends.shape, (
    f"prepared makes {np.shape(made)} of images {ends.shape}: the shape is to stay")
made = np.asarray(made).ravel()
low, high = made[0], made[-1]
assert low < 0, (
    f"black, 0, becomes {low}, so a real image is still never below 0, and half of what G can say "
    "never occurs in the data")
assert abs(low + 1) < 1e-6 and abs(high - 1) < 1e-6, (
    f"black becomes {low:.3f} and white {high:.3f}, but tanh reaches from −1 to 1")
assert np.allclose(made, [-1, -0.5, 0, 1]), (
    f"a quarter and a half become {made[1]:.3f} and {made[2]:.3f}: the way between black and white "
    "is to be a straight line")
grey = np.asarray(prepared(np.full((1, 2, 2, 1), 0.5)))
assert np.allclose(grey, 0), (
    "an image that is grey all over is changed otherwise than the grey of another one: the scale "
    "must not depend on the image")
