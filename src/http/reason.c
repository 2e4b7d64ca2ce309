// SPDX-License-Identifier: Apache-2.0
// The reason phrases of the IANA registry of status codes.
#include "http/http_message.h"

static const char *const informational[] = {"Continue", "Switching Protocols", "Processing",
                                            "Early Hints"};
static const char *const successful[] = {"OK",
                                         "Created",
                                         "Accepted",
                                         "Non-Authoritative Information",
                                         "No Content",
                                         "Reset Content",
                                         "Partial Content",
                                         "Multi-Status",
                                         "Already Reported"};
static const char *const redirection[] = {
    "Multiple Choices",  "Moved Permanently", "Found", "See Other",
    "Not Modified",      "Use Proxy",         "",      "Temporary Redirect",
    "Permanent Redirect"};
static const char *const client_error[] = {
    [0] = "Bad Request",
    [1] = "Unauthorized",
    [2] = "Payment Required",
    [3] = "Forbidden",
    [4] = "Not Found",
    [5] = "Method Not Allowed",
    [6] = "Not Acceptable",
    [7] = "Proxy Authentication Required",
    [8] = "Request Timeout",
    [9] = "Conflict",
    [10] = "Gone",
    [11] = "Length Required",
    [12] = "Precondition Failed",
    [13] = "Content Too Large",
    [14] = "URI Too Long",
    [15] = "Unsupported Media Type",
    [16] = "Range Not Satisfiable",
    [17] = "Expectation Failed",
    [21] = "Misdirected Request",
    [22] = "Unprocessable Content",
    [23] = "Locked",
    [24] = "Failed Dependency",
    [25] = "Too Early",
    [26] = "Upgrade Required",
    [28] = "Precondition Required",
    [29] = "Too Many Requests",
    [31] = "Request Header Fields Too Large",
    [51] = "Unavailable For Legal Reasons",
};
static const char *const server_error[] = {
    [0] = "Internal Server Error",
    [1] = "Not Implemented",
    [2] = "Bad Gateway",
    [3] = "Service Unavailable",
    [4] = "Gateway Timeout",
    [5] = "HTTP Version Not Supported",
    [6] = "Variant Also Negotiates",
    [7] = "Insufficient Storage",
    [8] = "Loop Detected",
    [11] = "Network Authentication Required",
};

static const struct {
    const char *const *reasons;
    size_t len;
} classes[] = {
    [1] = {informational, ARRAY_LEN(informational)}, [2] = {successful, ARRAY_LEN(successful)},
    [3] = {redirection, ARRAY_LEN(redirection)},     [4] = {client_error, ARRAY_LEN(client_error)},
    [5] = {server_error, ARRAY_LEN(server_error)},
};

const char *http_reason(int status)
{
    if (status < 100 || status > 599)
        return "";
    size_t class = (size_t)status / 100, i = (size_t)status % 100;
    const char *reason = i < classes[class].len ? classes[class].reasons[i] : NULL;
    return reason ? reason : "";
}
