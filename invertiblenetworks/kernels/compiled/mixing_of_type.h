/* Affine maps of the channels of every pixel, see `mixing.py`; follows
   `line_products_of_type.h`. What is written has no gaps between its channels and samples. */

typedef struct {
  REAL *weights, *offset, *in, *out;
} NAME(Mix);

static integer NAME(lay_out_mix)(const Shape *s, REAL *memory, integer part,
                                 NAME(Mix) *m) {
  integer used = 0, rows = NAME(up)(s->n_out, ROWS), n = NAME(n_parts)(s, 0);
  m->weights = NAME(take)(memory, &used, rows * s->n_in);
  m->offset = NAME(take)(memory, &used, rows);
  m->in = NAME(take_own)(memory, &used, s->n_in * WIDTH, part, n);
  m->out = NAME(take_own)(memory, &used, rows * WIDTH, part, n);
  return used;
}

integer NAME(memory_mix)(const Shape *s) {
  NAME(Mix) m;
  return NAME(lay_out_mix)(s, 0, 0, &m);
}

typedef struct {
  const Shape *s;
  const REAL *x;
  REAL *y, *memory;
} NAME(MixCall);

static void NAME(part_of_mix)(void *context, integer number) {
  NAME(MixCall) *c = context;
  const Shape *s = c->s;
  integer n_pixels = NAME(pixels_of_sample)(s), rows = NAME(up)(s->n_out, ROWS);
  Strides of_x = {s->x_sample, s->x_channel}, of_y = {s->n_out * n_pixels, n_pixels};
  NAME(Part) part = NAME(part)(s, number);
  NAME(Mix) m;
  NAME(lay_out_mix)(s, c->memory, number, &m);
  NAME(Panel) panel;
  for (integer i = 0; i < NAME(panels_of)(&part); i++) {
    NAME(find_pixels)(s, &part, i, 1, &panel);
    NAME(read)(&panel, c->x, of_x, s->n_in, m.in);
    NAME(linear)(1, panel.n, rows, s->n_in, m.weights, m.offset, m.in, m.out);
    NAME(store)(&panel, m.out, of_y, s->n_out, 0, c->y);
  }
}

/* y = matrix x + offset, with these two strides of the matrix. */
static void NAME(mix)(const Shape *s, integer row_stride, integer column_stride,
               const REAL *matrix, const REAL *offset, const REAL *x, REAL *y,
               REAL *memory) {
  NAME(MixCall) c = {s, x, y, memory};
  NAME(Mix) m;
  NAME(lay_out_mix)(s, memory, 0, &m);
  NAME(pack)(s->n_out, s->n_in, matrix, row_stride, column_stride, 0, m.weights, 0, 1);
  NAME(pad)(s->n_out, NAME(up)(s->n_out, ROWS), offset, m.offset);
  do_parts(NAME(part_of_mix), &c, NAME(n_parts)(s, 0));
}

typedef struct {
  REAL *weights, *of_cotangent;            /* matrices */
  REAL *in, *out;                          /* of a panel */
  REAL *u, *dy_t;                          /* of a tile */
  REAL *of_tile;                           /* sum of dy over one */
  integer n_sums, of_total;                /* gram and total, and where this begins */
  REAL *sums, *totals;                     /* of some tiles, and of a part */
} NAME(MixBack);

static integer NAME(lay_out_mix_back)(const Shape *s, REAL *memory, integer part,
                                      NAME(MixBack) *m) {
  integer used = 0, k = s->n_in, rows = NAME(up)(k, ROWS), wide = NAME(up)(k, WIDTH);
  integer tile = s->panels_of_tile * WIDTH, n = NAME(n_parts)(s, 0);
  m->weights = NAME(take)(memory, &used, rows * k);
  m->of_cotangent = NAME(take)(memory, &used, rows * k);
  m->in = NAME(take_own)(memory, &used, k * WIDTH, part, n);
  m->out = NAME(take_own)(memory, &used, rows * WIDTH, part, n);
  m->u = NAME(take_own)(memory, &used, tile * rows, part, n);
  m->dy_t = NAME(take_own)(memory, &used, tile * wide, part, n);
  m->of_tile = NAME(take_own)(memory, &used, k * LANES, part, n);
  m->of_total = rows * wide;
  m->n_sums = NAME(up)(m->of_total + k, WIDTH);
  NAME(take_sums)(s, memory, &used, m->n_sums, part, n, &m->sums, &m->totals);
  return used;
}

