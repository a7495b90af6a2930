"""What PyTorch's reference models minimise, against hand values, scipy and numpy."""

import numpy as np
import pytest
from scipy import stats

torch = pytest.importorskip("torch")

from regharness_reference import heads  # noqa: E402
from regharness_reference.parameters import GroupDRO, VREx  # noqa: E402
from regharness_torch import losses  # noqa: E402

CPU = torch.device("cpu")


def one(*values):
    """Values of one example and output, with gradients."""
    return torch.tensor([[values]], requires_grad=True)


def randoms(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_at_beta_zero_the_loss_is_the_gaussian_likelihood():
    mean, log_variance, target = randoms(3, 64, 2)
    expected = torch.nn.GaussianNLLLoss(eps=0)(mean, target, log_variance.exp())
    found = losses.gaussian(torch.stack([mean, log_variance], dim=2), target, 0.0).mean()
    torch.testing.assert_close(found, expected)


def test_the_loss_of_one_example_by_hand():
    # Variance 4, error 2, beta 1/2: sqrt(4) x (ln 4 + 4/4) / 2.
    found = losses.gaussian(one(1.0, float(np.log(4.0))), torch.tensor([[3.0]]), 0.5)
    assert found.item() == pytest.approx(np.log(4.0) + 1.0, rel=1e-6)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_the_gradient_of_the_mean_is_the_error_over_variance_to_one_minus_beta(beta):
    values = one(1.0, float(np.log(4.0)))
    losses.gaussian(values, torch.tensor([[3.0]]), beta).backward()
    assert values.grad[0, 0, 0].item() == pytest.approx(-2.0 / 4.0 ** (1 - beta), rel=1e-5)


def test_a_weight_multiplies_the_gradient_of_the_mean_and_leaves_that_of_the_variance():
    plain, weighted = one(1.0, 0.3), one(1.0, 0.3)
    target = torch.tensor([[3.0]])
    losses.gaussian(plain, target, 0.5).backward()
    losses.gaussian(weighted, target, 0.5, torch.tensor([[2.5]])).backward()
    torch.testing.assert_close(weighted.grad[0, 0], plain.grad[0, 0] * torch.tensor([2.5, 1.0]))


def test_the_pinball_loss_of_one_example_by_hand():
    # Below the .9 quantile by 1, above the .1 quantile by 2: (.1 x 1 + .1 x 2) / 2.
    found = losses.pinball(one(0.0, 3.0), torch.tensor([[2.0]]), (0.1, 0.9))
    assert found.item() == pytest.approx(0.15, rel=1e-6)


def test_the_evidential_likelihood_is_that_of_students_t():
    # Amini et al. 2020, equation 7: location gamma, scale^2 beta (1 + nu) / (nu alpha), 2 alpha degrees of freedom.
    gamma, nu, alpha, beta, y = 0.5, 2.0, 3.0, 1.5, 1.7
    scale = np.sqrt(beta * (1 + nu) / (nu * alpha))
    expected = -stats.t.logpdf(y, 2 * alpha, gamma, scale) - 0.5 * np.log(np.pi)
    found = losses.evidential(one(gamma, nu, alpha, beta), torch.tensor([[y]]), 0.0)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_the_penalty_on_evidence_by_hand():
    # Error 1.2 with 2 x 2 + 3 of evidence.
    values, target = one(0.5, 2.0, 3.0, 1.5), torch.tensor([[1.7]])
    difference = losses.evidential(values, target, 0.1) - losses.evidential(values, target, 0.0)
    assert difference.item() == pytest.approx(0.1 * 1.2 * 7.0, rel=1e-4)


@pytest.mark.parametrize(
    ("head", "levels", "of_torch"),
    [
        ("gaussian", (), lambda v, y: losses.gaussian(v, y, 0.0)),
        ("quantile", (0.1, 0.5), lambda v, y: losses.pinball(v, y, (0.1, 0.5))),
        ("evidential", (), lambda v, y: losses.evidential(v, y, 0.0)),
    ],
)
def test_a_fit_is_judged_by_what_it_minimises(head, levels, of_torch):
    values = randoms(16, 2, heads.width(head, levels)).abs() + 1.1
    target = randoms(16, 2)
    judged = heads.loss(head, values.numpy(), levels, target.numpy())
    assert judged == pytest.approx(of_torch(values, target).mean().item(), rel=1e-4)


def group_risks(terms, group):
    return np.array([terms[group == g].mean() for g in np.unique(group)])


def test_without_robust_training_the_loss_is_the_mean():
    terms = randoms(12, 2)
    assert losses.Reduction(None, 3, CPU)(terms, None) == terms.mean()


def test_vrex_adds_the_variance_of_the_groups_losses():
    terms, group = randoms(30, 2), torch.arange(30) % 3
    found = losses.Reduction(VREx(method="vrex", penalty=4.0), 3, CPU)(terms, group)
    expected = terms.numpy().mean() + 4.0 * group_risks(terms.numpy(), group.numpy()).var()
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_vrex_takes_outputs_as_groups_where_there_are_no_others():
    terms = randoms(30, 2)
    found = losses.Reduction(VREx(method="vrex", groups="cell_type"), 2, CPU)(terms, None)
    expected = terms.numpy().mean() + terms.numpy().mean(axis=0).var()
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_group_dro_raises_shares_by_the_exponential_of_the_groups_losses():
    terms, group = randoms(30, 2), torch.arange(30) % 3
    reduction = losses.Reduction(GroupDRO(method="group_dro", step=0.7), 3, CPU)
    found = reduction(terms, group)
    risk = group_risks(terms.numpy(), group.numpy())
    share = np.exp(0.7 * risk) / np.exp(0.7 * risk).sum()
    np.testing.assert_allclose(reduction.share.numpy(), share, rtol=1e-5)
    assert found.item() == pytest.approx((share * risk).sum(), rel=1e-5)


def test_a_group_that_a_batch_lacks_does_not_count_in_it():
    terms, group = randoms(30, 2), torch.arange(30) % 2
    found = losses.Reduction(VREx(method="vrex"), 5, CPU)(terms, group)
    expected = terms.numpy().mean() + group_risks(terms.numpy(), group.numpy()).var()
    assert found.item() == pytest.approx(expected, rel=1e-5)
