/* The solvers' updates, each in one pass over parameters, gradient and state, of n entries each. 1 - beta is computed in
 * double precision, the caller's: in single precision 1 - 0.999f is off by 5e-5. */

#ifndef SKNEURAL_UPDATES_H
#define SKNEURAL_UPDATES_H

enum { SGD_UPDATE, ADAM_UPDATE, RMSPROP_UPDATE, ADAGRAD_UPDATE, SCHEDULE_FREE_UPDATE };

/* A solver as the kernels see it, and its vectors, of n_parameters entries each: 0 stands for settings that it does not
 * have, and if it has one slot, that is the first and the last. */
typedef struct {
    int update, nesterov;
    double momentum, beta_1, beta_2, epsilon;
    void *parameters, *gradient, *first_slot, *last_slot;
    Size n_decayed; /* the first parameters, which AdamW and ScheduleFreeAdamW let decay */
} SolverPlan;

typedef struct {
    double learning_rate;
    Size number;                 /* counted from 1 */
    double decay, newest_weight; /* the rate times the weight decay; of ScheduleFreeAdamW, c */
} Step;

/* The learning rate of a step, corrected for the start from zero; Solver.effective_rate specifies it. */
static double effective_rate(const SolverPlan *solver, const Step *step)
{
    double rate = step->learning_rate;
    if (solver->update == ADAM_UPDATE || solver->update == RMSPROP_UPDATE || solver->update == SCHEDULE_FREE_UPDATE)
        rate *= sqrt(1 - pow(solver->beta_2, (double)step->number));
    if (solver->update == ADAM_UPDATE)
        rate /= 1 - pow(solver->beta_1, (double)step->number);
    return rate;
}

#endif

VECTORIZED static void T(sgd)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double momentum, int nesterov,
    Size n)
{
    const REAL r = (REAL)rate, m = (REAL)momentum;
    if (nesterov)
        for (Size i = 0; i < n; i++) {
            const REAL step = r * g[i];
            v[i] = m * v[i] - step;
            theta[i] += m * v[i] - step;
        }
    else
        for (Size i = 0; i < n; i++) {
            v[i] = m * v[i] - r * g[i];
            theta[i] += v[i];
        }
}

VECTORIZED static void T(adam)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT m, REAL *RESTRICT v, double rate, double beta_1,
    double beta_2, double epsilon, Size n)
{
    const REAL r = (REAL)rate, b_1 = (REAL)beta_1, b_2 = (REAL)beta_2, eps = (REAL)epsilon;
    const REAL one_minus_b_1 = (REAL)(1 - beta_1), one_minus_b_2 = (REAL)(1 - beta_2);
    for (Size i = 0; i < n; i++) {
        m[i] = b_1 * m[i] + one_minus_b_1 * g[i];
        v[i] = b_2 * v[i] + one_minus_b_2 * (g[i] * g[i]);
        theta[i] -= r * (m[i] / (SQRT(v[i]) + eps));
    }
}

VECTORIZED static void T(rmsprop)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double beta_2, double epsilon,
    Size n)
{
    const REAL r = (REAL)rate, b_2 = (REAL)beta_2, one_minus_b_2 = (REAL)(1 - beta_2), eps = (REAL)epsilon;
    for (Size i = 0; i < n; i++) {
        v[i] = b_2 * v[i] + one_minus_b_2 * (g[i] * g[i]);
        theta[i] -= r * (g[i] / (SQRT(v[i]) + eps));
    }
}

VECTORIZED static void T(adagrad)(
    REAL *RESTRICT theta, const REAL *RESTRICT g, REAL *RESTRICT v, double rate, double epsilon, Size n)
{
    const REAL r = (REAL)rate, eps = (REAL)epsilon;
    for (Size i = 0; i < n; i++) {
        v[i] += g[i] * g[i];
        theta[i] -= r * (g[i] / (SQRT(v[i]) + eps));
    }
}

/* The weights let `decay` times y go, z makes its step, and y follows the average of all z and the newest one; see
 * ScheduleFreeAdamW. */
VECTORIZED static void T(schedule_free)(
    REAL *RESTRICT y, const REAL *RESTRICT g, REAL *RESTRICT z, REAL *RESTRICT v, double rate, double decay,
    double newest_weight, double beta_1, double beta_2, double epsilon, Size n)
{
    const REAL r = (REAL)rate, b_2 = (REAL)beta_2, one_minus_b_2 = (REAL)(1 - beta_2), eps = (REAL)epsilon;
    const REAL z_decay = (REAL)decay, y_decay = (REAL)((1 - beta_1) * decay);
    const REAL older_weight = (REAL)(1 - newest_weight), y_part = (REAL)(1 - beta_1 * (1 - newest_weight));
    for (Size i = 0; i < n; i++) {
        const REAL decayed_z = z[i] - z_decay * y[i], decayed_y = y[i] - y_decay * y[i];
        v[i] = b_2 * v[i] + one_minus_b_2 * (g[i] * g[i]);
        const REAL step = r * (g[i] / (SQRT(v[i]) + eps));
        y[i] = decayed_z + older_weight * (decayed_y - decayed_z) - y_part * step;
        z[i] = decayed_z - step;
    }
}

/* The step of schedule_free for some of the parameters, all of which decay, or none. */
static void T(apply_schedule_free)(const SolverPlan *solver, const Step *step, double rate, double decay, Range entries)
{
    const Size first = entries.from;
    T(schedule_free)((REAL *)solver->parameters + first, (REAL *)solver->gradient + first,
                     (REAL *)solver->first_slot + first, (REAL *)solver->last_slot + first, rate, decay,
                     step->newest_weight, solver->beta_1, solver->beta_2, solver->epsilon, range_size(entries));
}

/* Make a step with some of the parameters. */
static void T(apply_update)(const SolverPlan *solver, const Step *step, Range entries)
{
    const Size first = entries.from, n = range_size(entries), n_decayed = solver->n_decayed;
    const double rate = effective_rate(solver, step), beta_2 = solver->beta_2, epsilon = solver->epsilon;
    REAL *theta = (REAL *)solver->parameters + first, *g = (REAL *)solver->gradient + first;
    REAL *m = (REAL *)solver->first_slot + first, *v = (REAL *)solver->last_slot + first;
    switch (solver->update) {
    case SGD_UPDATE: T(sgd)(theta, g, v, rate, solver->momentum, solver->nesterov, n); break;
    case ADAM_UPDATE: T(adam)(theta, g, m, v, rate, solver->beta_1, beta_2, epsilon, n); break;
    case RMSPROP_UPDATE: T(rmsprop)(theta, g, v, rate, beta_2, epsilon, n); break;
    case ADAGRAD_UPDATE: T(adagrad)(theta, g, v, rate, epsilon, n); break;
    default:
        T(apply_schedule_free)(solver, step, rate, step->decay, (Range){first, min_size(entries.to, n_decayed)});
        T(apply_schedule_free)(solver, step, rate, 0, (Range){max_size(first, n_decayed), entries.to});
    }
}

/* Multiply x by a factor: clip a gradient, let weights decay. */
VECTORIZED static void T(scale)(REAL *RESTRICT x, double factor, Size n)
{
    for (Size i = 0; i < n; i++)
        x[i] *= (REAL)factor;
}
