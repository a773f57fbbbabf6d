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
        shape: of one sample.
    """

    build: Callable
    binary: bool = False
    noise: tuple[int, ...] | None = None
    shape: tuple[int, ...] = SHAPE

    def data(self, n: int = 60) -> np.ndarray:
        """n samples in [0, 1] that share a few patterns, so that there is something to learn."""
        rng = np.random.default_rng(0)
        patterns, mixture = rng.random((4, *self.shape)), rng.dirichlet(np.ones(4) / 2, n)
        x = np.tensordot(mixture, patterns, 1).astype("float32")
        return (x > 0.5).astype("float32") if self.binary else x

    def draw_noise(self, n: int) -> np.ndarray | None:
        """Standard normal noise for n samples."""
        rng = np.random.default_rng(1)
        return None if self.noise is None else rng.standard_normal((n, *self.noise)).astype("float32")


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
    "VAE, mlp, binary": Case(
        lambda ae: ae.VAE.mlp(SHAPE, latent_dim=3, hidden=(16,), likelihood="bernoulli", seed=7), binary=True, noise=(3,)
    ),
    "VAE, conv, learned sigma": Case(
        lambda ae: ae.VAE.conv(SHAPE, latent_dim=3, channels=(4,), sigma="learned", beta=0.5, seed=8), noise=(3,)
    ),
}
