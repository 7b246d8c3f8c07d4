"""What the suite found, as Markdown."""
from __future__ import annotations

from typing import Any, Callable, Iterable, Sequence

HEAD = ["planted", "killed", "rate", "by the first call", "not drawn", "equivalent"]


def markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table, its first column to the left and the numbers to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def counted(results: Sequence[Any]) -> list[Any]:
    """A row's numbers. What was planted is what the drawn calls show, or is caught anyway."""
    fates = [r.fate for r in results]
    killed, planted = fates.count("killed"), fates.count("killed") + fates.count("survived")
    first = sum(r.fate == "killed" and r.example == 1 for r in results)
    rate = f"{100 * killed / planted:.1f} %" if planted else "–"
    return [planted, killed, rate, first, fates.count("not drawn"), fates.count("equivalent")]


def by(key: Callable[[Any], str], names: Sequence[str], results: Sequence[Any],
       first: str) -> str:
    """A table with a row for each name, in their order, and one for all."""
    groups: dict[str, list] = {name: [] for name in names}
    for r in results:
        groups[key(r)].append(r)
    rows = [[name, *counted(rs)] for name, rs in groups.items() if rs]
    return markdown([first, *HEAD], [*rows, ["**all**", *counted(results)]])


def report(tested: Sequence[Any], cases: Sequence[str], kinds: Sequence[str]) -> str:
    """All that there is to say: the table by operation, the one by kind, and what got away."""
    tested = sorted(tested, key=lambda t: cases.index(t.case))
    results = [r for t in tested for r in t.results]
    parts = [by(lambda r: r.case, cases, results, "operation"),
             by(lambda r: r.kind, kinds, results, "planted error")]
    for fate, title in [("survived", "Survived"), ("not drawn", "On none of the drawn calls")]:
        found = [f"- {r.case}: {r.kind}, input {r.position}" for r in results if r.fate == fate]
        if found:
            parts.append(f"{title}:\n\n" + "\n".join(found))
    alarms = [f"- {t.case}: {t.alarm}" for t in tested if t.alarm]
    if alarms:
        parts.append("Not tested, for the checks refuse the original:\n\n" + "\n".join(alarms))
    return "\n\n".join(parts) + "\n"
