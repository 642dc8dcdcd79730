#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
How the bench takes packages from an archive that moves: a tiny one is made here, served on
127.0.0.1, and changed under its feet. TAP on standard output; no other network is used.

    archive_test.py [NAME]      only tests with that in their name
"""

import functools
import gzip
import hashlib
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

BENCH = pathlib.Path(__file__).resolve().parent
SUITES = ("trixie", "trixie-backports", "bookworm")
COMPONENTS = ("main", "contrib", "non-free", "non-free-firmware")


def tried():
    """{what: (suite, package, version)} of the file "versions"."""
    lines = (BENCH / "versions").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {what: (suite, *taken.split("=")) for what, suite, taken in rows}


def name_of(what):
    """guest/PACKAGE is a package of another suite than the one without guest/."""
    return what.rpartition("/")[2]


TRIED = tried()
IMAGE = TRIED["linux-image-amd64"]
SOURCE = TRIED["linux-source"]
GUEST = [taken for what, taken in TRIED.items() if what.startswith("guest/")]
NEW = "99.1"


def run(*command, **kwargs):
    return subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **kwargs,
    )


def must(*command, **kwargs):
    done = run(*command, **kwargs)
    if done.returncode:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, root):
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=root))
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        del self.headers["If-Modified-Since"]  # two of its versions are of one second
        super().do_GET()

    def log_message(self, *_args):  # pylint: disable=arguments-differ
        pass


class Machine:
    """An archive, and a machine whose apt has it as its mirror."""

    def __init__(self, folder, keys):
        self.folder = folder
        self.root = folder / "www/debian"
        self.cache = folder / "cache"
        self.keys = keys
        self.binaries = {suite: {} for suite in SUITES}
        self.sources = {suite: "" for suite in SUITES}
        self.components = COMPONENTS
        self.root.mkdir(parents=True)
        self.server = Server(folder / "www")
        url = f"http://127.0.0.1:{self.server.server_port}/debian/"
        (folder / "sources").mkdir()
        (folder / "sources/machine.list").write_text(f"deb {url} trixie main\n")
        (folder / "apt.conf").write_text(
            'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::parts "/dev/null";\n'
            f'Dir::Etc::sourceparts "{folder}/sources";\nDir::State "{folder}/state";\n'
        )
        parts = self.cache / "apt/etc/apt.conf.d"
        parts.mkdir(parents=True)
        (parts / "test").write_text('Acquire::Retries "0";\n')
        for what, (suite, package, version) in TRIED.items():
            if what == "qemu":
                continue
            self.add(suite, package, version)
            if package != name_of(what):
                self.add(suite, name_of(what), version, depends=package)
        self.add("trixie", "base-files", "1", more="Essential: yes\nPriority: required\n")
        self.add_source(*TRIED["qemu"])
        self.publish()

    def add(self, suite, package, version, depends="", more=""):
        """A package; that of the kernel's source has a source."""
        tree = self.folder / "deb"
        (tree / "DEBIAN").mkdir(parents=True)
        control = (
            f"Package: {package}\nVersion: {version}\nArchitecture: all\n"
            f"Maintainer: nobody\nDescription: test\n{more}"
        )
        if depends:
            control += f"Depends: {depends} (= {version})\n"
        (tree / "DEBIAN/control").write_text(control)
        if package.startswith("linux-source-"):
            (tree / "usr/src/linux").mkdir(parents=True)
            (tree / "usr/src/linux/README").write_text(version)
            tar = tree / f"usr/src/{package}.tar.xz"
            must("tar", "-C", tree / "usr/src", "-cJf", tar, "linux")
            shutil.rmtree(tree / "usr/src/linux")
        path = f"pool/{package}_{version.replace(':', '%3a')}_all.deb"
        (self.root / "pool").mkdir(exist_ok=True)
        must("dpkg-deb", "-b", "-Znone", tree, self.root / path)
        shutil.rmtree(tree)
        self.binaries[suite][package, version] = f"{control}{self.listed(path)}\n"

    def listed(self, path):
        data = (self.root / path).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        return f"Filename: {path}\nSize: {len(data)}\nSHA256: {digest}\n"

    def add_source(self, suite, package, version):
        name = f"{package}_{version.partition(':')[2]}"
        stanza = f"Package: {package}\nFormat: 1.0\nBinary: {package}\nVersion: {version}\n"
        stanza += "Architecture: any\nMaintainer: nobody\nDirectory: pool\nChecksums-Sha256:\n"
        for file in (f"{name}.dsc", f"{name}.tar.gz"):
            data = file.encode()
            (self.root / "pool" / file).write_bytes(data)
            stanza += f" {hashlib.sha256(data).hexdigest()} {len(data)} {file}\n"
        self.sources[suite] += stanza + "\n"

    def remove(self, what):
        suite, package, version = TRIED[what]
        del self.binaries[suite][package, version]

    def publish(self):
        for suite in SUITES:
            dists = self.root / "dists" / suite
            sums = ""
            for component in self.components:
                main = component in ("main", "contrib")
                for path, text in (
                    ("binary-amd64/Packages", "".join(self.binaries[suite].values())),
                    ("source/Sources", self.sources[suite]),
                ):
                    file = dists / component / f"{path}.gz"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    data = (text if main else "").encode()
                    packed = gzip.compress(data)
                    file.write_bytes(packed)
                    name = file.relative_to(dists)
                    for name, data in ((name, packed), (name.with_suffix(""), data)):
                        sums += f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}\n"
            date = time.strftime("%a, %d %b %Y %H:%M:%S UTC", time.gmtime())
            release = (
                f"Origin: Debian\nSuite: {suite}\nCodename: {suite}\nDate: {date}\n"
                f"Architectures: amd64 all\nComponents: {' '.join(self.components)}\nSHA256:\n{sums}"
            )
            (dists / "Release").write_text(release)
            (dists / "InRelease").unlink(missing_ok=True)
            self.keys.sign(dists / "Release", dists / "InRelease")

    def env(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith("BENCH_")}
        return {
            **env,
            "APT_CONFIG": str(self.folder / "apt.conf"),
            "BENCH_KEYRING": str(self.keys.public),
            "NVKM_VGPU_CACHE": str(self.cache),
            "no_proxy": "127.0.0.1",
            **more,
        }

    def script(self, name, *args, **more):
        return run(BENCH / name, *args, env=self.env(**more))

    def take(self, what, **more):
        lists = "apt_of_guest; apt_lists" if TRIED[what] in GUEST else "apt_lists"
        command = f'. "$0/lib.sh"; . "$0/apt.sh"; {lists}; apt_take "$1"'
        return run("bash", "-c", command, BENCH, what, env=self.env(**more))

    def another_day(self):
        """The lists are older than a day, and so is the last failure to fetch them."""
        for pattern in ("apt*/fetched", "apt*/failed"):
            for path in self.cache.glob(pattern):
                os.utime(path, (1, 1))

    def newer_kernel(self, suite=IMAGE[0]):
        name = f"linux-image-{NEW}+deb13-amd64"
        self.add(suite, name, f"{NEW}-1")
        self.add(suite, "linux-image-amd64", f"{NEW}-1", depends=name)
        self.publish()
        return f"{name}={NEW}-1"


