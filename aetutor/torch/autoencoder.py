"""The base class: an encoder, a decoder, and the loss terms that train them.

    z = encode(x),  x_hat = decode(z),  loss(x) = sum of loss_terms(x, forward(x))

A variant subclasses it and overrides `encode`, `forward` or `loss_terms`; see models/variational.py. Training, saving and
everything that takes NumPy arrays are functions of aetutor.torch, not methods.
"""

import math

import torch
from torch import Tensor, nn

from .. import validation
from ..batching import stream_seed
from ..convenience import Convenience
from . import backbones, losses


class NoiseStream:
    """Where a model draws noise when none is passed in.

    Outside `fit` and `evaluate` it is PyTorch's global generator. Inside, each batch has a seed of its own, and the noise is
    drawn for the whole global batch, of which a process takes its rows: the same numbers come out however many processes
    there are, and whether or not the run was resumed.
    """

    def __init__(self):
        self.generators, self.key, self.rows, self.total = {}, None, slice(None), 0

    def begin(self, key: tuple[int, ...] | None, rows: slice = slice(None), total: int = 0):
        """Name the next batch's stream, its number of rows in all processes and which of them are ours; None ends it."""
        self.key, self.rows, self.total = key, rows, total
        self.generators.clear()

    def draw(self, function, like: Tensor) -> Tensor:
        """`function` (torch.randn or torch.rand) in the shape of `like`, (B, ...)."""
        if self.key is None:
            return function(like.shape, device=like.device, dtype=like.dtype)
        if like.device not in self.generators:
            self.generators[like.device] = torch.Generator(like.device).manual_seed(stream_seed(*self.key))
        shape = (max(self.total, len(like)), *like.shape[1:])
        drawn = function(shape, generator=self.generators[like.device], device=like.device)
        return drawn[self.rows][: len(like)].to(like.dtype)


class Autoencoder(nn.Module):
    """Encoder and decoder, trained to reconstruct.

    Args:
        encoder: maps x, (B, *D), to the code z, (B, K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        likelihood: what the decoder's output means and so which loss is trained:
            "squared_error": the reconstruction; loss sum_j (x_j - x_hat_j)^2;
            "bernoulli": logits; cross-entropy, x in [0, 1];
            "continuous_bernoulli": logits; negative log-likelihood of grey values in [0, 1];
            "gaussian": the mean; negative log-likelihood with standard deviation sigma.
        sigma: with "gaussian", a number > 0, or "learned" for one trained scalar.

    Attributes:
        code_factor: numbers the encoder gives for each latent dimension; a class attribute, 2 for a VAE.
        prior: distribution that codes are drawn from by `sample`; a class attribute, "standard_normal" for a VAE, else None.
        sample_shape: shape of one sample at the NumPy border, or None until known.
        built_with: what a convenience constructor was given, or None.

    Example:
        >>> model = Autoencoder.mlp(784, latent_dim=32, hidden=(128,), seed=0)
        >>> model(torch.rand(4, 784))["x_hat"].shape
        torch.Size([4, 784])
    """

    code_factor = 1
    prior = None
    mlp = Convenience(backbones.mlp)
    conv = Convenience(backbones.conv)
    recurrent = Convenience(backbones.recurrent, without=("padding",))
    residual = Convenience(backbones.residual)

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, *, likelihood: str = "squared_error", sigma: float | str = 1.0
    ):
        super().__init__()
        for name, part in (("encoder", encoder), ("decoder", decoder)):
            if not isinstance(part, nn.Module):
                raise TypeError(f"{name} must be a torch.nn.Module; got {validation.describe(part)}.")
        self.encoder, self.decoder = encoder, decoder
        self.likelihood = validation.one_of("likelihood", likelihood, tuple(validation.SUPPORT))
        self.sigma = validation.sigma("sigma", sigma, likelihood=likelihood)
        if sigma == "learned":
            self.log_sigma = nn.Parameter(torch.zeros(()))
        else:
            self.log_sigma = math.log(sigma)
        self.sample_shape = self.built_with = None
        self.noise = NoiseStream()

    def encode(self, x: Tensor) -> Tensor:
        """Code of x, (B, *D) -> (B, K): deterministic."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Parameters of p(x | z), (B, K) -> (B, *D): logits for the two Bernoulli likelihoods, else the mean."""
        return self.decoder(z)

    def mean(self, params: Tensor) -> Tensor:
        """Mean of p(x | z) from its parameters, (B, *D) -> (B, *D): what is shown as the reconstruction."""
        if self.likelihood == "continuous_bernoulli":
            return losses.continuous_bernoulli_mean(params)
        return torch.sigmoid(params) if self.likelihood == "bernoulli" else params

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Code and decoder output of x, (B, *D): {"z": (B, K), "x_hat": (B, *D)}."""
        z = self.encode(x)
        return {"z": z, "x_hat": self.decode(z)}

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """Named and already weighted terms, each (B,); their sum is the loss of a sample."""
        return {"reconstruction": losses.reconstruction(self.likelihood, x, out["x_hat"], self.log_sigma)}

    def players(self) -> dict[str, tuple[list[nn.Parameter], float]]:
        """{player: (its weights, its learning rate over that of `fit`)}: all weights are one player's, unless overridden.

        All players take a step at a time, with the gradient of the same sum of terms: `loss_terms` sees to it that a term
        reaches its player only. Each has its own gradient norm to clip.
        """
        return {"autoencoder": (list(self.parameters()), 1.0)}

    def normal_like(self, tensor: Tensor) -> Tensor:
        """Standard normal noise in the shape of `tensor`, (B, ...), from the model's noise stream."""
        return self.noise.draw(torch.randn, tensor)

    def uniform_like(self, tensor: Tensor) -> Tensor:
        """Noise uniform in [0, 1) in the shape of `tensor`, (B, ...), from the model's noise stream."""
        return self.noise.draw(torch.rand, tensor)
