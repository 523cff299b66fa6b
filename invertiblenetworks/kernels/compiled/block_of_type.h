/* The block of `streamed_block.py`, see `block.py`; follows `panels_of_type.h`. */

/* Sizes that follow from the shape. */
typedef struct {
  integer n_pixels, n_panels, n_taps;
  integer hidden, first, third; /* rows of columns, and of h in whole blocks */
} NAME(Sizes);

INLINE NAME(Sizes) NAME(sizes)(const Shape *s) {
  NAME(Sizes) z;
  z.n_pixels = NAME(all_pixels)(s);
  z.n_panels = NAME(up)(z.n_pixels, WIDTH) / WIDTH;
  z.n_taps = NAME(n_taps)(s);
  z.hidden = NAME(up)(s->n_hidden, ROWS);
  z.first = s->n_in * z.n_taps;
  z.third = s->n_out * z.n_taps;
  return z;
}

/* Numbers of both hidden states. */
integer NAME(n_states)(const Shape *s) {
  NAME(Sizes) z = NAME(sizes)(s);
  return 2 * z.n_panels * z.hidden * WIDTH;
}

typedef struct {
  BITS *inside, *moved;
  REAL *first, *second, *third, *biases; /* weights */
  REAL *columns, *h, *last;              /* of a panel */
} NAME(Forward);

static integer NAME(lay_out_forward)(const Shape *s, REAL *memory, NAME(Forward) *f) {
  NAME(Sizes) z = NAME(sizes)(s);
  integer used = 0, third = NAME(up)(z.third, ROWS);
  f->inside = (BITS *)NAME(take)(memory, &used, z.n_taps * WIDTH);
  f->moved = (BITS *)NAME(take)(memory, &used, z.n_taps * WIDTH);
  f->first = NAME(take)(memory, &used, z.hidden * z.first);
  f->second = NAME(take)(memory, &used, z.hidden * z.hidden);
  f->third = NAME(take)(memory, &used, third * z.hidden);
  f->biases = NAME(take)(memory, &used, 2 * z.hidden);
  f->columns = NAME(take)(memory, &used, z.first * WIDTH);
  f->h = NAME(take)(memory, &used, 2 * z.hidden * WIDTH);
  f->last = NAME(take)(memory, &used, third * WIDTH);
  return used;
}

/* Numbers of scratch memory that `forward` takes. */
integer NAME(memory_forward)(const Shape *s) {
  NAME(Forward) f;
  return NAME(lay_out_forward)(s, 0, &f);
}

/* Write y. Hidden states go to `states`, unless that is null, as
   [n_panels][2][hidden][WIDTH]. */
void NAME(forward)(const Shape *s, const REAL *x, const REAL *w1, const REAL *b1,
                   const REAL *w2, const REAL *b2, const REAL *w3, REAL *y,
                   REAL *states, REAL *memory, double slope) {
  NAME(Sizes) z = NAME(sizes)(s);
  integer n_pixels = s->spatial[0] * s->spatial[1] * s->spatial[2];
  Strides of_x = {s->x_sample, s->x_channel};
  Strides of_y = {s->n_out * n_pixels, n_pixels};
  NAME(Forward) f;
  NAME(lay_out_forward)(s, memory, &f);
  NAME(pack)(s->n_hidden, z.first, w1, z.first, 1, 0, f.first);
  NAME(pack)(s->n_hidden, s->n_hidden, w2, s->n_hidden, 1, 1, f.second);
  NAME(pack)(z.third, s->n_hidden, w3, 1, z.third, 0, f.third);
  NAME(pad)(s->n_hidden, z.hidden, b1, f.biases);
  NAME(pad)(s->n_hidden, z.hidden, b2, f.biases + z.hidden);
  memset(y, 0, z.n_pixels * s->n_out * sizeof(REAL));
  NAME(Panel) panel;
  panel.inside = f.inside, panel.moved = f.moved;
  for (integer i = 0; i < z.n_panels; i++) {
    REAL *h1 = states ? states + i * 2 * z.hidden * WIDTH : f.h;
    REAL *h2 = h1 + z.hidden * WIDTH;
    NAME(find_panel)(s, i * WIDTH, &panel);
    NAME(gather)(s, &panel, x, of_x, s->n_in, f.columns);
    NAME(hidden)(panel.n, z.hidden, z.first, f.first, f.biases, f.columns, h1, slope);
    NAME(hidden)(panel.n, z.hidden, s->n_hidden, f.second, f.biases + z.hidden, h1, h2,
                 slope);
    NAME(linear)(panel.n, NAME(up)(z.third, ROWS), s->n_hidden, f.third, 0, h2, f.last);
    NAME(scatter)(s, &panel, f.last, of_y, s->n_out, y);
  }
}

