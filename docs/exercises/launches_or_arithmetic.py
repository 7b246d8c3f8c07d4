"""Who waits for whom?

Chapter: gpu. 5 minutes.

A step asks the GPU for `launches` kernels, 15 µs of Python each. Meanwhile the GPU computes: it
moves `mb` MB at 4.8 TB/s and makes products of `gflop` GFLOP at 50 TFLOP/s, one after the other.
Write `milliseconds(launches, mb, gflop)`, which returns both times, Python's and the GPU's. An
eager step lasts as long as the longer one. Then: `digits` has 107 launches at any batch size, and
at 64 images 19 MB and 0.1 GFLOP. At which `batch`, a power of two, does the GPU first take longer
than Python?
"""
# %% start
def milliseconds(launches, mb, gflop):
    python = ...
    gpu = ...
    return python, gpu


batch = ...
# %% solution
def milliseconds(launches, mb, gflop):
    python = launches * 15e-6 * 1e3
    gpu = (mb * 1e6 / 4.8e12 + gflop * 1e9 / 50e12) * 1e3
    return python, gpu


# 1.6 ms of Python and 0.006 ms of GPU: 270 times as many images, and 64 · 256 = 16,384 is too few
batch = 32768
# %% check
for case, (python, gpu) in {(107, 19, 0.1): (1.605, 0.00596), (285, 3724, 76): (4.275, 2.2958),
                            (0, 4800, 0): (0, 1), (0, 0, 50): (0, 1)}.items():
    found = milliseconds(*case)
    assert isinstance(found, tuple) and len(found) == 2 and ... not in found, (
        f"milliseconds returns {found!r}: it is to be Python's time and the GPU's")
    for name, right, yours in ("Python", python, found[0]), ("the GPU", gpu, found[1]):
        assert abs(yours - right) <= 0.01 * right, (
            f"{case[0]} launches, {case[1]} MB, {case[2]} GFLOP: {name} takes {right:g} ms, "
            f"and you say {yours:g}. A TB is 10¹² bytes, a millisecond 10⁻³ s; the GPU's two times "
            "add up")
assert isinstance(batch, int) and batch > 0, (
    f"batch is {batch!r}, and is to be a power of two: MB and GFLOP grow with it, launches do not")
python, gpu = milliseconds(107, 19 * batch / 64, 0.1 * batch / 64)
assert gpu > python, f"at {batch} images the GPU takes {gpu:.2f} ms, and Python {python:.2f}"
python, gpu = milliseconds(107, 19 * batch / 128, 0.1 * batch / 128)
assert gpu <= python, f"with half of {batch} images the GPU takes {gpu:.2f} ms, Python {python:.2f}"
