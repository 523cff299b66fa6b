/* Stand-ins for the cuSOLVER functions behind inv, solve, det, cholesky and qr. */

#include "openblas.h"

typedef struct {
    int unused;
} handle;

enum { MAJOR_VERSION_PROPERTY = 0, MAJOR_VERSION = 12 };

#define QR_WORKSPACE(n) (((n) + 1) * 64)

static int create(handle **h) {
    *h = calloc(1, sizeof(handle));
    return 0;
}

int cusolverDnCreate(handle **h) { return create(h); }
int cusolverSpCreate(handle **h) { return create(h); }

static int destroy(handle *h) {
    free(h);
    return 0;
}

int cusolverDnDestroy(handle *h) { return destroy(h); }
int cusolverSpDestroy(handle *h) { return destroy(h); }

int cusolverDnSetStream(handle *h, void *stream) { return 0; }
int cusolverSpSetStream(handle *h, void *stream) { return 0; }

int cusolverDnGetStream(handle *h, void **stream) {
    *stream = NULL;
    return 0;
}

int cusolverGetProperty(int property, int *value) {
    *value = property == MAJOR_VERSION_PROPERTY ? MAJOR_VERSION : 0;
    return 0;
}

#define SCALAR float
#define CUSOLVER(name) cusolverDnS##name
#define LAPACK(name) "scipy_s" #name "_64_"
#include "cusolver_template.h"

#define SCALAR double
#define CUSOLVER(name) cusolverDnD##name
#define LAPACK(name) "scipy_d" #name "_64_"
#include "cusolver_template.h"
