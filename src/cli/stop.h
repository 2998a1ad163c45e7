/** stop.h - Ctrl-C as a wish to stop, for commands that have something to save (internal) */
#ifndef MIEN_CLI_STOP_H
#define MIEN_CLI_STOP_H

#include <stdbool.h>

/**
 * Take the first Ctrl-C, SIGTERM or SIGHUP as a wish to stop; the second ends the program the usual
 * way.  A SIGHUP that was ignored (nohup) is ignored still.
 */
void stop_on_signals(void);

/** Let all three end the program the usual way again. */
void stop_as_usual(void);

/** Whether there was one; fits the library's callbacks. */
bool stop_wanted(void *unused);

#endif
