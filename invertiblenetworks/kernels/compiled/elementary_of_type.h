/* Functions of vectors, to two units in the last place; follows `panels_of_type.h`.

   Coefficients are those of Chebyshev interpolation on the ranges to which arguments are
   reduced: of (e^r - 1 - r) / r^2, and of (atan t / t - 1) / t^2 in powers of t^2. */

#if REAL_IS_DOUBLE
#define ROUNDING 0x1.8p52 /* added and subtracted it leaves an integer */
#define MANTISSA 52
#define BIAS 1023
#define LARGEST 760 /* e to this is infinite, to minus this zero */
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
#else
#define ROUNDING 0x1.8p23f
#define MANTISSA 23
#define BIAS 127
#define LARGEST 110
#define LN2_HIGH 0.693147182464599609f
#define LN2_LOW -1.90465429995776788e-9f
#define QUARTER_HIGH 0.785398185253143311f
#define QUARTER_LOW -2.18556949410641926e-8f
static const REAL NAME(of_exp)[] = {0.5f, 0.166665769896987757f, 0.0416665546172045742f,
                                    0.00836317905272257737f, 0.00139261835877134945f};
static const REAL NAME(of_atan)[] = {
    -0.333333317604345559f, 0.199995403149579694f, -0.14263949753605724f,
    0.107436683248300981f, -0.0645171886935895807f};
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

/* e^x = 2^n e^r with |r| <= ln 2 / 2; what is not a number stays. */
INLINE NAME(vector) NAME(exp)(NAME(vector) x) {
  const NAME(vector) zero = {0};
  x = NAME(choose)(x > zero + LARGEST, zero + LARGEST, x);
  x = NAME(choose)(x < zero - LARGEST, zero - LARGEST, x);
  NAME(vector) shifted = x * (REAL)1.44269504088896341 + ROUNDING;
  NAME(vector) n = shifted - ROUNDING, r = x - n * LN2_HIGH - n * LN2_LOW;
  NAME(vector) e = r * r * NAME(polynomial)(r, N_OF(NAME(of_exp)), NAME(of_exp));
  /* In two factors: their exponents are in range where that of 2^n is not. */
  NAME(mask) whole = (NAME(mask))shifted - (NAME(mask))(zero + ROUNDING);
  NAME(mask) half = whole >> 1;
  return (e + r + 1) * (NAME(vector))((half + BIAS) << MANTISSA) *
         (NAME(vector))((whole - half + BIAS) << MANTISSA);
}

/* With t = x, (x - 1) / (x + 1) or -1 / x, whichever is below tan(pi / 8), for x > 0. */
INLINE NAME(vector) NAME(atan)(NAME(vector) x) {
  const NAME(vector) zero = {0}, one = zero + 1;
  const NAME(mask) sign = (NAME(mask))(-zero);
  NAME(vector) a = (NAME(vector))((NAME(mask))x & ~sign);
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
#undef LARGEST
#undef LN2_HIGH
#undef LN2_LOW
#undef QUARTER_HIGH
#undef QUARTER_LOW
