/* Products with panels, and sums over pixels; follows `parts_of_type.h`. */

/* sums[ROWS][n_vectors] += a * b, both walked in n_outer runs of n_inner steps. */
INLINE void NAME(multiply)(int n_vectors, integer n_outer, integer n_inner,
                           const REAL *a, integer a_row, integer a_step,
                           integer a_outer, const REAL *b, integer b_outer,
                           NAME(vector) sums[ROWS][VECTORS]) {
  for (integer outer = 0; outer < n_outer; outer++) {
    const REAL *left = a + outer * a_outer, *right = b + outer * b_outer;
    for (integer k = 0; k < n_inner; k++, left += a_step, right += WIDTH) {
      NAME(vector) row[VECTORS];
      UNROLLED for (int v = 0; v < n_vectors; v++)
        row[v] = *(const NAME(vector) *)(right + v * LANES);
      UNROLLED for (int i = 0; i < ROWS; i++) {
        REAL factor = left[i * a_row];
        UNROLLED for (int v = 0; v < n_vectors; v++) sums[i][v] += factor * row[v];
      }
    }
  }
}

/* What is done with products before they are stored: nothing, an activation of two
   slopes, or its derivative, which is a function of its output h as in `activations.py`.
   ReLU, whose slope below 0 is 0, has functions of its own, since 0 times what is not
   finite is not 0. What is not a number stays. */
enum NAME(finish) { NAME(plain), NAME(relu), NAME(leaky), NAME(pull_relu), NAME(pull_leaky) };

INLINE NAME(vector) NAME(finished)(enum NAME(finish) finish, NAME(vector) a,
                                   const NAME(vector) *h, REAL slope) {
  const NAME(vector) zero = {0}, one = zero + 1;
  if (finish == NAME(relu)) return (NAME(vector))(~(a < zero) & (NAME(mask))a);
  if (finish == NAME(leaky)) {
    NAME(mask) negative = a < zero;
    return (NAME(vector))((negative & (NAME(mask))(slope * a)) |
                          (~negative & (NAME(mask))a));
  }
  if (finish == NAME(pull_relu))
    return a * (NAME(vector))((*h > zero) & (NAME(mask))one);
  if (finish == NAME(pull_leaky)) {
    NAME(mask) on = *h >= zero;
    return a * (NAME(vector))((on & (NAME(mask))one) |
                              (~on & (NAME(mask))(zero + slope)));
  }
  return a;
}

/* Call a function with the number of vectors that n numbers fill, as a constant. */
#define WITH_VECTORS(n, function, ...)                       \
  do {                                                       \
    if ((n) > 2 * LANES) function(3, __VA_ARGS__);           \
    else if ((n) > LANES) function(2, __VA_ARGS__);          \
    else function(1, __VA_ARGS__);                           \
  } while (0)

/* Write finished sums to the rows of a panel that begin at i. */
INLINE void NAME(finish_rows)(int n_vectors, integer i,
                              NAME(vector) sums[ROWS][VECTORS], REAL *out,
                              enum NAME(finish) finish, const REAL *h, REAL slope) {
  UNROLLED for (int r = 0; r < ROWS; r++)
    UNROLLED for (int v = 0; v < n_vectors; v++) {
      integer place = (i + r) * WIDTH + v * LANES;
      *(NAME(vector) *)(out + place) = NAME(finished)(
          finish, sums[r][v], (const NAME(vector) *)(h ? h + place : 0), slope);
    }
}

/* h was put away long ago; these rows of it come while their block is multiplied. */
INLINE void NAME(prefetch)(int n_vectors, integer i, const REAL *h) {
  UNROLLED for (int r = 0; r < ROWS; r++)
    UNROLLED for (int v = 0; v < n_vectors; v++)
      __builtin_prefetch(h + (i + r) * WIDTH + v * LANES);
}

/* out = finish(weights * in + bias) for one panel; weights in blocks of ROWS rows. */
INLINE void NAME(panel_product)(int n_vectors, integer n_rows, integer n_columns,
                                const REAL *weights, const REAL *bias, const REAL *in,
                                REAL *out, enum NAME(finish) finish, const REAL *h,
                                REAL slope) {
  for (integer i = 0; i < n_rows; i += ROWS) {
    NAME(vector) sums[ROWS][VECTORS];
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++)
        sums[r][v] = (NAME(vector)){0} + (bias ? bias[i + r] : 0);
    if (h) NAME(prefetch)(n_vectors, i, h);
    NAME(multiply)(n_vectors, 1, n_columns, weights + i * n_columns, 1, ROWS, 0, in, 0,
                   sums);
    NAME(finish_rows)(n_vectors, i, sums, out, finish, h, slope);
  }
}

