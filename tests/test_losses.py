"""The losses: values by hand, gradients by hand, and both at the extremes."""
from __future__ import annotations

import numpy as np
import pytest

import minigan as mg
from minigan import losses, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3)) * 3
T = RNG.uniform(size=(4, 3))


def leaf(data, dtype=np.float64):
    return mg.tensor(np.asarray(data, dtype), requires_grad=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def value_and_grads(loss, *inputs):
    result = loss(*inputs)
    return result.item(), [g.numpy() for g in mg.grad(result, inputs)]


def test_bce_with_logits_is_the_cross_entropy_of_the_sigmoid():
    p = sigmoid(X)
    value, (by_x, by_t) = value_and_grads(losses.bce_with_logits, leaf(X), leaf(T))
    assert value == pytest.approx(np.mean(-T * np.log(p) - (1 - T) * np.log(1 - p)), rel=1e-12)
    np.testing.assert_allclose(by_x, (p - T) / X.size, rtol=1e-12)
    np.testing.assert_allclose(by_t, -X / X.size, rtol=1e-12)


@pytest.mark.parametrize("target", [0.0, 1.0])
@pytest.mark.parametrize("logit", [-1e4, -100.0, 100.0, 1e4])
def test_bce_with_logits_is_exact_at_the_extremes(logit, target):
    value, (by_x,) = value_and_grads(lambda x: losses.bce_with_logits(x, target),
                                     leaf([logit], np.float32))
    if (logit > 0) == (target == 1):
        assert value == pytest.approx(np.exp(-abs(logit)), rel=1e-5)  # e^−100, not 0
        assert abs(by_x[0]) < 1e-40
    else:
        assert value == abs(logit) and by_x[0] == np.sign(logit)


def test_bce_is_the_cross_entropy_of_probabilities():
    p = sigmoid(X)
    value, (by_p, by_t) = value_and_grads(losses.bce, leaf(p), leaf(T))
    assert value == pytest.approx(np.mean(-T * np.log(p) - (1 - T) * np.log(1 - p)), rel=1e-12)
    np.testing.assert_allclose(by_p, ((1 - T) / (1 - p) - T / p) / X.size, rtol=1e-10)
    np.testing.assert_allclose(by_t, (np.log(1 - p) - np.log(p)) / X.size, rtol=1e-10)


def test_bce_on_a_sigmoid_has_the_gradient_of_bce_on_logits():
    _, (by_x,) = value_and_grads(lambda x: losses.bce(ops.sigmoid(x), mg.tensor(T)), leaf(X))
    np.testing.assert_allclose(by_x, (sigmoid(X) - T) / X.size, rtol=1e-10)


def test_bces_gradient_does_not_vanish_for_a_confident_mistake():
    _, (by_p,) = value_and_grads(lambda p: losses.bce(p, 0.0), leaf([0.9995], np.float32))
    assert by_p[0] == pytest.approx(1 / (1 - np.float32(0.9995)), rel=1e-5)


@pytest.mark.parametrize("p, target", [(0.0, 1.0), (1.0, 0.0)])
def test_bce_of_an_impossible_probability_is_large_and_finite(p, target):
    value, (by_p,) = value_and_grads(lambda p: losses.bce(p, target), leaf([p], np.float32))
    assert value == pytest.approx(87.3, abs=0.1)
    assert np.isfinite(by_p[0]) and abs(by_p[0]) > 1e37
    assert np.sign(by_p[0]) == (-1 if target else 1)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_bce_of_a_certain_and_right_probability_is_zero(p):
    value, (by_p,) = value_and_grads(lambda x: losses.bce(x, p), leaf([p], np.float32))
    assert value == 0 and by_p[0] == pytest.approx(1 if p == 0 else -1)


@pytest.mark.numpy_only("on a device nobody looks: it would have to be waited for")
def test_what_is_no_probability_is_refused_and_nan_stays_nan():
    for p in ([0.5, -0.1], [1.5, 0.5]):
        with pytest.raises(ValueError, match=r"from -?\d.\d to \d.5: bce_with_logits takes what"):
            losses.bce(leaf(p), 1.0)
    assert np.isnan(losses.bce(leaf([0.5, np.nan]), 1.0).item())
    assert losses.bce(leaf([]), 1.0, "sum").item() == 0


def test_logits_taken_for_probabilities_cannot_reach_a_loss_of_zero():
    certain = leaf([1e4])
    real = losses.bce_with_logits(ops.sigmoid(certain), 1.0)
    fake = losses.bce_with_logits(ops.sigmoid(-certain), 0.0)
    assert real.item() == pytest.approx(0.313, abs=1e-3)
    assert fake.item() == pytest.approx(0.693, abs=1e-3)


def test_mse_is_the_mean_squared_difference():
    value, (by_x, by_y) = value_and_grads(losses.mse, leaf(X), leaf(T))
    assert value == pytest.approx(((X - T) ** 2).mean(), rel=1e-12)
    np.testing.assert_allclose(by_x, 2 * (X - T) / X.size, rtol=1e-12)
    np.testing.assert_allclose(by_y, -by_x, rtol=1e-12)


def test_an_outlier_pulls_by_delta_under_huber_and_by_one_under_mae():
    x = leaf([0.5, -3.0, np.inf])
    (by_x,) = mg.grad(losses.huber(x, 0.0, delta=2, reduction="sum"), x)
    assert by_x.numpy().tolist() == [0.5, -2, 2]
    (by_x,) = mg.grad(losses.mae(x, 0.0, reduction="sum"), x)
    assert by_x.numpy().tolist() == [1, -1, 1]
    assert losses.huber(x, 0.0, reduction="none").numpy().tolist() == [0.125, 2.5, np.inf]
    for delta in (0, -1, np.nan):
        with pytest.raises(ValueError, match=f"delta is a positive number, not {delta}"):
            losses.huber(x, 0.0, delta)


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3)])
def test_cross_entropy_is_minus_the_log_of_the_labels_softmax(shape):
    x, labels = RNG.normal(size=shape), RNG.integers(0, 3, shape[:-1])
    p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    chosen = np.take_along_axis(p, labels[..., None], -1)
    value, (by_x,) = value_and_grads(lambda x: losses.cross_entropy(x, mg.tensor(labels)), leaf(x))
    assert value == pytest.approx(-np.log(chosen).mean(), rel=1e-12)
    np.testing.assert_allclose(by_x, (p - np.eye(3)[labels]) / labels.size, rtol=1e-10, atol=1e-14)


