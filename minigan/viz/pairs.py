"""Images and their nearest others, one above the other, and how far apart all of them are."""
from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from .figure import new_figure, save_figure
from .grid import image_grid

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def save_pairs(path: str | os.PathLike, blocks: Mapping[str, Pairs],
               distances: Mapping[str, np.ndarray]) -> None:
    """Write a picture of blocks, of each a row of n images, the n that are nearest to them below,
    and the n distances; and a histogram of the distances. Images are (n, H, W, C) in [0, 1]. A file
    that was there is replaced in one step."""
    columns = max(len(images) for images, _, _ in blocks.values())
    _, height, width, _ = next(iter(blocks.values()))[0].shape
    tile = max(8 / columns, 0.4)  # inches
    heights = [2 * tile * height / width + 0.75] * len(blocks)
    figure = new_figure(columns * tile + 1, sum(heights) + 2.2)
    *axes, last = figure.subplots(len(blocks) + 1, height_ratios=[*heights, 2])
    for axis, (title, (images, nearest, apart)) in zip(axes, blocks.items()):
        _draw(axis, title, images, nearest, apart)
    edges = np.histogram_bin_edges(np.concatenate(list(distances.values())), 40)
    for (name, values), color in zip(distances.items(), ("#d9480f", "#4dabf7")):
        last.hist(values, edges, density=True, histtype="stepfilled", alpha=0.5, label=name,
                  color=color)
    last.set_xlabel("distance to the nearest training image")
    last.set_yticks([])
    last.spines[["top", "left", "right"]].set_visible(False)
    last.legend(frameon=False)
    save_figure(path, figure)


def _draw(axis, title: str, images: np.ndarray, nearest: np.ndarray, apart: np.ndarray) -> None:
    n, height, width = images.shape[:3]
    picture = image_grid(np.concatenate([images, nearest]), (0, 1), n)
    axis.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(title, loc="left", fontsize=10)
    axis.set_yticks([1 + height / 2, 2 + 1.5 * height], ["image", "nearest"], fontsize=8)
    axis.set_xticks([1 + (i + 0.5) * (width + 1) for i in range(n)], [f"{d:.2f}" for d in apart],
                    fontsize=8 if n <= 10 else 5)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
