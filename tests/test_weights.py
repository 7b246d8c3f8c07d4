"""A module's state goes into a file and comes back, or it is said why not."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import nn
from minigan.errors import UserError
from minigan.gan import GAN, models


def network(seed, inputs=3):
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Dense(inputs, 4, rng=rng), nn.BatchNorm(4), nn.Dense(4, 2, rng=rng))


def test_a_module_comes_back_with_its_running_statistics(tmp_path):
    first, other, path = network(0), network(1), tmp_path / "new" / "net.safetensors"
    first(np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32))
    mg.save(first, path)
    assert mg.load(other, str(path)) is other
    for name, array in first.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)
    assert other[1].running_mean.numpy().any()
    game = GAN(*models.digits(width=4, rng=np.random.default_rng(0)))
    mg.save(game, path)  # all of its networks, in the place of what was there
    twin = mg.load(GAN(*models.digits(width=4)), path)
    x = np.ones((2, 8, 8, 1), np.float32)
    assert (game.discriminator(x).numpy() == twin.discriminator(x).numpy()).all()


def test_what_does_not_fit_is_told_with_the_file_and_changes_nothing(tmp_path):
    mg.save(network(0), path := tmp_path / "net.safetensors")
    before = (other := network(1, inputs=5)).state_dict()
    for module, says in ((other, r"'layers.0.weight' is \(3, 4\) of float32, Sequential's is \(5,"),
                         (nn.Dense(3, 4), "does not fit Dense: missing"),
                         (network(1).astype("float64"), "of float64")):
        with pytest.raises(UserError, match=rf"net\.safetensors: .*{says}"):
            mg.load(module, path)
    for name, array in other.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(UserError, match="nothing.safetensors is missing"):
        mg.load(other, tmp_path / "nothing.safetensors")
    for call, does in ((mg.save, "save writes"), (mg.load, "load reads")):
        with pytest.raises(UserError, match=f"{does} safetensors files, .* such as net.safetens"):
            call(other, tmp_path / "net.pt")
    with pytest.raises(TypeError, match="save: module is a Module, not a dict"):
        mg.save(other.state_dict(), path)
