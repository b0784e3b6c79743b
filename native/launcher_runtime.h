/* The command line that Node is started with. */
#pragma once

/*
 * Node, its flags, the bundle, and the words given to us, in memory of their own; NULL without memory.
 * The flags keep the heap small, for a process that sleeps; CONTAINERPILOT_MEMORY=small keeps it smaller still.
 */
char** launcher_runtime_arguments(char* runtime, char* bundle, int argc, char** argv);
