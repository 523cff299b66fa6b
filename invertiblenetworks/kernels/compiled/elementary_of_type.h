/* Functions of vectors, to three units in the last place, the first two and atan to two;
   follows `panels_of_type.h`.

   Coefficients are those of Chebyshev interpolation on the ranges to which arguments are
   reduced: of (e^r - 1 - r) / r^2, and in powers of t^2 of (atan t / t - 1) / t^2 and of
   (artanh t / t - 1) / t^2. */

#if REAL_IS_DOUBLE
#define ROUNDING 0x1.8p52 /* added and subtracted it leaves an integer */
#define MANTISSA 52
#define BIAS 1023
#define MOST 0x1.fffffffffffffp1023 /* that is finite */
#define LEAST 0x1p-1022 /* that is normal */
#define LARGEST 760 /* e to this is infinite, to minus this zero */
#define NEGLIGIBLE 38 /* e to minus this, beside 1 */
#define LN2_HIGH 0.693147180559945286 /* and what is left of it by rounding */
#define LN2_LOW 2.31904681384629956e-17
#define QUARTER_HIGH 0.785398163397448279 /* of pi */
#define QUARTER_LOW 3.06161699786838294e-17
static const REAL NAME(of_exp)[] = {
    0.500000000000000102,    0.166666666666666675,    0.0416666666666241279,
    0.00833333333333006183,  0.00138888889172137169,  0.000198412698630536169,
    0.0000248015212959543751, 2.75572684599970648e-6, 2.76200884454097482e-7,
    2.51003854955103191e-8};
static const REAL NAME(of_atan)[] = {
    -0.333333333333333332, 0.199999999999998043,  -0.142857142856597778,
    0.111111111051505879,  -0.0909090875325911294, 0.0769229636804229712,
    -0.0666642476020052014, 0.0587892755447380676, -0.0523044364068694771,
    0.0455154473402216165, -0.0345693150633260898, 0.0162843750500433944};
static const REAL NAME(of_artanh)[] = {
    0.333333333333333293,  0.200000000000072913,  0.142857142835543786,
    0.111111113587139315,  0.0909089471806642908, 0.0769278503247931155,
    0.0665707210482746808, 0.0600053640479535627, 0.0440036924307233694,
    0.0808202280597176611};
#else
#define ROUNDING 0x1.8p23f
#define MANTISSA 23
#define BIAS 127
#define MOST 0x1.fffffep127f
#define LEAST 0x1p-126f
#define LARGEST 110
#define NEGLIGIBLE 18
#define LN2_HIGH 0.693147182464599609f
#define LN2_LOW -1.90465429995776788e-9f
#define QUARTER_HIGH 0.785398185253143311f
#define QUARTER_LOW -2.18556949410641926e-8f
static const REAL NAME(of_exp)[] = {0.5f, 0.166665769896987757f, 0.0416665546172045742f,
                                    0.00836317905272257737f, 0.00139261835877134945f};
static const REAL NAME(of_atan)[] = {
    -0.333333317604345559f, 0.199995403149579694f, -0.14263949753605724f,
    0.107436683248300981f, -0.0645171886935895807f};
static const REAL NAME(of_artanh)[] = {0.333333336602637062f, 0.199998531659648587f,
                                       0.142961789971514189f, 0.108532879004401863f,
                                       0.116121646120116744f};
#endif

INLINE NAME(vector) NAME(choose)(NAME(mask) where, NAME(vector) a, NAME(vector) b) {
  return (NAME(vector))((where & (NAME(mask))a) | (~where & (NAME(mask))b));
}

INLINE NAME(vector) NAME(polynomial)(NAME(vector) z, integer n, const REAL *of) {
  NAME(vector) sum = (NAME(vector)){0} + of[n - 1];
  UNROLLED for (integer i = n - 2; i >= 0; i--) sum = sum * z + of[i];
  return sum;
}

#define N_OF(array) ((integer)(sizeof(array) / sizeof(*(array))))

/* e^r - 1 with x = n log 2 + r and |r| <= log 2 / 2; and the integer n. */
INLINE NAME(vector) NAME(reduced_exp)(NAME(vector) x, NAME(mask) *n) {
  const NAME(vector) zero = {0};
  NAME(vector) shifted = x * (REAL)1.44269504088896341 + ROUNDING;
  NAME(vector) whole = shifted - ROUNDING, r = x - whole * LN2_HIGH - whole * LN2_LOW;
  *n = (NAME(mask))shifted - (NAME(mask))(zero + ROUNDING);
  return r * r * NAME(polynomial)(r, N_OF(NAME(of_exp)), NAME(of_exp)) + r;
}

INLINE NAME(vector) NAME(power_of_two)(NAME(mask) n) {
  return (NAME(vector))((n + BIAS) << MANTISSA);
}

/* e^x = 2^n e^r; what is not a number stays. */
INLINE NAME(vector) NAME(exp)(NAME(vector) x) {
  const NAME(vector) zero = {0};
  NAME(mask) n;
  x = NAME(choose)(x > zero + LARGEST, zero + LARGEST, x);
  x = NAME(choose)(x < zero - LARGEST, zero - LARGEST, x);
  NAME(vector) e = NAME(reduced_exp)(x, &n) + 1;
  /* In two factors: their exponents are in range where that of 2^n is not. */
  NAME(mask) half = n >> 1;
  return e * NAME(power_of_two)(half) * NAME(power_of_two)(n - half);
}

