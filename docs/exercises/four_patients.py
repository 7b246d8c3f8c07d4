"""Four patients

Chapter: diagnostics. 5 minutes.

Readings of four runs. What is the matter with each, from when on? `None` where nothing is.

| run | step | real_right | fake_right | order | saturation | diversity |
|---|---|---|---|---|---|---|
| A | 50 | 0.99 | 0.99 | 1.00 | 0.00 | 0.31 |
| | 200 | 0.81 | 0.85 | 0.90 | 0.00 | 0.74 |
| | 600 | 0.66 | 0.71 | 0.74 | 0.00 | 0.95 |
| B | 50 | 0.98 | 0.99 | 0.99 | 0.02 | 0.42 |
| | 200 | 0.97 | 1.00 | 1.00 | 0.98 | 0.44 |
| | 600 | 0.98 | 1.00 | 1.00 | 0.99 | 0.43 |
| C | 50 | 0.97 | 0.96 | 0.99 | 0.00 | 0.55 |
| | 200 | 0.78 | 0.80 | 0.87 | 0.00 | 0.91 |
| | 600 | 0.62 | 0.97 | 0.71 | 0.00 | 0.07 |
| D | 50 | 0.49 | 0.50 | 0.51 | 0.00 | 0.35 |
| | 200 | 0.36 | 0.44 | 0.31 | 0.00 | 0.36 |
| | 600 | 0.41 | 0.38 | 0.33 | 0.00 | 0.34 |

The words: `"collapse"`, `"vanished"` (G's gradient), `"D too weak"`. The step is the first reading
that shows it, as in `"E": ("collapse", 200)`.
"""
# %% start
found = {
    "A": ...,
    "B": ...,
    "C": ...,
    "D": ...,
}
# %% solution
found = {
    "A": None,                     # D is always right at first; then its shares fall, and should
    "B": ("vanished", 200),        # 98 % of the generated examples teach G nothing
    "C": ("collapse", 600),        # two examples of G are 0.07 as far apart as two real ones
    "D": ("D too weak", 50),       # it begins by guessing, and then puts pairs the wrong way round
}
# %% check
WHY = {
    "A": (None, "a D that is right about everything in the first hundred steps is the rule. Then "
          "its shares fall while the diversity rises: that is how a healthy run looks"),
    "B": (("vanished", 200), "what is nearly 1 from step 200 on, and was not at 50? It "
          "says how many of the generated examples have no slope for G"),
    "C": (("collapse", 600), "look at how far two generated examples are apart, and when that "
          "falls. Small distances that grow are no collapse"),
    "D": (("D too weak", 50), "which number says how well D tells the two kinds apart, and what is "
          "0.5 for it? A healthy D is far from that at step 50"),
}
for run, (expected, hint) in WHY.items():
    answer = found.get(run, ...)
    assert answer is not ..., f"{run} is still ...: {hint}"
    answer = tuple(answer) if isinstance(answer, list) else answer
    assert answer == expected, f"{run} is not {answer!r}: {hint}"
