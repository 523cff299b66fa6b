"""The most bytes that CuPy's memory pool lends out at a time."""

from invertiblenetworks.backend import cupy_module


def pool_peak(compute):
    """Bytes that the pool lent out at once while ``compute`` ran, from a hook."""

    class Peak(cupy_module("cupy.cuda").MemoryHook):
        name = "peak"
        now = peak = 0

        def malloc_postprocess(self, *, mem_size, **_):
            self.now += mem_size
            self.peak = max(self.peak, self.now)

        def free_postprocess(self, *, mem_size, **_):
            self.now -= mem_size

    with Peak() as hook:
        compute()
    return hook.peak
