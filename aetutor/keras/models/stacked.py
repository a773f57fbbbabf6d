"""Stacked autoencoders: the Keras twin of aetutor/torch/models/stacked.py, where the formulas and the pitfalls are."""

import itertools

import keras
from keras import ops

from ... import validation
from ...training_plan import TrainingDiverged
from ..autoencoder import Autoencoder
from ..inference import encode
from ..training import fit
from .denoising import DenoisingAutoencoder


def pretrain_stack(
    x,
    *,
    latent_dim,
    hidden=(256,),
    activation="relu",
    code_activation="linear",
    output_activation="linear",
    initializer="glorot_uniform",
    likelihood="squared_error",
    tied=False,
    corruption=None,
    level=0.25,
    val=None,
    epochs=10,
    batch_size=256,
    lr=1e-3,
    schedule="constant",
    seed=0,
    device="auto",
    progress="auto",
):
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
        >>> x = ops.convert_to_numpy(keras.random.uniform((64, 20)))
        >>> model, histories = pretrain_stack(x, latent_dim=2, hidden=(8, 4), epochs=1)
        >>> len(histories), tuple(model(keras.random.uniform((5, 20)))["z"].shape)
        (3, (5, 2))
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
        undo = [_Transposed(_dense(down), _dense(up)), *up[1:]] if tied else up
        parts = _sequential(x.shape[1:], down), _sequential((_dense(down).units,), undo)
        if corruption is None:
            stage = Autoencoder(*parts, **loss)
        else:
            stage = DenoisingAutoencoder(*parts, corruption=corruption, level=level, **loss)
        try:
            history = fit(
                stage, x, val=val, epochs=epochs[number], batch_size=batch_size, lr=lr, schedule=schedule, seed=seed,
                device=device, progress=progress,
            )  # fmt: skip
        except TrainingDiverged as error:
            raise TrainingDiverged(f"stage {number + 1}: {error}", error.history) from None
        histories.append(history)
        if tied:
            _dense(up).kernel.assign(ops.transpose(_dense(down).kernel))
        if history.stopped == "interrupted":
            break
    return model, histories


def _layers(part):
    """Layers of an encoder or decoder in lists, cut before each dense layer but the first: the same layers, not copies."""
    dense = [i for i, layer in enumerate(part.layers) if isinstance(layer, keras.layers.Dense)]
    return [part.layers[start:end] for start, end in itertools.pairwise([0, *dense[1:], len(part.layers)])]


def _dense(layer):
    return next(part for part in layer if isinstance(part, keras.layers.Dense))


def _sequential(shape, layers):
    return keras.Sequential([keras.layers.Input(shape), *layers])


class _Transposed(keras.layers.Layer):
    """(B, out) -> (B, in) with the kernel of a dense layer (B, in) -> (B, out), and the bias of another."""

    def __init__(self, dense, other):
        super().__init__()
        self.dense, self.bias = dense, other.bias
        self.built = True

    def call(self, h):
        """h W^T + c."""
        return ops.matmul(h, ops.transpose(self.dense.kernel)) + self.bias
