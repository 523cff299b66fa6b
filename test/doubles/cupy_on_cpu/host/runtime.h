/* Host functions in the place of the CUDA runtime and driver: what their files share.

   CuPy's compiled modules call each other through C function pointers. Functions with
   the prefix runtime_ take the places of those of cupy_backends.cuda.api.runtime, those
   with driver_ the places of cupy_backends.cuda.api.driver; their C signatures must be
   the ones in signatures.json. The parameter skip_dispatch is Cython's and means
   nothing here. All functions are called with Python's global lock held. */

#pragma once
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What happened since the last reset; runtime.py repeats the fields in this order. */
typedef struct {
    long h2d, d2h, d2d; /* copies: host to device, back, on the device */
    long h2d_bytes, d2h_bytes, d2d_bytes;
    long launches;
    long sync; /* times that the host had to wait */
    long mallocs, frees;
    long live, peak; /* bytes taken from the device */
    long memsets;
} counts;

extern counts statistics;
extern size_t device_bytes;

/* The device that is pretended. */
enum {
    WARP_SIZE = 32,
    THREADS_PER_BLOCK = 1024,
    SHARED_BYTES = 48 * 1024,
    MULTIPROCESSORS = 4,
    COMPUTE_MAJOR = 8,
    COMPUTE_MINOR = 0,
    DRIVER_VERSION = 13000,
    MAX_GRID_YZ = 65535,
    MAX_BLOCK_Z = 64,
};

static inline PyObject *none(void) { Py_RETURN_NONE; }

static inline PyObject *fail(const char *message) {
    PyErr_SetString(PyExc_RuntimeError, message);
    return NULL;
}

/* Wait for the device: postponed copies arrive (memory.c). */
PyObject *synchronise(void);
