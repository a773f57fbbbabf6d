"""Deep Boltzmann machine with two hidden layers.

    p(v, h1, h2) = exp(-E) / Z,   E = -b.v - c1.h1 - c2.h2 - h1.W1 v - h2.W2 h1,   all units 0 or 1

h1 is connected with v and h2, which are not connected with each other: the machine is an RBM whose one side is u = (v, h2)
and whose other side is h1, with the kernel [W1, W2^T]. Chains alternate between the two sides. Only v is given, so h2 has to
be inferred: by mean field, which iterates, each time with the other held,

    m1 = s(c1 + W1 v + W2^T m2),   m2 = s(c2 + W2 m1),        encode(v) = m2
    F(v) <= F_q(v) = F_RBM((v, m2)) - H(m2)                    H: entropy of independent units, in nats

No iteration raises F_q, and -F_q(v) - log Z <= log p(v) is a lower bound. The loss is that of an RBM with F_q in the place
of F, m2 held fixed, and persistent chains. decode(z) holds h2 at z and iterates over h1 and v in the same way.

Pitfalls: those of an RBM. Few iterations loosen the bound, they do not break it. From random weights the second layer tends
to stay unused: look at the spread of the code; begin with layers that were trained one by one, the second's weights halved.
The bound has a gap that nothing here measures: a machine whose bound is below an RBM's likelihood need not be worse.

Source: Salakhutdinov and Hinton (2009).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ... import validation
from ...convenience import Convenience
from .. import backbones
from ..bipartite import free_energy
from .boltzmann import RBM


def mlp(shape, *, latent_dim: int, hidden=(256,), initializer: str = "glorot_uniform", seed: int = 0, code_factor: int = 1):
    """Two dense layers with sigmoids, and their way back.

    Args:
        shape: of one sample, or an int for flat data.
        latent_dim: number of units in the second hidden layer, whose mean field is the code.
        hidden: number of units in the first, as a sequence of one.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights, and of the chains' first states.
        code_factor: 1; set by the class.
    """
    if len(validation.sizes("hidden", hidden)) != 1:
        raise ValueError(f"hidden must name one layer, such as (256,): the code is the second one; got {tuple(hidden)}.")
    sizes = dict(latent_dim=latent_dim, hidden=hidden, code_factor=code_factor)
    both = dict(activation="sigmoid", code_activation="sigmoid")
    return backbones.mlp(shape, **sizes, **both, initializer=initializer, seed=seed)


class DBM(RBM):
    """Deep Boltzmann machine: two hidden layers, mean field and persistent chains.

    Args:
        encoder: two dense layers, each with a sigmoid, (B, *D) -> (B, K2); `.mlp` gives it.
        decoder: its last dense layer, (B, K1) -> (B, *D), gives the bias of v; all else before that is not used.
        steps: of Gibbs sampling in each step of training.
        chains: number n of persistent chains, at least 1.
        iterations: of mean field.
        seed: of the chains' first states.

    Attributes:
        particles: states (v, h2) of the chains, (n, D + K2), a buffer.

    Example:
        >>> model = DBM.mlp(784, latent_dim=16, hidden=(32,), chains=10, seed=0)
        >>> x = torch.rand(4, 784).round()
        >>> model(x)["z"].shape, model.particles.shape
        (torch.Size([4, 16]), torch.Size([10, 800]))
    """

    mlp = Convenience(mlp)
    layers = 2

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        steps: int = 5,
        chains: int = 100,
        iterations: int = 10,
        seed: int = 0,
    ):
        if isinstance(decoder, nn.Sequential):
            last = max((i for i, part in enumerate(decoder) if isinstance(part, nn.Linear)), default=0)
            decoder = decoder[last:]
        super().__init__(encoder, decoder, steps=steps, chains=validation.integer("chains", chains, low=1), seed=seed)
        self.iterations = validation.integer("iterations", iterations, low=1)

    def bipartite(self) -> tuple[Tensor, Tensor, Tensor]:
        """Kernel [W1, W2^T], (K1, D + K2), and biases of the sides (v, h2), (D + K2,), and h1, (K1,)."""
        first, second = self._dense()
        kernel = torch.cat([first.weight, second.weight.T], dim=1)
        return kernel, torch.cat([self.decoder.bias, second.bias]), first.bias

    def mean_field(self, x: Tensor, iterations: int | None = None) -> tuple[Tensor, Tensor]:
        """m1, (B, K1), and m2, (B, K2), after `iterations`, which begin with the encoder's m2."""
        first, second = self._dense()
        from_v, m2 = first(backbones.Flatten()(x)), self.encoder(x)  # (B, K1), (B, K2)
        for _ in range(self.iterations if iterations is None else iterations):
            m1 = torch.sigmoid(F.linear(m2, second.weight.T, from_v))
            m2 = torch.sigmoid(second(m1))
        return m1, m2

    def encode(self, x: Tensor) -> Tensor:
        """Mean field m2 of the second layer, (B, *D) -> (B, K2)."""
        return self.mean_field(x)[1]

    def decode(self, z: Tensor) -> Tensor:
        """Logits of v in the mean field of h1 and v, h2 held at z: (B, K2) -> (B, *D)."""
        first, second = self._dense()
        from_z, v = F.linear(z, second.weight.T, first.bias), torch.sigmoid(self.decoder.bias)  # (B, K1), (D,)
        for _ in range(self.iterations):
            m1 = torch.sigmoid(from_z + F.linear(v, first.weight))  # (B, K1)
            v = torch.sigmoid(F.linear(m1, first.weight.T, self.decoder.bias))  # (B, D)
        return self.decoder(m1, first.weight)

    def visible(self, x: Tensor) -> Tensor:
        """The side u = (v, m2) of the machine, (B, *D) -> (B, D + K2), m2 held fixed."""
        return torch.cat([backbones.Flatten()(x), self.encode(x).detach()], dim=1)

    def free_energy(self, x: Tensor) -> Tensor:
        """F_q(x), (B, *D) -> (B,), in nats: at least -log p(x) - log Z."""
        u = self.visible(x)  # (B, D + K2)
        m2 = u[:, len(self.decoder.bias) :]
        entropy = torch.special.entr(m2) + torch.special.entr(1 - m2)  # (B, K2)
        return free_energy(u, *self.bipartite()) - entropy.sum(dim=1)
