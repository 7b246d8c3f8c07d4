"""Right functions of PyTorch, JAX and SciPy, each at inputs of five sizes and at ties.

A row is a name, a function, its inputs of ordinary size, and of how many sizes it can be shown
(PLAIN: all; BOUNDED: none above ordinary, where it overflows or is not defined).
"""
from __future__ import annotations

from functools import partial, reduce
from typing import Any, Callable, Iterator

import numpy as np

from minigan.testing import from_jax, from_numpy, from_torch

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))
P, U = abs(X) + 0.2, RNG.uniform(0.1, 0.9, (3, 4))  # positive; between 0 and 1
A = RNG.normal(size=(3, 3))
S = A @ A.T + 3 * np.eye(3)
LABELS = np.array([0, 3, 1])
SIZES = {"ordinary": 1.0, "saturated": 15.0, "tiny": 1e-6, "huge": 1e4, "ties": 0.0}

Row = tuple[Callable[..., Any], list[np.ndarray]]
# where a larger input overflows, or leaves what the function is defined for
BOUNDED = {"asin", "acos", "atanh", "logit", "erfinv", "ndtri", "cumprod", "prod", "matrix_exp",
           "lgamma", "gamma", "sinh", "cosh", "exp", "exp2", "expm1", "Rosenbrock", "ODE", "i0",
           "i1", "erfcx", "expi", "exp1", "Lambert W", "betaln"}
# what these libraries do get wrong, and the checks say so
WRONG = {
    "mish huge": "the second derivative is NaN",
    "logaddexp huge": "the second derivative is NaN",
    "logaddexp2 huge": "the second derivative is NaN",
    "Gaussian likelihood tiny": "below 1e-6 the variance is clamped, its gradient is not",
    "prelu ties": "at 0 the second reverse pass takes the weight for 1",
    "determinant": "JAX's reverse pass fails for an empty matrix",
    "log_ndtr huge": "the second derivative is off by 3 % at −5,000",
    "sinc ties": "the second derivative is NaN at 0",
    "atan2 ties": "the second derivative is NaN where one input is 0",
    "arctan2 ties": "the gradient is NaN where both inputs are 0",
    "hypot ties": "the gradient is NaN where both inputs are 0",
    "logcumsumexp saturated": "forward mode is off by 0.1 where numbers are 28 apart",
    "logcumsumexp huge": "the same",
}


def sized(name: str, inputs: list[np.ndarray]) -> Iterator[tuple[str, list[np.ndarray]]]:
    """The inputs in all sizes that make sense."""
    for size, factor in SIZES.items():
        if factor > 1 and name in BOUNDED:
            continue
        if factor:
            yield size, [factor * x for x in inputs]
        else:  # rounded, but within where the function is defined
            yield size, [np.ceil(10 * x) / 10 if x is S or x.min() > 0 else np.round(x) + 0.0
                         for x in inputs]


