/* Panels of pixels: products, transposition, windows, weights.

   Included with REAL, BITS (an integer of its size) and NAME.

   Pixels of all samples in turn are cut into panels of WIDTH. A matrix with a column
   for each pixel is stored panel by panel, a row of a panel being VECTORS vectors; so
   products stream through it, and neighbours in a row are neighbours in an image. Rows
   are rounded up to ROWS with zeros. Columns of the last panel that are no pixels are left
   out of sums over pixels, and of products by whole vectors. */

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

/* Call a function with the number of vectors that n numbers fill, as a constant. */
#define WITH_VECTORS(n, function, ...)                       \
  do {                                                       \
    if ((n) > 2 * LANES) function(3, __VA_ARGS__);           \
    else if ((n) > LANES) function(2, __VA_ARGS__);          \
    else function(1, __VA_ARGS__);                           \
  } while (0)

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
    if (h) { /* It was put away long ago; it comes while its block is multiplied. */
      UNROLLED for (int r = 0; r < ROWS; r++)
        UNROLLED for (int v = 0; v < n_vectors; v++)
          __builtin_prefetch(h + (i + r) * WIDTH + v * LANES);
    }
    NAME(multiply)(n_vectors, 1, n_columns, weights + i * n_columns, 1, ROWS, 0, in, 0,
                   sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++) {
        integer place = (i + r) * WIDTH + v * LANES;
        *(NAME(vector) *)(out + place) = NAME(finished)(
            finish, sums[r][v], (const NAME(vector) *)(h ? h + place : 0), slope);
      }
  }
}

/* Of the first n pixels of a panel; what is in the others afterwards has no meaning. */
static void NAME(linear)(integer n, integer n_rows, integer n_columns,
                         const REAL *weights, const REAL *bias, const REAL *in,
                         REAL *out) {
  WITH_VECTORS(n, NAME(panel_product), n_rows, n_columns, weights, bias, in, out,
               NAME(plain), 0, 0);
}

static void NAME(hidden)(integer n, integer n_rows, integer n_columns,
                         const REAL *weights, const REAL *bias, const REAL *in,
                         REAL *out, REAL slope) {
  if (slope == 0)
    WITH_VECTORS(n, NAME(panel_product), n_rows, n_columns, weights, bias, in, out,
                 NAME(relu), 0, 0);
  else
    WITH_VECTORS(n, NAME(panel_product), n_rows, n_columns, weights, bias, in, out,
                 NAME(leaky), 0, slope);
}

