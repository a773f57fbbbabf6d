"""Sparse autoencoder: few units of the code are active at a time, however many there are.

    l1      loss(x) = -log p(x | z) + strength * sum_k |z_k|,              z = encoder(x)
    kl      loss(x) = -log p(x | z) + strength * sum_k KL(rho || rho_k),   z = sigmoid(encoder(x)),  rho_k = mean_n z_k(x_n)
            KL(rho || r) = rho log(rho / r) + (1 - rho) log((1 - rho) / (1 - r))
    topk    loss(x) = -log p(x | z),                                       z = encoder(x) where among its k largest, else 0

rho_k is a mean over the BATCH: it says how often a unit is active, and leaves free when. The KL is one number a batch, and
the term "kl" gives it to each sample, so that the mean over the batch is that number. In validation the batch is a block of
256 samples; with several processes it is the rows of the process. The KL is convex: its mean over parts of n samples exceeds
the KL of the whole, near rho by sum_k Var(z_k) / (2 n rho (1 - rho)). Compare "kl" at equal batch sizes only.

Pitfalls: the KL of each sample's own activity pulls all activities to rho, which is not sparse. L1 with gradient steps gives
small values and no zeros; code_activation="relu" and "topk" give zeros: count them (metrics.mean_activity). A decoder of
free scale evades L1, codes shrink and its weights grow: set unit_norm=True. "kl" applies the sigmoid itself: leave
code_activation="linear". Too strong a penalty or too small a k leaves units that are never active (metrics.dead_units).

Source: Ng (2011) for kl; Makhzani and Frey (2013) for topk; Olshausen and Field (1996) for L1 with features of fixed length.
"""

import torch
from torch import Tensor, nn

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder


def top_k(z: Tensor, k: int) -> Tensor:
    """The k largest values of each row and 0 elsewhere, (B, K) -> (B, K). Of equal values the first ones are kept."""
    smallest = z.detach().topk(k, dim=-1).values[..., -1:]  # (B, 1): the k-th largest value
    larger, equal = z > smallest, z == smallest
    room = k - larger.sum(dim=-1, keepdim=True)  # (B, 1): how many of the equal ones
    return torch.where(larger | (equal & (equal.cumsum(dim=-1) <= room)), z, 0.0)


class SparseAutoencoder(Autoencoder):
    """Autoencoder whose code has few active units.

    Args:
        encoder: maps x, (B, *D), to the code before the sigmoid ("kl") or the choice of k units ("topk"), (B, K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        likelihood: as in Autoencoder.
        sigma: as in Autoencoder.
        penalty: "l1", "kl" or "topk"; the first two add a loss term of that name.
        strength: weight of that term, >= 0.
        rho: "kl": mean activity that each unit is to have, in (0, 1).
        k: "topk": units kept, 1 to K; `model.k = 50` after training encodes with another number.
        unit_norm: divide each feature, a column of the decoder's kernel, by its length before use. For a decoder of one
            dense layer: a deeper one could undo it.
        tied_start: start the decoder's kernel as the transpose of the encoder's, each one dense layer; both are then trained
            apart. A unit then draws what it looks for, and fewer units die.

    Example:
        >>> model = SparseAutoencoder.mlp(784, latent_dim=1000, hidden=(), penalty="topk", k=25, seed=0)
        >>> (model(torch.rand(4, 784))["z"] != 0).sum(dim=1).tolist()
        [25, 25, 25, 25]
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "squared_error",
        sigma: float | str = 1.0,
        penalty: str = "l1",
        strength: float = 0.1,
        rho: float = 0.05,
        k: int | None = None,
        unit_norm: bool = False,
        tied_start: bool = False,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.penalty = validation.one_of("penalty", penalty, ("l1", "kl", "topk"))
        self.strength = validation.real("strength", strength, low=0)
        self.rho = validation.fraction("rho", rho)
        self.k = validation.integer("k", k, low=1) if penalty == "topk" else k
        unused = {"l1": {"rho": rho, "k": k}, "kl": {"k": k}, "topk": {"strength": strength, "rho": rho}}[penalty]
        validation.left_alone(f"penalty={penalty!r}", unused, {"strength": 0.1, "rho": 0.05, "k": None})
        for name, value in (("unit_norm", unit_norm), ("tied_start", tied_start)):
            if not isinstance(value, bool):
                raise TypeError(f"{name} must be True or False; got {validation.describe(value)}.")
        self.unit_norm, self.tied_start = unit_norm, tied_start
        if unit_norm:
            self._dense("decoder")  # refuses other decoders
        if tied_start:
            with torch.no_grad():
                self._dense("decoder").weight.copy_(self._dense("encoder").weight.T)

    def encode(self, x: Tensor) -> Tensor:
        """Code of x, (B, *D) -> (B, K); for "topk" with at most k values other than 0."""
        z = self.encoder(x)  # (B, K)
        if self.penalty == "kl":
            return torch.sigmoid(z)
        if self.penalty == "l1" or self.k == z.shape[-1]:
            return z
        return top_k(z, validation.integer("k", self.k, low=1, high=z.shape[-1]))

    def decode(self, z: Tensor) -> Tensor:
        """As in Autoencoder. A feature over its length is the code's value over that length."""
        return self.decoder(z / self._lengths() if self.unit_norm else z)

    def features(self) -> Tensor:
        """What each unit adds to the reconstruction, (K, D): columns of the decoder's kernel, images flattened as HWC."""
        columns = self._kernel().T  # (K, D)
        return columns / self._lengths()[:, None] if self.unit_norm else columns

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """The reconstruction term and the weighted penalty, each (B,); "kl" is one value for the whole batch."""
        terms = super().loss_terms(x, out)
        if self.penalty == "l1":
            terms["l1"] = self.strength * losses.l1(out["z"])
        if self.penalty == "kl":
            terms["kl"] = self.strength * losses.kl_sparsity(out["z"], self.rho)
        return terms

    def _lengths(self) -> Tensor:
        return torch.sqrt((self._kernel() ** 2).sum(0) + 1e-12)  # (K,); the constant keeps the gradient at 0 finite

    def _kernel(self) -> Tensor:
        return self._dense("decoder").weight  # (D, K)

    def _dense(self, name: str) -> nn.Linear:
        found = [m for m in getattr(self, name).modules() if next(m.parameters(recurse=False), None) is not None]
        if len(found) != 1 or not isinstance(found[0], nn.Linear):
            layers = ", ".join(type(m).__name__ for m in found) or "no layer with weights"
            raise ValueError(f"{name} must have one dense layer for unit_norm, tied_start and features; it has {layers}.")
        return found[0]
