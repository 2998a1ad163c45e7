/* stop.c - Ctrl-C as a wish to stop, for commands that have something to save */
#include "cli/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stop_requested;

static void request_stop(int signal_number)
{
    (void)signal(signal_number, SIG_DFL);
    stop_requested = 1;
}

void stop_on_signals(void)
{
    (void)signal(SIGINT, request_stop);
    (void)signal(SIGTERM, request_stop);
    if (signal(SIGHUP, request_stop) == SIG_IGN) {
        (void)signal(SIGHUP, SIG_IGN); /* nohup: the terminal may go, the work goes on */
    }
}

void stop_as_usual(void)
{
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    if (signal(SIGHUP, SIG_DFL) == SIG_IGN) {
        (void)signal(SIGHUP, SIG_IGN);
    }
}

bool stop_wanted(void *unused)
{
    (void)unused;
    return stop_requested != 0;
}
