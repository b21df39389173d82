"""Tags and types of rpm headers (rpmtag.h), by the names that rpm gives them."""

from __future__ import annotations

from enum import IntEnum


class Type(IntEnum):
    """How an entry's value is stored.  Type 0 has no value and no place in a package."""

    CHAR = 1
    INT8 = 2
    INT16 = 3
    INT32 = 4
    INT64 = 5
    STRING = 6
    BIN = 7
    STRING_ARRAY = 8
    I18NSTRING = 9


class Tag(IntEnum):
    """Tags of the main header that are read here."""

    NAME = 1000
    VERSION = 1001
    RELEASE = 1002
    EPOCH = 1003
    SUMMARY = 1004
    DESCRIPTION = 1005
    BUILDTIME = 1006
    BUILDHOST = 1007
    SIZE = 1009
    VENDOR = 1011
    LICENSE = 1014
    PACKAGER = 1015
    GROUP = 1016
    URL = 1020
    OS = 1021
    ARCH = 1022
    OLDFILENAMES = 1027
    FILESIZES = 1028
    FILEMODES = 1030
    FILELINKTOS = 1036
    FILEFLAGS = 1037
    SOURCERPM = 1044
    PROVIDENAME = 1047
    REQUIREFLAGS = 1048
    REQUIRENAME = 1049
    REQUIREVERSION = 1050
    NOSOURCE = 1051
    NOPATCH = 1052
    CONFLICTFLAGS = 1053
    CONFLICTNAME = 1054
    CONFLICTVERSION = 1055
    CHANGELOGTIME = 1080
    CHANGELOGNAME = 1081
    CHANGELOGTEXT = 1082
    OBSOLETENAME = 1090
    FILEDEVICES = 1095
    FILEINODES = 1096
    SOURCEPACKAGE = 1106
    PROVIDEFLAGS = 1112
    PROVIDEVERSION = 1113
    OBSOLETEFLAGS = 1114
    OBSOLETEVERSION = 1115
    DIRINDEXES = 1116
    BASENAMES = 1117
    DIRNAMES = 1118
    PAYLOADFORMAT = 1124
    PAYLOADCOMPRESSOR = 1125
    LONGFILESIZES = 5008
    LONGSIZE = 5009
    RECOMMENDNAME = 5046
    RECOMMENDVERSION = 5047
    RECOMMENDFLAGS = 5048
    SUGGESTNAME = 5049
    SUGGESTVERSION = 5050
    SUGGESTFLAGS = 5051
    SUPPLEMENTNAME = 5052
    SUPPLEMENTVERSION = 5053
    SUPPLEMENTFLAGS = 5054
    ENHANCENAME = 5055
    ENHANCEVERSION = 5056
    ENHANCEFLAGS = 5057
    PAYLOADDIGEST = 5092
    PAYLOADDIGESTALGO = 5093
    PAYLOADDIGESTALT = 5097
    PAYLOADSHA512 = 5121
    PAYLOADSHA3_256 = 5123


class SigTag(IntEnum):
    """Every tag that a signature header may hold; any other is smuggled in, for nothing protects this header."""

    HEADERSIGNATURES = 62
    HEADERI18NTABLE = 100
    DSA = 267
    RSA = 268
    SHA1 = 269
    LONGSIZE = 270
    LONGARCHIVESIZE = 271
    SHA256 = 273
    FILESIGNATURES = 274
    FILESIGNATURELENGTH = 275
    VERITYSIGNATURES = 276
    VERITYSIGNATUREALGO = 277
    OPENPGP = 278
    SHA3_256 = 279
    RESERVED = 999
    SIZE = 1000
    LEMD5_1 = 1001
    PGP = 1002
    LEMD5_2 = 1003
    MD5 = 1004
    GPG = 1005
    PGP5 = 1006
    PAYLOADSIZE = 1007
    RESERVEDSPACE = 1008


REGION_IMAGE = 61
REGION_SIGNATURES = 62
REGION_IMMUTABLE = 63

SCRIPTS = {
    "prein": (1023, 1085),
    "postin": (1024, 1086),
    "preun": (1025, 1087),
    "postun": (1026, 1088),
    "pretrans": (1151, 1153),
    "posttrans": (1152, 1154),
    "preuntrans": (5104, 5106),
    "postuntrans": (5105, 5107),
    "verifyscript": (1079, 1091),
    "trigger": (1065, 1092),
    "filetrigger": (5066, 5067),
    "transfiletrigger": (5076, 5077),
}
"""Tags of text and of interpreter, by the name of the scriptlet; either makes one."""
