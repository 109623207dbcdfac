"""Downloads from https addresses, within bounds of size, time and place.

The address of a picture may come from a list that somebody else wrote, and must not lead into the
user's own network. So a host's name is looked up once, all that it stands for is checked, and the
connection goes to one of the checked places, at every redirect anew. Proxies are not used for it:
behind one, nobody here knows where an address leads.
"""

import functools
import hashlib
import http.client
import ipaddress
import itertools
import socket
import ssl
import string
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import quote, urlsplit, urlunsplit

from tqdm import tqdm

from stylelib._utils.checks import one_line, shortened, without_user

#: Largest file that is downloaded, in bytes.
MAX_DOWNLOAD = 64 * 2**20
MAX_KNOWN = 128 * 2**20  # of those whose hash is known
MAX_SILENCE = 20.0  # seconds without a byte
MAX_SECONDS = 120.0  # for all of it, redirects included

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def download(address):
    """Fetch what lies at an https address.

    Parameters
    ----------
    address : str

    Returns
    -------
    bytes
        At most `MAX_DOWNLOAD` of them. What the server says of their type is not believed.

    Raises
    ------
    ValueError
        For an address that is not https, that is not public, that leads to such a one, or that
        holds a user's name; for a server that is silent for `MAX_SILENCE`, is not done after
        `MAX_SECONDS`, breaks off or answers with an error; and for a larger file.

    Examples
    --------
    >>> download("http://example.org/picture.png")
    Traceback (most recent call last):
    ...
    ValueError: cannot read http://example.org/picture.png: expected an address that starts with https://
    """
    name = shortened(address)
    if not _is_https(address):
        raise ValueError(f"cannot read {name}: expected an address that starts with https://")
    if without_user(address) != address:
        raise ValueError(f"cannot read {name}: expected an address without a user and a password")
    try:
        with _opener().open(_quoted(address), timeout=MAX_SILENCE) as answer:
            large = (answer.length or 0) > MAX_DOWNLOAD
            data = b"" if large else answer.read(MAX_DOWNLOAD + 1)
            missing = answer.length or 0
    except Exception as error:  # an address can be wrong in many ways, and so can an answer
        raise ValueError(f"cannot read {name}: {one_line(error)}") from error
    if large or len(data) > MAX_DOWNLOAD:
        raise ValueError(f"cannot read {name}: expected at most {MAX_DOWNLOAD >> 20} MiB")
    if missing:
        expected = f"expected {len(data) + missing:,} bytes, got {len(data):,}"
        raise ValueError(f"cannot read {name}: {expected}")
    return data


def download_known(address, md5):
    """Fetch a file whose hash is known, from an address that no user can choose.

    By what way it comes does not matter then, so proxies are used as the environment says. On a
    terminal a bar shows how far it is.

    Parameters
    ----------
    address : str
    md5 : str

    Returns
    -------
    bytes
        At most `MAX_KNOWN` of them.

    Raises
    ------
    ValueError
        Where something else comes.
    OSError, http.client.HTTPException
        Where nothing comes, or nothing more for `MAX_SILENCE`, or a redirect leaves https.

    Examples
    --------
    >>> download_known("data:,style", "a1b01e734b573fca08eb1a65e6df9a38")
    b'style'
    """
    opener = urllib.request.build_opener(_HttpsOnly())
    with opener.open(address, timeout=MAX_SILENCE) as answer:
        name, size = address.rpartition("/")[2], getattr(answer, "length", None)
        silent = None if sys.stderr else True  # None: where it is no terminal
        bar = tqdm.wrapattr(answer, "read", size, desc=name, disable=silent, leave=False)
        with bar as file:
            parts = iter(functools.partial(file.read, 2**20), b"")
            data = b"".join(itertools.islice(parts, MAX_KNOWN >> 20))
    found = hashlib.md5(data).hexdigest()  # noqa: S324
    if found != md5:
        raise ValueError(f"expected a file with MD5 {md5}, got {found} of {len(data):,} bytes")
    return data


def is_public(place):
    """Tell whether an IP address belongs to the internet and to no network within.

    Examples
    --------
    >>> [is_public(place) for place in ("8.8.8.8", "192.168.0.1", "169.254.1.1", "::1")]
    [True, False, False, False]
    """
    ip = ipaddress.ip_address(place)
    if ip.version == 6:
        # A network without IPv4 gives every other host an address in 64:ff9b::/96, which Python
        # takes for reserved; 2002:7f00:1:: leads to 127.0.0.1.
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        ip = inner or ip
    site_local = getattr(ip, "is_site_local", False)  # fec0::/10, which only IPv6 has
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or site_local)


def _is_https(address):
    return address[:8].lower() == "https://"


def _quoted(address):
    """Write an address as people copy it, umlauts and all, the way servers want it."""
    parts = urlsplit(address)
    safe = string.punctuation
    return urlunsplit(
        parts._replace(
            netloc=parts.netloc.encode("idna").decode(),
            path=quote(parts.path, safe=safe),
            query=quote(parts.query, safe=safe),
        )
    )


def _opener():
    """Open https and nothing else: no proxies, and none of urllib's other schemes."""
    context = ssl.create_default_context()
    context.sslsocket_class = _Socket
    opener = urllib.request.OpenerDirector()
    for handler in (
        _Https(context, time.monotonic() + MAX_SECONDS),
        _HttpsOnly(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follow a redirect only where it stays on https."""

    def redirect_request(self, request, file, code, message, headers, address):
        if not _is_https(address):
            file.close()
            raise urllib.error.URLError(f"it leads to {shortened(address)}, which is not https")
        return super().redirect_request(request, file, code, message, headers, address)


class _Https(urllib.request.HTTPSHandler):
    """Hand the deadline to every connection."""

    def __init__(self, context, deadline):
        super().__init__(context=context)
        self.connection = functools.partial(_Connection, context=context, deadline=deadline)

    def https_open(self, request):
        request.add_header("User-Agent", "stylelib")
        return self.do_open(self.connection, request)


class _Connection(http.client.HTTPSConnection):
    """Connect to no place but a checked one; the certificate is that of the name."""

    def __init__(self, host, *, context, deadline, **options):
        super().__init__(host, context=context, **options)
        self.context, self.deadline = context, deadline

    def connect(self):
        plain = _connect(self.host, self.port, self.deadline)
        self.sock = self.context.wrap_socket(plain, server_hostname=self.host)
        self.sock.deadline = self.deadline


class _Socket(ssl.SSLSocket):
    """A socket that enforces the deadline on every read.

    `http.client` reads the headers, and would wait for ever for a server that sends a byte of them
    now and then.
    """

    def recv_into(self, *arguments):
        self.settimeout(_seconds_left(self.deadline))
        return super().recv_into(*arguments)


def _connect(host, port, deadline):
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    places = list(dict.fromkeys(info[4][0] for info in found))
    for place in places:
        if not is_public(place):
            raise OSError(f"{host} is at {place}, which is no public address")
    for place in places:
        try:
            return socket.create_connection((place, port), _seconds_left(deadline))
        except OSError as error:
            last = error
    raise last


def _seconds_left(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"expected an answer within {MAX_SECONDS:g} seconds")
    return min(left, MAX_SILENCE)
