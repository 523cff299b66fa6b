/* Formulas of affine couplings, see `coupling.py`; follows `scales_of_type.h`.

   With raw and shift the halves of p, the scale s is an activation of raw. What is written
   may be in the place of what is read. */

/* Vectors of a row are loaded and stored whole, but for what is left at its end. */
INLINE NAME(vector) NAME(load)(const REAL *from, integer n) {
  NAME(vector) value = {0};
  if (n >= LANES) return *(const NAME(loose) *)from;
  memcpy(&value, from, n * sizeof(REAL));
  return value;
}

INLINE void NAME(put)(REAL *to, integer n, NAME(vector) value) {
  if (n >= LANES)
    *(NAME(loose) *)to = value;
  else
    memcpy(to, &value, n * sizeof(REAL));
}

/* Logarithms are summed in vectors over so many of them, then in double precision. */
#define CHAIN 64

INLINE double NAME(sum)(NAME(vector) value) {
  double total = 0;
  UNROLLED for (integer lane = 0; lane < LANES; lane++) total += value[lane];
  return total;
}

typedef struct {
  const Rows *r;
  int inverse;
  const REAL *x, *p;
  REAL *y, *sums; /* sums of log s, of each sample for each part */
  NAME(Activation) activation;
} NAME(AffineCall);

/* A part is some numbers of every row. */
INLINE integer NAME(column)(const Rows *r, integer part) {
  return part == r->n_parts ? r->n_pixels
                            : r->n_pixels * part / r->n_parts / LANES * LANES;
}

INLINE void NAME(affine_as)(int kind, int from_zero, int inverse, int pixels_are_samples,
                            const NAME(AffineCall) *c, integer part) {
  const Rows *r = c->r;
  NAME(vector) log_of_high = NAME(log)((NAME(vector)){0} + c->activation.second);
  integer first = NAME(column)(r, part), last = NAME(column)(r, part + 1);
  REAL sign = inverse ? -1 : 1, *ld = c->sums;
  if (pixels_are_samples) memset(ld + first, 0, (last - first) * sizeof(REAL));
  for (integer n = 0; n < r->n_samples; n++) {
    double total = 0;
    for (integer k = 0; k < r->n_channels; k++) {
      const REAL *raw = c->p + n * r->of_p.sample + k * r->of_p.channel;
      const REAL *shift = raw + r->shift_of_p;
      const REAL *from = c->x + n * r->of_value.sample + k * r->of_value.channel;
      REAL *to = c->y + n * r->of_result.sample + k * r->of_result.channel;
      NAME(vector) sums = {0};
      for (integer i = first; i < last; i += LANES) {
        integer left = last - i;
        NAME(vector) a = NAME(load)(raw + i, left), t = NAME(load)(shift + i, left);
        NAME(vector) value = NAME(load)(from + i, left);
        NAME(Scale) s = NAME(scale)(kind, from_zero, &c->activation, log_of_high, a);
        NAME(put)(to + i, left, inverse ? (value - t) / s.value : s.value * value + t);
        if (pixels_are_samples) {
          NAME(put)(ld + i, left, NAME(load)(ld + i, left) + sign * s.log);
        } else if (left < LANES) {
          UNROLLED for (integer lane = 0; lane < LANES; lane++)
            if (lane < left) total += s.log[lane];
        } else {
          sums += s.log;
          if (i / LANES % CHAIN == CHAIN - 1) {
            total += NAME(sum)(sums);
            sums = (NAME(vector)){0};
          }
        }
      }
      if (!pixels_are_samples) total += NAME(sum)(sums);
    }
    if (!pixels_are_samples) ld[part * r->n_samples + n] = sign * total;
  }
}

static void NAME(part_of_affine)(void *context, integer part) {
  const NAME(AffineCall) *c = context;
  if (c->r->pixels_are_samples)
    WITH_SCALE(&c->activation, NAME(affine_as), c->inverse, 1, c, part);
  else
    WITH_SCALE(&c->activation, NAME(affine_as), c->inverse, 0, c, part);
}

/* Write y = s x + shift and the sums of log s; or y = (x - shift) / s and minus them.
   Memory for a number of each sample and part. */
