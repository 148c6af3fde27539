/* A disk that keeps only what was synced. Preloaded into the hub, it copies a file of POWERCUT_ROOT, or the list of
 * a folder's entries, into POWERCUT_SHADOW at the moment it is synced; disk.rs builds from these copies what a machine
 * finds after its power was cut. The real sync is left out: nothing here depends on it.
 *
 *   f-<inode>-<birth>   content of a file as of its last sync
 *   d-<inode>-<birth>   entries of a folder as of its last sync: "f <inode>-<birth> <name>" or "d ..." per line
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_uint made;

/* The birth tells a file from a later one that was given the same inode. */
static int key_of(int folder, const char *name, int flags, char *key, size_t size, mode_t *mode) {
    struct statx found;
    if (statx(folder, name, flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) return -1;
    snprintf(key, size, "%llu-%lld.%09u", (unsigned long long)found.stx_ino, (long long)found.stx_btime.tv_sec,
             found.stx_btime.tv_nsec);
    *mode = found.stx_mode;
    return 0;
}

static int copy_file(int from, int to) {
    static const size_t CHUNK = 1 << 18;
    char *bytes = malloc(CHUNK);
    off_t at = 0;
    ssize_t got = -1;
    while (bytes && (got = pread(from, bytes, CHUNK, at)) > 0) {
        for (ssize_t put = 0, n; put < got; put += n)
            if ((n = write(to, bytes + put, got - put)) < 0) { free(bytes); return -1; }
        at += got;
    }
    free(bytes);
    return got == 0 ? 0 : -1;
}

static int copy_entries(int folder, int to) {
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = again < 0 ? NULL : fdopendir(again);
    if (!entries) return -1;
    struct dirent *entry;
    while ((entry = readdir(entries))) {
        char key[64];
        mode_t mode;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        /* Gone since it was read: as well as never there. */
        if (key_of(folder, entry->d_name, 0, key, sizeof key, &mode) != 0) continue;
        dprintf(to, "%c %s %s\n", S_ISDIR(mode) ? 'd' : 'f', key, entry->d_name);
    }
    closedir(entries);
    return 0;
}

/* One copy at a time: of two that are made at once the older one might be named last, and a disk would have lost again what
 * it had. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int keep_alone(int fd) {
    const char *root = getenv("POWERCUT_ROOT"), *shadow = getenv("POWERCUT_SHADOW");
    char link[64], path[PATH_MAX], key[64], kept[PATH_MAX], part[PATH_MAX];
    mode_t mode;
    if (!root || !shadow) { errno = EIO; return -1; }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return -1;
    path[length] = 0;
    if (strncmp(path, root, strlen(root)) != 0) return 0;
    if (key_of(fd, "", AT_EMPTY_PATH, key, sizeof key, &mode) != 0) return -1;
    int folder = S_ISDIR(mode);
    snprintf(kept, sizeof kept, "%s/%c-%s", shadow, folder ? 'd' : 'f', key);
    snprintf(part, sizeof part, "%s/part-%d-%u", shadow, getpid(), atomic_fetch_add(&made, 1));
    int to = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0) return -1;
    /* Opened again only if it must be: to close a second descriptor of a database would end its locks. */
    int only_written = !folder && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
    int from = only_written ? open(link, O_RDONLY | O_CLOEXEC) : fd;
    int done = folder ? copy_entries(fd, to) : copy_file(from, to);
    if (only_written) close(from);
    close(to);
    /* Whole or not at all: the process may be killed at any line. */
    return done == 0 ? rename(part, kept) : -1;
}

static int keep(int fd) {
    pthread_mutex_lock(&one_at_a_time);
    int kept = keep_alone(fd), why = errno;
    pthread_mutex_unlock(&one_at_a_time);
    errno = why;
    return kept;
}

int fsync(int fd) { return keep(fd); }
int fdatasync(int fd) { return keep(fd); }
