/* Whether a team makes the next call of training, or one thread alone. A team is not always faster: another program or
 * library may need the processors, and in virtual machines what threads exchange takes several times as long for
 * seconds now and then. So both are timed, and the faster one works. The other is tried again, in short calls, after
 * `trial_period` calls, times how many times slower it was. With 0 the team always works. */
#ifndef SKNEURAL_TEAM_TIMING_H
#define SKNEURAL_TEAM_TIMING_H

#include "team.h"

#include <time.h>

typedef struct {
    double alone, team; /* nanoseconds for each row, by one thread and by the team; 0 where it made no call yet */
    Size n_calls, next_trial;
} TeamTiming;

static inline int64_t nanoseconds(void)
{
#if defined(HAS_TEAMS) && defined(CLOCK_MONOTONIC)
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#else
    return 0;
#endif
}

static inline int alone_is_faster(const TeamTiming *timing)
{
    return timing->team == 0 || timing->alone < timing->team;
}

static inline int is_trial(const TeamTiming *timing)
{
    return timing->n_calls >= timing->next_trial;
}

/* Whether the next call is made by one thread: the first of all, and those that are faster so, or try that. */
static inline int works_alone(const TeamTiming *timing, int trial_period)
{
    if (!trial_period)
        return 0;
    return timing->n_calls == 0 || alone_is_faster(timing) != is_trial(timing);
}

/* Count a call of so many nanoseconds for each row: fewer than before count at once, more by halves. A trial of the team
 * is two calls, of which the first wakes its threads. */
static inline void add_timed_call(TeamTiming *timing, int alone, double latest, int trial_period)
{
    double *kept = alone ? &timing->alone : &timing->team;
    const int wakes_team = !alone && alone_is_faster(timing) && timing->n_calls == timing->next_trial;
    timing->n_calls++;
    if (wakes_team)
        return;
    *kept = 0 < *kept && *kept < latest ? (*kept + latest) / 2 : latest;
    if (timing->n_calls > timing->next_trial) { /* there was a trial */
        const double faster = timing->alone < timing->team ? timing->alone : timing->team;
        const double slower = timing->alone < timing->team ? timing->team : timing->alone;
        timing->next_trial = timing->n_calls + (faster > 0 ? (Size)(trial_period * slower / faster) : 0);
    }
}

#endif
