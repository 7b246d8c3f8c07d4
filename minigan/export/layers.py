"""The layers of minigan in PyTorch: the code that makes each, and its weights.

Vectors are (N, features) in both. Images, (N, H, W, C) here, are (N, C, H, W) there, kernels, (KH,
KW, in, out), are (out, in, KH, KW), and the weights of a dense layer (out, in). Padding is spelled
out, for the images that the network makes.
"""
from __future__ import annotations

from typing import Any, Callable, Iterator, NamedTuple

from .. import backend, nn
from ..autodiff import Tensor, no_grad
from ..backend.geometry import Pair, conv_window, transposed_window
from ..errors import UserError
from ..gan.models import Generator
from ..nn.conv import short

Shape = tuple[int, ...]
AXES = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}  # of weights, in PyTorch's order
USUAL = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1, "groups": 1, "bias": True,
         "eps": 1e-5, "momentum": 0.1}  # what PyTorch takes where nothing is said


class Line(NamedTuple):
    """A layer of PyTorch: the expression that makes it, its state, and a comment."""

    code: str
    state: dict[str, Any] = {}
    note: str = ""


FIRST, LAST = Line("ChannelsFirst()"), Line("ChannelsLast()")


def in_torch(network: nn.Module, features: int) -> list[Line]:
    """The layers of a chain that takes vectors of so many features, one after another. Raises
    UserError for layers that are not in LAYERS, and for shapes other than vectors and images."""
    x, lines = Tensor(backend.asarray(nn.init.zeros((1, features)))), []
    network.eval()
    with no_grad():
        for layer in chain(network):
            before, x = x.shape, layer(x)
            made = translated(layer, before, x.shape)
            if len(x.shape) == 4 and (x.shape != before or made[-1].note):
                n, height, width, channels = x.shape
                note = f"{made[-1].note}(N, {channels}, {height}, {width})"
                made[-1] = made[-1]._replace(note=note)
            lines += made
    return lines


def chain(network: nn.Module) -> Iterator[nn.Module]:
    """The layers of a network that calls one after another."""
    if type(network) is Generator:
        network = network.body
    if type(network) is nn.Sequential:
        for layer in network.layers:
            yield from chain(layer)
    else:
        yield network.normalised() if type(network) is nn.SpectralNorm else network


def translated(layer: nn.Module, before: Shape, after: Shape) -> list[Line]:
    """The layer, which makes `after` of `before`."""
    if type(layer) not in LAYERS:
        raise UserError(f"there is no export of {layer!r}: a generator is to be a chain of "
                        f"{', '.join(kind.__name__ for kind in LAYERS)}")
    if not {len(before), len(after)} <= {2, 4}:
        raise UserError(f"there is no export of {layer!r} from shape {before} to {after}: only of "
                        "vectors (N, features) and images (N, H, W, C)")
    return LAYERS[type(layer)](layer, before, after)


def state(layer: nn.Module) -> dict[str, Any]:
    """A layer's arrays in PyTorch's order of axes."""
    return {name: t.numpy().transpose(AXES[t.ndim]) for name, t in layer.named_state()}


def arguments(*values: Any, **options: Any) -> str:
    """Of a call; pairs of equal numbers as one, and without the options that are usual."""
    options = {name: short(value) for name, value in options.items()}
    named = [f"{name}={value!r}" for name, value in options.items() if value != USUAL[name]]
    return ", ".join([*[repr(short(value)) for value in values], *named])


def _dense(layer: nn.Dense, before: Shape, after: Shape) -> list[Line]:
    sizes = arguments(*layer.weight.shape, bias=layer.bias is not None)
    return _of_last_axis(Line(f"nn.Linear({sizes})", state(layer)), before)


def _of_last_axis(line: Line, before: Shape) -> list[Line]:
    return [LAST, line, FIRST] if len(before) == 4 else [line]


def _batch_norm(layer: nn.BatchNorm, before: Shape, after: Shape) -> list[Line]:
    options = arguments(before[-1], eps=layer.eps, momentum=layer.momentum)
    return [Line(f"nn.BatchNorm{len(before) // 2}d({options})", state(layer))]


def _reshape(layer: nn.Module, before: Shape, after: Shape) -> list[Line]:
    flat = [LAST, Line("nn.Flatten()")] if len(before) == 4 else []
    return flat + ([Line(f"nn.Unflatten(1, {after[1:]})"), FIRST] if len(after) == 4 else [])


