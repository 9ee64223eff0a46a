"""An app that never comes to an end."""

import http.server
import threading


def ticks(case):
    """An app whose answer goes on as long as somebody listens."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            while not over.wait(0.05):
                try:
                    self.wfile.write(b"4\r\ntick\r\n")
                except OSError:
                    return

        def log_message(self, *_):
            pass

    over = threading.Event()
    server = http.server.ThreadingHTTPServer((case.host, 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.at_the_end(server.shutdown)
    case.at_the_end(over.set)
    return "{}:{}".format(*server.server_address)
