/* The block of `streamed_block.py`, see `block.py`; follows `components_of_type.h`. */

/* Numbers of both hidden states. */
integer NAME(n_states)(const Shape *s) {
  NAME(Sizes) z = NAME(sizes)(s, 1);
  return 2 * NAME(all_panels)(&z.grid) * z.n_lines * z.line;
}

typedef struct {
  REAL *first, *second, *third, *biases; /* weights */
  NAME(Windows) windows;
  REAL *columns, *h, *sums;              /* of a panel */
} NAME(Forward);

static integer NAME(lay_out_forward)(const Shape *s, REAL *memory, integer part,
                                     NAME(Forward) *f) {
  NAME(Sizes) z = NAME(sizes)(s, 1);
  integer used = 0, n = z.n_parts, m = z.n_components;
  NAME(outer_weights)(s, 0, 0, memory, &used);
  f->first = NAME(take)(memory, &used, z.hidden * m * z.first);
  f->second = NAME(take)(memory, &used, z.hidden * z.hidden);
  f->third = NAME(take)(memory, &used, m * NAME(up)(z.third, ROWS) * z.hidden);
  f->biases = NAME(take)(memory, &used, 2 * z.hidden);
  f->windows = NAME(take_windows)(&z, memory, &used, part);
  f->columns = NAME(take_own)(memory, &used, m * z.first * WIDTH, part, n);
  f->h = NAME(take_own)(memory, &used, 2 * z.n_lines * z.line, part, n);
  f->sums = NAME(take_own)(memory, &used, (z.n_lines - 1) * 2 * z.line, part, n);
  return used;
}

/* Numbers of scratch memory that `forward` takes. */
integer NAME(memory_forward)(const Shape *s) {
  NAME(Forward) f;
  return NAME(lay_out_forward)(s, 0, 0, &f);
}

typedef struct {
  const Shape *s;
  NAME(Outer) outer;
  const REAL *x, *b1, *w2, *b2;
  REAL *y, *states, *memory;
  NAME(Activation) activation;
  integer phase;
} NAME(ForwardCall);

static void NAME(prepare_forward)(void *context, integer part) {
  NAME(ForwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s, 1);
  integer n = z.n_parts, n_hidden = s->n_hidden;
  NAME(Forward) f;
  NAME(lay_out_forward)(s, c->memory, part, &f);
  NAME(pack_windows)(s, &z, z.first, c->outer.first, f.first, part);
  NAME(pack)(n_hidden, n_hidden, c->w2, n_hidden, 1, 1, f.second, part, n);
  NAME(pack_adjoint)(s, &z, z.third, c->outer.third, f.third, part);
  NAME(clear)(NAME(all_pixels)(s) * s->n_out, c->y, part, n);
  if (part) return;
  NAME(pad)(n_hidden, z.hidden, c->b1, f.biases);
  NAME(pad)(n_hidden, z.hidden, c->b2, f.biases + z.hidden);
}

static void NAME(part_of_forward)(void *context, integer number) {
  NAME(ForwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s, 1);
  integer n_pixels = NAME(pixels_of_sample)(s), n_hidden = s->n_hidden;
  Strides of_x = {s->x_sample, s->x_channel};
  Strides of_y = {s->n_out * n_pixels, n_pixels};
  NAME(Part) part = NAME(part_in_phase)(&z.grid, number, c->phase);
  NAME(Forward) f;
  NAME(lay_out_forward)(s, c->memory, number, &f);
  NAME(Panel) panel;
  panel.inside = f.windows.inside, panel.moved = f.windows.moved;
  for (integer i = 0; i < NAME(panels_of)(&part); i++) {
    REAL *h1 = f.h;
    if (c->states) h1 = c->states + (part.panel + i) * 2 * z.n_lines * z.line;
    REAL *h2 = h1 + z.n_lines * z.line, *b2 = f.biases + z.hidden;
    const REAL *components[COMPONENTS];
    NAME(find)(s, &z, &part, i, &panel);
    NAME(gather_windows)(s, &z, &panel, c->x, of_x, s->n_in, f.columns);
    NAME(hidden)(z.n_lines, panel.n, z.hidden, z.first, f.first, f.biases, f.columns, h1,
                 &c->activation);
    for (integer l = 0; l < z.n_lines; l++)
      NAME(hidden)(1, panel.n, z.hidden, n_hidden, f.second, b2, h1 + l * z.line,
                   h2 + l * z.line, &c->activation);
    if (z.n_lines > 1) {
      NAME(clear_missing)(&panel, z.hidden, h2);
      NAME(add_lines)(panel.n, z.hidden, h2, f.sums);
    }
    NAME(as_components)(&z, h2, f.sums, components);
    NAME(add_to_windows)(s, &z, &panel, f.third, components, f.windows.products,
                         s->n_out, of_y, c->y);
  }
}

