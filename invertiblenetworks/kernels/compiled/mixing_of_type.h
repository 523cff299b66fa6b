/* Affine maps of the channels of every pixel, see `mixing.py`; follows
   `panels_of_type.h`. All functions take a range of panels. What is written has no gaps
   between its channels and samples. */

typedef struct {
  REAL *weights, *offset, *in, *out;
} NAME(Mix);

static integer NAME(lay_out_mix)(const Shape *s, REAL *memory, NAME(Mix) *m) {
  integer used = 0, rows = NAME(up)(s->n_out, ROWS);
  m->weights = NAME(take)(memory, &used, rows * s->n_in);
  m->offset = NAME(take)(memory, &used, rows);
  m->in = NAME(take)(memory, &used, s->n_in * WIDTH);
  m->out = NAME(take)(memory, &used, rows * WIDTH);
  return used;
}

integer NAME(memory_mix)(const Shape *s) {
  NAME(Mix) m;
  return NAME(lay_out_mix)(s, 0, &m);
}

/* y = matrix x + offset, with these two strides of the matrix. */
void NAME(mix)(const Shape *s, integer first, integer last, integer row_stride,
               integer column_stride, const REAL *matrix, const REAL *offset,
               const REAL *x, REAL *y, REAL *memory) {
  integer n_pixels = s->spatial[0] * s->spatial[1] * s->spatial[2];
  integer rows = NAME(up)(s->n_out, ROWS);
  Strides of_x = {s->x_sample, s->x_channel}, of_y = {s->n_out * n_pixels, n_pixels};
  NAME(Mix) m;
  NAME(lay_out_mix)(s, memory, &m);
  NAME(pack)(s->n_out, s->n_in, matrix, row_stride, column_stride, 0, m.weights);
  NAME(pad)(s->n_out, rows, offset, m.offset);
  NAME(Panel) panel;
  for (integer i = first; i < last; i++) {
    NAME(find_pixels)(s, i * WIDTH, 1, &panel);
    NAME(read)(&panel, x, of_x, s->n_in, m.in);
    NAME(linear)(panel.n, rows, s->n_in, m.weights, m.offset, m.in, m.out);
    NAME(store)(&panel, m.out, of_y, s->n_out, 0, y);
  }
}

typedef struct {
  REAL *weights, *of_cotangent;            /* matrices */
  REAL *in, *out;                          /* of a panel */
  REAL *u, *dy_t;                          /* of a tile */
  integer n_sums;
  REAL *gram, *total;                      /* these sums, one after the other */
  REAL *of_tile, *totals;                  /* of dy over a tile; of the sums */
} NAME(MixBack);

static integer NAME(lay_out_mix_back)(const Shape *s, REAL *memory, NAME(MixBack) *m) {
  integer used = 0, k = s->n_in, rows = NAME(up)(k, ROWS), wide = NAME(up)(k, WIDTH);
  integer most = s->panels_of_tile;
  m->weights = NAME(take)(memory, &used, rows * k);
  m->of_cotangent = NAME(take)(memory, &used, rows * k);
  m->in = NAME(take)(memory, &used, k * WIDTH);
  m->out = NAME(take)(memory, &used, rows * WIDTH);
  m->u = NAME(take)(memory, &used, most * rows * WIDTH);
  m->dy_t = NAME(take)(memory, &used, most * wide * WIDTH);
  m->n_sums = used;
  m->gram = NAME(take)(memory, &used, rows * wide);
  m->total = NAME(take)(memory, &used, k);
  m->n_sums = used - m->n_sums;
  m->of_tile = NAME(take)(memory, &used, k * LANES);
  m->totals = NAME(take_totals)(s, memory, &used, m->n_sums, m->gram);
  return used;
}

integer NAME(memory_mix_back)(const Shape *s) {
  NAME(MixBack) m;
  return NAME(lay_out_mix_back)(s, 0, &m);
}

/* With u = matrix y write x = u + offset, dx = of_cotangent dy, the sum of u dy^T over
   pixels and that of dy. Each matrix has two strides. */
void NAME(mix_back)(const Shape *s, integer first, integer last, integer row_stride,
                    integer column_stride, integer cotangent_row_stride,
                    integer cotangent_column_stride, const REAL *matrix,
                    const REAL *offset, const REAL *of_cotangent, const REAL *y,
                    const REAL *dy, REAL *x, REAL *dx, REAL *gram, REAL *total,
                    REAL *memory) {
  integer n_pixels = s->spatial[0] * s->spatial[1] * s->spatial[2], k = s->n_in;
  integer rows = NAME(up)(k, ROWS), most = s->panels_of_tile, of_panel = rows * WIDTH;
  Strides of_y = {s->x_sample, s->x_channel}, of_dy = {s->y_sample, s->y_channel};
  Strides whole = {k * n_pixels, n_pixels};
  NAME(MixBack) m;
  REAL *end = memory + NAME(lay_out_mix_back)(s, memory, &m);
  NAME(pack)(k, k, matrix, row_stride, column_stride, 0, m.weights);
  NAME(pack)(k, k, of_cotangent, cotangent_row_stride, cotangent_column_stride, 0,
             m.of_cotangent);
  memset(m.gram, 0, (end - m.gram) * sizeof(REAL));
  NAME(Panel) panel;
  for (integer start = first; start < last; start += most) {
    integer n_panels = last - start < most ? last - start : most;
    for (integer i = 0; i < n_panels; i++) {
      REAL *u = m.u + i * of_panel;
      NAME(find_pixels)(s, (start + i) * WIDTH, 1, &panel);
      NAME(read)(&panel, dy, of_dy, k, m.in);
      NAME(transpose)(k, m.in, i, most, m.dy_t);
      NAME(add_sums)(panel.n, k, m.in, m.of_tile);
      NAME(linear)(panel.n, rows, k, m.of_cotangent, 0, m.in, m.out);
      NAME(store)(&panel, m.out, whole, k, 0, dx);
      NAME(read)(&panel, y, of_y, k, m.in);
      NAME(linear)(panel.n, rows, k, m.weights, 0, m.in, u);
      NAME(add_offset)(k, u, offset, m.out);
      NAME(store)(&panel, m.out, whole, k, 0, x);
    }
    NAME(add_sums_of_tile)(k, m.of_tile, m.total);
    NAME(add_gradient)(rows, k, NAME(pixels_of)(s, start, n_panels), most, m.u,
                       of_panel, m.dy_t, m.gram);
    NAME(add_many)((start - first) / most + 1, start + most >= last, m.n_sums, m.gram,
                   m.totals);
  }
  NAME(copy_columns)(k, k, m.totals, gram);
  memcpy(total, m.totals + (m.total - m.gram), k * sizeof(REAL));
}
