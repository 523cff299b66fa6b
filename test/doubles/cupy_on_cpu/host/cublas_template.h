/* The cuBLAS functions that go to OpenBLAS, for one scalar type. cublas.c includes this
   once per type, with

     SCALAR         the C type
     CUBLAS(name)   the name in cuBLAS, for example cublasSname
     BLAS(name)     the name in OpenBLAS, for example "scipy_sname_64_"
     LOCAL(name)    a name for helpers in this file, for example sname

   Both sides are column-major, so arguments pass straight through. */

static void LOCAL(gemm)(int op_a, int op_b, blas_int m, blas_int n, blas_int k,
                        const SCALAR *alpha, const SCALAR *a, blas_int lda,
                        const SCALAR *b, blas_int ldb, const SCALAR *beta, SCALAR *c,
                        blas_int ldc) {
    void (*gemm)(char *, char *, blas_int *, blas_int *, blas_int *, const SCALAR *,
                 const SCALAR *, blas_int *, const SCALAR *, blas_int *, const SCALAR *,
                 SCALAR *, blas_int *, size_t, size_t) = openblas(BLAS(gemm));
    char letter_a = operation_letter(op_a), letter_b = operation_letter(op_b);
    gemm(&letter_a, &letter_b, &m, &n, &k, alpha, a, &lda, b, &ldb, beta, c, &ldc, 1,
         1);
}

int CUBLAS(gemm_v2)(handle *h, int op_a, int op_b, int m, int n, int k,
                    const SCALAR *alpha, const SCALAR *a, int lda, const SCALAR *b,
                    int ldb, const SCALAR *beta, SCALAR *c, int ldc) {
    LOCAL(gemm)(op_a, op_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return 0;
}

int CUBLAS(gemmStridedBatched)(handle *h, int op_a, int op_b, int m, int n, int k,
                               const SCALAR *alpha, const SCALAR *a, int lda,
                               long long stride_a, const SCALAR *b, int ldb,
                               long long stride_b, const SCALAR *beta, SCALAR *c,
                               int ldc, long long stride_c, int batch) {
    for (int i = 0; i < batch; i++)
        LOCAL(gemm)(op_a, op_b, m, n, k, alpha, a + i * stride_a, lda, b + i * stride_b,
                    ldb, beta, c + i * stride_c, ldc);
    return 0;
}

int CUBLAS(gemmBatched)(handle *h, int op_a, int op_b, int m, int n, int k,
                        const SCALAR *alpha, const SCALAR **a, int lda,
                        const SCALAR **b, int ldb, const SCALAR *beta, SCALAR **c,
                        int ldc, int batch) {
    for (int i = 0; i < batch; i++)
        LOCAL(gemm)(op_a, op_b, m, n, k, alpha, a[i], lda, b[i], ldb, beta, c[i], ldc);
    return 0;
}

int CUBLAS(gemv_v2)(handle *h, int op, int m, int n, const SCALAR *alpha,
                    const SCALAR *a, int lda, const SCALAR *x, int incx,
                    const SCALAR *beta, SCALAR *y, int incy) {
    void (*gemv)(char *, blas_int *, blas_int *, const SCALAR *, const SCALAR *,
                 blas_int *, const SCALAR *, blas_int *, const SCALAR *, SCALAR *,
                 blas_int *, size_t) = openblas(BLAS(gemv));
    char letter = operation_letter(op);
    blas_int rows = m, columns = n, leading = lda, step_x = incx, step_y = incy;
    gemv(&letter, &rows, &columns, alpha, a, &leading, x, &step_x, beta, y, &step_y, 1);
    return 0;
}

int CUBLAS(trsm_v2)(handle *h, int side, int triangle, int op, int unit, int m, int n,
                    const SCALAR *alpha, const SCALAR *a, int lda, SCALAR *b, int ldb) {
    void (*trsm)(char *, char *, char *, char *, blas_int *, blas_int *, const SCALAR *,
                 const SCALAR *, blas_int *, SCALAR *, blas_int *, size_t, size_t,
                 size_t, size_t) = openblas(BLAS(trsm));
    char side_letter = "LR"[side], triangle_letter = "LU"[triangle];
    char letter = operation_letter(op), unit_letter = "NU"[unit];
    blas_int rows = m, columns = n, leading_a = lda, leading_b = ldb;
    trsm(&side_letter, &triangle_letter, &letter, &unit_letter, &rows, &columns, alpha,
         a, &leading_a, b, &leading_b, 1, 1, 1, 1);
    return 0;
}

int CUBLAS(getrfBatched)(handle *h, int n, SCALAR **a, int lda, int *pivots, int *info,
                         int batch) {
    void (*getrf)(blas_int *, blas_int *, SCALAR *, blas_int *, blas_int *,
                  blas_int *) = openblas(BLAS(getrf));
    blas_int *wide = new_pivots(n), order = n, leading = lda, status;
    for (int i = 0; i < batch; i++) {
        getrf(&order, &order, a[i], &leading, wide, &status);
        narrow_pivots(pivots + i * n, wide, n);
        info[i] = (int)status;
    }
    free(wide);
    return 0;
}

int CUBLAS(getrsBatched)(handle *h, int op, int n, int columns, const SCALAR **a,
                         int lda, const int *pivots, SCALAR **b, int ldb, int *info,
                         int batch) {
    void (*getrs)(char *, blas_int *, blas_int *, const SCALAR *, blas_int *,
                  blas_int *, SCALAR *, blas_int *, blas_int *, size_t) =
        openblas(BLAS(getrs));
    char letter = operation_letter(op);
    blas_int *wide = new_pivots(n), order = n, right_sides = columns;
    blas_int leading_a = lda, leading_b = ldb, status;
    for (int i = 0; i < batch; i++) {
        widen_pivots(wide, pivots + i * n, n);
        getrs(&letter, &order, &right_sides, a[i], &leading_a, wide, b[i], &leading_b,
              &status, 1);
    }
    free(wide);
    *info = 0;
    return 0;
}

#undef SCALAR
#undef CUBLAS
#undef BLAS
#undef LOCAL
