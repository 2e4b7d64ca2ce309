// SPDX-License-Identifier: Apache-2.0
// data: the forms that configuration and payloads come in. JSON and YAML are read into one tree
// (data_json.h), so that one set of readers serves both and every complaint about a value names
// its path, file, line and column. The room knows nothing of what the values mean.
#pragma once

#include "data/data_csv.h"
#include "data/data_file.h"
#include "data/data_json.h"
#include "data/data_options.h"
#include "data/data_suggest.h"
#include "data/data_write.h"
#include "data/data_yaml.h"
