"""The base class: an encoder, a decoder, and the loss terms that train them.

    z = encode(x),  x_hat = decode(z),  loss(x) = sum of loss_terms(x, call(x))

A variant subclasses it and overrides `encode`, `call` or `loss_terms`; see models/variational.py. It is a `keras.Model`:
`compile`, `fit` and `save` work as on any other, with the loss it brings, so that `compile` needs an optimizer only. What
takes and gives NumPy arrays is a function of aetutor.keras, not a method.
"""

import inspect
import math

import keras
from keras import ops

from .. import validation
from ..batching import NOISE, stream_seed
from ..convenience import Convenience
from . import backbones, losses
from .data import Batches


@keras.saving.register_keras_serializable("aetutor")
class Autoencoder(keras.Model):
    """Encoder and decoder, trained to reconstruct.

    Args:
        encoder: maps x, (B, *D), to the code z, (B, K).
        decoder: maps z, (B, K), to the parameters of p(x | z), (B, *D).
        likelihood: what the decoder's output means and so which loss is trained:
            "squared_error": the reconstruction; loss sum_j (x_j - x_hat_j)^2;
            "bernoulli": logits; cross-entropy, x in [0, 1];
            "continuous_bernoulli": logits; negative log-likelihood of grey values in [0, 1];
            "gaussian": the mean; negative log-likelihood with standard deviation sigma.
        sigma: with "gaussian", a number > 0, or "learned" for one trained scalar.

    Attributes:
        code_factor: numbers the encoder gives for each latent dimension; a class attribute, 2 for a VAE.
        prior: distribution that codes are drawn from by `sample`; a class attribute, "standard_normal" for a VAE, else None.
        sample_shape: shape of one sample, or None until known.
        built_with: what a convenience constructor was given, or None.

    A variant keeps each argument of its constructor unchanged under the argument's name, so that it can be saved.

    Example:
        >>> model = Autoencoder.mlp(784, latent_dim=32, hidden=(128,), seed=0)
        >>> tuple(model(keras.random.uniform((4, 784)))["x_hat"].shape)
        (4, 784)
    """

    code_factor = 1
    prior = None
    mlp = Convenience(backbones.mlp)
    conv = Convenience(backbones.conv)
    recurrent = Convenience(backbones.recurrent, without=("padding",))
    residual = Convenience(backbones.residual)

    def __init__(self, encoder, decoder, *, likelihood="squared_error", sigma=1.0):
        super().__init__()
        # Without this, Keras would hand `training=True` only to variants whose `call` names it, and dropout inside the
        # encoder of all others would stay off.
        self._call_has_training_arg = True
        self.encoder, self.decoder = encoder, decoder
        self.likelihood = validation.one_of("likelihood", likelihood, tuple(validation.SUPPORT))
        self.sigma = validation.sigma("sigma", sigma, likelihood=likelihood)
        if sigma == "learned":
            self.log_sigma = self.add_weight(shape=(), initializer="zeros", name="log_sigma")
        else:
            self.log_sigma = math.log(sigma)
        self.seed_generator = keras.random.SeedGenerator(stream_seed(0, NOISE, 0) % 2**30)  # where fit(seed=0) starts
        self.term_means = {}
        self.compiled_functions = _Cache()
        self.built_with = None
        self._sample_shape = None

    @property
    def sample_shape(self):
        """Shape of one sample, or None until known; setting it builds the model."""
        return self._sample_shape

    @sample_shape.setter
    def sample_shape(self, shape):
        self._sample_shape = None if shape is None else tuple(shape)
        if shape is not None and not self.built:
            self.build((None, *shape))

    def build(self, input_shape):
        """Create what the parts have not created yet, and one metric for each loss term, found by a symbolic call."""
        outline = Outline(self)
        outline.compute_output_spec(keras.KerasTensor(input_shape))
        if "loss" in outline.names:
            raise ValueError('loss_terms must not name a term "loss": that is the name of their sum.')
        self.term_means = {name: keras.metrics.Mean(name=name) for name in outline.names}
        self.built = True

    def encode(self, x):
        """Code of x, (B, *D) -> (B, K): deterministic."""
        return self.encoder(x)

    def decode(self, z):
        """Parameters of p(x | z), (B, K) -> (B, *D): logits for the two Bernoulli likelihoods, else the mean."""
        return self.decoder(z)

    def mean(self, params):
        """Mean of p(x | z) from its parameters, (B, *D) -> (B, *D): what is shown as the reconstruction."""
        if self.likelihood == "continuous_bernoulli":
            return losses.continuous_bernoulli_mean(params)
        return ops.sigmoid(params) if self.likelihood == "bernoulli" else params

    def call(self, x):
        """Code and decoder output of x, (B, *D): {"z": (B, K), "x_hat": (B, *D)}."""
        z = self.encode(x)
        return {"z": z, "x_hat": self.decode(z)}

    def loss_terms(self, x, out):
        """Named and already weighted terms, each (B,); their sum is the loss of a sample."""
        return {"reconstruction": losses.reconstruction(self.likelihood, x, out["x_hat"], self.log_sigma)}

    def players(self):
        """{player: (its weights, its learning rate over that of `fit`)}: all weights are one player's, unless overridden.

        All players take a step at a time, with the gradient of the same sum of terms: `loss_terms` sees to it that a term
        reaches its player only. Each has its own gradient norm to clip.
        """
        return {"autoencoder": (self.trainable_variables, 1.0)}

    def normal_like(self, tensor):
        """Standard normal noise in the shape of `tensor`, (B, ...), from the model's noise stream."""
        return keras.random.normal(ops.shape(tensor), dtype=tensor.dtype, seed=self.seed_generator)

    def uniform_like(self, tensor):
        """Noise uniform in [0, 1) in the shape of `tensor`, (B, ...), from the model's noise stream."""
        return keras.random.uniform(ops.shape(tensor), dtype=tensor.dtype, seed=self.seed_generator)

    def objective(self, x, out):
        """`loss_terms` in float32, and what the layers' own regularisers add, each (B,)."""
        out = keras.tree.map_structure(lambda t: ops.cast(t, "float32"), out)
        terms = dict(self.loss_terms(x, out))
        if self.losses:
            terms["regularization"] = ops.zeros_like(next(iter(terms.values()))) + sum(self.losses)
        return terms

    def fit(self, x=None, *args, **kw):
        """As in keras.Model, but `aetutor.keras.batches` come in their own order, which Keras would shuffle once more."""
        if isinstance(x, Batches):
            kw.setdefault("shuffle", False)
            x = x.dataset() if keras.backend.backend() == "tensorflow" else x
        return super().fit(x, *args, **kw)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """What Keras minimises: the mean over the batch, taken here and nowhere else, of the sum of the terms.

        The target is x, or y where `fit(x, y)` was given one.
        """
        terms = self.objective(x if y is None else y, y_pred)
        for name, values in terms.items():
            self.term_means[name].update_state(values)
        total = sum(terms.values())  # (B,)
        return ops.mean(total if sample_weight is None else total * sample_weight)

    def stateless_call(self, trainable_variables, non_trainable_variables, *args, return_losses=False, **kwargs):
        """As in keras.Layer (JAX trains with it), but through `__call__`, which hands `training` on to the layers inside."""
        pairs = [
            *zip(self.trainable_variables, trainable_variables, strict=True),
            *zip(self.non_trainable_variables, non_trainable_variables, strict=True),
        ]
        with keras.StatelessScope(state_mapping=pairs, collect_losses=return_losses) as scope:
            outputs = self(*args, **kwargs)
            extra = [self.losses] if return_losses else []
        return outputs, [scope.get_current_value(v) for v in self.non_trainable_variables], *extra

    def settings(self):
        """The constructor's arguments by name, with the values they have now."""
        return {name: getattr(self, name) for name in list(inspect.signature(type(self).__init__).parameters)[1:]}

    def get_config(self):
        """The constructor's arguments, and what a convenience constructor noted."""
        values = self.settings() | {"built_with": self.built_with, "sample_shape": self.sample_shape}
        return {name: keras.saving.serialize_keras_object(value) for name, value in values.items()}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Undo `get_config`."""
        values = {
            name: keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
            for name, value in config.items()
        }
        built_with, sample_shape = values.pop("built_with"), values.pop("sample_shape")
        model = cls(**values)
        model.built_with, model.sample_shape = built_with, sample_shape
        return model


class _Cache:
    """Functions of the model compiled by aetutor.keras.inference; a plain object, which Keras neither tracks nor saves."""

    def __init__(self):
        self.entries = {}


class Outline(keras.layers.Layer):
    """The objective as one layer, so that Keras can follow it without computing: it tells the names of the terms."""

    def __init__(self, model):
        super().__init__()
        self.model, self.names = model, ()

    def call(self, x):
        """Terms of x, each (B,)."""
        terms = self.model.objective(x, self.model.call(x))  # `call`: calling the model would build it, which is under way
        self.names = tuple(terms)
        return terms