/* Write y. Hidden states go to `states`, unless that is null, as
   [all_panels][2][n_lines][hidden][WIDTH]. */
static void NAME(forward)(const Shape *s, const REAL *x, const REAL *w1, const REAL *b1,
                   const REAL *w2, const REAL *b2, const REAL *w3, REAL *y,
                   REAL *states, REAL *memory, NAME(Activation) activation) {
  NAME(Sizes) z = NAME(sizes)(s, 1);
  integer used = 0;
  NAME(Outer) outer = NAME(outer_weights)(s, w1, w3, memory, &used);
  NAME(ForwardCall) c = {s, outer, x, b1, w2, b2, y, states, memory,
                         activation, 0};
  do_parts(NAME(prepare_forward), &c, z.n_parts);
  for (; c.phase < z.n_phases; c.phase++)
    do_parts(NAME(part_of_forward), &c, z.n_parts);
}

typedef struct {
  REAL *first, *second, *third;             /* weights */
  NAME(Windows) windows;
  REAL *columns, *dcolumns;                 /* of a panel */
  REAL *da1, *da2, *x_t, *h1_t, *dy_t;      /* of a tile; da1 has all components */
  REAL *sums;                               /* of lines of h2, of a tile */
  REAL *of_tile;                            /* sums over one, of biases */
  integer of_first, of_second, of_third;    /* numbers of a component's gradient */
  integer n_gradients;
  REAL *gradients, *totals; /* of w1, w2, w3, biases, over some tiles, and over a part */
} NAME(Backward);

static integer NAME(lay_out_backward)(const Shape *s, REAL *memory, integer part,
                                      NAME(Backward) *b) {
  NAME(Sizes) z = NAME(sizes)(s, 1);
  integer used = 0, n = z.n_parts, k = z.hidden, m = z.n_components;
  integer most = z.grid.panels_of_tile, tile = most * WIDTH, lines = z.n_lines;
  integer wide_first = NAME(up)(z.first, WIDTH), wide_third = NAME(up)(z.third, WIDTH);
  integer wide = NAME(up)(s->n_hidden, WIDTH);
  NAME(outer_weights)(s, 0, 0, memory, &used);
  b->first = NAME(take)(memory, &used, m * NAME(up)(z.first, ROWS) * k);
  b->second = NAME(take)(memory, &used, k * k);
  b->third = NAME(take)(memory, &used, k * m * z.third);
  b->windows = NAME(take_windows)(&z, memory, &used, part);
  b->columns = NAME(take_own)(memory, &used, m * z.first * WIDTH, part, n);
  b->dcolumns = NAME(take_own)(memory, &used, m * z.third * WIDTH, part, n);
  b->da1 = NAME(take_own)(memory, &used, most * m * z.line, part, n);
  b->da2 = NAME(take_own)(memory, &used, most * lines * z.line, part, n);
  b->x_t = NAME(take_own)(memory, &used, m * tile * wide_first, part, n);
  b->h1_t = NAME(take_own)(memory, &used, lines * tile * wide, part, n);
  b->dy_t = NAME(take_own)(memory, &used, m * tile * wide_third, part, n);
  b->sums = NAME(take_own)(memory, &used, (lines - 1) * most * 2 * z.line, part, n);
  b->of_tile = NAME(take_own)(memory, &used, 2 * k * LANES, part, n);
  b->of_first = k * wide_first, b->of_second = k * wide, b->of_third = k * wide_third;
  b->n_gradients = NAME(up)(m * (b->of_first + b->of_third) + b->of_second + 2 * k, WIDTH);
  NAME(take_sums)(&z.grid, memory, &used, b->n_gradients, part, n, &b->gradients,
                  &b->totals);
  return used;
}

integer NAME(memory_backward)(const Shape *s) {
  NAME(Backward) b;
  return NAME(lay_out_backward)(s, 0, 0, &b);
}

