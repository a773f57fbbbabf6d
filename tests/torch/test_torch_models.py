"""Losses, backbones and classes of aetutor.torch: against formulas, the page of constants, and the conformance suite."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch_toys import Masking, images, table

from aetutor import constants, testing
from aetutor import torch as ae
from aetutor.initializers import WeightStream

RNG = np.random.default_rng(0)
X = RNG.random((4, 3, 2)).astype(np.float32)
PARAMS = RNG.normal(size=(4, 3, 2)).astype(np.float32)


def tensors(*arrays):
    return [torch.from_numpy(a) for a in arrays]


def test_squared_error():
    expected = ((X - PARAMS) ** 2).sum((1, 2))
    assert ae.losses.squared_error(*tensors(X, PARAMS)).numpy() == pytest.approx(expected, rel=1e-6)


def test_bernoulli():
    p = 1 / (1 + np.exp(-PARAMS.astype(float)))
    expected = -(X * np.log(p) + (1 - X) * np.log(1 - p)).sum((1, 2))
    assert ae.losses.bernoulli(*tensors(X, PARAMS)).numpy() == pytest.approx(expected, rel=1e-6)
    extreme = ae.losses.bernoulli(torch.tensor([[0.0], [1.0]]), torch.tensor([[100.0], [100.0]]))
    assert extreme.tolist() == pytest.approx([100, 0])  # no overflow where p rounds to 1


@pytest.mark.parametrize("log_sigma", [0.0, math.log(0.3), RNG.normal(size=(4, 3, 2)).astype(np.float32)])
def test_gaussian(log_sigma):
    sigma = np.exp(log_sigma)
    density = np.exp(-((X - PARAMS) ** 2) / (2 * sigma**2)) / np.sqrt(2 * np.pi * sigma**2)
    given = torch.from_numpy(log_sigma) if isinstance(log_sigma, np.ndarray) else log_sigma
    assert ae.losses.gaussian(*tensors(X, PARAMS), given).numpy() == pytest.approx(-np.log(density).sum((1, 2)), rel=1e-5)


def test_kl_standard_normal():
    """Against the integral of q log(q / p), one dimension at a time."""
    mu, log_var = np.array([[0.5, -1.0]]), np.array([[0.2, -0.7]])
    t = np.linspace(-12, 12, 200_001)
    total = 0.0
    for m, v in zip(mu[0], np.exp(log_var[0]), strict=True):
        q = np.exp(-((t - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
        log_ratio = -((t - m) ** 2) / (2 * v) - np.log(v) / 2 + t**2 / 2
        total += (q * log_ratio).sum() * (t[1] - t[0])
    assert ae.losses.kl_standard_normal(*tensors(mu, log_var)).item() == pytest.approx(total, rel=1e-6)
    assert ae.losses.kl_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [0, 0]


def continuous_bernoulli_by_quadrature(logits):
    """(log of the integral of exp(-cross-entropy) over [0, 1], mean of x under it) for each logit, by Gauss-Legendre."""
    from scipy.special import expit, xlog1py, xlogy

    nodes, weights = np.polynomial.legendre.leggauss(400)
    t, p = 0.5 * (nodes + 1), expit(logits)[:, None]
    density = np.exp(xlogy(t, p) + xlog1py(1 - t, -p)) * 0.5 * weights
    return np.log(density.sum(1)), (density * t).sum(1) / density.sum(1)


LOGITS = np.array([-30.0, -3.0, -1.0001, -0.9999, -1e-4, 0.0, 1e-7, 0.01, 0.9999, 1.0001, 2.0, 12.0])


def test_continuous_bernoulli_integrates_to_one():
    log_integral, mean = continuous_bernoulli_by_quadrature(LOGITS)
    x, logits = tensors(np.full((len(LOGITS), 1), 0.3), LOGITS[:, None])
    normaliser = ae.losses.continuous_bernoulli(x, logits) - ae.losses.bernoulli(x, logits)
    assert normaliser.numpy() == pytest.approx(log_integral, abs=1e-9)
    assert ae.losses.continuous_bernoulli_mean(logits)[:, 0].numpy() == pytest.approx(mean, abs=1e-9)


def test_continuous_bernoulli_has_a_gradient_at_zero():
    logits = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    ae.losses.continuous_bernoulli(torch.full((1, 2), 0.8, dtype=torch.float64), logits).sum().backward()
    assert logits.grad.numpy() == pytest.approx(np.full((1, 2), 0.5 - 0.8))  # the mean less x, as for every such density


def test_reconstruction_dispatches_on_the_likelihood():
    x, params = tensors(X, PARAMS)
    for name, expected in [
        ("squared_error", ae.losses.squared_error(x, params)),
        ("bernoulli", ae.losses.bernoulli(x, params)),
        ("continuous_bernoulli", ae.losses.continuous_bernoulli(x, params)),
        ("gaussian", ae.losses.gaussian(x, params, 0.4)),
    ]:
        assert torch.equal(ae.losses.reconstruction(name, x, params, 0.4), expected)


COMBINATIONS = list(
    itertools.product(
        ("Autoencoder", "VAE"),
        ("mlp", "conv"),
        ("squared_error", "bernoulli", "continuous_bernoulli", "gaussian", "gaussian, sigma learned"),
    )
)


@pytest.mark.parametrize(("name", "backbone", "likelihood"), COMBINATIONS, ids=map(" ".join, COMBINATIONS))
def test_conformance(name, backbone, likelihood, capsys):
    likelihood, _, learned = likelihood.partition(", ")
    own = {"likelihood": likelihood} | ({"sigma": "learned"} if learned else {})
    sizes = {"hidden": (24,), "norm": "layer"} if backbone == "mlp" else {"channels": (4, 8), "activation": "gelu"}

    def build():
        return getattr(getattr(ae, name), backbone)((6, 5, 1), latent_dim=3, seed=2, **sizes, **own)

    assert len(testing.check_autoencoder(build, images(40))) >= 13
    assert capsys.readouterr().out == ""  # a page that runs it stores no path of a temporary folder


def test_conformance_of_a_stochastic_class_of_ones_own():
    testing.check_autoencoder(lambda: Masking.mlp(12, latent_dim=3, hidden=(16,)), table(40), epochs=6)


class TakesNoNoise(ae.Autoencoder):
    def forward(self, x):
        z = self.encode(x + self.normal_like(x))
        return {"z": z, "x_hat": self.decode(z)}


class DrawsInEncode(ae.Autoencoder):
    def encode(self, x):
        z = self.encoder(x)
        return z + torch.randn_like(z)


class MeansOverTheBatch(ae.Autoencoder):
    def loss_terms(self, x, out):
        return {"reconstruction": ((x - out["x_hat"]) ** 2).mean()}


class UnusedWeight(ae.Autoencoder):
    def __init__(self, encoder, decoder):
        super().__init__(encoder, decoder)
        self.unused = nn.Parameter(torch.ones(2))


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (TakesNoNoise, "takes no noise=None"),
        (DrawsInEncode, "encode is not deterministic"),
        (MeansOverTheBatch, "must be one value a sample"),
        (UnusedWeight, "training did not change unused"),
    ],
)
def test_the_conformance_suite_catches(cls, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_autoencoder(lambda: cls.mlp(12, latent_dim=3, hidden=(16,)), table(40))


def test_weights_are_the_draws_of_the_weight_stream():
    model = ae.VAE.mlp(12, latent_dim=3, hidden=(16, 8), initializer="he_normal", seed=7)
    stream = WeightStream(7, "he_normal")
    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    for layer, shape in zip(layers, [(12, 16), (16, 8), (8, 6), (3, 8), (8, 16), (16, 12)], strict=True):
        assert np.array_equal(layer.weight.detach().numpy().T, stream.kernel(shape))
        assert not layer.bias.any()
    model, stream = ae.Autoencoder.conv((6, 5, 2), latent_dim=3, channels=(4, 8), seed=7), WeightStream(7)
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    shapes = [(3, 3, 2, 4), (3, 3, 4, 8), (2 * 2 * 8, 3), (3, 2 * 2 * 8), (3, 3, 8, 4), (3, 3, 4, 2)]
    for layer, shape in zip(layers, shapes, strict=True):
        axes = (1, 0) if len(shape) == 2 else (2, 3, 1, 0)
        assert np.array_equal(layer.weight.detach().numpy().transpose(axes), stream.kernel(shape))


def test_initial_weights_have_the_spread_that_their_names_promise():
    glorot = WeightStream(0).kernel((300, 500))
    limit = math.sqrt(6 / 800)
    assert abs(glorot).max() <= limit and glorot.std() == pytest.approx(limit / math.sqrt(3), rel=0.01)
    he = WeightStream(0, "he_normal").kernel((3, 3, 50, 80))
    assert he.std() == pytest.approx(math.sqrt(2 / 450), rel=0.02)


def test_layers_follow_the_page_of_constants():
    model = ae.Autoencoder.mlp(12, latent_dim=3, hidden=(8,), activation="leaky_relu", norm="layer")
    norms = [m for m in model.modules() if isinstance(m, nn.LayerNorm)]
    leaky = [m for m in model.modules() if isinstance(m, nn.LeakyReLU)]
    assert [m.eps for m in norms] == [constants.LAYER_NORM_EPSILON] * 2
    assert [m.negative_slope for m in leaky] == [constants.LEAKY_SLOPE] * 2
    convolutions = [m for m in ae.Autoencoder.conv((8, 8, 1), latent_dim=3).modules() if isinstance(m, nn.Conv2d)]
    assert {m.kernel_size[0] for m in convolutions} == {constants.CONV_KERNEL}
    assert {m.padding[0] for m in convolutions} == {constants.CONV_PADDING}
    assert [m.stride[0] for m in convolutions] == [constants.CONV_STRIDE] * 2 + [1] * 2


def test_the_optimiser_follows_the_page_of_constants(monkeypatch):
    made = []
    adamw = torch.optim.AdamW
    monkeypatch.setattr(torch.optim, "AdamW", lambda *a, **kw: made.append(adamw(*a, **kw)) or made[-1])
    ae.fit(ae.Autoencoder.mlp(12, latent_dim=3), table(8), epochs=1, lr=0.5)
    group = made[0].param_groups[0]
    found = {name: group[name] for name in ("lr", "betas", "eps", "weight_decay", "amsgrad")}
    expected = {"lr": 0.5, "betas": constants.ADAM_BETAS, "eps": constants.ADAM_EPSILON, "weight_decay": 0, "amsgrad": False}
    assert found == expected


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 1), (5, 7, 3), (8, 8, 1), (28, 28, 1)])
@pytest.mark.parametrize("channels", [(4,), (4, 8), (4, 8, 16)])
def test_conv_works_for_every_size(shape, channels):
    model = ae.VAE.conv(shape, latent_dim=2, channels=channels)
    x = images(3, shape)
    assert ae.reconstruct(model, x).shape == x.shape
    assert ae.encode(model, x).shape == (3, 2)


def test_images_are_flattened_in_the_order_height_width_channel():
    x = images(5, (4, 3, 2))
    flat, shaped = ae.Autoencoder.mlp(24, latent_dim=3, seed=1), ae.Autoencoder.mlp((4, 3, 2), latent_dim=3, seed=1)
    assert np.array_equal(ae.encode(flat, x.reshape(5, -1)), ae.encode(shaped, x))
    assert np.array_equal(ae.reconstruct(flat, x.reshape(5, -1)).reshape(x.shape), ae.reconstruct(shaped, x))


def test_no_hidden_layer_and_a_code_wider_than_the_data_are_legal():
    model = ae.Autoencoder.mlp((5, 2), latent_dim=40, hidden=())
    assert [tuple(p.shape) for p in model.parameters()] == [(40, 10), (40,), (10, 40), (10,)]
    assert ae.reconstruct(model, images(3, (5, 2))).shape == (3, 5, 2)


def test_what_is_decoded_is_the_mean():
    z = RNG.normal(size=(4, 3)).astype(np.float32)
    options = {"latent_dim": 3, "hidden": (8,), "seed": 1}
    logits = ae.decode(ae.Autoencoder.mlp(12, **options), z)
    p = ae.decode(ae.Autoencoder.mlp(12, likelihood="bernoulli", **options), z)
    assert p == pytest.approx(1 / (1 + np.exp(-logits)), rel=1e-5)
    grey = ae.decode(ae.Autoencoder.mlp(12, likelihood="continuous_bernoulli", **options), z)
    assert grey == pytest.approx(
        continuous_bernoulli_by_quadrature(logits.ravel().astype(float))[1].reshape(grey.shape), rel=1e-5
    )


def test_a_vae_encodes_the_posterior_mean_and_takes_its_noise():
    model = ae.VAE.mlp(12, latent_dim=3, beta=2.5, seed=1)
    x = torch.from_numpy(table(4))
    mu, log_var = model.posterior(x)
    noise = torch.randn(4, 3)
    out = model(x, noise=noise)
    assert torch.equal(out["z"], mu + torch.exp(0.5 * log_var) * noise)
    assert torch.equal(torch.from_numpy(ae.encode(model, table(4))), mu)
    kl = ae.losses.kl_standard_normal(mu, log_var)
    assert torch.equal(model.loss_terms(x, out)["kl"], 2.5 * kl)


def test_noise_does_not_depend_on_the_batches_it_is_drawn_in():
    model, x = ae.VAE.mlp(12, latent_dim=3, seed=1), table(300)
    whole = ae.evaluate(model, x, seed=4)
    pieces = ae.evaluate(model, [x[:1], x[1:290], x[290:]], seed=4)
    assert whole == pieces
    assert whole != ae.evaluate(model, x, seed=5)
    first = ae.evaluate(model, x[:256], seed=4)
    torch.manual_seed(99)
    assert ae.evaluate(model, x[:256], seed=4) == first


def test_a_failed_evaluation_leaves_the_noise_stream_free():
    class Fails(ae.VAE):
        def loss_terms(self, x, out):
            raise RuntimeError("not today")

    model = Fails.mlp(12, latent_dim=3)
    with pytest.raises(RuntimeError, match="not today"):
        ae.evaluate(model, table(4))
    z = [model(torch.from_numpy(table(4)))["z"] for _ in range(2)]
    assert not torch.equal(*z)
    assert model.training


def test_batch_size_of_inference_changes_nothing():
    model, x = ae.VAE.conv((6, 5, 1), latent_dim=3, channels=(4,)), images(11)
    assert ae.encode(model, x, batch_size=3) == pytest.approx(ae.encode(model, x), abs=1e-6)
    assert ae.reconstruct(model, x, batch_size=1) == pytest.approx(ae.reconstruct(model, x), abs=1e-6)
