"""The mutation suite itself: that it plants what it says, and counts nothing that is no error.

The complete run is the command `python -m tests.mutation`.
"""
from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from minigan import Tensor, grad, ops
from minigan.testing.call import Call
from tests.cases import CASES
from tests.mutation import __main__ as command
from tests.mutation import suite
from tests.mutation.judge import PROBES, probe, same
from tests.mutation.kinds import Kind, listed, on_input, patched
from tests.mutation.libraries import LIBRARIES, library
from tests.mutation.generic import GENERIC
from tests.mutation.real import REAL
from tests.mutation.suite import ALL, KINDS, Bench, CaseResult, Result
from tests.mutation.table import report
from tests.mutation.unseen import UNSEEN

CASE = {str(case): case for case in CASES}
X = np.array([[1.5, -2.0, 0.5], [1.0, 0.0, 3.0]])
CALLS = 40  # not those that the command draws: enough for each error to show


@pytest.fixture(scope="module")
def benches():
    """Cases on the bench, with few calls, made when asked for."""
    made = {}

    def bench(name: str) -> Bench:
        if name not in made:
            case = CASE[name]
            extra = [case.typical, *([case.empty] if case.empty else [])]
            made[name] = Bench(case, [*extra, *suite.drawn(case, CALLS)], [])
        return made[name]

    return bench


# What is planted

def test_there_are_a_dozen_kinds_and_a_dozen_real_errors_and_no_two_of_one_name():
    assert len(KINDS) > 40 and len(REAL) > 12
    assert len({kind.name for kind in ALL}) == len(ALL)
    assert {kind.probe for kind in ALL} <= set(PROBES)


def test_errors_are_named_after_operations_that_exist():
    known = {case.op for case in CASES} | set(CASE)
    for kind in ALL:
        assert (kind.ops or frozenset()) <= known, kind.name


@pytest.mark.parametrize("name", ["multiply", "max", "conv2d", "split", "losses.bce"])
def test_planting_an_error_in_a_gradient_leaves_the_values_alone(name):
    case = CASE[name]
    tensors = [Tensor(x) for x in case.typical.args]
    right = [y.numpy() for y in listed(case.f(*tensors, **case.typical.options))]
    for kind in KINDS:
        if kind.applies(case) and not kind.name.startswith(("values", "promoted")):
            with kind.planted(case.f) as mutant:
                planted = mutant(*[Tensor(x.copy()) for x in case.typical.args],
                                 **case.typical.options)
            for y, e in zip(listed(planted), right):
                np.testing.assert_array_equal(y.numpy(), e, err_msg=kind.name)


def test_an_error_is_in_the_gradient_that_it_is_planted_on_and_in_no_other():
    kind = next(kind for kind in KINDS if kind.name == "factor two")
    x, y = Tensor(X, requires_grad=True), Tensor(X[0], requires_grad=True)
    right = grad(ops.multiply(x, y).sum(), [x, y])
    for i in range(2):
        with kind.planted(ops.multiply, i) as mutant:
            wrong = grad(mutant(x, y).sum(), [x, y])
        for j in range(2):
            np.testing.assert_array_equal(wrong[j].data, right[j].data * (2 if i == j else 1))


def test_what_is_patched_is_put_back_whatever_happens():
    before = [(owner, name, vars(owner)[name]) for kind in REAL for owner, name, _ in kind.patches]
    assert before
    for kind in REAL:
        with pytest.raises(ZeroDivisionError):
            with kind.planted(ops.exp):
                assert all(vars(owner)[name] is new for owner, name, new in kind.patches)
                raise ZeroDivisionError
    assert all(vars(owner)[name] is value for owner, name, value in before)


def test_of_several_patches_of_one_thing_the_first_state_comes_back():
    thing = SimpleNamespace(a=1)
    with patched([(thing, "a", 2), (thing, "a", 3)]):
        assert thing.a == 3
    assert thing.a == 1


# The judge

def test_an_identity_planted_is_no_error(benches):
    nothing = Kind("nothing", "the right gradient", on_input(lambda lib, g, x: g * 1.0), each=True)
    for name in ["multiply", "softmax", "layer_norm", "conv2d"]:
        assert benches(name).test(nothing).fate == "equivalent"


