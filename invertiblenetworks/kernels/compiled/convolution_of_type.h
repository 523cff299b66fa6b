/* Convolutions that keep the size of images, see `convolution.py`; follows
   `components_of_type.h`. Here n_in are the channels of the images that are read around
   each pixel, n_out those of the pixels. */

typedef struct {
  REAL *weights;
  BITS *inside;
  REAL *columns, *products; /* of a panel */
} NAME(Transform);

static integer NAME(lay_out_transform)(const Shape *s, REAL *memory, integer part,
                                       NAME(Transform) *t) {
  NAME(Sizes) z = NAME(sizes)(s, 0);
  integer used = 0, rows = NAME(up)(s->n_out, ROWS), m = z.n_components, n = z.n_parts;
  integer bits = m * z.n_taps * WIDTH;
  t->weights = NAME(take)(memory, &used, rows * m * z.first);
  t->inside = (BITS *)NAME(take_own)(memory, &used, bits, part, n);
  t->columns = NAME(take_own)(memory, &used, m * z.first * WIDTH, part, n);
  t->products = NAME(take_own)(memory, &used, z.n_lines * rows * WIDTH, part, n);
  return used;
}

integer NAME(memory_transform)(const Shape *s) {
  NAME(Transform) t;
  return NAME(lay_out_transform)(s, 0, 0, &t);
}

typedef struct {
  const Shape *s;
  int adds;
  const integer *strides;
  const REAL *images, *weights;
  REAL *result, *memory;
} NAME(TransformCall);

/* Weights in blocks of rows, and their components. A part does its share of the rows. */
static void NAME(prepare_transform)(void *context, integer part) {
  NAME(TransformCall) *call = context;
  const Shape *s = call->s;
  const integer *strides = call->strides;
  NAME(Sizes) z = NAME(sizes)(s, 0);
  NAME(Transform) t;
  NAME(lay_out_transform)(s, call->memory, part, &t);
  integer rows = NAME(up)(s->n_out, ROWS), from = NAME(share)(rows, part, z.n_parts);
  integer end = NAME(share)(rows, part + 1, z.n_parts), columns = z.n_components * z.first;
  for (integer i = from; i < end; i++)
    for (integer c = 0; c < s->n_in; c++)
      for (integer tap = 0; tap < z.n_taps; tap++) {
        integer first = z.n_lines == 1 ? tap : NAME(first_line)(tap);
        const REAL *w = call->weights + i * strides[0] + c * strides[1] + first * strides[2];
        REAL *to = t.weights + (i / ROWS * columns + c * z.n_taps + tap) * ROWS + i % ROWS;
        if (i >= s->n_out)
          for (integer m = 0; m < z.n_components; m++) to[m * z.first * ROWS] = 0;
        else if (z.n_lines == 1)
          *to = *w;
        else
          NAME(split_taps)(w, PLACES * strides[2], z.first * ROWS, to);
      }
}

static void NAME(part_of_transform)(void *context, integer number) {
  NAME(TransformCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s, 0);
  Strides of_images = {s->x_sample, s->x_channel}, of_result = {s->y_sample, s->y_channel};
  NAME(Part) part = NAME(part)(&z.grid, number);
  integer rows = NAME(up)(s->n_out, ROWS);
  NAME(Transform) t;
  NAME(lay_out_transform)(s, c->memory, number, &t);
  NAME(Panel) panel;
  panel.inside = t.inside, panel.moved = 0;
  for (integer i = 0; i < NAME(panels_of)(&part); i++) {
    NAME(find)(s, &z, &part, i, &panel);
    NAME(gather_windows)(s, &z, &panel, c->images, of_images, s->n_in, t.columns);
    NAME(linear)(z.n_lines, panel.n, rows, z.first, t.weights, 0, t.columns, t.products);
    if (z.n_lines == 1)
      NAME(store)(&panel, t.products, of_result, s->n_out, c->adds, c->result);
    else
      NAME(store_lines)(s, &panel, t.products, rows * WIDTH, of_result, s->n_out, c->adds,
                        c->result);
  }
}

/* result[n, o, p] = sum over channels c and taps k of
   weights[o, c, k] * images[n, c, p + k]; the weights have these three strides. */
static void NAME(transform)(const Shape *s, int adds, const integer *strides,
                     const REAL *images, const REAL *weights, REAL *result,
                     REAL *memory) {
  NAME(TransformCall) call = {s, adds, strides, images, weights, result, memory};
  integer n_parts = NAME(sizes)(s, 0).n_parts;
  do_parts(NAME(prepare_transform), &call, n_parts);
  do_parts(NAME(part_of_transform), &call, n_parts);
}

