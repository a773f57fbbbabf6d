"""What an autoencoder must beat.

>>> from aetutor import datasets, metrics
>>> data = datasets.load("digits", seed=0)
>>> linear = pca(data.x_train, 8)
>>> float(metrics.squared_error(data.x_test, linear.reconstruct(data.x_test)).mean()) < 2.0
True
"""

from ._clusters import KMeans, kmeans
from ._images import jpeg, non_local_means
from ._linear import PCA, MeanImage, RoundedPCA, mean_image, pca, rounded_pca
from ._maps import UMAP, umap
from ._mixtures import BernoulliMixture, bernoulli_mixture
from ._outliers import IsolationForest, NearestNeighbors, isolation_forest, nearest_neighbors

__all__ = [
    "PCA",
    "UMAP",
    "BernoulliMixture",
    "IsolationForest",
    "KMeans",
    "MeanImage",
    "NearestNeighbors",
    "RoundedPCA",
    "bernoulli_mixture",
    "isolation_forest",
    "jpeg",
    "kmeans",
    "mean_image",
    "nearest_neighbors",
    "non_local_means",
    "pca",
    "rounded_pca",
    "umap",
]