typedef struct {
  const Shape *s;
  NAME(Outer) outer;
  const REAL *x, *dy, *w2, *states;
  REAL *dx, *dw1, *db1, *dw2, *db2, *dw3, *memory;
  NAME(Activation) activation;
  integer phase;
} NAME(BackwardCall);

static void NAME(prepare_backward)(void *context, integer part) {
  NAME(BackwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s, 1);
  integer n = z.n_parts, n_hidden = s->n_hidden;
  NAME(Backward) b;
  NAME(lay_out_backward)(s, c->memory, part, &b);
  NAME(pack_windows)(s, &z, z.third, c->outer.third, b.third, part);
  NAME(pack)(n_hidden, n_hidden, c->w2, 1, n_hidden, 1, b.second, part, n);
  NAME(pack_adjoint)(s, &z, z.first, c->outer.first, b.first, part);
  NAME(clear)(NAME(all_pixels)(s) * s->n_in, c->dx, part, n);
  memset(b.of_tile, 0, 2 * z.hidden * LANES * sizeof(REAL));
  NAME(clear_sums)(b.n_gradients, b.gradients, b.totals);
}

/* Cotangents of a panel, number i of a tile, and what gradients are sums of. */
static void NAME(pull_panel)(const NAME(BackwardCall) *c, const NAME(Sizes) *z,
                             const NAME(Backward) *b, const NAME(Panel) *panel, integer i,
                             const REAL *h1) {
  const Shape *s = c->s;
  integer n_pixels = NAME(pixels_of_sample)(s), n_hidden = s->n_hidden, n = z->hidden;
  Strides of_x = {s->x_sample, s->x_channel};
  Strides of_dy = {s->y_sample, s->y_channel};
  Strides of_dx = {s->n_in * n_pixels, n_pixels};
  integer most = z->grid.panels_of_tile, m = z->n_components, lines = z->n_lines;
  const REAL *h2 = h1 + lines * z->line, *components[COMPONENTS];
  REAL *da1 = b->da1 + i * m * z->line, *da2 = b->da2 + i * lines * z->line;
  REAL *sums_of_da1 = da1 + 2 * z->line;
  NAME(gather_windows)(s, z, panel, c->dy, of_dy, s->n_out, b->dcolumns);
  NAME(pulled)(lines, panel->n, n, z->third, b->third, b->dcolumns, da2, h2,
               &c->activation);
  if (lines > 1) NAME(clear_missing)(panel, n, da2);
  for (integer l = 0, at = 0; l < lines; l++, at += z->line) {
    NAME(pulled)(1, panel->n, n, n_hidden, b->second, da2 + at, da1 + at, h1 + at,
                 &c->activation);
    NAME(add_sums)(panel->n, n, da1 + at, b->of_tile);
    NAME(add_sums)(panel->n, n, da2 + at, b->of_tile + n * LANES);
  }
  if (lines > 1) {
    NAME(add_lines)(panel->n, n, da1, sums_of_da1);
    NAME(add_lines)(panel->n, n, h2, b->sums + i * 2 * z->line);
  }
  NAME(gather_windows)(s, z, panel, c->x, of_x, s->n_in, b->columns);
  NAME(transpose_all)(m, z->third, b->dcolumns, z->third * WIDTH, i, most, b->dy_t);
  NAME(transpose_all)(lines, n_hidden, h1, z->line, i, most, b->h1_t);
  NAME(transpose_all)(m, z->first, b->columns, z->first * WIDTH, i, most, b->x_t);
  NAME(as_components)(z, da1, sums_of_da1, components);
  NAME(add_to_windows)(s, z, panel, b->first, components, b->windows.products, s->n_in,
                       of_dx, c->dx);
}

