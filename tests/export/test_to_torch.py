"""What is exported to PyTorch makes the same images there."""
from __future__ import annotations

import ast
import importlib.util
import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.cli import main
from minigan.errors import UserError
from minigan.export import layers, pytorch
from minigan.files import read_arrays, write_arrays
from minigan.gan import SYSTEMS, Config, Options, Run, models, sample

WIDTHS = {"digits": 8, "mlp": 8, "mlp-small": 8, "mlp-keras": 8, "dcgan": 2, "digits-dcgan": 2}
SHAPE, CLASSES = (8, 12, 3), 4  # height, width and channels differ
GAMES = [Options(conditional="acgan"), Options(codes=(3, 2)), Options(codes=(3, 0)),
         Options(generators=3), Options(labels=10, spectral_norm=True)]


@pytest.fixture
def torch():
    """PyTorch, with which the written files are read."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more are slower for what is so small
    yield torch
    torch.set_num_threads(threads)


def stirred(network):
    """The network with biases, scales and running statistics that all differ."""
    rng = np.random.default_rng(0)
    network.load_state_dict({
        name: a + rng.uniform(-0.3, 0.3, a.shape).astype(a.dtype) * np.float32(a.ndim == 1)
        for name, a in network.state_dict().items()})
    return network


def written(name, options):
    """What is written of a run of a system with narrow networks; and its game."""
    own, width = SYSTEMS[name], {"width": WIDTHS[name]} if name in WIDTHS else {}
    networks = models.Pair(own.networks.generator, own.networks.discriminator, **width)
    run = SimpleNamespace(config=Config(name, "digits", SHAPE, 1, 8, 0, 1, game=options),
                          system=replace(own, networks=networks))
    game = options.build(run.system, SHAPE, CLASSES, np.random.default_rng(0))
    stirred(game.generator)
    return *pytorch.written(run, game, 7), game, run


def read(torch, code, state):
    """The generator of the file's text, with the state."""
    module = {"__file__": "generator.py"}
    exec(code, module)
    generator = module["Generator"]()
    generator.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    return generator.eval()


@pytest.mark.parametrize("name, options", [
    *[(name, Options()) for name in SYSTEMS], *[("digits", options) for options in GAMES],
    ("dcgan", GAMES[0])], ids=str)
def test_every_generator_makes_the_same_images_in_pytorch(name, options, torch):
    code, state, game, run = written(name, options)
    generator = read(torch, code, state)
    rng = np.random.default_rng(1)
    conditions = (mg.tensor(np.eye(CLASSES, dtype=np.float32)[np.arange(10) % CLASSES]),)
    latent = game.latent(10, rng, conditions if options.conditional else ())
    ours = sample(game.generator, latent)
    inputs = latent if "forward(self, z, " in code else latent[:1]
    with torch.no_grad():
        theirs = generator(*[torch.tensor(t.numpy()) for t in inputs]).numpy()
    assert ours.std() > 0.01 and theirs.shape == (10, 3, 8, 12)
    assert np.abs(ours.transpose(0, 3, 1, 2) - theirs).max() < 1e-5 * np.abs(ours).max()

    generator.register_forward_hook(lambda _, inputs, output: made.append(output))
    made, (black, white) = [], run.system.value_range
    images = generator.sample(5)
    assert images.shape == (5, 3, 8, 12) and f"{black:g} is black and {white:g} is white" in code
    np.testing.assert_allclose(images, (made[0] - black) / (white - black), rtol=1e-6)


def test_samples_are_of_the_noise_the_classes_and_the_codes_that_are_asked_for(torch):
    seen = {}

    def sampled(name, options, *asked, **named):
        generator = read(torch, *written(name, options)[:2])
        generator.layers.register_forward_pre_hook(lambda _, inputs: seen.update(x=inputs[0]))
        torch.manual_seed(0)
        assert len(generator.sample(*asked, **named)) == asked[0]
        return seen["x"].numpy()

    normal, uniform = sampled("mlp", Options(), 99), sampled("mlp-small", Options(), 99)
    assert abs(normal.std() - 1) < 0.05 and np.abs(normal).max() > 3 > 1 > np.abs(uniform).max()
    assert uniform.min() < -0.95 and uniform.max() > 0.95
    eye = np.eye(CLASSES)
    np.testing.assert_array_equal(sampled("digits", GAMES[0], 6)[:, -4:], eye[[0, 1, 2, 3, 0, 1]])
    np.testing.assert_array_equal(sampled("digits", GAMES[0], 2, label=3)[:, -4:], eye[[3, 3]])
    codes = sampled("digits", GAMES[1], 99)[:, -5:]
    assert (np.sort(codes[:, :3]) == [0, 0, 1]).all() and codes[:, :3].any(axis=0).all()
    assert codes[:, 3:].min() < -0.9 and codes[:, 3:].max() > 0.9
    given = torch.arange(10.0).reshape(2, 5)
    np.testing.assert_array_equal(sampled("digits", GAMES[1], 2, code=given)[:, -5:], given)