typedef struct {
  BITS *inside, *moved;
  REAL *first, *second, *third;             /* weights */
  REAL *columns, *dcolumns;                 /* of a panel */
  REAL *da1, *da2, *x_t, *h1_t, *dy_t;      /* of a tile */
  integer n_sums;
  REAL *of_first, *of_second, *of_third, *of_biases; /* these sums, one after the other */
  REAL *of_tile, *totals;                   /* of biases; of the sums */
} NAME(Backward);

static integer NAME(lay_out_backward)(const Shape *s, REAL *memory,
                                      NAME(Backward) *b) {
  NAME(Sizes) z = NAME(sizes)(s);
  integer used = 0, n = z.hidden, most = s->panels_of_tile;
  integer first = NAME(up)(z.first, ROWS), third = NAME(up)(z.third, ROWS);
  integer wide_first = NAME(up)(z.first, WIDTH), wide_third = NAME(up)(z.third, WIDTH);
  integer wide = NAME(up)(s->n_hidden, WIDTH);
  b->inside = (BITS *)NAME(take)(memory, &used, z.n_taps * WIDTH);
  b->moved = (BITS *)NAME(take)(memory, &used, z.n_taps * WIDTH);
  b->first = NAME(take)(memory, &used, first * n);
  b->second = NAME(take)(memory, &used, n * n);
  b->third = NAME(take)(memory, &used, n * z.third);
  b->columns = NAME(take)(memory, &used, first * WIDTH);
  b->dcolumns = NAME(take)(memory, &used, third * WIDTH);
  b->da1 = NAME(take)(memory, &used, most * n * WIDTH);
  b->da2 = NAME(take)(memory, &used, most * n * WIDTH);
  b->x_t = NAME(take)(memory, &used, most * wide_first * WIDTH);
  b->h1_t = NAME(take)(memory, &used, most * wide * WIDTH);
  b->dy_t = NAME(take)(memory, &used, most * wide_third * WIDTH);
  b->n_sums = used;
  b->of_first = NAME(take)(memory, &used, n * wide_first);
  b->of_second = NAME(take)(memory, &used, n * wide);
  b->of_third = NAME(take)(memory, &used, n * wide_third);
  b->of_biases = NAME(take)(memory, &used, 2 * n);
  b->n_sums = used - b->n_sums;
  b->of_tile = NAME(take)(memory, &used, 2 * n * LANES);
  b->totals = NAME(take_totals)(s, memory, &used, b->n_sums, b->of_first);
  return used;
}

integer NAME(memory_backward)(const Shape *s) {
  NAME(Backward) b;
  return NAME(lay_out_backward)(s, 0, &b);
}

