/* Two lines of an image at a time, for windows of three lines; follows `windows_of_type.h`.

   Winograd's F(2, 3), from line to line: the windows of two pixels, one above the other,
   reach over four lines d. Of these come four components

     d0 - d2,   d1 + d2,   d2 - d1,   d1 - d3,

   which are multiplied by as many components of the weights w0, w1, w2 of the three lines,

     w0,   (w0 + w1 + w2) / 2,   (w0 - w1 + w2) / 2,   -w2,

   to p0 ... p3. The result is p0 + p1 + p2 in the first line and p1 - p2 + p3 in the
   second: four products in place of six. All gradients are adjoints of these maps. Places
   beside each other in a line are taps as they are elsewhere.

   Lavin and Gray (2016), Fast algorithms for convolutional neural networks, section 4.1.

   Lines are whole vectors, so that no vector has pixels of two lines. Pairs of pixels are
   cut into panels as pixels are elsewhere, those of the first lines standing for both. */

#define COMPONENTS 4
#define PLACES 3 /* taps of a window's line */

/* Whether a shape goes by pairs of lines. */
INLINE int NAME(has_lines)(const Shape *s) {
  return s->spatial[1] > 1 && s->spatial[2] % LANES == 0 && s->margin[1] == 1 &&
         s->margin[2] == 1;
}

/* Planes of a window. */
INLINE integer NAME(n_planes)(const Shape *s) { return 2 * s->margin[0] + 1; }

/* The shape of the pairs. A tile has as many pixels as it has elsewhere. */
INLINE Shape NAME(shape_of_pairs)(const Shape *s) {
  Shape pairs = *s;
  pairs.spatial[1] = (s->spatial[1] + 1) / 2;
  pairs.panels_of_tile = (s->panels_of_tile + 1) / 2;
  return pairs;
}

/* Where the pairs of a panel are. `inside` gets [n_planes][four lines][PLACES][WIDTH],
   `moved` [PLACES][WIDTH]: the first lane of a vector has no neighbour before it, the last
   one none behind it, if the line ends there; and for what is moved, if the panel does. */
static void NAME(find_lines)(const Shape *s, const Shape *pairs, const NAME(Part) *part,
                             integer number, NAME(Panel) *panel) {
  integer height = s->spatial[1], width = s->spatial[2], n_planes = NAME(n_planes)(s);
  const NAME(mask) none = {0}, all = ~none;
  NAME(mask) but_first = all, but_last = all;
  but_first[0] = 0, but_last[LANES - 1] = 0;
  NAME(find_pixels)(pairs, part, number, 1, panel);
  for (integer v = 0, lane = 0; v < VECTORS; v++, lane += LANES) {
    integer row = panel->pixels[lane] / width, x = panel->pixels[lane] % width;
    integer plane = row / pairs->spatial[1], line = row % pairs->spatial[1] * 2;
    int is_first = x == 0, is_last = x + LANES == width;
    panel->pixels[lane] = (plane * height + line) * width + x;
    panel->from_line[v] = line > 0 ? 0 : 1;
    panel->to_line[v] = height - line < 3 ? height - line + 1 : COMPONENTS;
    NAME(mask) *inside = (NAME(mask) *)(panel->inside + lane);
    for (integer p = 0; p < n_planes; p++) {
      integer at = plane + p - s->margin[0];
      int is_there = (lane < panel->n) & (at >= 0) & (at < s->spatial[0]);
      for (integer i = 0; i < COMPONENTS; i++, inside += PLACES * VECTORS) {
        int is_inside = is_there & (i >= panel->from_line[v]) & (i < panel->to_line[v]);
        NAME(mask) bits = is_inside ? all : none;
        inside[0] = bits & (is_first ? but_first : all);
        inside[VECTORS] = bits;
        inside[2 * VECTORS] = bits & (is_last ? but_last : all);
      }
    }
    NAME(mask) *moved = (NAME(mask) *)(panel->moved + lane);
    moved[0] = is_last || lane + LANES >= panel->n ? but_last : all;
    moved[VECTORS] = all;
    moved[2 * VECTORS] = is_first || lane == 0 ? but_first : all;
  }
}

