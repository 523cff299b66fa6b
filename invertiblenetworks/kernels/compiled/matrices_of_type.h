/* Transposition and packing of matrices; follows `parts_of_type.h`. */

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

/* Weights (n_rows, n_columns) as panel_product reads them: whole blocks of ROWS rows, in
   each column by column; `skip` is added to the diagonal. One of the strides is 1. Rows
   that fill a block are zero, and what comes of them is never read: zero times what is
   not finite would not be zero. A part does its share of the blocks. */
static void NAME(pack)(integer n_rows, integer n_columns, const REAL *weights,
                       integer row_stride, integer column_stride, REAL skip, REAL *to,
                       integer part, integer n_parts) {
  integer n_blocks = NAME(up)(n_rows, ROWS) / ROWS;
  integer from = NAME(share)(n_blocks, part, n_parts) * ROWS;
  integer end = NAME(share)(n_blocks, part + 1, n_parts) * ROWS;
  for (integer i = from; i < end; i += ROWS) {
    const REAL *block = weights + i * row_stride;
    REAL *out = to + i * n_columns;
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

/* The share of a part in setting numbers to zero. */
INLINE void NAME(clear)(integer n, REAL *numbers, integer part, integer n_parts) {
  integer from = NAME(share)(n, part, n_parts), end = NAME(share)(n, part + 1, n_parts);
  memset(numbers + from, 0, (end - from) * sizeof(REAL));
}

/* Sum numbers over parts, of which each has its own so many further on. */
static void NAME(sum_parts)(integer n, const REAL *numbers, integer further, REAL *to,
                            integer n_parts) {
  memcpy(to, numbers, n * sizeof(REAL));
  for (integer part = 1; part < n_parts; part++)
    for (integer i = 0; i < n; i++) to[i] += numbers[part * further + i];
}

/* The same for a matrix whose rows have been rounded up to WIDTH, without what they have
   been rounded by. A part does its share of the rows. */
static void NAME(collect)(integer n_rows, integer n_columns, const REAL *matrix,
                          integer further, REAL *to, integer part, integer n_parts) {
  integer width = NAME(up)(n_columns, WIDTH);
  integer from = NAME(share)(n_rows, part, n_parts);
  integer end = NAME(share)(n_rows, part + 1, n_parts);
  for (integer i = from; i < end; i++)
    NAME(sum_parts)(n_columns, matrix + i * width, further, to + i * n_columns, n_parts);
}
