/* The functions of glibc that Debian's libstdc++ and libgcc_s need and musl lacks. */
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

char __libc_single_threaded = 0;

/* Destructors of thread-local objects: not called, because the tests end the process. */
int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *library) {
  (void)destructor;
  (void)object;
  (void)library;
  return 0;
}

size_t __strftime_l(char *text, size_t size, const char *format, const struct tm *time, void *locale) {
  (void)locale;
  return strftime(text, size, format, time);
}

uint32_t arc4random(void) {
  uint32_t number = 0;
  return getrandom(&number, sizeof number, 0) == sizeof number ? number : (uint32_t)random();
}

/* What libgcc knows of the processor: nothing. */
struct {
  unsigned vendor, type, subtype, features[4];
} __cpu_model;

int __cpu_indicator_init(void) {
  return 0;
}

/* Where the tables for exceptions of the library with an address are: struct dl_find_object of glibc. */
struct found {
  unsigned long long flags;
  void *start, *end;
  struct link_map *map;
  void *exception_tables;
  unsigned long long reserved[7];
};

struct search {
  uintptr_t address;
  struct found *found;
};

static int check_library(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  struct search *search = data;
  uintptr_t first = UINTPTR_MAX, last = 0;
  void *tables = NULL;
  int has_address = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t start = info->dlpi_addr + header->p_vaddr, end = start + header->p_memsz;
    if (header->p_type == PT_GNU_EH_FRAME) tables = (void *)start;
    if (header->p_type != PT_LOAD) continue;
    if (start < first) first = start;
    if (end > last) last = end;
    if (search->address >= start && search->address < end) has_address = 1;
  }
  if (!has_address || !tables) return 0;
  memset(search->found, 0, sizeof *search->found);
  search->found->start = (void *)first;
  search->found->end = (void *)last;
  search->found->exception_tables = tables;
  return 1;
}

int _dl_find_object(void *address, struct found *found) {
  struct search search = { (uintptr_t)address, found };
  return dl_iterate_phdr(check_library, &search) ? 0 : -1;
}
