/* Activations, see `CompiledAs`; follows `elementary_of_type.h`. What is not a number
   stays. */

typedef struct {
  integer kind;
  REAL first, second, width; /* the difference of both, before they were rounded */
} NAME(Activation);

/* Of panels, where they are no part of a product. */

INLINE NAME(vector) NAME(value)(integer kind, const NAME(Activation) *f, NAME(vector) x) {
  if (kind == TANH) return NAME(tanh)(x);
  if (kind == LOGISTIC) return f->first + f->width * NAME(logistic)(x);
  return NAME(softplus)(x);
}

/* Of the output, as in `activations.py`. */
INLINE NAME(vector) NAME(derivative)(integer kind, const NAME(Activation) *f,
                                     NAME(vector) y) {
  if (kind == TANH) return (1 - y) * (1 + y);
  if (kind == LOGISTIC) return (y - f->first) * (f->second - y) / f->width;
  return -NAME(exp_minus_one)(-y);
}

/* Write values of sums, or multiply cotangents by derivatives, at h, in the first n
   columns of rows. */
INLINE void NAME(activate_as)(integer kind, NAME(Activation) f, integer n, integer n_rows,
                              REAL *rows, const REAL *h) {
  for (integer i = 0; i < n_rows * WIDTH; i += WIDTH)
    for (integer at = i; at < i + n; at += LANES) {
      NAME(vector) *place = (NAME(vector) *)(rows + at);
      if (h)
        *place *= NAME(derivative)(kind, &f, *(const NAME(vector) *)(h + at));
      else
        *place = NAME(value)(kind, &f, *place);
    }
}

static void NAME(activate)(const NAME(Activation) *f, integer n, integer n_rows,
                           REAL *rows, const REAL *h) {
  if (f->kind == TANH) NAME(activate_as)(TANH, *f, n, n_rows, rows, h);
  else if (f->kind == LOGISTIC) NAME(activate_as)(LOGISTIC, *f, n, n_rows, rows, h);
  else NAME(activate_as)(SOFTPLUS, *f, n, n_rows, rows, h);
}
