"""Each option of the table, with a value that is not its default."""
from __future__ import annotations

CHANGED = {
    "objective": "hinge", "penalty": ("r1:0.5", "l2"), "conditional": "projection",
    "codes": (3, 1), "labels": 12, "d2gan": True, "discriminators": 2, "mix": "worst",
    "generators": 3, "pack": 2, "unroll": 1, "label_smoothing": 0.1, "label_noise": 0.3,
    "instance_noise": 0.2, "noise_until": 0.5, "diff_augment": True, "spectral_norm": True,
    "clip_weights": 0.01, "rule": "simultaneous", "d_steps": 2, "max_norm": 0.01, "lr": 1e-3,
    "d_lr": 1e-4, "lr_decay": 0.9, "beta1": 0, "width": 12, "shards": 2, "batch_norm": "shard",
}
BESIDE = {"mix": {"discriminators": 2}, "noise_until": {"instance_noise": 0.2},
          "batch_norm": {"shards": 2}}  # what they need


def words(name):
    """The arguments of the command line that say so."""
    found = []
    for option, value in {**BESIDE.get(name, {}), name: CHANGED[name]}.items():
        for one in value if option == "penalty" else [value]:
            text = ",".join(map(str, one)) if isinstance(one, tuple) else str(one)
            found += [f"--{option.replace('_', '-')}", *([] if one is True else [text])]
    return found
