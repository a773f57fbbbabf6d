"""Sparse autoencoder: the Keras twin of aetutor/torch/models/sparse.py, where the formulas and the pitfalls are."""

import keras
from keras import ops

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder


def top_k(z, k):
    """The k largest values of each row and 0 elsewhere, (B, K) -> (B, K). Of equal values the first ones are kept."""
    largest, _ = ops.top_k(ops.stop_gradient(z), k)  # (B, k)
    smallest = ops.min(largest, axis=-1, keepdims=True)  # (B, 1); XLA is slow at taking the last column instead
    larger, equal = z > smallest, z == smallest
    room = k - ops.sum(ops.cast(larger, "int32"), axis=-1, keepdims=True)  # (B, 1): how many of the equal ones
    first = ops.cumsum(ops.cast(equal, "int32"), axis=-1) <= room
    return ops.where(ops.logical_or(larger, ops.logical_and(equal, first)), z, 0.0)


@keras.saving.register_keras_serializable("aetutor")
class SparseAutoencoder(Autoencoder):
    """Autoencoder whose code has few active units. Arguments and shapes as in aetutor.torch.SparseAutoencoder.

    Example:
        >>> model = SparseAutoencoder.mlp(784, latent_dim=1000, hidden=(), penalty="topk", k=25, seed=0)
        >>> ops.convert_to_numpy(model(keras.random.uniform((4, 784)))["z"] != 0).sum(axis=1).tolist()
        [25, 25, 25, 25]
    """

    def __init__(
        self,
        encoder,
        decoder,
        *,
        likelihood="squared_error",
        sigma=1.0,
        penalty="l1",
        strength=0.1,
        rho=0.05,
        k=None,
        unit_norm=False,
        tied_start=False,
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
            self._dense("decoder").kernel.assign(ops.transpose(self._dense("encoder").kernel))

    def encode(self, x):
        """Code of x, (B, *D) -> (B, K); for "topk" with at most k values other than 0."""
        z = self.encoder(x)  # (B, K)
        if self.penalty == "kl":
            return ops.sigmoid(z)
        if self.penalty == "l1" or self.k == z.shape[-1]:
            return z
        return top_k(z, validation.integer("k", self.k, low=1, high=z.shape[-1]))

    def decode(self, z):
        """As in Autoencoder. A feature over its length is the code's value over that length."""
        return self.decoder(z / self._lengths() if self.unit_norm else z)

    def features(self):
        """What each unit adds to the reconstruction, (K, D): rows of the decoder's kernel, images flattened as HWC."""
        return self._kernel() / self._lengths()[:, None] if self.unit_norm else self._kernel()

    def loss_terms(self, x, out):
        """The reconstruction term and the weighted penalty, each (B,); "kl" is one value for the whole batch."""
        terms = super().loss_terms(x, out)
        if self.penalty == "l1":
            terms["l1"] = self.strength * losses.l1(out["z"])
        if self.penalty == "kl":
            terms["kl"] = self.strength * losses.kl_sparsity(out["z"], self.rho)
        return terms

    def _lengths(self):
        return ops.sqrt(ops.sum(ops.square(self._kernel()), axis=1) + 1e-12)  # (K,); the constant keeps the gradient finite

    def _kernel(self):
        return ops.convert_to_tensor(self._dense("decoder").kernel)  # (K, D)

    def _dense(self, name):
        found = [layer for layer in getattr(self, name)._flatten_layers(recursive=True) if layer._trainable_variables]
        if len(found) != 1 or not isinstance(found[0], keras.layers.Dense):
            layers = ", ".join(type(layer).__name__ for layer in found) or "no layer with weights: start it with keras.Input"
            raise ValueError(f"{name} must have one dense layer for unit_norm, tied_start and features; it has {layers}.")
        return found[0]
