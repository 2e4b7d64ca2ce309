// SPDX-License-Identifier: Apache-2.0
// The pages of Cloud Run's front end (contract cloud-run.md §1).
#include "guard/guard.h"

typedef struct page page;
struct page {
    int status;
    const char *text;
    const char *before; // the sentence, around the path when there is an `after`
    const char *after;
};

static const page pages[] = {
    {400, "Bad Request", "Your client has issued a malformed or illegal request.", NULL},
    {401, "Unauthorized", "Your client does not have permission to the requested URL ", "."},
    {403, "Forbidden", "Your client does not have permission to get URL ", " from this server."},
    {404, "Page not found", "The requested URL ", " was not found on this server."},
    {413, "Request Entity Too Large", "Your client issued a request that was too large.", NULL},
    {429, "Too Many Requests", "Rate exceeded.", NULL},
    {500, "Server Error",
     "The server encountered an error and could not complete your request.<p>Please try again in "
     "30 seconds.",
     NULL},
    {503, "Server Error",
     "The service you requested is not available yet.<p>Please try again in 30 seconds.", NULL},
    {504, "Gateway Timeout", "The request has been terminated because it reached its time limit.",
     NULL},
};

static const page *find(int status)
{
    static const page other = {0, "Server Error", "The server could not complete your request.",
                               NULL};
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        if (pages[i].status == status)
            return &pages[i];
    return &other;
}

void guard_page(int status, str path, buf *out)
{
    const page *p = find(status);
    buf_addf(out,
             "\n<html><head>\n"
             "<meta http-equiv=\"content-type\" content=\"text/html;charset=utf-8\">\n"
             "<title>%d %s</title>\n"
             "</head>\n"
             "<body text=#000000 bgcolor=#ffffff>\n"
             "<h1>Error: %s</h1>\n"
             "<h2>%s",
             status, p->text, p->text, p->before);
    if (p->after) {
        buf_addz(out, "<code>");
        markup_escape(out, path);
        buf_addf(out, "</code>%s", p->after);
    }
    buf_addz(out, "</h2>\n<h2></h2>\n</body></html>\n");
}
