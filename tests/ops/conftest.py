"""An option of the table of operations."""
from __future__ import annotations


def pytest_addoption(parser):
    parser.addoption("--write-op-table", action="store_true",
                     help="write docs/op_table.md from what tests/ops/test_table.py finds")
