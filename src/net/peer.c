// SPDX-License-Identifier: Apache-2.0
// Who is at the other end of a stream.
#include "net/stream.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <unistd.h>

static uint16_t read_name(const struct sockaddr_storage *addr, char ret_ip[STREAM_IP_MAX])
{
    if (addr->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;
        uv_ip4_name(v4, ret_ip, STREAM_IP_MAX);
        return ntohs(v4->sin_port);
    }
    if (addr->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;
        uv_ip6_name(v6, ret_ip, STREAM_IP_MAX);
        return ntohs(v6->sin6_port);
    }
    ret_ip[0] = 0;
    return 0;
}

// Asked once, as most streams never need it.
static void read_names(stream *s)
{
    if (s->has_names || !s->io || s->io->type != UV_TCP)
        return;
    s->has_names = true;
    struct sockaddr_storage addr = {0};
    int len = sizeof(addr);
    if (uv_tcp_getpeername((uv_tcp_t *)s->io, (struct sockaddr *)&addr, &len) == 0)
        s->peer_port = read_name(&addr, s->peer_ip);
    addr = (struct sockaddr_storage){0};
    len = sizeof(addr);
    if (uv_tcp_getsockname((uv_tcp_t *)s->io, (struct sockaddr *)&addr, &len) == 0)
        s->local_port = read_name(&addr, s->local_ip);
}

const char *stream_peer_ip(stream *s)
{
    read_names(s);
    return s->peer_ip;
}

uint16_t stream_peer_port(stream *s)
{
    read_names(s);
    return s->peer_port;
}

uint16_t stream_local_port(stream *s)
{
    read_names(s);
    return s->local_port;
}

bool stream_peer_local(stream *s)
{
    str ip = str_from(stream_peer_ip(s));
    return str_starts(ip, STR("127.")) || str_eq(ip, STR("::1")) ||
           str_starts(ip, STR("::ffff:127."));
}

const char *stream_alpn(const stream *s)
{
    return s->tls && s->is_open ? tls_layer_alpn(s->tls) : "";
}

bool stream_is_tls(const stream *s)
{
    return s->tls != NULL;
}

uint64_t stream_resolved_ns(const stream *s)
{
    return s->resolved_ns;
}

uint64_t stream_connected_ns(const stream *s)
{
    return s->connected_ns;
}

void stream_note(stream *s, int status)
{
    if (status < 0 && status > UV_EAI_ADDRFAMILY) // the system's; beyond are libuv's own
        s->broken_by = -status;
}

int stream_errno(const stream *s)
{
    return s->broken_by;
}

// ---- uid ----------------------------------------------------------------------------------------

typedef struct diag_question diag_question;
struct diag_question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 req;
};

// The question for the socket at the other end: its source is our destination.
static bool diag_ask(stream *s, diag_question *q)
{
    struct sockaddr_storage peer = {0}, local = {0};
    int peer_len = sizeof(peer), local_len = sizeof(local);
    uv_tcp_t *tcp = (uv_tcp_t *)s->io;
    if (uv_tcp_getpeername(tcp, (struct sockaddr *)&peer, &peer_len) != 0 ||
        uv_tcp_getsockname(tcp, (struct sockaddr *)&local, &local_len) != 0)
        return false;
    *q = (diag_question){.head = {.nlmsg_len = sizeof(*q),
                                  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                  .nlmsg_flags = NLM_F_REQUEST},
                         .req = {.sdiag_family = (uint8_t)peer.ss_family,
                                 .sdiag_protocol = IPPROTO_TCP,
                                 .idiag_states = ~0U,
                                 .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
    struct inet_diag_sockid *id = &q->req.id;
    if (peer.ss_family == AF_INET) {
        const struct sockaddr_in *from = (struct sockaddr_in *)&peer;
        const struct sockaddr_in *to = (struct sockaddr_in *)&local;
        id->idiag_sport = from->sin_port;
        id->idiag_dport = to->sin_port;
        memcpy(id->idiag_src, &from->sin_addr, sizeof(from->sin_addr));
        memcpy(id->idiag_dst, &to->sin_addr, sizeof(to->sin_addr));
    } else {
        const struct sockaddr_in6 *from = (struct sockaddr_in6 *)&peer;
        const struct sockaddr_in6 *to = (struct sockaddr_in6 *)&local;
        id->idiag_sport = from->sin6_port;
        id->idiag_dport = to->sin6_port;
        memcpy(id->idiag_src, &from->sin6_addr, sizeof(from->sin6_addr));
        memcpy(id->idiag_dst, &to->sin6_addr, sizeof(to->sin6_addr));
    }
    return true;
}

bool stream_peer_uid(stream *s, uid_t *ret_uid)
{
    diag_question q;
    if (!s->io || s->io->type != UV_TCP || !stream_peer_local(s) || !diag_ask(s, &q))
        return false;
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return false;
    union {
        struct nlmsghdr head; // for its alignment
        char bytes[4096];
    } answer;
    ssize_t len = -1;
    if (send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q))
        len = recv(fd, &answer, sizeof(answer), 0); // the kernel has answered within send
    close(fd);
    if (len < (ssize_t)NLMSG_LENGTH(sizeof(struct inet_diag_msg)) ||
        answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return false;
    const struct inet_diag_msg *msg = NLMSG_DATA(&answer.head);
    if (msg->idiag_inode == 0)
        return false; // closed by its owner: the kernel would say root
    *ret_uid = msg->idiag_uid;
    return true;
}
