"""Autoencoders in PyTorch. The same names and signatures as aetutor.keras:

    from aetutor import torch as ae

    model = ae.VAE.mlp(784, latent_dim=16, hidden=(256, 128), likelihood="bernoulli", seed=0)
    history = ae.fit(model, x_train, val=x_val, epochs=20)

Methods speak tensors (images as NCHW); the functions here take and give NumPy arrays (images as NHWC, float32 in [0, 1]).
"""

try:
    import torch as _torch  # noqa: F401 (only to say clearly what is missing)
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ModuleNotFoundError(
        'aetutor.torch needs PyTorch: pip install "aetutor[torch]". For Keras use aetutor.keras.', name="torch"
    ) from None

from . import backbones, layers, losses
from .autoencoder import Autoencoder
from .chains import draw_chains, free_energy, log_partition
from .data import batches
from .inference import decode, encode, evaluate, inpaint, interpolate, log_likelihood, reconstruct, sample, traverse
from .models import (
    DBM,
    RBM,
    VAE,
    VAEGAN,
    VQVAE,
    AdversarialAutoencoder,
    ConditionalVAE,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    MaskedAutoencoder,
    SequenceAutoencoder,
    SparseAutoencoder,
    WassersteinAutoencoder,
    pretrain_boltzmann,
    pretrain_stack,
)
from .saving import load, save
from .training import fit

__all__ = [
    "DBM",
    "RBM",
    "VAE",
    "VAEGAN",
    "VQVAE",
    "AdversarialAutoencoder",
    "Autoencoder",
    "ConditionalVAE",
    "ContractiveAutoencoder",
    "DenoisingAutoencoder",
    "MaskedAutoencoder",
    "SequenceAutoencoder",
    "SparseAutoencoder",
    "WassersteinAutoencoder",
    "backbones",
    "batches",
    "decode",
    "draw_chains",
    "encode",
    "evaluate",
    "fit",
    "free_energy",
    "inpaint",
    "interpolate",
    "layers",
    "load",
    "log_likelihood",
    "log_partition",
    "losses",
    "pretrain_boltzmann",
    "pretrain_stack",
    "reconstruct",
    "sample",
    "save",
    "traverse",
]
