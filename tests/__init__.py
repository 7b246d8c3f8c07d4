"""The tests: a package, for `tests.cases`, `tests.strict` and `python -m tests.mutation`."""
