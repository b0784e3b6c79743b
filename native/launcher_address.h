/* The address that a service advertises, as src/config/interfaces.ts chooses it. */
#ifndef CONTAINERPILOT_LAUNCHER_ADDRESS_H
#define CONTAINERPILOT_LAUNCHER_ADDRESS_H
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* INET6_ADDRSTRLEN. */
#define ADDRESS_BYTES 46

/*
 * The first address of this network namespace that the first matching selector finds: `named NAME 4|6`, `indexed NAME N`,
 * `network 32-HEX-DIGITS BITS` (IPv4 mapped into IPv6), `any 4|6`, `public`, `static ADDRESS`. False: none, or a selector
 * that is none of these.
 */
int address_find(char* const* selectors, size_t count, char address[ADDRESS_BYTES]);

#ifdef __cplusplus
}
#endif
#endif