/* Whether a pair's neighbours in a plane of its window, at a place, are in the image. */
INLINE int NAME(is_inside)(const NAME(Panel) *panel, integer plane, integer place,
                           integer lane) {
  return panel->inside[((plane * COMPONENTS + 1) * PLACES + place) * WIDTH + lane] != 0;
}

/* Whether there is a second line. */
INLINE int NAME(has_second)(const NAME(Panel) *panel, integer v) {
  return panel->to_line[v] > COMPONENTS / 2;
}

/* One vector of a line of an image, of lanes that are inside. */
INLINE NAME(vector) NAME(lanes_inside)(int whole, const REAL *numbers, const BITS *inside) {
  NAME(vector) found;
  if (whole) {
    NAME(mask) bits = *(const NAME(mask) *)inside;
    return (NAME(vector))((NAME(mask))*(const NAME(loose) *)numbers & bits);
  }
  for (integer lane = 0; lane < LANES; lane++)
    found[lane] = inside[lane] ? numbers[lane] : 0;
  return found;
}

INLINE void NAME(gather_components)(int whole, const Shape *s, const NAME(Panel) *panel,
                                    const integer *starts, const REAL *images,
                                    Strides strides, integer n_channels, REAL *out) {
  integer width = s->spatial[2], n_planes = NAME(n_planes)(s);
  integer further = n_channels * n_planes * PLACES * WIDTH;
  for (integer c = 0; c < n_channels; c++)
    for (integer plane = 0; plane < n_planes; plane++)
      for (integer k = 0; k < PLACES; k++, out += WIDTH) {
        integer shift = ((plane - s->margin[0]) * s->spatial[1] - 1) * width + k - 1;
        const REAL *channel = images + c * strides.channel + shift;
        const BITS *inside = panel->inside + (plane * COMPONENTS * PLACES + k) * WIDTH;
        UNROLLED for (integer v = 0; v < VECTORS; v++) {
          NAME(vector) d[COMPONENTS];
          UNROLLED for (integer i = 0; i < COMPONENTS; i++)
            d[i] = NAME(lanes_inside)(whole, channel + starts[v] + i * width,
                                      inside + i * PLACES * WIDTH + v * LANES);
          REAL *to = out + v * LANES;
          *(NAME(vector) *)to = d[0] - d[2];
          *(NAME(vector) *)(to + further) = d[1] + d[2];
          *(NAME(vector) *)(to + 2 * further) = d[2] - d[1];
          *(NAME(vector) *)(to + 3 * further) = d[1] - d[3];
        }
      }
}

/* Rows (component, channel, plane, place) of a panel from images, zero outside of them. */
static void NAME(gather_lines)(const Shape *s, const NAME(Panel) *panel,
                               const REAL *images, Strides strides, integer n_channels,
                               REAL *out) {
  integer starts[VECTORS];
  if (NAME(find_starts)(s, panel, strides, 0, s->n_samples, s->spatial[2], starts))
    NAME(gather_components)(1, s, panel, starts, images, strides, n_channels, out);
  else
    NAME(gather_components)(0, s, panel, starts, images, strides, n_channels, out);
}

/* What components of products are to four lines. */
#define TO_LINES(d, p) \
  do {                                       \
    (d)[0] = (p)[0];                         \
    (d)[1] = (p)[1] - (p)[2] + (p)[3];       \
    (d)[2] = (p)[1] + (p)[2] - (p)[0];       \
    (d)[3] = -(p)[3];                        \
  } while (0)

/* The adjoint: add rows (component, channel, plane, place) of a panel to images, the
   components so many numbers apart. */