def twin(torch, *network, features=6):
    """A chain of layers, in evaluation, and the same in PyTorch, as it is written."""
    network = stirred(nn.Sequential(*network))
    lines = layers.in_torch(network, features)
    names = {"nn": torch.nn}
    exec("\n".join(pytorch.HELPERS.values()), names)
    other = eval(pytorch._sequential(lines), names)
    other.load_state_dict({k: torch.tensor(a) for k, a in pytorch._state(lines).items()})
    return network, other.eval(), lines


def assert_equal(network, other, torch, features=6):
    x = np.random.default_rng(2).standard_normal((3, features)).astype(np.float32)
    ours = network(x).numpy()
    with torch.no_grad():
        theirs = other(torch.tensor(x)).numpy()
    ours = ours.transpose(0, 3, 1, 2) if ours.ndim == 4 else ours
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5 * np.abs(ours).max())


def test_every_layer_of_the_table_does_the_same_in_pytorch(torch):
    rng = np.random.default_rng(0)
    image = [nn.Dense(6, 48, rng=rng), nn.Reshape(3, 4, 4)]
    chains = [
        [nn.Dense(6, 4, bias=False, rng=rng), nn.BatchNorm(4, eps=0.1, momentum=0.3)],
        [nn.LayerNorm(6, eps=0.1)], [nn.GroupNorm(2, 6)], [nn.ELU(0.5)], [nn.Softmax()],
        [nn.Softplus(), nn.LogSoftmax(1), nn.ReLU(), nn.Dropout(0.5)],
        [*image, nn.Dense(4, 3, rng=rng), nn.BatchNorm(3, eps=0.2), nn.Tanh()],
        [*image, nn.LayerNorm(4)], [*image, nn.InstanceNorm(4)], [*image, nn.GroupNorm(2, 4)],
        [*image, nn.Softmax(), nn.LeakyReLU(0.3), nn.Sigmoid()],
        [*image, nn.Upsample(2)], [*image, nn.Upsample((2, 3), "bilinear")],
        [*image, nn.Upsample(size=(5, 7))], [*image, nn.Upsample(size=(5, 7), mode="bilinear")],
        [nn.Dense(6, 72, rng=rng), nn.Reshape(2, 3, 12), nn.PixelShuffle(2)],
        [*image, nn.AdaptiveAvgPool2d((2, 3))],
        [*image, nn.Flatten(), nn.Dense(48, 5, rng=rng)], [*image, nn.Reshape(4, 6, 2)],
        [nn.Sequential(nn.Reshape(6), nn.Flatten()), *image, nn.Reshape(48)],
        [*image, nn.SpectralNorm(nn.Conv2d(4, 3, 3, padding=1, rng=rng), rng=rng)],
        [*image, nn.Conv2d(4, 8, (2, 3), stride=(2, 1), groups=2, bias=False, rng=rng)]]
    used = set()
    for chain in chains:
        network, other, _ = twin(torch, *chain)
        assert_equal(network.eval(), other, torch)
        used |= {type(module) for module in network.modules()}
        if chain is chains[0]:  # what training moves moves as far
            x = np.random.default_rng(3).normal(size=(7, 6)).astype(np.float32)
            network.train()(x), other.train()(torch.tensor(x))
            for name, array in pytorch._state(layers.in_torch(network, 6)).items():
                np.testing.assert_allclose(other.state_dict()[name], array, rtol=1e-5)
    assert used >= layers.LAYERS.keys() - {nn.ConvTranspose2d}  # which comes next


def test_convolutions_have_the_same_padding_in_pytorch(torch):
    rng, kinds, spelled = np.random.default_rng(0), [], 0
    paddings = 0, (1, 0), "same", ((0, 2), (1, 0)), ((2, 0), (0, 1))
    for kernel, stride, dilation, padding in itertools.product(
            [1, (2, 3), (4, 5)], [1, 2, (3, 2)], [1, 2], paddings):
        options = dict(stride=stride, dilation=dilation, padding=padding, rng=rng)
        kinds.append(nn.Conv2d(4, 2, kernel, **options))
        kinds.append(nn.ConvTranspose2d(4, 2, kernel, groups=2, **options))
        if stride != 1 and padding != "same":
            kinds.append(nn.ConvTranspose2d(4, 2, kernel, output_padding=1, bias=False, **options))
    for layer in kinds:
        try:
            network, other, lines = twin(torch, nn.Reshape(5, 6, 4), layer, features=120)
        except ValueError as error:  # a window larger than the image, or nothing left of it
            assert "larger than" in str(error) or "cuts off all" in str(error)
        else:
            assert_equal(network, other, torch, features=120)
            spelled += len(lines) > 3
            n, height, width, channels = network(np.zeros((1, 120), np.float32)).shape
            assert lines[-1].note.removeprefix("cut to ") in (
                "", f"(N, {channels}, {height}, {width})")
    assert 50 < spelled < len(kinds) - 50


# What needs no PyTorch to be seen

