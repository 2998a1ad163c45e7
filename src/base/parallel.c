/* parallel.c - a pool of threads that lives for one call */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 256, REPORT_MS = 50 };

struct job {
    size_t count;
    enum mien_status (*work)(void *user, size_t index, struct mien_error *err);
    void *user;
    const struct mien_log *log;
    const char *what;
    struct timespec next_report; /* of the calling thread only */

    atomic_size_t next; /* the lowest index that nobody has taken */
    atomic_size_t done;
    atomic_bool stop; /* something failed: take no more */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t idle;  /* `running` fell to 0 */
    int running;          /* threads beside the calling one */
    size_t failed_index;
    enum mien_status failed_status;
    struct mien_error failed;
};

int mien_cpu_count(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        const int count = CPU_COUNT(&set);
        return count < 1 ? 1 : count;
    }
    const long count = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than the set has bits */
    return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : (int)count;
}

static void keep_failure(struct job *job, size_t index, enum mien_status status,
                         const struct mien_error *err)
{
    atomic_store(&job->stop, true);
    (void)pthread_mutex_lock(&job->lock);
    if (job->failed_status == MIEN_OK || index < job->failed_index) {
        job->failed_index = index;
        job->failed_status = status;
        job->failed = *err;
    }
    (void)pthread_mutex_unlock(&job->lock);
}

/*
 * Take the next index and do it; false when none is left.  What was taken is always done: so when
 * an index fails, every lower one was or will be done, and the lowest failure is well defined.
 */
static bool do_one(struct job *job)
{
    if (atomic_load(&job->stop)) {
        return false;
    }
    const size_t index = atomic_fetch_add(&job->next, 1);
    if (index >= job->count) {
        return false;
    }
    struct mien_error err = { "" };
    const enum mien_status status = job->work(job->user, index, &err);
    if (status != MIEN_OK) {
        keep_failure(job, index, status, &err);
        return false;
    }
    atomic_fetch_add(&job->done, 1);
    return true;
}

static void *run_thread(void *user)
{
    struct job *const job = user;
    while (do_one(job)) {
    }
    (void)pthread_mutex_lock(&job->lock);
    if (--job->running == 0) {
        (void)pthread_cond_signal(&job->idle);
    }
    (void)pthread_mutex_unlock(&job->lock);
    return NULL;
}

/* Report when the last report is REPORT_MS old. */
static void report(struct job *job)
{
    if (job->log == NULL || job->log->progress == NULL) {
        return;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < job->next_report.tv_sec ||
        (now.tv_sec == job->next_report.tv_sec && now.tv_nsec < job->next_report.tv_nsec)) {
        return;
    }
    const size_t done = atomic_load(&job->done);
    if (done < job->count) { /* the last one is reported once, after all threads ended */
        mien_log_progress(job->log, job->what, done, job->count);
    }
    job->next_report = now;
    job->next_report.tv_nsec += REPORT_MS * 1000000L;
    if (job->next_report.tv_nsec >= 1000000000L) {
        job->next_report.tv_nsec -= 1000000000L;
        job->next_report.tv_sec++;
    }
}

/* Until the other threads have nothing left to do, which may be long after the calling one. */
static void wait_for_others(struct job *job)
{
    const bool reports = job->log != NULL && job->log->progress != NULL;
    (void)pthread_mutex_lock(&job->lock);
    while (job->running > 0) {
        if (!reports) {
            (void)pthread_cond_wait(&job->idle, &job->lock);
            continue;
        }
        const struct timespec until = job->next_report;
        (void)pthread_cond_timedwait(&job->idle, &job->lock, &until);
        (void)pthread_mutex_unlock(&job->lock); /* no callback under a lock */
        report(job);
        (void)pthread_mutex_lock(&job->lock);
    }
    (void)pthread_mutex_unlock(&job->lock);
}

/* Start up to `wanted` threads; fewer are no failure.  Signals stay with the calling thread. */
static int start_threads(struct job *job, pthread_t *threads, int wanted)
{
    sigset_t blocked;
    sigset_t before;
    (void)sigfillset(&blocked);
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        (void)sigdelset(&blocked, faults[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int started = 0;
    while (started < wanted) {
        (void)pthread_mutex_lock(&job->lock);
        job->running++;
        (void)pthread_mutex_unlock(&job->lock);
        if (pthread_create(&threads[started], NULL, run_thread, job) != 0) {
            (void)pthread_mutex_lock(&job->lock);
            job->running--;
            (void)pthread_mutex_unlock(&job->lock);
            break;
        }
        started++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static void run_all(struct job *job, int threads)
{
    pthread_t others[MAX_THREADS];
    const int started = start_threads(job, others, threads - 1);
    while (do_one(job)) {
        report(job);
    }
    wait_for_others(job);
    for (int i = 0; i < started; i++) {
        (void)pthread_join(others[i], NULL);
    }
}

enum mien_status mien_parallel_for(size_t count, int threads,
                                   enum mien_status (*work)(void *user, size_t index,
                                                            struct mien_error *err),
                                   void *user, const struct mien_log *log, const char *what,
                                   struct mien_error *err)
{
    if (count == 0) {
        return MIEN_OK;
    }
    int used = threads > 0 ? threads : mien_cpu_count();
    used = used > MAX_THREADS ? MAX_THREADS : used;
    used = (size_t)used > count ? (int)count : used;

    struct job job = { .count = count, .work = work, .user = user, .log = log, .what = what };
    pthread_condattr_t clock; /* none of these calls can fail on a fresh object with this clock */
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&job.lock, NULL);
    (void)pthread_cond_init(&job.idle, &clock);
    (void)pthread_condattr_destroy(&clock);

    run_all(&job, used);

    (void)pthread_cond_destroy(&job.idle);
    (void)pthread_mutex_destroy(&job.lock);
    if (job.failed_status != MIEN_OK) {
        return mien_fail(err, job.failed_status, "%s", job.failed.text);
    }
    mien_log_progress(log, what, count, count);
    return MIEN_OK;
}
