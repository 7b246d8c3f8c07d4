"""What a discriminator has learnt: kernels, features, and by which of them it tells fake from real.

    python examples/08_features.py [--run DIR] [--steps 3500] [--draws 5] [--out DIR]

You learn what a network that has never seen a label knows of its data, and how to measure that: by
what a classifier makes of its features, beside what it makes of the pixels and of a network that
knows nothing. DIR is a run folder of a convolutional system, as `minigan train dcgan` leaves it.
Without one, digits-dcgan is trained first, for a minute or two, on the shipped digits that are not
kept for the test. Three results come out: 08_kernels.png, 08_features.png and a table.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigan as mg
from minigan import nn
from minigan.data import IMAGE_SETS, DataError, Loader, Scaled
from minigan.errors import UserError
from minigan.files import read_arrays
from minigan.gan import SYSTEMS, Config, Run, RunError, sample
from minigan.gan.progress import Progress
from minigan.viz import image_grid

LABELS = (100, 1000)
WEIGHT_DECAY = 1e-4  # of the classifier
TEST_DIGITS = 360


def split(data: str, data_dir: str | None) -> tuple:
    """Images and labels to learn from, and those of the test."""
    if data == "images":
        raise DataError("image files have no labels; give a run on digits or on an MNIST set")
    if data != "digits":
        return tuple(IMAGE_SETS[data](data_dir, split=part) for part in ("train", "test"))
    images, labels = IMAGE_SETS["digits"]()
    order = np.random.default_rng(0).permutation(len(images))
    test, train = order[:TEST_DIGITS], order[TEST_DIGITS:]
    return (images[train], labels[train]), (images[test], labels[test])


def trained(steps: int, images: np.ndarray) -> tuple:
    """digits-dcgan after `steps` steps on the images: its settings and both networks."""
    system = SYSTEMS["digits-dcgan"]
    config = Config("digits-dcgan", "digits", images.shape[1:], steps, system.batch_size, seed=0,
                    save_every=steps)
    loader = Loader(Scaled(images, system.value_range), batch_size=config.batch_size)
    trainer = config.game.trainer(config.build(), system, loader, callbacks=[Progress(steps)])
    trainer.run(steps)
    return config, trainer.average.module, trainer.discriminator


def restored(folder: Path) -> tuple:
    """The settings and both networks of a saved run."""
    run = Run.open(folder)
    discriminator = run.config.build().discriminator
    if not isinstance(discriminator.body[0], nn.Conv2d):
        raise RunError(f"{folder} is of {run.config.system}, whose discriminator has no kernels; "
                       "dcgan's has")
    state, _ = read_arrays(folder / "state.safetensors")
    prefix = "game.discriminator."
    discriminator.load_state_dict({name.removeprefix(prefix): array
                                   for name, array in state.items() if name.startswith(prefix)})
    return run.config, run.generator()[0], discriminator


def features(discriminator: nn.Module, images: np.ndarray | Scaled) -> np.ndarray:
    """What the discriminator's last layer sees of each image, (N, features)."""
    body = nn.Sequential(*discriminator.body.layers[:-1]).eval()
    batches = Loader(images, batch_size=500, shuffle=False, drop_last=False)
    with mg.no_grad():
        return np.concatenate([body(x).numpy() for x in batches])


def untrained(config: Config, images: Scaled, seed: int) -> nn.Module:
    """A discriminator of the same kind with random weights; only its BatchNorm knows the data."""
    discriminator = SYSTEMS[config.system].networks.discriminator(
        shape=tuple(config.shape), rng=np.random.default_rng(seed))
    batches = Loader(images, batch_size=config.batch_size, seed=seed).forever()
    with mg.no_grad():
        for _ in range(50):                        # the running statistics settle
            discriminator(next(batches))
    return discriminator


