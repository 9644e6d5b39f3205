/* A team of threads that makes a pass together, and the part of the work that each of them does. Whatever the parts,
 * every number is summed up in the same order, so that results are equal to the bit. In between, threads wait for one
 * another: first for a few microseconds in a loop, which is fastest where every thread has a processor; then asleep, so
 * that a processor is free for the thread that is waited for, or for another program. */
#ifndef SKNEURAL_TEAM_H
#define SKNEURAL_TEAM_H

#include "precision.h"

#if defined(__GNUC__)
#define HAS_TEAMS
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif !defined(_WIN32)
#include <sched.h>
#endif
#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ __volatile__("isb")
#else
#define RELAX() ((void)0)
#endif
#endif

#define MAX_SPINS 2000 /* some tens of microseconds */

/* What the threads of a team share. Each counter has a cache line of its own. */
typedef struct {
    uint32_t n_arrived;
    char padding[64 - sizeof(uint32_t)];
    uint32_t n_passed; /* how often all threads have met */
    char padding_2[64 - sizeof(uint32_t)];
    uint32_t n_asleep;
} Team;

/* A thread, number `index` of n_threads; the first is the caller's. */
typedef struct {
    Team *team;
    int index, n_threads;
} Thread;

/* A thread's part of n items, which it takes `unit` at a time. */
static inline Range part_of(const Thread *thread, Size n, Size unit)
{
    const Size n_units = (n + unit - 1) / unit;
    const Size from = n_units * thread->index / thread->n_threads * unit;
    const Size to = n_units * (thread->index + 1) / thread->n_threads * unit;
    return (Range){min_size(from, n), min_size(to, n)};
}

/* A thread's part of the entries of a flat vector: whole cache lines, and whole turns of a vectorised loop, so that
 * all entries but the last few are computed by the same instructions whatever the part. */
static inline Range entries_of(const Thread *thread, Size n)
{
    return part_of(thread, n, 128);
}

#ifdef HAS_TEAMS

/* Sleep until `n_passed` is not `value` any more, or for no reason. */
static void sleep_while(uint32_t *n_passed, uint32_t value)
{
#if defined(__linux__)
    syscall(SYS_futex, n_passed, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
#elif !defined(_WIN32)
    (void)n_passed, (void)value;
    sched_yield();
#else
    (void)n_passed, (void)value;
    RELAX();
#endif
}

static void wake_all(uint32_t *n_passed)
{
#if defined(__linux__)
    syscall(SYS_futex, n_passed, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
#else
    (void)n_passed;
#endif
}

/* Return once all threads of the team have called this. What they wrote before, all can read afterwards. */
static void wait_for_team(const Thread *thread)
{
    Team *team = thread->team;
    if (thread->n_threads == 1)
        return;
    const uint32_t passed = __atomic_load_n(&team->n_passed, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&team->n_arrived, 1, __ATOMIC_ACQ_REL) == (uint32_t)thread->n_threads) {
        __atomic_store_n(&team->n_arrived, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&team->n_passed, passed + 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&team->n_asleep, __ATOMIC_SEQ_CST))
            wake_all(&team->n_passed);
        return;
    }
    for (int i = 0; i < MAX_SPINS; i++) {
        if (__atomic_load_n(&team->n_passed, __ATOMIC_ACQUIRE) != passed)
            return;
        RELAX();
    }
    __atomic_add_fetch(&team->n_asleep, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&team->n_passed, __ATOMIC_SEQ_CST) == passed)
        sleep_while(&team->n_passed, passed);
    __atomic_sub_fetch(&team->n_asleep, 1, __ATOMIC_RELAXED);
}

#else

static void wait_for_team(const Thread *thread)
{
    (void)thread; /* the only one */
}

#endif
#endif
