"""Which array library computes: choosing, finding, moving, and the kernels' specification."""
from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigan as mg
from minigan import backend
from minigan.backend import BackendError, cpu, reference, thresholds


@pytest.fixture
def fake_cupy(monkeypatch, restored_backends):
    """Installs a module in place of CuPy, until the test ends."""
    def install(**names):
        module = ModuleType("cupy")
        for name, value in {"float32": np.float32, "ndarray": type("ndarray", (), {}),
                            "asarray": np.asarray, "asnumpy": np.asarray, **names}.items():
            setattr(module, name, value)
        monkeypatch.setitem(sys.modules, "cupy", module)
    return install


def one_line(excinfo):
    message = str(excinfo.value)
    assert "\n" not in message
    return message


def test_numpy_is_the_default():
    assert backend.current().name == "numpy" and mg.tensor(1.0).data.__class__ is np.ndarray


def test_cpu_is_another_name_for_numpy():
    assert backend.get("cpu") is backend.get("numpy")


def test_an_unknown_backend_is_refused_with_the_known_ones():
    with pytest.raises(BackendError, match="no backend 'torch'; known are: cupy, .*numpy") as error:
        mg.use("torch")
    one_line(error)
    assert backend.current().name == "numpy"


@pytest.mark.parametrize("name", ["cupy", "cuda"])
def test_an_absent_cupy_is_one_line_that_says_what_to_install(name, monkeypatch, restored_backends):
    monkeypatch.setitem(sys.modules, "cupy", None)  # makes its import fail
    backend._backends.pop("cupy", None)
    with pytest.raises(BackendError) as error:
        mg.use(name)
    assert "needs CuPy, which is not installed" in one_line(error)
    assert "pip install 'minigan[cuda12]'" in str(error.value) and "cuda13" in str(error.value)
    assert backend.current().name == "numpy"


def test_a_cupy_without_a_device_is_one_line_that_says_so(fake_cupy):
    def eye(n, dtype):
        raise RuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected\nand more")

    fake_cupy(eye=eye)
    backend._backends.pop("cupy", None)
    with pytest.raises(BackendError, match="finds no CUDA device.*cudaErrorNoDevice") as error:
        mg.use("cupy")
    assert "minigan[cuda12]" in one_line(error)


def test_a_device_that_multiplies_wrongly_is_not_promised(fake_cupy):
    fake_cupy(eye=lambda n, dtype: np.full((n, n), np.nan, dtype))
    backend._backends.pop("cupy", None)
    with pytest.raises(BackendError, match="multiplied two 2 x 2 matrices wrongly"):
        mg.use("cupy")


def test_a_cupy_that_computes_becomes_the_default(fake_cupy):
    fake_cupy(eye=np.eye)
    backend._backends.pop("cupy", None)
    mg.use("cuda")
    assert backend.current().name == "cupy" and backend.get("cupy").xp is sys.modules["cupy"]


class Device(np.ndarray):
    """Stands for a device's array: another type, moved by the functions below."""


def to_device(x):
    return np.array(x).view(Device)


def from_device(x):
    return np.array(x.view(np.ndarray))


@pytest.fixture
def device(restored_backends):
    other = replace(backend.get("numpy"), name="device", array_type=Device, kernels=reference,
                    from_numpy=to_device, to_numpy=from_device)
    backend.register(other)
    return other


def test_a_registered_backend_is_found_by_its_name_and_its_arrays(device):
    x = to_device(np.ones(3, np.float32))
    assert backend.get("device") is device and backend.of(x) is device
    assert backend.kernels(x) is reference and backend.kernels(np.ones(3)) is cpu
    assert backend.is_array(x) and not backend.is_array([1.0])


def test_new_tensors_and_parameters_are_made_on_the_backend_in_use(device):
    mg.use("device")
    assert type(mg.tensor([1.0]).data) is Device
    assert type(mg.nn.Dense(2, 3).weight.data) is Device
    assert type((mg.tensor([1.0]) * 2).data) is Device


