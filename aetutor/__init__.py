"""aetutor: autoencoders in PyTorch and in Keras 3, under the same names.

    from aetutor import datasets, metrics, plots
    from aetutor import torch as ae                  # or: from aetutor import keras as ae

Importing this package loads no framework: submodules are imported when they are first used.
"""

import importlib

__version__ = "0.1.0"

_SUBMODULES = frozenset(
    {"baselines", "coding", "corruption", "datasets", "keras", "metrics", "pages", "plots", "testing", "torch", "validation"}
)


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_SUBMODULES})
