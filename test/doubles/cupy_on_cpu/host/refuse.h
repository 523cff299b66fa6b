/* What a library function without a stand-in does: it says so and reports failure. */

#pragma once
#include <stdio.h>

enum { STATUS_NOT_SUPPORTED = 15 };

static int refuse(const char *function) {
    fprintf(stderr, "cupy_on_cpu: %s has no stand-in on the host\n", function);
    return STATUS_NOT_SUPPORTED;
}