integer NAME(memory_mix_back)(const Shape *s) {
  NAME(MixBack) m;
  return NAME(lay_out_mix_back)(s, 0, 0, &m);
}

typedef struct {
  const Shape *s;
  const REAL *offset, *y, *dy;
  REAL *x, *dx, *memory;
} NAME(MixBackCall);

static void NAME(part_of_mix_back)(void *context, integer number) {
  NAME(MixBackCall) *c = context;
  const Shape *s = c->s;
  integer n_pixels = NAME(pixels_of_sample)(s), k = s->n_in, rows = NAME(up)(k, ROWS);
  integer most = s->panels_of_tile, of_panel = rows * WIDTH;
  Strides of_y = {s->x_sample, s->x_channel}, of_dy = {s->y_sample, s->y_channel};
  Strides whole = {k * n_pixels, n_pixels};
  NAME(Part) part = NAME(part)(s, number);
  NAME(MixBack) m;
  NAME(lay_out_mix_back)(s, c->memory, number, &m);
  integer all = NAME(panels_of)(&part);
  memset(m.of_tile, 0, k * LANES * sizeof(REAL));
  NAME(clear_sums)(m.n_sums, m.sums, m.totals);
  NAME(Panel) panel;
  for (integer start = 0; start < all; start += most) {
    integer n_panels = all - start < most ? all - start : most;
    for (integer i = 0; i < n_panels; i++) {
      REAL *u = m.u + i * of_panel;
      NAME(find_pixels)(s, &part, start + i, 1, &panel);
      NAME(read)(&panel, c->dy, of_dy, k, m.in);
      NAME(transpose)(k, m.in, i, most, m.dy_t);
      NAME(add_sums)(panel.n, k, m.in, m.of_tile);
      NAME(linear)(1, panel.n, rows, k, m.of_cotangent, 0, m.in, m.out);
      NAME(store)(&panel, m.out, whole, k, 0, c->dx);
      NAME(read)(&panel, c->y, of_y, k, m.in);
      NAME(linear)(1, panel.n, rows, k, m.weights, 0, m.in, u);
      NAME(add_offset)(k, u, c->offset, m.out);
      NAME(store)(&panel, m.out, whole, k, 0, c->x);
    }
    NAME(add_sums_of_tile)(k, m.of_tile, m.sums + m.of_total);
    NAME(add_gradient)(rows, k, NAME(pixels_of)(&part, start, n_panels), most, m.u,
                       of_panel, m.dy_t, m.sums);
    NAME(add_many)(start / most + 1, start + most >= all, m.n_sums, m.sums, m.totals);
  }
}

/* With u = matrix y write x = u + offset, dx = of_cotangent dy, the sum of u dy^T over
   pixels and that of dy. Each matrix has two strides. */
static void NAME(mix_back)(const Shape *s, integer row_stride, integer column_stride,
                    integer cotangent_row_stride, integer cotangent_column_stride,
                    const REAL *matrix, const REAL *offset, const REAL *of_cotangent,
                    const REAL *y, const REAL *dy, REAL *x, REAL *dx, REAL *gram,
                    REAL *total, REAL *memory) {
  integer k = s->n_in, n = NAME(n_parts)(s, 0);
  NAME(MixBackCall) c = {s, offset, y, dy, x, dx, memory};
  NAME(MixBack) m;
  NAME(lay_out_mix_back)(s, memory, 0, &m);
  NAME(pack)(k, k, matrix, row_stride, column_stride, 0, m.weights, 0, 1);
  NAME(pack)(k, k, of_cotangent, cotangent_row_stride, cotangent_column_stride, 0,
             m.of_cotangent, 0, 1);
  do_parts(NAME(part_of_mix_back), &c, n);
  for (integer row = 0; row < k; row++)
    NAME(sum_parts)(k, m.totals + row * NAME(up)(k, WIDTH), m.n_sums, gram + row * k, n);
  NAME(sum_parts)(k, m.totals + m.of_total, m.n_sums, total, n);
}
