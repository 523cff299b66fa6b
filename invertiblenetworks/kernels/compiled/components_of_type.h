/* Windows of a block as components: one, which has all taps, or those of two lines; follows
   `line_products_of_type.h`. */

/* Sizes that follow from the shape. */
typedef struct {
  Shape grid; /* of what panels are cut from: pixels, or pairs of them */
  integer n_parts, n_phases, n_lines, n_components, n_taps;
  integer hidden, first, third; /* rows of a line, and of a component of columns */
  integer line;                 /* numbers of a line of a panel */
} NAME(Sizes);

INLINE NAME(Sizes) NAME(sizes)(const Shape *s, int adds_beside) {
  NAME(Sizes) z;
  int has_lines = NAME(has_lines)(s);
  z.grid = has_lines ? NAME(shape_of_pairs)(s) : *s;
  z.n_lines = has_lines ? 2 : 1;
  z.n_components = has_lines ? COMPONENTS : 1;
  z.n_taps = has_lines ? NAME(n_planes)(s) * PLACES : NAME(n_taps)(s);
  z.n_parts = NAME(n_parts)(&z.grid, adds_beside);
  z.n_phases = NAME(n_phases)(&z.grid);
  z.hidden = NAME(up)(s->n_hidden, ROWS);
  z.first = s->n_in * z.n_taps;
  z.third = s->n_out * z.n_taps;
  z.line = z.hidden * WIDTH;
  return z;
}

/* Weights of both windows, rows of which are hidden units, columns (component, channel,
   tap). */
typedef struct {
  const REAL *first, *third;
} NAME(Outer);

typedef struct {
  const Shape *s;
  const REAL *w1, *w3;
  REAL *first, *third;
} NAME(SplitCall);

static void NAME(part_of_split)(void *context, integer part) {
  NAME(SplitCall) *c = context;
  const Shape *s = c->s;
  integer n = NAME(sizes)(s, 1).n_parts, n_planes = NAME(n_planes)(s);
  NAME(split_weights)(s->n_hidden, s->n_in * n_planes, c->w1, c->first, part, n);
  NAME(split_weights)(s->n_hidden, s->n_out * n_planes, c->w3, c->third, part, n);
}

/* Take the memory of these weights, and, with memory, make them. */
static NAME(Outer) NAME(outer_weights)(const Shape *s, const REAL *w1, const REAL *w3,
                                       REAL *memory, integer *used) {
  NAME(Sizes) z = NAME(sizes)(s, 1);
  NAME(Outer) given = {w1, w3};
  if (z.n_lines == 1) return given;
  integer n = s->n_hidden * z.n_components;
  NAME(SplitCall) c = {s, w1, w3, 0, 0};
  c.first = NAME(take)(memory, used, n * z.first);
  c.third = NAME(take)(memory, used, n * z.third);
  if (w1) do_parts(NAME(part_of_split), &c, z.n_parts);
  return (NAME(Outer)){c.first, c.third};
}

/* Pack such weights of n columns a component: for products with columns of windows, and
   for products that are added to windows. */
INLINE void NAME(pack_windows)(const Shape *s, const NAME(Sizes) *z, integer n,
                               const REAL *weights, REAL *to, integer part) {
  integer n_columns = z->n_components * n;
  NAME(pack)(s->n_hidden, n_columns, weights, n_columns, 1, 0, to, part, z->n_parts);
}

INLINE void NAME(pack_adjoint)(const Shape *s, const NAME(Sizes) *z, integer n,
                               const REAL *weights, REAL *to, integer part) {
  for (integer i = 0; i < z->n_components; i++)
    NAME(pack)(n, s->n_hidden, weights + i * n, 1, z->n_components * n, 0,
               to + i * NAME(up)(n, ROWS) * s->n_hidden, part, z->n_parts);
}

/* Memory for the windows of a panel. */
typedef struct {
  BITS *inside, *moved;
  REAL *products; /* of some channels */
} NAME(Windows);

