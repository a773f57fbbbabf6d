"""Autoencoders in Keras 3. The same names and signatures as aetutor.torch:

    from aetutor import keras as ae

    model = ae.VAE.mlp(784, latent_dim=16, hidden=(256, 128), likelihood="bernoulli", seed=0)
    history = ae.fit(model, x_train, val=x_val, epochs=20)

Methods speak tensors of Keras' backend; the functions here take and give NumPy arrays (images as NHWC, float32 in [0, 1]).
The backend is the one Keras chose: TensorFlow, or what the environment variable KERAS_BACKEND names before the first import.
"""

try:
    import keras as _keras  # noqa: F401 (only to say clearly what is missing)
except ModuleNotFoundError as error:
    from ._missing import explain

    raise explain(error) from None

from . import backbones, layers, losses
from .autoencoder import Autoencoder
from .data import batches
from .inference import decode, encode, evaluate, inpaint, interpolate, log_likelihood, reconstruct, sample, traverse
from .models import (
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
    pretrain_stack,
)
from .saving import load, save
from .training import fit

__all__ = [
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
    "encode",
    "evaluate",
    "fit",
    "inpaint",
    "interpolate",
    "layers",
    "load",
    "log_likelihood",
    "losses",
    "pretrain_stack",
    "reconstruct",
    "sample",
    "save",
    "traverse",
]
