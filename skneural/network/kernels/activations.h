/* The activations: bias and activation in one pass, and on the way back the gradients in pre-activation and bias.
 *
 * Three patterns. Where the slope can be told from the activation, A replaces Z in place. Where it cannot, forward
 * computes it beside A, while the exponential is at hand, and leaves it in Z's place. PReLU and Maxout have their own.
 * All matrices are row-major; rows Size, columns Size. The loss of a row of NaN is NaN: no comparison may hide it. */

#define IN_PLACE(name, ACTIVATION, SLOPE) \
    VECTORIZED static void T(name##_forward)(REAL *RESTRICT Z, const REAL *RESTRICT b, REAL s, Size n, Size width) \
    { \
        (void)s; \
        for (Size i = 0; i < n; i++) { \
            REAL *RESTRICT row = Z + i * width; \
            for (Size j = 0; j < width; j++) { \
                const REAL z = row[j] + b[j]; \
                row[j] = ACTIVATION; \
            } \
        } \
    } \
    VECTORIZED static void T(name##_backward)( \
        REAL *RESTRICT dA, const REAL *RESTRICT A, REAL *RESTRICT db, REAL s, Size n, Size width) \
    { \
        (void)s; \
        memset(db, 0, width * sizeof(REAL)); \
        for (Size i = 0; i < n; i++) { \
            REAL *RESTRICT gradient = dA + i * width; \
            const REAL *RESTRICT row = A + i * width; \
            for (Size j = 0; j < width; j++) { \
                const REAL a = row[j]; \
                (void)a; \
                const REAL dz = gradient[j] * (SLOPE); \
                gradient[j] = dz; \
                db[j] += dz; \
            } \
        } \
    }

#define BESIDE(name, STATEMENTS) \
    VECTORIZED static void T(name##_forward)( \
        REAL *RESTRICT Z, REAL *RESTRICT A, const REAL *RESTRICT b, Size n, Size width) \
    { \
        for (Size i = 0; i < n; i++) { \
            REAL *RESTRICT row = Z + i * width; \
            REAL *RESTRICT out = A + i * width; \
            for (Size j = 0; j < width; j++) { \
                const REAL z = row[j] + b[j]; \
                REAL a, slope; \
                STATEMENTS \
                out[j] = a; \
                row[j] = slope; \
            } \
        } \
    }

#define SELU_ALPHA ((REAL)1.6732632423543772)
#define SELU_SCALE ((REAL)1.0507009873554805)
#define POSITIVE(x) ((x) > 0)

IN_PLACE(identity, z, 1)
IN_PLACE(logistic, T(vlogistic)(z), a * (1 - a))
IN_PLACE(tanh, T(vtanh)(z), 1 - a * a)
IN_PLACE(relu, z < 0 ? 0 : z, POSITIVE(a) ? 1 : 0)
IN_PLACE(leaky_relu, z < 0 ? s * z : z, POSITIVE(a) ? 1 : s)
IN_PLACE(elu, POSITIVE(z) ? z : s * T(vexpm1)(z), POSITIVE(a) ? 1 : a + s)
IN_PLACE(
    selu,
    SELU_SCALE * (POSITIVE(z) ? z : SELU_ALPHA * T(vexpm1)(z)),
    POSITIVE(a) ? SELU_SCALE : a + SELU_SCALE * SELU_ALPHA)
IN_PLACE(softplus, (z < 0 ? 0 : z) + T(log1p_unit)(T(vexp)(z < 0 ? z : -z)), -T(vexpm1)(-a))

/* A = z Φ(z), A' = Φ(z) + z φ(z); both come from exp(-z²/2). */
BESIDE(gelu, {
    const REAL size = (z < 0 ? -z : z) * (REAL)0.70710678118654752;
    const REAL within = size > 26 ? 26 : size; /* beyond, exp(-size²) is 0 and its square must not overflow */
    const REAL gaussian = T(vexp)(-within * within);
    const REAL tail = T(normal_tail)(within, gaussian);
    const REAL share = z < 0 ? tail : 1 - tail;
    a = z * share;
    slope = share + (z < 0 ? -within : within) * gaussian * (REAL)0.56418958354775629;
})
/* A = z σ(z), A' = σ + A (1 - σ). */
BESIDE(silu, {
    const REAL sigmoid = T(vlogistic)(z);
    a = z * sigmoid;
    slope = sigmoid + a * (1 - sigmoid);
})
/* tanh(log(1 + e)) = (e² + 2e) / (e² + 2e + 2) with e = exp(z), of which 20 is as good as anything beyond. */
BESIDE(mish, {
    const REAL e = T(vexp)(z > 20 ? 20 : z);
    const REAL q = e * (e + 2);
    const REAL t = q / (q + 2);
    a = z * t;
    slope = t + z * (1 - t * t) * (e / (1 + e));
})

/* What follows BESIDE on the way back: the slope lies in Z. */
VECTORIZED static void T(slope_backward)(
    REAL *RESTRICT dA, const REAL *RESTRICT slope, REAL *RESTRICT db, Size n, Size width)
{
    memset(db, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT gradient = dA + i * width;
        const REAL *RESTRICT row = slope + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL dz = gradient[j] * row[j];
            gradient[j] = dz;
            db[j] += dz;
        }
    }
}

