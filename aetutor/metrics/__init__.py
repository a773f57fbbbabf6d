"""How good a reconstruction, a likelihood or a code is.

All functions take NumPy arrays with the samples on the first axis. "Per sample" means: summed over all other axes, never
averaged over them, so that values are comparable with a loss and with the literature. Sums are taken in float64.
"""

from ._codes import active_units, linear_probe
from ._likelihoods import bernoulli_nll, cross_entropy, gaussian_nll, kl_standard_normal
from ._objectives import effective_beta
from ._reconstructions import mean_squared_error, psnr, squared_error, ssim

__all__ = [
    "active_units",
    "bernoulli_nll",
    "cross_entropy",
    "effective_beta",
    "gaussian_nll",
    "kl_standard_normal",
    "linear_probe",
    "mean_squared_error",
    "psnr",
    "squared_error",
    "ssim",
]
