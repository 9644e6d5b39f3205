/* Elementary functions without branches and calls, so that loops over them become vector code.
 *
 * Every one of them is compared with NumPy's and SciPy's over its whole range by tests/network/test_fused.py, through
 * the activations: relative errors stay below 1e-13 in double and 1e-5 in single precision. exp is 0 below -87 (-708 in
 * double), where the exact value leaves the normal numbers. NaN gives NaN. */

/* x = n ln 2 + r with |r| <= ln 2 / 2; returns exp(r) - 1, and 2^n in *power. The sum with 1.5 · 2^23 (2^52) rounds
 * x / ln 2 to an integer and leaves it in the lowest bits. ln 2 is split in two for the sake of r's last digits. */
INLINED REAL T(reduced_expm1)(REAL x, REAL *power)
{
#if SINGLE
    const REAL shifted = x * 1.44269504088896341f + 12582912.0f;
    const REAL n = shifted - 12582912.0f;
    const REAL r = (x - n * 0.693359375f) + n * 2.12194440054690583e-4f;
    union { REAL real; int32_t bits; } two = {.real = shifted};
    two.bits = (int32_t)(((uint32_t)two.bits + 127) << 23);
    *power = two.real;
    REAL p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
#else
    const REAL shifted = x * 1.44269504088896341 + 6755399441055744.0;
    const REAL n = shifted - 6755399441055744.0;
    const REAL r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    union { REAL real; int64_t bits; } two = {.real = shifted};
    two.bits = (int64_t)(((uint64_t)two.bits + 1023) << 52);
    *power = two.real;
    REAL p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
#endif
    p = p * r + (REAL)(1.0 / 120);
    p = p * r + (REAL)(1.0 / 24);
    p = p * r + (REAL)(1.0 / 6);
    p = p * r + (REAL)0.5;
    return p * r * r + r;
}

#if SINGLE
#define LARGEST_EXPONENT 88.0f
#define SMALLEST_EXPONENT -87.0f
#else
#define LARGEST_EXPONENT 709.0
#define SMALLEST_EXPONENT -708.0
#endif

INLINED REAL T(clamp)(REAL x, REAL low, REAL high)
{
    x = x < low ? low : x; /* comparisons with NaN are false: it passes */
    return x > high ? high : x;
}

INLINED REAL T(vexp)(REAL x)
{
    REAL power;
    const REAL p = T(reduced_expm1)(T(clamp)(x, SMALLEST_EXPONENT, LARGEST_EXPONENT), &power);
    const REAL value = x < SMALLEST_EXPONENT ? 0 : power * p + power;
    return x > LARGEST_EXPONENT ? (REAL)INFINITY : value;
}

INLINED REAL T(vexpm1)(REAL x)
{
    REAL power;
    const REAL p = T(reduced_expm1)(T(clamp)(x, SMALLEST_EXPONENT, LARGEST_EXPONENT), &power);
    return power * p + (power - 1);
}

/* tanh x = m / (m + 2), m = exp(2x) - 1; beyond 20 it is 1 to the last digit. */
INLINED REAL T(vtanh)(REAL x)
{
    const REAL m = T(vexpm1)(2 * T(clamp)(x, -20, 20));
    return m / (m + 2);
}

INLINED REAL T(vlogistic)(REAL x)
{
    return 1 / (1 + T(vexp)(-x));
}

/* 2 artanh(s) for |s| <= 0.1716. */
INLINED REAL T(twice_artanh)(REAL s)
{
    const REAL q = s * s;
#if SINGLE
    REAL p = 1.0f / 9;
#else
    REAL p = 1.0 / 21;
    p = p * q + 1.0 / 19;
    p = p * q + 1.0 / 17;
    p = p * q + 1.0 / 15;
    p = p * q + 1.0 / 13;
    p = p * q + 1.0 / 11;
    p = p * q + 1.0 / 9;
#endif
    p = p * q + (REAL)(1.0 / 7);
    p = p * q + (REAL)(1.0 / 5);
    p = p * q + (REAL)(1.0 / 3);
    return 2 * (p * q * s + s);
}

