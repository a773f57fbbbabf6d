"""Contractive autoencoder: the Keras twin of aetutor/torch/models/contractive.py, with formulas and pitfalls."""

import keras
from keras import ops

from ... import validation
from .. import losses
from ..autoencoder import Autoencoder
from ..layers import TransposedDense

_SLOPES = {  # derivative of an activation, from its output
    "sigmoid": lambda h: h * (1 - h),
    "tanh": lambda h: 1 - ops.square(h),
    "relu": lambda h: ops.cast(h > 0, h.dtype),
    "linear": ops.ones_like,
}
_SHAPES = (keras.layers.InputLayer, keras.layers.Flatten, keras.layers.Reshape)


@keras.saving.register_keras_serializable("aetutor")
class ContractiveAutoencoder(Autoencoder):
    """Autoencoder whose encoder is kept from following small changes of its input.

    Arguments and shapes as in aetutor.torch.ContractiveAutoencoder; activations may also stand inside the dense layers.

    Example:
        >>> sizes = dict(latent_dim=1000, hidden=(), code_activation="sigmoid", likelihood="bernoulli", tied=True)
        >>> model = ContractiveAutoencoder.mlp(784, **sizes, strength=0.1, seed=0)
        >>> x = keras.random.uniform((4, 784))
        >>> sorted(model.loss_terms(x, model(x)))
        ['contraction', 'reconstruction']
        >>> model.count_params()
        785784
    """

    def __init__(
        self,
        encoder,
        decoder,
        *,
        likelihood="squared_error",
        sigma=1.0,
        strength=0.1,
        jacobian="exact",
        tied=False,
    ):
        if not isinstance(tied, bool):
            raise TypeError(f"tied must be True or False; got {validation.describe(tied)}.")
        if tied and not isinstance(decoder, TransposedDense):
            decoder = TransposedDense.of(decoder)
        super().__init__(encoder, decoder, likelihood=likelihood, sigma=sigma)
        self.strength = validation.real("strength", strength, low=0)
        self.jacobian = validation.one_of("jacobian", jacobian, ("exact", "probe"))
        self.tied = tied
        if jacobian == "exact":
            self._refuse_other_layers()
        if tied:
            self._kernel()  # refuses other encoders

    def decode(self, z):
        """As in Autoencoder; tied, with the encoder's kernel."""
        return self.decoder(z, self._kernel()) if self.tied else self.decoder(z)

    def call(self, x, noise=None):
        """Code, decoder output, and "squared_jacobian", (B,): |J|_F^2 or its estimate with the probes `noise`, (B, *D)."""
        if self.jacobian == "exact":
            if noise is not None:
                raise ValueError("noise has no effect with jacobian='exact'; leave it out.")
            z, squared = self._exact(x)
        else:
            if noise is None:
                noise = self.normal_like(x)  # (B, *D)
            elif tuple(noise.shape[1:]) != tuple(x.shape[1:]):
                raise ValueError(f"noise must have the shape of x, (B, {tuple(x.shape[1:])}); got {tuple(noise.shape)}.")
            z, change = _jvp(self.encode, x, noise)  # (B, K), J v (B, K)
            squared = ops.sum(ops.square(change), axis=tuple(range(1, len(change.shape))))
        return {"z": z, "x_hat": self.decode(z), "squared_jacobian": squared}

    def loss_terms(self, x, out):
        """The reconstruction term and strength times the squared Jacobian, each (B,)."""
        return super().loss_terms(x, out) | {"contraction": self.strength * out["squared_jacobian"]}

    def _exact(self, x):
        h, slopes, kernels = x, [], []
        for layer in self.encoder.layers:
            h = layer(h)  # (B, H_l)
            if isinstance(layer, keras.layers.Dense):
                kernels.append(ops.transpose(layer.kernel))  # (H_l, H_(l-1))
                slopes.append(_SLOPES[_activation(layer)](h))
            elif isinstance(layer, keras.layers.LeakyReLU):
                slopes[-1] = slopes[-1] * ops.where(h > 0, 1.0, layer.negative_slope)
            elif isinstance(layer, keras.layers.Activation):
                slopes[-1] = slopes[-1] * _SLOPES[_activation(layer)](h)
        return h, losses.squared_jacobian(slopes, kernels)

    def _refuse_other_layers(self):
        layers = self.encoder.layers if isinstance(self.encoder, keras.Sequential) else [self.encoder]
        layers = [layer for layer in layers if not isinstance(layer, _SHAPES)]
        known = (keras.layers.Dense, keras.layers.Activation, keras.layers.LeakyReLU)
        other = [
            type(layer).__name__
            for layer in layers
            if type(layer) not in known or (hasattr(layer, "activation") and _activation(layer) not in _SLOPES)
        ]
        if other or [type(layer) for layer in layers[:1]] != [keras.layers.Dense]:
            raise ValueError(
                "jacobian='exact' takes an encoder of dense layers in a Sequential, with sigmoid, tanh, ReLU, leaky ReLU or "
                f"no activation; got {', '.join(other) or 'no dense layer first'}. Use jacobian='probe', which takes any."
            )

    def _kernel(self):
        dense = [layer for layer in self.encoder._flatten_layers(recursive=True) if layer._trainable_variables]
        if len(dense) != 1 or not isinstance(dense[0], keras.layers.Dense):
            found = ", ".join(type(layer).__name__ for layer in dense) or "no layer with weights: start it with keras.Input"
            raise ValueError(f"tied=True needs an encoder of one dense layer; got {found}.")
        return ops.transpose(dense[0].kernel)  # (K, D)


def _activation(layer):
    return keras.activations.serialize(layer.activation)


def _jvp(function, x, v):
    """function(x) and its derivative along v; Keras has no forward-mode differentiation of its own."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        # Twice backwards, since u -> J' u is linear and its derivative along v is J v; compiled by XLA, as long runs are,
        # tf.autodiff.ForwardAccumulator takes a second a step.
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                z = function(x)
            u = tf.zeros_like(z)
            outer.watch(u)
            backwards = inner.gradient(z, x, output_gradients=u)  # J' u
        return z, outer.gradient(backwards, u, output_gradients=v)
    if backend == "torch":
        import torch

        return torch.func.jvp(function, (x,), (v,))
    import jax

    return jax.jvp(function, (x,), (v,))
