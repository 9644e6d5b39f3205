"""Who has company: jobs in threads of joblib's, and nobody else."""

import threading

import joblib
import pytest

from skneural.network.threads import in_joblib_thread


def answers(n_jobs, backend):
    return joblib.Parallel(n_jobs=n_jobs, backend=backend)([joblib.delayed(in_joblib_thread)()] * 2)


def test_jobs_in_threads_have_company():
    assert answers(2, "threading") == [True, True]


def test_jobs_within_such_jobs_have_it_too():
    inner = joblib.Parallel(n_jobs=2, backend="threading")([joblib.delayed(answers)(1, "threading")] * 2)
    assert inner == [[True, True]] * 2


@pytest.mark.parametrize(("n_jobs", "backend"), [(1, "threading"), (1, "loky"), (2, "loky")])
def test_one_job_and_processes_have_none(n_jobs, backend):
    assert answers(n_jobs, backend) == [False, False]


def test_threads_that_are_not_joblibs_have_none():
    seen = [in_joblib_thread()]
    thread = threading.Thread(target=lambda: seen.append(in_joblib_thread()))
    thread.start()
    thread.join()
    assert seen == [False, False]
