/* Windows around pixels: where panels are in images; follows `parts_of_type.h`. */

/* The pixels of a panel, and which of their neighbours are in the image. */
typedef struct {
  const NAME(Part) *part;
  int in_vectors; /* each vector lies in one sample: its first pixel tells where */
  integer n, samples[WIDTH], pixels[WIDTH];
  integer from_line[VECTORS], to_line[VECTORS]; /* of four, see `lines_of_type.h` */
  BITS *inside; /* [n_taps][WIDTH], all bits or none; of lines see there */
  BITS *moved;  /* for `scatter`, else null: each row moved by its tap's last place */
} NAME(Panel);

INLINE integer NAME(n_taps)(const Shape *s) {
  return (2 * s->margin[0] + 1) * (2 * s->margin[1] + 1) * (2 * s->margin[2] + 1);
}

/* Where the pixels of a panel are. The first of each vector is enough for those who do
   not look beside them, if it is in one sample. */
INLINE void NAME(find_pixels)(const Shape *s, const NAME(Part) *part, integer number,
                              int first_is_enough, NAME(Panel) *panel) {
  integer n_pixels = NAME(pixels_of_sample)(s), first = part->first + number * WIDTH;
  integer sample = first / n_pixels, pixel = first % n_pixels;
  panel->part = part;
  panel->n = NAME(pixels_of)(part, number, 1);
  panel->in_vectors = pixel + WIDTH <= n_pixels || n_pixels % LANES == 0;
  /* No division per pixel: that would take a tenth of the time of a small net. */
  integer step = panel->in_vectors && first_is_enough ? LANES : 1;
  for (integer lane = 0; lane < WIDTH; lane += step) {
    panel->samples[lane] = sample;
    panel->pixels[lane] = pixel;
    pixel += step;
    if (pixel == n_pixels) pixel = 0, sample++;
  }
}

/* The same, and which of their neighbours are in the image. */
static void NAME(find_panel)(const Shape *s, const NAME(Part) *part, integer number,
                             NAME(Panel) *panel) {
  const integer *size = s->spatial, *m = s->margin;
  BITS at[3][WIDTH], near[2][WIDTH];
  NAME(find_pixels)(s, part, number, 0, panel);
  integer pixel = panel->pixels[0];
  integer x = pixel / (size[1] * size[2]), y = pixel / size[2] % size[1];
  integer z = pixel % size[2];
  for (integer lane = 0; lane < WIDTH; lane++) {
    at[0][lane] = x, at[1][lane] = y, at[2][lane] = z;
    z++;
    if (z == size[2]) z = 0, y++;
    if (y == size[1]) y = 0, x++;
    if (x == size[0]) x = 0;
  }
  BITS *inside = panel->inside;
  for (integer i = -m[0]; i <= m[0]; i++) {
    for (integer lane = 0; lane < WIDTH; lane++)
      near[0][lane] = -(BITS)((at[0][lane] + i >= 0) & (at[0][lane] + i < size[0]) &
                              (lane < panel->n));
    for (integer j = -m[1]; j <= m[1]; j++) {
      for (integer lane = 0; lane < WIDTH; lane++)
        near[1][lane] = near[0][lane] & -(BITS)((at[1][lane] + j >= 0) &
                                                (at[1][lane] + j < size[1]));
      for (integer k = -m[2]; k <= m[2]; k++, inside += WIDTH)
        for (integer lane = 0; lane < WIDTH; lane++)
          inside[lane] = near[1][lane] & -(BITS)((at[2][lane] + k >= 0) &
                                                 (at[2][lane] + k < size[2]));
    }
  }
  if (!panel->moved) return;
  memset(panel->moved, 0, NAME(n_taps)(s) * WIDTH * sizeof(BITS));
  for (integer tap = 0; tap < NAME(n_taps)(s); tap++) {
    integer k = tap % (2 * m[2] + 1) - m[2], kept = WIDTH - (k < 0 ? -k : k);
    if (kept > 0)
      memcpy(panel->moved + tap * WIDTH + (k > 0 ? k : 0),
             panel->inside + tap * WIDTH + (k < 0 ? -k : 0), kept * sizeof(BITS));
  }
}

/* Where the pixel of a lane is in the first channel. */
INLINE integer NAME(place)(const NAME(Panel) *panel, integer lane, Strides strides) {
  return panel->samples[lane] * strides.sample + panel->pixels[lane];
}

/* Find where the vectors of a panel begin, and where they reach to from all taps, or
   further.
   Returns whether that is in these samples of the images: then they may be read whole,
   even if some numbers are of pixels outside of their own sample. */
INLINE int NAME(find_starts)(const Shape *s, const NAME(Panel) *panel, Strides strides,
                             integer from_sample, integer to_sample, integer further,
                             integer starts[VECTORS]) {
  integer reach = NAME(reach)(s), begin = from_sample * strides.sample;
  integer end = (to_sample - 1) * strides.sample + NAME(pixels_of_sample)(s);
  int are_there = panel->in_vectors && strides.channel >= 0;
  for (integer v = 0; v < VECTORS; v++) {
    integer lane = v * LANES < panel->n ? v * LANES : 0; /* else of no pixels */
    starts[v] = NAME(place)(panel, lane, strides);
    are_there &= (starts[v] - reach >= begin) & (starts[v] + reach + further + LANES <= end);
  }
  return are_there;
}

