"""The judge: a small convolutional classifier whose features and answers samples are measured by.

    digits                    comes with the package, as judge-digits.safetensors
    the sets of `data.mnist`  trained by `minigan judge`, kept in the user's cache folder

Its file holds the weights and, in the header, what it is: the data, the network, the accuracy on
images that it was not trained on, and a checksum of the weights, from which it has its name.
"""
from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Callable, NamedTuple

import numpy as np

from .. import backend, losses, nn, ops, optim
from ..autodiff import Tensor, no_grad
from ..checked import checked
from ..data import IMAGE_SETS, Loader
from ..errors import UserError, brief
from ..files import read_arrays, write_arrays
from ..settings import POSITIVE, PROBABILITY, TEXT, Positive, Probability, Seed, one_of, parsed
from .points import host, rows

BATCH = 64
BLOCK = 500  # images that are looked at at once
SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "fashion-mnist": (28, 28, 1),
          "kmnist": (28, 28, 1)}  # of the data sets that can have a judge
EPOCHS = {"digits": 40, "mnist": 10, "fashion-mnist": 15, "kmnist": 12}

DATA = one_of(SHAPES, "judge of")
_FIELDS = {"data": DATA, "network": TEXT, "accuracy": PROBABILITY, "tested": POSITIVE,
           "checksum": TEXT}  # the header of a judge's file

Report = Callable[[int, int, float], Any]  # told the step, how many there are, and the loss


class Parts(NamedTuple):
    """What a judge is trained on, and what it is tested with."""

    images: np.ndarray
    labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@checked
@dataclass(frozen=True)
class Judge:
    """A classifier of images (N, H, W, C) with values in [0, 1], also as rows (N, H · W · C), of
    arrays or tensors; all it gives are arrays in host memory. It computes on the device that was
    the default when it was made. Scores by different judges are different measures.

    name      the data and the beginning of the weights' checksum: say it beside every score
    accuracy  on `tested` images that it was not trained on
    """

    data: Annotated[str, DATA]
    body: nn.Sequential
    head: nn.Dense
    accuracy: Probability
    tested: Positive

    @classmethod
    @checked
    def load(cls, data: str = "digits", path: str | os.PathLike | None = None) -> Judge:
        """The judge of that data set, or the one in a file. Raises UserError where there is none,
        for a damaged file, and for one of other data."""
        DATA.check("data", data)
        path = Path(path or judge_file(data))
        if not path.exists():
            raise UserError(f"there is no judge of {data} in {path}: train one with "
                            f"minigan judge {data}")
        try:
            arrays, text = read_arrays(path)
            judge = _read(arrays, parsed(text, _FIELDS))
        except (KeyError, TypeError, ValueError) as error:
            reason = brief(error).removeprefix(f"{path} ")
            raise UserError(f"{path} is no judge, or a damaged one ({reason}): delete it and train "
                            "another with minigan judge") from None
        if judge.data != data:
            raise UserError(f"{path} holds a judge of {judge.data}, not of {data}")
        return judge

    def save(self, path: str | os.PathLike) -> None:
        """Write it into a file; one of that name is replaced at once, or stays. Raises UserError if
        it cannot be written."""
        fields = {"data": self.data, "network": self.network, "accuracy": self.accuracy,
                  "tested": self.tested, "checksum": self.checksum}
        write_arrays(Path(path), self.weights(), json.dumps(fields))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image: height, width, channels."""
        return SHAPES[self.data]

    @property
    def name(self) -> str:
        """Such as digits-0123abcd."""
        return f"{self.data}-{self.checksum[:8]}"

    @property
    def checksum(self) -> str:
        """SHA-256 of the weights, in the order of their names."""
        digest = hashlib.sha256()
        for name, array in sorted(self.weights().items()):
            digest.update(f"{name} {array.shape} {array.dtype.str}".encode() + array.tobytes())
        return digest.hexdigest()

    @property
    def network(self) -> str:
        """Its layers, in a line."""
        layers = [*self.body, self.head]
        return " ".join(" ".join(map(repr, layers)).split())

    def weights(self) -> dict[str, np.ndarray]:
        """Its arrays by name, in host memory."""
        return {f"{part}.{name}": host(array) for part in ("body", "head")
                for name, array in getattr(self, part).state_dict().items()}

    @checked
    def features(self, x: Any) -> np.ndarray:
        """What the last layer but one makes of images: float32 (N, features). Raises UserError for
        images of another size, values that are not finite, and whole numbers above 1."""
        return self._seen(x, lambda features: features)

    @checked
    def probabilities(self, x: Any) -> np.ndarray:
        """p(y|x): float32 (N, classes). Errors are those of `features`."""
        return self._seen(x, lambda features: ops.softmax(self.head(features)))

    @checked
    def labels(self, x: Any) -> np.ndarray:
        """The likeliest class of each image: int64 (N,). Errors are those of `features`."""
        return self.probabilities(x).argmax(axis=1)

    @checked
    def labels_by_channel(self, x: Any) -> np.ndarray:
        """The likeliest class of each channel of stacked images (N, H, W, C) with values in [0, 1]:
        int64 (N, C), as `stacked_modes` takes them. Raises UserError for images of another size."""
        x = host(x)
        if x.ndim != 4 or x.shape[1:3] != self.shape[:2] or self.shape[2] != 1 or not x.shape[3]:
            raise UserError(f"the judge of {self.data} takes stacked images "
                            f"(N, {self.shape[0]}, {self.shape[1]}, C) in [0, 1], not {x.shape}")
        return np.stack([self.labels(x[..., channel:channel + 1])
                         for channel in range(x.shape[3])], axis=1)

    def _seen(self, x: Any, then: Callable[[Tensor], Tensor]) -> np.ndarray:
        x, size = host(x), int(np.prod(self.shape))
        if x.shape[1:] not in (self.shape, (size,)):
            raise UserError(f"the judge of {self.data} takes images (N, "
                            f"{', '.join(map(str, self.shape))}) in [0, 1], or rows (N, {size}), "
                            f"not {x.shape}")
        if x.dtype.kind in "iu" and x.size and x.max() > 1:
            raise UserError(f"the judge of {self.data} takes images in [0, 1], and these are "
                            f"{x.dtype} up to {x.max()}: of bytes take images / 255")

        def images(start: int) -> Tensor:
            block = rows(x[start:start + BLOCK], "images").astype(np.float32)
            return Tensor(backend.asarray(block.reshape(-1, *self.shape)))

        with no_grad():
            return np.concatenate([then(self.body(images(start))).numpy()
                                   for start in range(0, max(1, len(x)), BLOCK)])


def judge_file(data: str) -> Path:
    """Where the judge of a data set is kept: in the package, or else in the user's cache folder."""
    if data == "digits":
        return Path(__file__).with_name("judge-digits.safetensors")
    import pooch  # here, because it is what downloads are kept with, and only they need it

    return pooch.os_cache("minigan") / "judges" / f"{data}.safetensors"


