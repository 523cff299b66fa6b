/* Products with windows of two lines, and components of weights; follows
   `lines_of_type.h`. */

/* Set the second line to zero where the image does not have it. */
static void NAME(clear_missing)(const NAME(Panel) *panel, integer n_rows, REAL *lines) {
  for (integer v = 0; v * LANES < panel->n; v++) {
    if (NAME(has_second)(panel, v)) continue;
    for (integer i = 0; i < n_rows; i++)
      *(NAME(vector) *)(lines + (n_rows + i) * WIDTH + v * LANES) = (NAME(vector)){0};
  }
}

/* Sums and differences of the rows of two lines. */
static void NAME(add_lines)(integer n, integer n_rows, const REAL *lines, REAL *sums) {
  integer line = n_rows * WIDTH;
  for (integer i = 0; i < line; i += WIDTH)
    for (integer at = i; at < i + n; at += LANES) {
      NAME(vector) a = *(const NAME(vector) *)(lines + at);
      NAME(vector) b = *(const NAME(vector) *)(lines + line + at);
      *(NAME(vector) *)(sums + at) = a + b;
      *(NAME(vector) *)(sums + line + at) = a - b;
    }
}

/* Both lines of finish(weights * windows + bias) for a panel: rows of `in` are components
   of so many columns each, those of `out` and h are lines. */
INLINE void NAME(product_of_lines)(int n_vectors, integer n_rows, integer n_columns,
                                   const REAL *weights, const REAL *bias, const REAL *in,
                                   REAL *out, enum NAME(finish) finish, const REAL *h,
                                   REAL slope) {
  integer further = n_columns * WIDTH, line = n_rows * WIDTH;
  for (integer i = 0; i < n_rows; i += ROWS) {
    const REAL *block = weights + i * COMPONENTS * n_columns;
    NAME(vector) one[ROWS][VECTORS], sums[ROWS][VECTORS];
    if (h) {
      NAME(prefetch)(n_vectors, i, h);
      NAME(prefetch)(n_vectors, i, h + line);
    }
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++) sums[r][v] = (NAME(vector)){0};
    NAME(multiply)(n_vectors, 1, n_columns, block + n_columns * ROWS, 1, ROWS, 0,
                   in + further, 0, sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++)
        one[r][v] = sums[r][v], sums[r][v] = (NAME(vector)){0};
    NAME(multiply)(n_vectors, 1, n_columns, block + 2 * n_columns * ROWS, 1, ROWS, 0,
                   in + 2 * further, 0, sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++) {
        NAME(vector) first = one[r][v] + (bias ? bias[i + r] : 0), second = sums[r][v];
        sums[r][v] = first + second;
        one[r][v] = first - second;
      }
    NAME(multiply)(n_vectors, 1, n_columns, block, 1, ROWS, 0, in, 0, sums);
    NAME(finish_rows)(n_vectors, i, sums, out, finish, h, slope);
    NAME(multiply)(n_vectors, 1, n_columns, block + 3 * n_columns * ROWS, 1, ROWS, 0,
                   in + 3 * further, 0, one);
    NAME(finish_rows)(n_vectors, i, one, out + line, finish, h ? h + line : 0, slope);
  }
}

/* Of one line, or of the windows of two. */
INLINE void NAME(product)(int n_vectors, integer n_lines, integer n_rows,
                          integer n_columns, const REAL *weights, const REAL *bias,
                          const REAL *in, REAL *out, enum NAME(finish) finish,
                          const REAL *h, REAL slope) {
  if (n_lines == 1)
    NAME(panel_product)(n_vectors, n_rows, n_columns, weights, bias, in, out, finish, h,
                        slope);
  else
    NAME(product_of_lines)(n_vectors, n_rows, n_columns, weights, bias, in, out, finish,
                           h, slope);
}

/* Of the first n pixels of a panel; what is in the others afterwards has no meaning. */
static void NAME(linear)(integer n_lines, integer n, integer n_rows, integer n_columns,
                         const REAL *weights, const REAL *bias, const REAL *in,
                         REAL *out) {
  WITH_VECTORS(n, NAME(product), n_lines, n_rows, n_columns, weights, bias, in, out,
               NAME(plain), 0, 0);
}

static void NAME(hidden)(integer n_lines, integer n, integer n_rows, integer n_columns,
                         const REAL *weights, const REAL *bias, const REAL *in,
                         REAL *out, const NAME(Activation) *f) {
  if (f->kind != TWO_SLOPES) {
    NAME(linear)(n_lines, n, n_rows, n_columns, weights, bias, in, out);
    NAME(activate)(f, n, n_lines * n_rows, out, 0);
  } else if (f->first == 0) {
    WITH_VECTORS(n, NAME(product), n_lines, n_rows, n_columns, weights, bias, in, out,
                 NAME(relu), 0, 0);
  } else {
    WITH_VECTORS(n, NAME(product), n_lines, n_rows, n_columns, weights, bias, in, out,
                 NAME(leaky), 0, f->first);
  }
}

