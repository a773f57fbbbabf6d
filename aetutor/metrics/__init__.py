"""How good a reconstruction, a likelihood or a code is.

All functions take NumPy arrays with the samples on the first axis. "Per sample" means: summed over all other axes, never
averaged over them, so that values are comparable with a loss and with the literature. Sums are taken in float64.
"""

from ._codes import active_units, codebook_use, dead_units, linear_probe, max_cosine_similarity, mean_activity, perplexity
from ._labels import auroc, knn_accuracy, normalized_mutual_information, trustworthiness
from ._likelihoods import bernoulli_nll, cross_entropy, gaussian_nll, kl_standard_normal
from ._objectives import effective_beta
from ._reconstructions import mean_squared_error, psnr, squared_error, ssim
from ._samples import maximum_mean_discrepancy, sharpness, two_sample_accuracy

__all__ = [
    "active_units",
    "auroc",
    "bernoulli_nll",
    "codebook_use",
    "cross_entropy",
    "dead_units",
    "effective_beta",
    "gaussian_nll",
    "kl_standard_normal",
    "knn_accuracy",
    "linear_probe",
    "max_cosine_similarity",
    "maximum_mean_discrepancy",
    "mean_activity",
    "mean_squared_error",
    "normalized_mutual_information",
    "perplexity",
    "psnr",
    "sharpness",
    "squared_error",
    "ssim",
    "trustworthiness",
    "two_sample_accuracy",
]
