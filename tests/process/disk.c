/* Stands between a process and its disk: kills at a chosen system call, drops syncs, keeps a trace.
 *
 * Only files whose path contains the watched word are meant. Built by tests/process/disk.py and
 * loaded with LD_PRELOAD. Trace records: op, path id, offset, length, then the bytes of a write.
 * op: 'w' write, 't' truncate, 's' sync that reached the disk, 'l' sync that was lost, 'p' path.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define PATHS_MAX 64

static char word[256];
static long kill_at = 0;
static long calls = 0;
static int trace = -1;
static int lose_percent = 0;
static uint64_t dice = 1;
static char paths[PATHS_MAX][512];
static int path_count = 0;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);

__attribute__((constructor)) static void find(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
}

void disk_watch(const char *part) { snprintf(word, sizeof word, "%s", part); }
void disk_kill_at(long number) { kill_at = number; calls = 0; }
long disk_calls(void) { return calls; }
void disk_trace(int fd) { trace = fd; }
void disk_lose(int percent, uint64_t seed) { lose_percent = percent; dice = seed * 2654435761u + 1; }

static int drawn(int percent) {
  dice ^= dice << 13; dice ^= dice >> 7; dice ^= dice << 17;
  return (int)(dice % 100) < percent;
}

static void put(char op, int id, int64_t offset, int64_t length, const void *data) {
  char head[24] = {0};
  if (trace < 0) return;
  head[0] = op;
  memcpy(head + 4, &id, 4);
  memcpy(head + 8, &offset, 8);
  memcpy(head + 16, &length, 8);
  if (real_write(trace, head, sizeof head) < 0) _exit(91);
  if (data && length && real_write(trace, data, (size_t)length) < 0) _exit(91);
}

/* Return the id of the watched file behind fd, or -1. */
static int meant(int fd) {
  char link[64], path[512];
  ssize_t size;
  int id;
  if (!word[0]) return -1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return -1;
  path[size] = 0;
  if (!strstr(path, word) || strstr(path, ".trace")) return -1;
  for (id = 0; id < path_count; id++)
    if (!strcmp(paths[id], path)) return id;
  if (path_count == PATHS_MAX) _exit(92);
  strcpy(paths[path_count], path);
  put('p', path_count, 0, size, path);
  return path_count++;
}

/* An odd number dies before the call, an even one after it. */
static void boundary(void) {
  calls++;
  if (kill_at && calls == kill_at) raise(SIGKILL);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t at) {
  int id = meant(fd);
  ssize_t done;
  if (id < 0) return real_pwrite(fd, data, size, at);
  boundary();
  done = real_pwrite(fd, data, size, at);
  if (done > 0) put('w', id, at, done, data);
  boundary();
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

ssize_t write(int fd, const void *data, size_t size) {
  int id = meant(fd);
  off_t at;
  ssize_t done;
  if (id < 0) return real_write(fd, data, size);
  boundary();
  at = lseek(fd, 0, SEEK_CUR);
  done = real_write(fd, data, size);
  if (done > 0) put('w', id, at, done, data);
  boundary();
  return done;
}

static int synced(int fd, int (*real)(int)) {
  int id = meant(fd), done = 0;
  if (id < 0) return real(fd);
  boundary();
  if (lose_percent && drawn(lose_percent)) {
    put('l', id, 0, 0, 0);
  } else {
    done = real(fd);
    put('s', id, 0, 0, 0);
  }
  boundary();
  return done;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

int ftruncate64(int fd, off_t size) {
  int id = meant(fd), done;
  if (id < 0) return real_ftruncate(fd, size);
  boundary();
  done = real_ftruncate(fd, size);
  put('t', id, size, 0, 0);
  boundary();
  return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
