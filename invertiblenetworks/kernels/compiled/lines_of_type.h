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
#define LINES 3  /* of a plane of a window */
#define PLACES 3 /* taps of a window's line */

/* Whether a shape goes by pairs of lines. */
INLINE int NAME(has_lines)(const Shape *s) {
  return s->spatial[1] > 1 && s->spatial[2] % LANES == 0 && s->margin[1] == 1 &&
         s->margin[2] == 1;
}

/* Planes of a window. */
INLINE integer NAME(n_planes)(const Shape *s) { return 2 * s->margin[0] + 1; }

/* The shape of the pairs. A tile has about as many pixels as it has elsewhere. A window
   reaches into one line of the pairs above and below, and the lines that two windows reach
   into from both sides are not the same: that is as far as if each had half of a pair. */
INLINE Shape NAME(shape_of_pairs)(const Shape *s) {
  Shape pairs = *s;
  pairs.spatial[1] = (s->spatial[1] + 1) / 2;
  pairs.margin[1] = 0, pairs.margin[2] = s->spatial[2] / 2 + 1;
  pairs.panels_of_tile = (s->panels_of_tile + 1) / 2;
  return pairs;
}

/* Where the pairs of a panel are. `inside` gets [n_planes][four lines][PLACES][WIDTH],
   `moved`, if it is needed, [PLACES][WIDTH]: the first lane of a vector has no neighbour
   before it, the last one none behind it, if the line ends there; and for what is moved, if
   the panel does. */
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
    if (!panel->moved) continue;
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
