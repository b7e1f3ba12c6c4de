/*
 * A disk that is slow, fails or lies, for one process: preloaded (LD_PRELOAD), it stands in for the C library's flushes
 * and positioned writes of files below one folder. What it does is said by a control file, which is read at each call, so
 * that it changes without a restart:
 *
 *   (no file)   what it would do anyway
 *   slow MS     a flush takes so many milliseconds longer
 *   fail        the next flush fails with EIO and takes the control file away: those after it would succeed
 *   lie         writes and flushes are done, says the disk, and nothing gets there
 *
 * DISK_FOLDER: absolute path of the folder, without links. DISK_CONTROL: path of the control file. DISK_CALLS: path of a
 * file to which each call of a flush adds a line: what the disk did (well, slow, fail, lie), the call, the file.
 *
 * A lying disk keeps no bytes: our voters read a file only before they first write to it, so that nobody can tell them
 * from bytes in a cache, and a process that dies leaves what power-off would leave. It keeps no state either, so that any
 * thread may call it. What it replaces it reaches by system call; 64-bit Linux.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum what { WELL, SLOW, FAIL, LIE };

static const char *const NAMES[] = {"well", "slow", "fail", "lie"};

/* Whether that file is below the folder; its path is left in the buffer. */
static int is_ours(int fd, char path[PATH_MAX]) {
    const char *folder = getenv("DISK_FOLDER");
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (folder == NULL || length < 0) {
        return 0;
    }
    path[length] = '\0';
    size_t prefix = strlen(folder);
    return strncmp(path, folder, prefix) == 0 && (path[prefix] == '/' || path[prefix] == '\0');
}

/* What the control file says; milliseconds only where it is slow. */
static enum what told(long *ms) {
    const char *control = getenv("DISK_CONTROL");
    FILE *file = control == NULL ? NULL : fopen(control, "re");
    char word[16] = "";
    *ms = 0;
    if (file != NULL) {
        if (fscanf(file, "%15s %ld", word, ms) < 1) {
            word[0] = '\0';
        }
        fclose(file);
    }
    for (int what = SLOW; what <= LIE; what++) {
        if (strcmp(word, NAMES[what]) == 0) {
            return what;
        }
    }
    return WELL;
}

static void count(enum what what, const char *call, const char *path) {
    const char *calls = getenv("DISK_CALLS");
    int fd = calls == NULL ? -1 : open(calls, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd >= 0) {
        dprintf(fd, "%s %s %s\n", NAMES[what], call, path);
        close(fd);
    }
}

static int flush(int fd, long number, const char *call) {
    char path[PATH_MAX];
    long ms;
    if (!is_ours(fd, path)) {
        return (int) syscall(number, fd);
    }
    enum what what = told(&ms);
    count(what, call, path);
    if (what == FAIL) {
        unlink(getenv("DISK_CONTROL"));
        errno = EIO;
        return -1;
    }
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (what == SLOW && nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
    return what == LIE ? 0 : (int) syscall(number, fd);
}

int fsync(int fd) {
    return flush(fd, SYS_fsync, "fsync");
}

int fdatasync(int fd) {
    return flush(fd, SYS_fdatasync, "fdatasync");
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    char path[PATH_MAX];
    long ms;
    if (is_ours(fd, path) && told(&ms) == LIE) {
        return (ssize_t) length;
    }
    return syscall(SYS_pwrite64, fd, bytes, length, at);
}
