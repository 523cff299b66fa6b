/* The block of `streamed_block.py`, see `block.py`; follows `windows_of_type.h`. */

/* Sizes that follow from the shape. */
typedef struct {
  integer n_pixels, n_taps, n_parts, n_phases;
  integer hidden, first, third; /* rows of columns, and of h in whole blocks */
} NAME(Sizes);

INLINE NAME(Sizes) NAME(sizes)(const Shape *s) {
  NAME(Sizes) z;
  z.n_pixels = NAME(all_pixels)(s);
  z.n_taps = NAME(n_taps)(s);
  z.n_parts = NAME(n_parts)(s, 1);
  z.n_phases = NAME(n_phases)(s);
  z.hidden = NAME(up)(s->n_hidden, ROWS);
  z.first = s->n_in * z.n_taps;
  z.third = s->n_out * z.n_taps;
  return z;
}

/* Numbers of both hidden states. */
integer NAME(n_states)(const Shape *s) {
  return 2 * NAME(all_panels)(s) * NAME(up)(s->n_hidden, ROWS) * WIDTH;
}

typedef struct {
  REAL *first, *second, *third, *biases; /* weights */
  BITS *inside, *moved;
  REAL *columns, *h, *last;              /* of a panel */
} NAME(Forward);

static integer NAME(lay_out_forward)(const Shape *s, REAL *memory, integer part,
                                     NAME(Forward) *f) {
  NAME(Sizes) z = NAME(sizes)(s);
  integer used = 0, n = z.n_parts, third = NAME(up)(z.third, ROWS);
  f->first = NAME(take)(memory, &used, z.hidden * z.first);
  f->second = NAME(take)(memory, &used, z.hidden * z.hidden);
  f->third = NAME(take)(memory, &used, third * z.hidden);
  f->biases = NAME(take)(memory, &used, 2 * z.hidden);
  f->inside = (BITS *)NAME(take_own)(memory, &used, z.n_taps * WIDTH, part, n);
  f->moved = (BITS *)NAME(take_own)(memory, &used, z.n_taps * WIDTH, part, n);
  f->columns = NAME(take_own)(memory, &used, z.first * WIDTH, part, n);
  f->h = NAME(take_own)(memory, &used, 2 * z.hidden * WIDTH, part, n);
  f->last = NAME(take_own)(memory, &used, ROWS * z.n_taps * WIDTH, part, n);
  return used;
}

/* Numbers of scratch memory that `forward` takes. */
integer NAME(memory_forward)(const Shape *s) {
  NAME(Forward) f;
  return NAME(lay_out_forward)(s, 0, 0, &f);
}

typedef struct {
  const Shape *s;
  const REAL *x, *w1, *b1, *w2, *b2, *w3;
  REAL *y, *states, *memory, slope;
  integer phase;
} NAME(ForwardCall);

static void NAME(prepare_forward)(void *context, integer part) {
  NAME(ForwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s);
  integer n = z.n_parts, n_hidden = s->n_hidden;
  NAME(Forward) f;
  NAME(lay_out_forward)(s, c->memory, part, &f);
  NAME(pack)(n_hidden, z.first, c->w1, z.first, 1, 0, f.first, part, n);
  NAME(pack)(n_hidden, n_hidden, c->w2, n_hidden, 1, 1, f.second, part, n);
  NAME(pack)(z.third, n_hidden, c->w3, 1, z.third, 0, f.third, part, n);
  NAME(clear)(z.n_pixels * s->n_out, c->y, part, n);
  if (part) return;
  NAME(pad)(n_hidden, z.hidden, c->b1, f.biases);
  NAME(pad)(n_hidden, z.hidden, c->b2, f.biases + z.hidden);
}

static void NAME(part_of_forward)(void *context, integer number) {
  NAME(ForwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s);
  integer n_pixels = NAME(pixels_of_sample)(s), n_hidden = s->n_hidden;
  Strides of_x = {s->x_sample, s->x_channel};
  Strides of_y = {s->n_out * n_pixels, n_pixels};
  NAME(Part) part = NAME(part_in_phase)(s, number, c->phase);
  NAME(Forward) f;
  NAME(lay_out_forward)(s, c->memory, number, &f);
  NAME(Panel) panel;
  panel.inside = f.inside, panel.moved = f.moved;
  for (integer i = 0; i < NAME(panels_of)(&part); i++) {
    REAL *h1 = f.h;
    if (c->states) h1 = c->states + (part.panel + i) * 2 * z.hidden * WIDTH;
    REAL *h2 = h1 + z.hidden * WIDTH, *b2 = f.biases + z.hidden;
    NAME(find_panel)(s, &part, i, &panel);
    NAME(gather)(s, &panel, c->x, of_x, s->n_in, f.columns);
    NAME(hidden)(panel.n, z.hidden, z.first, f.first, f.biases, f.columns, h1, c->slope);
    NAME(hidden)(panel.n, z.hidden, n_hidden, f.second, b2, h1, h2, c->slope);
    /* Some channels at a time, whose products stay in the first cache. */
    for (integer channel = 0; channel < s->n_out; channel += ROWS) {
      integer left = s->n_out - channel, n = left < ROWS ? left : ROWS;
      const REAL *weights = f.third + channel * z.n_taps * n_hidden;
      NAME(linear)(panel.n, NAME(up)(n * z.n_taps, ROWS), n_hidden, weights, 0, h2,
                   f.last);
      NAME(scatter)(s, &panel, f.last, of_y, n, c->y + channel * of_y.channel);
    }
  }
}

