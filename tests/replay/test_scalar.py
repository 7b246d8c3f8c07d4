"""Numbers that change from step to step: on the host, on a device, and on the way between."""
from __future__ import annotations

import numpy as np

import minigan as mg
from minigan.replay import Scalar


def steps_with_changing_rate():
    """The weights after steps whose learning rate is set anew before each."""
    w = mg.Tensor(mg.tensor(np.array([1.0, 2.0])).data, requires_grad=True)
    optimizer = mg.optim.SGD([w], lr=0.1)
    for lr in (0.1, 0.05, 0.2):
        optimizer.lr = lr
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    return w.numpy()


def test_a_learning_rate_that_changes_between_steps_is_seen_on_a_device(strict):
    expected = steps_with_changing_rate()
    mg.use("strict")
    np.testing.assert_allclose(steps_with_changing_rate(), expected, rtol=1e-14)
    np.testing.assert_allclose(expected, np.array([1.0, 2.0]) * 0.8 * 0.9 * 0.6, rtol=1e-14)


def test_a_count_goes_along_from_the_host_to_a_device_and_back(strict):
    host = np.zeros(1)
    mg.use("strict")
    device, count = mg.tensor([0.0]).data, Scalar(0)
    for like in (host, host, device, device, host, device):
        count.tick(like)
    assert count.on(host) == count.value == 6 and isinstance(count.value, int)
    count.tick(device)
    count.value = 3
    count.tick(device)
    assert count.value == 4
