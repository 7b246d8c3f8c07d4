"""A run's generator as a module of PyTorch: a Python file, and its weights beside it."""
from __future__ import annotations

from os import PathLike
from pathlib import Path
from textwrap import indent
from typing import Any

from ..checked import checked
from ..files import read_arrays, write_arrays, write_text
from ..gan import ConditionalGenerator, Generators, InfoGAN, Run, RunError, noise
from ..gan.game import GAN, latent_of
from .layers import Line, in_torch

FILE = '''\
"""A generator of images in PyTorch, exported by minigan.

    from generator import load
    images = load().sample(16)      # {images}, 0 is black, 1 is white

needs torch, safetensors, and generator.safetensors beside this file. With torch.manual_seed(0)
before it the images are the same again; torchvision.utils.save_image makes a picture of them.

It is the average generator of a run at step {steps}:
    system {system}, data {data}, game {game}
"""
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
{helpers}

class Generator(nn.Module):
    """Noise {noise} to images {shape}, of which {black:g} is black and {white:g} is white."""

    def __init__(self):
        super().__init__()
{layers}

{forward}
    @torch.no_grad()
{sample}

def load(path=Path(__file__).with_name("generator.safetensors")):
    """The generator with its trained weights, in evaluation mode."""
    generator = Generator()
    generator.load_state_dict(load_file(path))
    return generator.eval()
'''

HELPERS = {
    "ChannelsFirst()": '''

class ChannelsFirst(nn.Module):
    """(N, H, W, C) to (N, C, H, W): the network was trained with channels last."""

    def forward(self, x):
        return x.permute(0, 3, 1, 2)
''',
    "ChannelsLast()": '''

class ChannelsLast(nn.Module):
    """(N, C, H, W) to (N, H, W, C), the order in which the network was trained."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1)
''',
}

# the methods of each kind of generator: forward, and what sample says and draws before `images`
PLAIN = '''\
def forward(self, z):
    return self.layers(z)
''', '''\
def sample(self, n):
    """n images of random noise, with values from 0 to 1."""
    z, device = {draw}, next(self.parameters()).device
    images = self(z.to(device))
    return {scaled}
'''

SEVERAL = '''\
def forward(self, z):
    """Each of the {count} networks makes its share of the images, one after another."""
    shares = z.tensor_split({count})
    return torch.cat([member(share) for member, share in zip(self.members, shares)])
''', PLAIN[1]

CLASSES = '''\
def forward(self, z, y):
    """y, (N, {more}), says the class of each image by a unit vector."""
    return self.layers(torch.cat([z, y], dim=1))
''', '''\
def sample(self, n, label=None):
    """n images of the class `label`, or of one class after another, with values from 0 to 1."""
    z, device = {draw}, next(self.parameters()).device
    labels = torch.arange(n) % {more} if label is None else torch.full((n,), label)
    y = nn.functional.one_hot(labels, {more}).float()
    images = self(z.to(device), y.to(device))
    return {scaled}
'''

CODES = '''\
def forward(self, z, code):
    """code, (N, {more}), is {code}."""
    return self.layers(torch.cat([z, code], dim=1))
''', '''\
def sample(self, n, code=None):
    """n images of random codes, or of the given ones, with values from 0 to 1."""
    z, device = {draw}, next(self.parameters()).device
    if code is None:
        kinds = nn.functional.one_hot(torch.randint({classes}, (n,)), {classes})
        code = {drawn}
    images = self(z.to(device), code.to(device))
    return {scaled}
'''

NOISE = {noise.normal: "torch.randn(n, {latent})", noise.uniform: "torch.rand(n, {latent}) * 2 - 1"}


@checked
def to_torch(run: Run, folder: str | PathLike | None = None, step: int | str | None = None
             ) -> Path:
    """Write generator.py, a module of PyTorch with `load()` and `sample(n)`, and its weights,
    generator.safetensors, into a folder (None: RUN/torch-step-N); returns the path of the first.

    The generator is the run's average one at a saved step (see `Run.saved_step`). The file needs
    torch and safetensors, and nothing of minigan. Raises UserError for a run or a step without
    weights, for layers that have no export, and if other files of these names are in the folder.
    """
    game, step = run.game(step)
    code, state = written(run, game, step)
    folder = run.folder / f"torch-step-{step:06d}" if folder is None else Path(folder)
    module, weights = folder / "generator.py", folder / "generator.safetensors"
    same = {module: lambda: module.read_text("utf-8", "replace") == code,
            weights: lambda: _equal(read_arrays(weights)[0], state)}
    for path, is_this in same.items():
        if path.exists() and not is_this():
            raise RunError(f"{path} exists already, and is another one: name another folder "
                           "(--out)")
    write_text(module, code)
    write_arrays(weights, state)
    return module


