"""The page on which a computation is stepped through: its numbers are the engine's."""
from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import compress

import numpy as np
import pytest

import minigan as mg
from minigan import gan, losses, nn, ops, viz
from minigan.cli import main
from minigan.errors import UserError
from minigan.nn.module import frozen
from minigan.viz.stepper import Page


def leaf(*shape: int, dtype: str = "float64") -> mg.Tensor:
    numbers = np.random.default_rng(sum(shape) + 1).uniform(0.3, 1.7, shape)
    return mg.tensor(numbers.astype(dtype), requires_grad=True)


def as_in_the_readme() -> mg.Tensor:
    points = np.random.default_rng(0).standard_normal((100, 2))
    target = mg.tensor((points[:, :1] * points[:, 1:] > 0) * 1.0)
    logits = ops.tanh(mg.tensor(points) @ leaf(2, 16) + leaf(16)) @ leaf(16, 1)
    return losses.bce_with_logits(logits, target)


def a_step_of_a_generator() -> mg.Tensor:
    generator, discriminator = gan.models.digits(width=8, latent=3,
                                                 rng=np.random.default_rng(0))
    with frozen(discriminator):
        verdict = discriminator(generator(leaf(4, 3, dtype="float32").detach()))
        return losses.bce_with_logits(verdict, np.ones(verdict.shape, "float32"))


def a_network() -> nn.Module:
    rng = np.random.default_rng(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3, rng=rng), nn.BatchNorm(3), nn.ReLU(), nn.Flatten(),
                         nn.Dense(12, 5, rng=rng))


def a_chain(y: mg.Tensor, length: int) -> mg.Tensor:
    for _ in range(length):
        y = ops.sin(y) + 0.1
    return y


def a_slope(f, x: mg.Tensor, order: int) -> mg.Tensor:
    y = f(x)
    for _ in range(order):
        y = mg.grad(y.sum(), x, create_graph=True)[0]
    return (y ** 2).sum()


def shared(x: mg.Tensor) -> mg.Tensor:
    y = x * x
    return (y * x + ops.exp(y) / x).sum() + (x - y).mean()


GRAPHS = {
    "one operation": lambda: ops.sin(leaf()),
    "two paths": lambda: (lambda w, x: w * x + ops.sin(x))(leaf(), leaf(1).sum()),
    "the fifteen lines of the README": as_in_the_readme,
    "used again and again": lambda: shared(leaf(3)),
    "the same twice in one operation": lambda: ops.multiply(*[leaf(2)] * 2).sum(),
    "broadcasting": lambda: (leaf(3, 1) * leaf(4) + leaf()).sum(),
    "views": lambda: (leaf(4, 3).T.reshape(2, 6)[:, ::2] ** 2).sum(),
    "several to one": lambda: ops.concatenate([leaf(2), leaf(3), leaf(2)]).sum(),
    "integers beside": lambda: ops.embedding(np.array([0, 2, 2]), leaf(3, 2)).sum(),
    "constants": lambda: (leaf(2) * 3 + np.array([1.0, 2.0])).sum() / 2,
    "float32": lambda: ops.softmax(leaf(2, 3, dtype="float32")).max(),
    "two dtypes": lambda: (leaf(2, dtype="float32").astype("float64") * leaf(2)).sum(),
    "infinite numbers": lambda: ops.log(leaf(2) * np.array([0.0, 1.0])).sum(),
    "convolution": lambda: (ops.conv2d(leaf(2, 6, 6, 2), leaf(3, 3, 2, 4), leaf(4)) ** 2).mean(),
    "batch normalisation": lambda: (ops.batch_norm(leaf(9, 5), leaf(5), leaf(5))[0] ** 3).sum(),
    "a classifier": lambda: losses.cross_entropy(
        a_network()(leaf(6, 4, 4, 1, dtype="float32").detach()), np.arange(6) % 5),
    "a generator's step through a frozen discriminator": a_step_of_a_generator,
    "a second derivative": lambda: a_slope(lambda x: x ** 3 / (x + 1), leaf(2), 1),
    "a third derivative of a layer": lambda: a_slope(
        lambda x: ops.tanh(x @ leaf(3, 4)), leaf(2, 3), 2),
    "large arrays": lambda: (leaf(300, 70) @ leaf(70, 40)).mean(),
    "hundreds of operations": lambda: a_chain(leaf(), 200),
    "no elements": lambda: leaf(0, 3).sum(),
}


def data_of(page: Page) -> dict:
    return json.loads(re.search('id="data">(.*?)</script>', page.html, re.S)[1])


def array_of(told: dict) -> np.ndarray:
    """The numbers of the corner that the page has, as they were."""
    return np.array([float(v) for v in told["numbers"]]).astype(told["dtype"]).reshape(
        told["corner"])


