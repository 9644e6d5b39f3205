/* The kernels against plain loops, without Python: so they can be checked on a processor that is only emulated.
 *
 * Build: cc -O3 -fno-math-errno -fno-trapping-math -I skneural/network/kernels tests/network/kernels/check.c -lm
 * It prints what was compared, or the first thing that differs, and then ends with status 1. */
#include <stdio.h>

#include "both_precisions.h"

static uint64_t random_state = 1;

/* Uniform between -1 and 1. */
static double uniform(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (double)(random_state >> 11) / 4503599627370496.0 - 1;
}

static int n_compared = 0;

static void compare(const char *name, double actual, double expected, double tolerance)
{
    n_compared++;
    if (isnan(expected) ? isnan(actual) : fabs(actual - expected) <= tolerance * (1 + fabs(expected)))
        return;
    printf("%s: %.17g instead of %.17g\n", name, actual, expected);
    exit(1);
}

static void report(const char *what)
{
    printf("%s: %d numbers agree\n", what, n_compared);
    n_compared = 0;
}

enum { WHOLE, IN_QUARTERS, IN_FEWER_LANES, IN_MOST_LANES }; /* how a product is made */

#include "formulas.h"

#define REAL float
#define SINGLE 1
#include "check_gemm.h"
#include "check_layers.h"
#include "check_network.h"
#undef REAL
#undef SINGLE

#define REAL double
#define SINGLE 0
#include "check_gemm.h"
#include "check_layers.h"
#include "check_network.h"
#undef REAL
#undef SINGLE

int main(void)
{
#ifdef WIDE_REGISTERS
    printf("registers of %d bytes: %s\n", REGISTER_BYTES, has_wide_registers() ? "used" : "not on this processor");
#else
    printf("registers: plain\n");
#endif
    check_gemm_float();
    check_layers_float();
    check_network_float();
    check_gemm_double();
    check_layers_double();
    check_network_double();
    return 0;
}
