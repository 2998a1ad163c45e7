/* tune_guard.c - the search of `mien tune` in a process of its own: a driver's compiler that never
 * returns, or takes the process with it, costs one candidate
 */
#include "cli/tune_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/clock.h"
#include "base/memory.h"

enum { NAME_BYTES = 256, LOOK_MS = 250, STEPS_LIMITS = 10 };

enum told { TOLD_BEGIN, TOLD_STEPS, TOLD_END, TOLD_RESULT, TOLD_FRESH, TOLD_DONE };

/* One message, written at once: a pipe keeps up to PIPE_BUF bytes together. */
struct message {
    enum told kind;
    union {
        struct {
            struct mien_tuned entry;
            char name[NAME_BYTES];
        } candidate;
        struct {
            size_t index;
            struct mien_search_result result; /* its task is the child's */
        } task;
        struct {
            enum mien_status status;
            struct mien_error error;
        } done;
    } as;
};
_Static_assert(sizeof(struct message) <= PIPE_BUF, "a message fits into a pipe at once");

/*
 * Set by the first SIGINT or SIGTERM, in memory that both processes see: signals are no way to tell
 * the child, because LLVM, which many drivers have in them, takes their handlers for itself.
 */
static volatile sig_atomic_t *stop_requested;
static volatile sig_atomic_t child_id; /* 0: there is none */

/* The first asks the child to stop, a later one ends both the usual way.  The same one may come
 * twice at once: `timeout` sends it to the process and to its group. */
static void stop_child(int signal_number)
{
    static double first_ms;
    const double one_ms = 200.0;
    const int kept = errno;
    const double now_ms = mien_now_ms();
    if (!*stop_requested) {
        first_ms = now_ms;
    } else if (now_ms - first_ms > one_ms) {
        if (child_id != 0) {
            (void)kill((pid_t)child_id, SIGKILL);
        }
        (void)signal(signal_number, SIG_DFL);
        (void)raise(signal_number);
    }
    *stop_requested = 1;
    errno = kept;
}

bool tune_stop(void *user)
{
    (void)user;
    return *stop_requested != 0;
}

static enum mien_status tell(const struct tune_line *line, const struct message *message,
                             struct mien_error *err)
{
    ssize_t written = 0;
    do {
        written = write(line->fd, message, sizeof(*message));
    } while (written < 0 && errno == EINTR);
    return written == (ssize_t)sizeof(*message)
               ? MIEN_OK
               : mien_fail(err, MIEN_ERR_INTERRUPTED,
                           "the process that watches the search is gone");
}

enum mien_status tune_tell_candidate(const struct tune_line *line, const char *name,
                                     const struct mien_tuned *candidate, struct mien_error *err)
{
    struct message message;
    memset(&message, 0, sizeof(message));
    message.kind = candidate != NULL ? TOLD_BEGIN : TOLD_END;
    if (candidate != NULL) {
        message.as.candidate.entry = *candidate;
        (void)snprintf(message.as.candidate.name, NAME_BYTES, "%s", name);
    }
    return tell(line, &message, err);
}

enum mien_status tune_tell_steps(const struct tune_line *line, struct mien_error *err)
{
    struct message message;
    memset(&message, 0, sizeof(message));
    message.kind = TOLD_STEPS;
    return tell(line, &message, err);
}

enum mien_status tune_tell_fresh(const struct tune_line *line, struct mien_error *err)
{
    struct message message;
    memset(&message, 0, sizeof(message));
    message.kind = TOLD_FRESH;
    return tell(line, &message, err);
}

enum mien_status tune_tell_result(const struct tune_line *line, size_t index,
                                  const struct mien_search_result *result, struct mien_error *err)
{
    struct message message;
    memset(&message, 0, sizeof(message));
    message.kind = TOLD_RESULT;
    message.as.task.index = index;
    message.as.task.result = *result;
    message.as.task.result.task = NULL;
    return tell(line, &message, err);
}

/* The parent's view of a child. */
struct watch {
    int fd;
    pid_t id;
    bool under_way;         /* the device has a candidate */
    struct message current; /* it, if so */
    double waited_ms;       /* for it */
    bool fresh;             /* it wants another to go on */
    bool done;
    enum mien_status status; /* what the child told when it was done, with `error` */
    struct mien_error error;
};

