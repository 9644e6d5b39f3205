/* The activations, Maxout's kernels apart (maxout.h): bias and activation in one pass, and on the way back the gradient
 * in Z.
 *
 * Three patterns. IN_PLACE: where the slope can be computed from A, A replaces Z. SAVE_SLOPE: where it cannot, forward
 * computes the slope beside A, while the exponential is at hand, and leaves it in Z's place for the backward pass. PReLU
 * keeps Z. All matrices are row-major, (n, width). The loss of a row of NaN is NaN: no comparison may hide it. */

/* ACTIVATION may use z and the parameter p, SLOPE the activation a and p. */
#define IN_PLACE(name, ACTIVATION, SLOPE) \
    VECTORIZED static void T(name##_forward)(REAL *RESTRICT Z, const REAL *RESTRICT b, REAL p, Size n, Size width) \
    { \
        (void)p; \
        for (Size i = 0; i < n; i++) { \
            REAL *RESTRICT row = Z + i * width; \
            for (Size j = 0; j < width; j++) { \
                const REAL z = row[j] + b[j]; \
                row[j] = ACTIVATION; \
            } \
        } \
    } \
    VECTORIZED static void T(name##_backward)( \
        REAL *RESTRICT dA, const REAL *RESTRICT A, REAL p, Size n, Size width) \
    { \
        (void)p; \
        for (Size i = 0; i < n; i++) { \
            REAL *RESTRICT gradient = dA + i * width; \
            const REAL *RESTRICT row = A + i * width; \
            for (Size j = 0; j < width; j++) { \
                const REAL a = row[j]; \
                (void)a; \
                gradient[j] *= (SLOPE); \
            } \
        } \
    }

/* STATEMENTS set the activation a and its slope, from z. */
#define SAVE_SLOPE(name, STATEMENTS) \
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
IN_PLACE(relu, z < 0 ? 0 : z, POSITIVE(a) ? p : 0)
IN_PLACE(leaky_relu, z < 0 ? p * z : z, POSITIVE(a) ? 1 : p)
IN_PLACE(elu, POSITIVE(z) ? z : p * T(vexpm1)(z), POSITIVE(a) ? 1 : a + p)
IN_PLACE(
    selu,
    SELU_SCALE * (POSITIVE(z) ? z : SELU_ALPHA * T(vexpm1)(z)),
    POSITIVE(a) ? SELU_SCALE : a + SELU_SCALE * SELU_ALPHA)
IN_PLACE(softplus, (z < 0 ? 0 : z) + T(log1p_unit)(T(vexp)(z < 0 ? z : -z)), -T(vexpm1)(-a))

/* A = z Φ(z), A' = Φ(z) + z φ(z); both come from exp(-z²/2). */
SAVE_SLOPE(gelu, {
    const REAL size = (z < 0 ? -z : z) * (REAL)0.70710678118654752;
    const REAL x = size > 26 ? 26 : size; /* beyond, exp(-size²) is 0 and its square must not overflow */
    const REAL gaussian = T(vexp)(-x * x);
    const REAL tail = T(normal_tail)(x, gaussian);
    const REAL cdf = z < 0 ? tail : 1 - tail;
    a = z * cdf;
    slope = cdf + (z < 0 ? -x : x) * gaussian * (REAL)0.56418958354775629;
})
/* A = z σ(z), A' = σ + A (1 - σ). */
SAVE_SLOPE(silu, {
    const REAL sigmoid = T(vlogistic)(z);
    a = z * sigmoid;
    slope = sigmoid + a * (1 - sigmoid);
})
/* tanh(log(1 + e)) = (e² + 2e) / (e² + 2e + 2) with e = exp(z), of which 20 is as good as anything beyond. */
SAVE_SLOPE(mish, {
    const REAL e = T(vexp)(z > 20 ? 20 : z);
    const REAL q = e * (e + 2);
    const REAL t = q / (q + 2);
    a = z * t;
    slope = t + z * (1 - t * t) * (e / (1 + e));
})

/* The backward pass of all SAVE_SLOPE activations: the slope lies in Z. */
VECTORIZED static void T(saved_slope_backward)(REAL *RESTRICT dA, const REAL *RESTRICT slope, Size size)
{
    for (Size i = 0; i < size; i++)
        dA[i] *= slope[i];
}

/* Z keeps the pre-activations. PReLU has a slope for each unit, or one for all that is shared. */
VECTORIZED static void T(prelu_forward)(
    REAL *RESTRICT Z, REAL *RESTRICT A, const REAL *RESTRICT b, const REAL *RESTRICT slopes, int shared, Size n,
    Size width)
{
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT row = Z + i * width;
        REAL *RESTRICT out = A + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL z = row[j] + b[j];
            row[j] = z;
            out[j] = POSITIVE(z) ? z : slopes[shared ? 0 : j] * z;
        }
    }
}

