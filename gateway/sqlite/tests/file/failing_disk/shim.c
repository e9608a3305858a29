/* A disk that fails: preloaded into a process, it lets one operation on the database or its log fail, once or from then on.
 *
 * FAIL_DIR       only files in this directory whose names end in ".db" or ".db-wal"
 * FAIL_KIND      write, short (half is written, the rest fails), sync, truncate
 * FAIL_AT        which operation of that kind, from 1; 0 for none
 * FAIL_ERRNO     with which error
 * FAIL_FOR_GOOD  1 if all later ones fail too
 * FAIL_WHILE     all writes fail while there is a file of this name
 * FAIL_REPORT    receives "writes syncs truncates failed", rewritten at every operation
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FDS_MAX 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char watched[FDS_MAX];
static long writes, syncs, truncates, failed;

#define REAL(type, name, ...)           \
    static type (*real)(__VA_ARGS__);   \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int is_kind(const char *kind) {
    const char *text = getenv("FAIL_KIND");
    return text && strcmp(text, kind) == 0;
}

static int ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static int opened(int fd, const char *path) {
    const char *dir = getenv("FAIL_DIR");
    int ours = dir && strncmp(path, dir, strlen(dir)) == 0 && (ends_with(path, ".db") || ends_with(path, ".db-wal"));
    if (fd >= 0 && fd < FDS_MAX) watched[fd] = (unsigned char)ours;
    return fd;
}

static int is_watched(int fd) { return fd >= 0 && fd < FDS_MAX && watched[fd]; }

static ssize_t real_pwrite(int fd, const void *bytes, size_t length, off64_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    return real(fd, bytes, length, at);
}

static void report(void) {
    static int fd = -1;
    char text[64];
    if (!getenv("FAIL_REPORT")) return;
    if (fd < 0) {
        REAL(int, "open64", const char *, int, ...);
        fd = real(getenv("FAIL_REPORT"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    }
    int length = snprintf(text, sizeof text, "%-12ld %-12ld %-12ld %-12ld\n", writes, syncs, truncates, failed);
    if (real_pwrite(fd, text, (size_t)length, 0) != length) abort();
}

/* 0: go on; 1: fail; 2: do half of it. */
static int verdict(long count, int kind) {
    long at = number("FAIL_AT");
    if (!kind || at == 0 || count < at) return 0;
    if (is_kind("short") && count == at) return 2;
    long first = is_kind("short") ? at + 1 : at;
    if (count > first && !number("FAIL_FOR_GOOD")) return 0;
    failed++;
    return 1;
}

static int is_full(void) {
    const char *file = getenv("FAIL_WHILE");
    return file && access(file, F_OK) == 0;
}

static int next_write(void) {
    pthread_mutex_lock(&lock);
    writes++;
    int result = is_full() ? 1 : verdict(writes, is_kind("write") || is_kind("short"));
    report();
    pthread_mutex_unlock(&lock);
    return result;
}

static ssize_t refuse(void) {
    errno = (int)number("FAIL_ERRNO");
    return -1;
}

#define OPEN(name)                                  \
    int name(const char *path, int flags, ...) {    \
        REAL(int, #name, const char *, int, ...);   \
        va_list arguments;                          \
        va_start(arguments, flags);                 \
        int mode = va_arg(arguments, int);          \
        va_end(arguments);                          \
        return opened(real(path, flags, mode), path); \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    REAL(int, "close", int);
    if (fd >= 0 && fd < FDS_MAX) watched[fd] = 0;
    return real(fd);
}

#define PWRITE(name, offset_type)                                            \
    ssize_t name(int fd, const void *bytes, size_t length, offset_type at) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type);        \
        if (!is_watched(fd)) return real(fd, bytes, length, at);             \
        int result = next_write();                                           \
        if (result == 1) return refuse();                                    \
        return real(fd, bytes, result == 2 && length > 1 ? length / 2 : length, at); \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (!is_watched(fd)) return real(fd, bytes, length);
    int result = next_write();
    if (result == 1) return refuse();
    return real(fd, bytes, result == 2 && length > 1 ? length / 2 : length);
}

#define SYNC(name)                                        \
    int name(int fd) {                                    \
        REAL(int, #name, int);                            \
        if (!is_watched(fd)) return real(fd);             \
        pthread_mutex_lock(&lock);                        \
        syncs++;                                          \
        int result = verdict(syncs, is_kind("sync"));     \
        report();                                         \
        pthread_mutex_unlock(&lock);                      \
        return result ? (int)refuse() : real(fd);         \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, offset_type)                        \
    int name(int fd, offset_type length) {                 \
        REAL(int, #name, int, offset_type);                \
        if (!is_watched(fd)) return real(fd, length);      \
        pthread_mutex_lock(&lock);                         \
        truncates++;                                       \
        int result = verdict(truncates, is_kind("truncate")); \
        report();                                          \
        pthread_mutex_unlock(&lock);                       \
        return result ? (int)refuse() : real(fd, length);  \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)