def test_cross_entropy_does_not_overflow():
    value, (by_x,) = value_and_grads(lambda x: losses.cross_entropy(x, mg.tensor([1])),
                                     leaf([[1e4, -1e4]], np.float32))
    assert value == 2e4 and by_x.tolist() == [[1, -1]]


@pytest.mark.parametrize("labels, message", [
    ([0, 3], "3 logits for each example and labels from 0 to 3"),
    ([-1, 0], "labels from -1 to 0")])
def test_labels_that_are_no_class_are_refused_or_on_a_device_make_the_loss_nan(
        labels, message, array_library):
    logits = leaf(np.ones((2, 3)))
    if array_library == "numpy":
        with pytest.raises(ValueError, match=message):
            losses.cross_entropy(logits, mg.tensor(labels))
    else:  # to look at the labels would be to wait for the device, in every step
        assert np.isnan(losses.cross_entropy(logits, mg.tensor(labels)).item())


@pytest.mark.parametrize("labels, message", [
    (np.array([0.0, 1.0]), "integer labels"),
    (np.array([[0], [1]]), r"shapes \(2, 3\) and \(2, 1\)"),
    (np.array([0, 1, 2]), r"shapes \(2, 3\) and \(3,\)")])
def test_cross_entropy_refuses_labels_that_do_not_fit(labels, message):
    with pytest.raises(ValueError, match=message):
        losses.cross_entropy(leaf(np.ones((2, 3))), mg.tensor(labels))


