"""Rows for a table: can a classifier that saw generated rows alone read real ones?

    python examples/23_tables.py [--sets wine cancer diabetes] [--steps 1500] [--seeds 0 1 2]

You learn what a generated table is worth, and how that is measured. A third of the rows of small
tables that come with scikit-learn is held out. From the others learn a GAN, as `minigan train
table` plays it, and three models of a few lines: each column alone, a Gaussian copula, and a copula
for each class. Each makes five times as many rows; two classifiers learn from these, and are asked
about the rows held out. Beside that stands how far columns, and pairs of them, are from those held
out, and whether rows are copies. Two minutes. Needs scikit-learn (and for votes statsmodels).
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import NormalDist
from tempfile import TemporaryDirectory

import numpy as np

from minigan import viz
from minigan.data import Table, write_table
from minigan.gan import Run
from minigan.metrics import memorisation_test

try:
    from sklearn import datasets, ensemble, linear_model, pipeline, preprocessing
    if "votes" in sys.argv:
        from statsmodels.datasets import anes96
except ModuleNotFoundError as error:
    print(f"this needs {error.name}: pip install scikit-learn statsmodels", file=sys.stderr)
    sys.exit(2)

SETS = {"wine": datasets.load_wine, "cancer": datasets.load_breast_cancer,
        "diabetes": lambda: datasets.load_diabetes(scaled=False), "iris": datasets.load_iris,
        "votes": lambda: anes96.load()}
TIMES = 5  # as many rows are made as there are to learn from
parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--sets", nargs="+", choices=SETS, default=["wine", "cancer", "diabetes"])
parser.add_argument("--steps", type=int, default=1500)
parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
parser.add_argument("--out", type=Path, default=Path("."))
args = parser.parse_args()


def load(name: str) -> tuple[list[str], np.ndarray]:
    """A set's names and numbers, (N, columns), the last one the class: of diabetes, whether the
    illness grew more than in half of all."""
    data = SETS[name]()
    if name == "votes":  # people, their opinions from 1 to 7, and whom they would elect
        rows = data.data.drop(columns="logpopul")  # which is a function of another
        return [*rows], rows.to_numpy()
    y = data.target > np.median(data.target) if name == "diabetes" else data.target
    return [*map(str, data.feature_names), "class"], np.column_stack([data.data, y])


def gan(names: list[str], train: np.ndarray, n: int, seed: int) -> np.ndarray:
    """`minigan train table --data FILE.csv`, and `minigan sample RUN --csv F.csv`."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "train.csv")
        write_table(file, Table(tuple(names), [tuple(map(str, row)) for row in train.tolist()]))
        run = Run.new(Path(folder, "run"), data=str(file), steps=args.steps, seed=seed,
                      save_every=args.steps)
        run.trainer().run(args.steps)
        run.close()
        return np.array(run.table(n, seed=seed).rows, float)


def each_alone(names: list[str], train: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Each column's cells in an order of their own."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.choice(column, n) for column in train.T])


def copula(names: list[str], train: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Ranks made normal; normal points of the same correlations; and the cells at their ranks."""
    rng, k = np.random.default_rng(seed), len(train)
    ranks = [np.lexsort((rng.random(k), column)).argsort() for column in train.T]  # ties at random
    z = np.vectorize(NormalDist().inv_cdf)((np.array(ranks) + 0.5) / k)
    points = rng.multivariate_normal(np.zeros(len(z)), np.corrcoef(z), n, method="eigh")
    at = np.minimum(np.vectorize(NormalDist().cdf)(points) * k, k - 1).astype(int)
    return np.take_along_axis(np.sort(train, axis=0), at, axis=0)


def copulas(names: list[str], train: np.ndarray, n: int, seed: int) -> np.ndarray:
    """A copula for each class, and as many rows as its share."""
    y, parts = train[:, -1], []
    for k in np.unique(y):
        own = train[y == k]
        made = copula(names, own[:, :-1], round(n * len(own) / len(train)), seed)
        parts.append(np.column_stack([made, np.full(len(made), k)]))
    return np.concatenate(parts)


def reads(train: np.ndarray, test: np.ndarray) -> float:
    """The share of right answers, the mean of two classifiers'."""
    if len(np.unique(train[:, -1])) < 2:
        return float((test[:, -1] == train[0, -1]).mean())
    judges = (pipeline.make_pipeline(preprocessing.StandardScaler(),
                                     linear_model.LogisticRegression(max_iter=1000)),
              ensemble.RandomForestClassifier(100, random_state=0))
    return float(np.mean([judge.fit(train[:, :-1], train[:, -1]).score(test[:, :-1], test[:, -1])
                          for judge in judges]))


def columns_apart(real: np.ndarray, made: np.ndarray) -> float:
    """The largest difference of distribution functions (Kolmogorov, Smirnov), mean of columns."""
    def below(x: np.ndarray, at: np.ndarray) -> np.ndarray:
        return np.searchsorted(np.sort(x), at, "right") / len(x)
    return float(np.mean([np.abs(below(x, x) - below(y, x)).max() for x, y in zip(real.T, made.T)]))


def pairs_apart(real: np.ndarray, made: np.ndarray) -> float:
    """The mean difference of rank correlations, over all pairs of columns."""
    def correlations(rows: np.ndarray) -> np.ndarray:
        ranks = [np.unique(column, return_inverse=True)[1] for column in rows.T]
        return np.nan_to_num(np.corrcoef(ranks))[np.triu_indices(len(ranks), 1)]
    with np.errstate(invalid="ignore"):
        return float(np.abs(correlations(real) - correlations(made)).mean())


MODELS = {"real rows": lambda names, train, n, seed: train, "each column alone": each_alone,
          "copula": copula, "copula per class": copulas, "GAN": gan}
print(f"{'':28}reads  of real  the worst  columns  pairs  copies")
for name in args.sets:
    names, rows = load(name)
    scores, made = {model: [] for model in MODELS}, {}
    for seed in args.seeds:
        order = np.random.default_rng(seed).permutation(len(rows))
        test, train = rows[order[:len(rows) // 3]], rows[order[len(rows) // 3:]]
        mean, scale = train.mean(axis=0), train.std(axis=0) + 1e-9
        best = reads(train, test)
        for model, make in MODELS.items():
            made[model] = make(names, train, TIMES * len(train), seed)
            new = test if model == "real rows" else made[model]
            share, _ = memorisation_test(train / scale, test / scale, new / scale)
            right = reads(made[model], test)
            scores[model].append((right, right / best, columns_apart(test, made[model]),
                                  pairs_apart(test, made[model]), share))
    for model, of in scores.items():
        right, ratio, columns, pairs, share = np.mean(of, axis=0)
        print(f"{name:9}{model:18}{right:6.1%}{ratio:9.1%}{min(row[1] for row in of):11.1%}"
              f"{columns:9.3f}{pairs:7.3f}{share:8.2f}", flush=True)
    across = np.linalg.svd((train - mean) / scale, full_matrices=False)[2][:2].T
    picture = args.out / f"tables-{name}.svg"
    shown = {"held out": test, "copula": made["copula"], "GAN": made["GAN"]}
    viz.save_scatter(picture, {model: ((rows[:len(test)] - mean) / scale) @ across
                               for model, rows in shown.items()})
    print(f"{picture}: the plane in which the real rows differ most")