/* Write y. Hidden states go to `states`, unless that is null, as
   [all_panels][2][hidden][WIDTH]. */
static void NAME(forward)(const Shape *s, const REAL *x, const REAL *w1, const REAL *b1,
                   const REAL *w2, const REAL *b2, const REAL *w3, REAL *y,
                   REAL *states, REAL *memory, double slope) {
  NAME(Sizes) z = NAME(sizes)(s);
  NAME(ForwardCall) c = {s, x, w1, b1, w2, b2, w3, y, states, memory, slope, 0};
  do_parts(NAME(prepare_forward), &c, z.n_parts);
  for (; c.phase < z.n_phases; c.phase++)
    do_parts(NAME(part_of_forward), &c, z.n_parts);
}

typedef struct {
  REAL *first, *second, *third;             /* weights */
  BITS *inside, *moved;
  REAL *columns, *dcolumns;                 /* of a panel */
  REAL *da1, *da2, *x_t, *h1_t, *dy_t;      /* of a tile */
  REAL *of_tile;                            /* sums over one, of biases */
  integer n_sums, of_second, of_third, of_biases; /* gradients, and where they begin */
  REAL *sums, *totals;                      /* of some tiles, and of a part */
} NAME(Backward);

static integer NAME(lay_out_backward)(const Shape *s, REAL *memory, integer part,
                                      NAME(Backward) *b) {
  NAME(Sizes) z = NAME(sizes)(s);
  integer used = 0, n = z.n_parts, k = z.hidden, tile = s->panels_of_tile * WIDTH;
  integer first = NAME(up)(z.first, ROWS), third = NAME(up)(z.third, ROWS);
  integer wide_first = NAME(up)(z.first, WIDTH), wide_third = NAME(up)(z.third, WIDTH);
  integer wide = NAME(up)(s->n_hidden, WIDTH);
  b->first = NAME(take)(memory, &used, first * k);
  b->second = NAME(take)(memory, &used, k * k);
  b->third = NAME(take)(memory, &used, k * z.third);
  b->inside = (BITS *)NAME(take_own)(memory, &used, z.n_taps * WIDTH, part, n);
  b->moved = (BITS *)NAME(take_own)(memory, &used, z.n_taps * WIDTH, part, n);
  b->columns = NAME(take_own)(memory, &used, first * WIDTH, part, n);
  b->dcolumns = NAME(take_own)(memory, &used, third * WIDTH, part, n);
  b->da1 = NAME(take_own)(memory, &used, tile * k, part, n);
  b->da2 = NAME(take_own)(memory, &used, tile * k, part, n);
  b->x_t = NAME(take_own)(memory, &used, tile * wide_first, part, n);
  b->h1_t = NAME(take_own)(memory, &used, tile * wide, part, n);
  b->dy_t = NAME(take_own)(memory, &used, tile * wide_third, part, n);
  b->of_tile = NAME(take_own)(memory, &used, 2 * k * LANES, part, n);
  b->of_second = k * wide_first;
  b->of_third = b->of_second + k * wide;
  b->of_biases = b->of_third + k * wide_third;
  b->n_sums = NAME(up)(b->of_biases + 2 * k, WIDTH);
  NAME(take_sums)(s, memory, &used, b->n_sums, part, n, &b->sums, &b->totals);
  return used;
}

integer NAME(memory_backward)(const Shape *s) {
  NAME(Backward) b;
  return NAME(lay_out_backward)(s, 0, 0, &b);
}

typedef struct {
  const Shape *s;
  const REAL *x, *dy, *w1, *w2, *w3, *states;
  REAL *dx, *dw1, *db1, *dw2, *db2, *dw3, *memory, slope;
  integer phase;
} NAME(BackwardCall);

static void NAME(prepare_backward)(void *context, integer part) {
  NAME(BackwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s);
  integer n = z.n_parts, n_hidden = s->n_hidden;
  NAME(Backward) b;
  NAME(lay_out_backward)(s, c->memory, part, &b);
  NAME(pack)(n_hidden, z.third, c->w3, z.third, 1, 0, b.third, part, n);
  NAME(pack)(n_hidden, n_hidden, c->w2, 1, n_hidden, 1, b.second, part, n);
  NAME(pack)(z.first, n_hidden, c->w1, 1, z.first, 0, b.first, part, n);
  NAME(clear)(z.n_pixels * s->n_in, c->dx, part, n);
  memset(b.of_tile, 0, 2 * z.hidden * LANES * sizeof(REAL));
  NAME(clear_sums)(b.n_sums, b.sums, b.totals);
}