/* Write dx and the gradients of all parameters. */
void NAME(backward)(const Shape *s, const REAL *x, const REAL *dy, const REAL *w1,
                    const REAL *w2, const REAL *w3, const REAL *states, REAL *dx,
                    REAL *dw1, REAL *db1, REAL *dw2, REAL *db2, REAL *dw3, REAL *memory,
                    double slope) {
  NAME(Sizes) z = NAME(sizes)(s);
  integer n_pixels = s->spatial[0] * s->spatial[1] * s->spatial[2];
  Strides of_x = {s->x_sample, s->x_channel};
  Strides of_dy = {s->y_sample, s->y_channel};
  Strides of_dx = {s->n_in * n_pixels, n_pixels};
  NAME(Backward) b;
  integer n = z.hidden, most = s->panels_of_tile, of_panel = n * WIDTH;
  REAL *end = memory + NAME(lay_out_backward)(s, memory, &b);
  NAME(pack)(s->n_hidden, z.third, w3, z.third, 1, 0, b.third);
  NAME(pack)(s->n_hidden, s->n_hidden, w2, 1, s->n_hidden, 1, b.second);
  NAME(pack)(z.first, s->n_hidden, w1, 1, z.first, 0, b.first);
  memset(b.of_first, 0, (end - b.of_first) * sizeof(REAL));
  memset(dx, 0, z.n_pixels * s->n_in * sizeof(REAL));
  NAME(Panel) panel;
  panel.inside = b.inside, panel.moved = b.moved;
  for (integer start = 0; start < z.n_panels; start += most) {
    integer n_panels = z.n_panels - start < most ? z.n_panels - start : most;
    integer n_pixels = NAME(pixels_of)(s, start, n_panels);
    const REAL *tile = states + start * 2 * of_panel;
    for (integer i = 0; i < n_panels; i++) {
      const REAL *h1 = tile + i * 2 * of_panel, *h2 = h1 + of_panel;
      REAL *da1 = b.da1 + i * of_panel, *da2 = b.da2 + i * of_panel;
      NAME(find_panel)(s, (start + i) * WIDTH, &panel);
      NAME(gather)(s, &panel, dy, of_dy, s->n_out, b.dcolumns);
      NAME(pulled)(panel.n, n, z.third, b.third, b.dcolumns, da2, h2, slope);
      NAME(pulled)(panel.n, n, s->n_hidden, b.second, da2, da1, h1, slope);
      NAME(transpose)(z.third, b.dcolumns, i, most, b.dy_t);
      NAME(transpose)(s->n_hidden, h1, i, most, b.h1_t);
      NAME(gather)(s, &panel, x, of_x, s->n_in, b.columns);
      NAME(transpose)(z.first, b.columns, i, most, b.x_t);
      NAME(linear)(panel.n, NAME(up)(z.first, ROWS), s->n_hidden, b.first, 0, da1,
                   b.columns);
      NAME(scatter)(s, &panel, b.columns, of_dx, s->n_in, dx);
      NAME(add_sums)(panel.n, n, da1, b.of_tile);
      NAME(add_sums)(panel.n, n, da2, b.of_tile + n * LANES);
    }
    NAME(add_sums_of_tile)(2 * n, b.of_tile, b.of_biases);
    NAME(add_gradient)(n, z.first, n_pixels, most, b.da1, of_panel, b.x_t, b.of_first);
    NAME(add_gradient)(n, s->n_hidden, n_pixels, most, b.da2, of_panel, b.h1_t,
                       b.of_second);
    NAME(add_gradient)(n, z.third, n_pixels, most, tile + of_panel, 2 * of_panel,
                       b.dy_t, b.of_third);
    NAME(add_many)(start / most + 1, start + most >= z.n_panels, b.n_sums, b.of_first,
                   b.totals);
  }
  NAME(copy_columns)(s->n_hidden, z.first, b.totals, dw1);
  NAME(copy_columns)(s->n_hidden, s->n_hidden, b.totals + (b.of_second - b.of_first),
                     dw2);
  NAME(copy_columns)(s->n_hidden, z.third, b.totals + (b.of_third - b.of_first), dw3);
  const REAL *biases = b.totals + (b.of_biases - b.of_first);
  memcpy(db1, biases, s->n_hidden * sizeof(REAL));
  memcpy(db2, biases + n, s->n_hidden * sizeof(REAL));
}
