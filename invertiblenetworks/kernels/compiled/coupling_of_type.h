/* Formulas of affine couplings, see `coupling.py`; follows `elementary_of_type.h`.

   With raw and shift the halves of p, log s = factor atan(raw) is the logarithm of the
   scale s. What is written may be in the place of what is read. */

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

INLINE void NAME(affine_as)(int inverse, int pixels_are_samples, const Rows *r,
                            const REAL *x, const REAL *p, REAL *y, REAL *ld,
                            REAL factor) {
  REAL sign = inverse ? -1 : 1;
  memset(ld, 0, (pixels_are_samples ? r->n_pixels : r->n_samples) * sizeof(REAL));
  for (integer n = 0; n < r->n_samples; n++) {
    double total = 0;
    for (integer c = 0; c < r->n_channels; c++) {
      const REAL *raw = p + n * r->of_p.sample + c * r->of_p.channel;
      const REAL *shift = raw + r->shift_of_p;
      const REAL *from = x + n * r->of_value.sample + c * r->of_value.channel;
      REAL *to = y + n * r->of_result.sample + c * r->of_result.channel;
      NAME(vector) sums = {0};
      for (integer i = 0; i < r->n_pixels; i += LANES) {
        integer left = r->n_pixels - i;
        NAME(vector) log_s = factor * NAME(atan)(NAME(load)(raw + i, left));
        NAME(vector) s = NAME(exp)(log_s), t = NAME(load)(shift + i, left);
        NAME(vector) value = NAME(load)(from + i, left);
        NAME(put)(to + i, left, inverse ? (value - t) / s : s * value + t);
        if (pixels_are_samples) {
          NAME(put)(ld + i, left, NAME(load)(ld + i, left) + sign * log_s);
        } else {
          sums += log_s;
          if (i / LANES % CHAIN == CHAIN - 1) {
            total += NAME(sum)(sums);
            sums = (NAME(vector)){0};
          }
        }
      }
      if (!pixels_are_samples) total += NAME(sum)(sums);
    }
    if (!pixels_are_samples) ld[n] = sign * total;
  }
}

/* Write y = s x + shift and the sums of log s; or y = (x - shift) / s and minus them. */
void NAME(affine)(const Rows *r, int inverse, const REAL *x, const REAL *p, REAL *y,
                  REAL *ld, double factor) {
  if (r->pixels_are_samples)
    NAME(affine_as)(inverse, 1, r, x, p, y, ld, factor);
  else
    NAME(affine_as)(inverse, 0, r, x, p, y, ld, factor);
}

/* Pull dy back through y = s x + shift, and write x. Or, with x and y exchanged all
   over, through the inverse: then y = (x - shift) / s is given, and x is written. */
void NAME(affine_back)(const Rows *r, int inverse, const REAL *dy, const REAL *dld,
                       const REAL *y, const REAL *p, REAL *dx, REAL *dp, REAL *x,
                       double arctan_factor) {
  REAL factor = arctan_factor;
  for (integer n = 0; n < r->n_samples; n++)
    for (integer c = 0; c < r->n_channels; c++) {
      const REAL *raw = p + n * r->of_p.sample + c * r->of_p.channel;
      const REAL *y_row = y + n * r->of_value.sample + c * r->of_value.channel;
      const REAL *dy_row = dy + n * r->of_cotangent.sample + c * r->of_cotangent.channel;
      REAL *x_row = x + n * r->of_result.sample + c * r->of_result.channel;
      REAL *dx_row = dx + n * r->of_dresult.sample + c * r->of_dresult.channel;
      REAL *draw = dp + n * r->of_dp.sample + c * r->of_dp.channel;
      for (integer i = 0; i < r->n_pixels; i += LANES) {
        integer left = r->n_pixels - i;
        NAME(vector) a = NAME(load)(raw + i, left);
        NAME(vector) s = NAME(exp)(factor * NAME(atan)(a));
        NAME(vector) t = NAME(load)(raw + r->shift_of_p + i, left);
        NAME(vector) value = NAME(load)(y_row + i, left);
        NAME(vector) cotangent = NAME(load)(dy_row + i, left);
        NAME(vector) of_ld = (NAME(vector)){0} + (r->pixels_are_samples ? 0 : dld[n]);
        if (r->pixels_are_samples) of_ld = NAME(load)(dld + i, left);
        NAME(vector) of_log_s = factor / (a * a + 1), dt, dvalue;
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
        NAME(put)(x_row + i, left, value);
        NAME(put)(dx_row + i, left, dvalue);
      }
    }
}
