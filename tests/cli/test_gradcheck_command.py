"""`minigan gradcheck` as a person uses it: its verdicts, and its answers to mistakes."""
from __future__ import annotations

import importlib
import subprocess
import sys

import numpy as np
import pytest

from minigan.cli import main
from minigan.cli.gradcheck import draw

OPS = """
    import numpy as np

    import minigan as mg
    from minigan.autodiff import Function
    from minigan.testing import from_numpy

    def swish(x, beta=1.0):
        return x * mg.ops.sigmoid(beta * x)

    class Square(Function):
        def forward(self, x):
            return x ** 2

        def backward(self, grad):
            return grad * self.inputs[0]

    class Layer:
        def forward(self, x):
            return x * x

    layer = Layer()
    beta = 1.5
    square = from_numpy(np.square, lambda x, grad: 2 * x * grad)

    def wrong(x): return Square()(x)
    def product(x, w): return x @ w
    def sum_of(*xs): return sum(xs[1:], xs[0])
    def along(x, *, axis): return mg.ops.sum(x, axis=axis)
    def logarithm(x): return mg.ops.log(x)
    def forgotten(x): x * x
    def of_arrays(x): return np.arctan(x)
    def exits(x): raise SystemExit(3)

    def same_shapes(x, w):
        if x.shape != w.shape:
            raise ValueError(f"shapes differ:\\n{x.shape} and {w.shape}")
        return x * w
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A fresh current folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    importlib.invalidate_caches()
    modules, path = set(sys.modules), sys.path[:]
    yield tmp_path
    assert sys.path == path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__spec__", "")):
            del sys.modules[name]


@pytest.fixture
def write(folder):
    def write(name, text):
        lines = text.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(line[indent:] for line in lines) + "\n")
        importlib.invalidate_caches()
    return write


@pytest.fixture
def check(write, capsys):
    """Run the command beside ops.py: its exit status, output, and complaint."""
    write("ops.py", OPS)

    def check(line):
        try:
            status = main(["gradcheck", *line.split()])
        except SystemExit as stopped:  # argparse
            status = stopped.code
        output = capsys.readouterr()
        return status, output.out, output.err
    return check


@pytest.fixture
def complaint(check):
    """The one line with which the command refuses."""
    def complaint(line):
        status, _, err = check(line)
        assert status == 2
        assert err.startswith("minigan gradcheck: ") and err.count("\n") == 1
        return err
    return complaint


@pytest.mark.parametrize("line", [
    "ops:swish --shape 3x4", "ops.py:swish --shape scalar", "./ops.py:swish --shape ()",
    "ops:layer.forward --shape 1", "ops:square --shape 3", "ops:product --shape 3x4 --shape 4x2",
    "ops:sum_of --shape 3 --shape 2x3 --shape 1", "ops:logarithm --shape 3 --range 0.01 2",
    "minigan.ops:softplus --shape 3",
    "ops:product --shape 3x4 --shape 4 --wrt 1 --dtype float32 --order 1 --directions 2 "
    "--kinks raise --seed 5 --range -1 1"])
def test_a_right_gradient_is_reported_with_status_0(check, line):
    status, out, err = check(line)
    assert (status, err) == (0, "") and "right" in out


def test_a_wrong_gradient_has_status_1_and_the_message_of_the_check(check):
    status, out, err = check("ops:wrong --shape 3")
    assert (status, err) == (1, "")
    assert "wrong at first order" in out and "ratio 0.5" in out and "Traceback" not in out


def test_options_reach_the_check(check):
    _, out, _ = check("ops:swish --shape 3 --order 1 --seed 9")
    assert "first order" in out and "second order" not in out and "seed 9" in out


def test_a_function_in_a_package_is_found_by_file_and_by_name(check, write):
    write("package/__init__.py", "")
    write("package/squares.py", "from .helper import square")
    write("package/helper.py", "def square(x): return x * x")
    assert check("package/squares.py:square --shape 3")[0] == 0
    assert check("package.squares:square --shape 3")[0] == 0


def test_inputs_are_readable_and_within_their_range():
    for low, high in [(-2, 2), (0.001, 2), (1e-4, 2e-4), (-1e6, 1e6)]:
        x, = draw([(1000,)], "float64", low, high, seed=0)
        assert low <= x.min() < x.max() <= high
        assert all(len(f"{v:.15g}".strip("-").replace(".", "").strip("0")) <= 4 for v in x)
    assert [x.dtype for x in draw([(3,), ()], "float16", -2, 2, seed=0)] == [np.float16] * 2


@pytest.mark.parametrize("line, answer", [
    ("oops:swish --shape 3", "no module 'oops'"),
    ("oops:swish --shape 3", "did you mean ops?"),
    ("oops.py:swish --shape 3", "no file oops.py: did you mean ops.py?"),
    ("ops.nn:swish --shape 3", "no module 'ops.nn'"),
    (".:swish --shape 3", "expected module:function"),
    ("./:swish --shape 3", "is a folder"),
    ("ops --shape 3", "expected module:function"),
    ("ops: --shape 3", "expected module:function"),
    ("ops:swich --shape 3", "module ops has no 'swich': did you mean swish?"),
    ("ops:layer.forwards --shape 3", "layer has no 'forwards': did you mean forward?"),
    ("ops:beta --shape 3", "beta is of type float and no function"),
    ("ops:Layer --shape 3", "Layer is a class"),
    ("minigan.ops:conv2d --shape 3 --shape 3", "conv2d needs x (N, H, W, C)"),
])
def test_what_is_no_function_is_named(complaint, line, answer):
    assert answer in complaint(line)


@pytest.mark.parametrize("text", ["3x", "x3", "3x-4", "-3", "3.5", "(3,4)", "three", "3X4"])
def test_an_unreadable_shape_is_answered_by_an_example(complaint, text):
    assert "expected a shape as in 3x4" in complaint(f"ops:swish --shape={text}")


@pytest.mark.parametrize("line, answer", [
    ("ops:swish", "--shape"),
    ("ops:swish --shape 1000000x1000000", "1,000,000,000,000 elements are too many"),
    ("ops:swish --shape 0x3", "the inputs have no elements"),
    ("ops:product --shape 3x4", "product(x, w) takes 2 inputs, not 1"),
    ("ops:swish --shape 1 --shape 1 --shape 1", "takes 1 to 2 inputs, not 3"),
    ("ops:along --shape 3", "along cannot be called without axis by name"),
    ("ops:swish --shape 3 --wrt 1", "counted from 0 and there are 1"),
    ("ops:swish --shape 3 --wrt -1", "expected a whole number of at least 0"),
    ("ops:swish --shape 3 --seed -1", "expected a whole number of at least 0"),
    ("ops:swish --shape 3 --directions 0", "directions is a whole number of at least 1"),
    ("ops:swish --shape 3 --order 4", "--order"),
    ("ops:swish --shape 3 --dtype int64", "--dtype"),
    ("ops:swish --shape 3 --kinks ignore", "--kinks"),
    ("ops:swish --shape 3 --range 2 -2", "LOW must be below HIGH"),
    ("ops:swish --shape 3 --range 1 1", "LOW must be below HIGH"),
    ("ops:swish --shape 3 --range nan 1", "LOW must be below HIGH"),
    ("ops:swish --shape 3 --range 0 1e9 --dtype float16", "that float16 can hold"),
])
def test_options_that_do_not_fit_are_refused(complaint, line, answer):
    assert answer in complaint(line)


@pytest.mark.parametrize("line, answer", [
    ("ops:same_shapes --shape 3 --shape 4",
     "same_shapes raised ValueError: shapes differ: (3,) and (4,) (ops.py:36)"),
    ("ops:forgotten --shape 3", "returned NoneType, which is no Tensor"),
    ("ops:of_arrays --shape 3",
     "returned ndarray, which is no Tensor: check minigan.testing.from_numpy"),
    ("ops:exits --shape 3", "exits raised SystemExit: 3"),
    ("ops:logarithm --shape 3", "choose others with --range"),
])
def test_an_error_of_the_function_is_told_in_a_line(complaint, line, answer):
    assert answer in complaint(line)


@pytest.mark.parametrize("text, answer", [
    ("", "module broken has no 'f'"),
    ("def f(x:", "broken cannot be imported: SyntaxError"),
    ("import sys\n\nsys.exit()", "broken ends the program when it is imported"),
    ("x = 1\n1 / 0", "broken cannot be imported: ZeroDivisionError: division by zero "
                     "(broken.py:2)"),
    ("import no_such_module", "No module named 'no_such_module' (broken.py:1)"),
])
def test_a_module_that_cannot_be_used_is_told_in_a_line(complaint, write, text, answer):
    write("broken.py", text)
    assert answer in complaint("broken:f --shape 3")


def test_a_file_with_the_name_of_a_loaded_module_is_not_mistaken_for_it(complaint, write):
    write("random.py", "def f(x): return x * x")
    assert "the name 'random' is taken" in complaint("random.py:f --shape 3")


def test_a_folder_is_not_taken_for_a_module(complaint, write):
    write("plain/inner.py", "def f(x): return x * x")
    assert "a folder without __init__.py" in complaint("plain:f --shape 3")


def test_the_installed_command_looks_in_the_current_folder(write, folder):
    write("printing.py", "print('loaded')\ndef f(x): return x * x")
    done = subprocess.run([sys.executable, "-c", "from minigan.cli import main; exit(main())",
                           "gradcheck", "printing:f", "--shape", "3"],
                          cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("loaded\nf ")


def test_help_has_an_example(check):
    status, out, _ = check("--help")
    assert status == 0 and "$ minigan gradcheck ops.py:swish --shape 3x4" in out


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_functions_of_other_frameworks_are_checked(check, write, framework):
    pytest.importorskip(framework)
    write("other.py", f"from minigan.testing import from_{framework}\n"
                      f"square = from_{framework}(lambda x: x * x)")
    status, out, err = check("other:square --shape 2x3")
    assert (status, err) == (0, "") and "right" in out
