/* Panels of pixels: products, transposition, windows, weights.

   Included with REAL, BITS (an integer of its size) and NAME.

   Pixels of all samples in turn are cut into panels of WIDTH. A matrix with a column
   for each pixel is stored panel by panel, a row of a panel being VECTORS vectors; so
   products stream through it, and neighbours in a row are neighbours in an image. Rows
   are rounded up to ROWS with zeros. Columns of the last panel that are no pixels have
   zero cotangents, so they add nothing to any gradient unless hidden states overflow. */

#define LANES ((integer)(VECTOR_BYTES / sizeof(REAL)))
#define WIDTH (VECTORS * LANES)

typedef REAL NAME(vector) __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL NAME(loose)
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef BITS NAME(mask) __attribute__((vector_size(VECTOR_BYTES), may_alias));

/* --- products ------------------------------------------------------------------- */

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

/* What is done with products before they are stored: nothing, the activation, or its
   derivative, which is a function of its output h as in `activations.py`. ReLU, whose
   slope below 0 is 0, has functions of its own, since 0 times what is not finite is not
   0. What is not a number stays. */
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

/* out = finish(weights * in + bias) for one panel; weights in blocks of ROWS rows. */
INLINE void NAME(panel_product)(integer n_rows, integer n_columns, const REAL *weights,
                                const REAL *bias, const REAL *in, REAL *out,
                                enum NAME(finish) finish, const REAL *h, REAL slope) {
  for (integer i = 0; i < n_rows; i += ROWS) {
    NAME(vector) sums[ROWS][VECTORS];
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < VECTORS; v++)
        sums[r][v] = (NAME(vector)){0} + (bias ? bias[i + r] : 0);
    NAME(multiply)(VECTORS, 1, n_columns, weights + i * n_columns, 1, ROWS, 0, in, 0,
                   sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < VECTORS; v++) {
        integer place = (i + r) * WIDTH + v * LANES;
        *(NAME(vector) *)(out + place) = NAME(finished)(
            finish, sums[r][v], (const NAME(vector) *)(h ? h + place : 0), slope);
      }
  }
}

static void NAME(linear)(integer n_rows, integer n_columns, const REAL *weights,
                         const REAL *in, REAL *out) {
  NAME(panel_product)(n_rows, n_columns, weights, 0, in, out, NAME(plain), 0, 0);
}

static void NAME(hidden)(integer n_rows, integer n_columns, const REAL *weights,
                         const REAL *bias, const REAL *in, REAL *out, REAL slope) {
  if (slope == 0)
    NAME(panel_product)(n_rows, n_columns, weights, bias, in, out, NAME(relu), 0, 0);
  else
    NAME(panel_product)(n_rows, n_columns, weights, bias, in, out, NAME(leaky), 0,
                        slope);
}

static void NAME(pulled)(integer n_rows, integer n_columns, const REAL *weights,
                         const REAL *in, REAL *out, const REAL *h, REAL slope) {
  if (slope == 0)
    NAME(panel_product)(n_rows, n_columns, weights, 0, in, out, NAME(pull_relu), h, 0);
  else
    NAME(panel_product)(n_rows, n_columns, weights, 0, in, out, NAME(pull_leaky), h,
                        slope);
}

/* total += left * right^T over the panels of a tile. `right` is transposed: groups of
   WIDTH of its rows, and in each a row per pixel. Sums begin at zero in each tile, so
   that they are not one chain over all pixels, whose rounding errors would add up. */
INLINE void NAME(add_columns)(int n_vectors, integer n_rows, integer n_panels,
                              const REAL *left, integer left_outer,
                              const REAL *right, REAL *total, integer total_width) {
  for (integer i = 0; i < n_rows; i += ROWS) {
    NAME(vector) sums[ROWS][VECTORS];
    REAL *place = total + i * total_width;
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++)
        sums[r][v] = (NAME(vector)){0};
    NAME(multiply)(n_vectors, n_panels, WIDTH, left + i * WIDTH, WIDTH, 1,
                   left_outer, right, WIDTH * WIDTH, sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++)
        *(NAME(loose) *)(place + r * total_width + v * LANES) += sums[r][v];
  }
}