@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_kernels_have_pytorchs_order_of_axes(kind):
    layer = kind(4, 8, (2, 3), groups=2)
    turned = layers.state(layer)["weight"]
    assert turned.shape == ((8, 2, 2, 3) if kind is nn.Conv2d else (4, 4, 2, 3))
    assert turned[3, 1, 0, 2] == layer.weight.numpy()[0, 2, 1, 3]


def test_what_padding_takes_off_and_is_cut_off_is_what_is_to_go_at_each_side():
    for start, end, beyond, limit in itertools.product(range(4), range(4), range(3), range(3, 5)):
        padding, more, top, bottom = layers._cut((start, end), beyond, limit)
        assert padding + top == start and padding + bottom - more == end - beyond
        assert min(padding, more, top, bottom) >= 0 and more < limit


# Files

@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with two saved steps."""
    made = Run.new(tmp_path_factory.mktemp("export") / "run", batch_size=8, steps=2, save_every=1)
    made.trainer().run(2)
    return made


def test_the_command_writes_a_file_that_loads_its_weights_without_minigan(run, capsys, torch):
    assert main(["export", str(run.folder), "--to", "torch"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == run.folder / "torch-step-000002" / "generator.py"
    names = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
             for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, (ast.Import, ast.ImportFrom))}
    assert names == {"pathlib", "torch", "safetensors.torch"}
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    generator = module.load()
    assert not generator.training
    z = run.config.latent(run.game()[0], 5, seed=3)
    with torch.no_grad():
        theirs = generator(torch.tensor(z[0].numpy())).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(theirs, sample(run.generator()[0], z), rtol=1e-5, atol=1e-6)


def test_what_is_written_is_the_same_again_and_takes_no_other_files_place(run, tmp_path, capsys):
    def export(*words):
        status = main(["export", str(run.folder), "--out", str(tmp_path), *words])
        return status, capsys.readouterr().err

    assert export() == (0, "")
    names = ("generator.py", "generator.safetensors")
    first = [(tmp_path / name).read_bytes() for name in names]
    assert max(map(len, first[0].splitlines())) < 100
    assert export() == (0, "") and [(tmp_path / name).read_bytes() for name in names] == first
    for there, gone in (names, names[::-1]):  # of another step, or of who knows what
        (tmp_path / gone).rename(tmp_path / "elsewhere")
        status, said = export("--step", "1")
        assert status == 2 and f"{tmp_path / there} exists already" in said
        (tmp_path / "elsewhere").rename(tmp_path / gone)
    arrays, _ = read_arrays(tmp_path / names[1])
    write_arrays(tmp_path / names[1], {name: array + 1 for name, array in arrays.items()})
    assert export()[0] == 2  # those of a run with another seed


@pytest.mark.parametrize("words, says", [
    (["nowhere"], "nowhere is no run folder"), (["run", "--step", "9"], "no weights of step 9"),
    (["run", "--to", "keras"], "there is no library 'keras'; there are torch"),
    (["run", "--to", "trch"], "did you mean torch?"),
])
def test_a_mistaken_export_is_told_in_a_line(words, says, run, capsys, monkeypatch):
    monkeypatch.chdir(run.folder.parent)
    try:
        status = main(["export", *words])
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr().err.strip()
    assert status == 2 and says in said and len(said.splitlines()) == 1


def test_a_file_whose_name_python_reads_otherwise_is_named_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path("nets\\unet.py")  # a file in a folder, on Windows
    file.parent.mkdir(exist_ok=True)
    file.write_text("from minigan.nn import *\n\n\ndef pair(shape, rng, latent=2):\n"
                    "    return (Sequential(Dense(latent, 64), Tanh(), Reshape(8, 8, 1)),\n"
                    "            Sequential(Flatten(), Dense(64, 1)))\n")
    assert main(["train", f"{file}:pair", "--steps", "1", "--out", "run"]) == 0
    assert main(["export", "run"]) == 0
    code = Path("run/torch-step-000001/generator.py").read_text()
    assert f"system {file}:pair, data" in ast.get_docstring(ast.parse(code))


class Own(nn.Module):
    def forward(self, x):
        return x


def test_what_has_no_export_is_told():
    def refused(says, *network):
        with pytest.raises(UserError, match=says):
            layers.in_torch(nn.Sequential(*network), 6)

    refused(r"no export of Own\(\): a generator is to be a chain of Dense, Conv2d", Own())
    refused(r"Reshape\(2, 3\) from shape \(1, 6\) to \(1, 2, 3\): only of vect", nn.Reshape(2, 3))
    refused("one factor for both sides", nn.Reshape(1, 1, 6), nn.PixelShuffle((2, 3)))
    *_, game, run = written("digits", Options(generators=2))
    game.generator.body = nn.Flatten()
    with pytest.raises(UserError, match="share layers"):
        pytorch.written(run, game, 7)
    game.noise = None
    with pytest.raises(UserError, match="no export of noise other than"):
        pytorch.written(run, game, 7)
