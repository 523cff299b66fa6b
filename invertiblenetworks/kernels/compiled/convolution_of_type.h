/* Convolutions that keep the size of images, see `convolution.py`; follows
   `panels_of_type.h`. Here n_in are the channels of the images that are read around
   each pixel, n_out those of the pixels. Both functions take a range of panels. */

INLINE integer NAME(n_columns)(const Shape *s) { return s->n_in * NAME(n_taps)(s); }

typedef struct {
  BITS *inside;
  REAL *weights, *columns, *products;
} NAME(Transform);

static integer NAME(lay_out_transform)(const Shape *s, REAL *memory,
                                       NAME(Transform) *t) {
  integer used = 0, rows = NAME(up)(s->n_out, ROWS), n = NAME(n_columns)(s);
  t->inside = (BITS *)NAME(take)(memory, &used, NAME(n_taps)(s) * WIDTH);
  t->weights = NAME(take)(memory, &used, rows * n);
  t->columns = NAME(take)(memory, &used, n * WIDTH);
  t->products = NAME(take)(memory, &used, rows * WIDTH);
  return used;
}

integer NAME(memory_transform)(const Shape *s) {
  NAME(Transform) t;
  return NAME(lay_out_transform)(s, 0, &t);
}

/* result[n, o, p] = sum over channels c and taps k of
   weights[o, c, k] * images[n, c, p + k]; the weights have these three strides. */
void NAME(transform)(const Shape *s, integer first, integer last, int adds,
                     const integer *strides, const REAL *images, const REAL *weights,
                     REAL *result, REAL *memory) {
  integer n_taps = NAME(n_taps)(s), n = s->n_in * n_taps;
  Strides of_images = {s->x_sample, s->x_channel}, of_result = {s->y_sample, s->y_channel};
  NAME(Transform) t;
  NAME(lay_out_transform)(s, memory, &t);
  for (integer i = 0; i < NAME(up)(s->n_out, ROWS); i++)
    for (integer c = 0; c < s->n_in; c++)
      for (integer k = 0; k < n_taps; k++)
        t.weights[(i / ROWS * n + c * n_taps + k) * ROWS + i % ROWS] =
            i < s->n_out ? weights[i * strides[0] + c * strides[1] + k * strides[2]] : 0;
  NAME(Panel) panel;
  panel.inside = t.inside, panel.moved = 0;
  for (integer i = first; i < last; i++) {
    NAME(find_panel)(s, i * WIDTH, &panel);
    NAME(gather)(s, &panel, images, of_images, s->n_in, t.columns);
    NAME(linear)(panel.n, NAME(up)(s->n_out, ROWS), n, t.weights, 0, t.columns,
                 t.products);
    NAME(store)(&panel, t.products, of_result, s->n_out, adds, result);
  }
}

typedef struct {
  BITS *inside;
  REAL *fixed, *fixed_t, *columns, *sums, *totals;
} NAME(Correlation);

static integer NAME(lay_out_correlate)(const Shape *s, REAL *memory,
                                       NAME(Correlation) *r) {
  integer used = 0, rows = NAME(up)(NAME(n_columns)(s), ROWS);
  integer wide = NAME(up)(s->n_out, WIDTH), most = s->panels_of_tile;
  r->inside = (BITS *)NAME(take)(memory, &used, NAME(n_taps)(s) * WIDTH);
  r->fixed = NAME(take)(memory, &used, s->n_out * WIDTH);
  r->fixed_t = NAME(take)(memory, &used, most * wide * WIDTH);
  r->columns = NAME(take)(memory, &used, most * rows * WIDTH);
  r->sums = NAME(take)(memory, &used, rows * wide);
  r->totals = NAME(take_totals)(s, memory, &used, rows * wide, r->sums);
  return used;
}

integer NAME(memory_correlate)(const Shape *s) {
  NAME(Correlation) r;
  return NAME(lay_out_correlate)(s, 0, &r);
}

/* result[(c, k), o] = sum over n, p of fixed[n, o, p] * moved[n, c, p + k]. */
void NAME(correlate)(const Shape *s, integer first, integer last, const REAL *fixed,
                     const REAL *moved, REAL *result, REAL *memory) {
  integer n = NAME(n_columns)(s), rows = NAME(up)(n, ROWS), most = s->panels_of_tile;
  integer wide = NAME(up)(s->n_out, WIDTH);
  Strides of_moved = {s->x_sample, s->x_channel}, of_fixed = {s->y_sample, s->y_channel};
  NAME(Correlation) r;
  REAL *end = memory + NAME(lay_out_correlate)(s, memory, &r);
  memset(r.sums, 0, (end - r.sums) * sizeof(REAL));
  NAME(Panel) panel;
  panel.inside = r.inside, panel.moved = 0;
  for (integer start = first; start < last; start += most) {
    integer n_panels = last - start < most ? last - start : most;
    for (integer i = 0; i < n_panels; i++) {
      NAME(find_panel)(s, (start + i) * WIDTH, &panel);
      NAME(gather)(s, &panel, moved, of_moved, s->n_in, r.columns + i * rows * WIDTH);
      NAME(read)(&panel, fixed, of_fixed, s->n_out, r.fixed);
      NAME(transpose)(s->n_out, r.fixed, i, most, r.fixed_t);
    }
    NAME(add_gradient)(rows, s->n_out, NAME(pixels_of)(s, start, n_panels), most,
                       r.columns, rows * WIDTH, r.fixed_t, r.sums);
    NAME(add_many)((start - first) / most + 1, start + most >= last, rows * wide,
                   r.sums, r.totals);
  }
  NAME(copy_columns)(n, s->n_out, r.totals, result);
}
