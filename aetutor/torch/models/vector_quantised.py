"""Vector-quantised autoencoder: a code from a finite alphabet.

    z_e = encoder(x),   z_q = the nearest codewords of z_e,   z = z_e + sg(z_q - z_e),   x_hat = decode(z)

    loss(x) = -log p(x | z) + |sg(z_e) - z_q|^2 + beta |z_e - sg(z_q)|^2            sg: stop-gradient
              reconstruction  codebook            commitment

The K numbers of z_e are cut into G groups, and each group becomes one of J codewords: an image is G tokens, G log2 J bits.

    quantizer="vq", update="gradient"   all three terms
    quantizer="vq", update="ema"        no codebook term: running averages move the codewords
    quantizer="fsq"                     the reconstruction only: each number is rounded to fixed levels, nothing is learnt

Pitfalls: without z_e + sg(...) the encoder gets no gradient from the reconstruction, and still the loss falls; beta on the
codebook term leaves all values as they are and trains something else; codewords that are never nearest are never moved
(watch metrics.codebook_use on many samples: a batch cannot show more codewords than it has groups); tokens have no prior: to
sample, their joint distribution needs a model of its own.

Source: van den Oord, Vinyals and Kavukcuoglu (2017); Mentzer, Minnen, Agustsson and Tschannen (2024) for "fsq".
"""

from torch import Tensor, nn

from ... import validation
from ..autoencoder import Autoencoder
from ..layers import FiniteScalarQuantizer, VectorQuantizer


class VQVAE(Autoencoder):
    """Autoencoder whose code is a row of tokens.

    Args:
        encoder: maps x, (B, *D), to z_e, (B, K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        likelihood: as in Autoencoder.
        sigma: as in Autoencoder.
        quantizer: "vq", a learned codebook that all groups share, or "fsq", fixed levels.
        levels: "fsq" needs them: the levels of each number of a group, such as (4, 4, 4, 4) for 256 codes.
        codebook_size: "vq" needs it: the number of codewords J.
        codeword_dim: "vq" needs it: the numbers in a group; K must be divisible by it.
        update: of the codebook, "ema" or "gradient"; this and the next three are for "vq" only.
        commitment: the weight beta, >= 0.
        decay: of the running averages, in (0, 1); "ema" only.
        restart_below: codewords used less than this part of an even share are restarted; 0 for never. "ema" only.
        seed: of the first codewords.

    Attributes:
        bottleneck: the layer, aetutor.torch.layers.VectorQuantizer or FiniteScalarQuantizer.

    Example:
        >>> model = VQVAE.mlp(784, latent_dim=32, hidden=(256,), codebook_size=128, codeword_dim=4, seed=0)
        >>> x = Tensor(5, 784).uniform_()
        >>> model(x)["z"].shape, model.indices(x).shape
        (torch.Size([5, 32]), torch.Size([5, 8]))
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        likelihood: str = "squared_error",
        sigma: float | str = 1.0,
        quantizer: str = "vq",
        levels: tuple[int, ...] | None = None,
        codebook_size: int | None = None,
        codeword_dim: int | None = None,
        update: str = "ema",
        commitment: float = 0.25,
        decay: float = 0.99,
        restart_below: float = 0.1,
        seed: int = 0,
    ):
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.quantizer = validation.one_of("quantizer", quantizer, ("vq", "fsq"))
        self.levels, self.codebook_size, self.codeword_dim, self.update = levels, codebook_size, codeword_dim, update
        self.commitment, self.decay, self.restart_below, self.seed = commitment, decay, restart_below, seed
        sizes = {"codebook_size": "vq", "codeword_dim": "vq", "levels": "fsq"}
        for name, owner in sizes.items():
            if (getattr(self, name) is not None) != (owner == quantizer):
                raise ValueError(f"{name} belongs to quantizer={owner!r}; got {getattr(self, name)} with {quantizer!r}.")
        rest = {"update": update, "commitment": commitment, "decay": decay, "restart_below": restart_below}
        if quantizer == "fsq":
            defaults = {"update": "ema", "commitment": 0.25, "decay": 0.99, "restart_below": 0.1}
            validation.left_alone("quantizer='fsq'", rest, defaults)
            self.bottleneck = FiniteScalarQuantizer(levels)
        else:
            self.bottleneck = VectorQuantizer(codebook_size, codeword_dim, seed=seed, **rest)

    def encode(self, x: Tensor) -> Tensor:
        """Quantised code of x, (B, *D) -> (B, K): what the tokens stand for."""
        return self.bottleneck.codewords(self.indices(x))

    def indices(self, x: Tensor) -> Tensor:
        """Tokens of x, (B, *D) -> (B, G) int64."""
        return self.bottleneck.indices(self.encoder(x))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Code with straight-through gradient, encoder output, codewords, each (B, K), and decoder output of x, (B, *D)."""
        z_e = self.encoder(x)  # (B, K)
        z, z_q = self.bottleneck(z_e)
        return {"z": z, "z_e": z_e, "z_q": z_q, "x_hat": self.decode(z)}

    def loss_terms(self, x: Tensor, out: dict[str, Tensor]) -> dict[str, Tensor]:
        """Reconstruction, and for "vq" the commitment and, trained by gradients, the codebook term, each (B,)."""
        return super().loss_terms(x, out) | self.bottleneck.loss_terms(out["z_e"], out["z_q"])
