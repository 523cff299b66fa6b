/* Copies of arrays with any strides, see `copying.py`; follows `panels_of_type.h`. */

typedef struct {
  const Layout *layout;
  const REAL *x;
  REAL *y;
} NAME(CopyCall);

/* Two axes; the usual strides of squeezes are constants, which compilers make vectors
   of. */
INLINE void NAME(copy_plane)(integer n_rows, integer row, integer n, integer step,
                             const REAL *x, REAL *y) {
  if (n == 2 && row == 1) {
    for (integer i = 0; i < n_rows; i++) y[2 * i] = x[i], y[2 * i + 1] = x[i + step];
    return;
  }
  for (integer i = 0; i < n_rows; i++, x += row, y += n) {
    if (step == 1)
      memcpy(y, x, n * sizeof(REAL));
    else if (step == 2)
      for (integer j = 0; j < n; j++) y[j] = x[2 * j];
    else
      for (integer j = 0; j < n; j++) y[j] = x[j * step];
  }
}

static void NAME(part_of_copy)(void *context, integer part) {
  const NAME(CopyCall) *c = context;
  const Layout *l = c->layout;
  const integer n_outer = MOST_AXES - 2, *sizes = l->sizes, *strides = l->strides;
  integer n_planes = 1, size = sizes[n_outer] * sizes[n_outer + 1];
  for (integer axis = 0; axis < n_outer; axis++) n_planes *= sizes[axis];
  integer first = n_planes * part / l->n_parts, at[MOST_AXES], place = 0;
  integer last = n_planes * (part + 1) / l->n_parts;
  for (integer axis = n_outer - 1, left = first; axis >= 0; axis--) {
    at[axis] = left % sizes[axis], left /= sizes[axis];
    place += at[axis] * strides[axis];
  }
  for (integer plane = first; plane < last; plane++) {
    NAME(copy_plane)(sizes[n_outer], strides[n_outer], sizes[n_outer + 1],
                     strides[n_outer + 1], c->x + place, c->y + plane * size);
    for (integer axis = n_outer - 1; axis >= 0; axis--) {
      place += strides[axis];
      if (++at[axis] < sizes[axis]) break;
      place -= sizes[axis] * strides[axis], at[axis] = 0;
    }
  }
}

/* Write to y, one after the other, the numbers of x in the order of its axes. */
static void NAME(copy)(const Layout *layout, const REAL *x, REAL *y) {
  NAME(CopyCall) c = {layout, x, y};
  do_parts(NAME(part_of_copy), &c, layout->n_parts);
}