/* total += left * right^T over the pixels of a tile. `right` is transposed: groups of
   WIDTH of its rows, and in each a row per pixel. Sums begin at zero in each tile, so
   that they are not one chain over all pixels, whose rounding errors would add up. */
INLINE void NAME(add_columns)(int n_vectors, integer n_rows, integer n_pixels,
                              const REAL *left, integer left_outer,
                              const REAL *right, REAL *total, integer total_width) {
  integer whole = n_pixels / WIDTH, rest = n_pixels % WIDTH;
  for (integer i = 0; i < n_rows; i += ROWS) {
    NAME(vector) sums[ROWS][VECTORS];
    const REAL *rows = left + i * WIDTH;
    REAL *place = total + i * total_width;
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++)
        sums[r][v] = (NAME(vector)){0};
    NAME(multiply)(n_vectors, whole, WIDTH, rows, WIDTH, 1, left_outer, right,
                   WIDTH * WIDTH, sums);
    NAME(multiply)(n_vectors, 1, rest, rows + whole * left_outer, WIDTH, 1, 0,
                   right + whole * WIDTH * WIDTH, 0, sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++)
        *(NAME(loose) *)(place + r * total_width + v * LANES) += sums[r][v];
  }
}

static void NAME(add_gradient)(integer n_rows, integer n_columns, integer n_pixels,
                               integer most_panels, const REAL *left,
                               integer left_outer, const REAL *transposed,
                               REAL *total) {
  integer width = NAME(up)(n_columns, WIDTH);
  for (integer j = 0; j < n_columns; j += WIDTH) {
    const REAL *right = transposed + j * most_panels * WIDTH;
    WITH_VECTORS(n_columns - j, NAME(add_columns), n_rows, n_pixels, left, left_outer,
                 right, total + j, width);
  }
}

/* Add the rows of a panel to a vector each, over its first n pixels; the last vector of
   these is zero beyond them. */
static void NAME(add_sums)(integer n, integer n_rows, const REAL *panel,
                           REAL *of_tile) {
  for (integer i = 0; i < n_rows; i++) {
    NAME(vector) *total = (NAME(vector) *)(of_tile + i * LANES);
    for (integer v = 0; v * LANES < n; v++)
      *total += *(const NAME(vector) *)(panel + i * WIDTH + v * LANES);
  }
}

/* Like those of products, sums of many pixels are formed tile by tile. */
static void NAME(add_sums_of_tile)(integer n, REAL *of_tile, REAL *sums) {
  for (integer i = 0; i < n; i++) {
    REAL sum = 0;
    for (integer lane = 0; lane < LANES; lane++) sum += of_tile[i * LANES + lane];
    sums[i] += sum;
  }
  memset(of_tile, 0, n * LANES * sizeof(REAL));
}

/* Sums over tiles are formed over so many at a time, for the same reason. */
#define MANY_TILES 64

/* Whether a part may have so many: else the sums are their totals. */
INLINE int NAME(has_many_tiles)(const Shape *s) {
  return NAME(all_pixels)(s) > MANY_TILES * s->panels_of_tile * WIDTH;
}

/* Room for n sums of some tiles, and for their totals over a part. */
INLINE void NAME(take_sums)(const Shape *s, REAL *memory, integer *used, integer n,
                            integer part, integer n_parts, REAL **sums, REAL **totals) {
  *sums = *totals = NAME(take_own)(memory, used, n, part, n_parts);
  if (NAME(has_many_tiles)(s))
    *totals = NAME(take_own)(memory, used, n, part, n_parts);
}

INLINE void NAME(clear_sums)(integer n, REAL *sums, REAL *totals) {
  memset(sums, 0, n * sizeof(REAL));
  if (totals != sums) memset(totals, 0, n * sizeof(REAL));
}

/* Add n sums to totals, and begin anew, if they are of many tiles or the last of a
   part. */
static void NAME(add_many)(integer n_tiles, int is_last, integer n, REAL *sums,
                           REAL *totals) {
  if (sums == totals || (n_tiles % MANY_TILES && !is_last)) return;
  for (integer i = 0; i < n; i++) totals[i] += sums[i];
  memset(sums, 0, n * sizeof(REAL));
}

/* out = in + offset for the rows of a panel. */
INLINE void NAME(add_offset)(integer n_rows, const REAL *in, const REAL *offset,
                             REAL *out) {
  for (integer i = 0; i < n_rows; i++)
    UNROLLED for (int v = 0; v < VECTORS; v++) {
      integer place = i * WIDTH + v * LANES;
      *(NAME(vector) *)(out + place) = *(const NAME(vector) *)(in + place) + offset[i];
    }
}