INLINE integer NAME(up)(integer n, integer unit) { return (n + unit - 1) / unit * unit; }

static void NAME(add_gradient)(integer n_rows, integer n_columns, integer n_panels,
                               integer most_panels, const REAL *left,
                               integer left_outer, const REAL *transposed,
                               REAL *total) {
  integer width = NAME(up)(n_columns, WIDTH);
  for (integer j = 0; j < n_columns; j += WIDTH) {
    const REAL *right = transposed + j * most_panels * WIDTH;
    integer n_vectors = n_columns - j < WIDTH ? NAME(up)(n_columns - j, LANES) / LANES
                                              : VECTORS;
    if (n_vectors == 3)
      NAME(add_columns)(3, n_rows, n_panels, left, left_outer, right, total + j,
                        width);
    else if (n_vectors == 2)
      NAME(add_columns)(2, n_rows, n_panels, left, left_outer, right, total + j,
                        width);
    else
      NAME(add_columns)(1, n_rows, n_panels, left, left_outer, right, total + j,
                        width);
  }
}

/* --- transposition --------------------------------------------------------------- */

/* One step of a perfect shuffle; as many of them as a vector has bits of lanes
   transpose a square of vectors. */
INLINE void NAME(interleave)(NAME(vector) a, NAME(vector) b, NAME(vector) *low,
                             NAME(vector) *high) {
#if VECTOR_BYTES == 64
  if (sizeof(REAL) == 4) {
    __m512 x = (__m512)a, y = (__m512)b;
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
                                            22, 7, 23);
    const __m512i second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,
                                             29, 14, 30, 15, 31);
    *low = (NAME(vector))_mm512_permutex2var_ps(x, first, y);
    *high = (NAME(vector))_mm512_permutex2var_ps(x, second, y);
  } else {
    __m512d x = (__m512d)a, y = (__m512d)b;
    const __m512i first = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i second = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    *low = (NAME(vector))_mm512_permutex2var_pd(x, first, y);
    *high = (NAME(vector))_mm512_permutex2var_pd(x, second, y);
  }
#else
  __m256d l, h;
  if (sizeof(REAL) == 4) {
    l = (__m256d)_mm256_unpacklo_ps((__m256)a, (__m256)b);
    h = (__m256d)_mm256_unpackhi_ps((__m256)a, (__m256)b);
  } else {
    l = _mm256_unpacklo_pd((__m256d)a, (__m256d)b);
    h = _mm256_unpackhi_pd((__m256d)a, (__m256d)b);
  }
  *low = (NAME(vector))_mm256_permute2f128_pd(l, h, 0x20);
  *high = (NAME(vector))_mm256_permute2f128_pd(l, h, 0x31);
#endif
}

/* Rows of one panel to `transposed`: see add_columns. */
static void NAME(transpose)(integer n_rows, const REAL *panel, integer place,
                            integer most_panels, REAL *transposed) {
  for (integer j = 0; j < n_rows; j += LANES) {
    REAL *group = transposed + (j / WIDTH * most_panels + place) * WIDTH * WIDTH +
                  j % WIDTH;
    for (integer p = 0; p < WIDTH; p += LANES) {
      NAME(vector) square[LANES], other[LANES];
      UNROLLED for (integer i = 0; i < LANES; i++)
        square[i] = j + i < n_rows
                        ? *(const NAME(vector) *)(panel + (j + i) * WIDTH + p)
                        : (NAME(vector)){0};
      UNROLLED for (integer step = 1; step < LANES; step *= 2) {
        UNROLLED for (integer i = 0; i < LANES / 2; i++)
          NAME(interleave)(square[i], square[i + LANES / 2], &other[2 * i],
                           &other[2 * i + 1]);
        UNROLLED for (integer i = 0; i < LANES; i++) square[i] = other[i];
      }
      UNROLLED for (integer i = 0; i < LANES; i++)
        *(NAME(vector) *)(group + (p + i) * WIDTH) = square[i];
    }
  }
}

