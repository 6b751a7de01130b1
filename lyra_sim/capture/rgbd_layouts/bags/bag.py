"""Messages of one bag, whichever ROS wrote it.

Types are those that rosbags brings: definitions that a bag carries are never turned into code.
"""

import bz2
import importlib
import importlib.util
import re
import struct
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyra_sim.errors import EnvironmentNotReady, InputError

ROS1_MAGIC = b"#ROSBAG V2.0\n"
MCAP_MAGIC = b"\x89MCAP0\r\n"
MCAP_CHUNK = 0x06
"""Kind of record (MCAP specification, Chunk). Convention."""
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
LARGEST_CHUNK = 1 << 30
"""Bytes that one chunk of a bag may unpack to: recorders close them at a megabyte or after one image. Convention."""
LARGEST_MESSAGE = 1 << 28
"""Bytes. Convention."""

TRANSFORMS = "tf2_msgs/msg/TFMessage"
"""Type of /tf, which isn't among the types that rosbags brings for ROS 1. Convention."""

_STEP = 1 << 20
"""Bytes that a chunk is tried by. Convention."""
_BY_NAME = {"tf/msg/tfMessage": TRANSFORMS}
"""Types of one content."""


def require_rosbags(path: Path) -> None:
    """Before a bag is opened.

    Raises:
        EnvironmentNotReady: rosbags isn't installed.
    """
    if importlib.util.find_spec("rosbags") is None:
        raise EnvironmentNotReady(
            str(path), "a bag, which isn't read without the package rosbags", next_step="pip install 'lyra-sim[rosbag]'"
        )


def is_bag(path: Path) -> bool:
    """By content for ROS 1; by what lies there for ROS 2: an .mcap or .db3 file, or a folder of them with metadata.yaml."""
    if path.is_dir():
        return (path / "metadata.yaml").is_file() and any(
            next(path.glob(f"*{suffix}"), None) is not None for suffix in (".db3", ".mcap", ".zstd")
        )
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        head = stream.read(16)
    return head.startswith((ROS1_MAGIC, b"\x89MCAP0")) or (head.startswith(b"SQLite format 3") and path.suffix == ".db3")