@pytest.mark.parametrize("kind, name", [("transposed", "losses.l2"), ("reversed", "multiply"),
                                        ("values saved as constants", "multiply")])
def test_what_changes_a_derivative_is_an_error(kind, name, benches):
    kind = next(k for k in KINDS if k.name == kind)
    assert benches(name).test(kind).fate == "killed"


@pytest.mark.parametrize("kind, name", [
    ("values saved as constants", "sum"),         # what is linear has no second derivative
    ("axes not inverted", "swapaxes"),
    ("wrong for negative inputs", "losses.bce"),  # there are none
    ("wrong if asked for alone", "exp")])
def test_what_changes_nothing_is_equivalent(kind, name, benches):
    kind = next(k for k in ALL if k.name == kind)
    assert benches(name).test(kind).fate == "equivalent"


def test_an_error_that_no_drawn_call_shows_is_told_apart():
    at_seven = Kind("at seven", "", on_input(lambda lib, g, x: g * (2 if 7 in x.data else 1)))
    bench = Bench(CASE["exp"], [Call((X,))], [Call((X + 7,))])
    assert bench.test(at_seven).fate == "not drawn"


def test_the_judge_compares_up_to_rounding_and_sees_errors_as_errors():
    a = [np.array([1.0, np.nan])]
    assert same(a, [a[0] * (1 + 1e-15)]) and not same(a, [a[0] * (1 + 1e-9)])
    assert not same(a, [a[0].astype(np.float32)]) and not same(a, [a[0][:1]])
    raised = probe(lambda x: ops.sum(x, axis=5), Call((X,)), "graph")
    assert raised.startswith("ValueError") and same(raised, raised) and not same(raised, a)


# Every kind is killed somewhere, in every operation something is

def on_the_first_that_shows_it(bench: Bench, kind: Kind) -> Bench:
    """The bench with nothing but the first call on which the error shows, or with all if there is
    none: the checks take longer on the others than the judge does. What is remembered of an
    earlier call needs several."""
    several = kind.call or kind.probe == "called before"
    shown = [] if several else next(([c] for c in bench.calls if bench.shows(kind, c)), [])
    return Bench(bench.case, shown or bench.calls, [], bench.known)


@pytest.mark.parametrize("kind", [*KINDS, *REAL, *UNSEEN[::3]], ids=str)  # a slice of the last
def test_each_kind_of_error_is_found(kind, benches):
    likely = ["multiply", "var", "exp", "leaky_relu", "elu", "matmul", "conv2d",
              "conv_transpose2d", "upsample_nearest", "log", "tanh", *map(str, CASES)]
    fates = []
    for name in likely:
        if kind.applies(CASE[name]) and benches(name).takes(kind):  # benches take time
            fates.append(on_the_first_that_shows_it(benches(name), kind).test(kind).fate)
            if fates[-1] == "killed":
                return
            if fates.count("survived") == 3:
                break
    pytest.fail(f"{kind.name} is never found: {fates}")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_error_is_found_in_each_operation(case):
    kind = next(kind for kind in KINDS if kind.name == "off by 1 %")
    result = Bench(case, [case.typical], []).test(kind)
    assert result.fate == "killed" and result.example == 1


def test_the_same_calls_are_drawn_each_time():
    first, second = (suite.drawn(CASE["conv2d"]) for _ in range(2))
    assert list(map(repr, first)) == list(map(repr, second))
    assert len(first) == suite.EXAMPLES


# The command

def found(*fates):
    yield CaseResult("exp", [Result("exp", "factor two", 0, fate, 1) for fate in fates])


@pytest.mark.parametrize("fates, status", [(["killed", "equivalent"], 0), (["not drawn"], 0),
                                           (["killed", "survived"], 1)])
def test_the_exit_status_is_1_if_an_error_survives(fates, status, monkeypatch, capsys):
    monkeypatch.setattr(suite, "run", lambda cases, kinds, jobs: found(*fates))
    assert command.main(["exp"]) == status
    assert "| exp |" in capsys.readouterr().out


def test_the_exit_status_is_1_if_the_right_gradient_is_refused(monkeypatch, capsys):
    refused = CaseResult("exp", [], "GradientError: no")
    monkeypatch.setattr(suite, "run", lambda *_: (result for result in [refused]))
    assert command.main(["exp"]) == 1
    assert "GradientError: no" in capsys.readouterr().out


