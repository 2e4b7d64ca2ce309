// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"

// A closed standard stream (`gatepost run … >&-`) would give its number to the next socket, which
// then got what is printed. Opened for reading, it still fails every write.
static void keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            abort();
}

int main(int argc, char **argv)
{
    keep_standard_streams();
    signal(SIGPIPE, SIG_IGN); // a reader that went away is an error of write, not our end
    return cmd_main(argc - 1, (const char *const *)argv + 1, stdout, stderr);
}