/* Gradients of weights, summed over so many pixels of a tile. */
static void NAME(add_tile)(const Shape *s, const NAME(Sizes) *z, const NAME(Backward) *b,
                           integer n_pixels, const REAL *states) {
  integer n = z->hidden, most = z->grid.panels_of_tile, tile = most * WIDTH;
  integer m = z->n_components, lines = z->n_lines, line = z->line;
  REAL *first = b->gradients, *second = first + m * b->of_first;
  REAL *third = second + b->of_second, *biases = third + m * b->of_third;
  const REAL *da1[COMPONENTS], *h2[COMPONENTS];
  NAME(as_components)(z, b->da1, b->da1 + 2 * line, da1);
  NAME(as_components)(z, states + lines * line, b->sums, h2);
  NAME(add_sums_of_tile)(2 * n, b->of_tile, biases);
  for (integer i = 0; i < m; i++) {
    int is_line = i == 0 || i == COMPONENTS - 1; /* no sum or difference */
    NAME(add_gradient)(n, z->first, n_pixels, most, da1[i], m * line,
                       b->x_t + i * tile * NAME(up)(z->first, WIDTH),
                       first + i * b->of_first);
    NAME(add_gradient)(n, z->third, n_pixels, most, h2[i],
                       is_line ? 2 * lines * line : 2 * line,
                       b->dy_t + i * tile * NAME(up)(z->third, WIDTH),
                       third + i * b->of_third);
  }
  for (integer l = 0; l < lines; l++)
    NAME(add_gradient)(n, s->n_hidden, n_pixels, most, b->da2 + l * line, lines * line,
                       b->h1_t + l * tile * NAME(up)(s->n_hidden, WIDTH), second);
}

static void NAME(part_of_backward)(void *context, integer number) {
  NAME(BackwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s, 1);
  NAME(Part) part = NAME(part_in_phase)(&z.grid, number, c->phase);
  NAME(Backward) b;
  NAME(lay_out_backward)(s, c->memory, number, &b);
  integer of_panel = 2 * z.n_lines * z.line, most = z.grid.panels_of_tile;
  integer all = NAME(panels_of)(&part);
  NAME(Panel) panel;
  panel.inside = b.windows.inside, panel.moved = b.windows.moved;
  for (integer start = 0; start < all; start += most) {
    integer n_panels = all - start < most ? all - start : most;
    const REAL *states = c->states + (part.panel + start) * of_panel;
    for (integer i = 0; i < n_panels; i++) {
      NAME(find)(s, &z, &part, start + i, &panel);
      NAME(pull_panel)(c, &z, &b, &panel, i, states + i * of_panel);
    }
    NAME(add_tile)(s, &z, &b, NAME(pixels_of)(&part, start, n_panels), states);
    NAME(add_many)(start / most + 1, start + most >= all, b.n_gradients, b.gradients,
                   b.totals);
  }
}

/* Some rows of each gradient, summed over parts. */
static void NAME(collect_backward)(void *context, integer part) {
  NAME(BackwardCall) *c = context;
  const Shape *s = c->s;
  NAME(Sizes) z = NAME(sizes)(s, 1);
  integer n = z.n_parts, n_hidden = s->n_hidden, m = z.n_components;
  NAME(Backward) b;
  NAME(lay_out_backward)(s, c->memory, 0, &b);
  REAL *second = b.totals + m * b.of_first, *third = second + b.of_second;
  REAL *biases = third + m * b.of_third;
  integer further = b.n_gradients;
  NAME(collect_windows)(&z, n_hidden, z.first, b.totals, b.of_first, further, c->dw1,
                        part);
  NAME(collect_windows)(&z, n_hidden, z.third, third, b.of_third, further, c->dw3, part);
  NAME(collect)(n_hidden, n_hidden, second, further, c->dw2, part, n);
  if (part) return;
  NAME(sum_parts)(n_hidden, biases, further, c->db1, n);
  NAME(sum_parts)(n_hidden, biases + z.hidden, further, c->db2, n);
}

/* Write dx and the gradients of all parameters. */
static void NAME(backward)(const Shape *s, const REAL *x, const REAL *dy, const REAL *w1,
                    const REAL *w2, const REAL *w3, const REAL *states, REAL *dx,
                    REAL *dw1, REAL *db1, REAL *dw2, REAL *db2, REAL *dw3, REAL *memory,
                    NAME(Activation) activation) {
  NAME(Sizes) z = NAME(sizes)(s, 1);
  integer used = 0;
  NAME(Outer) outer = NAME(outer_weights)(s, w1, w3, memory, &used);
  NAME(BackwardCall) c = {s,   outer, x,   dy,  w2,     states,     dx, dw1,
                          db1, dw2,   db2, dw3, memory, activation, 0};
  do_parts(NAME(prepare_backward), &c, z.n_parts);
  for (; c.phase < z.n_phases; c.phase++)
    do_parts(NAME(part_of_backward), &c, z.n_parts);
  do_parts(NAME(collect_backward), &c, z.n_parts);
}
