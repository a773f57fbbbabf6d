"""Small models, and a script runner for what needs a process of its own."""

import hashlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SMALL = dict(likelihood="bernoulli", latent_dim=2, hidden=(8,))


def vae(seed=0, **kw):
    from aetutor import keras as ae

    return ae.VAE.mlp((4, 4, 1), **(SMALL | kw), seed=seed)


def plain(seed=0, **kw):
    from aetutor import keras as ae

    return ae.Autoencoder.mlp((4, 4, 1), latent_dim=2, hidden=(8,), seed=seed, **kw)


def arrays(model):
    return [np.array(v) for v in model.get_weights()]


def digest(model):
    return hashlib.sha256(b"".join(v.tobytes() for v in arrays(model))).hexdigest()


def same(a, b):
    return all(v.tobytes() == w.tobytes() for v, w in zip(arrays(a), arrays(b), strict=True))


def run_python(code, **env):
    """Standard output of a fresh interpreter; fails with its errors."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"} | env
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, env=env, cwd="/")
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
