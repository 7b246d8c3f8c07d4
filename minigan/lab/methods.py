"""The methods that the laboratory compares: names of options.

A new one is a line in METHODS. Where nothing limits D's slopes, both players learn at a quarter of
the system's rate, at which they do better.
"""
from __future__ import annotations

from typing import Any, NamedTuple

from ..gan import Options

CALM = 1e-3      # a quarter of the system's learning rate
FADING = "0.1:0.003"  # weights of a penalty


class Method(NamedTuple):
    """What it is, and how it plays."""

    about: str
    options: Options


def method(about: str, lr: float | None = None, **options: Any) -> Method:
    """A method of those options."""
    return Method(about, Options(lr=lr, **options))


METHODS: dict[str, Method] = {
    "plain": method("the non-saturating GAN (Goodfellow et al. 2014)", CALM),
    "minimax": method("the game itself, whose G gets no slope where it loses (Goodfellow et al. "
                      "2014)", CALM, objective="minimax"),
    "least-squares": method("squared distances from labels (Mao et al. 2017)", CALM,
                            objective="least-squares"),
    "wasserstein-clip": method("a critic, its weights cut to ±0.1 (Arjovsky et al. 2017)",
                               objective="wasserstein", clip_weights=0.1, d_steps=5),
    "wgan-gp": method("a critic whose slopes are to be 1 (Gulrajani et al. 2017)",
                      objective="wasserstein", penalty=("gradient:1",)),
    "wgan-lp": method("a critic whose slopes are to be at most 1 (Petzka et al. 2018)",
                      objective="wasserstein", penalty=("one-sided:1",)),
    "hinge-spectral": method("hinge losses, weights of spectral norm 1 (Miyato et al. 2018)",
                             objective="hinge", spectral_norm=True),
    "relativistic": method("how much more real than the others (Jolicoeur-Martineau 2019)", CALM,
                           objective="relativistic"),
    "relativistic-r1r2": method("relativistic, and D flat at both kinds (of R3GAN, Huang et al. "
                                "2024)", objective="relativistic", penalty=(f"r1r2:{FADING}",)),
    "r1": method("D is to be flat at real examples (Mescheder et al. 2018)",
                 penalty=(f"r1:{FADING}",)),
    "r1r2": method("D is to be flat at real and at generated examples (Mescheder et al. 2018)",
                   penalty=(f"r1r2:{FADING}",)),
    "zero-centred": method("D is to be flat between real and generated examples (Thanh-Tung et al. "
                           "2019)", penalty=(f"zero-centred:{FADING}",)),
    "dragan": method("D's slopes are to be 1 around real examples (Kodali et al. 2017)",
                     penalty=("dragan:1",)),
    "instance-noise": method("noise on all that D sees, less and less until half-time (Sønderby et "
                             "al. 2017)", CALM, instance_noise=0.5, noise_until=0.5),
    "label-smoothing": method("D is told that a tenth of the real examples are generated (Salimans "
                              "et al. 2016)", CALM, label_smoothing=0.1),
    "packing-2": method("D sees 2 examples at once (PacGAN, Lin et al. 2018)", CALM, pack=2),
    "packing-4": method("D sees 4 examples at once (PacGAN, Lin et al. 2018)", CALM, pack=4),
    "unrolled": method("G looks ahead by 5 updates of D (Metz et al. 2017)", CALM, unroll=5),
    "packing-2-r1r2": method("packing-2; D flat at both kinds", pack=2,
                             penalty=(f"r1r2:{FADING}",)),
    "gman-r1r2": method("gman; D flat at both kinds", discriminators=2, mix="softmax",
                        penalty=(f"r1r2:{FADING}",)),
    "mgan-r1r2": method("mgan; D flat at both kinds", generators=4, penalty=(f"r1r2:{FADING}",)),
    "gman": method("two discriminators, the strictest counting most (Durugkar et al. 2017)", CALM,
                   discriminators=2, mix="softmax"),
    "d2gan": method("one discriminator rewards real examples, one generated ones (D2GAN, Nguyen et "
                    "al. 2017)", CALM, d2gan=True),
    "mgan": method("four generators, and a classifier that tells them apart (Hoang et al. 2018)",
                   CALM, generators=4),
    "extragradient": method("both players look a step ahead (Korpelevich 1976; Gidel et al. 2019)",
                            CALM, rule="extragradient"),
    "two-time-scales": method("D learns four times as fast as G (Heusel et al. 2017)", CALM / 2,
                              d_lr=2 * CALM),
}

TABLE: tuple[str, ...] = (  # the methods of the documented table
    "plain", "least-squares", "wgan-gp", "hinge-spectral", "relativistic-r1r2", "r1r2",
    "zero-centred", "instance-noise", "packing-2", "gman", "mgan", "extragradient")