/* Z becomes the gradient in the slopes, row by row. */
VECTORIZED static void T(prelu_backward)(
    REAL *RESTRICT dA, REAL *RESTRICT Z, const REAL *RESTRICT slopes, int shared, Size n, Size width)
{
    for (Size i = 0; i < n; i++) {
        REAL *RESTRICT gradient = dA + i * width;
        REAL *RESTRICT row = Z + i * width;
        for (Size j = 0; j < width; j++) {
            const REAL z = row[j], da = gradient[j];
            gradient[j] = POSITIVE(z) ? da : slopes[shared ? 0 : j] * da;
            row[j] = POSITIVE(z) ? 0 : da * z;
        }
    }
}

#undef IN_PLACE
#undef SAVE_SLOPE
#undef SELU_ALPHA
#undef SELU_SCALE
#undef POSITIVE

/* n rows of A, from those of Z without bias. */
static void T(activation_forward)(const Layer *layer, Size n)
{
    const REAL parameter = (REAL)layer->activation_parameter, *b = layer->b;
    const Size width = layer->width;
    REAL *Z = layer->Z, *A = layer->A;
    switch (layer->activation) {
    case IDENTITY: T(identity_forward)(Z, b, parameter, n, width); break;
    case LOGISTIC: T(logistic_forward)(Z, b, parameter, n, width); break;
    case TANH: T(tanh_forward)(Z, b, parameter, n, width); break;
    case RELU: T(relu_forward)(Z, b, parameter, n, width); break;
    case LEAKY_RELU: T(leaky_relu_forward)(Z, b, parameter, n, width); break;
    case ELU: T(elu_forward)(Z, b, parameter, n, width); break;
    case SELU: T(selu_forward)(Z, b, parameter, n, width); break;
    case SOFTPLUS: T(softplus_forward)(Z, b, parameter, n, width); break;
    case GELU: T(gelu_forward)(Z, A, b, n, width); break;
    case SILU: T(silu_forward)(Z, A, b, n, width); break;
    case MISH: T(mish_forward)(Z, A, b, n, width); break;
    case MAXOUT: T(maxout_forward)(Z, A, b, n, width, layer->n_pieces); break;
    case PRELU: T(prelu_forward)(Z, A, b, layer->activation_params, layer->shares_slope, n, width);
    }
}

/* Whether activation_backward takes the gradient behind dropout, and needs no mask. */
static int T(knows_mask)(const Layer *layer)
{
    return layer->activation == RELU;
}

/* n rows of dA become rows of dZ, unless Maxout needs none (`needs_dZ`). */
static void T(activation_backward)(const Layer *layer, Size n, int needs_dZ)
{
    const REAL parameter = (REAL)layer->activation_parameter;
    const REAL dropout_scale = layer->dropout.key_number ? (REAL)layer->dropout.scale : 1;
    const Size width = layer->width;
    REAL *Z = layer->Z, *A = layer->A, *dA = layer->dA;
    switch (layer->activation) {
    case IDENTITY: T(identity_backward)(dA, A, parameter, n, width); break;
    case LOGISTIC: T(logistic_backward)(dA, A, parameter, n, width); break;
    case TANH: T(tanh_backward)(dA, A, parameter, n, width); break;
    case RELU: /* where the output is positive, neither ReLU nor dropout made it 0 */
        T(relu_backward)(dA, layer->output, dropout_scale, n, width);
        break;
    case LEAKY_RELU: T(leaky_relu_backward)(dA, A, parameter, n, width); break;
    case ELU: T(elu_backward)(dA, A, parameter, n, width); break;
    case SELU: T(selu_backward)(dA, A, parameter, n, width); break;
    case SOFTPLUS: T(softplus_backward)(dA, A, parameter, n, width); break;
    case GELU:
    case SILU:
    case MISH: T(saved_slope_backward)(dA, Z, n * width); break;
    case MAXOUT:
        if (needs_dZ)
            T(maxout_backward)(dA, Z, layer->dZ, n, width, layer->n_pieces);
        break;
    case PRELU: T(prelu_backward)(dA, Z, layer->activation_params, layer->shares_slope, n, width);
    }
}