static void NAME(scatter_lines)(const Shape *s, const NAME(Panel) *panel, const REAL *in,
                                integer further, Strides strides, integer n_channels,
                                REAL *images) {
  integer width = s->spatial[2], n_planes = NAME(n_planes)(s);
  integer last = (panel->n - 1) / LANES, n = n_channels * n_planes;
  for (integer row = 0; row < n; row++, in += PLACES * WIDTH) {
    integer plane = row % n_planes;
    integer shift = ((plane - s->margin[0]) * s->spatial[1] - 1) * width;
    REAL *channel = images + row / n_planes * strides.channel + shift;
    for (integer v = 0; v <= last; v++) {
      if (!NAME(is_inside)(panel, plane, 1, v * LANES)) continue;
      REAL *place = channel + NAME(place)(panel, v * LANES, strides);
      NAME(vector) p[COMPONENTS], d[COMPONENTS];
      UNROLLED for (integer i = 0; i < COMPONENTS; i++) {
        p[i] = (NAME(vector)){0};
        UNROLLED for (integer k = 0; k < PLACES; k++) {
          integer at = k * WIDTH + v * LANES;
          NAME(mask) bits = *(const NAME(mask) *)(panel->moved + at);
          NAME(loose) value = *(const NAME(loose) *)(in + i * further + at - (k - 1));
          p[i] += (NAME(vector))((NAME(mask))value & bits);
        }
      }
      TO_LINES(d, p);
      for (integer i = panel->from_line[v]; i < panel->to_line[v]; i++)
        *(NAME(loose) *)(place + i * width) += d[i];
    }
    /* What is moved beyond the ends of the panel, if the line does not end there. */
    for (integer k = 0; k < PLACES; k += 2) {
      integer v = k ? last : 0, lane = k ? panel->n - 1 : 0;
      if (!NAME(is_inside)(panel, plane, k, lane)) continue;
      REAL *place = channel + NAME(place)(panel, v * LANES, strides) + (k ? LANES : -1);
      REAL p[COMPONENTS], d[COMPONENTS];
      for (integer i = 0; i < COMPONENTS; i++) p[i] = in[i * further + k * WIDTH + lane];
      TO_LINES(d, p);
      for (integer i = panel->from_line[v]; i < panel->to_line[v]; i++)
        place[i * width] += d[i];
    }
  }
}

/* Rows (component, channel) of the pixels of a panel: the first line, sum and difference of
   both, the second one. */
static void NAME(read_components)(const Shape *s, const NAME(Panel) *panel,
                                  const REAL *images, Strides strides, integer n_channels,
                                  REAL *out) {
  integer further = n_channels * WIDTH;
  for (integer c = 0; c < n_channels; c++, out += WIDTH)
    for (integer v = 0, lane = 0; lane < panel->n; v++, lane += LANES) {
      const REAL *place = images + c * strides.channel + NAME(place)(panel, lane, strides);
      NAME(vector) a = *(const NAME(loose) *)place, b = {0};
      if (NAME(has_second)(panel, v)) b = *(const NAME(loose) *)(place + s->spatial[2]);
      *(NAME(vector) *)(out + lane) = a;
      *(NAME(vector) *)(out + further + lane) = a + b;
      *(NAME(vector) *)(out + 2 * further + lane) = a - b;
      *(NAME(vector) *)(out + 3 * further + lane) = b;
    }
}

/* Write the rows of both lines of a panel, which are so many numbers apart, to images, or
   add them. */
static void NAME(store_lines)(const Shape *s, const NAME(Panel) *panel, const REAL *in,
                              integer apart, Strides strides, integer n_channels, int adds,
                              REAL *images) {
  for (integer c = 0; c < n_channels; c++, in += WIDTH)
    for (integer v = 0, lane = 0; lane < panel->n; v++, lane += LANES) {
      REAL *place = images + c * strides.channel + NAME(place)(panel, lane, strides);
      for (integer l = 0; l <= NAME(has_second)(panel, v); l++, place += s->spatial[2]) {
        NAME(vector) value = *(const NAME(vector) *)(in + l * apart + lane);
        if (adds) value += *(const NAME(loose) *)place;
        *(NAME(loose) *)place = value;
      }
    }
}

