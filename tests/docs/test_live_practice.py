"""The exercises and guesses of every chapter in headless Chromium: what the page says of where the
reader begins and of a solution, and what it keeps. Left out unless asked for: `pytest -m browser`.
"""
from __future__ import annotations

import re

import pytest
from test_live_exercises import QUESTIONS, practice

from minigan import exercises
from minigan.exercises import Exercise

test_live = pytest.importorskip("test_live")
keeper, site = test_live.keeper, test_live.site

pytestmark = pytest.mark.browser
ALL = [Exercise.load(name) for name in exercises.names()]

DO = """async solutions => {
  const told = {};
  const until = async is => { while (!is()) await new Promise(done => setTimeout(done, 5)); };
  const change = (name, value) => {  // as another page would
    localStorage.setItem(`minigan/exercise/${name}`, JSON.stringify(value));
    dispatchEvent(new StorageEvent("storage"));
  };
  for (const [name, solution] of Object.entries(solutions)) {
    const box = document.getElementById(`exercise-${name}`);
    const press = words => [...box.querySelectorAll("button")].find(
      one => one.textContent === words).click();
    const checked = async () => {
      const verdict = box.querySelector("div.live-verdict"), errors = "[data-stream=error]";
      press("Check");
      await until(() => verdict.textContent || box.querySelector(errors));
      return verdict.textContent || box.querySelector(errors).textContent;
    };
    press("Try it");
    await until(() => box.querySelector(".cm-content"));
    const start = await checked();
    change(name, {text: solution});
    told[name] = [start, await checked(), localStorage.getItem(`minigan/exercise/${name}`)];
  }
  document.querySelector(".live-guess li button").click();
  return told;
}"""


def without_numbers(text: str) -> str:
    """The last digits, and how much memory a program takes, may be others in the browser."""
    return re.sub(r"-?\d[\d.]*(e[+-]?\d+)?", "#", text)


@pytest.mark.parametrize("chapter", QUESTIONS)
def test_an_exercise_is_graded_in_its_page_as_at_home_and_a_guess_is_answered(
        chapter, site, keeper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keeper.evaluate(test_live.FORGET, 1280)
    keeper.evaluate("localStorage.clear()")
    frame = keeper.frame(name="chapter")
    frame.goto(f"{site.address}{chapter}.html")
    frame.wait_for_selector(".live-exercise")
    frame.wait_for_selector(".live-guess")
    here = [one for one in ALL if one.chapter == chapter]
    told = frame.evaluate(DO, {one.name: one.solution for one in here})
    for one in here:
        start, solved, kept = told[one.name]
        wrong = practice.grade(one.name, one.start)["wrong"]
        assert without_numbers(start) == without_numbers(f"{wrong}\n\nNot yet."), one.name
        assert solved.startswith("Solved.") and '"solved":true' in kept, (one.name, solved)
    assert "You guessed (a): " in frame.locator("details.prediction").inner_text()
    assert site.wrong == []


def test_the_index_counts_what_was_done_until_it_is_forgotten(site):
    page = site.open(width=390)
    page.goto(f"{site.address}index.html")
    progress = page.locator(".progress")
    progress.get_by_text(f"0 of {len(ALL)} exercises.").wait_for()
    for key, value in [("exercise/undo", '{"solved":true}'), ("exercise/hinge", '{"text":"x"}'),
                       ("guess/broadcasting", '{"guess":"b","right":true}'),
                       ("guess/learning", '{"guess":"a","right":false}'),
                       ("guess/stable", '{"guess":null,"right":false}')]:
        page.evaluate(f"localStorage.setItem('minigan/{key}', '{value}')")
    page.reload()
    progress.get_by_text(f"1 of {len(ALL)} exercises. Guessed right: 1 of 2.").wait_for()
    marks = [mark for mark in page.locator(".live-done").all_inner_texts() if mark]
    assert marks == ["guessed", "guessed right, 1 of 3 solved"]
    progress.get_by_text("Forget everything").click()
    progress.get_by_text("Keep it").click()
    progress.get_by_text("Forget everything").click()
    progress.get_by_text("Forget it").click()
    progress.get_by_text(f"0 of {len(ALL)} exercises. Guessed right: 0 of 0.").wait_for()
    left = page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('minigan'))")
    assert left == [] and progress.locator("button:visible").count() == 0 and site.wrong == []
    page.context.close()