def pca(images: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of some images, and the directions in which they vary most, (pixels, components)."""
    x = images[:5000].reshape(len(images[:5000]), -1)
    return x.mean(0), np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:components].T


def fit(x: np.ndarray, labels: np.ndarray, steps: int = 200) -> nn.Module:
    """Multinomial logistic regression: one dense layer."""
    layer = nn.Dense(x.shape[1], 10, weight_init=nn.init.zeros)
    optimizer = mg.optim.Adam(layer.parameters(), lr=3 / np.sqrt(x.shape[1]), betas=(0.9, 0.999),
                              weight_decay=WEIGHT_DECAY)
    schedule = mg.optim.Schedule(optimizer, mg.optim.cosine_decay(steps))
    for _ in range(steps):
        optimizer.zero_grad()
        mg.losses.cross_entropy(layer(x), labels).backward()
        optimizer.step()
        schedule.step()
    return layer


def test_accuracy(x: np.ndarray, labels: np.ndarray, x_test: np.ndarray, labels_test: np.ndarray
                  ) -> float:
    """Of the classifier fitted on (x, labels). Rows are centred, and scaled by one number to a
    mean squared length of 1: what is large in a representation stays large."""
    centre = x.mean(axis=0)
    size = np.sqrt(((x - centre) ** 2).sum(axis=1).mean())
    layer = fit((x - centre) / size, labels)
    with mg.no_grad():
        predicted = layer((x_test - centre) / size).numpy().argmax(axis=1)
    return float((predicted == labels_test).mean())


def compare(config: Config, discriminator: nn.Module, train: tuple, test: tuple, draws: int
            ) -> None:
    """Print the table: what a classifier makes of the representations, from few labels."""
    (images, labels), (test_images, test_labels) = train, test
    value_range = SYSTEMS[config.system].value_range
    components = 32 if config.data == "digits" else 64
    mean, directions = pca(images, components)

    def by_network(network):
        return lambda images: features(network, Scaled(images, value_range))

    rows = {
        "discriminator's features": lambda draw: by_network(discriminator),
        "untrained network's": lambda draw: by_network(
            untrained(config, Scaled(images, value_range), 100 + draw)),
        "raw pixels": lambda draw: lambda images: images.reshape(len(images), -1),
        f"PCA, {components} components": lambda draw: (
            lambda images: (images.reshape(len(images), -1) - mean) @ directions),
    }
    print(f"test accuracy in % on {len(test_images)} images, mean ± std over {draws} draws of "
          "labels\n" + " " * 26 + "".join(f"{n:>8} labels " for n in LABELS))
    for name, representation in rows.items():
        found: dict[int, list[float]] = {n: [] for n in LABELS}
        for draw in range(draws):
            represent = representation(draw)
            x_test = represent(test_images)
            order = np.random.default_rng(draw).permutation(len(images))
            for n in LABELS:
                chosen = order[:n]
                found[n].append(100 * test_accuracy(represent(images[chosen]), labels[chosen],
                                                    x_test, test_labels))
        print(f"{name:26}" + "".join(f"{np.mean(found[n]):8.1f} ± {np.std(found[n]):4.1f}"
                                     for n in LABELS), flush=True)


def draw_kernels(path: Path, config: Config, discriminator: nn.Module) -> None:
    """The kernels of the first layer, as the run drew them and as it left them."""
    figure = Figure(figsize=(8, 4.4), dpi=120, layout="constrained")
    before = config.build().discriminator
    for axes, network, title in zip(figure.subplots(1, 2), (before, discriminator),
                                    ("at the start", "after training")):
        kernels = network.body[0].weight.numpy().transpose(3, 0, 1, 2)  # (O, KH, KW, C)
        limit = abs(kernels).max()
        axes.imshow(image_grid(kernels, (-limit, limit)), cmap="gray", vmin=0, vmax=1)
        axes.set_title(f"{title}: −{limit:.2f} to {limit:.2f}", fontsize=11)
        axes.set_axis_off()
    figure.savefig(path)


def draw_features(path: Path, discriminator: nn.Module, real: np.ndarray, generated: np.ndarray,
                  value_range: tuple[float, float], count: int = 4) -> None:
    """Of the features whose share of the logit differs most between real and generated images:
    their values, and the images that excite them most."""
    of_real, of_generated = features(discriminator, real), features(discriminator, generated)
    weight = discriminator.body.layers[-1].weight.numpy()[:, 0]
    difference = weight * (of_real.mean(axis=0) - of_generated.mean(axis=0))
    chosen = np.argsort(-abs(difference))[:count]
    print(f"the mean logit of real images is {difference.sum():.2f} above that of generated ones; "
          f"{count} of {len(weight)} features make {difference[chosen].sum():.2f} of it")

    figure = Figure(figsize=(10, 1.65 * count), dpi=120, layout="constrained")
    axes = figure.subplots(count, 3, width_ratios=[1.1, 1.3, 1.3])
    for (left, *right), i in zip(axes, chosen):
        both = np.concatenate([of_real[:, i], of_generated[:, i]])
        bins = np.linspace(*np.percentile(both, [0.5, 99.5]), 40)
        for values, name in [(of_real, "real"), (of_generated, "generated")]:
            left.hist(values[:, i], bins, density=True, alpha=0.55, label=name)
        left.set_title(f"feature {i}, weight {weight[i]:+.2f}", fontsize=10)
        left.set_yticks([])
        left.spines[["top", "right", "left"]].set_visible(False)
        for panel, images, values in zip(right, (real, generated), (of_real, of_generated)):
            most = np.argsort(-values[:, i])[:16]
            panel.imshow(image_grid(images[most], value_range, columns=8), cmap="gray",
                         vmin=0, vmax=1)
            panel.set_axis_off()
    axes[0, 0].legend(frameon=False, fontsize=8)
    axes[0, 1].set_title("real images that excite it most", fontsize=10)
    axes[0, 2].set_title("generated ones", fontsize=10)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, metavar="DIR")
    parser.add_argument("--steps", type=int, default=3500, help="of training, without --run")
    parser.add_argument("--draws", type=int, default=5, help="of labels")
    parser.add_argument("--out", type=Path, default=Path("."))
    args = parser.parse_args()
    try:
        if args.run:
            config, generator, discriminator = restored(args.run)
            train, test = split(config.data, config.data_dir)
        else:
            train, test = split("digits", None)
            config, generator, discriminator = trained(args.steps, train[0])
    except UserError as error:
        sys.exit(f"08_features: {error}")

    system = SYSTEMS[config.system]
    real = Scaled(test[0], system.value_range)[:]
    seen = Scaled(train[0][:len(real)], system.value_range)[:]
    z = system.noise(len(real), generator.latent, np.random.default_rng(1))
    generated = sample(generator, z)
    means = [sample(discriminator, mg.tensor(x)).mean() for x in (seen, real, generated)]
    print("mean logit: {:.2f} of training images, {:.2f} of test images, {:.2f} of generated ones"
          .format(*means))

    draw_kernels(args.out / "08_kernels.png", config, discriminator)
    draw_features(args.out / "08_features.png", discriminator, real, generated, system.value_range)
    compare(config, discriminator, train, test, args.draws)
    print(f"pictures in {args.out / '08_kernels.png'} and {args.out / '08_features.png'}")


if __name__ == "__main__":
    main()