/* log(1 + u) for 0 <= u <= 1. */
INLINED REAL T(log1p_unit)(REAL u)
{
    const int upper = u > (REAL)0.41421356237309503;
    const REAL s = (upper ? u - 1 : u) / (upper ? u + 3 : u + 2);
    return T(twice_artanh)(s) + (upper ? (REAL)0.69314718055994531 : 0);
}

/* log x for positive normal x: x = 2^e m with m in [sqrt(1/2), sqrt(2)). */
INLINED REAL T(vlog)(REAL x)
{
#if SINGLE
    union { REAL real; int32_t bits; } m = {.real = x};
    const int32_t offset = m.bits - 0x3f3504f3, exponent = offset >> 23;
    m.bits -= (int32_t)((uint32_t)exponent << 23);
    const REAL e = (REAL)exponent;
    const REAL log_2 = 0.693147180559945309f;
#else
    union { REAL real; int64_t bits; } m = {.real = x}, e_plus = {.real = 6755399441055744.0};
    const int64_t offset = m.bits - 0x3fe6a09e667f3bcd, exponent = (int64_t)(((uint64_t)offset + ((uint64_t)1 << 62)) >> 52) - 1024;
    m.bits -= (int64_t)((uint64_t)exponent << 52);
    e_plus.bits += exponent; /* turns the integer into a double without a conversion, which few vector units have */
    const REAL e = e_plus.real - 6755399441055744.0;
    const REAL log_2 = 0.693147180559945309;
#endif
    const REAL value = e * log_2 + T(twice_artanh)((m.real - 1) / (m.real + 1));
    return x < (REAL)INFINITY ? value : x; /* infinity and NaN stay */
}

/* (1 - erf(x)) / 2 for x >= 0, given exp(-x²): a polynomial in (x - 3.75) / (x + 3.75) for (1 + 2x) exp(x²) erfc(x),
 * a form by Shepherd & Laframboise 1981, its coefficients those of the Chebyshev series at 50 digits. */
INLINED REAL T(normal_tail)(REAL x, REAL gaussian)
{
    const REAL t = (x - (REAL)3.75) / (x + (REAL)3.75);
#if SINGLE
    REAL p = -0.000224116746744160212f;
    p = p * t + 0.000396307612989362722f;
    p = p * t + 0.00167591221798113118f;
    p = p * t - 0.00984449485967495096f;
    p = p * t + 0.028409252364127258f;
    p = p * t - 0.0586468587355461429f;
    p = p * t + 0.0922907695913037828f;
    p = p * t - 0.108814270149050695f;
    p = p * t + 0.0822784199834704666f;
    p = p * t + 0.00358627039402461811f;
    p = p * t - 0.140240658321386411f;
    p = p * t + 1.23751261926769989f;
#else
    REAL p = -2.62310734713347576e-9;
    p = p * t - 1.95513588689856165e-9;
    p = p * t + 3.19792667166680429e-8;
    p = p * t + 1.87908232237004813e-8;
    p = p * t - 2.48571262480167429e-7;
    p = p * t - 5.0844653786873022e-8;
    p = p * t + 1.74198215862248159e-6;
    p = p * t - 9.79262570730352203e-7;
    p = p * t - 0.0000114380480333468936;
    p = p * t + 0.0000223875657149118166;
    p = p * t + 0.0000516465297417741613;
    p = p * t - 0.000290155352460776553;
    p = p * t + 0.00029371437804495803;
    p = p * t + 0.00175562616519706507;
    p = p * t - 0.00974657968326526223;
    p = p * t + 0.0283622773721111388;
    p = p * t - 0.0586933985766493384;
    p = p * t + 0.0923043211642812499;
    p = p * t - 0.108803930142444613;
    p = p * t + 0.0822767384899950626;
    p = p * t + 0.00358541548547902564;
    p = p * t - 0.140240598585545256;
    p = p * t + 1.23751263083782753;
#endif
    return (REAL)0.5 * gaussian * p / (1 + 2 * x);
}

#undef LARGEST_EXPONENT
#undef SMALLEST_EXPONENT
