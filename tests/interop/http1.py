"""HTTP/1.1 as bytes: the server of the tests, and a peer on a socket."""

import re
import socket

import programs


class Http1Server(programs.Server):
    """http1-server, which prints "ready pid=N port=P"."""

    def __init__(self, *flags):
        super().__init__([programs.binaries() / "http1-server", "--port", "0", *flags], protocol="port")
        self.url = f"http://{self.address}"


class Peer:
    """A connection, over TLS when it is given an ssl.SSLContext; every read has a deadline."""

    def __init__(self, server, seconds=10, tls=None):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        self.seen += data
        return bool(data)

    def read_until(self, mark):
        while mark not in self.seen:
            assert self._more(), f"the connection ended before {mark!r}: {self.seen!r}"
        end = self.seen.index(mark) + len(mark)
        taken, self.seen = self.seen[:end], self.seen[end:]
        return taken

    def read(self, count):
        while len(self.seen) < count:
            assert self._more(), f"the connection ended after {self.seen!r}"
        taken, self.seen = self.seen[:count], self.seen[count:]
        return taken

    def response(self, head_only=False):
        """(status, headers, body) of the next response."""
        lines = self.read_until(b"\r\n\r\n").decode().split("\r\n")
        status = int(re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", lines[0])[1])
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        if status < 200 or status in (204, 304) or head_only:
            return status, headers, b""
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.read_until(b"\r\n"), 16):
                body += self.read(size)
                assert self.read(2) == b"\r\n"
            while line := self.read_until(b"\r\n")[:-2]:
                name, value = line.decode().split(": ", 1)
                headers[f"trailer {name}"] = value
            return status, headers, body
        if "content-length" in headers:
            return status, headers, self.read(int(headers["content-length"]))
        return status, headers, self.rest()

    def rest(self):
        """What comes until the server closes."""
        while self._more():
            pass
        taken, self.seen = self.seen, b""
        return taken

    def is_closed(self):
        return self.rest() == b""