def torch_rows() -> dict[str, Row]:
    """Functions of PyTorch."""
    import torch
    import torch.nn.functional as F

    labels, ones = torch.tensor(LABELS), torch.ones(3)
    special, linalg = torch.special, torch.linalg
    rows: dict[str, Row] = {}
    for name in ("relu gelu silu mish elu selu celu softplus hardtanh hardswish hardsigmoid "
                 "leaky_relu logsigmoid tanhshrink softsign softshrink relu6 hardshrink").split():
        rows[name] = getattr(F, name), [X]
    for name in ("sin cos tan tanh sinh cosh atan asinh erf erfc expm1 exp exp2 sigmoid abs square "
                 "neg sinc frac round sign nan_to_num deg2rad").split():
        rows[name] = getattr(torch, name), [X]
    for name in "log log1p log2 log10 sqrt rsqrt lgamma digamma reciprocal".split():
        rows[name] = getattr(torch, name), [P]
    for name in "asin acos atanh logit erfinv".split():
        rows[name] = getattr(torch, name), [U]
    for name in ("atan2 hypot maximum minimum fmod logaddexp logaddexp2 mul sub div fmax").split():
        rows[name] = getattr(torch, name), [X, Y]
    for name in "i0 i0e i1 i1e ndtr log_ndtr erfcx entr".split():
        rows[name] = getattr(special, name), [P]
    for name in "logcumsumexp cumsum cumprod".split():
        rows[name] = partial(getattr(torch, name), dim=1), [X]

    def solve_ode(x: Any) -> Any:
        return reduce(lambda y, _: y + 0.1 * torch.tanh(y @ y.T @ y), range(10), x)

    def sinkhorn(x: Any) -> Any:
        return reduce(lambda m, _: m - torch.logsumexp(m, 0, keepdim=True), range(5),
                      x - torch.logsumexp(x, 1, keepdim=True))

    rows |= {
        "mse": (F.mse_loss, [X, Y]), "l1": (F.l1_loss, [X, Y]),
        "smooth l1": (F.smooth_l1_loss, [X, Y]), "Huber": (F.huber_loss, [X, Y]),
        "cross entropy": (lambda x: F.cross_entropy(x, labels), [X]),
        "cross entropy, smoothed": (
            lambda x: F.cross_entropy(x, labels, label_smoothing=0.1), [X]),
        "negative log likelihood": (lambda x: F.nll_loss(F.log_softmax(x, 1), labels), [X]),
        "bce of logits": (lambda x, y: F.binary_cross_entropy_with_logits(x, torch.sigmoid(y)),
                          [X, Y]),
        "KL": (lambda x, y: F.kl_div(F.log_softmax(x, 1), F.log_softmax(y, 1), log_target=True),
               [X, Y]),
        "Gaussian likelihood": (lambda x, v: F.gaussian_nll_loss(x, torch.zeros_like(x), v),
                                [X, P]),
        "cosine similarity": (F.cosine_similarity, [X, Y]),
        "cosine embedding": (lambda x, y: F.cosine_embedding_loss(x, y, ones), [X, Y]),
        "triplet": (F.triplet_margin_loss, [X, Y, X + Y]), "normalize": (F.normalize, [X]),
        "pairwise distance": (F.pairwise_distance, [X, Y]), "cdist": (torch.cdist, [X, Y]),
        "multi margin": (lambda x: F.multi_margin_loss(x, labels), [X]),
        "softmax": (partial(F.softmax, dim=1), [X]),
        "log_softmax": (partial(F.log_softmax, dim=1), [X]),
        "logsumexp": (partial(torch.logsumexp, dim=1), [X]),
        "softmax summed": (lambda x: F.softmax(x, 1).sum(), [X]),
        "layer norm": (lambda x, w, b: F.layer_norm(x, (4,), w, b), [X, Y[0], Y[1]]),
        "layer norm summed": (lambda x: F.layer_norm(x, (4,)).sum(), [X]),
        "batch norm": (lambda x: F.batch_norm(x, None, None, training=True), [X]),
        "group norm": (lambda x: F.group_norm(x, 2), [X]),
        "rms norm": (lambda x: F.rms_norm(x, (4,)), [X]),
        "local response norm": (lambda x: F.local_response_norm(x[None], 2), [X]),
        "attention": (lambda q, k, v: F.scaled_dot_product_attention(
            q[None, None], k[None, None], v[None, None]), [X, Y, X + Y]),
        "linear and relu": (lambda x, w: F.relu(x @ w.T), [X, Y]),
        "linear and gelu": (lambda x, w: F.gelu(x @ w.T), [X, Y]),
        "conv1d and relu": (lambda x, w: F.relu(F.conv1d(x[None], w[None])), [X, Y[:, :2].copy()]),
        "max pool": (lambda x: F.max_pool1d(x[None], 2), [X]),
        "average pool": (lambda x: F.avg_pool1d(x[None], 2), [X]),
        "interpolate": (lambda x: F.interpolate(x[None], size=7, mode="linear"), [X]),
        "prelu": (F.prelu, [X, np.array([0.25])]), "glu": (lambda x: F.glu(x, 1), [X]),
        "inv": (linalg.inv, [S]), "det": (linalg.det, [S]), "solve": (linalg.solve, [S, A]),
        "slogdet": (lambda a: linalg.slogdet(a)[1], [S]),
        "cholesky": (lambda a: linalg.cholesky(a + a.T), [S]),
        "eigvalsh": (lambda a: linalg.eigvalsh(a + a.T), [S]),
        "svdvals": (linalg.svdvals, [A]), "qr": (lambda a: linalg.qr(a)[1], [S]),
        "matrix_exp": (torch.matrix_exp, [0.3 * A]), "norm": (linalg.norm, [X]),
        "nuclear norm": (lambda a: linalg.norm(a, "nuc"), [A]), "pinv": (linalg.pinv, [X]),
        "ridge": (lambda a, b: linalg.solve(a.T @ a + torch.eye(3), a.T @ b), [A, A + 1]),
        "sort": (lambda x: torch.sort(x, 1)[0], [X]), "max": (lambda x: x.max(1)[0], [X]),
        "amax": (lambda x: x.amax(1), [X]), "topk": (lambda x: x.topk(2, 1)[0], [X]),
        "kthvalue": (lambda x: x.kthvalue(2, 1)[0], [X]),
        "quantile": (lambda x: torch.quantile(x, 0.3, dim=1), [X]), "var": (torch.var, [X]),
        "std": (torch.std, [X]), "prod": (lambda x: x.prod(1), [X]),
        "clamp": (lambda x: x.clamp(-1, 1), [X]),
        "where": (lambda x, y: torch.where(x > y, x * x, y), [X, Y]),
        "renorm": (lambda x: torch.renorm(x, 2, 0, 1.0), [X]),
        "rfft": (lambda x: torch.fft.rfft(x).abs(), [X]), "trapezoid": (torch.trapezoid, [X]),
        "cov": (torch.cov, [X]), "corrcoef": (torch.corrcoef, [X]),
        "Rosenbrock": (lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(),
                       [X]),
        "ODE": (solve_ode, [0.3 * A]), "Sinkhorn": (sinkhorn, [A])}
    return {name: (from_torch(f), inputs) for name, (f, inputs) in rows.items()}


