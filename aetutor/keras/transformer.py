"""Transformers on patches: the encoder and the decoder of MaskedAutoencoder.

The twin of aetutor/torch/transformer.py, where the formulas are: the same layers, the same constants (aetutor.constants)
and, for the same seed, the same initial weights (aetutor.initializers). Images are channels last on every backend.
"""

import keras
import numpy as np
from keras import layers, ops

from .. import constants, validation
from ..batching import stream_seed
from ..initializers import WeightStream, sine_cosine_positions
from .backbones import activate, dense

DECODER = 2  # random stream below the seed of a constructor: the encoder's own is the seed itself


class Patches:
    """Cut images into square patches, (B, H, W, C) -> (B, P, patch * patch * C), and put them together again. No weights.

    Args:
        shape: of one image, (height, width, channels); both sides multiples of `patch`.
        patch: side of a patch.

    Attributes:
        grid: rows and columns of patches.
        count: P, their number.
        size: numbers in a patch.

    Example:
        >>> patches = Patches((8, 12, 3), 4)
        >>> x = keras.random.uniform((5, 8, 12, 3))
        >>> tuple(patches(x).shape), bool(ops.all(patches.join(patches(x)) == x))
        ((5, 6, 48), True)
    """

    def __init__(self, shape, patch):
        self.grid, self.shape, self.patch = validation.patch_grid(shape, patch), tuple(shape), patch
        self.count, self.size = self.grid[0] * self.grid[1], patch * patch * self.shape[2]

    def __call__(self, x):
        """Cut."""
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x must be images {self.shape}, as (B, H, W, C); got {tuple(x.shape)}.")
        (rows, columns), p = self.grid, self.patch
        x = ops.reshape(x, (-1, rows, p, columns, p, self.shape[2]))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, self.count, self.size))

    def join(self, patches):
        """Undo the cutting: (B, P, patch * patch * C) -> (B, H, W, C)."""
        (rows, columns), p = self.grid, self.patch
        x = ops.reshape(patches, (-1, rows, columns, p, p, self.shape[2]))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, *self.shape))