/* `slopes` has one entry per unit. Z keeps the pre-activations. */
VECTORIZED static void T(prelu_forward)(
    REAL *RESTRICT Z, REAL *RESTRICT A, const REAL *RESTRICT b, const REAL *RESTRICT slopes, Size n, Size width)
{
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT row = Z + i * width;
        REAL *RESTRICT out = A + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL z = row[j] + b[j];
            row[j] = z;
            out[j] = POSITIVE(z) ? z : slopes[j] * z;
        }
    }
}

VECTORIZED static void T(prelu_backward)(
    REAL *RESTRICT dA, const REAL *RESTRICT Z, const REAL *RESTRICT slopes, REAL *RESTRICT db,
    REAL *RESTRICT dslopes, Size n, Size width)
{
    memset(db, 0, width * sizeof(REAL));
    memset(dslopes, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT gradient = dA + i * width;
        const REAL *RESTRICT row = Z + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL z = row[j], da = gradient[j];
            const REAL dz = POSITIVE(z) ? da : slopes[j] * da;
            dslopes[j] += POSITIVE(z) ? 0 : da * z;
            gradient[j] = dz;
            db[j] += dz;
        }
    }
}

/* The columns of Z are the units' first pieces, then their second, ...; the number of the (first) largest piece of
 * each unit takes the place of its first piece. */
VECTORIZED static void T(maxout_forward)(
    REAL *RESTRICT Z, REAL *RESTRICT A, const REAL *RESTRICT b, Size n, Size width, Size pieces)
{
    const Size units = width / pieces;
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT winner = Z + i * width;
        REAL *RESTRICT out = A + i * units;
        for (Size j = 0; j < units; j++) {
            out[j] = winner[j] + b[j];
            winner[j] = 0;
        }
        for (Size p = 1; p < pieces; p++) {
            const REAL *RESTRICT piece = Z + i * width + p * units;
            const REAL *RESTRICT bias = b + p * units;
            const REAL number = (REAL)p;
            for (Size j = 0; j < units; j++) {
                const REAL z = piece[j] + bias[j], best = out[j];
                const int stays = (z <= best) | (best != best); /* NaN wins and stays */
                const REAL wins = stays ? 0 : 1; /* a factor: a choice would become a masked store */
                winner[j] += wins * (number - winner[j]);
                out[j] = stays ? best : z;
            }
        }
    }
}

VECTORIZED static void T(maxout_backward)(
    const REAL *RESTRICT dA, const REAL *RESTRICT Z, REAL *RESTRICT dZ, REAL *RESTRICT db, Size n, Size width,
    Size pieces)
{
    const Size units = width / pieces;
    memset(db, 0, width * sizeof(REAL));
    for (Size i = 0; i < n; i++) {
        const REAL *RESTRICT winner = Z + i * width;
        const REAL *RESTRICT gradient = dA + i * units;
        for (Size p = 0; p < pieces; p++) {
            REAL *RESTRICT out = dZ + i * width + p * units;
            REAL *RESTRICT bias = db + p * units;
            const REAL number = (REAL)p;
            for (Size j = 0; j < units; j++) {
                const REAL dz = winner[j] == number ? gradient[j] : 0;
                out[j] = dz;
                bias[j] += dz;
            }
        }
    }
}

#undef IN_PLACE
#undef BESIDE
#undef SELU_ALPHA
#undef SELU_SCALE
#undef POSITIVE
