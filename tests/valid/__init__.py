"""Random right functions, which the checks must not call wrong: `python -m tests.valid`."""
