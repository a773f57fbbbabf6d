"""Transformers on patches: the encoder and the decoder of MaskedAutoencoder.

    image -> patches -> tokens + positions -> blocks -> norm            each token, (width,), stands for one patch

The Keras twins have the same layers, the same constants (aetutor.constants) and, for the same seed, the same first weights.
A patch is flattened in the order height, width, channel in both frameworks, and patches are counted row by row.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import constants, validation
from ..batching import stream_seed
from ..initializers import WeightStream, sine_cosine_positions
from .backbones import activate, dense

DECODER = 2  # random stream below the seed of a constructor: the encoder's own is the seed itself


class Patches(nn.Module):
    """Cut images into square patches, (B, C, H, W) -> (B, P, patch * patch * C), and put them together again. No weights.

    Args:
        shape: of one image, (height, width, channels); both sides multiples of `patch`.
        patch: side of a patch.

    Attributes:
        grid: rows and columns of patches.
        count: P, their number.
        size: numbers in a patch.

    Example:
        >>> patches = Patches((8, 12, 3), 4)
        >>> x = torch.rand(5, 3, 8, 12)
        >>> patches(x).shape, torch.equal(patches.join(patches(x)), x)
        (torch.Size([5, 6, 48]), True)
    """

    def __init__(self, shape, patch: int):
        super().__init__()
        self.grid, self.shape, self.patch = validation.patch_grid(shape, patch), tuple(shape), patch
        self.count, self.size = self.grid[0] * self.grid[1], patch * patch * self.shape[2]

    def forward(self, x: Tensor) -> Tensor:
        """Cut."""
        if tuple(x.shape[1:]) != (self.shape[2], *self.shape[:2]):
            raise ValueError(f"x must be images {self.shape}, as (B, C, H, W); got {tuple(x.shape)}.")
        (rows, columns), p = self.grid, self.patch
        x = (
            x.permute(0, 2, 3, 1).reshape(-1, rows, p, columns, p, self.shape[2]).transpose(2, 3)
        )  # (B, rows, columns, p, p, C)
        return x.reshape(-1, self.count, self.size)

    def join(self, patches: Tensor) -> Tensor:
        """Undo `forward`: (B, P, patch * patch * C) -> (B, C, H, W)."""
        (rows, columns), p = self.grid, self.patch
        x = patches.reshape(-1, rows, columns, p, p, self.shape[2]).transpose(2, 3)  # (B, rows, p, columns, p, C)
        return x.reshape(-1, *self.shape).permute(0, 3, 1, 2)


class TransformerBlock(nn.Module):
    """One layer of a transformer, normalised before each branch: (B, T, width) -> (B, T, width).

        h <- h + W_o attention(norm(h)),   h <- h + W_2 gelu(W_1 norm(h) + b_1) + b_2
        attention: softmax(Q K^T / sqrt(width / heads)) V for each head, with Q, K, V linear in norm(h)

    Queries, keys and values have no bias. That of the keys would have no effect: it adds the same number to all scores of a
    query, which the softmax takes out again, and its gradient would be rounding error alone.

    Args:
        width: numbers in a token, a multiple of 4 and of `heads`.
        heads: attentions side by side, each on width / heads numbers.
        expansion: hidden units of the second branch for each number of a token.
        initializer: "glorot_uniform" or "he_normal".
        seed: of the initial weights.

    Source: Vaswani et al. (2017); Dosovitskiy et al. (2021) for the norm before the branches.

    Example:
        >>> TransformerBlock(8, heads=2)(torch.rand(5, 3, 8)).shape
        torch.Size([5, 3, 8])
    """

    def __init__(
        self, width: int, *, heads: int = 4, expansion: int = 2, initializer: str = "glorot_uniform", seed: int = 0
    ):
        super().__init__()
        validation.attention_width("width", width, heads)
        hidden, weights = width * validation.integer("expansion", expansion, low=1), WeightStream(seed, initializer)
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width, eps=constants.LAYER_NORM_EPSILON)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        with torch.no_grad():
            kernels = [torch.from_numpy(weights.kernel((width, width))).T for _ in range(3)]
            self.qkv.weight.copy_(torch.cat(kernels))
        self.out = dense(width, width, weights)
        self.norm_dense = nn.LayerNorm(width, eps=constants.LAYER_NORM_EPSILON)
        self.up = dense(width, hidden, weights)
        self.down = dense(hidden, width, weights)

    def forward(self, h: Tensor) -> Tensor:
        """Attend, then transform each token by itself."""
        qkv = self.qkv(self.norm_attention(h)).unflatten(2, (3, self.heads, -1))  # (B, T, 3, heads, width / heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, T, width / heads)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)  # (B, T, width)
        h = h + self.out(attended)
        return h + self.down(F.gelu(self.up(self.norm_dense(h))))


class PatchEncoder(nn.Module):
    """Images, or some of their patches, to tokens one after another: (B, C, H, W) -> (B, V width).

    Args:
        shape: of one image, (height, width, channels).
        patch: side of a patch, which both sides of the image are multiples of.
        width: numbers in a token.
        depth: number of blocks.
        heads, expansion, initializer: as in TransformerBlock.
        seed: of the initial weights.

    Attributes:
        patches: how images are cut, a `Patches`.
        positions: fixed, added to the tokens, (P, width); see initializers.sine_cosine_positions.

    Example:
        >>> encoder = PatchEncoder((8, 8, 1), patch=4, width=8, depth=1)
        >>> x = torch.rand(5, 1, 8, 8)
        >>> encoder(x).shape, encoder(x, torch.tensor([[3]] * 5)).shape
        (torch.Size([5, 32]), torch.Size([5, 8]))
    """

    def __init__(
        self,
        shape,
        *,
        patch: int = 4,
        width: int = 64,
        depth: int = 4,
        heads: int = 4,
        expansion: int = 2,
        initializer: str = "glorot_uniform",
        seed: int = 0,
    ):
        super().__init__()
        self.patches = Patches(shape, patch)
        validation.attention_width("width", width, heads)
        self.embed = dense(self.patches.size, width, WeightStream(seed, initializer))
        self.blocks = blocks(width, depth, heads, expansion, initializer, seed)
        self.norm = nn.LayerNorm(width, eps=constants.LAYER_NORM_EPSILON)
        self.register_buffer("positions", torch.from_numpy(sine_cosine_positions(self.patches.grid, width)))

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Tensor:
        """Tokens of the patches `kept`, (B, V) indices, in that order, from these patches alone; of all P without it."""
        h = self.embed(self.patches(x)) + self.positions  # (B, P, width)
        if kept is not None:
            h = h.take_along_dim(kept[:, :, None].long(), dim=1)  # (B, V, width)
        return self.norm(self.blocks(h)).flatten(start_dim=1)


class PatchDecoder(nn.Module):
    """Tokens to images: (B, V width) -> (B, C, H, W).

        h_p = W z_p where patch p was kept, the mask token where not;   h_p + position p -> blocks -> norm -> pixels of p

    Args:
        shape: of one image, (height, width, channels).
        patch: side of a patch.
        token_width: numbers in a token of the encoder.
        width: numbers in a token in here.
        depth: number of blocks.
        heads, expansion, initializer: as in TransformerBlock.
        output_activation: of the pixels, one of aetutor.constants.ACTIVATIONS.
        seed: of the initial weights.

    Attributes:
        mask_token: stands for each patch that was not kept, (width,); learned, starts at 0.
        positions: fixed, (P, width).

    Example:
        >>> decoder = PatchDecoder((8, 8, 1), patch=4, token_width=8, width=8)
        >>> decoder(torch.rand(5, 32)).shape, decoder(torch.rand(5, 8), torch.tensor([[3, 0, 1, 2]] * 5)).shape
        (torch.Size([5, 1, 8, 8]), torch.Size([5, 1, 8, 8]))
    """

    def __init__(
        self,
        shape,
        *,
        patch: int = 4,
        token_width: int = 64,
        width: int = 64,
        depth: int = 1,
        heads: int = 4,
        expansion: int = 2,
        output_activation: str = "linear",
        initializer: str = "glorot_uniform",
        seed: int = 0,
    ):
        super().__init__()
        self.patches, self.token_width = Patches(shape, patch), validation.integer("token_width", token_width, low=1)
        validation.attention_width("width", width, heads)
        validation.one_of("output_activation", output_activation, constants.ACTIVATIONS)
        weights = WeightStream(seed, initializer)
        self.mask_token = nn.Parameter(torch.zeros(width))
        self.embed = dense(token_width, width, weights)
        self.blocks = blocks(width, depth, heads, expansion, initializer, seed)
        self.norm = nn.LayerNorm(width, eps=constants.LAYER_NORM_EPSILON)
        self.pixels = dense(width, self.patches.size, weights)
        self.output = nn.Sequential(*activate(output_activation))
        self.register_buffer("positions", torch.from_numpy(sine_cosine_positions(self.patches.grid, width)))

    def forward(self, z: Tensor, order: Tensor | None = None) -> Tensor:
        """`order`, (B, P): the places of all patches, first those of the V tokens in z; without it z has all, in order."""
        count = self.patches.count
        if z.shape[1] % self.token_width or (order is None and z.shape[1] != count * self.token_width):
            raise ValueError(f"z must be {count} tokens of {self.token_width} numbers each; got {tuple(z.shape)}.")
        h = self.embed(z.unflatten(1, (-1, self.token_width)))  # (B, V, width)
        if order is not None:
            masked = self.mask_token.expand(len(h), count - h.shape[1], -1)  # (B, P - V, width)
            places = order.long().argsort(dim=1)[:, :, None]  # (B, P, 1): where each patch stands in `order`
            h = torch.cat([h, masked], dim=1).take_along_dim(places, dim=1)  # (B, P, width)
        h = self.norm(self.blocks(h + self.positions))
        return self.patches.join(self.output(self.pixels(h)))


def transformer(
    shape,
    *,
    patch: int = 4,
    width: int = 64,
    depth: int = 4,
    heads: int = 4,
    expansion: int = 2,
    decoder_width: int = 64,
    decoder_depth: int = 1,
    output_activation: str = "linear",
    initializer: str = "glorot_uniform",
    seed: int = 0,
    code_factor: int = 1,
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
        encoder, (B, C, H, W) and indices (B, V) -> (B, V width), and decoder, (B, V width) and order (B, P) -> (B, C, H, W).

    Source: He, Chen, Xie, Li, Dollar and Girshick (2022), without their class token.
    """
    common = dict(patch=patch, heads=heads, expansion=expansion, initializer=initializer)
    encoder = PatchEncoder(shape, width=code_factor * width, depth=depth, seed=seed, **common)
    decoder = PatchDecoder(
        shape,
        token_width=width,
        width=validation.attention_width("decoder_width", decoder_width, heads),
        depth=validation.integer("decoder_depth", decoder_depth, low=1),
        output_activation=output_activation,
        seed=stream_seed(seed, DECODER),
        **common,
    )
    return encoder, decoder


def blocks(width: int, depth: int, heads: int, expansion: int, initializer: str, seed: int) -> nn.Sequential:
    """`depth` blocks, each with a weight stream of its own."""
    options = dict(heads=heads, expansion=expansion, initializer=initializer)
    depth = validation.integer("depth", depth, low=1)
    return nn.Sequential(*(TransformerBlock(width, seed=stream_seed(seed, i), **options) for i in range(depth)))
