/*
 * Records what a process does to the files of one database, in the order in which it does it.
 *
 * Loaded with LD_PRELOAD. RECORDER_DIR names the directory that is watched, RECORDER_LOG the file that is written. A record is
 *     kind (1 byte) | file (1 byte) | offset or size (8 bytes) | length (4 bytes) | bytes
 * with kinds W(rite), T(runcate), S(ync), U(nlink). Files are told apart by the end of their names; "acks" is where the process says what it has promised.
 * RECORDER_FAIL, such as S120 or W400, makes one call fail, the 120th sync with EIO or the 400th write with ENOSPC, counted over the database and its log.
 * One lock is held over each call and its record, so that the log's order is the order of the calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 4096
enum { NOT_WATCHED = 0, DATABASE = 1, LOG = 2, JOURNAL = 3, ACKS = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char watched[FDS_MAX];
static int log_fd = -1;

#define REAL(type, name, ...)                                    \
    static type (*real)(__VA_ARGS__);                            \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t real_write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(fd, bytes, length);
}

static int ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static int file_of(const char *path) {
    const char *dir = getenv("RECORDER_DIR");
    if (!dir || strncmp(path, dir, strlen(dir)) != 0) return NOT_WATCHED;
    if (ends_with(path, ".db")) return DATABASE;
    if (ends_with(path, ".db-wal")) return LOG;
    if (ends_with(path, ".db-journal")) return JOURNAL;
    if (ends_with(path, "/acks")) return ACKS;
    return NOT_WATCHED;
}

static void record(char kind, int file, uint64_t offset, const void *bytes, uint32_t length) {
    unsigned char head[14];
    if (log_fd < 0) {
        REAL(int, "open64", const char *, int, ...);
        log_fd = real(getenv("RECORDER_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    head[0] = (unsigned char)kind;
    head[1] = (unsigned char)file;
    memcpy(head + 2, &offset, 8);
    memcpy(head + 10, &length, 4);
    /* A log that is not whole proves nothing: better no process than half a log. */
    if (real_write(log_fd, head, sizeof head) != (ssize_t)sizeof head) abort();
    for (size_t done = 0; done < length;) {
        ssize_t n = real_write(log_fd, (const char *)bytes + done, length - done);
        if (n <= 0) abort();
        done += (size_t)n;
    }
}

/* Whether this call is the one that is to fail. The lock is held. */
static int fails(char kind, int file) {
    static long syncs, writes;
    const char *wish = getenv("RECORDER_FAIL");
    if (file != DATABASE && file != LOG) return 0;
    long number = kind == 'S' ? ++syncs : ++writes;
    if (!wish || wish[0] != kind || atol(wish + 1) != number) return 0;
    errno = kind == 'S' ? EIO : ENOSPC;
    return 1;
}

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < FDS_MAX) watched[fd] = (unsigned char)file_of(path);
    return fd;
}

static int is_watched(int fd) { return fd >= 0 && fd < FDS_MAX && watched[fd] != NOT_WATCHED; }

#define OPEN(name)                                               \
    int name(const char *path, int flags, ...) {                 \
        REAL(int, #name, const char *, int, ...);                \
        va_list arguments;                                       \
        va_start(arguments, flags);                              \
        int mode = va_arg(arguments, int);                       \
        va_end(arguments);                                       \
        return opened(real(path, flags, mode), path);            \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                             \
    int name(int dir, const char *path, int flags, ...) {        \
        REAL(int, #name, int, const char *, int, ...);           \
        va_list arguments;                                       \
        va_start(arguments, flags);                              \
        int mode = va_arg(arguments, int);                       \
        va_end(arguments);                                       \
        return opened(real(dir, path, flags, mode), path);       \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    REAL(int, "close", int);
    if (fd >= 0 && fd < FDS_MAX) watched[fd] = NOT_WATCHED;
    return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!is_watched(fd)) return real_write(fd, bytes, length);
    pthread_mutex_lock(&lock);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t written = fails('W', watched[fd]) ? -1 : real_write(fd, bytes, length);
    if (written > 0) record('W', watched[fd], (uint64_t)at, bytes, (uint32_t)written);
    pthread_mutex_unlock(&lock);
    return written;
}

#define PWRITE(name, offset_type)                                                     \
    ssize_t name(int fd, const void *bytes, size_t length, offset_type at) {          \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type);                 \
        if (!is_watched(fd)) return real(fd, bytes, length, at);                      \
        pthread_mutex_lock(&lock);                                                    \
        ssize_t written = fails('W', watched[fd]) ? -1 : real(fd, bytes, length, at); \
        if (written > 0) record('W', watched[fd], (uint64_t)at, bytes, (uint32_t)written); \
        pthread_mutex_unlock(&lock);                                                  \
        return written;                                                               \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define FTRUNCATE(name, size_type)                                                    \
    int name(int fd, size_type size) {                                                \
        REAL(int, #name, int, size_type);                                             \
        if (!is_watched(fd)) return real(fd, size);                                   \
        pthread_mutex_lock(&lock);                                                    \
        int result = real(fd, size);                                                  \
        if (result == 0) record('T', watched[fd], (uint64_t)size, NULL, 0);           \
        pthread_mutex_unlock(&lock);                                                  \
        return result;                                                                \
    }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

#define SYNC(name)                                                                    \
    int name(int fd) {                                                                \
        REAL(int, #name, int);                                                        \
        if (!is_watched(fd)) return real(fd);                                         \
        pthread_mutex_lock(&lock);                                                    \
        int result = fails('S', watched[fd]) ? -1 : real(fd);                         \
        if (result == 0) record('S', watched[fd], 0, NULL, 0);                        \
        pthread_mutex_unlock(&lock);                                                  \
        return result;                                                                \
    }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    int file = file_of(path);
    if (file == NOT_WATCHED) return real(path);
    pthread_mutex_lock(&lock);
    int result = real(path);
    if (result == 0) record('U', file, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

/* What the recorder does not understand, a watched file must not be written with. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    if (is_watched(fd)) abort();
    return real(fd, parts, count);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (file_of(from) != NOT_WATCHED || file_of(to) != NOT_WATCHED) abort();
    return real(from, to);
}