/* Set the second line to zero where the image does not have it. */
static void NAME(clear_missing)(const NAME(Panel) *panel, integer n_rows, REAL *lines) {
  for (integer v = 0; v * LANES < panel->n; v++)
    for (integer i = 0; !NAME(has_second)(panel, v) && i < n_rows; i++)
      *(NAME(vector) *)(lines + (n_rows + i) * WIDTH + v * LANES) = (NAME(vector)){0};
}

/* Sums and differences of the rows of two lines. */
static void NAME(add_lines)(integer n, integer n_rows, const REAL *lines, REAL *sums) {
  integer line = n_rows * WIDTH;
  for (integer i = 0; i < line; i += WIDTH)
    for (integer at = i; at < i + n; at += LANES) {
      NAME(vector) a = *(const NAME(vector) *)(lines + at);
      NAME(vector) b = *(const NAME(vector) *)(lines + line + at);
      *(NAME(vector) *)(sums + at) = a + b;
      *(NAME(vector) *)(sums + line + at) = a - b;
    }
}

/* Both lines of finish(weights * windows + bias) for a panel: rows of `in` are components
   of so many columns each, those of `out` and h are lines. */
INLINE void NAME(product_of_lines)(int n_vectors, integer n_rows, integer n_columns,
                                   const REAL *weights, const REAL *bias, const REAL *in,
                                   REAL *out, enum NAME(finish) finish, const REAL *h,
                                   REAL slope) {
  integer further = n_columns * WIDTH, line = n_rows * WIDTH;
  for (integer i = 0; i < n_rows; i += ROWS) {
    const REAL *block = weights + i * COMPONENTS * n_columns;
    NAME(vector) one[ROWS][VECTORS], sums[ROWS][VECTORS];
    if (h) {
      NAME(prefetch)(n_vectors, i, h);
      NAME(prefetch)(n_vectors, i, h + line);
    }
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++) sums[r][v] = (NAME(vector)){0};
    NAME(multiply)(n_vectors, 1, n_columns, block + n_columns * ROWS, 1, ROWS, 0,
                   in + further, 0, sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++)
        one[r][v] = sums[r][v], sums[r][v] = (NAME(vector)){0};
    NAME(multiply)(n_vectors, 1, n_columns, block + 2 * n_columns * ROWS, 1, ROWS, 0,
                   in + 2 * further, 0, sums);
    UNROLLED for (int r = 0; r < ROWS; r++)
      UNROLLED for (int v = 0; v < n_vectors; v++) {
        NAME(vector) first = one[r][v] + (bias ? bias[i + r] : 0), second = sums[r][v];
        sums[r][v] = first + second;
        one[r][v] = first - second;
      }
    NAME(multiply)(n_vectors, 1, n_columns, block, 1, ROWS, 0, in, 0, sums);
    NAME(finish_rows)(n_vectors, i, sums, out, finish, h, slope);
    NAME(multiply)(n_vectors, 1, n_columns, block + 3 * n_columns * ROWS, 1, ROWS, 0,
                   in + 3 * further, 0, one);
    NAME(finish_rows)(n_vectors, i, one, out + line, finish, h ? h + line : 0, slope);
  }
}

/* Components of three weights, of one line each, so many numbers apart; and the adjoint,
   of a gradient of each component. */
INLINE void NAME(split_taps)(const REAL *weights, integer apart, integer further,
                             REAL *components) {
  REAL w0 = weights[0], w1 = weights[apart], w2 = weights[2 * apart];
  components[0] = w0;
  components[further] = (w0 + w1 + w2) / 2;
  components[2 * further] = (w0 - w1 + w2) / 2;
  components[3 * further] = -w2;
}

INLINE void NAME(join_taps)(const REAL g[COMPONENTS], integer apart, REAL *gradient) {
  gradient[0] = g[0] + (g[1] + g[2]) / 2;
  gradient[apart] = (g[1] - g[2]) / 2;
  gradient[2 * apart] = (g[1] + g[2]) / 2 - g[3];
}

/* Components (row, component, plane, place) of weights (row, plane, line, place), where the
   planes are those of all channels. */