static void NAME(pulled)(integer n, integer n_rows, integer n_columns,
                         const REAL *weights, const REAL *in, REAL *out, const REAL *h,
                         REAL slope) {
  if (slope == 0)
    WITH_VECTORS(n, NAME(panel_product), n_rows, n_columns, weights, 0, in, out,
                 NAME(pull_relu), h, 0);
  else
    WITH_VECTORS(n, NAME(panel_product), n_rows, n_columns, weights, 0, in, out,
                 NAME(pull_leaky), h, slope);
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

INLINE integer NAME(up)(integer n, integer unit) { return (n + unit - 1) / unit * unit; }

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

/* out = in + offset for the rows of a panel. */
INLINE void NAME(add_offset)(integer n_rows, const REAL *in, const REAL *offset,
                             REAL *out) {
  for (integer i = 0; i < n_rows; i++)
    UNROLLED for (int v = 0; v < VECTORS; v++) {
      integer place = i * WIDTH + v * LANES;
      *(NAME(vector) *)(out + place) = *(const NAME(vector) *)(in + place) + offset[i];
    }
}

/* --- transposition --------------------------------------------------------------- */

/* One step of a perfect shuffle. */
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

/* Transpose n rows, 2 to LANES, of one vector each: n numbers for each lane. As many
   shuffles as n has bits turn the order (row, lane) of all numbers to (lane, row). */
INLINE void NAME(shuffle)(integer n, NAME(vector) *rows) {
  NAME(vector) other[LANES];
  UNROLLED for (integer step = 1; step < n; step *= 2) {
    UNROLLED for (integer i = 0; i < n / 2; i++)
      NAME(interleave)(rows[i], rows[i + n / 2], &other[2 * i], &other[2 * i + 1]);
    UNROLLED for (integer i = 0; i < n; i++) rows[i] = other[i];
  }
}

/* Rows of one panel to `transposed`: see add_columns. */
static void NAME(transpose)(integer n_rows, const REAL *panel, integer place,
                            integer most_panels, REAL *transposed) {
  for (integer j = 0; j < n_rows; j += LANES) {
    REAL *group = transposed + (j / WIDTH * most_panels + place) * WIDTH * WIDTH +
                  j % WIDTH;
    for (integer p = 0; p < WIDTH; p += LANES) {
      NAME(vector) square[LANES];
      UNROLLED for (integer i = 0; i < LANES; i++)
        square[i] = j + i < n_rows
                        ? *(const NAME(vector) *)(panel + (j + i) * WIDTH + p)
                        : (NAME(vector)){0};
      NAME(shuffle)(LANES, square);
      UNROLLED for (integer i = 0; i < LANES; i++)
        *(NAME(vector) *)(group + (p + i) * WIDTH) = square[i];
    }
  }
}

/* --- windows --------------------------------------------------------------------- */

/* The pixels of a panel, and which of their neighbours are in the image. */
typedef struct {
  int in_vectors; /* each vector lies in one sample: its first pixel tells where */
  integer n, samples[WIDTH], pixels[WIDTH];
  BITS *inside; /* [n_taps][WIDTH], all bits or none */
  BITS *moved;  /* for `scatter`, else null: each row moved by its tap's last place */
} NAME(Panel);

INLINE integer NAME(all_pixels)(const Shape *s) {
  return s->n_samples * s->spatial[0] * s->spatial[1] * s->spatial[2];
}

/* Number of pixels in some panels: the last of all is not full. */
INLINE integer NAME(pixels_of)(const Shape *s, integer first_panel, integer n_panels) {
  integer left = NAME(all_pixels)(s) - first_panel * WIDTH;
  return left < n_panels * WIDTH ? left : n_panels * WIDTH;
}

INLINE integer NAME(n_taps)(const Shape *s) {
  return (2 * s->margin[0] + 1) * (2 * s->margin[1] + 1) * (2 * s->margin[2] + 1);
}

/* Where the pixels of a panel are. The first of each vector is enough for those who do
   not look beside them, if it is in one sample. */
INLINE void NAME(find_pixels)(const Shape *s, integer first, int first_is_enough,
                              NAME(Panel) *panel) {
  integer n_pixels = s->spatial[0] * s->spatial[1] * s->spatial[2];
  integer sample = first / n_pixels, pixel = first % n_pixels;
  panel->n = NAME(pixels_of)(s, first / WIDTH, 1);
  panel->in_vectors = pixel + WIDTH <= n_pixels || n_pixels % LANES == 0;
  /* No division per pixel: that would take a tenth of the time of a small net. */
  integer step = panel->in_vectors && first_is_enough ? LANES : 1;
  for (integer lane = 0; lane < WIDTH; lane += step) {
    panel->samples[lane] = sample;
    panel->pixels[lane] = pixel;
    pixel += step;
    if (pixel == n_pixels) pixel = 0, sample++;
  }
}

/* The same, and which of their neighbours are in the image. */
static void NAME(find_panel)(const Shape *s, integer first, NAME(Panel) *panel) {
  const integer *size = s->spatial, *m = s->margin;
  BITS at[3][WIDTH], near[2][WIDTH];
  NAME(find_pixels)(s, first, 0, panel);
  integer pixel = panel->pixels[0];
  integer x = pixel / (size[1] * size[2]), y = pixel / size[2] % size[1];
  integer z = pixel % size[2];
  for (integer lane = 0; lane < WIDTH; lane++) {
    at[0][lane] = x, at[1][lane] = y, at[2][lane] = z;
    z++;
    if (z == size[2]) z = 0, y++;
    if (y == size[1]) y = 0, x++;
    if (x == size[0]) x = 0;
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
  if (!panel->moved) return;
  memset(panel->moved, 0, NAME(n_taps)(s) * WIDTH * sizeof(BITS));
  for (integer tap = 0; tap < NAME(n_taps)(s); tap++) {
    integer k = tap % (2 * m[2] + 1) - m[2], kept = WIDTH - (k < 0 ? -k : k);
    if (kept > 0)
      memcpy(panel->moved + tap * WIDTH + (k > 0 ? k : 0),
             panel->inside + tap * WIDTH + (k < 0 ? -k : 0), kept * sizeof(BITS));
  }
}

/* Where the pixel of a lane is in the first channel. */
INLINE integer NAME(place)(const NAME(Panel) *panel, integer lane, Strides strides) {
  return panel->samples[lane] * strides.sample + panel->pixels[lane];
}

/* Find where the vectors of a panel begin. Returns whether they may be read whole, and
   have zero added to them, as seen from all taps: whether they are in the images, even
   if some numbers are of pixels outside of this one. */
INLINE int NAME(find_starts)(const Shape *s, const NAME(Panel) *panel, Strides strides,
                             integer starts[VECTORS]) {
  const integer *size = s->spatial, *m = s->margin;
  integer furthest = (m[0] * size[1] + m[1]) * size[2] + m[2];
  integer end = (s->n_samples - 1) * strides.sample + size[0] * size[1] * size[2];
  int are_there = panel->in_vectors && strides.channel >= 0;
  for (integer v = 0; v < VECTORS; v++) {
    integer lane = v * LANES < panel->n ? v * LANES : 0; /* else of no pixels */
    starts[v] = NAME(place)(panel, lane, strides);
    are_there &= (starts[v] >= furthest) & (starts[v] + furthest + LANES <= end);
  }
  return are_there;
}

/* Rows (channel, tap) of a panel from images, zero outside of them. */
static void NAME(gather)(const Shape *s, const NAME(Panel) *panel, const REAL *images,
                         Strides strides, integer n_channels, REAL *out) {
  const integer *size = s->spatial, *m = s->margin;
  integer starts[VECTORS];
  int whole = NAME(find_starts)(s, panel, strides, starts);
  for (integer c = 0; c < n_channels; c++) {
    const REAL *channel = images + c * strides.channel;
    const BITS *inside = panel->inside;
    for (integer i = -m[0]; i <= m[0]; i++)
      for (integer j = -m[1]; j <= m[1]; j++)
        for (integer k = -m[2]; k <= m[2]; k++, inside += WIDTH, out += WIDTH) {
          integer shift = (i * size[1] + j) * size[2] + k;
          if (whole) {
            UNROLLED for (int v = 0; v < VECTORS; v++) {
              NAME(mask) bits = *(const NAME(mask) *)(inside + v * LANES);
              NAME(vector) value = *(const NAME(loose) *)(channel + starts[v] + shift);
              *(NAME(mask) *)(out + v * LANES) = (NAME(mask))value & bits;
            }
          } else {
            for (integer lane = 0; lane < WIDTH; lane++)
              out[lane] = inside[lane]
                              ? channel[NAME(place)(panel, lane, strides) + shift]
                              : 0;
          }
        }
  }
}

/* The adjoint: add rows (channel, tap) of a panel to images.

   The taps of one row of a window are summed first, each moved by its place. Added one
   by one they would overlap, and a processor waits for what it has just written if it
   reads it in other vectors. */
static void NAME(scatter)(const Shape *s, const NAME(Panel) *panel, const REAL *in,
                          Strides strides, integer n_channels, REAL *images) {
  const integer *size = s->spatial, *m = s->margin, n_taps = 2 * m[2] + 1;
  integer starts[VECTORS];
  int whole = NAME(find_starts)(s, panel, strides, starts) && n_taps < WIDTH;
  for (integer c = 0; c < n_channels; c++) {
    REAL *channel = images + c * strides.channel;
    const BITS *inside = panel->inside, *moved = panel->moved;
    for (integer i = -m[0]; i <= m[0]; i++)
      for (integer j = -m[1]; j <= m[1]; j++, inside += n_taps * WIDTH,
                  moved += n_taps * WIDTH, in += n_taps * WIDTH) {
        integer shift = (i * size[1] + j) * size[2];
        if (whole)
          UNROLLED for (int v = 0; v < VECTORS; v++) {
            NAME(loose) *place = (NAME(loose) *)(channel + starts[v] + shift);
            NAME(vector) sum = *place;
            for (integer k = 0; k < n_taps; k++) {
              integer at = k * WIDTH + v * LANES;
              NAME(mask) bits = *(const NAME(mask) *)(moved + at);
              NAME(loose) value = *(const NAME(loose) *)(in + at - (k - m[2]));
              sum += (NAME(vector))((NAME(mask))value & bits);
            }
            *place = sum;
          }
        /* What is moved beyond the ends, or everything. */
        for (integer k = 0; k < n_taps; k++) {
          integer by = k - m[2], n_beyond = by < 0 ? -by : by;
          integer first = whole && by > 0 ? WIDTH - by : 0;
          integer last = whole ? first + n_beyond : WIDTH;
          for (integer lane = first; lane < last; lane++)
            if (inside[k * WIDTH + lane])
              channel[NAME(place)(panel, lane, strides) + shift + by] +=
                  in[k * WIDTH + lane];
        }
      }
  }
}

/* Rows (channel) of a panel from images. */
static void NAME(read)(const NAME(Panel) *panel, const REAL *images, Strides strides,
                       integer n_channels, REAL *out) {
  for (integer c = 0; c < n_channels; c++, out += WIDTH) {
    const REAL *channel = images + c * strides.channel;
    if (panel->in_vectors) {
      for (integer lane = 0; lane < panel->n; lane += LANES)
        *(NAME(vector) *)(out + lane) =
            *(const NAME(loose) *)(channel + NAME(place)(panel, lane, strides));
    } else {
      for (integer lane = 0; lane < WIDTH; lane++)
        out[lane] = lane < panel->n ? channel[NAME(place)(panel, lane, strides)] : 0;
    }
  }
}

/* Write the rows of a panel to images, or add them. */
static void NAME(store)(const NAME(Panel) *panel, const REAL *in, Strides strides,
                        integer n_channels, int adds, REAL *images) {
  for (integer c = 0; c < n_channels; c++, in += WIDTH) {
    REAL *channel = images + c * strides.channel;
    if (panel->in_vectors) {
      for (integer lane = 0; lane < panel->n; lane += LANES) {
        NAME(loose) *place =
            (NAME(loose) *)(channel + NAME(place)(panel, lane, strides));
        NAME(vector) value = *(const NAME(vector) *)(in + lane);
        if (adds) value += *place;
        *place = value;
      }
    } else {
      for (integer lane = 0; lane < panel->n; lane++) {
        REAL *place = channel + NAME(place)(panel, lane, strides);
        *place = adds ? *place + in[lane] : in[lane];
      }
    }
  }
}

/* --- weights --------------------------------------------------------------------- */

/* Weights (n_rows, n_columns) as panel_product reads them: whole blocks of ROWS rows, in
   each column by column; `skip` is added to the diagonal. One of the strides is 1. Rows
   that fill a block are zero, and what comes of them is never read: zero times what is
   not finite would not be zero. */
static void NAME(pack)(integer n_rows, integer n_columns, const REAL *weights,
                       integer row_stride, integer column_stride, REAL skip,
                       REAL *out) {
  for (integer i = 0; i < n_rows; i += ROWS, out += ROWS * n_columns) {
    const REAL *block = weights + i * row_stride;
    integer k = 0;
    if (i + ROWS > n_rows) {
      for (; k < n_columns; k++)
        for (integer r = 0; r < ROWS; r++)
          out[k * ROWS + r] =
              i + r < n_rows ? block[r * row_stride + k * column_stride] : 0;
    } else if (row_stride == 1) {
      for (; k < n_columns; k++)
        UNROLLED for (integer r = 0; r < ROWS; r++)
          out[k * ROWS + r] = block[k * column_stride + r];
    } else {
      for (; k + LANES <= n_columns; k += LANES) {
        NAME(vector) rows[ROWS];
        UNROLLED for (integer r = 0; r < ROWS; r++)
          rows[r] = *(const NAME(loose) *)(block + r * row_stride + k);
        NAME(shuffle)(ROWS, rows);
        UNROLLED for (integer r = 0; r < ROWS; r++)
          *(NAME(loose) *)(out + k * ROWS + r * LANES) = rows[r];
      }
      for (; k < n_columns; k++)
        for (integer r = 0; r < ROWS; r++) out[k * ROWS + r] = block[r * row_stride + k];
    }
    for (integer r = 0; r < ROWS && i + r < n_rows && i + r < n_columns; r++)
      out[(i + r) * ROWS + r] += skip;
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
