// SPDX-License-Identifier: Apache-2.0
// What gcloud has on this machine. Its credentials stay its own: tokens are asked from the program
// (exchange.c), here only its configuration is read.
#pragma once

#include "credential/credential.h"

// $CLOUDSDK_CONFIG, else ~/.config/gcloud; NULL when no home directory is known.
const char *gcloud_config_dir(const credential_options *o, arena *a);
// A property of the active configuration; empty when it isn't set.
str gcloud_property(const credential_options *o, arena *a, const char *section, const char *key);
