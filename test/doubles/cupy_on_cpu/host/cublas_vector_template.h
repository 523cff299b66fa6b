/* The cuBLAS functions that are a plain loop, for one real scalar type; see
   cublas_template.h for SCALAR and CUBLAS. */

int CUBLAS(dot_v2)(handle *h, int n, const SCALAR *x, int incx, const SCALAR *y,
                   int incy, SCALAR *result) {
    double sum = 0;
    for (long i = 0; i < n; i++)
        sum += (double)x[i * incx] * y[i * incy];
    *result = (SCALAR)sum;
    return 0;
}

int CUBLAS(nrm2_v2)(handle *h, int n, const SCALAR *x, int incx, SCALAR *result) {
    double sum = 0;
    for (long i = 0; i < n; i++)
        sum += (double)x[i * incx] * x[i * incx];
    *result = (SCALAR)sqrt(sum);
    return 0;
}

int CUBLAS(axpy_v2)(handle *h, int n, const SCALAR *alpha, const SCALAR *x, int incx,
                    SCALAR *y, int incy) {
    for (long i = 0; i < n; i++)
        y[i * incy] += *alpha * x[i * incx];
    return 0;
}

int CUBLAS(scal_v2)(handle *h, int n, const SCALAR *alpha, SCALAR *x, int incx) {
    for (long i = 0; i < n; i++)
        x[i * incx] *= *alpha;
    return 0;
}

int CUBLAS(ger_v2)(handle *h, int m, int n, const SCALAR *alpha, const SCALAR *x,
                   int incx, const SCALAR *y, int incy, SCALAR *a, int lda) {
    for (long column = 0; column < n; column++)
        for (long row = 0; row < m; row++)
            a[row + column * lda] += *alpha * x[row * incx] * y[column * incy];
    return 0;
}

/* C = alpha op(A) + beta op(B). A factor of zero means that the matrix is not read. */
int CUBLAS(geam)(handle *h, int op_a, int op_b, int m, int n, const SCALAR *alpha,
                 const SCALAR *a, int lda, const SCALAR *beta, const SCALAR *b, int ldb,
                 SCALAR *c, int ldc) {
    for (long column = 0; column < n; column++)
        for (long row = 0; row < m; row++) {
            SCALAR sum = 0;
            if (*alpha)
                sum += *alpha * (op_a ? a[column + row * lda] : a[row + column * lda]);
            if (*beta)
                sum += *beta * (op_b ? b[column + row * ldb] : b[row + column * ldb]);
            c[row + column * ldc] = sum;
        }
    return 0;
}
