/* What ELF files say about where they can be loaded (elf(5)). */
#pragma once

/*
 * False when the loader of `program` would refuse `library`, or worse, die of it: built for another CPU or C library, or cut
 * short. A refused preload ends the program under musl and, for some files, under glibc too, before anybody could say why.
 * What cannot be told (`program` is a script, or has no interpreter) is no reason.
 */
int launcher_loadable(const char* library, const char* program);
