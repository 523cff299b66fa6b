/* Parts of a call: ranges of pixels, of all samples in turn; follows `panels_of_type.h`.

   Each has panels of its own. Their number depends on the shape alone, so results do not
   depend on which thread does which part.

   Some functions add to what is beside their pixels (`scatter`), and two parts at the same
   time must not add to the same number. If samples cannot be shared out evenly, each part
   is two chunks: all first ones come before all second ones, so that between any two at
   the same time there is one that waits, or is done. */

typedef struct {
  integer first, last; /* pixels */
  integer panel;       /* number of panels before its own */
  integer from_sample, to_sample; /* those that have no pixels in other parts, if any */
  int is_chunk;        /* of a sample that other parts may have pixels of */
} NAME(Part);

INLINE integer NAME(pixels_of_sample)(const Shape *s) {
  return s->spatial[0] * s->spatial[1] * s->spatial[2];
}

INLINE integer NAME(all_pixels)(const Shape *s) {
  return s->n_samples * NAME(pixels_of_sample)(s);
}

/* How many pixels on from its own a window looks. */
INLINE integer NAME(reach)(const Shape *s) {
  return (s->margin[0] * s->spatial[1] + s->margin[1]) * s->spatial[2] + s->margin[2];
}

/* Number of parts: as many as the shape says, if the chunk between two others is large
   enough for both to reach into it. Chunks have at least so many whole vectors. */
INLINE integer NAME(n_parts)(const Shape *s, int adds_beside) {
  integer n = s->n_parts, n_vectors = NAME(all_pixels)(s) / LANES;
  integer reach = adds_beside ? NAME(reach)(s) : 0;
  while (n > 1 && s->n_samples % n && n_vectors / (2 * n) * LANES < 2 * reach) n--;
  return n < 1 ? 1 : n;
}

/* Number of chunks that a part has. */
INLINE integer NAME(n_phases)(const Shape *s) {
  integer n = NAME(n_parts)(s, 1);
  return n > 1 && NAME(reach)(s) && s->n_samples % n ? 2 : 1;
}

/* Where the pixels of a chunk begin. */
INLINE integer NAME(start)(const Shape *s, integer chunk, integer n_chunks) {
  integer all = NAME(all_pixels)(s);
  if (s->n_samples % n_chunks == 0) return all / n_chunks * chunk;
  return chunk == n_chunks ? all : all * chunk / n_chunks / LANES * LANES;
}

INLINE NAME(Part) NAME(chunk)(const Shape *s, integer number, integer n_chunks) {
  NAME(Part) part = {.panel = 0};
  for (integer i = 0; i < number; i++)
    part.panel += NAME(up)(NAME(start)(s, i + 1, n_chunks) -
                           NAME(start)(s, i, n_chunks), WIDTH) / WIDTH;
  part.first = NAME(start)(s, number, n_chunks);
  part.last = NAME(start)(s, number + 1, n_chunks);
  part.is_chunk = s->n_samples % n_chunks != 0;
  part.from_sample = s->n_samples * number / n_chunks;
  part.to_sample = s->n_samples * (number + 1) / n_chunks;
  return part;
}

/* For functions that write to their own pixels only. */
INLINE NAME(Part) NAME(part)(const Shape *s, integer number) {
  return NAME(chunk)(s, number, NAME(n_parts)(s, 0));
}

/* For others, in each phase. */
INLINE NAME(Part) NAME(part_in_phase)(const Shape *s, integer number, integer phase) {
  integer n_phases = NAME(n_phases)(s);
  return NAME(chunk)(s, number * n_phases + phase, NAME(n_parts)(s, 1) * n_phases);
}

/* Number of panels of all parts of these. */
INLINE integer NAME(all_panels)(const Shape *s) {
  integer n_chunks = NAME(n_parts)(s, 1) * NAME(n_phases)(s);
  return NAME(chunk)(s, n_chunks, n_chunks).panel;
}

INLINE integer NAME(panels_of)(const NAME(Part) *part) {
  return NAME(up)(part->last - part->first, WIDTH) / WIDTH;
}

/* Number of pixels in some panels of a part: its last one may not be full. */
INLINE integer NAME(pixels_of)(const NAME(Part) *part, integer panel,
                               integer n_panels) {
  integer left = part->last - part->first - panel * WIDTH;
  return left < n_panels * WIDTH ? left : n_panels * WIDTH;
}

/* The share of a part in n things. */
INLINE integer NAME(share)(integer n, integer part, integer n_parts) {
  return n * part / n_parts;
}
