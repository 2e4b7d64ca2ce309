// SPDX-License-Identifier: Apache-2.0
// segment: the files of a spool, "audit-00000001.jsonl" and on, and the form of their lines:
//
//   {"n":17,"prev":"<SHA-256 of the line before, base64url>","entry":{…}}
//
// n counts from 1 over all files; the line before the first is taken as 32 zero bytes.
#pragma once

#include "audit/audit.h"

enum {
    SEGMENT_NAME_MAX = 32,
    SEGMENT_HASH_LEN = 43,
    // The frame around an entry, at most.
    SEGMENT_FRAME_BYTES = 128,
    SEGMENT_LINE_BYTES_MAX = AUDIT_LINE_BYTES_MAX + SEGMENT_FRAME_BYTES,
};

typedef VEC(uint32_t) segment_list;

// Numbers of the files in the folder, ascending. A missing folder has none. AUDIT_SPOOL.
CODE_CHECKED segment_list_read(const char *dir, segment_list *ret_list, err *e);
void segment_path(buf *out, const char *dir, uint32_t number);
// Opens for reading; the descriptor, or -1 with errno.
int segment_open(const char *dir, uint32_t number);

// ---- lines

typedef struct segment_link segment_link;
struct segment_link {
    uint64_t n;
    char hash[SEGMENT_HASH_LEN + 1]; // of the line with number n
};
// The link before the first line.
segment_link segment_link_first(void);
// The hash of a line, without its newline, becomes link->hash; link->n grows by one.
void segment_link_next(segment_link *link, str line);

// The parts of a line, without its newline; false when it hasn't the form above.
bool segment_line_parse(str line, uint64_t *ret_n, str *ret_prev, str *ret_entry);

// ---- reading lines

typedef struct segment_reader segment_reader;
struct segment_reader {
    int fd; // owned; -1: none
    buf bytes;
    size_t at;        // of the next line in bytes
    uint32_t line_no; // of the line just returned, 1-based
};
void segment_reader_init(segment_reader *r, int fd);
void segment_reader_deinit(segment_reader *r);

typedef enum segment_read {
    SEGMENT_LINE,   // *ret_line, without its newline, is valid until the next call
    SEGMENT_END,    // nothing more yet; what is there of an unfinished line is kept
    SEGMENT_LONG,   // a line is longer than any of ours
    SEGMENT_FAILED, // errno
} segment_read;
segment_read segment_reader_next(segment_reader *r, str *ret_line);
// Bytes of an unfinished last line.
size_t segment_reader_torn(const segment_reader *r);