class Keys:
    """What the archive is signed with."""

    def __init__(self, folder):
        self.home = folder / "gpg"
        self.home.mkdir(mode=0o700)
        self.public = folder / "keyring.gpg"
        self.gpg("--passphrase", "", "--quick-gen-key", "bench", "rsa2048", "sign", "never")
        self.gpg("--output", self.public, "--export")

    def gpg(self, *args):
        must("gpg", "--batch", "--quiet", "--homedir", self.home, *args)

    def sign(self, path, to):
        self.gpg("--clearsign", "--output", to, path)

    def end(self):
        run("gpgconf", "--homedir", self.home, "--kill", "all")


# What is expected


def expect(got, want, what):
    if got != want:
        raise AssertionError(f"{what}\n  got:  {got!r}\n  want: {want!r}")


def taken(done, want, loud=""):
    """It took that, and said no more than one line, which matches."""
    expect(done.returncode, 0, f"exit code\n{done.stderr}")
    expect(done.stdout.splitlines()[-1], want, "taken")
    said = done.stderr.splitlines()
    expect(len(said), 1 if loud else 0, f"lines beside it: {said}")
    if loud and not re.search(loud, said[0]):
        raise AssertionError(f"'{loud}' is not in: {said[0]}")


def refused(done, *parts):
    """One line that names all of these."""
    expect(done.returncode != 0, True, f"it failed\n{done.stdout}")
    said = done.stderr.splitlines()
    expect(len(said), 1, f"lines of error: {said}")
    for part in ("error: ", *parts):
        if part not in said[0]:
            raise AssertionError(f"'{part}' is not in: {said[0]}")


def nothing_in(machine, *patterns):
    left = [path.name for pattern in patterns for path in machine.cache.glob(pattern)]
    expect(left, [], "left in the cache")


# Tests


def test_versions_name_packages(_machine):
    """A line that apt cannot make anything of would be met on a fresh machine only."""
    for what, (suite, package, version) in TRIED.items():
        expect(suite in SUITES, True, f"{what}: suite {suite}")
        expect(package.startswith(name_of(what).removesuffix("-amd64")), True, f"{what}: {package}")
        must("dpkg", "--validate-version", version)
    for prefix in ("", "guest/"):
        image, headers = (TRIED[f"{prefix}linux-{kind}-amd64"] for kind in ("image", "headers"))
        expect(headers, tuple(word.replace("image", "headers") for word in image), "headers")


