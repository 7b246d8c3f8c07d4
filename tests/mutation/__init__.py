"""The test of the tests: errors planted in every operation, and whether the checks find them.

    python -m tests.mutation

`generic` (errors of any library), `own` (of minigan) and `real` say what is planted, `kinds` how,
`libraries` into what, `judge` whether a planted error is one; `suite` lets the checks look for it,
and `others` lets PyTorch's and JAX's checks look too.
"""
