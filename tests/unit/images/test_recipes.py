"""What recipes of images install, as their authors write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.domain.images.bases import base_of
from entrepot.domain.images.recipe import MAX_RECIPE_BYTES, read_recipe

USUAL = r"""# syntax=docker/dockerfile:1
ARG RELEASE=bookworm
ARG TOOLS="git make"
FROM --platform=$BUILDPLATFORM golang:1.22-${RELEASE} AS build
ARG TOOLS
ENV DEBIAN_FRONTEND=noninteractive NGINX_VERSION=1.24.0-1
RUN apt-get update -qq && \
    # a comment among the lines
    apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 \
        curl=7.88.1-10+deb12u5 \

        "libssl-dev:arm64" nginx=${NGINX_VERSION} $TOOLS g++ gone- /tmp/own.deb \
    && rm -rf /var/lib/apt/lists/*; DEBIAN_FRONTEND=x sudo -E apt install -t bookworm-backports jq > /dev/null 2>&1

FROM almalinux:9-minimal
RUN --mount=type=cache,target=/var/cache set -eux; \
    microdnf install -y --nodocs --setopt=install_weak_deps=0 --setopt keepcache=1 httpd-2.4.57-5.el9 \
      java-17-openjdk python3.11 gcc-toolset-12 @development 'perl(JSON)' vim.x86_64 && microdnf clean all
RUN ["dnf", "-y", "install", "tar"]
RUN if true; then yum install -y which; fi; for p in less nano; do dnf install -y "$p"; done
RUN <<EOF
dnf -y install rsync
zypper --non-interactive in -r repo wget=1.20 pattern:base
EOF
RUN cat <<EOF > /etc/motd
apt-get install not-this
EOF
RUN bash -c "dnf install -y $(cat list) socat-*"

FROM alpine:3.20 AS small
RUN apk add --no-cache --virtual .deps build-base \
 && apk add -t .more "curl>8" openssl=3.3.2-r0 bash@edge !conflict
FROM small
RUN echo apt-get install nothing
ONBUILD RUN apk add late
"""


def names(text: str) -> list[list[str]]:
    return [
        [f"{wish.name}={wish.version}" if wish.version else wish.name for wish in stage.wishes]
        for stage in read_recipe(text)
    ]


def test_a_recipe_as_they_are() -> None:
    stages = read_recipe(USUAL)
    assert names(USUAL) == [
        ["curl=7.88.1-10+deb12u5", "libssl-dev", "nginx=1.24.0-1", "git", "make", "g++", "jq"],
        ["httpd-2.4.57-5.el9", "java-17-openjdk", "python3.11", "gcc-toolset-12", "vim", "tar", "which", "less", "nano",
         "rsync", "wget=1.20"],
        ["build-base", "curl", "openssl=3.3.2-r0", "bash"],
        ["late"],
    ]  # fmt: skip
    assert [stage.base.manager for stage in stages] == ["apt", "rpm", "apk", "apk"]
    first = [stage.base.distributions[:1] for stage in stages]
    assert first == [("bookworm",), ("el9",), ("alpine-3.20",), ("alpine-3.20",)]
    assert stages[0].wishes[1].architecture == "arm64"
    assert stages[1].wishes[0].others == (("httpd", "2.4.57-5.el9"), ("httpd-2.4.57", "5.el9"))
    riddles = [riddle.text for riddle in stages[1].riddles]
    assert riddles == ["@development", "perl(JSON)", "pattern:base", "?", "socat-*"]


def test_a_backtick_may_continue_lines() -> None:
    assert names("# escape=`\nFROM ubuntu:22.04\nRUN apt-get install -y `\n  curl\n") == [["curl"]]


@pytest.mark.parametrize(
    ("image", "manager", "distribution"),
    [
        ("ubuntu:22.04", "apt", "jammy"),
        ("ubuntu", "apt", ""),
        ("localhost:5000/team/ubuntu:noble", "apt", "noble"),
        ("debian:12.5-slim@sha256:00", "apt", "bookworm"),
        ("node:22-bullseye", "apt", "bullseye"),
        ("node:22-alpine3.19", "apk", "alpine-3.19"),
        ("registry.access.redhat.com/ubi9/ubi-minimal:9.4", "rpm", "el9"),
        ("quay.io/centos/centos:stream9", "rpm", "el9"),
        ("rockylinux/rockylinux:8", "rpm", "el8"),
        ("fedora:41", "rpm", "fc41"),
        ("opensuse/leap:15.6", "rpm", "leap15.6"),
        ("scratch", "", ""),
        ("company/app:v2", "", ""),
    ],
)
def test_a_base_image_tells_what_it_is_made_of(image: str, manager: str, distribution: str) -> None:
    base = base_of(image)
    assert (base.manager, next(iter(base.distributions), "")) == (manager, distribution)


def test_commands_say_more_than_the_name_of_an_image() -> None:
    [stage] = read_recipe("FROM company/app:v2\nRUN apt install curl")
    assert (stage.base.manager, stage.base.distributions) == ("apt", ())


HOSTILE = {
    "nested": "FROM a\nRUN apt install " + "${a:-" * 90_000,
    "substitutions": "FROM a\nRUN apt install " + "$(" * 200_000,
    "doubling": "FROM a\nENV A=xxxxxxxxxxxxxxxx\n" + "ENV A=$A$A$A$A\n" * 20_000 + "RUN apt install $A $A\n" * 3000,
    "dashes": "FROM a\nRUN dnf install " + "a-1" * 160_000,
    "variables": "FROM a\n" + "".join(f"ARG a{n}=1\n" for n in range(10_000)) + "RUN dnf install $a1\n" * 10_000,
    "stages": "FROM a AS b\nENV c=d\n" * 20_000,
    "here": "FROM a\n" + "RUN <<X\n" * 60_000,
    "quotes": "FROM a\nRUN apt install " + "'\"" * 200_000,
    "escapes": "FROM a\nENV a=" + "\\" * 400_000,
    "joined": "FROM a\nENV A='x y z'\nRUN apt install " + "$A" * 150_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_meant_to_exhaust_ends(name: str) -> None:
    stages = read_recipe(HOSTILE[name][:MAX_RECIPE_BYTES])
    assert all(len(stage.wishes) <= 2000 for stage in stages)


PIECES = (
    "FROM a:1 AS b\n", "RUN ", "apt-get install ", "$(", "${", "}", "\\\n", '"', "'", "<<EOF\n", "EOF\n", "[", '"a"]',
    "ENV ", "ARG ", "A=", "$A", "&&", ";", "dnf install ", "x-1-2", "\n", "`", "#",
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=10), max_size=60))
def test_nothing_is_too_odd(pieces: list[str]) -> None:
    read_recipe("FROM a\n" + "".join(pieces))
