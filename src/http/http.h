// SPDX-License-Identifier: Apache-2.0
// http: messages, the HTTP/1.1 server, and the pool of connections to an upstream (RFC 9110, 9112).
//
// Invariants
// - One parser, strict on both sides (threat 10): what it lets through has one reading. Names and
//   values that arrive hold no CR, LF or NUL; those that leave are checked for the same.
// - Everything that a peer controls has a limit in bytes, in count and in time (threat 13).
// - Strings of a message live as long as its exchange or call.
// - No callback runs inside the function that registered or caused it.
#pragma once

#include "base/base.h"
#include "http/http_message.h"
#include "http/http_server.h"
#include "http/http_upstream.h"
