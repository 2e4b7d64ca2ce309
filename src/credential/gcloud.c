// SPDX-License-Identifier: Apache-2.0
#include "credential/gcloud.h"

#include <limits.h>
#include <pwd.h>
#include <unistd.h>

#include "credential/provider.h"
#include "data/data.h"

enum { CONFIG_BYTES_MAX = 256 << 10 };

const char *gcloud_config_dir(const credential_options *o, arena *a)
{
    const char *dir = option_env(o, "CLOUDSDK_CONFIG");
    if (dir)
        return arena_cstr(a, str_from(dir));
    const char *home = option_env(o, "HOME");
    if (!home && !o->getenv) {
        const struct passwd *pw = getpwuid(geteuid());
        home = pw ? pw->pw_dir : NULL;
    }
    return home ? arena_printf(a, "%s/.config/gcloud", home).ptr : NULL;
}

bool program_in_path(const credential_options *o, const char *name)
{
    str path = str_from(option_env(o, "PATH")), dir;
    char file[PATH_MAX];
    while (str_next(&path, ':', &dir)) {
        int n = snprintf(file, sizeof(file), STR_FMT "/%s", STR_ARG(dir), name);
        if (dir.len && n > 0 && (size_t)n < sizeof(file) && access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static str active_name(const credential_options *o, arena *a, const char *dir)
{
    str text;
    const char *name = option_env(o, "CLOUDSDK_ACTIVE_CONFIG_NAME");
    if (name)
        return str_from(name);
    const char *file = arena_printf(a, "%s/active_config", dir).ptr;
    if (access(file, R_OK) == 0 && file_read(a, file, CONFIG_BYTES_MAX, &text, NULL) == OK &&
        str_trim(text).len)
        return str_trim(text);
    return STR("default");
}

// The form is Python's configparser: [section], then `key = value` lines; # and ; begin comments.
static str ini_get(str text, str section, str key)
{
    str line, name, value;
    bool inside = false;
    while (str_next(&text, '\n', &line)) {
        line = str_trim(line);
        if (str_starts(line, STR("[")))
            inside = str_ends(line, STR("]")) && str_eq(str_sub(line, 1, line.len - 1), section);
        else if (inside && str_cut(line, '=', &name, &value) && str_eq(str_trim(name), key))
            return str_trim(value);
    }
    return STR_NONE;
}

str gcloud_property(const credential_options *o, arena *a, const char *section, const char *key)
{
    str text;
    const char *dir = gcloud_config_dir(o, a);
    if (!dir)
        return STR_NONE;
    str name = active_name(o, a, dir);
    const char *file = arena_printf(a, "%s/configurations/config_" STR_FMT, dir, STR_ARG(name)).ptr;
    if (access(file, R_OK) || file_read(a, file, CONFIG_BYTES_MAX, &text, NULL))
        return STR_NONE;
    return ini_get(text, str_from(section), str_from(key));
}
