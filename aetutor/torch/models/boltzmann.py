"""Restricted Boltzmann machine: a joint distribution of data v and code h in which units of one layer are not connected.

    p(v, h) = exp(-E(v, h)) / Z,   E(v, h) = -b.v - c.h - h.W v,   v in {0, 1}^D,  h in {0, 1}^K
    encode:  p(h_k = 1 | v) = s(c_k + W_k.v)          decode:  p(v_j = 1 | h) = s(b_j + h.W_j),      s the sigmoid
    free energy:  F(v) = -b.v - sum_k log(1 + exp(c_k + W_k.v)),     log p(v) = -F(v) - log Z

The gradient of -log p(v) is that of F(v) minus the mean of F's over the model's own draws. Draws u' of a few steps of Gibbs
sampling stand in for them, held fixed, so that an ordinary optimiser trains

    loss(v) = F(v) - F(u')                 u': chains=0: k steps from v itself, contrastive divergence, CD-k;
                                               chains=n: n chains that go on from step to step of training, PCD

A second term, the cross-entropy of v and decode(encode(v)), is reported and not trained: its gradient is stopped, so the sum
of both has the gradient of the first. It is there because the value of the first says nothing about the model: on average it
is 0 for a perfect one, and for one whose chains do not move.

Pitfalls: neither term is a likelihood, and both can improve while the likelihood gets worse: estimate log Z (log_partition).
At a learning rate that is too high hidden units become constant, and independent pixels are what is left. Persistent chains
have to move faster than the weights: lower the rate, or take more steps. At b = 0 half of the pixels are expected to be 1,
and training begins with a detour from which persistent chains may not come back: call start_at first. Grey pixels count as
probabilities of a 1 in every formula above, and have no likelihood. Persistent chains belong to one process.

There is no twin in Keras: chains are state that each step reads and moves outside the gradient. That suits a loop that runs
eagerly; in Keras it would take a train_step of its own.

Source: Smolensky (1986); Hinton (2002) for contrastive divergence; Tieleman (2008) for persistent chains. Their
stack is in boltzmann_stack.py, the arithmetic of the two sides in bipartite.py.
"""

import torch
from torch import Tensor, nn

from ... import validation
from ...convenience import Convenience
from .. import backbones
from ..autoencoder import Autoencoder
from ..bipartite import free_energy, gibbs, mlp, smoothed_mean
from ..layers import TransposedDense
from ..processes import several_processes


class RBM(Autoencoder):
    """Restricted Boltzmann machine with binary units, trained by contrastive divergence.

    Args:
        encoder: a dense layer and a sigmoid, (B, *D) -> (B, K); `.mlp` gives it.
        decoder: begins with a dense layer, (B, K) -> (B, *D) logits; its kernel is replaced by the encoder's, transposed.
        steps: k of Gibbs sampling in each step of training.
        chains: 0, each sample starts a chain of its own; or the number n of persistent chains.
        seed: of the persistent chains' first states, fair coins.

    Attributes:
        particles: states of the persistent chains, (n, D), a buffer: saved with the weights, moved in training mode only.

    Example:
        >>> model = RBM.mlp(784, latent_dim=32, steps=2, chains=10, seed=0)
        >>> x = torch.rand(4, 784).round()
        >>> out = model(x)
        >>> out["z"].shape, out["negative"].shape, model.free_energy(x).shape
        (torch.Size([4, 32]), torch.Size([10, 784]), torch.Size([4]))
    """

    mlp = Convenience(mlp)
    layers = 1

    def __init__(self, encoder: nn.Module, decoder: nn.Module, *, steps: int = 1, chains: int = 0, seed: int = 0):
        super().__init__(encoder, decoder, likelihood="bernoulli")
        self.steps = validation.integer("steps", steps, low=1)
        self.chains = validation.integer("chains", chains, low=0)
        self.seed = validation.integer("seed", seed, low=0)
        self._dense()  # refuses other encoders
        if not isinstance(decoder, TransposedDense):
            self.decoder = TransposedDense.of(decoder)
        if chains:
            coins = torch.rand(chains, self.bipartite()[0].shape[1], generator=torch.Generator().manual_seed(seed))
            self.register_buffer("particles", coins.round())  # (n, D)

    def bipartite(self) -> tuple[Tensor, Tensor, Tensor]:
        """Kernel W, (K, D), and biases b, (D,), and c, (K,), of the two sides."""
        (dense,) = self._dense()
        return dense.weight, self.decoder.bias, dense.bias

    def decode(self, z: Tensor) -> Tensor:
        """Logits of p(v | h = z), (B, K) -> (B, *D)."""
        return self.decoder(z, self.bipartite()[0])

    def visible(self, x: Tensor) -> Tensor:
        """The side of the machine that x sets, (B, *D) -> (B, D)."""
        return backbones.Flatten()(x)

    def free_energy(self, x: Tensor) -> Tensor:
        """F(x), (B, *D) -> (B,), in nats: -log p(x) up to the constant log Z."""
        return free_energy(self.visible(x), *self.bipartite())

    def forward(self, x: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Code, logits, and "negative", (B, D) or (n, D): where the chains are after k steps.

        `noise` is uniform in [0, 1), (B, k, K + D) or, for n persistent chains, (n, k, K + D). In training mode the chains
        stay where they have got to; else they go back.
        """
        start = self.particles if self.chains else self.visible(x).detach()  # (n, D)
        shape = (len(start), self.steps, sum(self.bipartite()[0].shape))
        if noise is None:
            noise = self.uniform_like(start.new_empty(shape))  # (n, k, K + D)
        elif noise.shape != shape:
            raise ValueError(f"noise must have the shape {shape}; got {tuple(noise.shape)}.")
        with torch.no_grad():
            negative = gibbs(start, noise, *self.bipartite())
            if self.chains and self.training:
                if several_processes():
                    raise RuntimeError("persistent chains belong to one process; train in one process, or with chains=0.")
                self.particles.copy_(negative)
        z = self.encode(x)
        return {"z": z, "x_hat": self.decode(z), "negative": negative}

    @torch.no_grad()
    def start_at(self, x: Tensor):
        """Begin at the means of x, (N, *D): b becomes their log-odds, and persistent chains are drawn from them."""
        v = backbones.Flatten()(x)  # (N, D)
        mean = smoothed_mean(v.sum(dim=0), len(v))  # (D,)
        self.decoder.bias.copy_(torch.logit(mean))
        if self.chains:
            coins = torch.rand(self.chains, len(mean), generator=torch.Generator().manual_seed(self.seed))
            self.particles[:, : len(mean)] = (coins.to(mean.device) < mean).to(mean.dtype)

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """F(x) - F(u'), which is trained, and the cross-entropy of the reconstruction, which is not, each (B,)."""
        negative = free_energy(out["negative"], *self.bipartite())
        negative = negative.mean() if self.chains else negative  # (), (B,)
        reported = {name: term.detach() for name, term in super().loss_terms(x, out).items()}
        return {"contrast": self.free_energy(x) - negative} | reported

    def _dense(self) -> list[nn.Linear]:
        """The encoder's dense layers, each followed by a sigmoid."""
        parts = [m for m in self.encoder.modules() if not isinstance(m, nn.Sequential | nn.Flatten | backbones.Flatten)]
        if [type(m) for m in parts] != [nn.Linear, nn.Sigmoid] * self.layers:
            raise ValueError(
                f"encoder of a {type(self).__name__} has {self.layers} dense layer(s), each with a sigmoid, as "
                f"{type(self).__name__}.mlp builds it; got {', '.join(type(m).__name__ for m in parts)}."
            )
        return parts[::2]
