"""A name server that knows a few IPv4 addresses, and says of all else that it is not there."""

import socket
import struct
import threading

A = 1
NO_SUCH_NAME = 3


class NameServer:
    """Answers over UDP at `address`, from the moment that it is made. `known` may be changed while it runs."""

    def __init__(self, case, host, known):
        self.known = known
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.address = "{}:{}".format(*self._socket.getsockname())
        threading.Thread(target=self._serve, daemon=True).start()
        case.at_the_end(self._socket.close)

    def _serve(self):
        while True:
            try:
                question, source = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(question), source)
            except OSError:
                return

    def _answer(self, question):
        name, at = [], 12
        while question[at]:
            name.append(question[at + 1 : at + 1 + question[at]].decode())
            at += 1 + question[at]
        asked = question[12 : at + 5]
        kind = struct.unpack(">H", question[at + 1 : at + 3])[0]
        address = self.known.get(".".join(name))
        answers = b""
        if address and kind == A:
            # The name is the one at byte 12; it may be kept for a second.
            answers = struct.pack(">HHHIH", 0xC00C, A, 1, 1, 4) + socket.inet_aton(address)
        flags = 0x8180 | (0 if address else NO_SUCH_NAME)
        return question[:2] + struct.pack(">HHHHH", flags, 1, 1 if answers else 0, 0, 0) + asked + answers