def jax_rows() -> dict[str, Row]:
    """Functions of JAX."""
    import jax
    import jax.numpy as jnp

    jnn, special = jax.nn, jax.scipy.special
    rows: dict[str, Row] = {}
    for name in "relu gelu silu elu softplus selu softmax log_softmax leaky_relu".split():
        rows[name] = getattr(jnn, name), [X]
    for name in "logsumexp erf erfc expit ndtr log_ndtr".split():
        rows[name] = getattr(special, name), [X]
    for name in "gammaln digamma i0 i1 entr".split():
        rows[name] = getattr(special, name), [P]
    for name in "sin tanh exp sort cumsum var std prod sinc abs max median".split():
        rows[name] = getattr(jnp, name), [X]
    for name in "arctan2 hypot maximum logaddexp".split():
        rows[name] = getattr(jnp, name), [X, Y]
    rows |= {
        "layer norm": (lambda x: (x - x.mean(1, keepdims=True)) / jnp.sqrt(
            x.var(1, keepdims=True) + 1e-5), [X]),
        "attention": (lambda q, k, v: jnn.softmax(q @ k.T / 2) @ v, [X, Y, X + Y]),
        "inv": (jnp.linalg.inv, [S]), "determinant": (jnp.linalg.det, [S]),
        "eigvalsh": (lambda a: jnp.linalg.eigvalsh(a + a.T), [S]),
        "cholesky": (jnp.linalg.cholesky, [S]), "logit": (special.logit, [U]),
        "ndtri": (special.ndtri, [U])}
    return {name: (from_jax(f), inputs) for name, (f, inputs) in rows.items()}