@pytest.mark.parametrize("arguments, words", [
    (["multipy"], ["no operation 'multipy'", "did you mean multiply"]),
    (["--kinds", "wrong sing"], ["no kind of error 'wrong sing'", "wrong sign"]),
    (["--jobs", "0"], ["--jobs must be at least 1"]),
    (["exp", "--out", "no/such/folder/table.md"], ["no/such/folder/table.md"])])
def test_a_users_mistake_is_answered_by_one_line(arguments, words, capsys):
    assert command.main(arguments) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in words) and said.count("\n") == 1


def test_without_hypothesis_the_command_says_what_to_install(monkeypatch, capsys):
    def missing(name):
        raise ModuleNotFoundError("No module named 'hypothesis'", name="hypothesis")

    monkeypatch.setattr(command, "import_module", missing)
    assert command.main(["exp"]) == 2
    assert "pip install hypothesis" in capsys.readouterr().err


def test_ctrl_c_ends_with_the_table_so_far(monkeypatch, capsys):
    def interrupted(cases, kinds, jobs):
        yield from found("killed")
        raise KeyboardInterrupt

    monkeypatch.setattr(suite, "run", interrupted)
    assert command.main([]) == 128 + signal.SIGINT
    out, err = capsys.readouterr()
    assert "| exp | 1 | 1 | 100.0 % |" in out and "interrupted after 1 of" in err


def test_the_table_counts_and_lists_what_got_away():
    text = report(list(found("killed", "killed", "survived", "not drawn", "equivalent")), ["exp"],
                  ["factor two"])
    assert "| exp | 3 | 2 | 66.7 % | 2 | 1 | 1 |" in text
    assert "Survived:\n\n- exp: factor two, input 0" in text


def test_any_number_of_jobs_finds_the_same(tmp_path, capsys):
    tables = []
    for jobs in ("1", "2"):
        out = tmp_path / f"{jobs}.md"
        assert command.main(["exp", "leaky_relu 's gradient", "--kinds", "wrong sign",
                             "wrong for negative inputs", "--jobs", jobs, "--out", str(out)]) == 0
        tables.append(capsys.readouterr().out)
        assert tables[-1] == out.read_text(encoding="utf-8")
    assert tables[0] == tables[1]


def test_the_command_runs_from_the_root_of_a_checkout():
    done = subprocess.run([sys.executable, "-m", "tests.mutation", "--jobs", "0"],
                          cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        2, "python -m tests.mutation: --jobs must be at least 1, not 0\n")


# The others' checks

def test_what_a_library_cannot_express_are_errors_that_the_others_are_shown():
    known = {kind.name for kind in [*GENERIC, *UNSEEN]}
    assert all(lib.cannot <= known for lib in LIBRARIES.values())


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_operations_are_the_same_in_all_libraries_and_their_checks_accept_them(name):
    pytest.importorskip(name)
    lib = library(name)
    for op, f in lib.operations().items():
        case = CASE[op]
        if op in ("multiply", "max", "losses.bce"):
            assert not lib.caught(f, case.typical.args), op
        if name != "minigan":  # whose values the tests of every operation compare
            np.testing.assert_allclose(lib.values(f, case.typical.args),
                                       case.typical.of(case.reference), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", GENERIC, ids=str)
@pytest.mark.parametrize("name", LIBRARIES)
def test_an_error_leaves_the_values_alone_in_each_library(name, kind):
    pytest.importorskip(name)
    lib = library(name)
    if kind.name not in lib.cannot and not kind.name.startswith("values not"):
        f, call = lib.operations()["multiply"], CASE["multiply"].typical
        np.testing.assert_array_equal(lib.values(kind.plant(lib, f, 0), call.args),
                                      lib.values(f, call.args))


@pytest.mark.parametrize("name", LIBRARIES)
def test_each_library_finds_a_wrong_sign_and_an_identity_is_no_error(name):
    pytest.importorskip(name)
    lib, planted = library(name), {kind.name: kind.plant for kind in GENERIC}
    f = lib.operations()["exp"]
    assert lib.caught(planted["wrong sign"](lib, f, 0), (X,))
    assert not lib.caught(planted["wrong if 0-d"](lib, f, 0), (X,))
