#define _GNU_SOURCE
#include "launcher_address.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* An IPv4 address is mapped into IPv6. */
struct found {
  char name[IF_NAMESIZE];
  unsigned char bytes[16];
};

enum { ADDRESSES_MAX = 1024 };

static const unsigned char v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static int is_v4(const unsigned char* bytes) { return memcmp(bytes, v4_prefix, sizeof v4_prefix) == 0; }

static int is_loopback(const unsigned char* bytes) {
  return is_v4(bytes) ? bytes[12] == 127 : memcmp(bytes, &in6addr_loopback, 16) == 0;
}

/* By interface name, then by address, as both originals sorted them. */
static int compare(const void* a, const void* b) {
  const struct found *left = a, *right = b;
  int names = strcmp(left->name, right->name);
  return names != 0 ? names : memcmp(left->bytes, right->bytes, sizeof left->bytes);
}

/* What Node's networkInterfaces() shows: of interfaces that are up and running. */
static size_t system_addresses(struct found* all) {
  struct ifaddrs* list;
  size_t count = 0;
  if (getifaddrs(&list) != 0) return 0;
  for (struct ifaddrs* each = list; each != NULL && count < ADDRESSES_MAX; each = each->ifa_next) {
    if (each->ifa_addr == NULL || (each->ifa_flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING)) continue;
    struct found* found = &all[count];
    if (each->ifa_addr->sa_family == AF_INET) {
      memcpy(found->bytes, v4_prefix, sizeof v4_prefix);
      memcpy(found->bytes + 12, &((struct sockaddr_in*)(void*)each->ifa_addr)->sin_addr, 4);
    } else if (each->ifa_addr->sa_family == AF_INET6) {
      memcpy(found->bytes, &((struct sockaddr_in6*)(void*)each->ifa_addr)->sin6_addr, 16);
    } else {
      continue;
    }
    snprintf(found->name, sizeof found->name, "%s", each->ifa_name);
    count++;
  }
  freeifaddrs(list);
  qsort(all, count, sizeof *all, compare);
  return count;
}

static int inside(const unsigned char* bytes, const unsigned char* network, int bits) {
  for (int bit = 0; bit < bits; bit += 8) {
    unsigned mask = bits - bit >= 8 ? 0xff : 0xff00u >> (bits - bit) & 0xff;
    if ((bytes[bit / 8] & mask) != (network[bit / 8] & mask)) return 0;
  }
  return is_v4(bytes) == (is_v4(network) && bits >= 96);
}

static int is_public(const unsigned char* bytes) {
  static const struct {
    unsigned char net[4];
    int bits;
  } private[] = {{{10}, 8}, {{172, 16}, 12}, {{192, 168}, 16}, {{169, 254}, 16}, {{127}, 8}};
  if (!is_v4(bytes)) return 0;
  for (size_t i = 0; i < sizeof private / sizeof *private; i++) {
    unsigned char net[16];
    memcpy(net, v4_prefix, sizeof v4_prefix);
    memcpy(net + 12, private[i].net, 4);
    if (inside(bytes, net, private[i].bits + 96)) return 0;
  }
  return 1;
}

static int read_network(const char* digits, unsigned char network[16]) {
  if (strlen(digits) != 32) return 0;
  for (int i = 0; i < 16; i++)
    if (sscanf(digits + 2 * (size_t)i, "%2hhx", &network[i]) != 1) return 0;
  return 1;
}

enum kind { NAMED, INDEXED, NETWORK, ANY, PUBLIC, UNKNOWN };

struct selector {
  enum kind kind;
  /* Interface, or a network's digits. */
  char text[64];
  /* Family, index, or bits. */
  int number;
  unsigned char network[16];
};

static struct selector read_selector(const char* words) {
  struct selector selector = {UNKNOWN, "", 0, {0}};
  if (strcmp(words, "public") == 0)
    selector.kind = PUBLIC;
  else if (sscanf(words, "any %d", &selector.number) == 1)
    selector.kind = ANY;
  else if (sscanf(words, "named %63s %d", selector.text, &selector.number) == 2)
    selector.kind = NAMED;
  else if (sscanf(words, "indexed %63s %d", selector.text, &selector.number) == 2)
    selector.kind = INDEXED;
  else if (sscanf(words, "network %63s %d", selector.text, &selector.number) == 2 &&
           read_network(selector.text, selector.network))
    selector.kind = NETWORK;
  return selector;
}

static int matches(const struct selector* selector, const struct found* found) {
  switch (selector->kind) {
    case NAMED:
      return strcmp(found->name, selector->text) == 0 && is_v4(found->bytes) == (selector->number == 4);
    case ANY:
      return is_v4(found->bytes) == (selector->number == 4) && !is_loopback(found->bytes);
    case PUBLIC:
      return is_public(found->bytes);
    case NETWORK:
      return inside(found->bytes, selector->network, selector->number);
    default:
      return 0;
  }
}

static const struct found* choose(const struct selector* selector, const struct found* all, size_t count) {
  int index = 0;
  for (size_t i = 0; i < count; i++) {
    if (selector->kind != INDEXED && matches(selector, &all[i])) return &all[i];
    if (selector->kind == INDEXED && strcmp(all[i].name, selector->text) == 0 && index++ == selector->number) return &all[i];
  }
  return NULL;
}

/* As Go prints it: IPv4 with dots, in IPv6 the longest run of zero groups as `::` (RFC 5952). */
static void print(const unsigned char* bytes, char address[ADDRESS_BYTES]) {
  if (is_v4(bytes)) {
    snprintf(address, ADDRESS_BYTES, "%d.%d.%d.%d", bytes[12], bytes[13], bytes[14], bytes[15]);
    return;
  }
  int from = -1, size = 1;
  for (int start = 0; start < 8; start++) {
    int zeros = 0;
    while (start + zeros < 8 && bytes[2 * (start + zeros)] == 0 && bytes[2 * (start + zeros) + 1] == 0) zeros++;
    if (zeros > size) {
      from = start;
      size = zeros;
    }
  }
  char* at = address;
  for (int group = 0; group < 8; group++) {
    if (group == from) {
      at += sprintf(at, "::");
      group += size - 1;
      continue;
    }
    const char* colon = group == 0 || at[-1] == ':' ? "" : ":";
    at += sprintf(at, "%s%x", colon, (unsigned)bytes[2 * group] << 8 | bytes[2 * group + 1]);
  }
}

int address_find(char* const* selectors, size_t count, char address[ADDRESS_BYTES]) {
  struct found* all = NULL;
  size_t known = 0;
  int done = 0;
  for (size_t i = 0; i < count && !done; i++) {
    if (strncmp(selectors[i], "static ", 7) == 0) {
      done = snprintf(address, ADDRESS_BYTES, "%s", selectors[i] + 7) < ADDRESS_BYTES;
      break;
    }
    struct selector selector = read_selector(selectors[i]);
    if (selector.kind == UNKNOWN) break;
    if (all == NULL && (all = calloc(ADDRESSES_MAX, sizeof *all)) == NULL) break;
    if (known == 0) known = system_addresses(all);
    const struct found* found = choose(&selector, all, known);
    if (found != NULL) print(found->bytes, address);
    done = found != NULL;
  }
  free(all);
  return done;
}