/* --- windows --------------------------------------------------------------------- */

/* The pixels of a panel, and which of their neighbours are in the image. */
typedef struct {
  int in_one_sample; /* all WIDTH of them */
  integer n, samples[WIDTH], pixels[WIDTH];
  BITS *inside; /* [n_taps][WIDTH], all bits or none */
} NAME(Panel);

INLINE integer NAME(n_taps)(const Shape *s) {
  return (2 * s->margin[0] + 1) * (2 * s->margin[1] + 1) * (2 * s->margin[2] + 1);
}

static void NAME(find_panel)(const Shape *s, integer first, NAME(Panel) *panel) {
  const integer *size = s->spatial, *m = s->margin;
  integer n_pixels = size[0] * size[1] * size[2], total = s->n_samples * n_pixels;
  integer sample = first / n_pixels, pixel = first % n_pixels;
  integer x = pixel / (size[1] * size[2]), y = pixel / size[2] % size[1];
  integer z = pixel % size[2];
  BITS at[3][WIDTH], near[3][WIDTH];
  panel->n = total - first < WIDTH ? total - first : WIDTH;
  panel->in_one_sample = pixel + WIDTH <= n_pixels;
  for (integer lane = 0; lane < WIDTH; lane++) {
    panel->samples[lane] = sample;
    panel->pixels[lane] = pixel;
    at[0][lane] = x, at[1][lane] = y, at[2][lane] = z;
    /* No division per pixel: that would take a tenth of the time of a small net. */
    pixel++, z++;
    if (z == size[2]) z = 0, y++;
    if (y == size[1]) y = 0, x++;
    if (x == size[0]) x = 0, pixel = 0, sample++;
  }
  BITS *inside = panel->inside;
  for (integer i = -m[0]; i <= m[0]; i++) {
    for (integer lane = 0; lane < WIDTH; lane++)
      near[0][lane] = -(BITS)((at[0][lane] + i >= 0) & (at[0][lane] + i < size[0]) &
                              (lane < panel->n));
    for (integer j = -m[1]; j <= m[1]; j++) {
      for (integer lane = 0; lane < WIDTH; lane++)
        near[1][lane] = near[0][lane] & -(BITS)((at[1][lane] + j >= 0) &
                                                (at[1][lane] + j < size[1]));
      for (integer k = -m[2]; k <= m[2]; k++, inside += WIDTH)
        for (integer lane = 0; lane < WIDTH; lane++)
          inside[lane] = near[1][lane] & -(BITS)((at[2][lane] + k >= 0) &
                                                 (at[2][lane] + k < size[2]));
    }
  }
}

/* Whether WIDTH numbers from `start` on are in images of these strides: then they may
   be read, and have zero added to them, even if they are no pixels of the panel. */
INLINE int NAME(are_there)(const Shape *s, Strides strides, integer n_channels,
                           integer start) {
  integer n_pixels = s->spatial[0] * s->spatial[1] * s->spatial[2];
  integer end = (s->n_samples - 1) * strides.sample +
                (n_channels - 1) * strides.channel + n_pixels;
  return start >= 0 && start + WIDTH <= end;
}

