"""The exercises on the pages. A line such as

    [Exercise: The gradient of a bias](exercises/bias_gradient.py)

becomes the exercise's task, where to begin and, folded, a solution.
"""
from __future__ import annotations

import html
import json
import re

from minigan.exercises import Exercise, names

PROGRESS = '<div class="progress"'  # where the index says how far the reader is
LINE = re.compile(r"^\[Exercise: ([^]]+)\]\(exercises/(\w+)\.py\)$", re.M)


def with_exercises(page: str, code: bool = True) -> str:
    """The Markdown of a page, with its exercises in the place of their lines; without their code,
    whoever wants to begin is told the command."""
    return LINE.sub(lambda line: box(Exercise.load(line[2]), code), page)


def with_progress(page: str) -> str:
    """The Markdown of a page, its line of progress with the names of each chapter's exercises."""
    if PROGRESS not in page:
        return page
    chapters: dict[str, list[str]] = {}
    for name in names():
        chapters.setdefault(Exercise.load(name).chapter, []).append(name)
    known = html.escape(json.dumps(chapters))
    return page.replace(PROGRESS, f'{PROGRESS} data-exercises="{known}"')


def box(exercise: Exercise, code: bool) -> str:
    """An exercise as Markdown."""
    task = f"**{exercise.title}** ({exercise.minutes} minutes). {exercise.task}"
    at_home = (f"`minigan exercise {exercise.name}` writes {exercise.name}.py into the folder that "
               "you are in. Edit it there; the same command then says what is wrong with it.")
    if not code:
        return f"{task}\n\n{at_home}"
    return (f'<div class="exercise" id="exercise-{exercise.name}">\n\n{task}\n\n'
            f"```python\n{exercise.start}```\n\n{at_home}\n\n"
            f"<details><summary>A solution</summary>\n\n```python\n{exercise.solution}```\n\n"
            "</details>\n\n</div>")