static enum mien_status keep_result(struct tune_past *past, const struct message *message,
                                    struct mien_error *err)
{
    const size_t index = message->as.task.index;
    if (index >= past->count) {
        struct mien_search_result *const results =
            mien_realloc(past->results, index + 1, sizeof(*results), err);
        if (results == NULL) {
            return MIEN_ERR_MEMORY;
        }
        memset(results + past->count, 0, (index + 1 - past->count) * sizeof(*results));
        past->results = results;
        past->count = index + 1;
    }
    past->results[index] = message->as.task.result;
    return MIEN_OK;
}

static enum mien_status take(struct watch *watch, struct tune_past *past,
                             const struct message *message, struct mien_error *err)
{
    switch (message->kind) {
    case TOLD_BEGIN:
    case TOLD_STEPS:
        watch->current = *message;
        watch->under_way = true;
        watch->waited_ms = 0.0;
        break;
    case TOLD_END: watch->under_way = false; break;
    case TOLD_RESULT: return keep_result(past, message, err);
    case TOLD_FRESH: watch->fresh = true; break;
    case TOLD_DONE:
        watch->done = true;
        watch->status = message->as.done.status;
        watch->error = message->as.done.error;
        break;
    }
    return MIEN_OK;
}

/*
 * Listen until the child hangs up, or until its candidate has had its time (*hung).  The time is
 * counted in short looks, so that a machine or a job that slept does not count.
 */
static enum mien_status listen_to(bool *hung, struct watch *watch, struct tune_past *past,
                                  double limit_ms, struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    *hung = false;
    while (st == MIEN_OK && !*hung) {
        const bool steps = watch->current.kind == TOLD_STEPS;
        struct pollfd look = { .fd = watch->fd, .events = POLLIN };
        const double start_ms = mien_now_ms();
        const int ready = poll(&look, 1, LOOK_MS);
        const double passed_ms = mien_now_ms() - start_ms;
        watch->waited_ms += passed_ms < 2.0 * LOOK_MS ? passed_ms : LOOK_MS;
        if (ready <= 0) {
            *hung = watch->under_way && watch->waited_ms > limit_ms * (steps ? STEPS_LIMITS : 1);
            continue;
        }
        struct message message;
        const ssize_t got = read(watch->fd, &message, sizeof(message));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got != (ssize_t)sizeof(message)) {
            break;
        }
        st = take(watch, past, &message, err);
    }
    return st;
}

/* The child's whole life. */
static _Noreturn void search(const struct tune_guard *guard, const struct tune_line *line,
                             struct term *term)
{
    struct message message;
    memset(&message, 0, sizeof(message));
    struct mien_error *const err = &message.as.done.error;
    enum mien_status st = guard->search(guard->user, line, term, err);
    term_clear(term);
    if (st == MIEN_OK) {
        st = term_finish(term, err);
    }
    (void)fflush(stdout);
    message.kind = TOLD_DONE;
    message.as.done.status = st;
    const bool told = tell(line, &message, NULL) == MIEN_OK;
    /* Drivers clean up in what this calls. */
    exit(told ? EXIT_SUCCESS : EXIT_FAILURE); // NOLINT(concurrency-mt-unsafe): one thread of ours
}

static enum mien_status start(struct watch *watch, const struct tune_guard *guard,
                              const struct tune_past *past, struct term *term,
                              struct mien_error *err)
{
    int ends[2];
    char text[128];
    sigset_t both;
    sigset_t before;
    *watch = (struct watch){ .fd = -1 };
    if (pipe(ends) != 0) {
        return mien_fail(err, MIEN_ERR_IO, "no pipe to a process for the search: %s",
                         strerror_r(errno, text, sizeof(text)));
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC); /* a driver's compiler may outlive the child */
    (void)sigemptyset(&both);
    (void)sigaddset(&both, SIGINT);
    (void)sigaddset(&both, SIGTERM);
    (void)fflush(NULL);
    (void)sigprocmask(SIG_BLOCK, &both, &before);
    watch->id = fork();
    if (watch->id == 0) {
        const struct tune_line line = { .fd = ends[1], .past = past };
        (void)close(ends[0]);
#ifdef __linux__
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* one that hangs would never notice */
#endif
        /* Both stay blocked: a terminal sends them to the parent, too, which is to decide. */
        search(guard, &line, term);
    }
    const int cause = errno;
    child_id = watch->id > 0 ? watch->id : 0;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)close(ends[1]);
    if (watch->id < 0) {
        (void)close(ends[0]);
        return mien_fail(err, MIEN_ERR_IO, "no process for the search: %s",
                         strerror_r(cause, text, sizeof(text)));
    }
    watch->fd = ends[0];
    return MIEN_OK;
}

