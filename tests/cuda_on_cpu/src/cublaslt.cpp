// libcublasLt.so.12: cuBLAS is not taken for loaded without it, and nothing of it is called.
