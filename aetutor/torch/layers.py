"""Layers that a variant puts between encoder and decoder. The Keras twins have the same names, arguments and first weights.

    VectorQuantizer         each group of numbers becomes the nearest word of a learned codebook
    FiniteScalarQuantizer   each number is rounded to one of its levels; nothing is learnt
    TransposedDense         a decoder of one dense layer whose kernel is the encoder's
    frozen                  a call of any layer that passes the gradient on and keeps none for the layer's weights

The quantisers give (z, z_q) with the same values, the quantised code. Through z the gradient passes straight to the encoder,

    z = z_e + sg(z_q - z_e),     sg: stop-gradient (Bengio et al., 2013),

and through z_q to the codebook, where that is trained by gradients.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import initializers, validation
from . import losses
from .processes import several_processes


class VectorQuantizer(nn.Module):
    """Replace each group of numbers by the nearest word of a codebook.

        k = argmin_j |z_e - e_j|^2,    z_q = e_k,    one token k for each of the G = K / codeword_dim groups

    update="gradient": the codebook is a trained weight, moved by the codebook term |sg(z_e) - e_k|^2. update="ema": it is
    state, moved while training by running averages. With n_j the share of the batch's groups that chose word j and m_j the
    mean of these groups,

        N_j <- decay N_j + (1 - decay) n_j,    e_j <- e_j + (1 - decay) n_j (m_j - e_j) / N_j,

    which makes e_j the quotient of a running sum and a running count. Words used less than a part of an even share,
    N_j < restart_below / codebook_size, are put on groups of the batch before it is quantised: the first such word on the
    first group, and so on (batches are shuffled, so no random numbers are needed). N starts at 0, so the first batch places
    the whole codebook.

    Args:
        codebook_size: number of codewords, at least 2.
        codeword_dim: numbers in a codeword.
        update: "ema" or "gradient".
        commitment: weight of the commitment term |z_e - sg(e_k)|^2, >= 0.
        decay: of the running averages, in (0, 1); "ema" only.
        restart_below: part of an even share, from 0, no restarts, to 1; "ema" only, since an optimiser keeps a momentum for
            each codeword, which would carry a restarted one away.
        seed: of the first codewords, >= 0.

    Attributes:
        codebook: e, (codebook_size, codeword_dim): a parameter with "gradient", a buffer with "ema"; either is saved.
        use: N, (codebook_size,), a buffer: each word's running share of the groups; "ema" only.

    The running averages are those of one process: with "ema", several processes are refused when training starts.

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), the running averages in its appendix A.1.

    Example:
        >>> layer = VectorQuantizer(16, 4, seed=0)
        >>> z, z_q = layer(torch.randn(5, 12))
        >>> z.shape, layer.indices(z).shape
        (torch.Size([5, 12]), torch.Size([5, 3]))
    """

    def __init__(
        self,
        codebook_size: int,
        codeword_dim: int,
        *,
        update: str = "ema",
        commitment: float = 0.25,
        decay: float = 0.99,
        restart_below: float = 0.1,
        seed: int = 0,
    ):
        super().__init__()
        self.codebook_size = validation.integer("codebook_size", codebook_size, low=2)
        self.codeword_dim = validation.integer("codeword_dim", codeword_dim, low=1)
        self.update = validation.one_of("update", update, ("ema", "gradient"))
        self.commitment = validation.real("commitment", commitment, low=0)
        self.decay = validation.fraction("decay", decay)
        self.restart_below = validation.real("restart_below", restart_below, low=0, high=1)
        if update == "gradient":
            given = {"decay": decay, "restart_below": restart_below}
            validation.left_alone("update='gradient'", given, {"decay": 0.99, "restart_below": 0.1})
        words = torch.from_numpy(initializers.codebook(seed, codebook_size, codeword_dim))  # (J, d)
        if update == "gradient":
            self.codebook = nn.Parameter(words)
        else:
            self.register_buffer("codebook", words)
            self.register_buffer("use", torch.zeros(codebook_size))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z, (B, K), quantised: once with the straight-through gradient and once with the codebook's, both (B, K)."""
        with torch.autocast(z.device.type, enabled=False):  # distances of bfloat16 numbers keep two digits
            groups = self._groups(z)  # (B G, d)
            if self.update == "ema" and self.training:
                self._restart(groups)
            index = self._nearest(groups)  # (B G,)
            z_q = self.codewords(index.reshape(len(z), -1))  # (B, K)
            if self.update == "ema" and self.training:
                self._average(groups, index)
        return z + (z_q - z).detach(), z_q

    def indices(self, z: Tensor) -> Tensor:
        """Tokens of z, (B, K) -> (B, G) int64, each from 0 to codebook_size - 1."""
        return self._nearest(self._groups(z)).reshape(len(z), -1)

    def codewords(self, index: Tensor) -> Tensor:
        """Code of tokens, (B, G) -> (B, K)."""
        return self.codebook[index].flatten(start_dim=1)

    def loss_terms(self, z_e: Tensor, z_q: Tensor) -> dict[str, Tensor]:
        """Commitment and, with update="gradient", codebook term of (B, K) and (B, K), weighted, each (B,)."""
        terms = {"codebook": losses.codebook(z_e, z_q)} if self.update == "gradient" else {}
        return terms | {"commitment": self.commitment * losses.commitment(z_e, z_q)}

    def _groups(self, z):
        return _divisible(z, self.codeword_dim).detach().float().reshape(-1, self.codeword_dim)

    def _nearest(self, groups):
        words = self.codebook.detach()
        return (words.square().sum(dim=1) - 2 * groups @ words.T).argmin(dim=1)  # |z|^2 is the same for all words

    @torch.no_grad()
    def _restart(self, groups):
        if several_processes():
            raise RuntimeError(
                "VectorQuantizer(update='ema') averages over the batch of one process; train it in one process, or use "
                "update='gradient' or FiniteScalarQuantizer."
            )
        unused = self.use < self.restart_below / self.codebook_size  # (J,)
        rank = unused.cumsum(dim=0) - 1  # 0 for the first unused word, 1 for the next
        moved = unused & (rank < len(groups))
        self.codebook.copy_(torch.where(moved[:, None], groups[rank.clamp(0, len(groups) - 1)], self.codebook))
        self.use.copy_(torch.where(moved, 1 / self.codebook_size, self.use))

    @torch.no_grad()
    def _average(self, groups, index):
        chosen = nn.functional.one_hot(index, self.codebook_size).to(groups.dtype) / len(groups)  # (B G, J)
        share = chosen.sum(dim=0)  # (J,)
        pull = chosen.T @ groups - share[:, None] * self.codebook  # n (m - e), (J, d)
        self.use.copy_(self.decay * self.use + (1 - self.decay) * share)
        self.codebook.add_((1 - self.decay) * pull / self.use.clamp(min=1e-12)[:, None])  # a word never used has no pull