/* How the child ended: a code, or the signal's name. */
static int wait_for(const struct watch *watch, char *words, size_t bytes)
{
    int code = 0;
    while (waitpid(watch->id, &code, 0) < 0 && errno == EINTR) {
    }
    child_id = 0;
    if (WIFSIGNALED(code)) {
        (void)snprintf(words, bytes, "%s",
                       strsignal(WTERMSIG(code))); // NOLINT(concurrency-mt-unsafe): one thread
    } else {
        (void)snprintf(words, bytes, "exit code %d", WEXITSTATUS(code));
    }
    return code;
}

/* Add what the child was at to what is left alone, and say so. */
static enum mien_status leave_alone(struct tune_past *past, const struct watch *watch, bool hung,
                                    const struct tune_guard *guard, const char *end,
                                    struct term *term, struct mien_error *err)
{
    const bool steps = watch->current.kind == TOLD_STEPS;
    struct mien_tuned entry = watch->current.as.candidate.entry;
    char cause[96];
    if (hung) {
        (void)snprintf(cause, sizeof(cause), "not done within %g s",
                       guard->limit_s * (steps ? STEPS_LIMITS : 1));
    } else {
        (void)snprintf(cause, sizeof(cause), "the driver ended (%s)", end);
    }
    term->drawn = term->bars && !term->quiet; /* the child's bar is left on the screen */
    if (steps) {
        past->no_steps = true;
        mien_log_line(&term->log, "whole steps are not measured: %s", cause);
        return MIEN_OK;
    }
    mien_log_line(&term->log, "left alone from now on: %s: %s", watch->current.as.candidate.name,
                  cause);
    entry.skip = hung ? MIEN_TUNED_HUNG : MIEN_TUNED_DIED;
    return mien_tuning_put(&past->skips, &entry, err);
}

enum mien_status tune_guard_run(const struct tune_guard *guard, struct term *term,
                                struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct tune_past past = { .start_ms = mien_now_ms() };
    const double start_ms = past.start_ms;
    void *const shared = mmap(NULL, sizeof(*stop_requested), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return mien_fail(err, MIEN_ERR_MEMORY, "no memory to share with the search's process");
    }
    stop_requested = shared;
    (void)signal(SIGINT, stop_child);
    (void)signal(SIGTERM, stop_child);
    for (bool over = false; !over;) {
        struct watch watch;
        bool hung = false;
        char end[64];
        TRY(start(&watch, guard, &past, term, err));
        st = listen_to(&hung, &watch, &past, guard->limit_s * 1e3, err);
        if (hung || st != MIEN_OK) {
            (void)kill(watch.id, SIGKILL);
        }
        (void)close(watch.fd);
        const int code = wait_for(&watch, end, sizeof(end));
        TRY(st);
        if (!watch.done && watch.under_way) {
            TRY(leave_alone(&past, &watch, hung, guard, end, term, err));
            past.again = true;
            past.start_ms = fmin(past.start_ms + watch.waited_ms, start_ms + guard->seconds * 1e3);
            continue;
        }
        over = !(watch.fresh && watch.done && watch.status == MIEN_OK && code == 0);
        past.again = past.again || !over;
        past.fresh = past.fresh || !over;
        if (watch.done && watch.status != MIEN_OK) {
            st = mien_fail(err, watch.status, "%s", watch.error.text);
        } else if (code != 0 || !watch.done) {
            st = mien_fail(err, MIEN_ERR_CL,
                           "the process of the search ended with %s, over no "
                           "candidate; what it found until then is kept",
                           end);
        }
    }

done:
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)munmap(shared, sizeof(*stop_requested));
    free(past.results);
    mien_tuning_finish(&past.skips);
    return st;
}
