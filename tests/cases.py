"""The models that conformance and parity are tested on: a case for each class and backbone; add yours here."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SHAPE = (9, 10, 2)  # odd, even, two channels: what a wrong flatten or padding would confuse


@dataclass(frozen=True)
class Case:
    """A model in both frameworks.

    Attributes:
        build: gets aetutor.torch or aetutor.keras, returns a new model with a fixed seed.
        binary: whether the data are 0 and 1.
        noise: shape of the noise of one sample, None for a deterministic model.
        uniform: whether that noise is uniform in [0, 1) instead of standard normal.
        shape: of one sample.
        padding: if given, samples are sequences of different lengths with this value behind their ends.
        sides: the frameworks that have the class.
    """

    build: Callable
    binary: bool = False
    noise: tuple[int, ...] | None = None
    uniform: bool = False
    shape: tuple[int, ...] = SHAPE
    padding: float | None = None
    sides: tuple[str, ...] = ("torch", "keras")

    def data(self, n: int = 60) -> np.ndarray:
        """n samples in [0, 1] that share a few patterns, so that there is something to learn."""
        rng = np.random.default_rng(0)
        patterns, mixture = rng.random((4, *self.shape)), rng.dirichlet(np.ones(4) / 2, n)
        x = np.tensordot(mixture, patterns, 1).astype("float32")
        if self.padding is not None:
            ends = rng.integers(1, self.shape[0], n, endpoint=True)  # at least one step each
            x[np.arange(self.shape[0]) >= ends[:, None]] = self.padding
        return (x > 0.5).astype("float32") if self.binary else x

    def draw_noise(self, n: int) -> np.ndarray | None:
        """Noise for n samples."""
        rng = np.random.default_rng(1)
        draw = rng.random if self.uniform else rng.standard_normal
        return None if self.noise is None else draw((n, *self.noise)).astype("float32")


CASES = {
    "one hidden layer, ReLU code, sigmoid output": Case(
        lambda ae: ae.Autoencoder.mlp(
            SHAPE, latent_dim=12, hidden=(), code_activation="relu", output_activation="sigmoid", seed=1
        )
    ),
    "mlp, leaky ReLU and layer norm": Case(
        lambda ae: ae.Autoencoder.mlp(SHAPE, latent_dim=5, hidden=(16, 8), activation="leaky_relu", norm="layer", seed=2)
    ),
    "mlp, tanh, flat data": Case(
        lambda ae: ae.Autoencoder.mlp(20, latent_dim=3, hidden=(8,), activation="tanh", likelihood="gaussian", sigma=0.3),
        shape=(20,),
    ),
    "mlp, code wider than the data, gelu": Case(
        lambda ae: ae.Autoencoder.mlp(6, latent_dim=9, hidden=(7,), activation="gelu", likelihood="bernoulli", seed=4),
        shape=(6,),
    ),
    "conv": Case(lambda ae: ae.Autoencoder.conv(SHAPE, latent_dim=5, channels=(4, 6), seed=5)),
    "conv, learned sigma, He": Case(
        lambda ae: ae.Autoencoder.conv(
            SHAPE, latent_dim=4, channels=(3,), initializer="he_normal", likelihood="gaussian", sigma="learned", seed=6
        )
    ),
    "conv, grey values as a continuous Bernoulli": Case(
        lambda ae: ae.Autoencoder.conv(SHAPE, latent_dim=4, channels=(3,), likelihood="continuous_bernoulli", seed=9)
    ),
    "conv, transposed": Case(
        lambda ae: ae.Autoencoder.conv(SHAPE, latent_dim=5, channels=(4, 6), upsampling="transposed", seed=10)
    ),
    "conv, signals": Case(
        lambda ae: ae.Autoencoder.conv((13, 3), latent_dim=5, channels=(4, 6), activation="tanh", seed=11), shape=(13, 3)
    ),
    "conv, signals, transposed, He": Case(
        lambda ae: ae.Autoencoder.conv(
            (13, 3), latent_dim=5, channels=(4, 6), upsampling="transposed", initializer="he_normal", seed=12
        ),
        shape=(13, 3),
    ),
    "VAE, mlp, binary": Case(
        lambda ae: ae.VAE.mlp(SHAPE, latent_dim=3, hidden=(16,), likelihood="bernoulli", seed=7), binary=True, noise=(3,)
    ),
    "VAE, conv, learned sigma": Case(
        lambda ae: ae.VAE.conv(SHAPE, latent_dim=3, channels=(4,), sigma="learned", beta=0.5, seed=8), noise=(3,)
    ),
    "VAE, mlp, five importance samples": Case(
        lambda ae: ae.VAE.mlp(SHAPE, latent_dim=3, hidden=(16,), likelihood="bernoulli", samples=5, seed=10),
        binary=True,
        noise=(5, 3),
    ),
    "VAE, conv, three importance samples, learned sigma": Case(
        lambda ae: ae.VAE.conv(SHAPE, latent_dim=3, channels=(4,), sigma="learned", samples=3, seed=11), noise=(3, 3)
    ),
    "VAE, conditional, binary": Case(
        lambda ae: ae.ConditionalVAE.mlp(23, conditions=3, latent_dim=4, hidden=(16,), likelihood="bernoulli", seed=13),
        binary=True,
        noise=(4,),
        shape=(23,),
    ),
    "VAE, conditional, five importance samples, learned sigma, layer norm": Case(
        lambda ae: ae.ConditionalVAE.mlp(
            12, conditions=2, latent_dim=3, hidden=(16, 8), norm="layer", sigma="learned", samples=5, seed=14
        ),
        noise=(5, 3),
        shape=(12,),
    ),
    "VQVAE, averaged codebook": Case(
        lambda ae: ae.VQVAE.mlp(SHAPE, latent_dim=6, hidden=(16,), codebook_size=8, codeword_dim=2, seed=10)
    ),
    "VQVAE, conv, trained codebook": Case(
        lambda ae: ae.VQVAE.conv(
            SHAPE, latent_dim=6, channels=(4,), codebook_size=8, codeword_dim=3, update="gradient", seed=11
        )
    ),
    "VQVAE, fsq": Case(lambda ae: ae.VQVAE.mlp(SHAPE, latent_dim=6, hidden=(16,), quantizer="fsq", levels=(4, 3), seed=12)),
    "sparse, L1, ReLU code, features of unit length": Case(
        lambda ae: ae.SparseAutoencoder.mlp(
            SHAPE, latent_dim=24, hidden=(), code_activation="relu", penalty="l1", strength=0.05, unit_norm=True, seed=20
        )
    ),
    "sparse, KL": Case(
        lambda ae: ae.SparseAutoencoder.mlp(SHAPE, latent_dim=12, hidden=(16,), penalty="kl", strength=0.2, rho=0.1, seed=21)
    ),
    "sparse, top-k": Case(
        lambda ae: ae.SparseAutoencoder.mlp(
            SHAPE, latent_dim=24, hidden=(), penalty="topk", k=5, unit_norm=True, tied_start=True, seed=22
        )
    ),
    "sparse, top-k, conv": Case(
        lambda ae: ae.SparseAutoencoder.conv(SHAPE, latent_dim=10, channels=(4,), penalty="topk", k=3, seed=23)
    ),
    "denoising, mlp, Gaussian noise": Case(
        lambda ae: ae.DenoisingAutoencoder.mlp(SHAPE, latent_dim=9, hidden=(16,), level=0.3, seed=13), noise=SHAPE
    ),
    "denoising, conv, masking, cross-entropy": Case(
        lambda ae: ae.DenoisingAutoencoder.conv(
            SHAPE, latent_dim=9, channels=(4,), likelihood="bernoulli", corruption="masking", level=0.4, seed=14
        ),
        noise=SHAPE,
        uniform=True,
    ),
    "denoising, mlp, salt and pepper, flat data": Case(
        lambda ae: ae.DenoisingAutoencoder.mlp(
            20, latent_dim=9, hidden=(), corruption="salt_and_pepper", level=0.3, seed=15
        ),
        noise=(20,),
        uniform=True,
        shape=(20,),
    ),
    "contractive, one sigmoid layer, tied, cross-entropy": Case(
        lambda ae: ae.ContractiveAutoencoder.mlp(
            SHAPE, latent_dim=12, hidden=(), code_activation="sigmoid", likelihood="bernoulli", tied=True, seed=30
        )
    ),
    "contractive, three layers, leaky ReLU": Case(
        lambda ae: ae.ContractiveAutoencoder.mlp(
            SHAPE, latent_dim=5, hidden=(16, 8), activation="leaky_relu", code_activation="tanh", strength=0.02, seed=31
        )
    ),
    "contractive, conv, probes": Case(
        lambda ae: ae.ContractiveAutoencoder.conv(
            SHAPE, latent_dim=5, channels=(4,), activation="gelu", strength=0.02, jacobian="probe", seed=32
        ),
        noise=SHAPE,
    ),
    "contractive, flat data, probes, tied": Case(
        lambda ae: ae.ContractiveAutoencoder.mlp(
            20, latent_dim=6, hidden=(), code_activation="sigmoid", strength=0.05, jacobian="probe", tied=True, seed=33
        ),
        noise=(20,),
        shape=(20,),
    ),
    "recurrent, GRU": Case(lambda ae: ae.Autoencoder.recurrent((7, 3), latent_dim=5, units=(6,), seed=50), shape=(7, 3)),
    "recurrent, VAE, LSTM": Case(
        lambda ae: ae.VAE.recurrent((7, 3), latent_dim=3, cell="lstm", units=(6,), sigma="learned", seed=51),
        noise=(3,),
        shape=(7, 3),
    ),
    "recurrent, denoising, causal convolutions, He": Case(
        lambda ae: ae.DenoisingAutoencoder.recurrent(
            (7, 3), latent_dim=5, cell="tcn", units=(5, 4), initializer="he_normal", level=0.2, seed=52
        ),
        noise=(7, 3),
        shape=(7, 3),
    ),
    "sequences, GRU, padding, learned sigma": Case(
        lambda ae: ae.SequenceAutoencoder.recurrent(
            (7, 3), latent_dim=5, units=(8,), padding=-1.0, likelihood="gaussian", sigma="learned", seed=53
        ),
        shape=(7, 3),
        padding=-1.0,
    ),
    "sequences, causal convolutions, padding, cross-entropy": Case(
        lambda ae: ae.SequenceAutoencoder.recurrent(
            (7, 3), latent_dim=5, cell="tcn", units=(4,), padding=0.0, likelihood="bernoulli", seed=55
        ),
        shape=(7, 3),
        padding=0.0,
    ),
    "adversarial, mlp, codes": Case(
        lambda ae: ae.AdversarialAutoencoder.mlp(
            SHAPE, latent_dim=3, hidden=(16,), strength=0.7, discriminator_rate=0.5, discriminator_hidden=(8,), seed=60
        ),
        noise=(3,),
    ),
    "adversarial, conv, learned sigma": Case(
        lambda ae: ae.AdversarialAutoencoder.conv(
            SHAPE, latent_dim=3, channels=(4,), likelihood="gaussian", sigma="learned", discriminator_hidden=(8, 6), seed=61
        ),
        noise=(3,),
    ),
    "Wasserstein, mlp, several scales": Case(
        lambda ae: ae.WassersteinAutoencoder.mlp(SHAPE, latent_dim=3, hidden=(16,), strength=5.0, seed=62), noise=(3,)
    ),
    "Wasserstein, conv, one scale, cross-entropy": Case(
        lambda ae: ae.WassersteinAutoencoder.conv(
            SHAPE, latent_dim=4, channels=(4,), likelihood="bernoulli", scales=(1.0,), strength=20.0, seed=63
        ),
        noise=(4,),
    ),
    "VAE-GAN, mlp, cross-entropy": Case(
        lambda ae: ae.VAEGAN.mlp(
            SHAPE,
            latent_dim=3,
            hidden=(16,),
            likelihood="bernoulli",
            discriminator_rate=0.5,
            discriminator_hidden=(8,),
            seed=64,
        ),
        noise=(6,),
    ),
    "VAE-GAN, conv, learned sigma": Case(
        lambda ae: ae.VAEGAN.conv(
            SHAPE,
            latent_dim=3,
            channels=(4,),
            sigma="learned",
            beta=0.5,
            pixels=0.3,
            strength=2.0,
            discriminator_hidden=(8, 6),
        ),
        noise=(6,),
    ),
    "residual, scaled, layer norm": Case(
        lambda ae: ae.Autoencoder.residual(
            SHAPE, latent_dim=5, width=16, depth=4, branch_start="scaled", norm="layer", activation="gelu", seed=60
        )
    ),
    "residual, VAE, branches at zero, flat data": Case(
        lambda ae: ae.VAE.residual(20, latent_dim=3, width=12, depth=5, likelihood="gaussian", sigma="learned", seed=61),
        noise=(3,),
        shape=(20,),
    ),
    "residual, densely connected, denoising, He": Case(
        lambda ae: ae.DenoisingAutoencoder.residual(
            SHAPE, latent_dim=9, width=6, depth=4, connection="dense", initializer="he_normal", level=0.3, seed=62
        ),
        noise=SHAPE,
    ),
    "masked, patches of a picture that is not square": Case(
        lambda ae: ae.MaskedAutoencoder.transformer(
            (8, 12, 2), patch=4, width=8, depth=2, heads=2, decoder_width=12, mask_ratio=0.6, seed=70
        ),
        noise=(6,),
        uniform=True,
        shape=(8, 12, 2),
    ),
    "masked, learned sigma, sigmoid output, He": Case(
        lambda ae: ae.MaskedAutoencoder.transformer(
            (6, 4, 3),
            patch=2,
            width=12,
            depth=1,
            heads=1,
            decoder_width=8,
            decoder_depth=2,
            output_activation="sigmoid",
            initializer="he_normal",
            likelihood="gaussian",
            sigma="learned",
            mask_ratio=0.5,
            seed=71,
        ),
        noise=(6,),
        uniform=True,
        shape=(6, 4, 3),
    ),
    "boltzmann, contrastive divergence": Case(
        lambda ae: ae.RBM.mlp(SHAPE, latent_dim=9, steps=2, seed=60), binary=True, sides=("torch",)
    ),
    "boltzmann, persistent chains, grey": Case(
        lambda ae: ae.RBM.mlp(SHAPE, latent_dim=9, chains=7, seed=61), sides=("torch",)
    ),
    "boltzmann, two hidden layers": Case(
        lambda ae: ae.DBM.mlp(20, latent_dim=5, hidden=(8,), steps=2, chains=9, seed=62),
        binary=True,
        shape=(20,),
        sides=("torch",),
    ),
}

#: Names of the cases that both frameworks have, which are compared.
TWINS = [name for name, case in CASES.items() if len(case.sides) == 2]