static void NAME(pulled)(integer n_lines, integer n, integer n_rows, integer n_columns,
                         const REAL *weights, const REAL *in, REAL *out, const REAL *h,
                         const NAME(Activation) *f) {
  if (f->kind != TWO_SLOPES) {
    NAME(linear)(n_lines, n, n_rows, n_columns, weights, 0, in, out);
    NAME(activate)(f, n, n_lines * n_rows, out, h);
  } else if (f->first == 0) {
    WITH_VECTORS(n, NAME(product), n_lines, n_rows, n_columns, weights, 0, in, out,
                 NAME(pull_relu), h, 0);
  } else {
    WITH_VECTORS(n, NAME(product), n_lines, n_rows, n_columns, weights, 0, in, out,
                 NAME(pull_leaky), h, f->first);
  }
}

/* Components of three weights, of one line each, so many numbers apart; and the adjoint,
   of a gradient of each component. */
INLINE void NAME(split_taps)(const REAL *weights, integer apart, integer further,
                             REAL *components) {
  REAL w0 = weights[0], w1 = weights[apart], w2 = weights[2 * apart];
  components[0] = w0;
  components[further] = (w0 + w1 + w2) / 2;
  components[2 * further] = (w0 - w1 + w2) / 2;
  components[3 * further] = -w2;
}

INLINE void NAME(join_taps)(const REAL *components, integer further, integer apart,
                            REAL *gradient) {
  REAL g[COMPONENTS];
  UNROLLED for (integer c = 0; c < COMPONENTS; c++) g[c] = components[c * further];
  gradient[0] = g[0] + (g[1] + g[2]) / 2;
  gradient[apart] = (g[1] - g[2]) / 2;
  gradient[2 * apart] = (g[1] + g[2]) / 2 - g[3];
}

/* The tap of the first line of a window that is a tap (plane, place) of components. */
INLINE integer NAME(first_line)(integer tap) {
  return tap / PLACES * LINES * PLACES + tap % PLACES;
}

/* Components (row, component, plane, place) of weights (row, plane, line, place), where the
   planes are those of all channels. */
static void NAME(split_weights)(integer n_rows, integer n_planes, const REAL *weights,
                                REAL *to, integer part, integer n_parts) {
  integer from = NAME(share)(n_rows, part, n_parts), n = n_planes * PLACES;
  integer end = NAME(share)(n_rows, part + 1, n_parts);
  for (integer row = from; row < end; row++)
    for (integer i = 0; i < n; i++)
      NAME(split_taps)(weights + row * n * LINES + NAME(first_line)(i), PLACES, n,
                       to + row * COMPONENTS * n + i);
}

/* Sum n numbers of each component over parts, in place of those of the first part. */
INLINE void NAME(sum_components)(integer n, REAL *first, integer apart, integer further,
                                 integer n_parts) {
  for (integer c = 0; c < COMPONENTS; c++, first += apart)
    for (integer p = 1; p < n_parts; p++)
      for (integer i = 0; i < n; i++) first[i] += first[p * further + i];
}

/* The adjoint, of `collect`: a matrix for each component, so many numbers apart. */
static void NAME(collect_lines)(integer n_rows, integer n_planes, REAL *matrices,
                                integer apart, integer further, REAL *to, integer part,
                                integer n_parts) {
  integer from = NAME(share)(n_rows, part, n_parts), n = n_planes * PLACES;
  integer end = NAME(share)(n_rows, part + 1, n_parts);
  for (integer row = from; row < end; row++) {
    REAL *first = matrices + row * NAME(up)(n, WIDTH);
    NAME(sum_components)(n, first, apart, further, n_parts);
    for (integer i = 0; i < n; i++)
      NAME(join_taps)(first + i, apart, PLACES,
                      to + row * n * LINES + NAME(first_line)(i));
  }
}

/* The same where rows are (plane, line, place), and columns stay. */
static void NAME(collect_taps)(integer n_planes, integer n_columns, REAL *matrices,
                               integer apart, integer further, REAL *to, integer part,
                               integer n_parts) {
  integer from = NAME(share)(n_planes, part, n_parts) * PLACES;
  integer end = NAME(share)(n_planes, part + 1, n_parts) * PLACES;
  for (integer i = from; i < end; i++) {
    REAL *first = matrices + i * NAME(up)(n_columns, WIDTH);
    REAL *restrict gradient = to + NAME(first_line)(i) * n_columns;
    NAME(sum_components)(n_columns, first, apart, further, n_parts);
    for (integer j = 0; j < n_columns; j++)
      NAME(join_taps)(first + j, apart, PLACES * n_columns, gradient + j);
  }
}
