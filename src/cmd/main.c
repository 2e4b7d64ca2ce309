// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "cmd/cmd.h"

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); // a reader that went away is an error of write, not our end
    return cmd_main(argc - 1, (const char *const *)argv + 1, stdout, stderr);
}