/* e^x - 1 = 2^n (e^r - 1) + 2^n - 1 for x <= 0. */
INLINE NAME(vector) NAME(exp_minus_one)(NAME(vector) x) {
  const NAME(vector) zero = {0};
  NAME(mask) n;
  x = NAME(choose)(x < zero - NEGLIGIBLE, zero - NEGLIGIBLE, x);
  NAME(vector) e = NAME(reduced_exp)(x, &n), power = NAME(power_of_two)(n);
  return e * power + (power - 1);
}

/* 2 artanh t - 2 t */
INLINE NAME(vector) NAME(rest_of_artanh)(NAME(vector) t) {
  NAME(vector) z = t * t;
  return 2 * t * (z * NAME(polynomial)(z, N_OF(NAME(of_artanh)), NAME(of_artanh)));
}

/* log(1 + x) = 2 artanh(x / (2 + x)) for x from 0 to 1. */
INLINE NAME(vector) NAME(log_one_plus)(NAME(vector) x) {
  NAME(vector) t = x / (x + 2);
  return 2 * t + NAME(rest_of_artanh)(t);
}

/* log x = n log 2 + 2 artanh((m - 1) / (m + 1)), with x = 2^n m and m near 1, for x > 0;
   infinity and what is not a number stay. */
INLINE NAME(vector) NAME(log)(NAME(vector) given) {
  const NAME(vector) zero = {0}, one = zero + 1;
  NAME(mask) tiny = given < zero + LEAST; /* their exponent does not tell n */
  NAME(vector) x = NAME(choose)(tiny, given / LEAST, given);
  const NAME(mask) fraction = (((NAME(mask)){0} + 1) << MANTISSA) - 1;
  NAME(vector) m = (NAME(vector))(((NAME(mask))x & fraction) | (NAME(mask))one);
  NAME(mask) large = m > zero + (REAL)1.41421356237309505;
  NAME(mask) whole = ((NAME(mask))x >> MANTISSA) - BIAS - large + (tiny & (1 - BIAS));
  m = NAME(choose)(large, m / 2, m);
  NAME(vector) n = (NAME(vector))(whole + (NAME(mask))(zero + ROUNDING)) - ROUNDING;
  NAME(vector) t = (m - 1) / (m + 1);
  NAME(vector) result = n * LN2_HIGH + (2 * t + (NAME(rest_of_artanh)(t) + n * LN2_LOW));
  return NAME(choose)(given <= zero + MOST, result, given);
}

/* Without its sign. */
INLINE NAME(vector) NAME(magnitude)(NAME(vector) x) {
  const NAME(vector) zero = {0};
  return (NAME(vector))((NAME(mask))x & ~(NAME(mask))(-zero));
}

/* tanh |x| = -m / (2 + m) with m = e^(-2 |x|) - 1. */
INLINE NAME(vector) NAME(tanh)(NAME(vector) x) {
  const NAME(vector) zero = {0};
  NAME(vector) m = NAME(exp_minus_one)(-2 * NAME(magnitude)(x));
  NAME(mask) sign = (NAME(mask))(-zero) & (NAME(mask))x;
  return (NAME(vector))(sign | (NAME(mask))NAME(magnitude)(m / (m + 2)));
}

/* 1 / (1 + e^-x), of small values too. */
INLINE NAME(vector) NAME(logistic)(NAME(vector) x) {
  const NAME(vector) zero = {0}, one = zero + 1;
  NAME(vector) decay = NAME(exp)(-NAME(magnitude)(x));
  return NAME(choose)(x < zero, decay, one) / (decay + 1);
}

/* log(1 + e^x) */
INLINE NAME(vector) NAME(softplus)(NAME(vector) x) {
  const NAME(vector) zero = {0};
  NAME(vector) decay = NAME(exp)(-NAME(magnitude)(x));
  return NAME(choose)(x < zero, zero, x) + NAME(log_one_plus)(decay);
}

/* With t = x, (x - 1) / (x + 1) or -1 / x, whichever is below tan(pi / 8), for x > 0. */
INLINE NAME(vector) NAME(atan)(NAME(vector) x) {
  const NAME(vector) zero = {0}, one = zero + 1;
  const NAME(mask) sign = (NAME(mask))(-zero);
  NAME(vector) a = NAME(magnitude)(x);
  NAME(mask) far = a > zero + (REAL)2.41421356237309505;
  NAME(mask) middle = ~far & (a > zero + (REAL)0.414213562373095049);
  NAME(vector) above = NAME(choose)(far, -one, NAME(choose)(middle, a - 1, a));
  NAME(vector) below = NAME(choose)(far, a, NAME(choose)(middle, a + 1, one));
  NAME(vector) t = above / below, z = t * t;
  NAME(vector) quarter = NAME(choose)(far, zero + 2, NAME(choose)(middle, one, zero));
  NAME(vector) rest = t * z * NAME(polynomial)(z, N_OF(NAME(of_atan)), NAME(of_atan));
  a = quarter * QUARTER_HIGH + (t + (rest + quarter * QUARTER_LOW));
  return (NAME(vector))((NAME(mask))a | (sign & (NAME(mask))x));
}

#undef ROUNDING
#undef MANTISSA
#undef BIAS
#undef MOST
#undef LEAST
#undef LARGEST
#undef LN2_HIGH
#undef LN2_LOW
#undef QUARTER_HIGH
#undef QUARTER_LOW
