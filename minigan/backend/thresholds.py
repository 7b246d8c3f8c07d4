"""From which sizes on the kernels go another way, and how much they take at a time.

Those of the CPU are measured by

    python examples/thresholds.py [NAME ...]

which times a kernel of the DCGANs' sizes with the number as it is, smaller and larger, in turns.
Those of the GPU are reckoned: no device has measured them. What is marked * decides in which order
numbers are added, and so the last bits of results: change it only for a gain that shows.
"""
from __future__ import annotations

# CPU, when to wake other threads: below, it takes as long as they save
SHARED_PASS = 1 << 18         # * elements of an activation, of a sum, or of an optimiser's update
SHARED_PRODUCT = 1 << 24      # * operations of a product of matrices
SHARED_CONVOLUTION = 1 << 26  # operations of a convolution
SHARED_DEPTHWISE = 1 << 21    # operations of a depthwise convolution

# CPU, how much at a time: it stays in a core's cache, and threads seldom meet at Python's lock
PASS_BLOCK = 1 << 17          # * elements of an activation, of a sum, or of an update
POOL_BLOCK = 1 << 18          # elements of the images that are pooled at a time
NORM_BLOCK = 1 << 17          # * elements of a normalisation
PATCH_BLOCK = 1 << 21         # * bytes of a convolution's patches; little changes from 1 to 4 MB
DEPTHWISE_ROW = 1 << 11       # * elements of a line of a depthwise convolution's block
DEPTHWISE_BLOCK = 1 << 17     # * elements of such a block
STRIP = 128                   # * lines of a product's strip, at least, if there are more than two
STRIPS = 16                   # * strips of a product, at most
PARTS = 4                     # * pieces of the batch, over which a weight gradient is summed

# CPU, when to go another way
SHORT_RUN = 20                # * numbers side by side: of fewer, patches are gathered by columns
SHORT_ROW = 1 << 4            # elements: of shorter rows all first ones, then all second ones ...
SUMMED_BY_ONES = 1 << 10      # * elements of a row: so many are summed as a product with ones
SIMPLE_PASSES = 1 << 10       # * elements: several simple passes take less than where or log1p
FEW_CHANNELS = 8              # * up to here a row of patches is mostly overhead
NORM_LARGE = 1 << 18          # * elements and 64 a row: batch normalisation of fewer is plain
NORM_ROW = 1 << 9             # * elements: shorter rows are joined, for NumPy is slow on them

# GPU
GPU_ELEMENTS = 1 << 28        # of patches or products at a time: 1 GB of float32
GPU_LARGER = 4                # times less must be written to multiply first, or to gather first