INLINE NAME(Windows) NAME(take_windows)(const NAME(Sizes) *z, REAL *memory, integer *used,
                                        integer part) {
  integer n = z->n_parts, n_taps = z->n_components * z->n_taps;
  NAME(Windows) w;
  w.inside = (BITS *)NAME(take_own)(memory, used, n_taps * WIDTH, part, n);
  w.moved = (BITS *)NAME(take_own)(memory, used, z->n_taps * WIDTH, part, n);
  w.products = NAME(take_own)(memory, used, n_taps * ROWS * WIDTH, part, n);
  return w;
}

INLINE void NAME(find)(const Shape *s, const NAME(Sizes) *z, const NAME(Part) *part,
                       integer number, NAME(Panel) *panel) {
  if (z->n_lines == 1) NAME(find_panel)(s, part, number, panel);
  else NAME(find_lines)(s, &z->grid, part, number, panel);
}

INLINE void NAME(gather_windows)(const Shape *s, const NAME(Sizes) *z,
                                 const NAME(Panel) *panel, const REAL *images,
                                 Strides strides, integer n_channels, REAL *out) {
  if (z->n_lines == 1) NAME(gather)(s, panel, images, strides, n_channels, out);
  else NAME(gather_lines)(s, panel, images, strides, n_channels, out);
}

/* A gradient of weights with n columns (channel, tap) a component, from a matrix for each,
   so many numbers apart, and from all parts. */
INLINE void NAME(collect_windows)(const NAME(Sizes) *z, integer n_rows, integer n,
                                  REAL *matrices, integer apart, integer further,
                                  REAL *to, integer part) {
  if (z->n_lines == 1)
    NAME(collect)(n_rows, n, matrices, further, to, part, z->n_parts);
  else
    NAME(collect_lines)(n_rows, n / PLACES, matrices, apart, further, to, part, z->n_parts);
}

/* Rows of a panel's lines as components: those of the first line, of their sums, of their
   differences, of the second line. */
INLINE void NAME(as_components)(const NAME(Sizes) *z, const REAL *lines, const REAL *sums,
                                const REAL *components[COMPONENTS]) {
  components[0] = lines, components[3] = lines + z->line;
  components[1] = sums, components[2] = sums + z->line;
}

/* Add weights * components to the windows of images. Some channels at a time, whose
   products stay in the first cache. */
static void NAME(add_to_windows)(const Shape *s, const NAME(Sizes) *z,
                                 const NAME(Panel) *panel, const REAL *weights,
                                 const REAL *const components[COMPONENTS], REAL *products,
                                 integer n_channels, Strides strides, REAL *images) {
  integer further = ROWS * z->n_taps, n_hidden = s->n_hidden;
  integer apart = NAME(up)(n_channels * z->n_taps, ROWS) * n_hidden;
  for (integer channel = 0; channel < n_channels; channel += ROWS) {
    integer left = n_channels - channel, n = left < ROWS ? left : ROWS;
    for (integer i = 0; i < z->n_components; i++)
      NAME(linear)(1, panel->n, NAME(up)(n * z->n_taps, ROWS), n_hidden,
                   weights + i * apart + channel * z->n_taps * n_hidden, 0,
                   components[i], products + i * further * WIDTH);
    REAL *to = images + channel * strides.channel;
    if (z->n_lines == 1) NAME(scatter)(s, panel, products, strides, n, to);
    else NAME(scatter_lines)(s, panel, products, further * WIDTH, strides, n, to);
  }
}

/* Rows of some components, or lines, of a panel of a tile, transposed. */
INLINE void NAME(transpose_all)(integer n, integer n_rows, const REAL *panel,
                                integer apart, integer place, integer most,
                                REAL *transposed) {
  integer further = most * WIDTH * NAME(up)(n_rows, WIDTH);
  for (integer i = 0; i < n; i++)
    NAME(transpose)(n_rows, panel + i * apart, place, most, transposed + i * further);
}
