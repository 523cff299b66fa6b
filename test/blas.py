"""What the BLAS library may use at the moment."""

from threadpoolctl import threadpool_info


def blas_threads():
    """Number of threads of the BLAS, which must be one number."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    (number,) = {library["num_threads"] for library in blas}
    return number
