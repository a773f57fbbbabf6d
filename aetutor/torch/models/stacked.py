"""Stacked autoencoders: a deep autoencoder whose layers are trained one after the other.

    h_0 = x,   h_l = a_l(W_l h_(l-1) + b_l)                  the encoder's layers, l = 1 ... L; h_L is the code
    g_l = s_l(V_l h_l + c_l)                                 the decoder's layer that undoes layer l
    stage l trains (W_l, b_l, V_l, c_l) on the loss of (h_(l-1), g_l); tied: V_l = W_l^T
    unrolled: x -> h_1 -> ... -> h_L -> g_L -> ... -> g_1 = x_hat, each g_l computed from g_(l+1) in place of h_l

Stage 1 is trained with the loss of the likelihood, the others on squared error: what they reconstruct are a layer's numbers,
not data. A stage has two layers to train and knows nothing of the others; the errors that the stages add up to when
they are chained are then reduced by fine-tuning, an ordinary `fit` of the whole. With `corruption` each stage is a denoising
autoencoder, whose input is damaged anew in each step; the codes that the next stage is trained on are those of undamaged
input.

Pitfalls: the stages are the start, not the result: without fine-tuning the errors of all stages compound. Compare with
training end to end at equal work, not at equal epochs of the last run. Codes must be those of the frozen layers below, after
their training, computed once; weights are tied while a layer is trained, no longer when the whole is. An inner decoder layer
has the activation of the layer whose code it gives back: a ReLU there can die. Salt and pepper set a code to 0 or 1,
whatever its range is.

Source: Bengio, Lamblin, Popovici and Larochelle (2007); Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010) with noise;
Hinton and Salakhutdinov (2006) for unrolling, with Boltzmann machines as the stages.
"""

import itertools

import torch
from torch import Tensor, nn

from ... import validation
from ...history import History
from ...training_plan import TrainingDiverged
from ..autoencoder import Autoencoder
from ..inference import encode
from ..training import fit
from .denoising import DenoisingAutoencoder


def pretrain_stack(
    x,
    *,
    latent_dim: int,
    hidden=(256,),
    activation: str = "relu",
    code_activation: str = "linear",
    output_activation: str = "linear",
    initializer: str = "glorot_uniform",
    likelihood: str = "squared_error",
    tied: bool = False,
    corruption: str | None = None,
    level: float = 0.25,
    val=None,
    epochs=10,
    batch_size: int = 256,
    lr: float = 1e-3,
    schedule: str = "constant",
    seed: int = 0,
    device: str = "auto",
    progress: bool | str = "auto",
) -> tuple[Autoencoder, list[History]]:
    """Build a deep autoencoder and train its layers one after the other; `fit` then trains the whole.

    Args:
        x: array or memory map, (N, *D), as for `fit`.
        latent_dim: size K of the code.
        hidden: sizes of the encoder's hidden layers; there are len(hidden) + 1 stages.
        activation, code_activation, output_activation, initializer: as in Autoencoder.mlp.
        likelihood: as in Autoencoder; the loss of the first stage, and of the model that is returned.
        tied: in each stage the decoder's kernel is the encoder's, transposed; the two are apart in the model returned.
        corruption: None, or the one of DenoisingAutoencoder that each stage's input suffers.
        level: of the corruption.
        val: validation data; each stage is scored on their codes.
        epochs: of each stage: one number, or one for each.
        batch_size, lr, schedule, seed, device, progress: as in `fit`, for each stage.

    Returns:
        The model, Autoencoder.mlp(D, latent_dim=..., ...), pretrained, and the History of each stage, the first layer's
        first. Initial weights and the order of the batches follow from seed.

    Example:
        >>> model, histories = pretrain_stack(torch.rand(64, 20).numpy(), latent_dim=2, hidden=(8, 4), epochs=1)
        >>> len(histories), model(torch.rand(5, 20))["z"].shape
        (3, torch.Size([5, 2]))
    """
    x = validation.array("x", x)  # an iterable of batches is refused: the codes of each stage are kept in memory
    val = None if val is None else validation.array("val", val, shape=x.shape[1:])
    model = Autoencoder.mlp(
        x.shape[1:], latent_dim=latent_dim, hidden=hidden, activation=activation, code_activation=code_activation,
        output_activation=output_activation, initializer=initializer, likelihood=likelihood, seed=seed,
    )  # fmt: skip
    pairs = list(zip(_layers(model.encoder), reversed(_layers(model.decoder)), strict=True))
    epochs = validation.per_stage("epochs", epochs, len(pairs))
    if not isinstance(tied, bool):
        raise TypeError(f"tied must be True or False; got {validation.describe(tied)}.")
    if corruption is None:
        validation.left_alone("corruption=None", {"level": level}, {"level": 0.25})
    histories, stage = [], None
    for number, (down, up) in enumerate(pairs):
        if stage is not None:  # the codes of the layer that was trained last, which is trained no more
            x, val = (None if part is None else encode(stage, part) for part in (x, val))  # (N, width)
        loss = {"likelihood": "squared_error" if number else likelihood}
        undo = nn.Sequential(_Transposed(_dense(down), _dense(up)), *up[1:]) if tied else up
        if corruption is None:
            stage = Autoencoder(down, undo, **loss)
        else:
            stage = DenoisingAutoencoder(down, undo, corruption=corruption, level=level, **loss)
        try:
            history = fit(
                stage, x, val=val, epochs=epochs[number], batch_size=batch_size, lr=lr, schedule=schedule, seed=seed,
                device=device, progress=progress,
            )  # fmt: skip
        except TrainingDiverged as error:
            raise TrainingDiverged(f"stage {number + 1}: {error}", error.history) from None
        histories.append(history)
        if tied:
            with torch.no_grad():
                kernel = _dense(down).weight  # (out, in)
                _dense(up).to(kernel.device).weight.copy_(kernel.T)
        if history.stopped == "interrupted":
            break
    return model, histories


def _layers(part: nn.Sequential) -> list[nn.Sequential]:
    """An encoder or decoder cut before each dense layer but the first; the pieces hold the same modules, not copies."""
    dense = [i for i, module in enumerate(part) if isinstance(module, nn.Linear)]
    return [part[start:end] for start, end in itertools.pairwise([0, *dense[1:], len(part)])]


def _dense(layer: nn.Sequential) -> nn.Linear:
    return next(module for module in layer if isinstance(module, nn.Linear))


class _Transposed(nn.Module):
    """(B, out) -> (B, in) with the kernel of a dense layer (B, in) -> (B, out), and the bias of another."""

    def __init__(self, dense: nn.Linear, other: nn.Linear):
        super().__init__()
        self.dense, self.bias = dense, other.bias

    def forward(self, h: Tensor) -> Tensor:
        """h W^T + c."""
        return nn.functional.linear(h, self.dense.weight.T, self.bias)