def _equal(there: dict[str, Any], state: dict[str, Any]) -> bool:
    return there.keys() == state.keys() and all(
        there[name].shape == array.shape and there[name].tobytes() == array.tobytes()
        for name, array in state.items())


def written(run: Run, game: GAN, step: int) -> tuple[str, dict[str, Any]]:
    """The text of generator.py, and the state that it loads."""
    run.config.check_images("an export is")
    if game.noise not in NOISE:
        raise RunError("there is no export of noise other than noise.normal and noise.uniform, "
                       f"such as {game.noise!r}")
    generator, (black, white) = game.generator, run.config.value_range
    height, width, channels = run.config.shape
    draw = NOISE[game.noise].format(latent=latent_of(generator))
    scaled = "images" if (black, white) == (0, 1) else (
        f"(images {'-' if black > 0 else '+'} {abs(black):g}) / {white - black:g}")
    (forward, sample), words, layers, state = _parts(game)
    words |= {"draw": draw, "scaled": scaled}
    helpers = [text for name, text in HELPERS.items() if f" {name}," in layers]
    shape = f"{channels}, {height}, {width})"
    # a file's name may end a text of Python, and Windows separates folders by what escapes in one
    system = (run.config.system or "a program's").replace("\\", "\\\\").replace('"', '\\"')
    return FILE.format(
        images=f"(16, {shape}", steps=step, system=system,
        game=run.config.game.name, data=run.config.data or "a program's",
        helpers="".join(helpers), noise=f"(N, {latent_of(generator)})",
        shape=f"(N, {shape}", black=black, white=white, layers=indent(layers, 8 * " "),
        forward=indent(forward.format(**words), 4 * " "),
        sample=indent(sample.format(**words), 4 * " ")), state


def _parts(game: GAN) -> tuple[tuple[str, str], dict[str, Any], str, dict[str, Any]]:
    """The methods of the game's generator, the words that they lack, the code that makes its
    layers, and their state."""
    generator = game.generator
    if isinstance(generator, Generators):
        members = [in_torch(member, latent_of(generator)) for member in generator.members]
        if generator.body is not None or len({_sequential(lines) for lines in members}) > 1:
            raise RunError("there is no export of generators that differ in more than weights, or "
                           "share layers")
        count = len(members)
        return (SEVERAL, {"count": count}, f"self.members = nn.ModuleList([\n"
                f"{indent(_sequential(members[0]), 4 * ' ')}\n    for _ in range({count})])",
                {f"members.{i}.{name}": array for i, lines in enumerate(members)
                 for name, array in _state(lines).items()})
    form, words, latent = PLAIN, {}, latent_of(generator)
    if isinstance(generator, ConditionalGenerator):
        form, generator = CLASSES, generator.network
        words["more"], latent = latent_of(generator) - latent, latent_of(generator)
    if isinstance(game, InfoGAN):
        k, m = game.categorical, game.continuous
        form = CODES
        words |= {"classes": k, "code": f"a unit vector of {k}", "drawn": "kinds.float()"}
        if m:
            words["code"] += f", then {m} number{'s' * (m > 1)} from -1 to 1"
            words["drawn"] = f"torch.cat([kinds, torch.rand(n, {m}) * 2 - 1], dim=1)"
    lines = in_torch(generator, latent)
    return (form, words, f"self.layers = {_sequential(lines)}",
            {f"layers.{name}": array for name, array in _state(lines).items()})


def _sequential(lines: list[Line]) -> str:
    """The code of a chain of layers."""
    texts = [f"    {line.code},{f'  # {line.note}' if line.note else ''}\n" for line in lines]
    return f"nn.Sequential(\n{''.join(texts)})"


def _state(lines: list[Line]) -> dict[str, Any]:
    return {f"{i}.{name}": array for i, line in enumerate(lines)
            for name, array in line.state.items()}