/* Rows (channel, tap) of a panel from images, zero outside of them. */
static void NAME(gather)(const Shape *s, const NAME(Panel) *panel, const REAL *images,
                         Strides strides, integer n_channels, REAL *out) {
  const integer *size = s->spatial, *m = s->margin;
  integer starts[VECTORS];
  int whole = NAME(find_starts)(s, panel, strides, 0, s->n_samples, 0, starts);
  for (integer c = 0; c < n_channels; c++) {
    const REAL *channel = images + c * strides.channel;
    const BITS *inside = panel->inside;
    for (integer i = -m[0]; i <= m[0]; i++)
      for (integer j = -m[1]; j <= m[1]; j++)
        for (integer k = -m[2]; k <= m[2]; k++, inside += WIDTH, out += WIDTH) {
          integer shift = (i * size[1] + j) * size[2] + k;
          if (whole) {
            UNROLLED for (int v = 0; v < VECTORS; v++) {
              NAME(mask) bits = *(const NAME(mask) *)(inside + v * LANES);
              NAME(vector) value = *(const NAME(loose) *)(channel + starts[v] + shift);
              *(NAME(mask) *)(out + v * LANES) = (NAME(mask))value & bits;
            }
          } else {
            for (integer lane = 0; lane < WIDTH; lane++)
              out[lane] = inside[lane]
                              ? channel[NAME(place)(panel, lane, strides) + shift]
                              : 0;
          }
        }
  }
}

/* The adjoint: add rows (channel, tap) of a panel to images.

   The taps of one row of a window are summed first, each moved by its place. Added one
   by one they would overlap, and a processor waits for what it has just written if it
   reads it in other vectors. Where they are not in the image, vectors have zero added; so
   they must not reach into what another part may write at the same time. */
static void NAME(scatter)(const Shape *s, const NAME(Panel) *panel, const REAL *in,
                          Strides strides, integer n_channels, REAL *images) {
  const integer *size = s->spatial, *m = s->margin, n_taps = 2 * m[2] + 1;
  integer starts[VECTORS], first = panel->samples[0];
  const NAME(Part) *part = panel->part;
  int one = part->is_chunk, is_one = panel->samples[panel->n - 1] == first;
  int whole = NAME(find_starts)(s, panel, strides, one ? first : part->from_sample,
                                one ? first + 1 : part->to_sample, 0, starts);
  /* The last pixel is moved to the next vector, which is another panel's if this is not
     full. */
  whole = whole && n_taps < WIDTH && (is_one || !one) &&
          (panel->n == WIDTH || n_taps == 1);
  for (integer c = 0; c < n_channels; c++) {
    REAL *channel = images + c * strides.channel;
    const BITS *inside = panel->inside, *moved = panel->moved;
    for (integer i = -m[0]; i <= m[0]; i++)
      for (integer j = -m[1]; j <= m[1]; j++, inside += n_taps * WIDTH,
                  moved += n_taps * WIDTH, in += n_taps * WIDTH) {
        integer shift = (i * size[1] + j) * size[2];
        if (whole)
          UNROLLED for (int v = 0; v < VECTORS; v++) {
            NAME(loose) *place = (NAME(loose) *)(channel + starts[v] + shift);
            NAME(vector) sum = *place;
            for (integer k = 0; k < n_taps; k++) {
              integer at = k * WIDTH + v * LANES;
              NAME(mask) bits = *(const NAME(mask) *)(moved + at);
              NAME(loose) value = *(const NAME(loose) *)(in + at - (k - m[2]));
              sum += (NAME(vector))((NAME(mask))value & bits);
            }
            *place = sum;
          }
        /* What is moved beyond the ends, or everything. */
        for (integer k = 0; k < n_taps; k++) {
          integer by = k - m[2], n_beyond = by < 0 ? -by : by;
          integer first = whole && by > 0 ? WIDTH - by : 0;
          integer last = whole ? first + n_beyond : WIDTH;
          for (integer lane = first; lane < last; lane++)
            if (inside[k * WIDTH + lane])
              channel[NAME(place)(panel, lane, strides) + shift + by] +=
                  in[k * WIDTH + lane];
        }
      }
  }
}

/* Rows (channel) of a panel from images. */
static void NAME(read)(const NAME(Panel) *panel, const REAL *images, Strides strides,
                       integer n_channels, REAL *out) {
  for (integer c = 0; c < n_channels; c++, out += WIDTH) {
    const REAL *channel = images + c * strides.channel;
    if (panel->in_vectors) {
      for (integer lane = 0; lane < panel->n; lane += LANES)
        *(NAME(vector) *)(out + lane) =
            *(const NAME(loose) *)(channel + NAME(place)(panel, lane, strides));
    } else {
      for (integer lane = 0; lane < WIDTH; lane++)
        out[lane] = lane < panel->n ? channel[NAME(place)(panel, lane, strides)] : 0;
    }
  }
}

/* Write the rows of a panel to images, or add them. */
static void NAME(store)(const NAME(Panel) *panel, const REAL *in, Strides strides,
                        integer n_channels, int adds, REAL *images) {
  for (integer c = 0; c < n_channels; c++, in += WIDTH) {
    REAL *channel = images + c * strides.channel;
    if (panel->in_vectors) {
      for (integer lane = 0; lane < panel->n; lane += LANES) {
        NAME(loose) *place =
            (NAME(loose) *)(channel + NAME(place)(panel, lane, strides));
        NAME(vector) value = *(const NAME(vector) *)(in + lane);
        if (adds) value += *place;
        *place = value;
      }
    } else {
      for (integer lane = 0; lane < panel->n; lane++) {
        REAL *place = channel + NAME(place)(panel, lane, strides);
        *place = adds ? *place + in[lane] : in[lane];
      }
    }
  }
}
