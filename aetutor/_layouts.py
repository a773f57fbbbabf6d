"""How a PyTorch model's parameters become arrays in Keras' layout, and back: for `aetutor.testing`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from . import constants


class Layout(NamedTuple):
    """One array in Keras' layout, the parameters it is made of, and the way there and back."""

    parameters: list[Any]
    to_keras: Callable[[list[np.ndarray]], np.ndarray]
    to_torch: Callable[[np.ndarray], list[np.ndarray]]


def keras_layouts(model) -> dict[str, Layout]:
    """{name: Layout} of a PyTorch model, in the order of its layers."""
    from torch import nn

    axes = {nn.Linear: (1, 0), nn.Conv1d: (2, 1, 0), nn.Conv2d: (2, 3, 1, 0)}
    axes |= {nn.ConvTranspose1d: (2, 1, 0), nn.ConvTranspose2d: (2, 3, 1, 0)}
    cells = {nn.GRU: "gru", nn.LSTM: "lstm"}
    found = {}
    for path, module in model.named_modules():
        own = dict(module.named_parameters(recurse=False))
        if type(module) in cells:
            found |= _recurrent(path, own, cells[type(module)])
            continue
        for name, parameter in own.items():
            found[f"{path}.{name}".strip(".")] = _transposed(parameter, axes.get(type(module)) if name == "weight" else None)
    return found


def _transposed(parameter, axes=None) -> Layout:
    """The axes of one parameter in another order; None keeps them."""
    if axes is None:
        return Layout([parameter], lambda arrays: arrays[0], lambda array: [array])
    back = tuple(np.argsort(axes))
    return Layout([parameter], lambda arrays: arrays[0].transpose(axes), lambda array: [array.transpose(back)])


def _recurrent(path, own, cell) -> dict[str, Layout]:
    """Of one nn.GRU or nn.LSTM, layer by layer: kernel, recurrent kernel, bias."""
    gates, found = constants.CELL_GATES[cell], {}

    def ordered(array):
        """Swap the gates' blocks in the last axis; the same swap leads back."""
        blocks = np.split(array, len(gates), axis=-1)
        return np.concatenate([blocks[i] for i in gates], axis=-1)

    for suffix in (name.removeprefix("weight_ih") for name in own if name.startswith("weight_ih")):
        for name in (f"weight_ih{suffix}", f"weight_hh{suffix}"):
            found[f"{path}.{name}"] = Layout(
                [own[name]], lambda arrays: ordered(arrays[0].T), lambda array: [ordered(array).T]
            )
        biases = {name: own[name] for name in (f"bias_ih{suffix}", f"bias_hh{suffix}") if name in own}
        if biases and cell == "gru":
            found[f"{path}.bias{suffix}"] = Layout(
                list(biases.values()), lambda arrays: np.stack([ordered(a) for a in arrays]), ordered
            )
        else:  # Keras has one; a second one that is trained stands by itself, so that such a model has no twin
            found |= {f"{path}.{name}": _transposed(bias) for name, bias in biases.items() if bias.requires_grad}
    return found
