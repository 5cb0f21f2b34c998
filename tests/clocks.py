"""A clock that a test sets forward or back, for the programs that are started with it."""

from pathlib import Path

from tests.preload import Preload

# Only the time of day: event loops and time-outs go by the monotonic clock, which does not jump on a real
# machine either. (libfaketime cannot do this to Redis: it asks jemalloc for memory before there is any.)
SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (failed || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    char text[32] = "";
    int control = syscall(SYS_openat, AT_FDCWD, getenv("CLOCK_FILE"), O_RDONLY | O_CLOEXEC);
    if (syscall(SYS_read, control, text, sizeof text - 1) > 0) now->tv_sec += atol(text);
    syscall(SYS_close, control);
    return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    int failed = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return failed;
}

time_t time(time_t *where) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (where) *where = exact.tv_sec;
    return exact.tv_sec;
}
"""


class ShiftedClock(Preload):
    """Right until it is shifted."""

    def __init__(self, folder: Path) -> None:
        super().__init__("clock", SOURCE, folder)
        self.shift(0)

    def shift(self, seconds: int) -> None:
        """Let the clock be so much ahead of the right time; behind it, when negative."""
        self.say(str(seconds))