def test_what_is_ignored_has_no_part_in_value_or_gradient():
    x = leaf(np.array([[1.0, 2.0, 3.0], [np.inf, np.nan, -np.inf], [0.0, 0.0, 1.0]]))
    for options in ({}, {"weight": [1.0, 2.0, 3.0]}, {"label_smoothing": 0.1}):
        some = leaf(x.numpy()[::2])
        with np.errstate(invalid="ignore"):
            all_of = losses.cross_entropy(x, mg.tensor([0, -1, 2]), ignore_index=-1, **options)
        rest = losses.cross_entropy(some, mg.tensor([0, 2]), **options)
        assert all_of.item() == pytest.approx(rest.item(), rel=1e-15)
    with np.errstate(invalid="ignore", divide="ignore"):
        none = losses.cross_entropy(some, mg.tensor([1, 1]), ignore_index=1)
        assert np.isnan(none.item())  # as in PyTorch
        assert losses.cross_entropy(some, mg.tensor([1, 1]), ignore_index=1,
                                    reduction="sum").item() == 0


def test_the_mean_over_labels_is_weighted_by_theirs():
    labels, weight = np.array([0, 2, 2, 1]), [1.0, 2.0, 5.0]
    for options in ({}, {"label_smoothing": 0.2}, {"ignore_index": 2}):
        total, mean = (losses.cross_entropy(leaf(X), mg.tensor(labels), weight, reduction=how,
                                            **options).item() for how in ("sum", "mean"))
        counted = np.array(weight)[labels[labels != options.get("ignore_index")]]
        assert mean == pytest.approx(total / counted.sum(), rel=1e-14)


def test_probabilities_of_which_one_is_1_are_labels():
    labels = RNG.integers(0, 3, 4)
    for options in ({}, {"label_smoothing": 0.2}, {"reduction": "none", "weight": [1.0, 2.0, 3.0]}):
        soft = losses.cross_entropy(leaf(X), leaf(np.eye(3)[labels]), **options)
        hard = losses.cross_entropy(leaf(X), mg.tensor(labels), **options)
        np.testing.assert_allclose(soft.numpy(), hard.numpy(), rtol=1e-14)
    with pytest.raises(ValueError, match="where none is ignored, probabilities"):
        losses.cross_entropy(leaf(X), leaf(np.eye(3)[labels]), ignore_index=0)


@pytest.mark.parametrize("options, message", [
    ({"weight": [1.0, 2.0]}, r"shape \(2,\), not one number for each of 3 classes"),
    ({"weight": 2.0}, r"shape \(\), not one"), ({"label_smoothing": np.nan}, "not nan"),
    ({"label_smoothing": 1.5}, "a probability, 0 to 1, not 1.5"),
    ({"reduction": "all"}, "one of mean, sum, none, not 'all'")])
def test_cross_entropy_refuses_options_that_are_none(options, message):
    with pytest.raises(ValueError, match=message):
        losses.cross_entropy(leaf(X), mg.tensor([0, 1, 2, 0]), **options)


@pytest.mark.parametrize("loss", [losses.bce, losses.bce_with_logits, losses.mse, losses.mae,
                                  losses.huber])
def test_a_reduction_is_mean_sum_or_none(loss):
    x, t = leaf([[0.25, 0.5], [0.75, 0.125]]), leaf([[1.0, 0.0], [0.5, 1.0]])
    each = loss(x, t, reduction="none")
    assert each.shape == (2, 2)
    assert loss(x, t).item() == loss(x, t, reduction="mean").item() == each.mean().item()
    assert loss(x, t, reduction="sum").item() == each.sum().item()
    with pytest.raises(ValueError, match="reduction is one of mean, sum, none, not 'avg'"):
        loss(x, t, reduction="avg")


@pytest.mark.parametrize("name", ["bce", "bce_with_logits", "mse", "mae", "huber"])
def test_shapes_that_would_broadcast_are_refused(name):
    loss = getattr(losses, name)
    message = rf"{name} needs two tensors of one shape, got \(4, 1\) and \(4,\)"
    with pytest.raises(ValueError, match=message):
        loss(leaf(np.full((4, 1), 0.5)), mg.tensor(np.ones(4)))


