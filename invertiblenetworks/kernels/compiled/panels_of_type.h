/* Panels of pixels: what all kernels share.

   Included with REAL, BITS (an integer of its size) and NAME.

   Pixels of all samples in turn are cut into panels of WIDTH. A matrix with a column
   for each pixel is stored panel by panel, a row of a panel being VECTORS vectors; so
   products stream through it, and neighbours in a row are neighbours in an image. Rows
   are rounded up to ROWS. Columns of the last panel of a part that are no pixels are left
   out of sums over pixels, and of products by whole vectors. */

#define LANES ((integer)(VECTOR_BYTES / sizeof(REAL)))
#define WIDTH (VECTORS * LANES)

typedef REAL NAME(vector) __attribute__((vector_size(VECTOR_BYTES)));
typedef REAL NAME(loose)
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));
typedef BITS NAME(mask) __attribute__((vector_size(VECTOR_BYTES), may_alias));

INLINE integer NAME(up)(integer n, integer unit) { return (n + unit - 1) / unit * unit; }

/* The next n numbers of memory; with none only count how many are used. */
INLINE REAL *NAME(take)(REAL *memory, integer *used, integer n) {
  REAL *start = memory ? memory + *used : 0;
  *used += NAME(up)(n, WIDTH);
  return start;
}

/* The same for each part of a call. */
INLINE REAL *NAME(take_own)(REAL *memory, integer *used, integer n, integer part,
                            integer n_parts) {
  integer own = NAME(up)(n, WIDTH), start = *used + part * own;
  *used += n_parts * own;
  return memory ? memory + start : 0;
}
