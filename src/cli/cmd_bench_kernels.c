/* cmd_bench_kernels.c - `mien bench kernels`: the device's peaks */
#include "base/error.h"
#include "cli/cmd_bench.h"

enum mien_status bench_kernels(const struct bench_options *o, struct term *term,
                               struct mien_error *err)
{
    enum mien_status st = MIEN_OK;
    struct session session = { NULL };
    struct mien_peaks peaks;
    TRY(session_open(&session, &o->common, true, term, err));
    TRY(mien_peaks_measure(&peaks, session.cl, o->warmup, o->repeat, err));
    TRY(bench_print_peaks(o, &session, &peaks, term, err));

done:
    session_close(&session);
    return st;
}
