"""What moves between host and device: modules, optimisers, checkpoints, runs, data."""
from __future__ import annotations

import json

import numpy as np
import pytest

import minigan as mg
from minigan import backend, nn, optim
from minigan.cli import main
from minigan.data import Loader, Scaled
from minigan.gan import GAN, SYSTEMS, Run, Trainer

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), np.uint8)
# what the sums' order may change in float64 within some steps
TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}
# and in float32, where Adam makes whole steps of gradients that are rounding
FLOAT32 = {"rtol": 1e-3, "atol": 5e-3}

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, 0.1, momentum=0.9),
    "Adam": lambda p: optim.Adam(p, 0.01),
    "AdamW": lambda p: optim.AdamW(p, 0.01, weight_decay=0.1),
    "RMSprop": lambda p: optim.RMSprop(p, 0.01),
}


def lies_on(array, name):
    return backend.of(array) is backend.get(name)


def assert_equal(actual, expected, **tolerance):
    assert actual.keys() == expected.keys()
    for key, x in expected.items():
        if isinstance(x, dict):
            assert_equal(actual[key], x, **tolerance)
        elif isinstance(x, np.ndarray):
            np.testing.assert_allclose(actual[key], x, err_msg=key, **tolerance)
        else:
            assert actual[key] == x, key


def network():
    mg.use("cpu")  # SpectralNorm's first vectors are found in float32: elsewhere they are others
    rng = np.random.default_rng(0)
    return nn.Sequential(nn.Dense(3, 5, rng=rng), nn.BatchNorm(5), nn.LeakyReLU(),
                         nn.SpectralNorm(nn.Dense(5, 2, rng=rng), rng=rng)).astype(np.float64)


def train(net, optimizer, average, steps, rng):
    for _ in range(steps):
        x = mg.tensor(rng.normal(size=(4, 3)))
        optimizer.zero_grad()
        (net(x) ** 2).mean().backward()
        optimizer.step()
        average.update()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_after_a_move_there_and_back_with_the_same_numbers(name, device):
    def run(places):
        net, rng = network(), np.random.default_rng(1)
        optimizer, average = OPTIMIZERS[name](net.parameters()), optim.EMA(net)
        for place in places:
            mg.use(place)
            assert net.to(place) is net
            average.module.to(place)
            train(net, optimizer, average, 3, rng)
            for module in (net, average.module):
                assert all(lies_on(t.data, place) for _, t in module.named_state())
            assert all(lies_on(array, place) for array in optimizer.state.values())
        assert optimizer.steps == average.updates == 9
        return {"net": net.state_dict(), "average": average.module.state_dict(),
                "optimizer": optimizer.state_dict()}

    assert_equal(run(["cpu", device.name, "cpu"]), run(["cpu", "cpu", "cpu"]), **TOLERANCE)


def test_a_learning_rate_set_before_a_move_holds_after_it(device):
    def run(places):
        net, rng = network(), np.random.default_rng(1)
        optimizer, average = optim.Adam(net.parameters()), optim.EMA(net)
        for i, place in enumerate(places):
            mg.use(place)
            net.to(place)
            average.module.to(place)
            optimizer.lr = 0.01 / (i + 1)
            train(net, optimizer, average, 2, rng)
        assert optimizer.lr == 0.005
        return net.state_dict()

    assert_equal(run(["cpu", device.name]), run(["cpu", "cpu"]), **TOLERANCE)
    assert_equal(run([device.name, "cpu"]), run(["cpu", "cpu"]), **TOLERANCE)


def trainer(data=None):
    """A Trainer in float64 on the default device."""
    system = SYSTEMS["digits"]
    networks = system.networks(shape=(8, 8, 1), rng=np.random.default_rng(1))

    def noise(n, latent, rng):
        return system.noise(n, latent, rng).astype(np.float64)

    images = IMAGES / 255 if data is None else data
    game = GAN(*[n.astype(np.float64) for n in networks], noise=noise)
    return Trainer(game, Loader(images, batch_size=4))


def test_a_checkpoint_made_on_one_device_is_gone_on_with_on_the_other_and_back(device):
    mg.use("numpy")
    once = trainer()
    once.run(12)

    state = None
    for place, until in [("numpy", 4), (device.name, 9), ("numpy", 12)]:
        mg.use(place)
        again = trainer()
        if state is not None:
            again.load_state_dict(state)
        again.run(until)
        state = again.state_dict()
        assert all(type(x) is np.ndarray for x in state["game"].values())
        state = json.loads(json.dumps(state, default=lambda x: x.tolist()))  # nothing is shared
        state = {key: {k: np.array(v) if isinstance(v, list) else v for k, v in part.items()}
                 for key, part in state.items()}
    assert_equal(again.state_dict(), once.state_dict(), **TOLERANCE)


def test_data_kept_on_the_device_train_the_same_numbers(device):
    device.use()
    moved = trainer()
    resident = trainer(backend.asarray(IMAGES / 255))
    for t in (moved, resident):
        t.run(7)  # two epochs and a bit
    assert_equal(resident.state_dict(), moved.state_dict(), rtol=0, atol=0)


def test_bytes_are_scaled_on_the_device_to_numpys_bits(device):
    mg.use("numpy")
    expected = list(Loader(Scaled(IMAGES, (-1, 1)), batch_size=4))
    device.use()
    for images in (IMAGES, backend.asarray(IMAGES)):
        for batch, e in zip(Loader(Scaled(images, (-1, 1)), batch_size=4), expected, strict=True):
            assert lies_on(batch, device.name) and batch.dtype == np.float32
            np.testing.assert_allclose(backend.to_numpy(batch), e, rtol=0, atol=1.2e-7)


@pytest.fixture
def cuda(device, monkeypatch):
    """`--device cuda` means the device under test."""
    monkeypatch.setitem(backend._ALIASES, "cuda", device.name)
    return device


TINY = ["--batch-size", "8", "--save-every", "9"]  # it is saved at the end as well


def test_a_run_made_on_one_device_is_resumed_on_the_other_and_sampled_from(cuda, tmp_path, capsys):
    weights = {}
    for name, places in {"here": {9: "cpu"}, "there": {3: "cuda", 6: "cpu", 9: "cuda"}}.items():
        out = tmp_path / name
        for steps, place in places.items():
            resume = ["--resume"] if out.exists() else [*TINY, "--recipe", "as-written"]
            assert main(["train", *resume, "--steps", str(steps), "--device", place,
                         "--out", str(out)]) == 0
        mg.use("cpu")
        assert main(["sample", str(out), "--n", "4"]) == 0
        generator, step = Run.open(out).generator()
        assert step == 9
        weights[name] = generator.state_dict()
    assert_equal(weights["there"], weights["here"], **FLOAT32)
    assert "device:" not in capsys.readouterr().out  # it was asked for, and needs no telling


def test_cuda_that_answers_is_taken_by_auto_and_told(cuda, tmp_path, capsys):
    assert main(["train", *TINY, "--steps", "2", "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "device: cuda"
    assert backend.current().name == cuda.name


def test_a_folder_of_images_is_trained_on(cuda, tmp_path):
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, image in enumerate(IMAGES):
        Image.fromarray(image[..., 0]).save(folder / f"{i}.png")
    assert main(["train", "digits-dcgan", "--data", "images", "--data-dir", str(folder),
                 "--image-size", "8", "--batch-size", "4", "--steps", "3", "--device", "cuda",
                 "--out", str(tmp_path / "run")]) == 0
