/*
 * A libSystem for tests on any system: answers the calls of netpane from files and from the processes that those files
 * name. `fake_open` sets the folder of the tables. Its kernel control answers each request, then has the datagram in the file
 * `statistics` of the folder, if there is one, and then loses some (ENOBUFS). Each process of another uid than 501 hides its descriptors.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "xnu.h"

#define OWN_UID 501
#define MAX_SOCKETS 4096
#define START_SECONDS 1700000000

struct fake_socket {
  uint64_t so;
  int32_t pid;
  uint32_t uid;
};

static char folder[512];
static struct fake_socket sockets[MAX_SOCKETS];
static int socket_count, growing, denied;

/* Reads the TCP table: which process used each socket last. */
static void read_sockets(void) {
  char path[600];
  snprintf(path, sizeof path, "%s/net.inet.tcp.pcblist_n", folder);
  FILE *file = fopen(path, "rb");
  static uint8_t bytes[1 << 22];
  size_t length = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  if (file) fclose(file);
  socket_count = 0;
  for (size_t at = sizeof(struct xinpgen); at + 8 <= length;) {
    struct xsocket_n *socket = (struct xsocket_n *)(bytes + at);
    if (socket->xso_len <= sizeof(struct xinpgen)) break;
    if (socket->xso_kind == 1 && socket_count < MAX_SOCKETS)
      sockets[socket_count++] = (struct fake_socket){ socket->xso_so, socket->so_last_pid, socket->so_uid };
    at += (socket->xso_len + 7) / 8 * 8;
  }
}

/* Sets the folder. A table has grown at the first `tries` reads of it; `denial` is the errno of every read, 0 for none. */
void fake_open(const char *path, int tries, int denial) {
  snprintf(folder, sizeof folder, "%s", path);
  growing = tries;
  denied = denial;
  read_sockets();
}

static struct fake_socket *socket_of(int pid) {
  for (int i = 0; i < socket_count; i++)
    if (sockets[i].pid == pid) return &sockets[i];
  return NULL;
}

static int fail(int error, int result) {
  errno = error;
  return result;
}

int sysctlbyname(const char *name, void *old, size_t *length, void *new, size_t new_length) {
  (void)new;
  (void)new_length;
  uint32_t value = strcmp(name, "kern.argmax") == 0                   ? 1 << 16
                   : strcmp(name, "net.inet.tcp.now_init") == 0        ? 1000
                   : strcmp(name, "net.inet.tcp.microuptime_init") == 0 ? 2000000
                                                                       : 0;
  if (value != 0) {
    memcpy(old, &value, 4);
    *length = 4;
    return 0;
  }
  if (denied) return fail(denied, -1);
  char path[600];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) return fail(ENOENT, -1);
  fseek(file, 0, SEEK_END);
  size_t size = ftell(file);
  rewind(file);
  if (!old) {
    /* XNU adds an eighth (bsd/netinet/in_pcblist.c). */
    *length = size + size / 8;
  } else if (growing > 0 || *length < size) {
    growing--;
    fclose(file);
    return fail(ENOMEM, -1);
  } else {
    *length = fread(old, 1, size, file);
  }
  fclose(file);
  return 0;
}

int sysctl(int *name, unsigned count, void *old, size_t *length, void *new, size_t new_length) {
  (void)new;
  (void)new_length;
  if (count == 4 && name[0] == 1 && name[1] == 14 && name[2] == 1) {
    struct kinfo_proc process = { .p_starttime_sec = START_SECONDS + name[3], .p_starttime_usec = 250000 };
    process.p_pid = name[3];
    if (*length < sizeof process) return fail(ENOMEM, -1);
    *length = socket_of(name[3]) ? sizeof process : 0;
    memcpy(old, &process, *length);
    return 0;
  }
  struct fake_socket *socket = count == 3 && name[0] == 1 && name[1] == 49 ? socket_of(name[2]) : NULL;
  if (!socket || socket->uid != OWN_UID) return fail(EINVAL, -1);
  static const char text[] = "/Applications/Fake.app/Contents/MacOS/fake\0\0\0\0\0fake\0--serve\0all day\0HOME=/";
  int32_t arguments = 3;
  memcpy(old, &arguments, 4);
  memcpy((char *)old + 4, text, sizeof text);
  *length = 4 + sizeof text;
  return 0;
}

int proc_listpids(uint32_t type, uint32_t info, void *buffer, int size) {
  (void)type;
  (void)info;
  int32_t *pids = buffer;
  int count = 0;
  for (int i = 0; i < socket_count && (count + 1) * 4 <= size; i++) {
    if (sockets[i].pid != 0 && socket_of(sockets[i].pid) == &sockets[i]) pids[count++] = sockets[i].pid;
  }
  return count * 4;
}

