"""Choice of the array library, fixtures that hide it, and the markers."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from doubles import backends

from invertiblenetworks.kernels import (
    product_sum,
    products,
    shifted_correlation,
    workers,
)
from invertiblenetworks.kernels.compiled import library

SEED = 20240229

MARKERS = {
    "gpu": "needs a real GPU",
    "slow": "takes more than a few seconds",
    "golden": "compares with values stored from the original Julia package",
    "kernels": "runs hand-written CUDA kernels where the backend compiles them",
}

# The doubles are imported by the backend that wants them, never by the doctest
# collector: importing one changes what ``import cupy`` means.
collect_ignore_glob = ["doubles/*"]

TESTS_OF_ONE_BACKEND = {
    "test_compiled*.py": "numpy",
    "test_team.py": "numpy",
    "test_doubles_emulated*.py": "emulated",
    "test_gpu_*.py": "cupy",
}

BACKEND = pytest.StashKey[backends.Backend]()


def pytest_addoption(parser):
    parser.addoption(
        "--backend",
        choices=backends.NAMES,
        default="numpy",
        help="array library to test on; see test/doubles/README.md",
    )


def pytest_configure(config):
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    try:
        config.stash[BACKEND] = backends.load(config.getoption("backend"))
    except backends.NoDeviceError as error:
        raise pytest.UsageError(f"--backend cupy: {error}") from error


def pytest_ignore_collect(collection_path, config):
    """Collect the tests of one backend only in its run."""
    for pattern, backend in TESTS_OF_ONE_BACKEND.items():
        if collection_path.match(pattern):
            return config.stash[BACKEND].name != backend
    return None


def pytest_report_header(config):
    backend = config.stash[BACKEND]
    return f"array library: {backend.name} ({backend.xp.__name__})"


@pytest.fixture(scope="module", autouse=True)
def _no_walks_through_the_past():
    """Collections of garbage need not walk through all tests and their reports."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def backend(request):
    """The chosen array library with its counters."""
    return request.config.stash[BACKEND]


@pytest.fixture(scope="session")
def xp(backend):
    """The array module under test."""
    return backend.xp


@pytest.fixture(scope="session")
def to_xp(backend):
    """Function that moves a NumPy array to the array library under test."""
    return backend.to_xp


@pytest.fixture(scope="session")
def to_numpy(backend):
    """Function that moves an array of the library under test to NumPy."""
    return backend.to_numpy


@pytest.fixture(scope="session")
def layer_to_xp(backend):
    """Function that moves a layer to the array library under test and returns it."""
    return lambda layer: layer if backend.xp is np else layer.to_gpu()


@pytest.fixture
def rng():
    """Random numbers, the same in every run; drawn on the host for all backends."""
    return np.random.default_rng(SEED)


@pytest.fixture
def device_counters(backend):
    """Counters of synchronisations and host-device copies, set to zero."""
    backend.counters.reset()
    return backend.counters


COMPILED = [name for name in library.NAMES if library.load(name) is not None]


def pytest_generate_tests(metafunc):
    """Let tests run with all compiled libraries that this processor can use."""
    on_numpy = metafunc.config.stash[BACKEND].name == "numpy"
    names = COMPILED if on_numpy else []
    for fixture, choices in {
        "compiled_library": names,
        "each_library": [None, *names],
    }.items():
        if fixture in metafunc.fixturenames:
            ids = [name or "not compiled" for name in choices]
            metafunc.parametrize(fixture, choices, ids=ids, indirect=True)


@pytest.fixture
def compiled_library(request, monkeypatch):
    """Name of the compiled library in use, each in turn."""
    return _use_library(request.param, monkeypatch)


@pytest.fixture
def each_library(request, monkeypatch):
    """The same, and None for kernels of NumPy."""
    return _use_library(request.param, monkeypatch)


@pytest.fixture(params=[1, 3], ids=["one part", "three parts"])
def n_parts(request, monkeypatch):
    """Number of threads that share the work of a compiled function."""
    monkeypatch.setattr(workers, "n_parts", lambda n_multiplications: request.param)
    return request.param


@pytest.fixture
def numpy_kernels(monkeypatch):
    """Kernels of NumPy, as where nothing could be compiled."""
    _use_library(None, monkeypatch)


def _use_library(name, monkeypatch):
    for module in (library, workers):
        monkeypatch.setattr(module, "compiled_kernels", lambda: name)
    return name


@pytest.fixture(params=[False, True], ids=["whole products", "small products"])
def small_kernels(request, monkeypatch):
    """Products left whole, or cut into parts, so small that there are many."""
    monkeypatch.setattr(products, "has_small_kernels", lambda: request.param)
    monkeypatch.setattr(products, "LEAST_WIDTH", 16)
    monkeypatch.setattr(products, "MOST_WIDTH", 16)
    monkeypatch.setattr(shifted_correlation, "LEAST_PIXELS", 1)
    for module in (product_sum, shifted_correlation):
        monkeypatch.setattr(module, "MOST_COLUMNS", 16)
    shifted_correlation._grid.cache_clear()
    yield request.param
    shifted_correlation._grid.cache_clear()