static void NAME(split_weights)(integer n_rows, integer n_planes, const REAL *weights,
                                REAL *to, integer part, integer n_parts) {
  integer from = NAME(share)(n_rows, part, n_parts), n = n_planes * PLACES;
  integer end = NAME(share)(n_rows, part + 1, n_parts);
  for (integer row = from; row < end; row++)
    for (integer plane = 0; plane < n_planes; plane++)
      for (integer k = 0; k < PLACES; k++)
        NAME(split_taps)(weights + (row * n + plane * PLACES) * 3 + k, PLACES, n,
                         to + row * COMPONENTS * n + plane * PLACES + k);
}

/* The adjoint, of `collect`: a matrix for each component, so many numbers apart. */
static void NAME(collect_lines)(integer n_rows, integer n_planes, const REAL *matrices,
                                integer apart, integer further, REAL *to, integer part,
                                integer n_parts) {
  integer from = NAME(share)(n_rows, part, n_parts), n = n_planes * PLACES;
  integer end = NAME(share)(n_rows, part + 1, n_parts), width = NAME(up)(n, WIDTH);
  for (integer row = from; row < end; row++)
    for (integer i = 0; i < n; i++) {
      const REAL *matrix = matrices + row * width + i;
      REAL g[COMPONENTS];
      for (integer c = 0; c < COMPONENTS; c++)
        NAME(sum_parts)(1, matrix + c * apart, further, g + c, n_parts);
      NAME(join_taps)(g, PLACES, to + (row * n + i / PLACES * PLACES) * 3 + i % PLACES);
    }
}

/* The same where rows are (plane, line, place), and columns stay. */
static void NAME(collect_taps)(integer n_planes, integer n_columns, const REAL *matrices,
                               integer apart, integer further, REAL *to, integer part,
                               integer n_parts) {
  integer from = NAME(share)(n_planes, part, n_parts);
  integer end = NAME(share)(n_planes, part + 1, n_parts), width = NAME(up)(n_columns, WIDTH);
  for (integer i = from * PLACES; i < end * PLACES; i++)
    for (integer j = 0; j < n_columns; j++) {
      const REAL *matrix = matrices + i * width + j;
      REAL g[COMPONENTS];
      for (integer c = 0; c < COMPONENTS; c++)
        NAME(sum_parts)(1, matrix + c * apart, further, g + c, n_parts);
      integer row = i / PLACES * PLACES * 3 + i % PLACES;
      NAME(join_taps)(g, PLACES * n_columns, to + row * n_columns + j);
    }
}

/* As `linear`, `hidden` and `pulled` are for one line. */
static void NAME(linear_lines)(integer n, integer n_rows, integer n_columns,
                               const REAL *weights, const REAL *in, REAL *out) {
  WITH_VECTORS(n, NAME(product_of_lines), n_rows, n_columns, weights, 0, in, out,
               NAME(plain), 0, 0);
}

static void NAME(hidden_lines)(integer n, integer n_rows, integer n_columns,
                               const REAL *weights, const REAL *bias, const REAL *in,
                               REAL *out, REAL slope) {
  if (slope == 0)
    WITH_VECTORS(n, NAME(product_of_lines), n_rows, n_columns, weights, bias, in, out,
                 NAME(relu), 0, 0);
  else
    WITH_VECTORS(n, NAME(product_of_lines), n_rows, n_columns, weights, bias, in, out,
                 NAME(leaky), 0, slope);
}

static void NAME(pulled_lines)(integer n, integer n_rows, integer n_columns,
                               const REAL *weights, const REAL *in, REAL *out,
                               const REAL *h, REAL slope) {
  if (slope == 0)
    WITH_VECTORS(n, NAME(product_of_lines), n_rows, n_columns, weights, 0, in, out,
                 NAME(pull_relu), h, 0);
  else
    WITH_VECTORS(n, NAME(product_of_lines), n_rows, n_columns, weights, 0, in, out,
                 NAME(pull_leaky), h, slope);
}