class FiniteScalarQuantizer(nn.Module):
    """Round each number to one of a few levels in [-1, 1]; there is no codebook to learn or to lose.

        z_q = 2 round((L - 1) (tanh(z) + 1) / 2) / (L - 1) - 1        L levels, -1 and 1 among them, even L or odd

    The levels of the d = len(levels) numbers of a group make one token of their product, which is the codebook's size.

    Args:
        levels: L of each number of a group, each at least 2; the groups have the same levels.

    Attributes:
        codebook_size: product of the levels.
        codeword_dim: d.

    Source: Mentzer, Minnen, Agustsson and Tschannen (2024), who shift even L so that 0 is a level; here they are even steps
    from -1 to 1.

    Example:
        >>> layer = FiniteScalarQuantizer((3, 5))
        >>> layer(torch.tensor([[0.3, -9.0]]))[1].tolist(), layer.indices(torch.tensor([[0.3, -9.0]])).tolist()
        ([[0.0, -1.0]], [[1]])
    """

    def __init__(self, levels: tuple[int, ...]):
        super().__init__()
        self.levels = validation.sizes("levels", levels)
        if not self.levels or min(self.levels) < 2:
            raise ValueError(f"levels must name at least one number's levels, each at least 2; got {self.levels}.")
        self.codebook_size, self.codeword_dim = math.prod(self.levels), len(self.levels)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z, (B, K), rounded, with the straight-through gradient; twice, as VectorQuantizer gives it."""
        bounded = torch.tanh(_divisible(z, self.codeword_dim))  # (B, K)
        z_q = self.codewords(self.indices(z))  # (B, K)
        z = bounded + (z_q - bounded).detach()
        return z, z

    def indices(self, z: Tensor) -> Tensor:
        """Tokens of z, (B, K) -> (B, G) int64, each from 0 to codebook_size - 1; the first number counts single units."""
        half = self._per_number(z, [(level - 1) / 2 for level in self.levels])  # (d,)
        groups = torch.tanh(_divisible(z, self.codeword_dim).detach().float()).reshape(len(z), -1, self.codeword_dim)
        digits = torch.round(half * groups + half).long()  # (B, G, d), from 0 to L - 1
        return (digits * self._per_number(digits, self._places())).sum(dim=-1)

    def codewords(self, index: Tensor) -> Tensor:
        """Code of tokens, (B, G) -> (B, K), in [-1, 1]."""
        places, levels = (self._per_number(index, values) for values in (self._places(), self.levels))  # (d,)
        digits = torch.div(index[..., None], places, rounding_mode="floor") % levels  # (B, G, d)
        return (2 * digits / (levels - 1) - 1).flatten(start_dim=1)

    def loss_terms(self, z_e: Tensor, z_q: Tensor) -> dict[str, Tensor]:
        """None: the reconstruction alone trains the encoder."""
        return {}

    def _places(self):
        return [math.prod(self.levels[:i]) for i in range(self.codeword_dim)]  # 1, L_1, L_1 L_2, ...

    @staticmethod
    def _per_number(like, values):
        dtype = torch.float32 if like.is_floating_point() else like.dtype
        return torch.tensor(values, dtype=dtype, device=like.device)


class TransposedDense(nn.Module):
    """Decoder of one dense layer without a kernel of its own: it is given the encoder's, and takes it transposed.

        x_hat = after(W^T z + b)

    Args:
        units: D, the numbers the layer gives.
        after: what follows it, such as an activation and a reshape: a Sequential that maps (B, D) to (B, *D).

    Attributes:
        bias: b, (D,); starts at 0.

    Example:
        >>> layer = TransposedDense(6, nn.Sequential(nn.Sigmoid()))
        >>> layer(torch.randn(5, 3), torch.randn(3, 6)).shape
        torch.Size([5, 6])
    """

    def __init__(self, units: int, after: nn.Module):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(validation.integer("units", units, low=1)))
        self.after = after

    @classmethod
    def of(cls, decoder: nn.Module) -> "TransposedDense":
        """`decoder`, a Sequential that begins with its only dense layer, without that layer's kernel."""
        parts = list(decoder) if isinstance(decoder, nn.Sequential) else [decoder]
        kinds = [type(part).__name__ for part in parts if any(True for _ in part.parameters())]
        if kinds != ["Linear"] or not isinstance(parts[0], nn.Linear) or parts[0].bias is None:
            raise ValueError(
                "tied=True needs a decoder that begins with its one dense layer, with a bias; layers with weights in the "
                f"one given: {', '.join(kinds)}."
            )
        layer = cls(parts[0].out_features, nn.Sequential(*parts[1:]))
        with torch.no_grad():
            layer.bias.copy_(parts[0].bias)
        return layer

    def forward(self, z: Tensor, kernel: Tensor) -> Tensor:
        """Decode z, (B, K), with the encoder's kernel, (K, D)."""
        return self.after(F.linear(z, kernel.T, self.bias))


