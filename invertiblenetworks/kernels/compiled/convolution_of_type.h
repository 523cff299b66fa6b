/* Convolutions that keep the size of images, see `convolution.py`; follows
   `windows_of_type.h`. Here n_in are the channels of the images that are read around
   each pixel, n_out those of the pixels. */

INLINE integer NAME(n_columns)(const Shape *s) { return s->n_in * NAME(n_taps)(s); }

typedef struct {
  REAL *weights;
  BITS *inside;
  REAL *columns, *products; /* of a panel */
} NAME(Transform);

static integer NAME(lay_out_transform)(const Shape *s, REAL *memory, integer part,
                                       NAME(Transform) *t) {
  integer used = 0, rows = NAME(up)(s->n_out, ROWS), n_columns = NAME(n_columns)(s);
  integer n = NAME(n_parts)(s, 0), bits = NAME(n_taps)(s) * WIDTH;
  t->weights = NAME(take)(memory, &used, rows * n_columns);
  t->inside = (BITS *)NAME(take_own)(memory, &used, bits, part, n);
  t->columns = NAME(take_own)(memory, &used, n_columns * WIDTH, part, n);
  t->products = NAME(take_own)(memory, &used, rows * WIDTH, part, n);
  return used;
}

integer NAME(memory_transform)(const Shape *s) {
  NAME(Transform) t;
  return NAME(lay_out_transform)(s, 0, 0, &t);
}

typedef struct {
  const Shape *s;
  int adds;
  const REAL *images;
  REAL *result, *memory;
} NAME(TransformCall);

static void NAME(part_of_transform)(void *context, integer number) {
  NAME(TransformCall) *c = context;
  const Shape *s = c->s;
  Strides of_images = {s->x_sample, s->x_channel}, of_result = {s->y_sample, s->y_channel};
  NAME(Part) part = NAME(part)(s, number);
  NAME(Transform) t;
  NAME(lay_out_transform)(s, c->memory, number, &t);
  NAME(Panel) panel;
  panel.inside = t.inside, panel.moved = 0;
  for (integer i = 0; i < NAME(panels_of)(&part); i++) {
    NAME(find_panel)(s, &part, i, &panel);
    NAME(gather)(s, &panel, c->images, of_images, s->n_in, t.columns);
    NAME(linear)(panel.n, NAME(up)(s->n_out, ROWS), NAME(n_columns)(s), t.weights, 0,
                 t.columns, t.products);
    NAME(store)(&panel, t.products, of_result, s->n_out, c->adds, c->result);
  }
}

/* result[n, o, p] = sum over channels c and taps k of
   weights[o, c, k] * images[n, c, p + k]; the weights have these three strides. */
static void NAME(transform)(const Shape *s, int adds, const integer *strides,
                     const REAL *images, const REAL *weights, REAL *result,
                     REAL *memory) {
  integer n_taps = NAME(n_taps)(s), n = s->n_in * n_taps;
  NAME(TransformCall) call = {s, adds, images, result, memory};
  NAME(Transform) t;
  NAME(lay_out_transform)(s, memory, 0, &t);
  for (integer i = 0; i < NAME(up)(s->n_out, ROWS); i++)
    for (integer c = 0; c < s->n_in; c++)
      for (integer k = 0; k < n_taps; k++)
        t.weights[(i / ROWS * n + c * n_taps + k) * ROWS + i % ROWS] =
            i < s->n_out ? weights[i * strides[0] + c * strides[1] + k * strides[2]] : 0;
  do_parts(NAME(part_of_transform), &call, NAME(n_parts)(s, 0));
}

typedef struct {
  BITS *inside;
  REAL *fixed, *fixed_t, *columns; /* of a panel, and of a tile */
  integer n_sums;
  REAL *sums, *totals;             /* of some tiles, and of a part */
} NAME(Correlation);

static integer NAME(lay_out_correlate)(const Shape *s, REAL *memory, integer part,
                                       NAME(Correlation) *r) {
  integer used = 0, rows = NAME(up)(NAME(n_columns)(s), ROWS), n = NAME(n_parts)(s, 0);
  integer wide = NAME(up)(s->n_out, WIDTH), tile = s->panels_of_tile * WIDTH;
  integer bits = NAME(n_taps)(s) * WIDTH;
  r->inside = (BITS *)NAME(take_own)(memory, &used, bits, part, n);
  r->fixed = NAME(take_own)(memory, &used, s->n_out * WIDTH, part, n);
  r->fixed_t = NAME(take_own)(memory, &used, tile * wide, part, n);
  r->columns = NAME(take_own)(memory, &used, tile * rows, part, n);
  r->n_sums = rows * wide;
  NAME(take_sums)(s, memory, &used, r->n_sums, part, n, &r->sums, &r->totals);
  return used;
}

integer NAME(memory_correlate)(const Shape *s) {
  NAME(Correlation) r;
  return NAME(lay_out_correlate)(s, 0, 0, &r);
}

typedef struct {
  const Shape *s;
  const REAL *fixed, *moved;
  REAL *result, *memory;
} NAME(CorrelateCall);

static void NAME(part_of_correlate)(void *context, integer number) {
  NAME(CorrelateCall) *c = context;
  const Shape *s = c->s;
  integer rows = NAME(up)(NAME(n_columns)(s), ROWS), most = s->panels_of_tile;
  Strides of_moved = {s->x_sample, s->x_channel}, of_fixed = {s->y_sample, s->y_channel};
  NAME(Part) part = NAME(part)(s, number);
  NAME(Correlation) r;
  NAME(lay_out_correlate)(s, c->memory, number, &r);
  integer all = NAME(panels_of)(&part);
  NAME(clear_sums)(r.n_sums, r.sums, r.totals);
  NAME(Panel) panel;
  panel.inside = r.inside, panel.moved = 0;
  for (integer start = 0; start < all; start += most) {
    integer n_panels = all - start < most ? all - start : most;
    for (integer i = 0; i < n_panels; i++) {
      REAL *columns = r.columns + i * rows * WIDTH;
      NAME(find_panel)(s, &part, start + i, &panel);
      NAME(gather)(s, &panel, c->moved, of_moved, s->n_in, columns);
      NAME(read)(&panel, c->fixed, of_fixed, s->n_out, r.fixed);
      NAME(transpose)(s->n_out, r.fixed, i, most, r.fixed_t);
    }
    NAME(add_gradient)(rows, s->n_out, NAME(pixels_of)(&part, start, n_panels), most,
                       r.columns, rows * WIDTH, r.fixed_t, r.sums);
    NAME(add_many)(start / most + 1, start + most >= all, r.n_sums, r.sums, r.totals);
  }
}

static void NAME(collect_correlate)(void *context, integer part) {
  NAME(CorrelateCall) *c = context;
  NAME(Correlation) r;
  NAME(lay_out_correlate)(c->s, c->memory, 0, &r);
  NAME(collect)(NAME(n_columns)(c->s), c->s->n_out, r.totals, r.n_sums, c->result, part,
                NAME(n_parts)(c->s, 0));
}

/* result[(c, k), o] = sum over n, p of fixed[n, o, p] * moved[n, c, p + k]. */
static void NAME(correlate)(const Shape *s, const REAL *fixed, const REAL *moved, REAL *result,
                     REAL *memory) {
  NAME(CorrelateCall) c = {s, fixed, moved, result, memory};
  do_parts(NAME(part_of_correlate), &c, NAME(n_parts)(s, 0));
  do_parts(NAME(collect_correlate), &c, NAME(n_parts)(s, 0));
}
