"""Batches, in an order that can be stopped and taken up again at any one of them."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .. import backend
from ..checked import checked
from ..settings import NATURAL, Positive, Seed

Batch = backend.Array | tuple[backend.Array, ...]


@runtime_checkable
class Batches(Protocol):
    """What a trainer draws real examples from: a Loader, or whatever else has no end. To save the
    trainer it needs a Loader's state_dict and load_state_dict, too."""

    def forever(self) -> Iterator[Batch]: ...


@checked
class Scaled:
    """Images in the range of values that a generator makes, computed only for the rows asked for.

    images       (N, …), on the host or on a device: float32 in [0, 1], or unsigned integers from 0
                 to the largest; uint8 take a quarter of the memory and of the way to a device
    value_range  what black and white become

    Indexing gives float32. Raises ValueError for signed integers, whose white nobody knows.

    >>> Scaled(np.array([0, 255], np.uint8), (-1, 1))[:]
    array([-1.,  1.], dtype=float32)
    """

    def __init__(self, images: backend.Array, value_range: tuple[float, float] = (0, 1)):
        low, high = value_range
        if images.dtype.kind == "i":
            raise ValueError(f"images of {images.dtype} have no known white: give uint8 from 0 to "
                             "255, or floats from 0 to 1")
        white = np.iinfo(images.dtype).max if images.dtype.kind == "u" else 1
        self.images, self.value_range = images, (float(low), float(high))
        self.scale, self.low = np.float32((high - low) / white), np.float32(low)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Any) -> backend.Array:
        return self.scaled(self.images[rows])

    def scaled(self, images: backend.Array) -> backend.Array:
        """Some of the images, wherever they have been moved, in the range."""
        return (images * self.scale + self.low).astype(np.float32, copy=False)


@checked
class Loader:
    """Cuts arrays into batches and moves each to the default device.

    Arrays that lie on a device already (`backend.asarray(images)` puts them there) stay: the order
    of an epoch is copied there once, and the batches are gathered there.

    A `for` over the loader yields the batches that remain of the current epoch: all of them,
    unless the loop before was left early or a state was loaded. A batch is an array if one
    array was given, otherwise a tuple of arrays that belong together, row by row.

    The order of an epoch depends on the seed and on the number of the epoch, and on nothing
    drawn before. So where the loader is in its endless sequence of batches is two integers,
    `epoch` and `position` (the number of batches already given out in this epoch), and a run
    resumed with them sees what it would have seen without the interruption.

    arrays      of equal length, of NumPy or of a device, or Scaled ones
    batch_size  rows in a batch
    shuffle     whether every epoch has its own random order, or all have the arrays' order
    drop_last   whether to leave out the rows that do not fill a batch
    seed        a non-negative integer, which fixes the order of all epochs

    Raises ValueError for no arrays, arrays of different lengths and sizes that make no batch.

    >>> loader = Loader(np.arange(5), batch_size=2, shuffle=False, drop_last=False)
    >>> [batch.tolist() for batch in loader]
    [[0, 1], [2, 3], [4]]
    >>> loader.state_dict()
    {'epoch': 1, 'position': 0}
    """

    def __init__(self, *arrays: backend.Array | Scaled, batch_size: Positive, shuffle: bool = True,
                 drop_last: bool = True, seed: Seed = 0):
        arrays = tuple(a if isinstance(a, Scaled) or backend.is_array(a) else backend.asarray(a)
                       for a in arrays)
        lengths = [len(array) for array in arrays]
        if len(set(lengths)) != 1:
            raise ValueError(f"expected arrays of one length, got the lengths {lengths}")
        rows = lengths[0]
        if rows == 0 or (drop_last and batch_size > rows):
            raise ValueError(f"{rows} rows make no batch of {batch_size}")
        self.arrays = arrays
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        self.position = 0
        self._rows = rows
        self._batches = rows // batch_size if drop_last else -(-rows // batch_size)

    def __len__(self) -> int:
        """The number of batches in a whole epoch."""
        return self._batches

    def __iter__(self) -> Iterator[Batch]:
        order = np.arange(self._rows)
        if self.shuffle:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(self._rows)
        orders = [_beside(array, order) for array in self.arrays]
        for position in range(self.position, len(self)):
            # The state moves on before the batch is out, so that whoever saves it while working
            # on a batch resumes with the next one.
            self.position += 1
            if self.position == len(self):
                self.epoch, self.position = self.epoch + 1, 0
            start = position * self.batch_size
            batch = tuple(_moved(array, order[start:start + self.batch_size])
                          for array, order in zip(self.arrays, orders))
            yield batch[0] if len(batch) == 1 else batch

    def forever(self) -> Iterator[Batch]:
        """The remaining batches of this epoch, then those of the next ones, without end."""
        while True:
            yield from self

    def state_dict(self) -> dict[str, int]:
        """Where the loader is: the epoch, and the batches already given out in it."""
        return {"epoch": self.epoch, "position": self.position}

    @checked
    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go where `state_dict` was taken. An iterator made before is of no further use.

        Raises ValueError for a position that this loader's epochs do not have, as when the
        state is that of another batch size.
        """
        epoch, position = (state.get(name) for name in ("epoch", "position"))
        if not NATURAL.fits(epoch) or not NATURAL.fits(position) or position >= len(self):
            raise ValueError(f"epoch {epoch}, batch {position} is no place in a sequence of "
                             f"epochs of {len(self)} batches")
        self.epoch, self.position = epoch, position


def _beside(array: backend.Array | Scaled, order: np.ndarray) -> backend.Array:
    """The order where the array is indexed with it."""
    array = array.images if isinstance(array, Scaled) else array
    if not backend.is_array(array) or backend.is_host(array):
        return order
    return backend.array_module(array).asarray(order)


def _moved(array: backend.Array | Scaled, rows: backend.Array) -> backend.Array:
    """The rows on the default device. What is Scaled is scaled there: bytes are moved, not floats.

    CuPy copies through pinned memory of its own and does not wait, so that the rows of the next
    step are gathered while the device still computes.
    """
    if isinstance(array, Scaled):
        return array.scaled(_moved(array.images, rows))
    return backend.asarray(array[rows])