static void NAME(affine)(const Rows *r, int inverse, const REAL *x, const REAL *p, REAL *y,
                  REAL *ld, REAL *memory, NAME(Activation) activation) {
  int pixels_are_samples = r->pixels_are_samples;
  REAL *sums = pixels_are_samples ? ld : memory;
  NAME(AffineCall) c = {r, inverse, x, p, y, sums, activation};
  do_parts(NAME(part_of_affine), &c, r->n_parts);
  if (!pixels_are_samples)
    NAME(sum_parts)(r->n_samples, memory, r->n_samples, ld, r->n_parts);
}

typedef struct {
  const Rows *r;
  int inverse;
  const REAL *dy, *dld, *y, *p;
  REAL *dx, *dp, *x;
  NAME(Activation) activation;
} NAME(AffineBackCall);

INLINE void NAME(affine_back_as)(int kind, int from_zero, const NAME(AffineBackCall) *c,
                                 integer part) {
  const Rows *r = c->r;
  int inverse = c->inverse;
  const NAME(vector) none = {0}; /* no logarithm is asked for */
  integer first = NAME(column)(r, part), last = NAME(column)(r, part + 1);
  for (integer n = 0; n < r->n_samples; n++)
    for (integer k = 0; k < r->n_channels; k++) {
      const REAL *raw = c->p + n * r->of_p.sample + k * r->of_p.channel;
      const REAL *y = c->y + n * r->of_value.sample + k * r->of_value.channel;
      const REAL *dy = c->dy + n * r->of_cotangent.sample + k * r->of_cotangent.channel;
      REAL *x = c->x + n * r->of_result.sample + k * r->of_result.channel;
      REAL *dx = c->dx + n * r->of_dresult.sample + k * r->of_dresult.channel;
      REAL *draw = c->dp + n * r->of_dp.sample + k * r->of_dp.channel;
      for (integer i = first; i < last; i += LANES) {
        integer left = last - i;
        NAME(vector) a = NAME(load)(raw + i, left);
        NAME(Scale) of_a = NAME(scale)(kind, from_zero, &c->activation, none, a);
        NAME(vector) s = of_a.value, of_log_s = of_a.derivative_of_log;
        NAME(vector) t = NAME(load)(raw + r->shift_of_p + i, left);
        NAME(vector) value = NAME(load)(y + i, left);
        NAME(vector) cotangent = NAME(load)(dy + i, left);
        NAME(vector) of_ld = (NAME(vector)){0} + (r->pixels_are_samples ? 0 : c->dld[n]);
        if (r->pixels_are_samples) of_ld = NAME(load)(c->dld + i, left);
        NAME(vector) dt, dvalue;
        if (inverse) {
          of_log_s *= -(cotangent * value + of_ld);
          value = s * value + t;
          dvalue = cotangent / s;
          dt = -dvalue;
        } else {
          of_log_s *= cotangent * (value - t) + of_ld;
          value = (value - t) / s;
          dvalue = s * cotangent;
          dt = cotangent;
        }
        NAME(put)(draw + i, left, of_log_s);
        NAME(put)(draw + r->shift_of_dp + i, left, dt);
        NAME(put)(x + i, left, value);
        NAME(put)(dx + i, left, dvalue);
      }
    }
}

static void NAME(part_of_affine_back)(void *context, integer part) {
  const NAME(AffineBackCall) *c = context;
  WITH_SCALE(&c->activation, NAME(affine_back_as), c, part);
}

/* Pull dy back through y = s x + shift, and write x. Or, with x and y exchanged all
   over, through the inverse: then y = (x - shift) / s is given, and x is written. */
static void NAME(affine_back)(const Rows *r, int inverse, const REAL *dy, const REAL *dld,
                       const REAL *y, const REAL *p, REAL *dx, REAL *dp, REAL *x,
                       NAME(Activation) activation) {
  NAME(AffineBackCall) c = {r, inverse, dy, dld, y, p, dx, dp, x, activation};
  do_parts(NAME(part_of_affine_back), &c, r->n_parts);
}
