/* Activations, losses and slopes by the mathematical library, in double precision. */

static double activation(int kind, double z, double p)
{
    switch (kind) {
    case LOGISTIC: return 1 / (1 + exp(-z));
    case TANH: return tanh(z);
    case RELU: return z > 0 ? z : 0;
    case LEAKY_RELU:
    case PRELU: return z > 0 ? z : p * z;
    case ELU: return z > 0 ? z : p * expm1(z);
    case SELU: return 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * expm1(z));
    case GELU: return z * erfc(-z / sqrt(2)) / 2;
    case SILU: return z / (1 + exp(-z));
    case SOFTPLUS: return log1p(exp(-fabs(z))) + (z > 0 ? z : 0);
    case MISH: return z * tanh(log1p(exp(z)));
    default: return z;
    }
}

/* Of output number j. */
static double quantile(Size j)
{
    return 0.25 + 0.0625 * j;
}

/* Of a row of k raw outputs, where y is the class or the k targets. */
static double row_loss(int kind, const double *f, Size class, const double *y, Size k, double p)
{
    double sum = 0, largest = f[0], exp_sum = 0;
    for (Size j = 0; j < k; j++) {
        const double r = f[j] - (y ? y[j] : 0), size = fabs(r);
        largest = f[j] > largest ? f[j] : largest;
        switch (kind) {
        case LOGISTIC_LOSS:
            sum += log1p(exp(-fabs(f[j]))) + (f[j] > 0 ? f[j] : 0) - (y[j] * (1 - p) + p / 2) * f[j];
            break;
        case SQUARED_ERROR: sum += r * r / 2; break;
        case ABSOLUTE_ERROR: sum += size; break;
        case HUBER: sum += size <= p ? r * r / 2 : p * (size - p / 2); break;
        case QUANTILE: sum += r > 0 ? (1 - quantile(j)) * r : -quantile(j) * r; break;
        case POISSON: sum += exp(f[j]) - y[j] * f[j] + (y[j] > 0 ? y[j] * log(y[j]) : 0) - y[j]; break;
        default: sum -= ((1 - p) * (j == class) + p / k) * f[j];
        }
    }
    if (kind != SOFTMAX_CROSS_ENTROPY)
        return sum;
    for (Size j = 0; j < k; j++)
        exp_sum += exp(f[j] - largest);
    return sum + log(exp_sum) + largest;
}
