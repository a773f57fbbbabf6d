"""Vector-quantised autoencoder: the Keras twin of the PyTorch file of this name, where formula and pitfalls are."""

import keras

from ... import validation
from ..autoencoder import Autoencoder
from ..layers import FiniteScalarQuantizer, VectorQuantizer


@keras.saving.register_keras_serializable("aetutor")
class VQVAE(Autoencoder):
    """Autoencoder whose code is a row of tokens. Arguments and shapes as in aetutor.torch.VQVAE.

    Attributes:
        bottleneck: the layer, aetutor.keras.layers.VectorQuantizer or FiniteScalarQuantizer.

    Example:
        >>> model = VQVAE.mlp(784, latent_dim=32, hidden=(256,), codebook_size=128, codeword_dim=4, seed=0)
        >>> x = keras.random.uniform((5, 784))
        >>> tuple(model(x)["z"].shape), tuple(model.indices(x).shape)
        ((5, 32), (5, 8))
    """

    def __init__(
        self,
        encoder,
        decoder,
        *,
        likelihood="squared_error",
        sigma=1.0,
        quantizer="vq",
        levels=None,
        codebook_size=None,
        codeword_dim=None,
        update="ema",
        commitment=0.25,
        decay=0.99,
        restart_below=0.1,
        seed=0,
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

    def encode(self, x):
        """Quantised code of x, (B, *D) -> (B, K): what the tokens stand for."""
        return self.bottleneck.codewords(self.indices(x))

    def indices(self, x):
        """Tokens of x, (B, *D) -> (B, G) int32."""
        return self.bottleneck.indices(self.encoder(x))

    def call(self, x):
        """Code with straight-through gradient, encoder output, codewords, each (B, K), and decoder output of x, (B, *D)."""
        z_e = self.encoder(x)  # (B, K)
        z, z_q = self.bottleneck(z_e)
        return {"z": z, "z_e": z_e, "z_q": z_q, "x_hat": self.decode(z)}

    def loss_terms(self, x, out):
        """Reconstruction, and for "vq" the commitment and, trained by gradients, the codebook term, each (B,)."""
        return super().loss_terms(x, out) | self.bottleneck.loss_terms(out["z_e"], out["z_q"])
