/* Activations, see `CompiledAs`; follows `elementary_of_type.h`. What is not a number
   stays. */

typedef struct {
  integer kind;
  REAL first, second;
} NAME(Activation);

/* Of panels, where they are no part of a product. */

INLINE NAME(vector) NAME(value)(integer kind, NAME(vector) x, REAL low, REAL high) {
  if (kind == TANH) return NAME(tanh)(x);
  if (kind == LOGISTIC) return low + (high - low) * NAME(logistic)(x);
  return NAME(softplus)(x);
}

/* Of the output, as in `activations.py`. */
INLINE NAME(vector) NAME(derivative)(integer kind, NAME(vector) y, REAL low, REAL high) {
  if (kind == TANH) return (1 - y) * (1 + y);
  if (kind == LOGISTIC) return (y - low) * (high - y) / (high - low);
  return -NAME(exp_minus_one)(-y);
}

/* Write values of sums, or multiply cotangents by derivatives, at h, in the first n
   columns of rows. */
INLINE void NAME(activate_as)(integer kind, integer n, integer n_rows, REAL low, REAL high,
                              REAL *rows, const REAL *h) {
  for (integer i = 0; i < n_rows * WIDTH; i += WIDTH)
    for (integer at = i; at < i + n; at += LANES) {
      NAME(vector) *place = (NAME(vector) *)(rows + at);
      if (h) {
        NAME(vector) y = *(const NAME(vector) *)(h + at);
        *place *= NAME(derivative)(kind, y, low, high);
      } else {
        *place = NAME(value)(kind, *place, low, high);
      }
    }
}

static void NAME(activate)(const NAME(Activation) *f, integer n, integer n_rows,
                           REAL *rows) {
  REAL low = f->first, high = f->second;
  if (f->kind == TANH) NAME(activate_as)(TANH, n, n_rows, low, high, rows, 0);
  else if (f->kind == LOGISTIC) NAME(activate_as)(LOGISTIC, n, n_rows, low, high, rows, 0);
  else NAME(activate_as)(SOFTPLUS, n, n_rows, low, high, rows, 0);
}

static void NAME(pull_activation)(const NAME(Activation) *f, integer n, integer n_rows,
                                  REAL *rows, const REAL *h) {
  REAL low = f->first, high = f->second;
  if (f->kind == TANH) NAME(activate_as)(TANH, n, n_rows, low, high, rows, h);
  else if (f->kind == LOGISTIC) NAME(activate_as)(LOGISTIC, n, n_rows, low, high, rows, h);
  else NAME(activate_as)(SOFTPLUS, n, n_rows, low, high, rows, h);
}
