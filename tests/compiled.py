"""CuPy's ElementwiseKernel and ReductionKernel for the strict stand-in: the same source, compiled
as C++ for this machine.

`install(module)` adds them to the stand-in's array module. The parameters are parsed, typed and
broadcast as CuPy does it, refusals included, and the body is put into the same frame: references
to the elements, `const` where they are inputs, and a loop over `i`. Half precision is a class
like CuPy's `float16`: it converts to float and back, so that a body that is ambiguous there is
ambiguous here. A reduction adds in four lanes that are joined at the end, for a GPU's threads
join partial sums too.
"""
from __future__ import annotations

import ctypes
import hashlib
import math
import re
import shutil
import subprocess
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.strict import device
from tests.strict.array import StrictArray

COMPILER = shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")

C_TYPES = {np.dtype(name): c for name, c in {
    "bool": "bool", "int8": "signed char", "uint8": "unsigned char", "int16": "short",
    "uint16": "unsigned short", "int32": "int", "uint32": "unsigned int", "int64": "long long",
    "uint64": "unsigned long long", "float16": "float16", "float32": "float",
    "float64": "double"}.items()}

# the compiler's own functions: <cmath> takes longer to read than a kernel to compile
FUNCTIONS = "".join(f"""
inline float {name}(float x) {{ return __builtin_{name}f(x); }}
inline double {name}(double x) {{ return __builtin_{name}(x); }}
""" for name in ("exp", "fabs", "log", "log1p", "sqrt", "tanh")) + """
inline float pow(float x, float y) { return __builtin_powf(x, y); }
inline double pow(double x, double y) { return __builtin_pow(x, y); }
"""

PRELUDE = """
typedef __PTRDIFF_TYPE__ ptrdiff_t;
#define __device__
""" + FUNCTIONS + """
class float16 {
    _Float16 data;
public:
    float16() {}
    float16(float v) : data(v) {}
    explicit float16(double v) : data(v) {}
    explicit float16(int v) : data(v) {}
    operator float() const { return data; }
    float16& operator=(const float16&) = default;
    float16(const float16&) = default;
    template <typename V> float16& operator=(const V& v) { return *this = static_cast<float16>(v); }
    template <typename V> float16& operator+=(const V& v) { return *this = *this + v; }
    template <typename V> float16& operator-=(const V& v) { return *this = *this - v; }
};
struct Indexer {
    ptrdiff_t count, place;
    ptrdiff_t size() const { return count; }
    void set(ptrdiff_t i) { place = i; }
    ptrdiff_t get() const { return place; }
};
template <typename T> struct Array {  // indexed in C order, whatever its strides
    char* data; const ptrdiff_t* layout; ptrdiff_t ndim;  // layout: the shape, then the strides
    T& at(ptrdiff_t i) const {
        ptrdiff_t offset = 0;
        for (ptrdiff_t d = ndim; d-- > 0; i /= layout[d])
            offset += i % layout[d] * layout[ndim + d];
        return *reinterpret_cast<T*>(data + offset);
    }
    T& operator[](ptrdiff_t i) { return at(i); }
    const T& operator[](ptrdiff_t i) const { return at(i); }
};
"""


class Parameter(NamedTuple):
    """One of a kernel's parameters: `type` is a letter, or the name of a dtype."""

    name: str
    type: str
    raw: bool

    @property
    def dtype(self) -> np.dtype | None:
        return None if len(self.type) == 1 else np.dtype(self.type)

    @property
    def c_type(self) -> str:
        return self.type if self.dtype is None else C_TYPES[self.dtype]


def parse(params: str) -> list[Parameter]:
    """A parameter list such as "T x, raw T w, int32 count"."""
    parsed = []
    for text in params.strip().split(","):
        *keywords, kind, name = text.split()
        if set(keywords) - {"raw"} or name in ("i", "n") or name.startswith("_"):
            raise ValueError(f"{text!r} is no parameter: it has another keyword than raw, or a "
                             "reserved name (i, n, those with _)")
        parsed.append(Parameter(name, kind, "raw" in keywords))
    return parsed


_one_at_a_time = threading.Lock()


@cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="minigan-kernels-")  # removed when Python ends


def compiled(source: str) -> Any:
    """The function `run` of a C++ source, compiled once in a session."""
    with _one_at_a_time:  # ranks that are threads ask for the same kernels
        return _compiled(source)


