"""What the workers train: the same models under the same names in both frameworks, from one seed."""

import importlib
from pathlib import Path

import numpy as np

FRAMEWORKS = [n for n in ("torch", "keras") if (Path(__file__).parents[2] / "aetutor" / n).is_dir()]


def side(framework):
    """aetutor.torch or aetutor.keras."""
    return importlib.import_module(f"aetutor.{framework}")


def masking(framework):
    """A stochastic class of a reader's own: denoising by masking, in the given framework."""
    ae = side(framework)

    class Masking(ae.Autoencoder):
        def spoil(self, x, noise):
            noise = self.uniform_like(x) if noise is None else noise  # (B, *D)
            z = self.encode(x * kept(noise))
            return {"z": z, "x_hat": self.decode(z)}

        def loss_terms(self, x, out):
            return super().loss_terms(x, out) | {"size": 0.01 * (out["z"] ** 2).sum(1)}

    if framework == "torch":

        def kept(noise):
            return noise > 0.3

        Masking.forward = lambda self, x, noise=None: self.spoil(x, noise)
        return Masking
    from keras import ops

    def kept(noise):
        return ops.cast(noise > 0.3, noise.dtype)

    Masking.call = lambda self, x, noise=None: self.spoil(x, noise)
    Masking.loss_terms = lambda self, x, out: (
        ae.Autoencoder.loss_terms(self, x, out) | {"size": 0.01 * ops.sum(out["z"] ** 2, axis=1)}
    )
    return Masking


def build(framework, kind, width, hidden=(16,)):
    """A new model, always the same."""
    ae = side(framework)
    options = {"latent_dim": 4, "hidden": hidden, "seed": 1, "likelihood": "bernoulli"}
    cls = {"autoencoder": ae.Autoencoder, "vae": ae.VAE}.get(kind) or masking(framework)
    return cls.mlp(width, **options)


def rows(n, width, seed=0):
    """Data in [0, 1] with something to learn."""
    rng = np.random.default_rng(seed)
    return (rng.dirichlet(np.ones(3), n) @ rng.random((3, width))).astype(np.float32)
