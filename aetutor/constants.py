"""The page of constants: values that PyTorch and Keras set differently by default, written out once for both.

    what                      torch's default   Keras' default   here
    layer norm epsilon        1e-5              1e-3             LAYER_NORM_EPSILON
    leaky ReLU slope          0.01              0.2              LEAKY_SLOPE
    Adam epsilon              1e-8              1e-7             ADAM_EPSILON
    AdamW weight decay        0.01              0.004            0 unless `weight_decay=` is given
    initial dense kernel      Kaiming uniform   Glorot uniform   aetutor.initializers
    padding of strided conv   symmetric         "same": depends  CONV_PADDING on each side, never "same"

A test reads the built layers and optimisers of both frameworks and compares them with these values.
"""

LAYER_NORM_EPSILON = 1e-5
LEAKY_SLOPE = 0.01
ADAM_BETAS = (0.9, 0.999)
ADAM_EPSILON = 1e-8

CONV_KERNEL = 3
CONV_STRIDE = 2
CONV_PADDING = 1  # with a kernel of 3 and a stride of 2 a side of n becomes ceil(n / 2)

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "linear")

#: Samples in one block of the validation noise: noise depends on (seed, sample index), not on the batch size.
EVALUATION_BLOCK = 256


def halved_sides(height: int, width: int, stages: int) -> list[tuple[int, int]]:
    """Side lengths after 0, 1, ..., `stages` strided convolutions; a decoder crops back to them, so odd sizes work."""
    sides = [(height, width)]
    for _ in range(stages):
        height, width = -(-height // 2), -(-width // 2)
        sides.append((height, width))
    return sides
