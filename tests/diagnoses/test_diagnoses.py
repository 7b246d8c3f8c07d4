"""A slice of what `python -m tests.diagnoses` judges."""
from __future__ import annotations

from itertools import islice

from .__main__ import exchanged, judged, planted_anywhere, written


def test_of_wrong_gradients_of_known_cause_no_other_cause_is_told():
    rows = [*islice(written(), 0, None, 31), *islice(exchanged(), 0, None, 47),
            *planted_anywhere(every=59)]
    found = [(verdict, text, row[0]) for verdict, text, row in judged(rows)]
    assert not [one for one in found if one[0] == "wrong"]
    assert len(found) > 15 and sum(verdict == "right" for verdict, *_ in found) > len(found) / 3