int proc_pidinfo(int pid, int flavor, uint64_t argument, void *buffer, int size) {
  (void)argument;
  struct fake_socket *socket = socket_of(pid);
  if (!socket) return fail(ESRCH, 0);
  if (flavor == 13) {
    struct proc_bsdshortinfo info = { .pbsi_pid = pid, .pbsi_ppid = 1, .pbsi_pgid = pid, .pbsi_uid = socket->uid };
    snprintf(info.pbsi_comm, sizeof info.pbsi_comm, "fake");
    memcpy(buffer, &info, sizeof info);
    return sizeof info;
  }
  if (flavor != 1 || socket->uid != OWN_UID) return fail(EPERM, 0);
  struct proc_fdinfo *descriptors = buffer;
  int count = 0;
  descriptors[count++] = (struct proc_fdinfo){ 0, 1 };
  for (int i = 0; i < socket_count && (count + 1) * (int)sizeof *descriptors <= size; i++)
    if (sockets[i].pid == pid) descriptors[count++] = (struct proc_fdinfo){ i + 10, 2 };
  return count * sizeof *descriptors;
}

int proc_pidfdinfo(int pid, int fd, int flavor, void *buffer, int size) {
  struct fake_socket *socket = fd >= 10 && fd < socket_count + 10 ? &sockets[fd - 10] : NULL;
  if (!socket || socket->pid != pid || flavor != 3 || size < (int)sizeof(struct socket_fdinfo)) return fail(EBADF, 0);
  struct socket_fdinfo info;
  memset(&info, 0, sizeof info);
  info.psi.soi_so = socket->so;
  memcpy(buffer, &info, sizeof info);
  return sizeof info;
}

int proc_pidpath(int pid, void *buffer, uint32_t size) {
  if (!socket_of(pid)) return fail(ESRCH, 0);
  return snprintf(buffer, size, "/Applications/Fake.app/Contents/MacOS/fake-%d", pid);
}

uint64_t clock_gettime_nsec_np(int clock) {
  (void)clock;
  return 60ull * 1000000000ull;
}

const char *user_from_uid(uint32_t uid, int no_number) {
  (void)no_number;
  return uid == OWN_UID ? "ada" : uid == 0 ? "root" : NULL;
}

char *if_indextoname(unsigned index, char *name) {
  snprintf(name, 16, "utun%u", index);
  return name;
}

int mach_timebase_info(uint32_t *fraction) {
  fraction[0] = 125;
  fraction[1] = 3;
  return 0;
}

#define CONTROL 7
#define MAX_ANSWERS 8
static uint64_t answers[MAX_ANSWERS];
static int answer_count, received;

int socket(int domain, int type, int protocol) {
  answer_count = received = 0;
  return domain == 32 && type == 2 && protocol == 2 ? CONTROL : fail(EINVAL, -1);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  struct ctl_info *info = va_arg(arguments, struct ctl_info *);
  va_end(arguments);
  if (fd != CONTROL || request != (0xc0000000ul | sizeof *info << 16 | 'N' << 8 | 3)) return fail(EINVAL, -1);
  if (strcmp(info->ctl_name, "com.apple.network.statistics") != 0) return fail(ENOENT, -1);
  info->ctl_id = 42;
  return 0;
}

int connect(int fd, const struct sockaddr_ctl *address, uint32_t length) {
  int is_right = fd == CONTROL && length == sizeof *address && address->sc_len == length && address->sc_family == 32 &&
                 address->ss_sysaddr == 2 && address->sc_id == 42 && address->sc_unit == 0;
  return is_right ? 0 : fail(EINVAL, -1);
}

int setsockopt(int fd, int level, int option, const void *value, uint32_t length) {
  (void)value;
  return fd == CONTROL && level == 0xffff && option == 0x1002 && length == 4 ? 0 : fail(EINVAL, -1);
}

long send(int fd, const struct nstat_msg_add_all_srcs *request, size_t length, int flags) {
  int is_right = fd == CONTROL && flags == 0x80 && length == sizeof *request && request->hdr.length == length &&
                 request->hdr.type == 1002 && request->filter == 0x100000 && answer_count < MAX_ANSWERS;
  if (!is_right) return fail(EINVAL, -1);
  answers[answer_count++] = request->hdr.context;
  return length;
}

long recv(int fd, void *buffer, size_t length, int flags) {
  if (fd != CONTROL || flags != 0x80) return fail(EINVAL, -1);
  if (answer_count > 0) {
    struct nstat_msg_hdr answer = { .context = answers[--answer_count], .type = 0, .length = sizeof answer };
    memcpy(buffer, &answer, sizeof answer);
    return sizeof answer;
  }
  if (received > 1) return fail(EAGAIN, -1);
  if (received++ == 1) return fail(ENOBUFS, -1);
  char path[600];
  snprintf(path, sizeof path, "%s/statistics", folder);
  FILE *file = fopen(path, "rb");
  if (!file) return fail(EAGAIN, -1);
  size_t size = fread(buffer, 1, length, file);
  fclose(file);
  return size;
}

int close(int fd) {
  return fd == CONTROL ? 0 : fail(EBADF, -1);
}
