"""The 8 x 8 handwritten digits that come with minigan: a data set for the first minute."""
from __future__ import annotations

from pathlib import Path

import numpy as np

_FILE = Path(__file__).with_name("digits.npz")


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits, read from the package itself: no download.

    Returns images, float32 (1797, 8, 8, 1) in [0, 1], 1 being ink, and labels, int64 (1797,), the
    digits 0 to 9.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998, CC BY 4.0,
    https://doi.org/10.24432/C50P49; see digits.LICENSE.md.

    >>> images, labels = digits()
    >>> images.shape, labels[:5].tolist()
    ((1797, 8, 8, 1), [0, 1, 2, 3, 4])
    """
    with np.load(_FILE) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    # The file holds counts: how many of the 4 x 4 scanned pixels under each one are inked.
    return images[..., None] / np.float32(16), labels.astype(np.int64)