/* Rows (channel, tap) of a panel from images, zero outside of them. */
static void NAME(gather)(const Shape *s, const NAME(Panel) *panel, const REAL *images,
                         Strides strides, integer n_channels, REAL *out) {
  const integer *size = s->spatial, *m = s->margin;
  for (integer c = 0; c < n_channels; c++) {
    const BITS *inside = panel->inside;
    for (integer i = -m[0]; i <= m[0]; i++)
      for (integer j = -m[1]; j <= m[1]; j++)
        for (integer k = -m[2]; k <= m[2]; k++, inside += WIDTH, out += WIDTH) {
          integer shift = c * strides.channel + (i * size[1] + j) * size[2] + k;
          integer start = panel->samples[0] * strides.sample + panel->pixels[0] + shift;
          if (panel->in_one_sample && NAME(are_there)(s, strides, n_channels, start)) {
            UNROLLED for (int v = 0; v < VECTORS; v++) {
              NAME(mask) bits = *(const NAME(mask) *)(inside + v * LANES);
              NAME(vector) value = *(const NAME(loose) *)(images + start + v * LANES);
              *(NAME(mask) *)(out + v * LANES) = (NAME(mask))value & bits;
            }
          } else {
            for (integer lane = 0; lane < WIDTH; lane++)
              out[lane] = inside[lane] ? images[panel->samples[lane] * strides.sample +
                                                panel->pixels[lane] + shift]
                                       : 0;
          }
        }
  }
}

/* The adjoint: add rows (channel, tap) of a panel to images. */
static void NAME(scatter)(const Shape *s, const NAME(Panel) *panel, const REAL *in,
                          Strides strides, integer n_channels, REAL *images) {
  const integer *size = s->spatial, *m = s->margin;
  for (integer c = 0; c < n_channels; c++) {
    const BITS *inside = panel->inside;
    for (integer i = -m[0]; i <= m[0]; i++)
      for (integer j = -m[1]; j <= m[1]; j++)
        for (integer k = -m[2]; k <= m[2]; k++, inside += WIDTH, in += WIDTH) {
          integer shift = c * strides.channel + (i * size[1] + j) * size[2] + k;
          integer start = panel->samples[0] * strides.sample + panel->pixels[0] + shift;
          if (panel->in_one_sample && NAME(are_there)(s, strides, n_channels, start)) {
            UNROLLED for (int v = 0; v < VECTORS; v++) {
              NAME(loose) *place = (NAME(loose) *)(images + start + v * LANES);
              NAME(mask) bits = *(const NAME(mask) *)(inside + v * LANES);
              *place += (NAME(vector))(*(const NAME(mask) *)(in + v * LANES) & bits);
            }
          } else {
            for (integer lane = 0; lane < WIDTH; lane++)
              if (inside[lane])
                images[panel->samples[lane] * strides.sample + panel->pixels[lane] +
                       shift] += in[lane];
          }
        }
  }
}

/* --- weights --------------------------------------------------------------------- */

/* Weights (n_rows, n_columns) of any strides as panel_product reads them: whole blocks
   of ROWS rows, in each column by column; `skip` is added to the diagonal. Rows that
   fill a block are zero, and what comes of them is never read: zero times what is not
   finite would not be zero. */
static void NAME(pack)(integer n_rows, integer n_columns, const REAL *weights,
                       integer row_stride, integer column_stride, REAL skip,
                       REAL *out) {
  for (integer i = 0; i < n_rows; i += ROWS)
    for (integer k = 0; k < n_columns; k++)
      for (integer row = i; row < i + ROWS; row++) {
        REAL weight = row < n_rows ? weights[row * row_stride + k * column_stride] : 0;
        *out++ = weight + (row == k ? skip : 0);
      }
}

static void NAME(pad)(integer n, integer width, const REAL *values, REAL *out) {
  for (integer i = 0; i < width; i++) out[i] = i < n ? values[i] : 0;
}

/* --- memory --------------------------------------------------------------------- */

/* The next n numbers of memory; with none only count how many are used. */
INLINE REAL *NAME(take)(REAL *memory, integer *used, integer n) {
  REAL *start = memory ? memory + *used : 0;
  *used += NAME(up)(n, WIDTH);
  return start;
}

/* A matrix whose rows have been rounded up to WIDTH, without the rest. */
static void NAME(copy_columns)(integer n_rows, integer n_columns, const REAL *from,
                               REAL *to) {
  integer width = NAME(up)(n_columns, WIDTH);
  for (integer i = 0; i < n_rows; i++)
    memcpy(to + i * n_columns, from + i * width, n_columns * sizeof(REAL));
}
