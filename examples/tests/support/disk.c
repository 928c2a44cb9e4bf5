/* A disk that hangs, or is full, for files that end in ".new": loaded before the C library.
   It is so as long as the file exists that SLOW_DISK or FULL_DISK names. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_so(const char *variable) {
    const char *file = getenv(variable);
    return file && access(file, F_OK) == 0;
}

static int is_new(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length > 4 && memcmp(path + length - 4, ".new", 4) == 0;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_so("FULL_DISK") && is_new(fd)) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, count);
}

int fsync(int fd) {
    while (is_so("SLOW_DISK") && is_new(fd))
        usleep(10000);
    return syscall(SYS_fsync, fd);
}