def scipy_rows() -> dict[str, Row]:
    """Functions of SciPy with the derivatives that its manual and DLMF give."""
    from scipy import special as s

    root = np.sqrt(np.pi)
    unary = {
        "gamma": (s.gamma, lambda x: s.gamma(x) * s.digamma(x), P),
        "gammaln": (s.gammaln, s.digamma, P),
        "digamma": (s.digamma, partial(s.polygamma, 1), P),
        "erf": (s.erf, lambda x: 2 / root * np.exp(-x * x), X),
        "erfc": (s.erfc, lambda x: -2 / root * np.exp(-x * x), X),
        "erfinv": (s.erfinv, lambda x: root / 2 * np.exp(s.erfinv(x) ** 2), U),
        "erfcx": (s.erfcx, lambda x: 2 * x * s.erfcx(x) - 2 / root, P),
        "dawsn": (s.dawsn, lambda x: 1 - 2 * x * s.dawsn(x), X),
        "ndtr": (s.ndtr, lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi), X),
        "log_ndtr": (s.log_ndtr, lambda x: np.exp(
            -x * x / 2 - s.log_ndtr(x)) / np.sqrt(2 * np.pi), X),
        "ndtri": (s.ndtri, lambda x: np.sqrt(2 * np.pi) * np.exp(s.ndtri(x) ** 2 / 2), U),
        "expit": (s.expit, lambda x: s.expit(x) * s.expit(-x), X),
        "log_expit": (s.log_expit, lambda x: s.expit(-x), X),
        "logit": (s.logit, lambda x: 1 / (x * (1 - x)), U),
        "j0": (s.j0, lambda x: -s.j1(x), X), "j1": (s.j1, partial(s.jvp, 1), X),
        "y0": (s.y0, lambda x: -s.y1(x), P), "i0": (s.i0, s.i1, X),
        "k0": (s.k0, lambda x: -s.k1(x), P),
        "i0e": (s.i0e, lambda x: s.i1e(x) - np.sign(x) * s.i0e(x), X),
        "expi": (s.expi, lambda x: np.exp(x) / x, P),
        "exp1": (s.exp1, lambda x: -np.exp(-x) / x, P),
        "entr": (s.entr, lambda x: -np.log(x) - 1, P),
        "Airy": (lambda x: s.airy(x)[0], lambda x: s.airy(x)[1], X),
        "Lambert W": (lambda x: s.lambertw(x).real,
                      lambda x: s.lambertw(x).real / (x * (1 + s.lambertw(x).real)), P),
        "spence": (s.spence, lambda x: np.log(x) / (1 - x), P + 1),
        "log1p": (s.log1p, lambda x: 1 / (1 + x), P),
        "cbrt": (s.cbrt, lambda x: np.cbrt(x) / x / 3, P),
        "exprel": (s.exprel, lambda x: (np.exp(x) * (x - 1) + 1) / x ** 2, P + 1)}

    def pair(f: Any, slope: Any) -> Any:
        return from_numpy(f, lambda x, grad: grad * slope(x))

    rows = {name: (pair(f, slope), [x]) for name, (f, slope, x) in unary.items()}
    rows["betaln"] = from_numpy(s.betaln, lambda a, b, grad: (
        grad * (s.digamma(a) - s.digamma(a + b)), grad * (s.digamma(b) - s.digamma(a + b)))), [P, U]
    rows["xlogy"] = from_numpy(s.xlogy, lambda x, y, grad: (
        grad * np.log(y), grad * x / y)), [X, P]
    rows["softmax"] = from_numpy(partial(s.softmax, axis=1), lambda x, grad: s.softmax(x, 1) * (
        grad - (grad * s.softmax(x, 1)).sum(1, keepdims=True))), [X]
    rows["logsumexp"] = from_numpy(partial(s.logsumexp, axis=1), lambda x, grad: np.exp(
        x - s.logsumexp(x, axis=1, keepdims=True)) * grad[:, None]), [X]
    return rows


LIBRARIES = {"torch": torch_rows, "jax": jax_rows, "scipy": scipy_rows}


def checks(library: str) -> Iterator[tuple[str, Callable[..., Any], list[np.ndarray]]]:
    """The checks of one of them, without those that it gets wrong, and where it has no values."""
    for name, (f, inputs) in LIBRARIES[library]().items():
        for size, args in sized(name, inputs):
            if not {name, f"{name} {size}"} & WRONG.keys() and np.isfinite(f(*args)).all():
                yield f"{library}: {name} {size}", f, args
