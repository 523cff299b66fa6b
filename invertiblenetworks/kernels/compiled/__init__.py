"""Kernels in C, for processors and installations that have them; NumPy does it too."""
