// SPDX-License-Identifier: Apache-2.0
#include "audit/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "jose/jose.h"

#define PREFIX STR("audit-")
#define SUFFIX STR(".jsonl")
enum { READ_BYTES = 256 << 10 };

static bool number_of(const char *name, uint32_t *ret_number)
{
    str s = str_from(name);
    uint64_t n;
    if (!str_starts(s, PREFIX) || !str_ends(s, SUFFIX) ||
        !str_to_u64(str_sub(s, PREFIX.len, s.len - SUFFIX.len), &n) || n == 0 || n > UINT32_MAX)
        return false;
    *ret_number = (uint32_t)n;
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

code segment_list_read(const char *dir, segment_list *ret_list, err *e)
{
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? OK : err_sys(e, AUDIT_SPOOL, errno, "%s", dir);
    const struct dirent *entry;
    while ((entry = readdir(d))) {
        uint32_t number;
        if (number_of(entry->d_name, &number))
            vec_push(ret_list, number);
    }
    closedir(d);
    if (ret_list->len)
        qsort(ret_list->ptr, ret_list->len, sizeof *ret_list->ptr, by_number);
    return OK;
}

void segment_path(buf *out, const char *dir, uint32_t number)
{
    buf_addf(out, "%s/audit-%08u.jsonl", dir, number);
}

int segment_open(const char *dir, uint32_t number)
{
    buf path;
    buf_init(&path, SIZE_MAX / 2);
    segment_path(&path, dir, number);
    int fd = open(buf_cstr(&path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int saved = errno;
    buf_deinit(&path);
    errno = saved;
    return fd;
}

static void set_hash(segment_link *link, const unsigned char digest[JOSE_SHA256_BYTES])
{
    buf text;
    buf_init(&text, SEGMENT_HASH_LEN);
    base64url_encode(&text, (str){(const char *)digest, JOSE_SHA256_BYTES});
    memcpy(link->hash, buf_cstr(&text), SEGMENT_HASH_LEN + 1);
    buf_deinit(&text);
}

segment_link segment_link_first(void)
{
    segment_link link = {0};
    set_hash(&link, (const unsigned char[JOSE_SHA256_BYTES]){0});
    return link;
}

void segment_link_next(segment_link *link, str line)
{
    unsigned char digest[JOSE_SHA256_BYTES];
    jose_sha256(line, digest);
    set_hash(link, digest);
    link->n++;
}

static bool take(str *s, str literal)
{
    if (!str_starts(*s, literal))
        return false;
    *s = str_skip(*s, literal.len);
    return true;
}

bool segment_line_parse(str line, uint64_t *ret_n, str *ret_prev, str *ret_entry)
{
    ssize_t comma = str_chr(line, ',');
    if (comma < 0 || !take(&line, STR("{\"n\":")))
        return false;
    size_t digits = (size_t)comma - strlen("{\"n\":");
    if (!str_to_u64(str_sub(line, 0, digits), ret_n))
        return false;
    line = str_skip(line, digits);
    if (!take(&line, STR(",\"prev\":\"")) || line.len < SEGMENT_HASH_LEN)
        return false;
    *ret_prev = str_sub(line, 0, SEGMENT_HASH_LEN);
    line = str_skip(line, SEGMENT_HASH_LEN);
    if (!take(&line, STR("\",\"entry\":{")) || !str_ends(line, STR("}}")))
        return false;
    *ret_entry = (str){line.ptr - 1, line.len};
    return true;
}

void segment_reader_init(segment_reader *r, int fd)
{
    *r = (segment_reader){.fd = fd};
    buf_init(&r->bytes, SEGMENT_LINE_BYTES_MAX + READ_BYTES);
}

void segment_reader_deinit(segment_reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    buf_deinit(&r->bytes);
}

size_t segment_reader_torn(const segment_reader *r)
{
    return r->bytes.len - r->at;
}

segment_read segment_reader_next(segment_reader *r, str *ret_line)
{
    for (size_t searched = 0;;) {
        str rest = str_skip(buf_str(&r->bytes), r->at);
        ssize_t newline = str_chr(str_skip(rest, searched), '\n');
        if (newline >= 0) {
            *ret_line = str_sub(rest, 0, searched + (size_t)newline);
            r->at += ret_line->len + 1;
            r->line_no++;
            return SEGMENT_LINE;
        }
        if (rest.len > SEGMENT_LINE_BYTES_MAX)
            return SEGMENT_LONG;
        searched = rest.len;
        buf_consume(&r->bytes, r->at);
        r->at = 0;
        ssize_t got;
        do
            got = read(r->fd, buf_reserve(&r->bytes, READ_BYTES), READ_BYTES);
        while (got < 0 && errno == EINTR);
        if (got <= 0)
            return got == 0 ? SEGMENT_END : SEGMENT_FAILED;
        r->bytes.len += (size_t)got;
    }
}
