/* Products of few reflections, see `kernels/householder.py` for the formulas; follows
   `panels_of_type.h`. Matrices are stored row by row. */

/* Sum of products; in vectors, so that it is no chain. */
INLINE REAL NAME(dot)(integer n, const REAL *a, const REAL *b) {
  NAME(vector) sums = {0};
  integer i = 0;
  for (; i + LANES <= n; i += LANES)
    sums += *(const NAME(loose) *)(a + i) * *(const NAME(loose) *)(b + i);
  REAL total = 0;
  for (; i < n; i++) total += a[i] * b[i];
  UNROLLED for (integer lane = 0; lane < LANES; lane++) total += sums[lane];
  return total;
}

/* to += factor * from */
INLINE void NAME(add)(integer n, REAL factor, const REAL *from, REAL *to) {
  for (integer i = 0; i < n; i++) to[i] += factor * from[i];
}

/* Rows of W, each from those behind it; or, backwards, of U from those before. */
static void NAME(solve)(integer m, integer k, const REAL *v, int backwards, REAL *w) {
  memcpy(w, v, m * k * sizeof(REAL));
  for (integer step = 0; step < m; step++) {
    integer i = backwards ? step : m - 1 - step;
    integer from = backwards ? 0 : i + 1, to = backwards ? i : m;
    for (integer j = from; j < to; j++)
      NAME(add)(k, -NAME(dot)(k, v + i * k, v + j * k), w + j * k, w + i * k);
    REAL factor = 2 / NAME(dot)(k, v + i * k, v + i * k);
    for (integer j = 0; j < k; j++) w[i * k + j] *= factor;
  }
}

/* Q = I - V^T W; m * k numbers of memory. */
static void NAME(householder)(integer m, integer k, const REAL *v, REAL *q, REAL *memory) {
  NAME(solve)(m, k, v, 0, memory);
  for (integer row = 0; row < k; row++) {
    REAL *of_q = q + row * k;
    memset(of_q, 0, k * sizeof(REAL));
    of_q[row] = 1;
    for (integer i = 0; i < m; i++)
      NAME(add)(k, -v[i * k + row], memory + i * k, of_q);
  }
}

/* dV = P V - W G^T - U G; m * (3 k + m) numbers of memory. */
static void NAME(householder_adjoint)(integer m, integer k, const REAL *v, const REAL *g,
                               REAL *dv, REAL *memory) {
  REAL *u = memory, *w = u + m * k, *ug = w + m * k, *p = ug + m * k;
  NAME(solve)(m, k, v, 1, u);
  NAME(solve)(m, k, v, 0, w);
  memset(ug, 0, m * k * sizeof(REAL));
  for (integer row = 0; row < k; row++)
    for (integer i = 0; i < m; i++) {
      NAME(add)(k, u[i * k + row], g + row * k, ug + i * k);
      dv[i * k + row] = -NAME(dot)(k, w + i * k, g + row * k);
    }
  for (integer i = 0; i < m; i++)
    for (integer j = i; j < m; j++)
      p[i * m + j] = p[j * m + i] = NAME(dot)(k, ug + i * k, w + j * k);
  for (integer i = 0; i < m; i++) {
    NAME(add)(k, -1, ug + i * k, dv + i * k);
    for (integer j = 0; j < m; j++) NAME(add)(k, p[i * m + j], v + j * k, dv + i * k);
  }
}

/* Gradients of `scaled_rotation.py`, of q into dq; `of_ld` is that of the sum of log s. */
static void NAME(rotation_gradients)(integer k, const REAL *s, const REAL *b, const REAL *q,
                              const REAL *gram, const REAL *total, REAL *ds, REAL *db,
                              REAL *dq, double of_ld) {
  for (integer i = 0; i < k; i++) {
    const REAL *row = q + i * k, *of_gram = gram + i * k;
    db[i] = NAME(dot)(k, row, total);
    ds[i] = NAME(dot)(k, row, of_gram) - db[i] * b[i] / s[i] + (REAL)of_ld / s[i];
    for (integer j = 0; j < k; j++) dq[i * k + j] = s[i] * of_gram[j];
  }
}
