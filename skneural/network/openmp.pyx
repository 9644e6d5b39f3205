# cython: language_level=3
"""OpenMP: runs a function of the native core in the threads of a team.

This module alone is compiled with OpenMP. Where the compiler has none, it is not built, and the core works on one thread.
"""

from cpython.pycapsule cimport PyCapsule_New

cdef extern from *:
    """
    #ifndef _OPENMP
    #error "the compiler has no OpenMP"
    #endif
    #include <omp.h>

    typedef void (*TeamFunction)(void *context, int index, int n_threads);

    #ifndef __SANITIZE_THREAD__
    static void run_in_team_of_openmp(TeamFunction function, void *context, int n_threads)
    {
    #pragma omp parallel num_threads(n_threads)
        function(context, omp_get_thread_num(), omp_get_num_threads());
    }
    #else /* which does not understand how OpenMP's threads wait for one another */
    #include <pthread.h>

    typedef struct {
        TeamFunction function;
        void *context;
        int index, n_threads;
    } Member;

    static void *run_member(void *argument)
    {
        Member *member = argument;
        member->function(member->context, member->index, member->n_threads);
        return NULL;
    }

    static void run_in_team_of_openmp(TeamFunction function, void *context, int n_threads)
    {
        Member members[64];
        pthread_t threads[64];
        for (int i = 0; i < n_threads; i++) {
            members[i] = (Member){function, context, i, n_threads};
            pthread_create(&threads[i], NULL, run_member, &members[i]);
        }
        for (int i = 0; i < n_threads; i++)
            pthread_join(threads[i], NULL);
    }
    #endif
    """
    ctypedef void (*TeamFunction)(void *context, int index, int n_threads) noexcept nogil
    void run_in_team_of_openmp(TeamFunction function, void *context, int n_threads) noexcept nogil
    int omp_get_max_threads() noexcept nogil


run_in_team = PyCapsule_New(<void *>run_in_team_of_openmp, "skneural.run_in_team", NULL)


def max_threads():
    """Return how many threads a team may have."""
    return omp_get_max_threads()
