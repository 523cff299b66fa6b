/* Positive activations as scales; follows `activations_of_type.h`. */

typedef struct {
  NAME(vector) value, log, derivative_of_log;
} NAME(Scale);

INLINE NAME(Scale) NAME(exp_arctan_scale)(NAME(vector) x, REAL factor) {
  NAME(vector) log = factor * NAME(atan)(x);
  return (NAME(Scale)){NAME(exp)(log), log, factor / (x * x + 1)};
}

/* With low = 0 the logarithm is exact where the value rounds to 0 too. */
INLINE NAME(Scale) NAME(logistic_scale)(int from_zero, const NAME(Activation) *f,
                                        NAME(vector) log_of_high, NAME(vector) x) {
  const NAME(vector) zero = {0}, one = zero + 1;
  NAME(mask) negative = x < zero;
  NAME(vector) decay = NAME(exp)(-NAME(magnitude)(x)), total = decay + 1;
  NAME(vector) share = NAME(choose)(negative, decay, one) / total;
  NAME(vector) rest = NAME(choose)(negative, one, decay) / total;
  if (from_zero) {
    NAME(vector) log = NAME(choose)(x > zero, zero, x) - NAME(log_one_plus)(decay);
    return (NAME(Scale)){f->second * share, log_of_high + log, rest};
  }
  NAME(vector) value = f->first + f->width * share;
  return (NAME(Scale)){value, NAME(log)(value), f->width * share * rest / value};
}

/* Far below zero it is e^x. */
INLINE NAME(Scale) NAME(softplus_scale)(NAME(vector) x) {
  const NAME(vector) zero = {0}, one = zero + 1;
  NAME(vector) value = NAME(softplus)(x);
  NAME(mask) far = x < zero - NEGLIGIBLE;
  NAME(vector) derivative = -NAME(exp_minus_one)(-value) / value;
  return (NAME(Scale)){value, NAME(choose)(far, x, NAME(log)(value)),
                       NAME(choose)(far, one, derivative)};
}

/* Call a function with the formula of a scale, as constants: its kind and, of a logistic
   function, whether it begins at zero. */
#define WITH_SCALE(f, function, ...)                                       \
  do {                                                                     \
    if ((f)->kind == EXP_ARCTAN) function(EXP_ARCTAN, 0, __VA_ARGS__);     \
    else if ((f)->kind == SOFTPLUS) function(SOFTPLUS, 0, __VA_ARGS__);    \
    else if ((f)->first == 0) function(LOGISTIC, 1, __VA_ARGS__);          \
    else function(LOGISTIC, 0, __VA_ARGS__);                               \
  } while (0)

INLINE NAME(Scale) NAME(scale)(int kind, int from_zero, const NAME(Activation) *f,
                               NAME(vector) log_of_high, NAME(vector) x) {
  if (kind == EXP_ARCTAN) return NAME(exp_arctan_scale)(x, f->first);
  if (kind == SOFTPLUS) return NAME(softplus_scale)(x);
  return NAME(logistic_scale)(from_zero, f, log_of_high, x);
}
