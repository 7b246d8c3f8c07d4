"""The table of a network's layers says what is there, and changes nothing."""
from __future__ import annotations

import numpy as np
import pytest

from minigan import nn
from minigan.backend import asarray
from minigan.errors import UserError
from minigan.gan import ConditionalGenerator, TwoHeads, models


def test_the_table_shows_layers_shapes_and_parameters():
    critic = nn.Sequential(nn.SpectralNorm(nn.Conv2d(1, 9, 5, stride=2, padding="same")),
                           nn.BatchNorm(9), nn.ReLU(), nn.Flatten(), nn.Dense(441, 1, bias=False))
    assert repr(nn.summary(critic, (14, 14, 1))) == """\
                layer                                      output        parameters   bytes
-------------------------------------------------------------------------------------------
layers.0        SpectralNorm()                             (N, 7, 7, 9)               136 B
layers.0.layer  Conv2d(1, 9, 5, stride=2, padding='same')  (N, 7, 7, 9)         234   936 B
layers.1        BatchNorm(9)                               (N, 7, 7, 9)          18   144 B
layers.2        ReLU()                                     (N, 7, 7, 9)
layers.3        Flatten()                                  (N, 441)
layers.4        Dense(441, 1, bias=False)                  (N, 1)               441  1.8 kB
-------------------------------------------------------------------------------------------
                in all                                                          693  3.0 kB
and 52 numbers that are saved, but not trained"""


def test_without_shapes_it_counts_and_calls_nothing():
    class Tied(nn.Module):
        def __init__(self):
            self.first = nn.Dense(4, 3)
            self.again, self.scale = [self.first, nn.Tanh()], nn.Parameter(asarray(np.ones(2)))

    table = nn.summary(Tied())
    assert [row.name for row in table.rows] == ["", "first", "again.1"]
    assert (table.parameters, table.state, table.bytes) == (17, 0, 15 * 4 + 2 * 8)
    assert all(row.output is None for row in table.rows)
    with nn.frozen(network := nn.Dense(2, 2)):
        assert (nn.summary(network).parameters, nn.summary(network).state) == (0, 6)


def test_several_inputs_and_outputs_have_their_shapes():
    generator = ConditionalGenerator(models.digits(latent=13, width=4)[0], 10)
    assert nn.summary(generator, (3,), (10,)).rows[-1].output == (1, 8, 8, 1)
    heads = TwoHeads(nn.Flatten(), nn.Dense(64, 1), nn.Dense(64, 10))
    assert "(N, 64)" in repr(table := nn.summary(nn.Sequential(heads), (8, 8, 1)))
    assert [row.output for row in table.rows] == [(1, 64), (1, 1), (1, 10)]


def test_the_module_stays_as_it_was():
    network = nn.Sequential(nn.BatchNorm(3), nn.Dropout(0.5), nn.Dense(3, 2)).astype("float64")
    network[1].eval()
    before = [dict(vars(module)) for module in network.modules()], network.state_dict()
    nn.summary(network, (3,))
    with pytest.raises(ValueError, match="its last axis must be"):
        nn.summary(nn.Sequential(network[2]), (4,))
    after = [dict(vars(module)) for module in network.modules()], network.state_dict()
    assert before[0] == after[0]
    for name, array in before[1].items():
        np.testing.assert_array_equal(after[1][name], array)


@pytest.mark.parametrize("wrong", [28, (0, 3), (2.5,), "28"])
def test_what_is_no_shape_is_told(wrong):
    with pytest.raises(UserError, match="the shape of one example, without N"):
        nn.summary(nn.ReLU(), wrong)
