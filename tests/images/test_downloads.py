"""Downloads: from real servers on this machine, over real TLS."""

import socket
import ssl
import time

import numpy as np
import pytest
import trustme
from PIL import Image

from stylelib.images import downloads as urls
from stylelib.images.load import load_image
from tests import slow
from tools.malformed import encoded

PICTURE = encoded(Image.linear_gradient("L").resize((9, 6)), "PNG")


@pytest.fixture
def this_machine(monkeypatch):
    """Let 127.0.0.1 pass for public. There is no setting that does this outside tests."""
    is_public = urls.is_public
    monkeypatch.setattr(urls, "is_public", lambda place: place == "127.0.0.1" or is_public(place))


@pytest.fixture
def tls(serve, tmp_path, monkeypatch):
    """Serve over TLS, with an authority that only this test trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "pictures.example").configure_cert(context)
    return lambda answers: serve(answers, context)


@pytest.fixture
def https(tls, this_machine):
    return tls


def answer(body, length=None, kind=None):
    """Answer with a body, and with headers that need not fit it."""

    def respond(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        if kind:
            request.send_header("Content-Type", kind)
        request.end_headers()
        request.wfile.write(body)

    return respond


def redirect(address):
    def respond(request):
        request.send_response(302)
        request.send_header("Location", address)
        request.end_headers()

    return respond


class TestAnswers:
    def test_a_picture_is_downloaded(self, https):
        address = https({"/picture": PICTURE})
        np.testing.assert_array_equal(load_image(address + "/picture"), load_image(PICTURE))

    def test_capitals_and_blanks_around_an_address(self, https):
        address = https({"/picture": PICTURE, "/moved": redirect("/picture")})
        port = address.rpartition(":")[2]
        for written in (f"HTTPS://127.0.0.1:{port}/picture", f" {address}/picture\n"):
            assert load_image(written).shape == (6, 9, 3)
        address = https({"/moved": redirect(f"HTTPS://127.0.0.1:{port}/picture")})
        assert load_image(address + "/moved").shape == (6, 9, 3)

    def test_a_long_address_is_repeated_in_short(self, https):
        address = https({"/moved": redirect("http://a/" + "b" * 5000)})
        for path in ("/gone" + "e" * 5000, "/moved"):
            with pytest.raises(ValueError, match="cannot read https://") as caught:
                load_image(address + path)
            assert len(str(caught.value)) < 250

    def test_what_came_is_believed_and_not_what_it_is_called(self, https):
        address = https(
            {
                "/a.html": answer(PICTURE, kind="text/html"),
                "/b.png": answer(b"<html>no</html>", kind="image/png"),
            }
        )
        assert load_image(address + "/a.html").shape == (6, 9, 3)
        with pytest.raises(ValueError, match=r"/b\.png: expected a picture"):
            load_image(address + "/b.png")

    def test_a_missing_one_is_named(self, https):
        with pytest.raises(ValueError, match=r"cannot read https://.*/gone: Not Found"):
            load_image(https({}) + "/gone")

    @pytest.mark.parametrize("length", [None, 2**50])
    def test_a_large_one_is_refused(self, length, https, monkeypatch):
        monkeypatch.setattr(urls, "MAX_DOWNLOAD", 2**20)

        def endless(request):
            request.send_response(200)
            if length:
                request.send_header("Content-Length", str(length))
            request.end_headers()
            request.wfile.write(bytes(2**20 + 1))

        with pytest.raises(ValueError, match="/large: expected at most 1 MiB"):
            load_image(https({"/large": endless}) + "/large")

    def test_an_answer_that_breaks_off_is_refused(self, https):
        # The picture is whole, but the server promised more: nobody knows what is missing.
        address = https({"/half": answer(PICTURE, len(PICTURE) + 9)})
        with pytest.raises(ValueError, match=f"/half: expected {len(PICTURE) + 9} bytes, got"):
            load_image(address + "/half")

    def test_umlauts_and_spaces_are_sent_as_servers_want_them(self, https):
        address = https({"/sch%C3%B6n%20b%41.png?%C3%BC": PICTURE})
        assert load_image(address + "/schön b%41.png?ü").shape == (6, 9, 3)
        assert urls._quoted("https://schön.example:8443/a") == "https://xn--schn-7qa.example:8443/a"


class TestTime:
    @pytest.mark.parametrize(
        "part", slow.params(["headers", "body", "chunks"], lambda part: part != "body")
    )
    def test_a_byte_now_and_then_does_not_hold_us_for_ever(self, part, https, monkeypatch):
        monkeypatch.setattr(urls, "MAX_SECONDS", 0.5)

        def drip(request):
            start = {
                "headers": "HTTP/1.1 200 OK\r\nX: ",
                "body": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
                "chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            }[part]
            try:
                request.wfile.write(start.encode())
                while True:
                    request.wfile.write(b"0")
                    time.sleep(0.05)
            except OSError:
                pass  # the client has gone

        address = https({"/drip": drip}) + "/drip"
        start = time.monotonic()
        with pytest.raises(ValueError, match="/drip: .*(within 0.5 seconds|timed out)"):
            load_image(address)
        assert time.monotonic() - start < 5

    def test_a_silent_server_is_given_up(self, this_machine, monkeypatch):
        monkeypatch.setattr(urls, "MAX_SILENCE", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with pytest.raises(ValueError, match="timed out"):
                load_image(f"https://127.0.0.1:{port}/a.png")


class TestPlaces:
    def test_only_https(self, serve):
        address = serve({"/picture": b""})
        for bad in (address + "/picture", "ftp://host/a.png", "file:///etc/passwd"):
            with pytest.raises(ValueError, match="starts with https://"):
                load_image(bad)

    def test_an_unknown_certificate_is_refused(self, https, monkeypatch):
        address = https({"/picture": PICTURE})
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(ValueError, match="CERTIFICATE_VERIFY_FAILED"):
            load_image(address + "/picture")

    @pytest.mark.parametrize(
        "address", ["https://[", "https://a b/c.png", "https://", "https://a:b"]
    )
    def test_a_broken_address_is_named(self, address):
        with pytest.raises(ValueError, match="cannot read https://"):
            load_image(address)

    def test_this_machine_is_refused(self, tls):
        address = tls({"/picture": PICTURE})
        with pytest.raises(ValueError, match=r"127.0.0.1 is at 127.0.0.1, which is no public"):
            load_image(address + "/picture")

    @pytest.mark.parametrize(
        "place",
        ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
         "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1%eth0",
         "fc00::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
         "2001:db8::1"],
    )  # fmt: skip
    def test_places_that_are_not_public(self, place):
        assert not urls.is_public(place)

    @pytest.mark.parametrize("place", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
    def test_places_that_are(self, place):
        assert urls.is_public(place)

    def test_one_private_address_among_public_ones_is_refused(self, monkeypatch):
        stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        found = [(*stream, (place, 443)) for place in ("8.8.8.8", "10.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
        with pytest.raises(ValueError, match=r"host.example is at 10.0.0.1, which is no public"):
            load_image("https://host.example/a.png")

    def test_the_connection_goes_to_the_place_that_was_checked(self, https, monkeypatch):
        # A host that resolves to a public place when checked and to a private one afterwards.
        address = https({"/picture": PICTURE})
        look_up, asked = socket.getaddrinfo, []

        def change(host, *arguments, **options):
            if host != "pictures.example":
                return look_up(host, *arguments, **options)
            asked.append(host)
            place = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
            return look_up(place, *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", change)
        address = address.replace("127.0.0.1", "pictures.example")
        assert load_image(address + "/picture").shape == (6, 9, 3)
        assert asked == ["pictures.example"]

    def test_of_several_places_the_first_that_answers(self, https, monkeypatch):
        address = https({"/picture": PICTURE}).replace("127.0.0.1", "pictures.example")
        look_up, connect = socket.getaddrinfo, socket.create_connection

        def two(host, *arguments, **options):
            places = ["8.8.8.8", "127.0.0.1"] if host == "pictures.example" else [host]
            return [found for place in places for found in look_up(place, *arguments, **options)]

        def refuse(place, timeout):
            if place[0] == "8.8.8.8":
                raise ConnectionRefusedError(111, "Connection refused")
            return connect(place, timeout)

        monkeypatch.setattr(socket, "getaddrinfo", two)
        monkeypatch.setattr(socket, "create_connection", refuse)
        assert load_image(address + "/picture").shape == (6, 9, 3)
        with pytest.raises(ValueError, match="cannot read https://8.8.8.8/a.png: .*refused"):
            load_image("https://8.8.8.8/a.png")

    def test_a_late_start_is_too_late(self, https, monkeypatch):
        monkeypatch.setattr(urls, "MAX_SECONDS", 0.0)
        with pytest.raises(ValueError, match="expected an answer within 0 seconds"):
            load_image(https({"/picture": PICTURE}) + "/picture")

    def test_proxies_are_not_asked(self, https, monkeypatch):
        monkeypatch.delenv("no_proxy")
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        assert load_image(https({"/picture": PICTURE}) + "/picture").shape == (6, 9, 3)


class TestRedirects:
    def test_on_https_it_is_followed(self, https):
        address = https({"/moved": redirect("/picture"), "/picture": PICTURE})
        assert load_image(address + "/moved").shape == (6, 9, 3)

    @pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
    def test_it_must_stay_on_https(self, scheme, https):
        address = https({"/moved": redirect(f"{scheme}://127.0.0.1/picture")})
        with pytest.raises(ValueError, match=f"/moved: .*({scheme}://.*not https|not allowed)"):
            load_image(address + "/moved")

    def test_it_must_not_lead_into_a_private_network(self, https):
        address = https({"/moved": redirect("https://169.254.169.254/latest/meta-data")})
        with pytest.raises(ValueError, match=r"/moved: 169.254.169.254 is at .* no public address"):
            load_image(address + "/moved")

    def test_a_circle_ends(self, https):
        address = https({"/moved": redirect("/moved")})
        with pytest.raises(ValueError, match="/moved: .*redirect"):
            load_image(address + "/moved")
