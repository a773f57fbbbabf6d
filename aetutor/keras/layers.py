"""Layers that a variant puts between encoder and decoder: the twins of aetutor/torch/layers.py, where the formulas are."""

import math

import keras
from keras import ops

from .. import initializers, validation
from . import losses


@keras.saving.register_keras_serializable("aetutor")
class VectorQuantizer(keras.layers.Layer):
    """Replace each group of numbers by the nearest word of a codebook. Arguments as in aetutor.torch.layers.VectorQuantizer.

    Attributes:
        codebook: e, (codebook_size, codeword_dim): trained with "gradient", not trainable with "ema"; either is saved.
        use: N, (codebook_size,), not trainable: each word's running share of the groups; "ema" only.

    With "ema" both change in calls with training=True. On several devices (keras.distribution) nothing was tested.

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), the running averages in its appendix A.1.

    Example:
        >>> layer = VectorQuantizer(16, 4, seed=0)
        >>> z, z_q = layer(keras.random.normal((5, 12)))
        >>> tuple(z.shape), tuple(layer.indices(z).shape)
        ((5, 12), (5, 3))
    """

    def __init__(
        self,
        codebook_size,
        codeword_dim,
        *,
        update="ema",
        commitment=0.25,
        decay=0.99,
        restart_below=0.1,
        seed=0,
        name=None,
        trainable=True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.codebook_size = validation.integer("codebook_size", codebook_size, low=2)
        self.codeword_dim = validation.integer("codeword_dim", codeword_dim, low=1)
        self.update = validation.one_of("update", update, ("ema", "gradient"))
        self.commitment = validation.real("commitment", commitment, low=0)
        self.decay = validation.fraction("decay", decay)
        self.restart_below = validation.real("restart_below", restart_below, low=0, high=1)
        if update == "gradient":
            given = {"decay": decay, "restart_below": restart_below}
            validation.left_alone("update='gradient'", given, {"decay": 0.99, "restart_below": 0.1})
        self.seed = validation.integer("seed", seed, low=0)
        words = initializers.codebook(seed, codebook_size, codeword_dim)  # (J, d)
        self.codebook = self.add_weight(
            shape=words.shape, initializer="zeros", trainable=update == "gradient", autocast=False, name="codebook"
        )
        self.codebook.assign(words)
        if update == "ema":
            self.use = self.add_weight(
                shape=(codebook_size,), initializer="zeros", trainable=False, autocast=False, name="use"
            )
        self.built = True

    def call(self, z, training=False):
        """z, (B, K), quantised: once with the straight-through gradient and once with the codebook's, both (B, K)."""
        z = ops.cast(z, "float32")  # distances of bfloat16 numbers keep two digits
        groups = self._groups(z)  # (B G, d)
        if self.update == "ema" and training:
            self._restart(groups)
        index = self._nearest(groups)  # (B G,)
        z_q = self.codewords(ops.reshape(index, (-1, z.shape[1] // self.codeword_dim)))  # (B, K)
        if self.update == "ema" and training:
            self._average(groups, index)
        return z + ops.stop_gradient(z_q - z), z_q

    def indices(self, z):
        """Tokens of z, (B, K) -> (B, G) int32, each from 0 to codebook_size - 1."""
        return ops.reshape(self._nearest(self._groups(z)), (-1, z.shape[1] // self.codeword_dim))

    def codewords(self, index):
        """Code of tokens, (B, G) -> (B, K)."""
        # Looked up in the variable itself, TensorFlow's gradient would have one row for each group, and Adam would square
        # these rows before it adds them up.
        words = 1.0 * self.codebook
        return ops.reshape(ops.take(words, index, axis=0), (-1, index.shape[1] * self.codeword_dim))

    def loss_terms(self, z_e, z_q):
        """Commitment and, with update="gradient", codebook term of (B, K) and (B, K), weighted, each (B,)."""
        terms = {"codebook": losses.codebook(z_e, z_q)} if self.update == "gradient" else {}
        return terms | {"commitment": self.commitment * losses.commitment(z_e, z_q)}

    def get_config(self):
        """The constructor's arguments."""
        names = ("codebook_size", "codeword_dim", "update", "commitment", "decay", "restart_below", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}

    def _groups(self, z):
        groups = ops.reshape(_divisible(z, self.codeword_dim), (-1, self.codeword_dim))
        return ops.cast(ops.stop_gradient(groups), "float32")

    def _nearest(self, groups):
        words = ops.stop_gradient(ops.convert_to_tensor(self.codebook))
        distance = ops.sum(ops.square(words), axis=1) - 2 * ops.matmul(groups, ops.transpose(words))  # |z|^2 left out
        return ops.argmin(distance, axis=1)

    def _restart(self, groups):
        unused = self.use < self.restart_below / self.codebook_size  # (J,)
        rank = ops.cumsum(ops.cast(unused, "int32")) - 1  # 0 for the first unused word, 1 for the next
        last = ops.shape(groups)[0] - 1
        moved = ops.logical_and(unused, rank <= last)
        chosen = ops.take(groups, ops.clip(rank, 0, last), axis=0)  # (J, d)
        self.codebook.assign(ops.where(moved[:, None], chosen, self.codebook))
        self.use.assign(ops.where(moved, 1 / self.codebook_size, self.use))

    def _average(self, groups, index):
        chosen = ops.one_hot(index, self.codebook_size, dtype="float32")  # (B G, J)
        chosen = chosen / ops.cast(ops.shape(groups)[0], "float32")
        share = ops.sum(chosen, axis=0)  # (J,)
        pull = ops.matmul(ops.transpose(chosen), groups) - share[:, None] * self.codebook  # n (m - e), (J, d)
        self.use.assign(self.decay * self.use + (1 - self.decay) * share)
        self.codebook.assign(self.codebook + (1 - self.decay) * pull / ops.maximum(self.use, 1e-12)[:, None])


@keras.saving.register_keras_serializable("aetutor")
class FiniteScalarQuantizer(keras.layers.Layer):
    """Round each number to one of a few levels in [-1, 1]. Arguments as in aetutor.torch.layers.FiniteScalarQuantizer.

    Source: Mentzer, Minnen, Agustsson and Tschannen (2024).

    Example:
        >>> layer = FiniteScalarQuantizer((3, 5))
        >>> ops.convert_to_numpy(layer.indices(ops.array([[0.3, -9.0]]))).tolist()
        [[1]]
    """

    def __init__(self, levels, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.levels = validation.sizes("levels", levels)
        if not self.levels or min(self.levels) < 2:
            raise ValueError(f"levels must name at least one number's levels, each at least 2; got {self.levels}.")
        self.codebook_size, self.codeword_dim = math.prod(self.levels), len(self.levels)
        self.built = True

    def call(self, z):
        """z, (B, K), rounded, with the straight-through gradient; twice, as VectorQuantizer gives it."""
        z = ops.cast(z, "float32")
        bounded = ops.tanh(_divisible(z, self.codeword_dim))  # (B, K)
        z_q = self.codewords(self.indices(z))  # (B, K)
        z = bounded + ops.stop_gradient(z_q - bounded)
        return z, z

    def indices(self, z):
        """Tokens of z, (B, K) -> (B, G) int32, each from 0 to codebook_size - 1; the first number counts single units."""
        half = ops.convert_to_tensor([(level - 1) / 2 for level in self.levels], "float32")  # (d,)
        groups = ops.cast(ops.tanh(ops.stop_gradient(_divisible(z, self.codeword_dim))), "float32")
        groups = ops.reshape(groups, (-1, z.shape[1] // self.codeword_dim, self.codeword_dim))
        digits = ops.cast(ops.round(half * groups + half), "int32")  # (B, G, d), from 0 to L - 1
        return ops.sum(digits * self._places(), axis=-1)

    def codewords(self, index):
        """Code of tokens, (B, G) -> (B, K), in [-1, 1]."""
        levels = ops.convert_to_tensor(self.levels, "int32")  # (d,)
        digits = ops.cast(index, "int32")[..., None] // self._places() % levels  # (B, G, d)
        code = 2 * ops.cast(digits, "float32") / ops.cast(levels - 1, "float32") - 1
        return ops.reshape(code, (-1, index.shape[1] * self.codeword_dim))

    def loss_terms(self, z_e, z_q):
        """None: the reconstruction alone trains the encoder."""
        return {}

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {"levels": self.levels}

    def _places(self):
        places = [math.prod(self.levels[:i]) for i in range(self.codeword_dim)]  # 1, L_1, L_1 L_2, ...
        return ops.convert_to_tensor(places, "int32")


@keras.saving.register_keras_serializable("aetutor")
class TransposedDense(keras.layers.Layer):
    """Decoder of one dense layer without a kernel of its own. Arguments as in aetutor.torch.layers.TransposedDense.

    Attributes:
        bias: b, (D,); starts at 0.

    Example:
        >>> layer = TransposedDense(6, keras.Sequential([keras.Input((6,)), keras.layers.Activation("sigmoid")]))
        >>> tuple(layer(keras.random.normal((5, 3)), keras.random.normal((3, 6))).shape)
        (5, 6)
    """

    def __init__(self, units, after, *, name=None, trainable=True, dtype=None):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.units, self.after = validation.integer("units", units, low=1), after
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")
        self.built = True

    @classmethod
    def of(cls, decoder):
        """`decoder`, a Sequential that begins with its only dense layer, without that layer's kernel."""
        parts = decoder.layers if isinstance(decoder, keras.Sequential) else [decoder]
        kinds = [type(part).__name__ for part in parts if part.weights]
        if kinds != ["Dense"] or not isinstance(parts[0], keras.layers.Dense) or parts[0].bias is None:
            raise ValueError(
                "tied=True needs a decoder that begins with its one dense layer, with a bias; layers with weights in the "
                f"one given: {', '.join(kinds) or 'none: start it with keras.Input'}."
            )
        dense, *rest = parts
        layer = cls(
            dense.units, keras.Sequential([keras.Input((dense.units,)), keras.layers.Activation(dense.activation), *rest])
        )
        layer.bias.assign(dense.bias)
        return layer

    def call(self, z, kernel):
        """Decode z, (B, K), with the encoder's kernel, (K, D)."""
        return self.after(ops.matmul(z, kernel) + self.bias)

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {"units": self.units, "after": keras.saving.serialize_keras_object(self.after)}

    @classmethod
    def from_config(cls, config):
        """Undo `get_config`."""
        return cls(**config | {"after": keras.saving.deserialize_keras_object(config["after"])})


def frozen(layer, x):
    """layer(x) with the layer's weights as constants: the gradient reaches x, and through it whoever made x, only.

    That is how one player's loss looks through the other's net without training it. `trainable` stays as it is, so that
    another term of the same step may train the weights.

    Args:
        layer: built, without state that a call changes, such as batch norm's running averages.
        x: what it takes, (B, ...).

    Returns:
        layer(x).

    Example:
        >>> layer = keras.layers.Dense(1)
        >>> layer.build((None, 3))
        >>> tuple(frozen(layer, keras.random.normal((5, 3))).shape)
        (5, 1)
    """
    constants = [ops.stop_gradient(variable.value) for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]
    return layer.stateless_call(constants, state, x)[0]


def refuse_batch_norm(discriminator):
    """Refuse a discriminator with batch norm: it would judge batches, and the frozen call would move its averages."""
    for layer in discriminator._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            raise ValueError(
                f"discriminator: {layer.name} is a {type(layer).__name__}; real and made samples come in batches of their "
                "own, which its statistics would tell apart. Use layer norm or none."
            )


def _divisible(z, codeword_dim):
    if len(z.shape) != 2 or z.shape[1] % codeword_dim:
        raise ValueError(
            f"a quantiser with {codeword_dim} numbers in a codeword takes codes (B, K) with K divisible by {codeword_dim}; "
            f"got {tuple(z.shape)}."
        )
    return z