def test_arrays_move_to_a_device_and_back(device):
    x = np.arange(3.0)
    there = backend.to_device(x, "device")
    assert type(there) is Device and backend.to_device(there, "device") is there
    assert type(backend.to_device(there, "cpu")) is np.ndarray
    assert backend.to_device(x, "numpy") is x


def test_a_module_moves_with_its_whole_state_and_forgets_gradients(device):
    net = mg.nn.Sequential(mg.nn.Dense(2, 3), mg.nn.BatchNorm(3))
    net(np.ones((4, 2), np.float32)).sum().backward()
    state = net.state_dict()
    assert net.to("device") is net
    assert all(type(t.data) is Device and t.grad is None for _, t in net.named_state())
    for name, array in net.state_dict().items():
        assert type(array) is np.ndarray
        np.testing.assert_array_equal(array, state[name])


def test_a_subclass_of_numpys_array_belongs_to_numpy():
    assert backend.of(np.ma.masked_array([1.0])).name == "numpy"


def test_to_numpy_copies():
    x = np.ones(3)
    backend.to_numpy(x)[0] = 5
    assert x[0] == 1


def test_what_is_no_array_is_refused_with_the_way_to_make_one():
    with pytest.raises(TypeError, match=r"expected an array of .*numpy.*, got list: .*mg.tensor"):
        backend.array_module([1.0])


def test_result_makes_an_array_of_a_scalar_and_keeps_arrays():
    x = np.ones(3)
    assert backend.result(x) is x
    scalar = backend.result(np.float32(2))
    assert type(scalar) is np.ndarray and scalar.shape == () and scalar.dtype == np.float32


@pytest.mark.parametrize("data, dtype", [
    (1.5, np.float32), ([1.5], np.float32), ([[1, 2.5]], np.float32), (1, np.int64),
    ([True], np.bool_), (np.float64(1), np.float64), ([np.float64(1)], np.float64),
    (np.ones(2), np.float64), (np.float16(1), np.float16)])
def test_asarray_keeps_dtypes_and_makes_python_floats_float32(data, dtype):
    assert backend.asarray(data).dtype == dtype


def test_asarray_copies_only_if_it_has_to():
    x = np.ones(3, np.float32)
    assert backend.asarray(x) is x and backend.asarray(x, np.float32) is x
    assert backend.asarray(x, np.float64).dtype == np.float64


@pytest.mark.parametrize("data", ["text", None, object(), np.array(["a"]), [1j]])
def test_asarray_refuses_what_is_no_number(data):
    with pytest.raises(TypeError, match="expected numbers"):
        backend.asarray(data)


# Kernels

def arrays(dtype):
    rng = np.random.default_rng(0)
    edge = np.array([0, -0.0, 1, -1, 20, -20, 1e4, -1e4, np.inf, -np.inf, np.nan], dtype)
    wide = (rng.normal(size=(7, 5)) * 10).astype(dtype)
    return [edge, wide, wide.T, wide[::2, ::-1], wide[:0], np.array(0.5, dtype),
            np.array(-0.5, dtype)]


SLOPES = [(0.2,), (0.0,), (1.0,), (-0.5,), (3.0,)]
KERNELS = {"sigmoid": [()], "softplus": [()], "leaky_relu": SLOPES}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name, args", [(name, args) for name in KERNELS for args in KERNELS[name]])
def test_a_kernel_equals_its_reference(name, args, dtype):
    for x in arrays(dtype):
        before = x.copy()
        with np.errstate(invalid="ignore", over="ignore"):
            fast = np.asarray(getattr(cpu, name)(x, *args))
            slow = np.asarray(getattr(reference, name)(x, *args))
        assert fast.dtype == slow.dtype == dtype and fast.shape == slow.shape
        np.testing.assert_allclose(fast, slow, rtol=4 * np.finfo(dtype).eps, atol=0)
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("slope", [slope for slope, in SLOPES])
def test_leaky_relu_gradient_equals_its_reference(slope, dtype):
    for grad in arrays(dtype):
        positive = np.random.default_rng(1).random(grad.shape) > 0.5
        before = grad.copy()
        with np.errstate(invalid="ignore", over="ignore"):
            fast = np.asarray(cpu.leaky_relu_gradient(grad, positive, slope))
            slow = np.asarray(reference.leaky_relu_gradient(grad, positive, slope))
        assert fast.dtype == slow.dtype == dtype and fast.shape == slow.shape
        np.testing.assert_array_equal(fast, slow)
        np.testing.assert_array_equal(grad, before)