def same(told: dict, array: np.ndarray) -> None:
    assert tuple(told["shape"]) == array.shape and told["dtype"] == str(array.dtype)
    assert array.size > 64 or told["corner"] == told["shape"] or array.size > len(told["numbers"])
    corner = array[tuple(map(slice, told["corner"]))]
    np.testing.assert_array_equal(array_of(told), corner, strict=True)


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", GRAPHS)
def test_all_values_and_gradients_on_the_page_are_those_of_the_engine(name):
    y = GRAPHS[name]()
    data = data_of(viz.steps(y))
    nodes, tensors = data["nodes"], {len(data["nodes"]) - 1: y}
    for i in reversed(range(len(nodes))):  # each after what uses it
        creator = tensors[i].creator
        if nodes[i]["operation"] is None:
            assert creator is None and not nodes[i]["inputs"]
            continue
        assert data["operations"][nodes[i]["operation"]]["name"] == type(creator).__name__
        for k, x in zip(nodes[i]["inputs"], creator.inputs, strict=True):
            assert k < i and tensors.setdefault(k, x) is x
    assert len({id(t) for t in tensors.values()}) == len(nodes)

    on_the_way = [i for i, node in enumerate(nodes) if node["grad"]]
    grads = dict(zip(on_the_way, mg.grad(y, [tensors[i] for i in on_the_way])))
    asked, answers = {id(y)}, {}
    with mg.no_grad():
        for i in data["backward"]:
            answers[i] = tensors[i].creator.gradients(grads[i])
            asked.update(map(id, compress(tensors[i].creator.inputs, tensors[i].creator.tracked)))
    for i, node in enumerate(nodes):
        same(node["value"], tensors[i].numpy())
        assert (id(tensors[i]) in asked) == (i in grads)
        if i not in grads:
            continue
        same(node["grad"], grads[i].numpy())
        parts = [answers[source][place].numpy().astype(tensors[i].dtype)
                 for source, place, _ in node["parts"]]
        assert [nodes[source]["inputs"][place] for source, place, _ in node["parts"]] == (
            [i] * len(parts))
        if len(parts) == 1:
            np.testing.assert_array_equal(parts[0], grads[i].numpy())
        elif parts:
            np.testing.assert_allclose(sum(parts), grads[i].numpy(), rtol=1e-6)
            for (_, _, told), part in zip(node["parts"], parts):
                same(told, part)
    made = [i for i, node in enumerate(nodes) if node["operation"] is not None]
    assert sorted(data["backward"]) == made


def test_an_array_is_shown_by_a_corner_of_its_images_or_its_last_axes():
    assert viz.stepper._corner((100, 28, 28, 3), 1000) == ([1, 2], [1, 28, 28, 1])
    assert viz.stepper._corner((300, 70), 1024) == ([0, 1], [32, 32])
    assert viz.stepper._corner((2, 9, 5000), 100) == ([1, 2], [1, 9, 11])
    assert viz.stepper._corner((1000,), 100) == ([0], [100])
    assert viz.stepper._corner((2, 3, 4), 64) == ([1, 2], [2, 3, 4])


def test_names_are_those_of_variables_modules_and_lists():
    net, ws = a_network(), [leaf(5, 2), {"bias": leaf(2)}]
    images = mg.tensor(np.ones((3, 4, 4, 1), np.float32))
    hidden = net(images)
    cut_off = (hidden.detach() * leaf(5, dtype="float32")).sum().astype("float64")
    loss = (hidden.astype("float64") @ ws[0] + ws[1]["bias"]).sum() + cut_off
    page = viz.steps(loss)
    nodes = data_of(page)["nodes"]
    assert page.title == "loss, step by step" and "<title>loss, step by step</title>" in page.html
    names = {"images", "hidden", "hidden.detach()", "loss", "ws[0]", "ws[1]['bias']",
             "net.layers.0.weight", "net.layers.1.bias"}
    assert names <= {node["name"] for node in nodes}
    named = {node["name"]: node for node in nodes}
    assert named["hidden"]["module"] == named["net.layers.4.weight"]["module"] == "net.layers.4"


def test_grad_is_the_cotangent_and_nothing_is_added_to_the_leaves():
    x, way = leaf(2), mg.tensor(np.array([2.0, -1.0]))
    y = x * x
    nodes = data_of(viz.steps(y, grad=way))["nodes"]
    same(nodes[-1]["grad"], way.numpy())
    same(nodes[0]["grad"], mg.grad(y, x, way)[0].numpy())
    assert x.grad is None


def test_what_cannot_be_stepped_through_is_said():
    x = leaf(2)
    y = (x * x).sum()
    for wrong, error, says in [(x, ValueError, "no graph"),
                               (x.detach() * 2, ValueError, "no graph"),
                               (x * 2, ValueError, "starts from one number"),
                               (np.ones(2), ValueError, "no graph"),
                               (2.0, TypeError, "y is a Tensor, not 2.0")]:
        with pytest.raises(error, match=says):
            viz.steps(wrong)
    x.data = x.data - 1
    with pytest.raises(UserError, match=r"x of shape \(2,\) was changed since Multiply"):
        viz.steps(y)


