"""A stack of restricted Boltzmann machines, unrolled into an autoencoder: how deep nets were started in 2006.

Pitfalls: what comes back is a start, to be fine-tuned with `fit`; the machines never saw each other's errors. Rectified
units from random weights need none of it, and often do better: train them beside it.

Source: Hinton and Salakhutdinov (2006). The machine itself is in boltzmann.py; stages that are autoencoders, in stacked.py.
"""

import torch
from torch import nn

from ... import validation
from ...history import History
from ...training_plan import TrainingDiverged
from ..autoencoder import Autoencoder
from ..data import to_tensor
from ..inference import encode
from ..training import fit
from .boltzmann import RBM
from .stacked import _dense, _layers


def pretrain_boltzmann(
    x,
    *,
    latent_dim: int,
    hidden=(256,),
    initializer: str = "glorot_uniform",
    steps: int = 1,
    chains: int = 0,
    val=None,
    epochs=10,
    batch_size: int = 256,
    lr: float = 1e-3,
    schedule: str = "constant",
    seed: int = 0,
    device: str = "auto",
    progress: bool | str = "auto",
) -> tuple[Autoencoder, list[History]]:
    """Train a stack of RBMs, each on the code of the one below, and unroll it into an autoencoder; `fit` then trains that.

        h_l = s(W_l h_(l-1) + c_l),  h_0 = x          x_hat = s(b_1 + W_1^T s(b_2 + W_2^T ... h_L))

    Each machine begins at the means of its data. Codes are handed up as probabilities, not as draws. Once unrolled, a layer
    and the one that undoes it are two layers.

    Args:
        x: array or memory map in [0, 1], (N, *D), as for `fit`.
        latent_dim: size K of the code: hidden units of the last machine.
        hidden: of the machines before it.
        initializer: as in RBM.mlp.
        steps, chains: as in RBM.
        val: validation data; each machine is scored on their codes.
        epochs: of each machine: one number, or one for each.
        batch_size, lr, schedule, seed, device, progress: as in `fit`, for each machine.

    Returns:
        The model, Autoencoder.mlp(D, latent_dim=..., hidden=..., activation="sigmoid", code_activation="sigmoid",
        likelihood="bernoulli"), pretrained, and the History of each machine, the first one's first.

    Example:
        >>> model, histories = pretrain_boltzmann(torch.rand(64, 20).numpy(), latent_dim=2, hidden=(8, 4), epochs=1)
        >>> len(histories), model(torch.rand(5, 20))["z"].shape
        (3, torch.Size([5, 2]))
    """
    x = validation.array("x", x, likelihood="bernoulli")
    val = None if val is None else validation.array("val", val, shape=x.shape[1:], likelihood="bernoulli")
    model = Autoencoder.mlp(
        x.shape[1:], latent_dim=latent_dim, hidden=hidden, activation="sigmoid", code_activation="sigmoid",
        initializer=initializer, likelihood="bernoulli", seed=seed,
    )  # fmt: skip
    pairs = list(zip(_layers(model.encoder), reversed(_layers(model.decoder)), strict=True))
    epochs = validation.per_stage("epochs", epochs, len(pairs))
    histories, stage = [], None
    for number, (down, up) in enumerate(pairs):
        if stage is not None:
            x, val = (None if part is None else encode(stage, part) for part in (x, val))  # (N, K_l)
        logits = [part for part in up if not isinstance(part, nn.Sigmoid)]
        stage = RBM(down, nn.Sequential(*logits), steps=steps, chains=chains, seed=seed)
        stage.start_at(to_tensor(x))
        try:
            history = fit(
                stage, x, val=val, epochs=epochs[number], batch_size=batch_size, lr=lr, schedule=schedule, seed=seed,
                device=device, progress=progress,
            )  # fmt: skip
        except TrainingDiverged as error:
            raise TrainingDiverged(f"stage {number + 1}: {error}", error.history) from None
        histories.append(history)
        with torch.no_grad():
            kernel, b, _ = stage.bipartite()  # of `down`, which was trained in place
            _dense(up).to(kernel.device).weight.copy_(kernel.T)
            _dense(up).bias.copy_(b)
        if history.stopped == "interrupted":
            break
    return model, histories
