/* Device memory and copies. See runtime.h for the names.

   A block is laid out as  header | data | guard.  New data is filled with NaN bits:
   reading what nobody wrote shows. The guard is checked when the block is freed, so
   writing past the end shows. Under AddressSanitizer the guard is poisoned too, which
   names the faulty line. */

#include "runtime.h"

counts statistics;
size_t device_bytes = (size_t)8 << 30;
long corrupt_blocks = 0; /* blocks that a kernel wrote beyond */

enum { GUARD_BYTES = 512, GUARD_VALUE = 0xA5, UNWRITTEN_VALUE = 0xFF };

typedef struct {
    size_t size;
    char padding[512 - sizeof(size_t)];
} block_header;

static void (*poison)(const volatile void *, size_t);
static void (*unpoison)(const volatile void *, size_t);

static void find_address_sanitizer(void) {
    static int searched = 0;
    if (searched) return;
    searched = 1;
    poison = dlsym(RTLD_DEFAULT, "__asan_poison_memory_region");
    unpoison = dlsym(RTLD_DEFAULT, "__asan_unpoison_memory_region");
}

/* Length of the guard: it also fills the block up to a multiple of 512 bytes. */
static size_t guard_length(size_t size) {
    size_t padded = (size + 511) & ~(size_t)511;
    return padded - size + GUARD_BYTES;
}

static void raise_out_of_memory(void) {
    PyObject *module = PyImport_ImportModule("cupy_backends.cuda.api.runtime");
    PyObject *type = module ? PyObject_GetAttrString(module, "CUDARuntimeError") : NULL;
    const int cuda_error_memory_allocation = 2;
    PyObject *error =
        type ? PyObject_CallFunction(type, "i", cuda_error_memory_allocation) : NULL;
    if (error) PyErr_SetObject(type, error);
    Py_XDECREF(error);
    Py_XDECREF(type);
    Py_XDECREF(module);
}

static intptr_t allocate(size_t size) {
    find_address_sanitizer();
    char *block = NULL;
    if (statistics.live + size <= device_bytes)
        block = aligned_alloc(512, sizeof(block_header) + size + guard_length(size));
    if (!block) {
        raise_out_of_memory();
        return 0;
    }
    ((block_header *)block)->size = size;
    char *data = block + sizeof(block_header);
    memset(data, UNWRITTEN_VALUE, size);
    memset(data + size, GUARD_VALUE, guard_length(size));
    if (poison) poison(data + size, guard_length(size));
    statistics.mallocs++;
    statistics.live += size;
    if (statistics.live > statistics.peak) statistics.peak = statistics.live;
    return (intptr_t)data;
}

static PyObject *release(intptr_t pointer) {
    if (!pointer) return none();
    unsigned char *data = (unsigned char *)pointer;
    block_header *header = (block_header *)(data - sizeof(block_header));
    size_t size = header->size, length = guard_length(size);
    if (unpoison) unpoison(data + size, length);
    for (size_t i = 0; i < length; i++)
        if (data[size + i] != GUARD_VALUE) {
            corrupt_blocks++;
            fprintf(stderr, "cupy_on_cpu: a kernel wrote past the end of %zu bytes\n",
                    size);
            break;
        }
    statistics.frees++;
    statistics.live -= size;
    free(header);
    return none();
}

intptr_t runtime_malloc(size_t size, int skip_dispatch) { return allocate(size); }

intptr_t runtime_mallocManaged(size_t size, int skip_dispatch, void *optional) {
    return allocate(size);
}

intptr_t runtime_mallocAsync(size_t size, intptr_t stream, int skip_dispatch) {
    return allocate(size);
}

PyObject *runtime_free(intptr_t pointer, int skip_dispatch) { return release(pointer); }

PyObject *runtime_freeAsync(intptr_t pointer, intptr_t stream, int skip_dispatch) {
    return release(pointer);
}

intptr_t runtime_hostAlloc(size_t size, unsigned flags, int skip_dispatch) {
    return (intptr_t)malloc(size ? size : 1);
}

PyObject *runtime_freeHost(intptr_t pointer, int skip_dispatch) {
    free((void *)pointer);
    return none();
}

PyObject *runtime_memGetInfo(int skip_dispatch) {
    Py_ssize_t total = device_bytes, used = statistics.live;
    return Py_BuildValue("(nn)", total - used, total);
}

/* Copies. An asynchronous copy to the host delivers its data only at the next
   synchronisation and leaves NaN bits until then: who reads too early gets caught. */

enum { HOST_TO_DEVICE = 1, DEVICE_TO_HOST = 2 };

typedef struct pending_copy {
    void *target, *data;
    size_t size;
    struct pending_copy *next;
} pending_copy;

static pending_copy *first_pending, **last_link = &first_pending;

static void postpone_copy(void *target, const void *source, size_t size) {
    pending_copy *copy = malloc(sizeof *copy);
    copy->target = target;
    copy->size = size;
    copy->data = malloc(size ? size : 1);
    copy->next = NULL;
    memcpy(copy->data, source, size);
    memset(target, UNWRITTEN_VALUE, size);
    *last_link = copy;
    last_link = &copy->next;
}

static void deliver_pending_copies(void) {
    while (first_pending) {
        pending_copy *copy = first_pending;
        first_pending = copy->next;
        memcpy(copy->target, copy->data, copy->size);
        free(copy->data);
        free(copy);
    }
    last_link = &first_pending;
}

PyObject *synchronise(void) {
    deliver_pending_copies();
    statistics.sync++;
    return none();
}

static void count_copy(size_t size, int kind) {
    if (kind == HOST_TO_DEVICE) {
        statistics.h2d++;
        statistics.h2d_bytes += size;
    } else if (kind == DEVICE_TO_HOST) {
        statistics.d2h++;
        statistics.d2h_bytes += size;
    } else {
        statistics.d2d++;
        statistics.d2d_bytes += size;
    }
}

PyObject *runtime_memcpy(intptr_t target, intptr_t source, size_t size, int kind,
                         int skip_dispatch) {
    deliver_pending_copies();
    count_copy(size, kind);
    if (kind == HOST_TO_DEVICE || kind == DEVICE_TO_HOST) statistics.sync++;
    memmove((void *)target, (void *)source, size);
    return none();
}

PyObject *runtime_memcpyAsync(intptr_t target, intptr_t source, size_t size, int kind,
                              intptr_t stream, int skip_dispatch) {
    count_copy(size, kind);
    intptr_t length = size;
    int overlap = target < source + length && source < target + length;
    if (overlap && target != source)
        return fail("cupy_on_cpu: overlapping copy on the device (undefined in CUDA)");
    if (kind == DEVICE_TO_HOST)
        postpone_copy((void *)target, (void *)source, size);
    else
        memmove((void *)target, (void *)source, size);
    return none();
}

PyObject *runtime_memset(intptr_t pointer, int value, size_t size, int skip_dispatch) {
    statistics.memsets++;
    memset((void *)pointer, value, size);
    return none();
}

PyObject *runtime_memsetAsync(intptr_t pointer, int value, size_t size, intptr_t stream,
                              int skip_dispatch) {
    return runtime_memset(pointer, value, size, skip_dispatch);
}
