"""CUDA on the CPU, for tests of the real CuPy where there is no GPU."""
