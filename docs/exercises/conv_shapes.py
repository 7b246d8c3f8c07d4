"""How large it comes out

Chapter: convolution. 4 minutes.

Which shape has the result of each line? Images are (N, H, W, C), kernels (KH, KW, C, O). Work it
out by letting the window slide in your mind: how many places has it?
"""
# %% start
SHAPES = {
    "conv2d of (8, 28, 28, 1) by (5, 5, 1, 16)": ...,
    "the same, stride=2": ...,
    "the same, stride=2, padding='same'": ...,
    "conv2d of (8, 28, 28, 1) by (3, 3, 1, 16), dilation=2": ...,
    "conv_transpose2d of (8, 7, 7, 16) by (4, 4, 3, 16), stride=2, padding='same'": ...,
}
# %% solution
# 28 − 5 + 1 places; every second of the 24 from the first on; ⌈28 / 2⌉; with dilation 2 three taps
# span 5 pixels; and a transposed convolution turns the shapes round, size and channels.
SHAPES = {
    "conv2d of (8, 28, 28, 1) by (5, 5, 1, 16)": (8, 24, 24, 16),
    "the same, stride=2": (8, 12, 12, 16),
    "the same, stride=2, padding='same'": (8, 14, 14, 16),
    "conv2d of (8, 28, 28, 1) by (3, 3, 1, 16), dilation=2": (8, 24, 24, 16),
    "conv_transpose2d of (8, 7, 7, 16) by (4, 4, 3, 16), stride=2, padding='same'": (8, 14, 14, 3),
}
# %% check
import numpy as np

import minigan as mg

IMAGE, FIVE = np.zeros((8, 28, 28, 1), "f4"), np.zeros((5, 5, 1, 16), "f4")
RESULTS = [mg.ops.conv2d(IMAGE, FIVE), mg.ops.conv2d(IMAGE, FIVE, stride=2),
           mg.ops.conv2d(IMAGE, FIVE, stride=2, padding="same"),
           mg.ops.conv2d(IMAGE, FIVE[:3, :3], dilation=2),
           mg.ops.conv_transpose2d(np.zeros((8, 7, 7, 16), "f4"), np.zeros((4, 4, 3, 16), "f4"),
                                   stride=2, padding="same")]
SIZE = ["the first place is at the top, the last where the window's end meets the image's end",
        "a stride of 2 keeps every second of those places, beginning with the first",
        "'same' makes H / stride of it, whatever the kernel",
        "with dilation 2 a pixel is left out between two taps: how many pixels do three taps span?",
        "the transposed convolution leads from the small image to the large one"]
for (what, said), y, size in zip(SHAPES.items(), RESULTS, SIZE):
    assert said is not ..., f"{what}: still ...: {size}"
    assert np.shape(said) == (4,), f"{what}: a shape of four numbers is wanted, not {said}"
    assert said[0] == 8, f"{what}: the number of images does not change, and here it is {said[0]}"
    assert tuple(said[1:3]) == y.shape[1:3], f"{what}: not {said[1]} × {said[2]} pixels: {size}"
    assert said[3] == y.shape[3], (
        f"{what}: not {said[3]} channels: a kernel has the channels of the large image, then those "
        "of the small one, and a transposed convolution leads back")
