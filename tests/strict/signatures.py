"""The names that CuPy has, of those that minigan and its tests use, and the arguments of each, in
CuPy's order. Elementwise functions take arrays and then `out`, `dtype` and `casting`.

tests/test_strict.py compares all of it with CuPy's own where CuPy is installed.
"""
from __future__ import annotations

from typing import Any

UFUNCS = """abs add cos divide equal exp expm1 floor_divide greater greater_equal isfinite isnan
    less less_equal log log1p logical_and logical_not logical_or maximum minimum multiply negative
    not_equal power rint sign sin sqrt square subtract tanh""".split()
UFUNC_KEYWORDS = {"out", "dtype", "casting"}

FUNCTIONS = {
    "all": "a axis out keepdims", "any": "a axis out keepdims", "arange": "start stop step dtype",
    "argmax": "a axis dtype out keepdims", "array": "obj dtype copy order",
    "asarray": "a dtype order", "ascontiguousarray": "a dtype", "broadcast_to": "array shape",
    "clip": "a a_min a_max out", "concatenate": "tup axis out", "copyto": "dst src casting where",
    "dot": "a b out", "empty": "shape dtype order", "empty_like": "prototype dtype order",
    "eye": "N M k dtype order", "full": "shape fill_value dtype order",
    "full_like": "a fill_value dtype order", "may_share_memory": "a b max_work",
    "max": "a axis out keepdims", "mean": "a axis dtype out keepdims",
    "min": "a axis out keepdims", "moveaxis": "a source destination",
    "ones": "shape dtype order", "ones_like": "a dtype order",
    "shares_memory": "a b max_work", "sum": "a axis dtype out keepdims",
    "argpartition": "a kth axis", "argsort": "a axis kind", "partition": "a kth axis",
    "sort": "a axis kind", "take": "a indices axis out", "tensordot": "a b axes",
    "where": "condition x y",
    "zeros": "shape dtype order", "zeros_like": "a dtype order",
}
# These take any number of arrays, or their options by name alone.
FREE = {"matmul": "out", "pad": "constant_values",
        "result_type": ""}

METHODS = {
    "all": "axis out keepdims", "any": "axis out keepdims", "argmax": "axis out dtype keepdims",
    "argmin": "axis out dtype keepdims", "astype": "dtype order casting subok copy",
    "clip": "min max out", "copy": "order", "cumsum": "axis dtype out",
    "fill": "value", "get": "stream order out", "item": "",
    "max": "axis out keepdims", "mean": "axis dtype out keepdims", "min": "axis out keepdims",
    "prod": "axis dtype out keepdims", "ravel": "order", "squeeze": "axis",
    "std": "axis dtype out ddof keepdims", "sum": "axis dtype out keepdims",
    "swapaxes": "axis1 axis2", "tolist": "", "var": "axis dtype out ddof keepdims",
}

GENERATOR = {
    "exponential": "scale size", "integers": "low high size dtype endpoint",
    "random": "size dtype out", "standard_exponential": "size dtype method out",
    "standard_normal": "size dtype out", "uniform": "low high size dtype",
}


def bind(name: str, names: str, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by CuPy's names. Raises TypeError for one that CuPy's function lacks."""
    known = names.split()
    unknown = sorted(set(kwargs) - set(known[len(args):]))
    if len(args) > len(known) or unknown:
        raise TypeError(f"CuPy's {name} takes ({', '.join(known)}), not {len(args)} arguments"
                        + f" and {', '.join(unknown)}=" * bool(unknown))
    return {**dict(zip(known, args)), **kwargs}