def test_as_tried(machine):
    machine.newer_kernel()
    taken(machine.take("linux-image-amd64"), "=".join(IMAGE[1:]))


def test_newest_is_said_loudly(machine):
    newest = machine.newer_kernel()
    machine.remove("linux-image-amd64")
    machine.publish()
    loud = rf"\*\*\* linux-image-amd64: wanted {re.escape('='.join(IMAGE[1:]))},.* {re.escape(newest)}"
    taken(machine.take("linux-image-amd64"), newest, loud)


def test_other_version_of_same_name(machine):
    """As a binNMU or a new upload of the same kernel."""
    suite, package, version = SOURCE
    machine.remove("linux-source")
    machine.add(suite, package, f"{version}+b1")
    machine.publish()
    taken(machine.take("linux-source"), f"{package}={version}+b1", r"\*\*\* linux-source: wanted ")


def test_newest_when_asked(machine):
    newest = machine.newer_kernel()
    taken(machine.take("linux-image-amd64", BENCH_NEWEST="1"), newest)
    suite, package, version = TRIED["qemu-system-x86"]
    machine.add(suite, package, f"{version}+u10")
    machine.add(suite, package, f"{version}+u9")
    machine.publish()
    machine.another_day()
    done = machine.take("qemu-system-x86", BENCH_NEWEST="1")
    taken(done, f"{package}={version}+u10")


def test_kernel_by_name(machine):
    machine.add(IMAGE[0], "linux-image-1.2.3+deb13-amd64", "1.2.3-4")
    machine.publish()
    done = machine.take("linux-image-amd64", BENCH_KERNEL="1.2.3+deb13")
    taken(done, "linux-image-1.2.3+deb13-amd64=1.2.3-4")
    done = machine.take("linux-headers-amd64", BENCH_KERNEL="1.2.3+deb13")
    refused(done, "linux-headers-1.2.3+deb13-amd64", "BENCH_KERNEL")
    done = machine.take("linux-image-amd64", BENCH_KERNEL="1.2.3+deb13", BENCH_NEWEST="1")
    refused(done, "BENCH_NEWEST and BENCH_KERNEL=1.2.3+deb13")


def test_guest(machine):
    """Its kernel is of another suite, and not the one that BENCH_KERNEL is about."""
    what, (suite, package, version) = "guest/linux-image-amd64", TRIED["guest/linux-image-amd64"]
    taken(machine.take(what, BENCH_KERNEL="1.2.3+deb13"), f"{package}={version}")
    newest = machine.newer_kernel(suite)
    machine.remove(what)
    machine.publish()
    machine.another_day()
    taken(machine.take(what), newest, rf"\*\*\* {what}: wanted {re.escape(package)}=.* {re.escape(newest)}")


def test_guest_cannot_be_had(machine):
    """The guest's driver is the guest's only: without it all else works."""
    machine.components = ("main", "non-free-firmware")
    machine.publish()
    done = machine.script("mk-guest.sh")
    refused(done, "trixie has no nvidia-open-kernel-dkms")
    machine.components = COMPONENTS
    machine.remove("nvidia-smi")
    machine.publish()
    machine.another_day()
    refused(machine.script("mk-guest.sh"), "no nvidia-smi")
    nothing_in(machine, "guest*")
    taken(machine.take("meson"), "=".join(TRIED["meson"][1:]))


def test_package_is_gone(machine):
    for kernel in ("linux-image-amd64", "linux-source"):
        machine.remove(kernel)
        del machine.binaries[IMAGE[0]][kernel, TRIED[kernel][2]]
    machine.publish()
    refused(machine.take("linux-image-amd64"), "no linux-image-amd64", "=".join(IMAGE[1:]))
    refused(machine.script("mk-rootfs.sh", "host"), "no linux-image-amd64")
    refused(machine.script("mk-kernel.sh", "source"), "no linux-source", SOURCE[1])
    nothing_in(machine, "rootfs-*", "linux*")


def test_lists_once_a_day(machine):
    machine.take("meson")
    machine.server.asked.clear()
    taken(machine.take("meson"), "=".join(TRIED["meson"][1:]))
    expect(machine.server.asked, [], "asked of the mirror on the same day")
    machine.another_day()
    machine.take("meson")
    expect(len(machine.server.asked) > 0, True, "asked on the next")