@cache
def _compiled(source: str) -> Any:
    if COMPILER is None:
        raise RuntimeError("no C++ compiler was found (g++, c++ or clang++)")
    path = Path(_folder().name) / hashlib.sha256(source.encode()).hexdigest()[:20]
    path.with_suffix(".cpp").write_text(source)
    done = subprocess.run([COMPILER, "-std=c++17", "-O1", "-shared", "-fPIC", "-ffp-contract=off",
                           "-o", path.with_suffix(".so"), path.with_suffix(".cpp")],
                          capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the kernel does not compile:\n{done.stderr}\n{source}")
    return ctypes.CDLL(str(path.with_suffix(".so"))).run


class Kernel:
    """What both kinds share: parameters, their types, and the call of the code."""

    def __init__(self, in_params: str, out_params: str, name: str):
        if not name.isidentifier():
            raise ValueError(f"{name!r} is no name for a kernel")
        self.inputs, self.outputs, self.name = parse(in_params), parse(out_params), name

    def split(self, args: tuple) -> tuple[list, list]:
        """The arguments in and out. CuPy takes all of the outputs, or none."""
        count = len(self.inputs)
        if len(args) not in (count, count + len(self.outputs)):
            raise TypeError(f"{self.name} takes {count} arguments or {count + len(self.outputs)} "
                            f"with outputs, not {len(args)}")
        for x in args:
            if not isinstance(x, (StrictArray, bool, int, float, np.generic)):
                raise TypeError(f"{self.name} takes arrays of the device and numbers, not a "
                                f"{type(x).__name__}")
        if not all(isinstance(x, StrictArray) for x in args[count:]):
            raise TypeError(f"the outputs of {self.name} must be arrays")
        return list(args[:count]), list(args[count:])

    def types(self, ins: list, outs: list) -> dict[str, np.dtype]:
        """What each type letter stands for: the dtype of every array that is marked with it."""
        letters: dict[str, np.dtype] = {}
        for p, x in [*zip(self.outputs, outs), *zip(self.inputs, ins)]:
            if isinstance(x, StrictArray):
                known = p.dtype if p.dtype is not None else letters.setdefault(p.type, x.dtype)
                if known != x.dtype:
                    raise TypeError(f"Type is mismatched. {self.name}: {p.name} {x.dtype} {known}")
        for p in [*self.inputs, *self.outputs]:
            if p.dtype is None and p.type not in letters:
                raise KeyError(p.type)  # CuPy's answer to a letter that no array explains
        return letters

    def made(self, shape: tuple, letters: dict[str, np.dtype]) -> list[StrictArray]:
        """The outputs that the caller did not bring."""
        return [StrictArray(np.empty(shape, letters[p.type] if p.dtype is None else p.dtype))
                for p in self.outputs]

    def hosts(self, ins: list, letters: dict, shape: tuple) -> list[np.ndarray]:
        """The inputs as host arrays: raw ones as they are, numbers typed, the others broadcast."""
        hosts = []
        for p, x in zip(self.inputs, ins):
            if isinstance(x, StrictArray):
                hosts.append(x._host if p.raw else np.broadcast_to(x._host, shape))
            else:
                hosts.append(np.array(x).astype(letters[p.type] if p.dtype is None else p.dtype))
        return hosts

    def source(self, ins: list, letters: dict, preamble: str, loop: str) -> str:
        """The C++ file: a function `run` that unpacks its arguments and runs the loop."""
        lines = []
        for k, p in enumerate([*self.inputs, *self.outputs]):
            const = "const " * (k < len(self.inputs))
            if k >= len(self.inputs) or isinstance(ins[k], StrictArray):
                lines.append(f"{const}Array<{p.c_type}> {p.name if p.raw else '_raw_' + p.name}"
                             f"{{data[{k}], layouts[{k}], ndims[{k}]}};")
            else:
                lines.append(f"const {p.c_type} {p.name} = *({p.c_type}*)data[{k}];")
        types = "".join(f"typedef {C_TYPES[d]} {t};\n" for t, d in sorted(letters.items()))
        return (PRELUDE + types + preamble + 'extern "C" void run(char** data, ptrdiff_t** layouts,'
                ' ptrdiff_t* ndims, ptrdiff_t* sizes) {\n' + "\n".join(lines) + loop + "}\n")

    def launch(self, source: str, arrays: list[np.ndarray], sizes: tuple[int, ...]) -> None:
        function = compiled(source)
        layouts = [np.array([*a.shape, *a.strides, 0], np.intp) for a in arrays]
        ndims, numbers = [np.array(n, np.intp) for n in ([a.ndim for a in arrays], sizes)]

        def work():
            pointers = ctypes.c_void_p * len(arrays)
            function(pointers(*[a.ctypes.data for a in arrays]),
                     pointers(*[a.ctypes.data for a in layouts]),
                     # not data_as, whose pointers wait for the garbage collector
                     ctypes.c_void_p(ndims.ctypes.data), ctypes.c_void_p(numbers.ctypes.data))

        outputs = zip(self.outputs, arrays[len(self.inputs):])
        read = [x for p, x in outputs if _reads(getattr(self, "operation", ""), p.name)]
        device.run(self.name, work, moved=[x for x in arrays + read if x.ndim])


def _reads(body: str, name: str) -> bool:
    """Whether a kernel's body uses an output for more than `name = ...`."""
    return re.search(rf"\b{name}\b(?!\s*=[^=])", body) is not None


def _references(params: list[Parameter], args: list, index: str, const: str) -> str:
    return "".join(f"{const}{p.c_type} &{p.name} = _raw_{p.name}[{index}.get()];\n"
                   for p, x in zip(params, args) if isinstance(x, StrictArray) and not p.raw)


class ElementwiseKernel(Kernel):
    """kernel(*inputs) makes the outputs, kernel(*inputs, *outputs) writes to them."""
    def __init__(self, in_params: str, out_params: str, operation: str, name: str = "kernel",
                 preamble: str = ""):
        super().__init__(in_params, out_params, name)
        self.operation, self.preamble = operation, preamble

    def __call__(self, *args: Any, size: int | None = None) -> Any:
        ins, outs = self.split(args)
        shapes = [x.shape for p, x in zip([*self.inputs, *self.outputs], args)
                  if isinstance(x, StrictArray) and not p.raw]
        if (size is None) != bool(shapes):
            raise ValueError(f"{self.name}: Loop size is undecided." if size is None else
                             "Specified 'size' can be used only if all of the ndarray are 'raw'.")
        shape = np.broadcast_shapes(*shapes) if size is None else (size,)
        letters = self.types(ins, outs)
        outs = outs or self.made(shape, letters)
        if any(x.shape != shape for p, x in zip(self.outputs, outs) if not p.raw):
            raise ValueError("Out shape is mismatched")
        if 0 not in shape:
            loop = ("\nIndexer _ind{sizes[0], 0};\nfor (ptrdiff_t i = 0; i < _ind.size(); ++i) {\n"
                    "_ind.set(i);\n" + _references(self.inputs, ins, "_ind", "const ")
                    + _references(self.outputs, outs, "_ind", "") + self.operation + ";\n}\n")
            self.launch(self.source(ins, letters, self.preamble, loop),
                        [*self.hosts(ins, letters, shape), *[x._host for x in outs]],
                        (math.prod(shape),))
        return outs[0] if len(outs) == 1 else tuple(outs)


LOOP = """
Indexer _in_ind{{sizes[0], 0}}, _out_ind{{sizes[1], 0}};
for (ptrdiff_t _i = 0; _i < _out_ind.size(); ++_i) {{
    _type_reduce _lanes[4] = {{{start}, {start}, {start}, {start}}};
    for (ptrdiff_t _j = _i, _turn = 0; _j < _in_ind.size(); _j += _out_ind.size(), ++_turn) {{
        _in_ind.set(_j);
        {inputs}
        _type_reduce _a = static_cast<_type_reduce>({map});
        _lanes[_turn % 4] = REDUCE(_lanes[_turn % 4], _a);
    }}
    for (int _half = 2; _half; _half /= 2)
        for (int _k = 0; _k < _half; ++_k) {{
            _type_reduce _a = _lanes[_k], _b = _lanes[_k + _half];
            _lanes[_k] = REDUCE(_a, _b);
        }}
    _type_reduce _s = _lanes[0];
    _out_ind.set(_i);
    {outputs}
    POST_MAP(_s);
}}
"""


class ReductionKernel(Kernel):
    """kernel(*inputs[, *outputs], axis=...). As in CuPy, only the first output is returned."""
    def __init__(self, in_params: str, out_params: str, map_expr: str, reduce_expr: str,
                 post_map_expr: str, identity: str, name: str = "reduce_kernel",
                 reduce_type: str | None = None, preamble: str = ""):
        super().__init__(in_params, out_params, name)
        if len(self.inputs) == len(self.outputs) == 1:
            raise NotImplementedError("with one input and one output CuPy may choose CUB, which "
                                      "is not imitated here: give the kernel a second parameter")
        self.map, self.identity = map_expr, identity
        self.preamble = (f"{preamble}\ntypedef {reduce_type or self.outputs[0].c_type} "
                         f"_type_reduce;\n#define REDUCE(a, b) ({reduce_expr})\n"
                         f"#define POST_MAP(a) ({post_map_expr})\n")

    def __call__(self, *args: Any, axis: Any = None, keepdims: bool = False) -> StrictArray:
        ins, outs = self.split(args)
        letters = self.types(ins, outs)
        shape = np.broadcast_shapes(*[x.shape for x in ins if isinstance(x, StrictArray)])
        axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        away = sorted({a % len(shape) for a in axes})
        kept = [a for a in range(len(shape)) if a not in away]
        out_shape = tuple([shape[a] if a in kept else 1 for a in range(len(shape))
                           if keepdims or a in kept])
        outs = outs or self.made(out_shape, letters)
        if any(x.shape != out_shape for x in outs):
            raise ValueError("Out shape is mismatched")
        if 0 not in out_shape:
            start = f"_type_reduce({self.identity})"
            loop = LOOP.format(start=start, map=self.map,
                               inputs=_references(self.inputs, ins, "_in_ind", "const "),
                               outputs=_references(self.outputs, outs, "_out_ind", ""))
            hosts = [h.transpose(*away, *kept) if h.ndim else h
                     for h in self.hosts(ins, letters, shape)]
            self.launch(self.source(ins, letters, self.preamble, loop),
                        [*hosts, *[x._host for x in outs]],
                        (math.prod(shape), math.prod(out_shape)))
        return outs[0]


def install(module: Any) -> None:
    """Give an array module the two classes."""
    module.ElementwiseKernel, module.ReductionKernel = ElementwiseKernel, ReductionKernel