def test_a_page_is_one_file_and_small_without_its_data(tmp_path):
    x = leaf()
    y = x * x
    page = viz.steps(y, tmp_path / "new" / "page.html")
    text = (tmp_path / "new" / "page.html").read_text("utf-8")
    assert text == page.html and len(text) < 100_000
    assert not re.search(r'(src|href)="(?!#)|@import|url\(|https?://(?!www\.w3\.org)', text)
    assert page._repr_html_().startswith('<iframe title="y, step by step" srcdoc="&lt;!doctype')
    assert repr(page).startswith("<y, step by step: a page of ")
    large = viz.steps(GRAPHS["hundreds of operations"]())
    assert len(large.html) < 1_000_000


OPS = """\
import minigan as mg

def loss():
    w = mg.tensor(2.0, requires_grad=True)
    return w * w

def vector():
    return mg.tensor([1.0, 2.0], requires_grad=True) * 2

def nothing():
    pass

def taking(x):
    return x

def raising():
    return {}["a"]
"""


def test_the_command_writes_the_page_with_the_functions_own_names(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "for_steps.py").write_text(OPS)
    assert main(["steps", "for_steps.py:loss"]) == 0
    assert capsys.readouterr().out == "steps.html\n"
    page = Page("", (tmp_path / "steps.html").read_text("utf-8"))
    assert [node["name"] for node in data_of(page)["nodes"]] == ["w", ""]
    assert "<h1>loss, step by step</h1>" in page.html
    for name, says in [("vector", "return one number"), ("nothing", "returned nothing, not"),
                       ("taking", "taking(x) takes arguments"), ("los", "did you mean loss?"),
                       ("raising", "raised KeyError: 'a' (for_steps.py:17)")]:
        assert main(["steps", f"for_steps.py:{name}", "--out", "x.html"]) == 2
        line, = capsys.readouterr().err.splitlines()
        assert says in line
    assert not (tmp_path / "x.html").exists()
    assert main(["steps", "for_steps.py:loss", "--out", "."]) == 2
    assert capsys.readouterr().err == "minigan steps: Is a directory: .\n"


WALK = """<script>
onload = () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument
  const press = key => page.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}))
  const shown = () => [page.getElementById("phase").textContent + ": " +
    page.getElementById("said").textContent,
    [...page.querySelectorAll(".big")].map(e => e.title).join(" "),
    page.documentElement.scrollWidth].join(" | ")
  const told = [shown()]
  for (let i = 0; i < 30 && told.at(-1) != told.at(-2); i++) {
    press("ArrowRight"); told.push(shown())
  }
  press("Home"); told.push(shown())
  page.querySelectorAll("#map a")[3].dispatchEvent(new MouseEvent("click", {bubbles: true}))
  told.push(shown())
  document.body.textContent = JSON.stringify([told, errors, frame.contentWindow.eval(
    'location.hash = "#99"; [...[-1, "-inf", 1, "inf", "nan"].map(hue), asked()]')])
}
</script>"""


def test_a_browser_goes_through_all_steps_by_the_keyboard(tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser (chromium or google-chrome) is installed")
    w, x = mg.tensor(2.0, requires_grad=True), mg.tensor(0.5, requires_grad=True)
    y = w * x + ops.sin(x)
    page = viz.steps(y)
    watched = page._replace(html=page.html.replace(
        "<script>", "<script>onerror = e => parent.errors.push(e);", 1))
    file = tmp_path / "frame.html"
    file.write_text("<!doctype html><script>errors = []</script><body style='width: 390px'>"
                    f"{watched._repr_html_()}{WALK}")
    made = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                           f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()],
                          capture_output=True, text=True, timeout=60, check=True).stdout
    told, errors, others = json.loads(re.search(r"<body[^>]*>(.*)</body>", made, re.S)[1])
    told = [line.split(" | ") for line in told]
    steps, numbers = [line[0] for line in told], [line[1].split() for line in told]
    by_x = mg.grad(y, x)[0].item()
    assert not errors and all(int(line[2]) <= 390 for line in told)
    assert others == ["--minus", "--minus", "--plus", "--plus", "--none", 8]  # of steps 0 to 8
    assert [s.partition(":")[0] for s in steps[:9]] == [
        f"Step {k} of 9, {'forward' if k < 5 else 'backward'}" for k in range(1, 10)]
    assert steps[1].endswith("Multiply computes its value from w and x.")
    assert ("Multiply gets the gradient of its value, 1, and answers with what reaches w (0.5) and "
            "x (2).") in " ".join(steps[6:8])
    assert [np.float32(v) for v in numbers[8]] == [0.5, by_x]
    assert steps[9] == steps[8] and steps[10] == steps[0]
    assert steps[11] == "Step 3 of 9, forward: Sin computes its value from x."