def test_what_is_there_needs_no_mirror(machine):
    first = machine.script("mk-kernel.sh", "source")
    taken(first, str(machine.cache / SOURCE[1].replace("-source", "")))
    expect((pathlib.Path(first.stdout.split()[-1]) / "README").read_text(), SOURCE[2], "source")
    machine.another_day()
    machine.server.shutdown()
    machine.server.server_close()
    taken(machine.script("mk-kernel.sh", "source"), first.stdout.split()[-1])


def test_unreachable(machine):
    """Without lists one line; with those of yesterday they serve."""
    machine.take("meson")
    machine.server.shutdown()
    machine.server.server_close()
    machine.another_day()
    done = machine.take("meson")
    taken(done, "=".join(TRIED["meson"][1:]))
    lines = [line for line in done.stdout.splitlines() if "trixie-lists: using those of" in line]
    expect(len(lines), 1, "a line that tells of it")
    expect("Could not connect to 127.0.0.1" in lines[0], True, f"why: {lines[0]}")
    expect("trixie-lists" in machine.take("meson").stdout, False, "tried again within an hour")
    refused(machine.script("mk-kernel.sh", "source"), "linux-source", "Failed to fetch", SOURCE[1])
    shutil.rmtree(machine.cache / "apt/lists")
    (machine.cache / "apt/fetched").unlink()
    (machine.cache / "apt/failed").unlink()
    for script in (("mk-rootfs.sh", "host"), ("mk-kernel.sh", "source"), ("mk-qemu.sh", "source")):
        refused(machine.script(*script), "trixie-lists", "Could not connect to 127.0.0.1")
    expect((machine.cache / "apt/fetched").exists(), False, "lists count as fetched")
    nothing_in(machine, "rootfs-*", "linux*", "qemu/src*")


def test_lists_half_updated(machine):
    """A mirror in the middle of its update: the index is not the one that is signed."""
    path = machine.root / "dists" / IMAGE[0] / "main/binary-amd64/Packages.gz"
    data = path.read_bytes()
    path.write_bytes(gzip.compress(gzip.decompress(data) + b"Package: more\n"))
    refused(machine.take("linux-image-amd64"), "trixie-lists", "Failed to fetch", "Packages.gz")
    expect((machine.cache / "apt/fetched").exists(), False, "lists count as fetched")
    path.write_bytes(data)
    taken(machine.take("linux-image-amd64"), "=".join(IMAGE[1:]))


def test_signature_is_looked_at(machine):
    path = machine.root / "dists/trixie/InRelease"
    path.write_text(path.read_text().replace("Origin: Debian", "Origin: somebody"))
    refused(machine.take("meson"), "trixie-lists", "127.0.0.1", "InRelease")


def test_listed_but_missing(machine):
    """The lists are ahead of the pool; when that has come all works."""
    packages = {"mk-kernel.sh": SOURCE[1], "mk-rootfs.sh": "base-files", "mk-qemu.sh": "qemu"}
    pool = machine.root / "pool"
    away = machine.folder / "away"
    pool.rename(away)
    pool.mkdir()
    for script, package in packages.items():
        done = machine.script(script, "host" if script == "mk-rootfs.sh" else "source")
        refused(done, "Failed to fetch", f"/{package}_", "404")
    nothing_in(machine, "rootfs-*", "linux*", "qemu/src*", "qemu/packages")
    pool.rmdir()
    away.rename(pool)
    folder = machine.cache / SOURCE[1].replace("-source", "")
    taken(machine.script("mk-kernel.sh", "source"), str(folder))


def test_wrong_content(machine):
    packages = {"mk-kernel.sh": SOURCE[1], "mk-rootfs.sh": "base-files", "mk-qemu.sh": "qemu"}
    for path in (machine.root / "pool").iterdir():
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    for script, package in packages.items():
        done = machine.script(script, "host" if script == "mk-rootfs.sh" else "source")
        refused(done, "Failed to fetch", f"/{package}_", "Hash Sum mismatch")
    nothing_in(machine, "rootfs-*", "linux*", "qemu/src*", "qemu/packages")


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    tests = [t for n, t in globals().items() if n.startswith("test_") and name in n]
    failed = 0
    print("TAP version 13", flush=True)
    with tempfile.TemporaryDirectory() as top:
        keys = Keys(pathlib.Path(top))
        for number, test in enumerate(tests, 1):
            title = test.__name__[5:]
            folder = pathlib.Path(top) / title
            folder.mkdir()
            try:
                machine = Machine(folder, keys)
                test(machine)
                print(f"ok {number} - {title}", flush=True)
            except AssertionError as error:
                failed += 1
                print(f"not ok {number} - {title}")
                for line in str(error).splitlines():
                    print(f"# {line}", flush=True)
        keys.end()
    print(f"1..{len(tests)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