@given(st.tuples(*[st.integers(0, 4)] * 4))
def test_matmul_equals_its_reference(lengths):
    batch, n, k, m = lengths
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(batch, n, k)), rng.normal(size=(k, m))
    for a, b in [(x, w), (x.swapaxes(0, 1), w), (x, np.asfortranarray(w))]:
        np.testing.assert_allclose(cpu.matmul(a, b), reference.matmul(a, b), rtol=1e-12, atol=1e-15)


@given(st.integers(1, 5), st.integers(1, 9), st.sampled_from([0.0, np.inf, -np.inf, np.nan]),
       st.integers(0, 20))
def test_banded_matmul_reads_only_the_band_and_equals_matmul_where_all_is_finite(n, m, odd, place):
    rows = np.arange(m)[:, None] * n / m - np.arange(n)
    matrix, x = np.maximum(1 - abs(rows), 0), np.random.default_rng(0).normal(size=(2, n, 3))
    x.flat[place % x.size] += odd
    expected = np.zeros((2, m, 3))
    for i, j in np.argwhere(matrix):
        expected[:, i] += matrix[i, j] * x[:, j]
    for module in (cpu, reference):
        np.testing.assert_allclose(module.banded_matmul(matrix, x, 2), expected, rtol=1e-12)


def test_bce_with_logits_equals_its_reference():
    for x in arrays(np.float32)[1:]:
        for target in (np.ones_like(x), np.zeros_like(x), np.full_like(x, 0.3)):
            np.testing.assert_allclose(cpu.bce_with_logits(x, target),
                                       reference.bce_with_logits(x, target), rtol=1e-6)


def test_every_kernel_has_a_fast_version_a_reference_and_the_same_arguments():
    public = set(reference.__all__)
    assert public == set(cpu.__all__)
    for name in public:
        own = list(inspect.signature(getattr(cpu, name)).parameters)
        own = own[:-1] if own[-1] == "out" else own  # where to write, which is the CPU's alone
        assert own == list(inspect.signature(getattr(reference, name)).parameters), name


@pytest.mark.parametrize("index", [(1,), (slice(None), 2), (slice(3, None, -1),),
                                   (np.array([0, 2, 0, 0]),), (np.array([3, 3]), np.array([1, 1])),
                                   (np.array([True, False, True, False]),), (..., None, 0)])
def test_add_at_is_the_adjoint_of_indexing(index):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3))
    y = rng.normal(size=x[index].shape)
    for module in (cpu, reference):
        assert (x[index] * y).sum() == pytest.approx((x * module.add_at(x.shape, index, y)).sum())


@pytest.mark.parametrize("sizes", [[1], [7], [8], [9], [3, 5], [8, 8], [1, 1, 1, 17, 2], [23, 1],
                                   [5, 0, 12]])
def test_update_in_blocks_equals_the_update_in_one(sizes, monkeypatch):
    monkeypatch.setattr(thresholds, "PASS_BLOCK", 8)
    rng = np.random.default_rng(0)
    total = sum(sizes)
    grads = [rng.normal(size=(size, 1)) for size in sizes]
    results = []

    def rule(p, g, m):
        m += g
        g *= g
        p -= m + g

    for module in (cpu, reference):
        p, m = np.arange(total, dtype=float), np.ones(total)
        module.update(rule, p, [g.copy() for g in grads], m)
        results.append((p, m))
    np.testing.assert_array_equal(results[0], results[1])


def test_update_leaves_the_gradients_alone():
    grads = [np.ones(3), np.ones(2)]

    def rule(p, g):
        g *= 5

    for module in (cpu, reference):
        module.update(rule, np.zeros(5), grads)
    assert all((g == 1).all() for g in grads)
