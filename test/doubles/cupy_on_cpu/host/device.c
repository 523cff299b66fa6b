/* The device, its streams and its events. See runtime.h for the names. */

#include "runtime.h"

int capturing = 0; /* whether a CUDA graph is pretended to be captured */

int runtime_getDevice(int skip_dispatch) { return 0; }
int runtime_getDeviceCount(int skip_dispatch) { return 1; }
PyObject *runtime_setDevice(int device, int skip_dispatch) { return none(); }
int runtime_driverGetVersion(int skip_dispatch) { return DRIVER_VERSION; }
int runtime_deviceCanAccessPeer(int a, int b, int skip_dispatch) { return 0; }
PyObject *runtime__ensure_context(void) { return none(); }
PyObject *runtime_deviceSynchronize(int skip_dispatch) { return synchronise(); }
intptr_t driver_ctxGetCurrent(int skip_dispatch) { return 1; }

int runtime_pointerGetMemoryType(intptr_t pointer, int skip_dispatch) {
    const int memory_type_device = 2;
    return memory_type_device;
}

int runtime_deviceGetAttribute(int attribute, int device, int skip_dispatch) {
    switch (attribute) { /* numbers of cudaDeviceAttr in CUDA */
        case 1: return THREADS_PER_BLOCK;
        case 8: return SHARED_BYTES;
        case 10: return WARP_SIZE;
        case 16: return MULTIPROCESSORS;
        case 75: return COMPUTE_MAJOR;
        case 76: return COMPUTE_MINOR;
        default: return 0;
    }
}

PyObject *runtime_getDeviceProperties(int device, int skip_dispatch) {
    Py_ssize_t total = device_bytes, shared = SHARED_BYTES;
    return Py_BuildValue(
        "{s:y, s:i, s:i, s:i, s:i, s:i, s:n, s:n, s:i, s:(iii), s:(iii)}", "name",
        "CPU in the place of a GPU", "warpSize", WARP_SIZE, "maxThreadsPerBlock",
        THREADS_PER_BLOCK, "multiProcessorCount", MULTIPROCESSORS, "major",
        COMPUTE_MAJOR, "minor", COMPUTE_MINOR, "sharedMemPerBlock", shared,
        "totalGlobalMem", total, "regsPerBlock", 65536, "maxThreadsDim",
        THREADS_PER_BLOCK, THREADS_PER_BLOCK, MAX_BLOCK_Z, "maxGridSize", INT32_MAX,
        MAX_GRID_YZ, MAX_GRID_YZ);
}

/* Streams and events: everything runs at once, so they are mere handles. */

static intptr_t new_handle(void) {
    static intptr_t last = 0x1000;
    return last += 16;
}

intptr_t runtime_streamCreate(int skip_dispatch) { return new_handle(); }

intptr_t runtime_streamCreateWithFlags(unsigned flags, int skip_dispatch) {
    return new_handle();
}

intptr_t runtime_streamCreateWithPriority(unsigned flags, int priority,
                                          int skip_dispatch) {
    return new_handle();
}

PyObject *runtime_streamDestroy(intptr_t stream, int skip_dispatch) { return none(); }
PyObject *runtime_streamQuery(intptr_t stream, int skip_dispatch) { return none(); }
int runtime_streamIsCapturing(intptr_t stream, int skip_dispatch) { return capturing; }

PyObject *runtime_streamSynchronize(intptr_t stream, int skip_dispatch) {
    return synchronise();
}

PyObject *runtime_streamWaitEvent(intptr_t stream, intptr_t event, int skip_dispatch,
                                  void *optional) {
    return none();
}

intptr_t runtime_eventCreate(int skip_dispatch) { return new_handle(); }

intptr_t runtime_eventCreateWithFlags(unsigned flags, int skip_dispatch) {
    return new_handle();
}

PyObject *runtime_eventDestroy(intptr_t event, int skip_dispatch) { return none(); }
PyObject *runtime_eventQuery(intptr_t event, int skip_dispatch) { return none(); }

PyObject *runtime_eventRecord(intptr_t event, intptr_t stream, int skip_dispatch) {
    return none();
}

PyObject *runtime_eventSynchronize(intptr_t event, int skip_dispatch) {
    return synchronise();
}

float runtime_eventElapsedTime(intptr_t start, intptr_t end, int skip_dispatch) {
    return 0;
}
