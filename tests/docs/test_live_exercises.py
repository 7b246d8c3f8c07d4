"""Exercises and guesses in the page: what can be told of them without a browser."""
from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
from test_docs_code import ROOT
from test_notebooks import notebooks

from minigan.exercises import Exercise

LIVE = ROOT / "docs" / "live"
sys.path.insert(0, str(LIVE))

import practice  # noqa: E402 (after the path to it)

GUESSES = (LIVE / "guesses.js").read_text("utf-8")
OPTION = re.search(r"^const OPTION = /(.+)/;$", GUESSES, re.M)[1]  # these two in both languages
ANSWER = re.search(r"^const ANSWER = /(.+)/;$", GUESSES, re.M)[1]
PREDICTION = re.compile(r'<details class="prediction"><summary>(.+?)</summary>\n\n\*\*(.+?)\*\*',
                        re.S)
CHAPTERS = {name: path.read_text("utf-8") for name, path in notebooks.CHAPTERS.items()}
QUESTIONS = {name: PREDICTION.findall(text) for name, text in CHAPTERS.items()
             if "[Exercise:" in text}


def test_every_guess_has_options_by_letters_and_its_answer_begins_with_one_of_them():
    assert len(QUESTIONS) > 30
    for chapter, found in QUESTIONS.items():
        (question, answer), = found
        letters = re.split(OPTION, question)[1::2]
        assert len(letters) > 1 and letters == list("abcde"[:len(letters)]), chapter
        assert re.search(ANSWER, answer)[1] in letters, chapter


def test_an_answer_in_the_page_is_graded_word_for_word_as_at_home_and_each_time_from_nothing(
        tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exercise = Exercise.load("bias_gradient")
    for text in exercise.start, exercise.solution, "x = (", "1 / 0", "print('here')":
        in_page = [practice.grade(exercise.name, text) for _ in range(2)]
        assert in_page[0] == in_page[1] and not list(tmp_path.iterdir())
        file = tmp_path / "bias_gradient.py"
        file.write_text(text, "utf-8")
        assert in_page[0]["wrong"] == exercise.grade(file.relative_to(tmp_path))
        file.unlink()
    assert in_page[0]["printed"] == "here\n"


IN_NODE = """
import * as store from "./store.js";
import {parsed} from "./guesses.js";
import {readFileSync} from "node:fs";
const questions = JSON.parse(readFileSync(0, "utf8")).map(parsed);

const disk = new Map();
let refuses = false;
globalThis.localStorage = {
  getItem: key => disk.get(key) ?? null,
  setItem(key, value) { if (refuses) throw new Error("full"); disk.set(key, value); },
  removeItem: key => disk.delete(key),
};
const key = store.exercise("hinge"), seen = [];
seen.push(store.keep(key, {text: "one"}), [...disk.values()], store.kept(key));
refuses = true;
seen.push(store.keep(key, {text: "two"}), [...disk.values()], store.kept(key), store.keys());
refuses = false;
seen.push(store.keep(key, {solved: true}), [...disk.values()]);
store.forget([key]);
seen.push(store.kept(key), disk.size);
disk.set("minigan/exercise/hinge", "[of another");
seen.push(store.kept(key));
delete globalThis.localStorage;  // as where it is blocked
seen.push(store.kept(key), store.keep(key, {text: "three"}), store.kept(key), store.keys());
store.forget([key]);
seen.push(store.kept(key));
console.log(JSON.stringify({questions, seen}));
"""


def test_questions_are_cut_into_options_and_a_storage_that_refuses_loses_nothing(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    for name in "store.js", "guesses.js", "make.js":
        shutil.copy(LIVE / name, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "test.js").write_text(IN_NODE)
    asked = [question for (question, _), in QUESTIONS.values()]
    asked += ["How many? 8, 5 or 1?", "Is it (b) that, (a) this?", "Once (a) only", "(a) , (b) ?"]
    done = subprocess.run([node, "test.js"], cwd=tmp_path, input=json.dumps(asked), text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    *questions, none, turned, one, empty = told["questions"]
    assert none is turned is one is empty is None
    of = dict(zip(QUESTIONS, questions))
    assert of["own_networks"]["options"] == [
        ["a", "uses the new\nnetworks"], ["b", "uses the old ones"], ["c", "refuses"]]
    assert of["prove"]["options"][3] == ["d", "a table (1, 3)"]
    for chapter, question in of.items():
        assert question["asked"].startswith("First a guess: "), chapter
        for _, words in question["options"]:
            assert words.count("(") == words.count(")") and words.count("<") == words.count(">")
            assert not re.search(r"[\s,;?.]$|^\s", words), (chapter, words)
    one, two = {"text": "one"}, {"text": "two"}
    assert told["seen"] == [
        True, [json.dumps(one, separators=(",", ":"))], one,
        False, [json.dumps(one, separators=(",", ":"))], two, ["exercise/hinge"],
        True, ['{"text":"two","solved":true}'],
        {}, 0, {}, {}, False, {"text": "three"}, ["exercise/hinge"], {}]
