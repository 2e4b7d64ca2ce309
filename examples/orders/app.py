#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Orders: a small HTTP API over a SQLite file. It knows nothing of identity: Cloud Run checks that.

  GET    /orders              all orders, newest first (?status=open|paid|shipped)
  POST   /orders              {"item": "tea", "quantity": 2, "unit_cents": 450}
  GET    /orders/ID           one order
  PATCH  /orders/ID           {"status": "paid"}
  DELETE /orders/ID
  GET    /slow?ms=N           answers after N milliseconds
"""
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

STATUSES = ("open", "paid", "shipped")
BODY_BYTES_MAX = 64 * 1024


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Orders:
    """The database; one connection for each thread."""

    def __init__(self, path):
        self.path = path
        self.local = threading.local()
        with self.db() as db:
            db.execute("pragma journal_mode = wal")
            db.execute(
                """create table if not exists orders (
                     id integer primary key autoincrement, -- never that of a deleted order
                     item text not null,
                     quantity integer not null,
                     unit_cents integer not null,
                     status text not null default 'open',
                     created_at text not null default (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')))"""
            )

    def db(self):
        if not hasattr(self.local, "db"):
            self.local.db = sqlite3.connect(self.path, timeout=10)
            self.local.db.row_factory = sqlite3.Row
        return self.local.db

    @staticmethod
    def shown(row):
        order = dict(row)
        order["total_cents"] = order["quantity"] * order["unit_cents"]
        return order

    def list(self, status=None):
        where, args = ("where status = ?", (status,)) if status else ("", ())
        rows = self.db().execute(f"select * from orders {where} order by id desc limit 100", args)
        return [self.shown(row) for row in rows]

    def get(self, order_id):
        row = self.db().execute("select * from orders where id = ?", (order_id,)).fetchone()
        if row is None:
            raise Refused(404, f"there is no order {order_id}")
        return self.shown(row)

    def add(self, body):
        item, quantity, cents = body.get("item"), body.get("quantity", 1), body.get("unit_cents")
        if not isinstance(item, str) or not item.strip():
            raise Refused(400, "item must be a text that isn't empty")
        for name, value, least in (("quantity", quantity, 1), ("unit_cents", cents, 0)):
            if type(value) is not int or not least <= value <= 10**9:
                raise Refused(400, f"{name} must be a whole number of at least {least}")
        with self.db() as db:
            cursor = db.execute(
                "insert into orders (item, quantity, unit_cents) values (?, ?, ?)",
                (item.strip(), quantity, cents),
            )
        return self.get(cursor.lastrowid)

    def change(self, order_id, body):
        if body.get("status") not in STATUSES:
            raise Refused(400, f"status must be one of {', '.join(STATUSES)}")
        with self.db() as db:
            db.execute("update orders set status = ? where id = ?", (body["status"], order_id))
        return self.get(order_id)

    def remove(self, order_id):
        self.get(order_id)
        with self.db() as db:
            db.execute("delete from orders where id = ?", (order_id,))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    server_version = "orders"
    sys_version = ""

    def body(self):
        text = self.headers.get("Content-Length", "0")
        length = int(text) if text.isascii() and text.isdigit() else BODY_BYTES_MAX + 1
        if length > BODY_BYTES_MAX:
            raise Refused(413, f"a body has at most {BODY_BYTES_MAX} bytes")
        try:
            value = json.loads(self.rfile.read(length))
        except ValueError:
            raise Refused(400, "the body must be JSON") from None
        if not isinstance(value, dict):
            raise Refused(400, "the body must be a JSON object")
        return value

    def reply(self, status, value=None):
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if value is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:  # said, so that nobody sends another call into it
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def order_id(self, path):
        text = path.removeprefix("/orders/")
        if not text.isascii() or not text.isdigit() or len(text) > 15:
            raise Refused(404, f"there is no order {text}")
        return int(text)

    def route(self):
        url = urlsplit(self.path)
        query, orders = parse_qs(url.query), self.server.orders
        method = "GET" if self.command == "HEAD" else self.command
        if method == "GET" and url.path == "/slow":
            ms = query.get("ms", ["0"])[0]
            if not ms.isascii() or not ms.isdigit() or len(ms) > 6:
                raise Refused(400, "ms must be a number of milliseconds")
            time.sleep(int(ms) / 1000)
            return self.reply(200, {"slept_ms": int(ms)})
        if url.path == "/orders":
            if method == "GET":
                return self.reply(200, {"orders": orders.list(query.get("status", [None])[0])})
            if method == "POST":
                order = orders.add(self.body())
                return self.reply(201, order)
        elif url.path.startswith("/orders/"):
            order_id = self.order_id(url.path)
            if method == "GET":
                return self.reply(200, orders.get(order_id))
            if method == "PATCH":
                return self.reply(200, orders.change(order_id, self.body()))
            if method == "DELETE":
                orders.remove(order_id)
                return self.reply(204)
        else:
            raise Refused(404, f"there is nothing at {url.path}")
        raise Refused(405, f"{self.command} is not possible here")

    def handle_any(self):
        try:
            self.route()
        except Refused as refused:
            self.close_connection = True  # a body may be left unread
            self.reply(refused.status, {"error": str(refused)})

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any

    def log_message(self, *args):
        pass  # the request log is Cloud Run's


def main():
    data_dir = os.environ.get("DATA_DIR", ".")
    server = ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "8080"))), Handler)
    server.daemon_threads = True
    server.orders = Orders(os.path.join(data_dir, "orders.db"))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    sys.exit(main())