@keras.saving.register_keras_serializable("aetutor")
class TransformerBlock(layers.Layer):
    """One layer of a transformer: (B, T, width) -> (B, T, width). Arguments as in the PyTorch twin.

    Example:
        >>> tuple(TransformerBlock(8, heads=2)(keras.random.uniform((5, 3, 8))).shape)
        (5, 3, 8)
    """

    def __init__(
        self,
        width,
        *,
        heads=4,
        expansion=2,
        initializer="glorot_uniform",
        seed=0,
        name=None,
        trainable=True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.width, self.heads = validation.attention_width("width", width, heads), heads
        self.expansion, self.initializer, self.seed = validation.integer("expansion", expansion, low=1), initializer, seed
        weights = WeightStream(seed, initializer)
        self.norm_attention = _norm(width)
        self.qkv = layers.Dense(3 * width, use_bias=False)
        self.qkv.build((None, None, width))
        self.qkv.kernel.assign(np.concatenate([weights.kernel((width, width)) for _ in range(3)], axis=1))
        self.out = dense(width, width, weights)
        self.norm_dense = _norm(width)
        self.up = dense(width, expansion * width, weights)
        self.down = dense(expansion * width, width, weights)
        self.built = True

    def call(self, h):
        """Attend, then transform each token by itself."""
        steps, size = h.shape[1], self.width // self.heads
        qkv = ops.reshape(self.qkv(self.norm_attention(h)), (-1, steps, 3, self.heads, size))
        q, k, v = ops.unstack(ops.transpose(qkv, (2, 0, 3, 1, 4)), 3)  # each (B, heads, T, width / heads)
        weights = ops.softmax(ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / size**0.5)  # (B, heads, T, T)
        attended = ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))  # (B, T, heads, width / heads)
        h = h + self.out(ops.reshape(attended, (-1, steps, self.width)))
        return h + self.down(ops.gelu(self.up(self.norm_dense(h)), approximate=False))

    def get_config(self):
        """The constructor's arguments."""
        names = ("width", "heads", "expansion", "initializer", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("aetutor")
class PatchEncoder(layers.Layer):
    """Images, or some of their patches, to tokens one after another: (B, H, W, C) -> (B, V width).

    Arguments and attributes as in aetutor.torch.transformer.PatchEncoder.

    Example:
        >>> encoder = PatchEncoder((8, 8, 1), patch=4, width=8, depth=1)
        >>> x = keras.random.uniform((5, 8, 8, 1))
        >>> tuple(encoder(x).shape), tuple(encoder(x, ops.full((5, 1), 3)).shape)
        ((5, 32), (5, 8))
    """

    def __init__(
        self,
        shape,
        *,
        patch=4,
        width=64,
        depth=4,
        heads=4,
        expansion=2,
        initializer="glorot_uniform",
        seed=0,
        name=None,
        trainable=True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.patches = Patches(shape, patch)
        self.shape, self.patch, self.width, self.depth = tuple(shape), patch, width, depth
        self.heads, self.expansion, self.initializer, self.seed = heads, expansion, initializer, seed
        validation.attention_width("width", width, heads)
        self.embed = dense(self.patches.size, width, WeightStream(seed, initializer))
        self.blocks = blocks(width, depth, heads, expansion, initializer, seed)
        self.norm = _norm(width)
        self.positions = _positions(self, self.patches.grid, width)
        self.built = True

    def call(self, x, kept=None):
        """Tokens of the patches `kept`, (B, V) indices, in that order, from these patches alone; of all P without it."""
        h = self.embed(self.patches(x)) + self.positions  # (B, P, width)
        if kept is not None:
            h = take_tokens(h, kept)  # (B, V, width)
        for block in self.blocks:
            h = block(h)
        return ops.reshape(self.norm(h), (-1, h.shape[1] * self.width))

    def get_config(self):
        """The constructor's arguments."""
        names = ("shape", "patch", "width", "depth", "heads", "expansion", "initializer", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


@keras.saving.register_keras_serializable("aetutor")
class PatchDecoder(layers.Layer):
    """Tokens to images: (B, V width) -> (B, H, W, C). Arguments and attributes as in aetutor.torch.transformer.PatchDecoder.

    Example:
        >>> decoder = PatchDecoder((8, 8, 1), patch=4, token_width=8, width=8)
        >>> order = ops.tile(ops.convert_to_tensor([[3, 0, 1, 2]]), (5, 1))
        >>> tuple(decoder(keras.random.uniform((5, 32))).shape), tuple(decoder(keras.random.uniform((5, 8)), order).shape)
        ((5, 8, 8, 1), (5, 8, 8, 1))
    """

    def __init__(
        self,
        shape,
        *,
        patch=4,
        token_width=64,
        width=64,
        depth=1,
        heads=4,
        expansion=2,
        output_activation="linear",
        initializer="glorot_uniform",
        seed=0,
        name=None,
        trainable=True,
        dtype=None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self.patches, self.token_width = Patches(shape, patch), validation.integer("token_width", token_width, low=1)
        self.shape, self.patch, self.width, self.depth = tuple(shape), patch, width, depth
        self.heads, self.expansion, self.initializer, self.seed = heads, expansion, initializer, seed
        validation.attention_width("width", width, heads)
        self.output_activation = validation.one_of("output_activation", output_activation, constants.ACTIVATIONS)
        weights = WeightStream(seed, initializer)
        self.mask_token = self.add_weight(shape=(width,), initializer="zeros", name="mask_token")
        self.embed = dense(token_width, width, weights)
        self.blocks = blocks(width, depth, heads, expansion, initializer, seed)
        self.norm = _norm(width)
        self.pixels = dense(width, self.patches.size, weights)
        self.after = activate(output_activation)
        self.positions = _positions(self, self.patches.grid, width)
        self.built = True

    def call(self, z, order=None):
        """`order`, (B, P): the places of all patches, first those of the V tokens in z; without it z has all, in order."""
        count = self.patches.count
        if z.shape[1] % self.token_width or (order is None and z.shape[1] != count * self.token_width):
            raise ValueError(f"z must be {count} tokens of {self.token_width} numbers each; got {tuple(z.shape)}.")
        h = self.embed(ops.reshape(z, (-1, z.shape[1] // self.token_width, self.token_width)))  # (B, V, width)
        if order is not None:
            shape = (ops.shape(h)[0], count - h.shape[1], self.width)
            masked = ops.broadcast_to(ops.cast(self.mask_token, h.dtype), shape)  # (B, P - V, width)
            places = ops.argsort(order, axis=1)  # (B, P): where each patch stands in `order`
            h = take_tokens(ops.concatenate([h, masked], axis=1), places)  # (B, P, width)
        h = h + self.positions
        for layer in (*self.blocks, self.norm, self.pixels, *self.after):
            h = layer(h)
        return self.patches.join(h)

    def get_config(self):
        """The constructor's arguments."""
        names = ("shape", "patch", "token_width", "width", "depth", "heads", "expansion", "output_activation")
        names += ("initializer", "seed")
        return super().get_config() | {name: getattr(self, name) for name in names}


def transformer(
    shape,
    *,
    patch=4,
    width=64,
    depth=4,
    heads=4,
    expansion=2,
    decoder_width=64,
    decoder_depth=1,
    output_activation="linear",
    initializer="glorot_uniform",
    seed=0,
    code_factor=1,
):
    """Patch transformer: an encoder that takes all or some of an image's patches, and a decoder that draws them all.

    The code is the tokens of all P patches one after another, P * width numbers: for 28 x 28 images, patches of 4 and tokens
    of 64 numbers, 3,136. It is no bottleneck.

    Args:
        shape: of one image, (height, width, channels).
        patch: side of a patch, which both sides of the image are multiples of.
        width: numbers in a token of the encoder, a multiple of 4 and of `heads`.
        depth: blocks of the encoder, at least 1.
        heads: attentions side by side in each block.
        expansion: hidden units in each block for each number of a token.
        decoder_width: numbers in a token of the decoder, a multiple of 4 and of `heads`.
        decoder_depth: blocks of the decoder, at least 1.
        output_activation: of the pixels; keep "linear" with likelihood="bernoulli", whose decoder gives logits.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights.
        code_factor: 1; set by the class.

    Returns:
        encoder, (B, H, W, C) and indices (B, V) -> (B, V width), and decoder, (B, V width) and order (B, P) -> (B, H, W, C).

    Source: He, Chen, Xie, Li, Dollar and Girshick (2022), without their class token.
    """
    common = dict(patch=patch, heads=heads, expansion=expansion, initializer=initializer)
    encoder = PatchEncoder(shape, width=code_factor * width, depth=depth, seed=seed, name="encoder", **common)
    decoder = PatchDecoder(
        shape,
        token_width=width,
        width=validation.attention_width("decoder_width", decoder_width, heads),
        depth=validation.integer("decoder_depth", decoder_depth, low=1),
        output_activation=output_activation,
        seed=stream_seed(seed, DECODER),
        name="decoder",
        **common,
    )
    return encoder, decoder


def take_tokens(h, places):
    """The tokens at `places`, (B, V), of each row of h, (B, T, width): (B, V, width).

    What `ops.take_along_axis` does too; on TensorFlow its gradient takes as long as a block of the transformer.
    """
    steps, width = h.shape[1:]
    first = steps * ops.arange(ops.shape(h)[0], dtype=places.dtype)[:, None]  # (B, 1)
    return ops.take(ops.reshape(h, (-1, width)), first + places, axis=0)


def blocks(width, depth, heads, expansion, initializer, seed):
    """`depth` blocks, each with a weight stream of its own."""
    options = dict(heads=heads, expansion=expansion, initializer=initializer)
    depth = validation.integer("depth", depth, low=1)
    return [TransformerBlock(width, seed=stream_seed(seed, i), **options) for i in range(depth)]


def _norm(width):
    layer = layers.LayerNormalization(epsilon=constants.LAYER_NORM_EPSILON)
    layer.build((None, None, width))
    return layer


def _positions(layer, grid, width):
    values = sine_cosine_positions(grid, width)
    weight = layer.add_weight(shape=values.shape, initializer="zeros", trainable=False, name="positions")
    weight.assign(values)
    return weight
