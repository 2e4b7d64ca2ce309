// SPDX-License-Identifier: Apache-2.0
// The main of a fuzz target outside the fuzzer: feeds it every file of the folders named on the
// command line, so that the test suite replays seeds and past findings under the sanitizers.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return false;
    buf b;
    buf_init(&b, 16 << 20);
    char part[65536];
    for (size_t n; (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(&b, part, n);
    fclose(in);
    LLVMFuzzerTestOneInput((const uint8_t *)buf_cstr(&b), b.len);
    buf_deinit(&b);
    return true;
}

int main(int argc, char **argv)
{
    size_t seeds = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *d; (d = readdir(dir));) {
            buf path;
            buf_init(&path, 4096);
            buf_addf(&path, "%s/%s", argv[i], d->d_name);
            if (d->d_name[0] != '.' && replay(buf_cstr(&path)))
                seeds++;
            buf_deinit(&path);
        }
        closedir(dir);
    }
    printf("%zu seeds replayed, %zu times to a success\n", seeds, fuzz_accepted);
    return fuzz_accepted ? 0 : 1; // seeds that are all refused test little
}
