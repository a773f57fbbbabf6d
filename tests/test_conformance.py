"""Every class of both frameworks does what an autoencoder of the package must do, on two of Keras' backends."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cases import CASES

from aetutor import testing

SIDES = ("torch", "keras")
HERE = Path(__file__).parent


@pytest.mark.parametrize(("name", "side"), [(name, side) for name, case in CASES.items() for side in case.sides])
def test_conforms(name, side):
    case = CASES[name]
    ae = importlib.import_module(f"aetutor.{side}")
    assert "resumed" in testing.check_autoencoder(lambda: case.build(ae), case.data())


@pytest.mark.parametrize("side", SIDES)
def test_every_class_has_a_case(side):
    ae = importlib.import_module(f"aetutor.{side}")
    classes = {name for name in ae.__all__ if isinstance(getattr(ae, name), type)}
    assert classes <= {type(case.build(ae)).__name__ for case in CASES.values() if side in case.sides}


def test_conforms_on_keras_torch_backend():
    """In a process of its own: a backend is chosen once, at Keras' import. The full list, in the same words."""
    program = (
        "from cases import CASES; from aetutor import keras as ae, testing; import keras\n"
        "assert keras.backend.backend() == 'torch'\n"
        "for name in ('mlp, leaky ReLU and layer norm', 'conv', 'conv, signals, transposed, He', 'VAE, mlp, binary',"
        " 'denoising, conv, masking, cross-entropy', 'recurrent, VAE, LSTM', 'sequences, GRU, padding, learned sigma',"
        " 'residual, densely connected, denoising, He', 'adversarial, conv, learned sigma',"
        " 'Wasserstein, mlp, several scales', 'VAE-GAN, mlp, cross-entropy'):\n"
        "    testing.check_autoencoder(lambda: CASES[name].build(ae), CASES[name].data())\n"
        "    print('conforms:', name)\n"
    )
    environment = os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": str(HERE)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("conforms:") == 11
