"""A disk that is slow, or full, for the machines it is put under."""

from pathlib import Path

from tests.preload import Preload

# Only what would make a regular file longer fails on a full disk: a write into the space that a file has
# already still works, as on a real one.
SOURCE = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

struct orders { int microseconds, full; char where[64]; };

static struct orders ask(void) {
    struct orders orders = {0, 0, ""};
    char text[128] = "";
    int control = syscall(SYS_openat, AT_FDCWD, getenv("SLOWDISK_FILE"), O_RDONLY | O_CLOEXEC);
    if (syscall(SYS_read, control, text, sizeof text - 1) > 0)
        sscanf(text, "%d %d %63s", &orders.microseconds, &orders.full, orders.where);
    syscall(SYS_close, control);
    return orders;
}

static int no_space(int fd, off_t end) {
    struct stat file;
    if (fstat(fd, &file) || !S_ISREG(file.st_mode)) return 0;
    struct orders orders = ask();
    if (!orders.full || end <= file.st_size) return 0;
    char link[32], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && strstr(path, orders.where);
}

static int refused(int fd, off_t offset, size_t length) {
    int before = errno;
    if (offset < 0) offset = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    int refuses = no_space(fd, offset + (off_t)length);
    errno = refuses ? ENOSPC : before;
    return refuses;
}

static size_t total(const struct iovec *parts, int count) {
    size_t length = 0;
    while (count--) length += parts[count].iov_len;
    return length;
}

int fsync(int fd) { usleep(ask().microseconds); return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { usleep(ask().microseconds); return syscall(SYS_fdatasync, fd); }

ssize_t write(int fd, const void *bytes, size_t length) {
    return refused(fd, -1, length) ? -1 : syscall(SYS_write, fd, bytes, length);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return refused(fd, -1, total(parts, count)) ? -1 : syscall(SYS_writev, fd, parts, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return refused(fd, offset, length) ? -1 : syscall(SYS_pwrite64, fd, bytes, length, offset);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    return refused(fd, offset, total(parts, count)) ? -1 : syscall(SYS_pwritev, fd, parts, count, offset, 0);
}
int fallocate(int fd, int mode, off_t offset, off_t length) {
    return refused(fd, offset, length) ? -1 : syscall(SYS_fallocate, fd, mode, offset, length);
}
int posix_fallocate(int fd, off_t offset, off_t length) {
    return fallocate(fd, 0, offset, length) ? errno : 0;
}

ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev")));
int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));
"""


class SlowDisk(Preload):
    """Healthy until told otherwise."""

    def __init__(self, folder: Path) -> None:
        super().__init__("slowdisk", SOURCE, folder)
        self.heal()

    def fsync_takes(self, seconds: float) -> None:
        """Let every fsync take that much longer."""
        self.say(f"{round(seconds * 1_000_000)} 0")

    def fill(self, where: str = "") -> None:
        """Let there be no space: no file becomes longer whose path contains ``where``.

        Redis ends at its next write. MariaDB says "table is full" when it is a table's file (``.ibd``; with a
        long text it may end instead); a commit without space for the binary log waits and looks every minute.
        """
        self.say(f"0 1 {where}")

    def heal(self) -> None:
        """Be fast, and have space."""
        self.say("0 0")