static void NAME(part_of_backward)(void *context, integer number) {
  NAME(BackwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s);
  integer n_pixels = NAME(pixels_of_sample)(s), n_hidden = s->n_hidden;
  Strides of_x = {s->x_sample, s->x_channel};
  Strides of_dy = {s->y_sample, s->y_channel};
  Strides of_dx = {s->n_in * n_pixels, n_pixels};
  NAME(Part) part = NAME(part_in_phase)(s, number, c->phase);
  NAME(Backward) b;
  NAME(lay_out_backward)(s, c->memory, number, &b);
  integer n = z.hidden, most = s->panels_of_tile, of_panel = n * WIDTH;
  integer all = NAME(panels_of)(&part);
  NAME(Panel) panel;
  panel.inside = b.inside, panel.moved = b.moved;
  for (integer start = 0; start < all; start += most) {
    integer n_panels = all - start < most ? all - start : most;
    integer n_pixels = NAME(pixels_of)(&part, start, n_panels);
    const REAL *tile = c->states + (part.panel + start) * 2 * of_panel;
    for (integer i = 0; i < n_panels; i++) {
      const REAL *h1 = tile + i * 2 * of_panel, *h2 = h1 + of_panel;
      REAL *da1 = b.da1 + i * of_panel, *da2 = b.da2 + i * of_panel;
      NAME(find_panel)(s, &part, start + i, &panel);
      NAME(gather)(s, &panel, c->dy, of_dy, s->n_out, b.dcolumns);
      NAME(pulled)(panel.n, n, z.third, b.third, b.dcolumns, da2, h2, c->slope);
      NAME(pulled)(panel.n, n, n_hidden, b.second, da2, da1, h1, c->slope);
      NAME(transpose)(z.third, b.dcolumns, i, most, b.dy_t);
      NAME(transpose)(n_hidden, h1, i, most, b.h1_t);
      NAME(gather)(s, &panel, c->x, of_x, s->n_in, b.columns);
      NAME(transpose)(z.first, b.columns, i, most, b.x_t);
      NAME(linear)(panel.n, NAME(up)(z.first, ROWS), n_hidden, b.first, 0, da1,
                   b.columns);
      NAME(scatter)(s, &panel, b.columns, of_dx, s->n_in, c->dx);
      NAME(add_sums)(panel.n, n, da1, b.of_tile);
      NAME(add_sums)(panel.n, n, da2, b.of_tile + n * LANES);
    }
    NAME(add_sums_of_tile)(2 * n, b.of_tile, b.sums + b.of_biases);
    NAME(add_gradient)(n, z.first, n_pixels, most, b.da1, of_panel, b.x_t, b.sums);
    NAME(add_gradient)(n, n_hidden, n_pixels, most, b.da2, of_panel, b.h1_t,
                       b.sums + b.of_second);
    NAME(add_gradient)(n, z.third, n_pixels, most, tile + of_panel, 2 * of_panel,
                       b.dy_t, b.sums + b.of_third);
    NAME(add_many)(start / most + 1, start + most >= all, b.n_sums, b.sums, b.totals);
  }
}

/* Some rows of each gradient, summed over parts. */
static void NAME(collect_backward)(void *context, integer part) {
  NAME(BackwardCall) *c = context;
  NAME(Sizes) z = NAME(sizes)(c->s);
  integer n = z.n_parts, n_hidden = c->s->n_hidden;
  NAME(Backward) b;
  NAME(lay_out_backward)(c->s, c->memory, 0, &b);
  REAL *biases = b.totals + b.of_biases;
  NAME(collect)(n_hidden, z.first, b.totals, b.n_sums, c->dw1, part, n);
  NAME(collect)(n_hidden, n_hidden, b.totals + b.of_second, b.n_sums, c->dw2, part, n);
  NAME(collect)(n_hidden, z.third, b.totals + b.of_third, b.n_sums, c->dw3, part, n);
  if (part) return;
  NAME(sum_parts)(n_hidden, biases, b.n_sums, c->db1, n);
  NAME(sum_parts)(n_hidden, biases + z.hidden, b.n_sums, c->db2, n);
}

/* Write dx and the gradients of all parameters. */
static void NAME(backward)(const Shape *s, const REAL *x, const REAL *dy, const REAL *w1,
                    const REAL *w2, const REAL *w3, const REAL *states, REAL *dx,
                    REAL *dw1, REAL *db1, REAL *dw2, REAL *db2, REAL *dw3, REAL *memory,
                    double slope) {
  NAME(Sizes) z = NAME(sizes)(s);
  NAME(BackwardCall) c = {s,   x,   dy,  w1,  w2,  w3,     states, dx,
                          dw1, db1, dw2, db2, dw3, memory, slope,  0};
  do_parts(NAME(prepare_backward), &c, z.n_parts);
  for (; c.phase < z.n_phases; c.phase++)
    do_parts(NAME(part_of_backward), &c, z.n_parts);
  do_parts(NAME(collect_backward), &c, z.n_parts);
}
