"""A test whose inputs Hypothesis draws and whose other parameters pytest fills: what `gradtest`
makes of a function."""
from __future__ import annotations

import inspect
import os
from dataclasses import replace
from functools import wraps
from types import FunctionType
from typing import Any, Callable

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from .call import Call

__tracebackhide__ = True  # pytest: the message says what is wrong

SETTINGS, EXAMPLES = "_hypothesis_internal_use_settings", "hypothesis_explicit_examples"
PASSED_ON = "_hypothesis_internal_use_seed", "_hypothesis_internal_use_reproduce_failure"
POSITIONAL = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD


def drawing(test: Callable[..., Any], calls: SearchStrategy[Call], count: int | None,
            check: Callable[[Call], Any], max_examples: int) -> Callable[..., None]:
    """Test, for every call drawn: check(call), then the test itself. count is the number of inputs
    of a call, None if that is not known before. See `gradtest` for what the parameters are."""
    signature, names = _signature(test), _drawn(test, count)
    inner = given(call=calls)(_of_a_call(test, signature, names, check))

    @wraps(test)  # with pytest's marks; and Hypothesis's examples, settings and seed below this one
    def made(*args: Any, **pytests: Any) -> None:
        __tracebackhide__ = True
        made.settle()
        inner(*args, **pytests)

    def settle() -> None:
        """Hand on what stands above and below this decorator."""
        setattr(made, SETTINGS, completed(getattr(made, SETTINGS)))
        for name in (SETTINGS, *PASSED_ON):
            setattr(inner, name, getattr(made, name, None))
        setattr(inner, EXAMPLES, [_example(test, names, count, example)
                                  for example in getattr(made, EXAMPLES, [])])

    if not hasattr(test, "_hypothesis_internal_settings_applied"):
        setattr(made, SETTINGS, settings(getattr(test, SETTINGS, None), max_examples=max_examples))
    setattr(made, SETTINGS, completed(getattr(made, SETTINGS)))
    made.settle, made.is_hypothesis_test, made.hypothesis = settle, True, inner.hypothesis
    made.__signature__ = inspect.signature(inner)
    return made


def _of_a_call(test: Callable[..., Any], signature: inspect.Signature, names: list[str],
               check: Callable[[Call], Any]) -> Callable[..., None]:
    """Check and test of the call that Hypothesis draws, and of what pytest fills in."""
    others = [p for p in signature.parameters.values() if p.name not in names
              and p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    star = next((p.name for p in signature.parameters.values() if p.kind is p.VAR_POSITIONAL), "")

    def run(*args, call, **pytests):  # Hypothesis reads the annotations and refuses "None"
        __tracebackhide__ = True
        check(call)
        bound = signature.bind_partial()
        bound.arguments.update(zip([p.name for p in others], args), **pytests)
        if names or star:
            bound.arguments.update(_named(test, names, star, call))
        test(*bound.args, **bound.kwargs)

    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(run, name, getattr(test, name))  # Hypothesis files what it finds by the name
    drawn = inspect.Parameter("call", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = inspect.Signature(sorted([*others, drawn], key=lambda p: p.kind))
    return run


def raise_at(test: Callable[..., Any], error: Exception) -> None:
    """Raise the error on the first line of the test, which is where to look."""
    def shown(): raise error  # noqa: E704 (one line, which becomes the test's)
    code = test.__code__
    there = shown.__code__.replace(co_filename=code.co_filename, co_name=code.co_name,
                                   co_firstlineno=code.co_firstlineno)
    FunctionType(there, {}, closure=shown.__closure__)()


def completed(given: settings) -> settings:
    """The settings with what holds for every check of gradients."""
    # one failure at a time, without the lines of this package that Hypothesis would explain it by
    return settings(given, deadline=None if given.deadline == settings.default.deadline
                    else given.deadline, report_multiple_bugs=False,
                    phases=[p for p in given.phases if p is not Phase.explain],
                    derandomize=given.derandomize or "CI" in os.environ,
                    suppress_health_check={*given.suppress_health_check, HealthCheck.too_slow,
                                           HealthCheck.function_scoped_fixture})


def _signature(test: Callable[..., Any]) -> inspect.Signature:
    """The test's parameters; raises TypeError for what would not run when it is called."""
    for is_kind, what in ((inspect.iscoroutinefunction, "an async function"),
                          (inspect.isasyncgenfunction, "an async generator"),
                          (inspect.isgeneratorfunction, "a generator")):
        if is_kind(test):
            raise TypeError(f"{test.__name__} is {what}, which does nothing when it is called: "
                            "gradtest makes a test of a plain function")
    if not inspect.isfunction(test):
        raise TypeError(f"gradtest makes a test of a function, not of a {type(test).__name__}")
    return inspect.signature(test)


def _drawn(test: Callable[..., Any], count: int | None) -> list[str]:
    """The parameters that are drawn: the last ones by position, as many as there are inputs."""
    names = [p.name for p in inspect.signature(test).parameters.values()
             if p.kind in POSITIONAL and p.default is p.empty]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    if names and count is not None and len(names) < count:
        raise TypeError(f"{test.__name__} has a parameter for {', '.join(names)}, but {count} "
                        "inputs are drawn: name all of them or none. What pytest fills stands "
                        "before them, or behind a *")
    return names if count is None else names[len(names) - count:]


def _named(test: Callable[..., Any], names: list[str], star: str, call: Call) -> dict[str, Any]:
    """The call by the names of the test's parameters."""
    inputs = [name for name in names if name not in call.options]
    if star:
        return {**call.options, star: call.args}
    if len(inputs) != len(call.args):
        raise TypeError(f"{test.__name__} has a parameter for {', '.join(inputs) or 'none'}, but "
                        f"{len(call.args)} inputs are drawn: name all of them or none. What pytest "
                        "fills stands behind a *")
    return {**call.options, **dict(zip(inputs, call.args))}


def _example(test: Callable[..., Any], names: list[str], count: int | None, example: Any) -> Any:
    """The same @example of a Call."""
    if example.kwargs.keys() == {"call"}:
        return example
    if example.args:
        first = example.args[0]
        call = first if isinstance(first, Call) else Call(example.args)
        return replace(example, args=(), kwargs={"call": call})
    if count is None or example.kwargs.keys() != set(names):
        raise TypeError(f"an @example of {test.__name__} takes the inputs by position, or one Call "
                        f"of inputs and options, not {', '.join(example.kwargs)} by name")
    return replace(example, kwargs={"call": Call(tuple(example.kwargs[name] for name in names))})
