// SPDX-License-Identifier: Apache-2.0
// gatepost-script: runs the scripts of collections for `gatepost run`, which starts it with a
// socket as stdin and stdout. Not for people: it speaks frames (frame.h) and nothing else.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "js/js.h"
#include "js/lockdown.h"
#include "js/worker.h"

// What the process needs beside the heap's range of small blocks and as much for large ones: its
// code, stacks, frames in both directions.
#define MEMORY_BESIDE_HEAP ((size_t)JS_FRAME_BYTES_MAX * 4)

// Under a sanitizer the leak check would need calls that the lock-down forbids.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:handle_segv=0:use_sigaltstack=0";
}

int main(int argc, char **argv)
{
    uint64_t heap_bytes_max = JS_MEMORY_BYTES_MAX;
    if (argc != 2 || !str_to_u64(str_from(argv[1]), &heap_bytes_max)) {
        fputs("gatepost-script is started by `gatepost run` to run the scripts of a collection.\n",
              stderr);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!lockdown(heap_bytes_max * 2 + MEMORY_BESIDE_HEAP)) {
        perror("gatepost-script: the lock-down failed");
        return EXIT_SYSTEM;
    }
    worker w;
    if (!worker_init(&w, heap_bytes_max))
        return EXIT_SYSTEM;
    frame_add_head(&w.out, FRAME_READY, 2);
    buf_addz(&w.out, "{}");
    int status = worker_flush(&w) ? worker_serve(&w) : 1;
    // The heap of a script may take long to tear down, and nobody waits for it.
    _Exit(status ? EXIT_SYSTEM : EXIT_OK);
}
