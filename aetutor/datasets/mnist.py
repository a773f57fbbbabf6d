"""MNIST: 28 x 28 grey images of handwritten digits, the official 60,000 / 10,000 split."""

from ._official import Publication

PUBLICATION = Publication(
    name="mnist",
    title="MNIST handwritten digits",
    source="http://yann.lecun.com/exdb/mnist/ (LeCun, Cortes, Burges)",
    licence="no licence file with the data; usually quoted as CC BY-SA 3.0",
    citation="lecun1998gradient",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    files=(
        ("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        ("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        ("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    classes=tuple("0123456789"),
)


def load(seed: int):
    """55,000 training, 5,000 validation and the official 10,000 test images, (N, 28, 28, 1)."""
    return PUBLICATION.load(seed)
