/* A disk that hangs, is full, or breaks off what is appended, for the files of a checkpoint of that
   name: loaded before the C library. It is so as long as the file exists that SLOW_DISK, FULL_DISK
   or TORN_DISK names. */
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

static int is_named(int fd, const char *name) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path), end = strlen(name);
    return length > end && memcmp(path + length - end, name, end) == 0;
}

static int is_checkpoint(int fd) {
    return is_named(fd, "/checkpoint");
}

static int is_either(int fd) {
    return is_checkpoint(fd) || is_named(fd, "/checkpoint.new");
}

ssize_t write(int fd, const void *bytes, size_t count) {
    int is_torn = is_so("TORN_DISK") && is_checkpoint(fd);
    if (is_torn)
        syscall(SYS_write, fd, bytes, count / 2);
    if (is_torn || (is_so("FULL_DISK") && is_either(fd))) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, count);
}

int fsync(int fd) {
    while (is_so("SLOW_DISK") && is_either(fd))
        usleep(10000);
    return syscall(SYS_fsync, fd);
}
