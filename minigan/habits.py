"""Names that users bring from PyTorch and NumPy, and what the same is called here."""
from __future__ import annotations

from importlib import import_module
from typing import Any, Callable

from .errors import did_you_mean

# where it is looked for -> its name there -> what it is here
USUAL: dict[str, dict[str, str]] = {
    "argument": {
        "dim": "axis", "dims": "axis", "keepdim": "keepdims", "in_features": "inputs",
        "out_features": "outputs", "input_size": "inputs", "hidden_size": "features",
        "num_features": "features", "normalized_shape": "features",
        "scale_factor": "factor", "upscale_factor": "factor", "learning_rate": "lr",
        "input": "x", "other": "y", "unbiased": "ddof", "correction": "ddof", "generator": "rng",
        "seed": "rng=numpy.random.default_rng(seed)", "device": "mg.use(device) before the call",
        "min": "low", "max": "high", "a_min": "low", "a_max": "high", "slope": "negative_slope",
        "beta1": "betas", "beta2": "betas", "parameters": "params",
    },
    "minigan.nn": {
        "Linear": "nn.Dense", "BatchNorm1d": "nn.BatchNorm", "BatchNorm2d": "nn.BatchNorm",
        "InstanceNorm2d": "nn.InstanceNorm", "Dropout2d": "nn.Dropout",
        "UpsamplingNearest2d": "nn.Upsample", "UpsamplingBilinear2d": "nn.Upsample",
        "Unflatten": "nn.Reshape", "functional": "mg.ops", "BCELoss": "mg.losses.bce",
        "BCEWithLogitsLoss": "mg.losses.bce_with_logits", "MSELoss": "mg.losses.mse",
        "CrossEntropyLoss": "mg.losses.cross_entropy", "L1Loss": "mg.losses.mae",
        "HuberLoss": "mg.losses.huber", "SmoothL1Loss": "mg.losses.huber",
        "ModuleList": "a list of modules, in which a Module finds them",
        "ModuleDict": "a dict of modules, in which a Module finds them",
        "GRU": "a loop over nn.GRUCell", "RNN": "a loop over nn.GRUCell",
        "LSTM": "a loop over nn.GRUCell", "LSTMCell": "nn.GRUCell", "RNNCell": "nn.GRUCell",
        "utils": "mg.optim.clip_grad_norm, nn.SpectralNorm",
    },
    "minigan.losses": {
        "binary_cross_entropy": "losses.bce", "mse_loss": "losses.mse",
        "binary_cross_entropy_with_logits": "losses.bce_with_logits", "huber_loss": "losses.huber",
        "smooth_l1_loss": "losses.huber", "l1_loss": "losses.mae",
        "nll_loss": "losses.cross_entropy, of logits",
    },
    "minigan.optim": {"lr_scheduler": "a schedule of optim, such as optim.cosine_decay"},
    "minigan.ops": {
        "cat": "ops.concatenate", "permute": "ops.transpose", "view": "ops.reshape",
        "unsqueeze": "ops.expand_dims", "clamp": "ops.clip", "mm": "ops.matmul",
        "bmm": "ops.matmul", "dot": "ops.matmul", "pow": "ops.power", "mul": "ops.multiply",
        "div": "ops.divide", "sub": "ops.subtract", "neg": "ops.negative",
        "linear": "ops.affine", "interpolate": "ops.upsample_nearest or upsample_bilinear",
        "square": "x ** 2", "chunk": "ops.split", "ones": "mg.tensor(numpy.ones(shape))",
        "zeros": "mg.tensor(numpy.zeros(shape))", "randn": "mg.tensor(rng.normal(size=shape))",
        "gumbel_softmax": "mg.gan.noise.gumbel_softmax",
        "arange": "mg.tensor(numpy.arange(n))", "array": "mg.tensor", "from_numpy": "mg.tensor",
    },
    "minigan": {
        "manual_seed": "rng=numpy.random.default_rng(seed), which layers and games take",
        "DataLoader": "mg.data.Loader", "autograd": "mg.grad", "set_default_device": "mg.use",
        "enable_grad": "what is done outside of mg.no_grad()", "float32": '"float32"',
    },
    "Tensor": {
        "view": "reshape", "permute": "transpose", "t": "T", "clamp": "clip", "type": "astype",
        "float": 'astype("float32")', "double": 'astype("float64")', "half": 'astype("float16")',
        "long": 'astype("int64")', "cuda": 'to("cuda")', "cpu": 'to("cpu")', "dim": "ndim",
        "requires_grad_": "requires_grad = True", "grad_fn": "creator", "pow": "**",
        "is_leaf": "creator is None", "clone": "mg.tensor(x), or x + 0 to pass a gradient on",
        "copy": "mg.tensor(x), or x + 0 to pass a gradient on", "mul": "*", "div": "/",
        "numel": "size", "repeat": "broadcast_to", "expand": "broadcast_to",
        "unsqueeze": "mg.ops.expand_dims", "device": "minigan.backend.of(x.data).name",
        "zero_": "grad = None",
    },
}
_PLACES = ("minigan.ops", "minigan.nn", "minigan.nn.init", "minigan.losses", "minigan.optim",
           "minigan.data", "minigan")


def usual_name(where: str, name: str) -> str:
    """": it is called axis here", or "" for a name that nobody brings."""
    here = USUAL[where].get(name)
    return f": it is called {here} here" if here else ""


def missing(where: str) -> Callable[[str], Any]:
    """A module's `__getattr__`: an AttributeError that says where else the name is found."""
    def getattr_(name: str) -> Any:
        hint = ""
        if not name.startswith("_"):
            hint = usual_name(where, name) or next(
                (usual_name(w, name) for w in USUAL if w != "argument" and name in USUAL[w]), "")
            for place in _PLACES if not hint else ():
                if name in getattr(import_module(place), "__all__", vars(import_module(place))):
                    hint = f": it is {place}.{name}".replace("minigan.", "mg.")
                    break
            home = import_module("minigan.autodiff").Tensor if where == "Tensor" else (
                import_module(where))
            hint = hint or did_you_mean(name, [n for n in dir(home) if n[0] != "_"])
        raise AttributeError(f"{where} has no {name!r}{hint}")

    return getattr_