@pytest.mark.parametrize("name", ["bce", "bce_with_logits", "mse", "mae", "huber"])
def test_a_number_stands_for_a_constant_target(name):
    loss, x = getattr(losses, name), leaf(np.full((4, 1), 0.25))
    assert loss(x, 1.0).item() == loss(x, mg.tensor(np.ones((4, 1)))).item()
    assert loss(x, 1).item() == loss(x, 1.0).item()


@pytest.mark.parametrize("loss", [
    lambda x: losses.bce_with_logits(x, 1.0), lambda x: losses.bce(ops.sigmoid(x), 0.0),
    lambda x: losses.mse(x, 0.0), lambda x: losses.cross_entropy(x, mg.tensor([0, 1, 2, 0])),
    lambda x: losses.l1([x]), lambda x: losses.l2([x])])
def test_a_loss_of_float32_is_one_float32_number(loss):
    x = leaf(X, np.float32)
    result = loss(x)
    assert result.shape == () and result.dtype == np.float32
    result.backward()
    assert x.grad.dtype == np.float32


def test_l1_and_l2_add_up_all_parameters():
    w, b = leaf([[1.0, -2.0], [3.0, 0.0]]), leaf([-4.0])
    value, grads = value_and_grads(lambda *params: losses.l1(params), w, b)
    assert value == 10 and [g.tolist() for g in grads] == [[[1, -1], [1, 0]], [-1]]
    value, grads = value_and_grads(lambda *params: losses.l2(params), w, b)
    assert value == 30 and [g.tolist() for g in grads] == [[[2, -4], [6, 0]], [-8]]


@pytest.mark.parametrize("penalty", [losses.l1, losses.l2])
def test_a_penalty_takes_a_modules_parameters_and_needs_at_least_one(penalty):
    assert penalty(mg.nn.Dense(2, 3).parameters()).shape == ()
    with pytest.raises(ValueError, match="no parameters to penalise"):
        penalty([])


def test_the_losses_equal_pytorchs_and_their_gradients_too():
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    functional = torch.nn.functional
    labels = np.array([0, 2, 1, 2])
    pairs = [
        (lambda x: losses.bce_with_logits(x, mg.tensor(T)),
         lambda x: functional.binary_cross_entropy_with_logits(x, torch.tensor(T))),
        (lambda x: losses.bce(ops.sigmoid(x), mg.tensor(T)),
         lambda x: functional.binary_cross_entropy(torch.sigmoid(x), torch.tensor(T))),
        (lambda x: losses.mse(x, mg.tensor(T)), lambda x: functional.mse_loss(x, torch.tensor(T))),
        (lambda x: losses.mae(x, mg.tensor(T)), lambda x: functional.l1_loss(x, torch.tensor(T))),
        (lambda x: losses.huber(x, mg.tensor(T), 0.5, "sum"),
         lambda x: functional.huber_loss(x, torch.tensor(T), "sum", 0.5)),
        (lambda x: losses.cross_entropy(x, mg.tensor(labels)),
         lambda x: functional.cross_entropy(x, torch.tensor(labels)))]
    q, w = np.exp(T) / np.exp(T).sum(1, keepdims=True), np.array([0.5, 1.0, 3.0])
    for target, ignored in (labels, None), (labels, 1), (q, None):
        for options in ({}, {"label_smoothing": 0.2}, {"reduction": "sum"}):
            pairs.append((
                lambda x, t=target, i=ignored, o=options: losses.cross_entropy(
                    x, mg.tensor(t), mg.tensor(w), i, **o),
                lambda x, t=target, i=ignored, o=options: functional.cross_entropy(
                    x, torch.tensor(t), torch.tensor(w), ignore_index=-1 if i is None else i, **o)))
    for ours, theirs in pairs:
        value, (gradient,) = value_and_grads(ours, leaf(X))
        x = torch.tensor(X, requires_grad=True)
        result = theirs(x)
        result.backward()
        assert value == pytest.approx(result.item(), rel=1e-12)
        np.testing.assert_allclose(gradient, x.grad.numpy(), rtol=1e-9, atol=1e-14)