def _conv(layer: nn.Conv2d, before: Shape, after: Shape) -> list[Line]:
    window = conv_window(nn.init.zeros(before), layer.weight, layer.bias, **layer.options)
    (top, bottom), (left, right) = window.padding
    equal = top == bottom and left == right
    pads = [] if equal else [Line(f"nn.ZeroPad2d({(left, right, top, bottom)})",
                                  note="left, right, top, bottom")]
    return [*pads, _kernel("nn.Conv2d", layer, padding=(top, left) if equal else 0)]


def _conv_transpose(layer: nn.ConvTranspose2d, before: Shape, after: Shape) -> list[Line]:
    window, _, beyond = transposed_window(nn.init.zeros(before), layer.weight, layer.bias,
                                          **layer.options)
    limits = [max(pair) for pair in zip(window.stride, window.dilation)]
    padding, more, (top, left), (bottom, right) = zip(*map(_cut, window.padding, beyond, limits))
    cut = [] if top == left == bottom == right == 0 else [
        Line(f"nn.ZeroPad2d({(-left, -right, -top, -bottom)})", note="cut to ")]
    return [_kernel("nn.ConvTranspose2d", layer, padding=padding, output_padding=more), *cut]


def _cut(sides: Pair, beyond: int, limit: int) -> tuple[int, int, int, int]:
    """What PyTorch's padding and output_padding are to be along an axis, and what is left to be cut
    off at its start and its end. Padding takes as much from both; output_padding, which has a
    limit, gives some back at the end."""
    start, end = sides
    more = start - end + beyond
    if more < limit:
        return start, max(more, 0), 0, max(-more, 0)
    return 0, beyond, start, end


def _kernel(name: str, layer: Any, **padding: Pair) -> Line:
    options = {**layer.options, **padding, "bias": layer.bias is not None}
    sizes = layer.in_channels, layer.out_channels
    return Line(f"{name}({sizes[0]}, {sizes[1]}, {arguments(layer.kernel_size, **options)})",
                state(layer))


def _upsample(layer: nn.Upsample, before: Shape, after: Shape) -> list[Line]:
    to = f"size={after[1:3]}" if layer.factor is None else f"scale_factor={short(layer.factor)}"
    return [Line(f"nn.Upsample({to}, mode={layer.mode!r})")]


def _pixel_shuffle(layer: nn.PixelShuffle, before: Shape, after: Shape) -> list[Line]:
    down, right = layer.factor
    if down != right:
        raise UserError(f"there is no export of {layer!r}: PyTorch has one factor for both sides")
    return [Line(f"nn.ChannelShuffle({down * right})", note="PyTorch's order of channels"),
            Line(f"nn.PixelShuffle({down})")]


def _norm(name: str) -> Callable[..., list[Line]]:
    def line(layer: Any, before: Shape, after: Shape) -> list[Line]:
        more = ", affine=True" * (name == "InstanceNorm2d")
        groups = [layer.groups] if name == "GroupNorm" else []
        made = Line(f"nn.{name}({arguments(*groups, before[-1], eps=layer.eps)}{more})",
                    state(layer))
        return _of_last_axis(made, before) if name == "LayerNorm" else [made]
    return line


def _same(layer: nn.Module, before: Shape, after: Shape) -> list[Line]:
    """Those whose name and arguments are the same in PyTorch."""
    return [Line(f"nn.{type(layer).__name__}({layer.describe()})")]


def _along_axis(layer: nn.Module, before: Shape, after: Shape) -> list[Line]:
    return _of_last_axis(*_same(layer, before, after), before)


LAYERS: dict[type, Callable[[Any, Shape, Shape], list[Line]]] = {
    nn.Dense: _dense, nn.Conv2d: _conv, nn.ConvTranspose2d: _conv_transpose,
    nn.BatchNorm: _batch_norm, nn.LayerNorm: _norm("LayerNorm"),
    nn.InstanceNorm: _norm("InstanceNorm2d"), nn.GroupNorm: _norm("GroupNorm"),
    nn.Flatten: _reshape, nn.Reshape: _reshape, nn.Upsample: _upsample,
    nn.PixelShuffle: _pixel_shuffle, nn.AdaptiveAvgPool2d: _same, nn.Dropout: _same,
    nn.LeakyReLU: _same, nn.ReLU: _same, nn.ELU: _same, nn.Sigmoid: _same, nn.Tanh: _same,
    nn.Softplus: _same, nn.Softmax: _along_axis, nn.LogSoftmax: _along_axis,
}
