"""Which packages a command installs: apt and its kind, dnf and its kind, zypper, apk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from entrepot.domain.images.shell import UNKNOWN, Variables, commands

_MOST_DEPTH = 4
_MOST_WORD = 600


@dataclass(frozen=True, slots=True)
class Wish:
    """A package as a recipe names it.

    ``manager`` is its family: ``apt``, ``rpm`` or ``apk``.  ``others`` are further ways to read the name: of dnf,
    ``gcc-toolset-12`` may be a name, or a name with a version.
    """

    manager: str
    command: str
    name: str
    version: str = ""
    architecture: str = ""
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Riddle:
    """Something that is installed, and that only a run could name."""

    manager: str
    command: str
    text: str


@dataclass(frozen=True, slots=True)
class _Manner:
    """How a program is spoken to: its verbs, and the options that have a value behind them."""

    manager: str
    verbs: frozenset[str]
    valued: frozenset[str]
    read: Callable[[str, str], Wish | Riddle | None]


_WRAPPERS = frozenset(("sudo", "env", "eatmydata", "nice", "ionice", "nohup", "chroot", "retry", "xargs", "timeout"))
_SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh", "ksh"))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
_VERSION = re.compile(r"[A-Za-z0-9.+:~^_-]+")
_NVR = re.compile(r"(.+)-((?:[0-9]+:)?[0-9][^-]*)-([0-9][^-]*)")
_NV = re.compile(r"(.+)-((?:[0-9]+:)?[0-9][^-]*)")
_ARCHITECTURES = ("x86_64", "aarch64", "noarch", "i686", "ppc64le", "s390x", "i386", "armv7hl")
_FILES = re.compile(r"(?:[./~]|[a-z]+://)|.*\.(?:deb|rpm|apk)\Z", re.DOTALL)


def installed(script: str, variables: Variables, depth: int = 0) -> Iterator[Wish | Riddle]:
    """What a script installs, in its order, once for each time."""
    for words in commands(script, variables):
        yield from _of_command(words, variables, depth)


def _of_command(words: Sequence[str], variables: Variables, depth: int) -> Iterator[Wish | Riddle]:
    for at, word in enumerate(words):
        program = word.rpartition("/")[2]
        if program in _SHELLS and depth < _MOST_DEPTH:
            script = next(iter(_scripts(words[at + 1 :])), None)
            if script is not None:
                yield from installed(script, variables, depth + 1)
            return
        if program in _MANNERS:
            yield from _asked(program, _MANNERS[program], words[at + 1 :])
            return
        if at == 0 and program not in _WRAPPERS:
            return


def _scripts(words: Sequence[str]) -> Iterator[str]:
    """What stands behind ``-c``, also among other letters."""
    for at, word in enumerate(words):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word) and at + 1 < len(words):
            yield words[at + 1]
            return


def _asked(program: str, manner: _Manner, words: Sequence[str]) -> Iterator[Wish | Riddle]:
    plain = list(_plain(words, manner.valued))
    if not plain or plain[0] not in manner.verbs:
        return
    for word in " ".join(plain[1:]).split():
        if _FILES.match(word[:_MOST_WORD]):
            continue
        if UNKNOWN in word or "*" in word or len(word) > _MOST_WORD:
            yield Riddle(manner.manager, program, word.replace(UNKNOWN, "?")[:200])
            continue
        found = manner.read(program, word)
        if found is not None:
            yield found


def _plain(words: Sequence[str], valued: frozenset[str]) -> Iterator[str]:
    """Words that are neither options nor their values."""
    skip = end = False
    for word in words:
        if skip:
            skip = False
        elif word == "--" and not end:
            end = True
        elif word.startswith("-") and not end and len(word) > 1:
            skip = word in valued
        else:
            yield word


def _riddle(manager: str, program: str, word: str) -> Riddle:
    return Riddle(manager, program, word[:200])


def _apt(program: str, word: str) -> Wish | Riddle | None:
    """``name[:arch][=version][/release]``; with a minus at its end it is removed."""
    if word.endswith(("-", "^")):
        return None if word.endswith("-") else _riddle("apt", program, word)
    place, _, version = word.partition("=")
    name, _, architecture = place.partition("/")[0].partition(":")
    return _made("apt", program, name, version.partition("/")[0], "" if architecture == "any" else architecture)


def _dnf(program: str, word: str) -> Wish | Riddle | None:
    """``name``, ``name.arch``, ``name-version``, ``name-version-release.arch``; groups, modules and capabilities."""
    if word.startswith("@") or "(" in word:
        return _riddle("rpm", program, word)
    name, _, version = word.partition("=")
    name, architecture = name.strip("<> "), ""
    for each in _ARCHITECTURES:
        if name.endswith(f".{each}"):
            name, architecture = name.removesuffix(f".{each}"), each
    full, short = _NVR.fullmatch(name), _NV.fullmatch(name)
    others = [(full[1], f"{full[2]}-{full[3]}")] if full else []
    others += [(short[1], short[2])] if short else []
    return _made("rpm", program, name, version.strip(), architecture, tuple(others))


def _zypper(program: str, word: str) -> Wish | Riddle | None:
    """``name``, ``name=version``; others than packages have their kind before a colon."""
    if word.startswith(("-", "~", "!")):
        return None
    name, sign, version = re.fullmatch(r"([^<>=]*)(<=|>=|<|>|=)?(.*)", word.lstrip("+")).groups()  # type: ignore[union-attr]
    kind, _, rest = name.rpartition(":")
    if kind not in ("", "package"):
        return _riddle("rpm", program, word)
    return _made("rpm", program, rest, version if sign == "=" else "")


def _apk(program: str, word: str) -> Wish | Riddle | None:
    """``name[=version][@tag]``; also with other comparisons, which name no version."""
    if word.startswith(("!", ".")):
        return None
    match = re.fullmatch(r"([^<>=~@]+)([<>=~]*)([^@]*)(?:@.*)?", word)
    if match is None:
        return _riddle("apk", program, word)
    return _made("apk", program, match[1], match[3] if match[2] == "=" else "")


def _made(
    manager: str,
    program: str,
    name: str,
    version: str = "",
    architecture: str = "",
    others: tuple[tuple[str, str], ...] = (),
) -> Wish | Riddle:
    good = _NAME.fullmatch(name) and len(name) <= 255 and (not version or _VERSION.fullmatch(version))
    if not good or len(version) > 255:
        return _riddle(manager, program, f"{name}={version}" if version else name)
    return Wish(manager, program, name, version, architecture[:64], others)


_APT = _Manner(
    "apt",
    frozenset(("install", "reinstall")),
    frozenset(("-o", "--option", "-t", "--target-release", "--default-release", "-c", "--config-file", "-a")),
    _apt,
)
_DNF = _Manner(
    "rpm",
    frozenset(("install", "reinstall", "localinstall")),
    frozenset((
        "-c", "--config", "-x", "--exclude", "--excludepkgs", "--repo", "--repoid", "--enablerepo", "--disablerepo",
        "--installroot", "--releasever", "--setopt", "--forcearch", "--disableplugin", "--enableplugin", "-e", "-d",
        "--repofrompath", "--comment", "--advisory", "--rpmverbosity", "-R", "--enable-repo", "--disable-repo",
    )),
    _dnf,
)  # fmt: skip
_ZYPPER = _Manner(
    "rpm",
    frozenset(("install", "in")),
    frozenset(("-r", "--repo", "-t", "--type", "--from", "-R", "--root", "--installroot", "-D", "--reposd-dir", "-c",
               "--config", "--releasever", "-C", "--cache-dir", "-p", "--plus-repo", "--solver-focus")),
    _zypper,
)  # fmt: skip
_APK = _Manner(
    "apk",
    frozenset(("add",)),
    frozenset(("-t", "--virtual", "-X", "--repository", "-p", "--root", "--arch", "--keys-dir", "--repositories-file",
               "--cache-dir", "--cache-max-age", "--wait", "--progress-fd")),
    _apk,
)  # fmt: skip
_MANNERS = {
    **dict.fromkeys(("apt-get", "apt", "aptitude", "apt-fast", "nala"), _APT),
    **dict.fromkeys(("dnf", "dnf4", "dnf5", "yum", "microdnf", "tdnf"), _DNF),
    "zypper": _ZYPPER,
    "apk": _APK,
}
