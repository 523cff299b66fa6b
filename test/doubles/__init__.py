"""Stand-ins for CuPy, so that a machine without a GPU can test the CuPy path.

``strict_cupy`` looks like CuPy and computes with NumPy; ``cupy_on_cpu`` runs the
installed CuPy itself on the CPU. See the README in this folder.
"""
