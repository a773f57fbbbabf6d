"""What the baselines share."""

import numpy as np


def flat(x) -> np.ndarray:
    """(N, *D) as (N, D)."""
    return x.reshape(len(x), -1)