@checked
def train_judge(data: str = "digits", data_dir: str | os.PathLike | None = None, seed: Seed = 0,
                epochs: Positive | None = None, report: Report | None = None) -> Judge:
    """A new judge of a data set; nothing is written. The same seed gives the same bits on one
    machine.

    Cross-entropy by Adam, whose rate falls to 0 in a straight line; each image is moved by a few
    pixels, another way in every epoch. data_dir is that of the data sets; report is called after
    every step with its number, the number of all steps and the loss. Raises UserError for data that
    cannot have a judge, DataError for missing or damaged ones.
    """
    DATA.check("data", data)
    parts = split(data, data_dir)
    if 0 in (len(parts.labels), len(parts.test_labels)):
        raise UserError(f"{data} holds no images to train a judge on, or none to test it with")
    rng = np.random.default_rng(seed)
    body, head = networks(SHAPES[data], rng)
    adam = optim.Adam([*body.parameters(), *head.parameters()], lr=2e-3, betas=(0.9, 0.999))
    loader = Loader(parts.images, parts.labels, batch_size=min(BATCH, len(parts.labels)), seed=seed)
    steps = len(loader) * (epochs or EPOCHS[data])
    schedule = optim.Schedule(adam, optim.linear_decay(steps))
    most = max(1, SHAPES[data][0] // 14)  # pixels: 2 of 28, and 1 of 8
    dropout = nn.Dropout(0.3, rng)
    for step, (images, labels) in zip(range(1, steps + 1), loader.forever()):
        down, right = backend.asarray(rng.integers(-most, most + 1, (2, len(images))))
        adam.zero_grad()
        loss = losses.cross_entropy(head(dropout(body(ops.translate(images, down, right)))), labels)
        loss.backward()
        adam.step()
        schedule.step()
        if report:
            report(step, steps, loss.item())
    judge = Judge(data, body, head, 0.0, len(parts.test_labels))
    correct = judge.labels(parts.test_images) == parts.test_labels
    return replace(judge, accuracy=float(correct.mean()))


def split(data: str, data_dir: str | os.PathLike | None = None) -> Parts:
    """The images and labels that a judge is trained on, and those that it is tested with: the test
    set, or, of the shipped digits, every fifth ten of them."""
    if data != "digits":
        load = IMAGE_SETS[data]
        return Parts(*load(data_dir, "train"), *load(data_dir, "test"))
    images, labels = IMAGE_SETS[data]()
    held = np.arange(len(labels)) // 10 % 5 == 4  # as they come, ten are one of each class
    return Parts(images[~held], labels[~held], images[held], labels[held])


def networks(shape: tuple[int, int, int], rng: np.random.Generator
             ) -> tuple[nn.Sequential, nn.Dense]:
    """What makes features of images of that shape, and ten classes of them."""
    height, width, channels = shape
    small = min(height, width) < 16  # then only the second convolution is followed by a pooling
    scale, features = (2, 64) if small else (4, 128)
    made = {"weight_init": nn.init.he_normal, "rng": rng}
    pooling = [] if small else [nn.MaxPool2d(2)]
    body = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1, **made), *pooling, nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1, **made), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
        nn.Dense(height // scale * (width // scale) * 32, features, **made), nn.ReLU())
    return body, nn.Dense(features, 10, rng=rng)


def _read(arrays: dict[str, np.ndarray], fields: dict[str, Any]) -> Judge:
    """Raises KeyError, TypeError or ValueError for what does not fit together."""
    body, head = networks(SHAPES[fields["data"]], np.random.default_rng(0))
    for part, module in (("body", body), ("head", head)):
        module.load_state_dict({name.removeprefix(f"{part}."): array for name, array
                                in arrays.items() if name.startswith(f"{part}.")})
    judge = Judge(fields["data"], body, head, fields["accuracy"], fields["tested"])
    if judge.network != fields["network"]:  # the same weights would be another judge
        raise UserError(f"its network is not {judge.network}")
    if judge.checksum != fields["checksum"]:
        raise UserError("its weights do not have the checksum that it states")
    return judge
