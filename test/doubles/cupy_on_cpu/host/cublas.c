/* Stand-ins for the cuBLAS functions that CuPy's array code calls. */

#include <math.h>
#include "openblas.h"
#include "refuse.h"

typedef struct {
    int pointer_mode, math_mode;
} handle;

int cublasCreate_v2(handle **h) {
    *h = calloc(1, sizeof(handle));
    return 0;
}

int cublasDestroy_v2(handle *h) {
    free(h);
    return 0;
}

int cublasGetVersion_v2(handle *h, int *version) {
    *version = 130000;
    return 0;
}

int cublasSetStream_v2(handle *h, void *stream) { return 0; }

int cublasGetStream_v2(handle *h, void **stream) {
    *stream = NULL;
    return 0;
}

/* Whether scalars lie on the host or on the device is all the same here. */
int cublasSetPointerMode_v2(handle *h, int mode) {
    h->pointer_mode = mode;
    return 0;
}

int cublasGetPointerMode_v2(handle *h, int *mode) {
    *mode = h->pointer_mode;
    return 0;
}

int cublasSetMathMode(handle *h, int mode) {
    h->math_mode = mode;
    return 0;
}

int cublasGetMathMode(handle *h, int *mode) {
    *mode = h->math_mode;
    return 0;
}

#define SCALAR float
#define CUBLAS(name) cublasS##name
#define BLAS(name) "scipy_s" #name "_64_"
#define LOCAL(name) s##name
#include "cublas_vector_template.h"
#include "cublas_template.h"

#define SCALAR double
#define CUBLAS(name) cublasD##name
#define BLAS(name) "scipy_d" #name "_64_"
#define LOCAL(name) d##name
#include "cublas_vector_template.h"
#include "cublas_template.h"

#define SCALAR float _Complex
#define CUBLAS(name) cublasC##name
#define BLAS(name) "scipy_c" #name "_64_"
#define LOCAL(name) c##name
#include "cublas_template.h"

#define SCALAR double _Complex
#define CUBLAS(name) cublasZ##name
#define BLAS(name) "scipy_z" #name "_64_"
#define LOCAL(name) z##name
#include "cublas_template.h"

enum {
    TYPE_FLOAT = 0,
    TYPE_DOUBLE = 1,
    TYPE_COMPLEX_FLOAT = 4,
    TYPE_COMPLEX_DOUBLE = 5
};

/* The product with types given at run time; CuPy's matmul comes here. */
int cublasGemmStridedBatchedEx(handle *h, int op_a, int op_b, int m, int n, int k,
                               const void *alpha, const void *a, int type_a, int lda,
                               long long stride_a, const void *b, int type_b, int ldb,
                               long long stride_b, const void *beta, void *c,
                               int type_c, int ldc, long long stride_c, int batch,
                               int compute_type, int algorithm) {
    if (type_a != type_b || type_a != type_c)
        return refuse("cublasGemmStridedBatchedEx of mixed types");
    switch (type_a) {
        case TYPE_FLOAT:
            return cublasSgemmStridedBatched(h, op_a, op_b, m, n, k, alpha, a, lda,
                                             stride_a, b, ldb, stride_b, beta, c, ldc,
                                             stride_c, batch);
        case TYPE_DOUBLE:
            return cublasDgemmStridedBatched(h, op_a, op_b, m, n, k, alpha, a, lda,
                                             stride_a, b, ldb, stride_b, beta, c, ldc,
                                             stride_c, batch);
        case TYPE_COMPLEX_FLOAT:
            return cublasCgemmStridedBatched(h, op_a, op_b, m, n, k, alpha, a, lda,
                                             stride_a, b, ldb, stride_b, beta, c, ldc,
                                             stride_c, batch);
        case TYPE_COMPLEX_DOUBLE:
            return cublasZgemmStridedBatched(h, op_a, op_b, m, n, k, alpha, a, lda,
                                             stride_a, b, ldb, stride_b, beta, c, ldc,
                                             stride_c, batch);
        default: return refuse("cublasGemmStridedBatchedEx of this type");
    }
}

int cublasGemmEx(handle *h, int op_a, int op_b, int m, int n, int k, const void *alpha,
                 const void *a, int type_a, int lda, const void *b, int type_b, int ldb,
                 const void *beta, void *c, int type_c, int ldc, int compute_type,
                 int algorithm) {
    return cublasGemmStridedBatchedEx(h, op_a, op_b, m, n, k, alpha, a, type_a, lda, 0,
                                      b, type_b, ldb, 0, beta, c, type_c, ldc, 0, 1,
                                      compute_type, algorithm);
}
