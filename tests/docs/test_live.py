"""The live book in headless Chromium: every block of every page runs there, with no request that
leaves the page's own address and no error in the console; pages fit and can be used by all.

Left out unless asked for: `pytest -m browser`.
"""
from __future__ import annotations

import re
import time
from statistics import median
from typing import Any, Iterator

import pytest
from browsing import DOCS, PATIENCE, axe
from test_playground import played_in_the_page

PAGES = {page.stem: len(re.findall(r"^ *```python$", page.read_text("utf-8"), re.M))
         for page in sorted(DOCS.glob("*.md")) if not page.stem.startswith("planted_")}  # included
CHAPTERS = [page for page, blocks in PAGES.items() if blocks]
LOOKS = [(width, scheme) for scheme in ("light", "dark") for width in (1280, 390)]

# Blocks that print something else in the browser.
DIFFERS = {"prove": {9}}  # another derivative is the worst there: the check draws other numbers
AT_HOME = {"asking": 1, "own_networks": 1}  # how many blocks of a page cannot run there

SLIPS = (DOCS / "slips.md").read_text("utf-8").count("data-slip=")

pytestmark = pytest.mark.browser
by_chapter = pytest.mark.parametrize("chapter", CHAPTERS)

SIDEWAYS = """() => {
  const {scrollWidth, clientWidth} = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const out = [...document.querySelectorAll("article *")].filter(
    element => element.getBoundingClientRect().right > clientWidth + 1);
  return [`${scrollWidth} pixels`, ...out.slice(0, 5).map(e => e.outerHTML.slice(0, 120))];
}"""
RUN = """async limit => {
  const told = [];
  const busy = start => performance.now() - start < limit && document.querySelector(
    ".live-block:is([data-state=waiting], [data-state=running])");
  for (const box of document.querySelectorAll(".live-block")) {
    const start = performance.now();
    box.querySelector("[data-action=run]").click();
    while (busy(start)) await new Promise(done => setTimeout(done, 3));
    told.push({state: box.dataset.state, ms: performance.now() - start,
               text: box.querySelector(".live-output").textContent.slice(-1500)});
    if (!["ok", "differs"].includes(told.at(-1).state)) break;
  }
  return told;
}"""


@pytest.fixture(scope="module")
def ran(tell) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """What the blocks of each chapter did. At the end of the log it is said how many they were."""
    chapters: dict[str, list[dict[str, Any]]] = {}
    yield chapters
    blocks = [block for told in chapters.values() for block in told]
    if blocks:
        times = sorted(block["ms"] for block in blocks)
        slow = sum(ms > 1000 for ms in times)
        tell(f"live book: {len(blocks)} blocks of {len(chapters)} chapters ran in the browser, "
             f"{sum(AT_HOME.values())} are for home; {sum(times) / 1000:.0f} s, median "
             f"{median(times):.0f} ms, {slow} took more than a second")


@by_chapter
def test_every_block_of_a_chapter_runs_and_prints_what_is_shown(chapter, site, keeper, ran):
    width, scheme = LOOKS[CHAPTERS.index(chapter) % len(LOOKS)]
    frame = keeper.open(chapter, width, scheme)
    frame.wait_for_selector(".live-block")
    told = ran[chapter] = frame.evaluate(RUN, PATIENCE)
    failed = [f"block {n}: {block['state']}\n{block['text']}" for n, block in enumerate(told, 1)
              if block["state"] not in ("ok", "differs")
              or (block["state"] == "differs") != (n in DIFFERS.get(chapter, ()))]
    assert not failed, "\n".join(failed)
    home = AT_HOME.get(chapter, 0)
    assert len(told) == PAGES[chapter] - home, "some blocks of the page have no button"
    assert frame.locator(".live-home").count() == home
    assert frame.evaluate(SIDEWAYS) == [], f"at {width} pixels"
    assert site.wrong == []


