/* The cuSOLVER factorisations that go to LAPACK, for one real scalar type. cusolver.c
   includes this once per type, with

     SCALAR           the C type
     CUSOLVER(name)   the name in cuSOLVER, for example cusolverDnSname
     LAPACK(name)     the name in OpenBLAS, for example "scipy_sname_64_"  */

int CUSOLVER(getrf_bufferSize)(handle *h, int m, int n, SCALAR *a, int lda, int *size) {
    *size = 1;
    return 0;
}

int CUSOLVER(getrf)(handle *h, int m, int n, SCALAR *a, int lda, SCALAR *workspace,
                    int *pivots, int *info) {
    void (*getrf)(blas_int *, blas_int *, SCALAR *, blas_int *, blas_int *,
                  blas_int *) = openblas(LAPACK(getrf));
    int count = m < n ? m : n;
    blas_int *wide = new_pivots(count), rows = m, columns = n, leading = lda, status;
    getrf(&rows, &columns, a, &leading, wide, &status);
    if (pivots) narrow_pivots(pivots, wide, count);
    free(wide);
    *info = (int)status;
    return 0;
}

int CUSOLVER(getrs)(handle *h, int op, int n, int columns, const SCALAR *a, int lda,
                    const int *pivots, SCALAR *b, int ldb, int *info) {
    void (*getrs)(char *, blas_int *, blas_int *, const SCALAR *, blas_int *,
                  blas_int *, SCALAR *, blas_int *, blas_int *, size_t) =
        openblas(LAPACK(getrs));
    char letter = operation_letter(op);
    blas_int *wide = new_pivots(n), order = n, right_sides = columns;
    blas_int leading_a = lda, leading_b = ldb, status;
    widen_pivots(wide, pivots, n);
    getrs(&letter, &order, &right_sides, a, &leading_a, wide, b, &leading_b, &status,
          1);
    free(wide);
    *info = (int)status;
    return 0;
}

int CUSOLVER(potrf_bufferSize)(handle *h, int triangle, int n, SCALAR *a, int lda,
                               int *size) {
    *size = 1;
    return 0;
}

int CUSOLVER(potrf)(handle *h, int triangle, int n, SCALAR *a, int lda,
                    SCALAR *workspace, int workspace_size, int *info) {
    void (*potrf)(char *, blas_int *, SCALAR *, blas_int *, blas_int *, size_t) =
        openblas(LAPACK(potrf));
    char letter = "LU"[triangle];
    blas_int order = n, leading = lda, status;
    potrf(&letter, &order, a, &leading, &status, 1);
    *info = (int)status;
    return 0;
}

int CUSOLVER(geqrf_bufferSize)(handle *h, int m, int n, SCALAR *a, int lda, int *size) {
    *size = QR_WORKSPACE(n);
    return 0;
}

int CUSOLVER(geqrf)(handle *h, int m, int n, SCALAR *a, int lda, SCALAR *factors,
                    SCALAR *workspace, int workspace_size, int *info) {
    void (*geqrf)(blas_int *, blas_int *, SCALAR *, blas_int *, SCALAR *, SCALAR *,
                  blas_int *, blas_int *) = openblas(LAPACK(geqrf));
    blas_int rows = m, columns = n, leading = lda, size = workspace_size, status;
    geqrf(&rows, &columns, a, &leading, factors, workspace, &size, &status);
    *info = (int)status;
    return 0;
}

int CUSOLVER(orgqr_bufferSize)(handle *h, int m, int n, int k, const SCALAR *a, int lda,
                               const SCALAR *factors, int *size) {
    *size = QR_WORKSPACE(n);
    return 0;
}

int CUSOLVER(orgqr)(handle *h, int m, int n, int k, SCALAR *a, int lda,
                    const SCALAR *factors, SCALAR *workspace, int workspace_size,
                    int *info) {
    void (*orgqr)(blas_int *, blas_int *, blas_int *, SCALAR *, blas_int *,
                  const SCALAR *, SCALAR *, blas_int *, blas_int *) =
        openblas(LAPACK(orgqr));
    blas_int rows = m, columns = n, reflections = k, leading = lda;
    blas_int size = workspace_size, status;
    orgqr(&rows, &columns, &reflections, a, &leading, factors, workspace, &size,
          &status);
    *info = (int)status;
    return 0;
}

#undef SCALAR
#undef CUSOLVER
#undef LAPACK
