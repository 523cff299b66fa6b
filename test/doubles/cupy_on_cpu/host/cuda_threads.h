/* Runs the threads of a launch one after another, on one thread of the host.

   A kernel without barriers is a plain loop over its threads. In a kernel with barriers
   each CUDA thread becomes a fiber: it has its own stack, runs until it meets a barrier
   and is resumed when all others have met it too. A fiber is entered once with
   setcontext and switched with _setjmp and _longjmp from then on, which costs no system
   call; fibers live on for the next block. */

#pragma once
#include <csetjmp>
#include <functional>
#include <ucontext.h>
#include <vector>

static uint3 threadIdx, blockIdx;
static dim3 blockDim, gridDim;
static const int warpSize = 32;
static char *dynamic_shared_memory = nullptr;

namespace emulation {

enum Waiting { FOR_NOTHING, FOR_BLOCK, FOR_WARP };

constexpr size_t STACK_BYTES = 1 << 16;
constexpr int MAX_THREADS = 1024;

struct Fiber {
    ucontext_t entry;
    jmp_buf resume_point;
    bool entered, finished;
    Waiting waiting;
    uint3 index;
};

static std::vector<Fiber *> fibers;
static std::function<void()> kernel_body; /* the kernel with its arguments */
static jmp_buf scheduler;                 /* where a fiber returns to when it pauses */
static int current = -1; /* number of the running thread in its block */
static int threads_in_block = 0;
static bool running_fibers = false;

/* Order in which threads and blocks run: bit 0 reverses the threads, bit 1 the blocks.
   Results that depend on it point to a race. */
static int order() {
    static const char *text = getenv("CUPY_ON_CPU_ORDER");
    static int value = text ? atoi(text) : 0;
    return value;
}

static bool threads_reversed() { return order() & 1; }
static bool blocks_reversed() { return order() & 2; }

[[noreturn]] static void stop(const char *message) {
    fprintf(stderr, "cupy_on_cpu: %s\n", message);
    abort();
}

/* ---- switching ------------------------------------------------------------------- */

/* Not inlined, so that no register holds a value across the switch of stacks. */
__attribute__((noinline)) static void return_to_scheduler() {
    if (!_setjmp(fibers[current]->resume_point)) _longjmp(scheduler, 1);
}

__attribute__((noinline)) static void resume(int thread) {
    current = thread;
    Fiber *fiber = fibers[thread];
    threadIdx = fiber->index;
    if (_setjmp(scheduler)) return; /* the fiber paused or finished */
    if (fiber->entered) _longjmp(fiber->resume_point, 1);
    fiber->entered = true;
    setcontext(&fiber->entry);
}

/* The life of a fiber: one kernel thread after another, for ever. */
static void fiber_main() {
    for (;;) {
        kernel_body();
        fibers[current]->finished = true;
        return_to_scheduler();
    }
}

static void pause(Waiting reason) {
    if (!running_fibers)
        stop("barrier in a kernel that was not recognised as using barriers");
    fibers[current]->waiting = reason;
    return_to_scheduler();
}

static void make_fibers(int count) {
    while ((int)fibers.size() < count) {
        Fiber *fiber = new Fiber();
        getcontext(&fiber->entry);
        fiber->entry.uc_stack.ss_sp = malloc(STACK_BYTES);
        fiber->entry.uc_stack.ss_size = STACK_BYTES;
        makecontext(&fiber->entry, fiber_main, 0);
        fibers.push_back(fiber);
    }
}

/* ---- one block ------------------------------------------------------------------- */

static uint3 index_in_block(int thread) {
    unsigned plane = blockDim.x * blockDim.y;
    return {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / plane};
}

/* Let every thread that waits for nothing run until its next barrier or its end. */
static void run_ready_threads(int count) {
    for (int step = 0; step < count; step++) {
        int thread = threads_reversed() ? count - 1 - step : step;
        Fiber *fiber = fibers[thread];
        if (!fiber->finished && fiber->waiting == FOR_NOTHING) resume(thread);
    }
}

/* Open the barrier of the threads [first, last) if all that still run wait for it.
   Returns true if it was opened. */
static bool open_barrier(Waiting barrier, int first, int last) {
    int running = 0, waiting = 0;
    for (int thread = first; thread < last; thread++) {
        running += !fibers[thread]->finished;
        waiting += !fibers[thread]->finished && fibers[thread]->waiting == barrier;
    }
    if (running == 0 || waiting < running) return false;
    for (int thread = first; thread < last; thread++)
        fibers[thread]->waiting = FOR_NOTHING;
    return true;
}

static int count_finished(int count) {
    int finished = 0;
    for (int thread = 0; thread < count; thread++)
        finished += fibers[thread]->finished;
    return finished;
}

static void warn_of_early_exit(int finished, int count) {
    static bool warned = false;
    if (finished == 0 || warned) return;
    warned = true;
    fprintf(stderr,
            "cupy_on_cpu: %d threads left the kernel before a __syncthreads() that %d "
            "others reached\n",
            finished, count - finished);
}

static void run_block_with_barriers(int count) {
    make_fibers(count);
    threads_in_block = count;
    for (int thread = 0; thread < count; thread++) {
        Fiber *fiber = fibers[thread];
        fiber->finished = false;
        fiber->waiting = FOR_NOTHING;
        fiber->index = index_in_block(thread);
    }
    running_fibers = true;
    for (;;) {
        run_ready_threads(count);
        int finished = count_finished(count);
        if (finished == count) break;
        bool progress = open_barrier(FOR_BLOCK, 0, count);
        if (progress) warn_of_early_exit(finished, count);
        for (int first = 0; first < count; first += warpSize)
            progress |=
                open_barrier(FOR_WARP, first, std::min(first + warpSize, count));
        if (!progress) stop("deadlock: threads of a block wait at different barriers");
    }
    running_fibers = false;
}

static void run_block_without_barriers(int count) {
    for (int step = 0; step < count; step++) {
        int thread = threads_reversed() ? count - 1 - step : step;
        threadIdx = index_in_block(thread);
        kernel_body();
    }
}

/* ---- one launch ------------------------------------------------------------------ */

/* Call a kernel with arguments that are given by their addresses. */
template <class... Parameters, size_t... position>
static void call(void (*kernel)(Parameters...), void **arguments,
                 std::index_sequence<position...>) {
    kernel(*static_cast<std::remove_cv_t<std::remove_reference_t<Parameters>> *>(
        arguments[position])...);
}

template <bool has_barriers, class... Parameters>
static void launch(void (*kernel)(Parameters...), void **arguments,
                   const unsigned *grid, const unsigned *block, size_t shared_bytes) {
    gridDim = dim3(grid[0], grid[1], grid[2]);
    blockDim = dim3(block[0], block[1], block[2]);
    kernel_body = [=] {
        call(kernel, arguments, std::index_sequence_for<Parameters...>{});
    };
    char *shared_memory = (char *)aligned_alloc(64, (shared_bytes / 64 + 1) * 64);
    dynamic_shared_memory = shared_memory;

    size_t blocks = (size_t)grid[0] * grid[1] * grid[2];
    for (size_t step = 0; step < blocks; step++) {
        size_t number = blocks_reversed() ? blocks - 1 - step : step;
        blockIdx.x = number % grid[0];
        blockIdx.y = number / grid[0] % grid[1];
        blockIdx.z = number / ((size_t)grid[0] * grid[1]);
        memset(shared_memory, 0xFF, shared_bytes); /* NaN: nobody has written it yet */
        int threads = block[0] * block[1] * block[2];
        if (has_barriers)
            run_block_with_barriers(threads);
        else
            run_block_without_barriers(threads);
    }
    free(shared_memory);
}

} // namespace emulation
