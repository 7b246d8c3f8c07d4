"""Half a cloud

Chapter: first_gan. 5 minutes.

"A cloud counts from 2 %" is a cliff: at 2.1 % it is found, at 1.9 % lost. A count without one: let
`p` be the share that each cloud has of all points on clouds, and take exp(−Σ p · ln p), where
0 · ln 0 is 0. Write it for `hits`, a plain list with the number of points on each cloud. Two clouds
with as many points each make 2, and a third with a few of them makes it 2 and a bit. Then run it:
what does it say of the chapter's G?
"""
# %% start
import numpy as np


def clouds(hits):
    return ...


if __name__ == "__main__":
    print("step   500:", clouds([109, 98, 137, 155, 61, 166, 134, 80]))
    print("step 8,000:", clouds([12, 50, 264, 313, 310, 286, 214, 274]))


# %% solution
import numpy as np


def clouds(hits):
    p = np.array(hits) / np.sum(hits)
    p = p[p > 0]                            # 0 · ln 0 is 0: an empty cloud adds nothing
    return np.exp(-(p * np.log(p)).sum())   # of n equal shares: exp(ln n) = n


if __name__ == "__main__":
    # More points are good at step 8,000, and there are fewer clouds: 7.6 have become 6.6.
    print("step   500:", clouds([109, 98, 137, 155, 61, 166, 134, 80]))
    print("step 8,000:", clouds([12, 50, 264, 313, 310, 286, 214, 274]))


# %% check
import numpy as np


def count(*hits):
    with np.errstate(all="ignore"):
        try:
            number = clouds(list(hits))
        except TypeError as error:
            assert "'list'" not in str(error), "hits is a list: np.array(hits) can be divided"
            raise
    assert number is not ..., "clouds still returns ...: begin with the shares p, whose sum is 1"
    assert np.ndim(number) == 0, (
        f"clouds returns an array of shape {np.shape(number)}: the sum goes over the clouds, and "
        "the exponential is taken of the sum")
    return float(number)


for hits, wanted in [((5, 5), 2), ((30,) * 8, 8), ((40, 40, 20), 2.8717), ((7,), 1)]:
    number = count(*hits)
    p = np.array(hits) / sum(hits)
    for wrong, said in [
            (-(p * np.log(p)).sum(), "this is the sum, the entropy. What is still to be done with "
             "it, so that n equal clouds make n?"),
            (np.exp((p * np.log(p)).sum()), "the sign: ln of a share is negative, and the minus "
             "makes it positive"),
            (2 ** -(p * np.log(p)).sum(), "2 to the power goes with the logarithm to the base 2; "
             "here both are to the base e"),
            (np.exp(-(p * np.log2(p)).sum()), "exp undoes ln, not log2"),
            (np.exp(-p * np.log(p)).sum(), "exp is taken of each term: take it once, of the whole "
             "sum"),
            (np.exp(-np.mean(p * np.log(p))), "a mean over the clouds, in place of the sum"),
            (len(hits), "this counts all clouds that are hit, however few points they have")]:
        assert abs(wrong - wanted) < 1e-3 or abs(number - wrong) > 1e-3, (
            f"hits {hits} make {number:.3g}: {said}")
    assert abs(number - wanted) < 1e-3, (
        f"hits {hits} make {number:.4g}, but {wanted} is right. Is p a share, so that the sum of "
        "all p is 1?")
number = count(10, 0, 10)
assert not np.isnan(number), (
    "an empty cloud makes nan: ln 0 is −∞, and 0 · ∞ is nan. Leave the empty ones out of the sum")
assert abs(number - 2) < 1e-3, (
    f"hits (10, 0, 10) make {number:.4g}, but are two clouds: the empty one adds nothing")