@dataclass(frozen=True, kw_only=True)
class Bag:
    """An open bag."""

    path: Path
    reader: Any
    ros1: bool
    store: Any
    """Types of messages."""

    @property
    def topics(self) -> dict[str, str]:
        """Type of each topic that has messages."""
        return {one.topic: one.msgtype for one in self.reader.connections if one.msgcount}

    def count(self, topic: str) -> int:
        """Messages of a topic."""
        return sum(one.msgcount for one in self.reader.connections if one.topic == topic)

    def raw(self, topics: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
        """Topic, type and content of messages, by the time they were recorded.

        Raises:
            InputError: One is larger than any may be.
        """
        wanted = [one for one in self.reader.connections if one.topic in topics]
        for connection, _, content in self.reader.messages(connections=wanted) if wanted else ():
            if len(content) > LARGEST_MESSAGE:
                raise InputError(str(self.path), f"{connection.topic}: a message of {len(content)} bytes", expected="fewer")
            yield connection.topic, connection.msgtype, content

    def decoded(self, topics: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Topic and message."""
        for topic, kind, content in self.raw(topics):
            yield topic, self.decode(kind, content)

    def decode(self, kind: str, content: bytes) -> Any:
        """A message of a type that rosbags knows."""
        known = _BY_NAME.get(kind, kind)
        return self.store.deserialize_ros1(content, known) if self.ros1 else self.store.deserialize_cdr(content, known)

    def stamp(self, content: bytes) -> float:
        """Time in the header of a message that begins with one [s]."""
        if self.ros1:
            _, seconds, nanoseconds = struct.unpack_from("<III", content)
        else:
            seconds, nanoseconds = struct.unpack_from("<iI" if content[1] else ">iI", content, 4)
        return float(seconds + nanoseconds * 1e-9)


@contextmanager
def opened_bag(path: Path) -> Iterator[Bag]:
    """A bag whose errors are ours.

    Raises:
        EnvironmentNotReady: rosbags isn't installed.
        InputError: It is damaged, or a chunk unpacks to more than one may.
    """
    require_rosbags(path)
    import apsw
    from rosbags.rosbag1 import Reader as Reader1
    from rosbags.rosbag1 import ReaderError as ReaderError1
    from rosbags.rosbag2 import Reader as Reader2
    from rosbags.rosbag2 import ReaderError as ReaderError2
    from rosbags.serde import SerdeError
    from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
    from ruamel.yaml.error import YAMLError

    zstd = _zstd()
    ros1 = _is_ros1(path)
    broken = (ReaderError1, ReaderError2, SerdeError, TypesysError, YAMLError, apsw.Error, zstd.ZstdError, struct.error)
    plain = (OSError, ValueError, KeyError, IndexError, AssertionError, EOFError, RuntimeError, TypeError, OverflowError)
    try:
        if not ros1:
            _check_ros2(path)
        with (Reader1 if ros1 else Reader2)(path) as reader:
            if ros1:
                _check_chunks(path, reader)
            store = get_typestore(Stores.ROS1_NOETIC if ros1 else Stores.ROS2_HUMBLE)
            if TRANSFORMS not in store.types:
                store.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", TRANSFORMS))
            yield Bag(path=path, reader=reader, ros1=ros1, store=store)
    except (*broken, *plain) as error:
        said = " ".join(str(error).replace(str(path), path.name).split()) or type(error).__name__
        raise InputError(
            str(path),
            f"not a readable bag ({said})",
            expected="a whole ROS 1 or ROS 2 bag",
            likely="The recording was cut off, and has no index.",
            next_step="rosbag reindex FILE.bag, or ros2 bag reindex FOLDER.",
        ) from error


def _zstd() -> Any:
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _is_ros1(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(ROS1_MAGIC)) == ROS1_MAGIC


def _check_chunks(path: Path, reader: Any) -> None:
    """Compressed chunks are unpacked bit by bit first: nothing bounds what the reader itself would make of them."""
    with path.open("rb") as stream:
        for chunk in reader.chunks.values():
            stream.seek(chunk.datapos)
            if stream.read(3) not in (b"BZh", b"\x04\x22\x4d"):
                continue
            stream.seek(chunk.datapos)
            _check_chunk(path, stream.read(chunk.datasize))


def _check_ros2(path: Path) -> None:
    """The same of a ROS 2 recording: chunks of MCAP are tried; what is compressed otherwise is named with the command.

    Raises:
        InputError: A chunk unpacks to more than one may, or files or messages are compressed one by one.
    """
    mode = re.search(rb"compression_mode:\s*[\"']?(file|message)", _beginning(path / "metadata.yaml"), re.IGNORECASE)
    files = [path] if path.is_file() else sorted(child for child in path.iterdir() if child.is_file())
    if mode is not None or any(_beginning(file, 4) == ZSTD_MAGIC for file in files):
        raise InputError(
            str(path),
            "a bag whose files or messages are compressed one by one",
            expected="one without compression, or MCAP with compressed chunks",
            next_step="ros2 bag convert -i IN -o out.yaml, with compression_mode: '' in out.yaml.",
        )
    for file in files:
        if _beginning(file, len(MCAP_MAGIC)) == MCAP_MAGIC:
            _check_mcap(file)


def _check_mcap(file: Path) -> None:
    with file.open("rb") as stream:
        at, size = len(MCAP_MAGIC), file.stat().st_size
        while at + 9 <= size:
            stream.seek(at)
            kind, length = struct.unpack("<BQ", stream.read(9))
            if kind == MCAP_CHUNK:
                head = stream.read(32)
                stream.seek(at + 9 + 32 + struct.unpack_from("<I", head, 28)[0] + 8)
                _check_chunk(file, stream.read(max(0, at + 9 + length - stream.tell())))
            at += 9 + length


def _beginning(file: Path, count: int = 1 << 16) -> bytes:
    if not file.is_file():
        return b""
    with file.open("rb") as stream:
        return stream.read(count)


def _check_chunk(path: Path, content: bytes) -> None:
    total = 0
    for part in _unpacked(content):
        total += part
        if total > LARGEST_CHUNK:
            raise InputError(
                str(path), f"a chunk of {len(content)} bytes that unpacks to more than {LARGEST_CHUNK}", expected="less"
            )


def _unpacked(content: bytes) -> Iterator[int]:
    """Lengths of what comes out, piece by piece; nothing where it isn't compressed."""
    import lz4.frame

    machine: Any
    if content.startswith(b"BZh"):
        machine = bz2.BZ2Decompressor()
    elif content.startswith(b"\x04\x22\x4d"):
        machine = lz4.frame.LZ4FrameDecompressor()
    elif content.startswith(ZSTD_MAGIC):
        machine = _zstd().ZstdDecompressor()
    else:
        return
    given = content
    while not machine.eof:
        part = machine.decompress(given, max_length=_STEP)
        if not part and machine.needs_input:
            return
        given = b""
        yield len(part)
