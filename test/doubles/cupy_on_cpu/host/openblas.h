/* The OpenBLAS inside the NumPy wheel: Fortran interface with 64-bit integers.
   OPENBLAS_PATH is given on the command line of the compiler. */

#pragma once
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef int64_t blas_int;

/* Return the OpenBLAS function `name`. Fortran passes everything by address and the
   lengths of character arguments behind; a cast at the call site says which. */
static void *openblas(const char *name) {
    static void *library;
    if (!library) library = dlopen(OPENBLAS_PATH, RTLD_NOW);
    void *function = library ? dlsym(library, name) : NULL;
    if (!function) {
        fprintf(stderr, "cupy_on_cpu: OpenBLAS has no %s\n", name);
        abort();
    }
    return function;
}

/* Pivots have 32 bits in CUDA's libraries and 64 in this OpenBLAS. */
static blas_int *new_pivots(int count) {
    return malloc(sizeof(blas_int) * (count + 1));
}

static void narrow_pivots(int *target, const blas_int *source, int count) {
    for (int i = 0; i < count; i++)
        target[i] = (int)source[i];
}

static void widen_pivots(blas_int *target, const int *source, int count) {
    for (int i = 0; i < count; i++)
        target[i] = source[i];
}

static char operation_letter(int operation) { return "NTC"[operation]; }