def frozen(layer: nn.Module, x: Tensor) -> Tensor:
    """layer(x) with the layer's weights as constants: the gradient reaches x, and through it whoever made x, only.

    That is how one player's loss looks through the other's net without training it. The weights' `requires_grad` stays as it
    is, so that another term of the same step may train them.

    Args:
        layer: without state that a call changes, such as batch norm's running averages.
        x: what it takes, (B, ...).

    Returns:
        layer(x).

    Example:
        >>> layer, x = nn.Linear(3, 1), torch.randn(5, 3, requires_grad=True)
        >>> frozen(layer, x).sum().backward()
        >>> x.grad is None, layer.weight.grad is None
        (False, True)
    """
    constants = {name: parameter.detach() for name, parameter in layer.named_parameters()}
    return torch.func.functional_call(layer, constants, (x,))


def refuse_batch_norm(discriminator: nn.Module) -> None:
    """Refuse a discriminator with batch norm: it would judge batches, and the frozen call would move its averages."""
    for name, module in discriminator.named_modules():
        if isinstance(module, nn.modules.batchnorm._NormBase):
            raise ValueError(
                f"discriminator: {name or 'it'} is a {type(module).__name__}; real and made samples come in batches of "
                "their own, which its statistics would tell apart. Use layer norm or none."
            )


def _divisible(z, codeword_dim):
    if z.ndim != 2 or z.shape[1] % codeword_dim:
        raise ValueError(
            f"a quantiser with {codeword_dim} numbers in a codeword takes codes (B, K) with K divisible by {codeword_dim}; "
            f"got {tuple(z.shape)}."
        )
    return z