def test_a_block_answers_and_is_changed_stopped_and_put_back(site, tell):
    """In a browser of its own, which has to start Python."""
    page = site.open(width=390)
    start = time.monotonic()
    page.goto(f"{site.address}derivatives.html")
    block, later = page.locator(".live-block").first, page.locator(".live-block").nth(1)
    for which, box in (("the first output", block), ("that of the next block", later)):
        box.locator("[data-action=run]").click()
        box.locator("xpath=self::*[@data-state='ok']").wait_for()
        tell(f"from opening a chapter to {which}: {time.monotonic() - start:.1f} s")
        start = time.monotonic()
    before = block.locator("pre").first.text_content()
    block.locator("[data-action=edit]").click()
    block.locator(".cm-focused").wait_for()
    page.keyboard.press("Control+A")
    page.keyboard.type("while True: print('again')")
    page.keyboard.press("Control+Enter")
    block.locator(".live-output").get_by_text("again").first.wait_for()
    block.locator("[data-action=stop]").click()
    block.locator("xpath=self::*[@data-state='stopped']").wait_for()
    block.locator("[data-action=reset]").click()
    assert block.locator("pre").first.text_content() == before
    assert block.locator(".live-output").is_hidden()
    block.locator("[data-action=edit]").click()  # what is put back while it runs has not run
    block.locator(".cm-focused").wait_for()
    page.keyboard.press("Control+A")
    page.keyboard.type("while True: pass")
    page.keyboard.press("Control+Enter")
    block.locator("xpath=self::*[@data-state='running']").wait_for()
    block.locator("[data-action=reset]").click()
    block.locator("xpath=self::*[@data-state='stopped']").wait_for()
    later.locator("[data-action=run]").click()
    later.locator("xpath=self::*[@data-state='ok']").wait_for()
    assert block.get_attribute("data-state") == "ok" and site.wrong == []
    page.context.close()


WHOLE = {"index"}
AXE = """async whole => (await axe.run(whole ? document : {
  include: ["article"], exclude: ["pre", ".katex", "tr:nth-child(n+20)"]}, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], resultTypes: ["violations"],
  // browsers let the keyboard reach what scrolls
  rules: {"scrollable-region-focusable": {enabled: false}},
})).violations.flatMap(({id, help, nodes}) => nodes.map(
  node => `${id} (${help}): ${node.html.slice(0, 150)} ${node.any[0]?.message ?? ""}`))"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_can_be_used_by_all_in_every_look(name, site, looked_at):
    """No sideways scroll, at either width. axe-core finds nothing, in one look of each chapter, in
    all those of WHOLE, where it looks at what is around the article as well. (It takes seconds a
    page.)"""
    site.wrong.clear()
    looked_at.goto(f"{site.address}{name}.html")
    if PAGES[name]:
        looked_at.wait_for_selector(".live-block")
    wrong = []
    one = CHAPTERS.index(name) % len(LOOKS) if PAGES[name] else 0
    for n, (width, scheme) in enumerate(LOOKS):
        if name not in WHOLE and n not in (one, (one + 1) % len(LOOKS)):  # one of each width
            continue
        looked_at.set_viewport_size({"width": width, "height": 900})
        looked_at.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = looked_at.evaluate(SIDEWAYS)
        if name in WHOLE or PAGES[name] and n == one:
            found += looked_at.evaluate(AXE, name in WHOLE)
        wrong += [f"{width} {scheme}: {what}" for what in found]
    assert not wrong, "\n".join(wrong)
    assert site.wrong == []


@pytest.fixture(scope="module")
def looked_at(site):
    """A page that has axe-core."""
    page = site.open()
    page.add_init_script(axe())
    return page


def test_without_scripts_a_page_is_for_reading(site):
    page = site.open(java_script_enabled=False)
    page.goto(f"{site.address}derivatives.html")
    assert page.locator("article .highlight-python").first.is_visible()
    assert page.locator(".live-block, article button").count() == 0 and site.wrong == []
    page.context.close()


def test_a_slip_trains_beside_what_is_right(site, keeper):
    frame = keeper.open("slips")
    slip = frame.locator(".slip-live").first
    slip.get_by_role("button", name="Run").click()
    slip.locator(".slip-status", has_text=re.compile("^done")).wait_for()
    assert slip.locator("table tbody tr").count() > 2
    assert frame.locator(".slip-live").count() == SLIPS and frame.evaluate(SIDEWAYS) == []
    assert site.wrong == []


def test_the_playground_plays(site, tell):
    page = site.open()
    page.goto(f"{site.address}playground.html")
    tell(f"playground: {played_in_the_page(page):.0f} steps a second")
    assert site.wrong == []
    page.context.close()


def test_the_stepper_of_a_block_goes_to_the_end_below_it(site, keeper):
    frame = keeper.open("stepper", 390)
    frame.locator("[data-action=run]").first.click()
    stepper = frame.frame_locator(".live-output iframe").frame_locator("iframe")
    slider = stepper.locator("input[type=range]")
    for _ in range(int(slider.get_attribute("max"))):
        slider.press("ArrowRight")
    assert slider.input_value() == slider.get_attribute("max") and site.wrong == []