typedef struct {
  BITS *inside;
  REAL *fixed, *fixed_t, *columns; /* of a panel, and of a tile */
  integer rows, wide;              /* of a component of the gradient */
  integer n_sums;
  REAL *sums, *totals;             /* of some tiles, and of a part */
} NAME(Correlation);

static integer NAME(lay_out_correlate)(const Shape *s, REAL *memory, integer part,
                                       NAME(Correlation) *r) {
  NAME(Sizes) z = NAME(sizes)(s, 0);
  integer used = 0, m = z.n_components, n = z.n_parts, bits = m * z.n_taps * WIDTH;
  integer tile = z.grid.panels_of_tile * WIDTH;
  r->rows = NAME(up)(z.first, ROWS), r->wide = NAME(up)(s->n_out, WIDTH);
  r->inside = (BITS *)NAME(take_own)(memory, &used, bits, part, n);
  r->fixed = NAME(take_own)(memory, &used, m * s->n_out * WIDTH, part, n);
  r->fixed_t = NAME(take_own)(memory, &used, m * tile * r->wide, part, n);
  r->columns = NAME(take_own)(memory, &used, m * tile * r->rows, part, n);
  r->n_sums = m * r->rows * r->wide;
  NAME(take_sums)(&z.grid, memory, &used, r->n_sums, part, n, &r->sums, &r->totals);
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
  NAME(Sizes) z = NAME(sizes)(s, 0);
  integer most = z.grid.panels_of_tile, m = z.n_components, n_out = s->n_out;
  Strides of_moved = {s->x_sample, s->x_channel}, of_fixed = {s->y_sample, s->y_channel};
  NAME(Part) part = NAME(part)(&z.grid, number);
  NAME(Correlation) r;
  NAME(lay_out_correlate)(s, c->memory, number, &r);
  integer all = NAME(panels_of)(&part), of_panel = m * r.rows * WIDTH;
  NAME(clear_sums)(r.n_sums, r.sums, r.totals);
  NAME(Panel) panel;
  panel.inside = r.inside, panel.moved = 0;
  for (integer start = 0; start < all; start += most) {
    integer n_panels = all - start < most ? all - start : most;
    integer n_pixels = NAME(pixels_of)(&part, start, n_panels);
    for (integer i = 0; i < n_panels; i++) {
      NAME(find)(s, &z, &part, start + i, &panel);
      NAME(gather_windows)(s, &z, &panel, c->moved, of_moved, s->n_in,
                           r.columns + i * of_panel);
      if (z.n_lines == 1) NAME(read)(&panel, c->fixed, of_fixed, n_out, r.fixed);
      else NAME(read_components)(s, &panel, c->fixed, of_fixed, n_out, r.fixed);
      NAME(transpose_all)(m, n_out, r.fixed, n_out * WIDTH, i, most, r.fixed_t);
    }
    for (integer i = 0; i < m; i++)
      NAME(add_gradient)(r.rows, n_out, n_pixels, most, r.columns + i * z.first * WIDTH,
                         of_panel, r.fixed_t + i * most * WIDTH * r.wide,
                         r.sums + i * r.rows * r.wide);
    NAME(add_many)(start / most + 1, start + most >= all, r.n_sums, r.sums, r.totals);
  }
}

static void NAME(collect_correlate)(void *context, integer part) {
  NAME(CorrelateCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s, 0);
  NAME(Correlation) r;
  NAME(lay_out_correlate)(s, c->memory, 0, &r);
  if (z.n_lines == 1)
    NAME(collect)(z.first, s->n_out, r.totals, r.n_sums, c->result, part, z.n_parts);
  else
    NAME(collect_taps)(s->n_in * NAME(n_planes)(s), s->n_out, r.totals, r.rows * r.wide,
                       r.n_sums, c->result, part, z.n_parts);
}

/* result[(c, k), o] = sum over n, p of fixed[n, o, p] * moved[n, c, p + k]. */
static void NAME(correlate)(const Shape *s, const REAL *fixed, const REAL *moved, REAL *result,
                     REAL *memory) {
  NAME(CorrelateCall) c = {s, fixed, moved, result, memory};
  integer n_parts = NAME(sizes)(s, 0).n_parts;
  do_parts(NAME(part_of_correlate), &c, n_parts);
  do_parts(NAME(collect_correlate), &c, n_parts);
}
