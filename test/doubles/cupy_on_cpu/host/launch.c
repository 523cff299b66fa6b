/* Kernels: loading, finding, launching. See runtime.h for the names.

   The "machine code" of a module is the path of a shared object. It has an entry point
   launch_K for each kernel K, made by kernels.py. */

#include "runtime.h"

enum { NAME_LENGTH = 200 };

typedef void entry_point(void **arguments, const unsigned *grid, const unsigned *block,
                         size_t shared_bytes);

typedef struct {
    entry_point *launch;
    char name[NAME_LENGTH];
} kernel;

static PyObject *launch_hook;

/* Let `hook(name)` be called before each launch; None ends it. */
void set_launch_hook(PyObject *hook) {
    Py_XDECREF(launch_hook);
    launch_hook = hook == Py_None ? NULL : Py_NewRef(hook);
}

intptr_t driver_moduleLoadData(PyObject *path, int skip_dispatch) {
    void *handle = dlopen(PyBytes_AsString(path), RTLD_NOW | RTLD_LOCAL);
    if (!handle) fail(dlerror());
    return (intptr_t)handle;
}

PyObject *driver_moduleUnload(intptr_t module, int skip_dispatch) { return none(); }

intptr_t driver_moduleGetFunction(intptr_t module, PyObject *name, int skip_dispatch) {
    char symbol[1024];
    const char *text = PyUnicode_AsUTF8(name);
    snprintf(symbol, sizeof symbol, "launch_%s", text);
    entry_point *launch = (entry_point *)dlsym((void *)module, symbol);
    if (!launch) {
        PyErr_Format(PyExc_RuntimeError, "CUDA_ERROR_NOT_FOUND: no kernel %s", text);
        return 0;
    }
    kernel *found = calloc(1, sizeof *found);
    found->launch = launch;
    strncpy(found->name, text, NAME_LENGTH - 1);
    return (intptr_t)found;
}

intptr_t driver_moduleGetGlobal(intptr_t module, PyObject *name, int skip_dispatch) {
    void *address = dlsym((void *)module, PyUnicode_AsUTF8(name));
    if (!address) fail("CUDA_ERROR_NOT_FOUND: no such global variable");
    return (intptr_t)address;
}

static int launch_is_possible(const unsigned *grid, const unsigned *block) {
    for (int axis = 0; axis < 3; axis++)
        if (!grid[axis] || !block[axis]) return 0;
    size_t threads = (size_t)block[0] * block[1] * block[2];
    return threads <= THREADS_PER_BLOCK && block[2] <= MAX_BLOCK_Z &&
           grid[0] <= INT32_MAX && grid[1] <= MAX_GRID_YZ && grid[2] <= MAX_GRID_YZ;
}

PyObject *driver_launchKernel(intptr_t function, unsigned grid_x, unsigned grid_y,
                              unsigned grid_z, unsigned block_x, unsigned block_y,
                              unsigned block_z, unsigned shared_bytes, intptr_t stream,
                              intptr_t arguments, intptr_t extra, int skip_dispatch) {
    kernel *called = (kernel *)function;
    unsigned grid[3] = {grid_x, grid_y, grid_z};
    unsigned block[3] = {block_x, block_y, block_z};
    if (!launch_is_possible(grid, block))
        return fail("CUDA_ERROR_INVALID_VALUE: launch configuration out of range");
    if (shared_bytes > SHARED_BYTES)
        return fail("CUDA_ERROR_INVALID_VALUE: more than 48 KiB of shared memory");
    statistics.launches++;
    if (launch_hook) {
        PyObject *result = PyObject_CallFunction(launch_hook, "s", called->name);
        if (!result) return NULL;
        Py_DECREF(result);
    }
    called->launch((void **)arguments, grid, block, shared_bytes);
    return none();
}

int driver_funcGetAttribute(int attribute, intptr_t function, int skip_dispatch) {
    const int max_threads_per_block = 0;
    return attribute == max_threads_per_block ? THREADS_PER_BLOCK : 0;
}

PyObject *driver_funcSetAttribute(intptr_t function, int attribute, int value,
                                  int skip_dispatch) {
    return none();
}

int driver_occupancyMaxActiveBlocksPerMultiprocessor(intptr_t function, int block_size,
                                                     size_t shared_bytes,
                                                     int skip_dispatch) {
    return 2;
}

PyObject *driver_occupancyMaxPotentialBlockSize(intptr_t function, size_t shared_bytes,
                                                int block_size_limit,
                                                int skip_dispatch) {
    const int min_grid_size = MULTIPROCESSORS, block_size = 256;
    return Py_BuildValue("(ii)", min_grid_size, block_size);
}
