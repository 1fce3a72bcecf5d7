"""MP4 files: encoding, stream copy, decoding. Timestamps are exactly n / fps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from robokiln.dataset import depth
from robokiln.dataset.layout import DatasetError
from robokiln.types import Array, lookup

PIXEL_FORMAT = "yuv420p"
ENCODERS = {"h264": "libx264", "av1": "libsvtav1"}
SETTINGS: dict[str, dict[str, int | str]] = {
    "h264": {"g": 5, "crf": 24, "preset": "veryfast"},
    "av1": {"g": 2, "crf": 30, "preset": 12},
}
"""What info.json repeats. H.264 with 5 frames a group: small, and fast to read at random."""
_SINGLE_THREAD = {
    # Macroblock-tree rate control reads memory it never wrote where a picture is an odd number of
    # blocks wide: now and then another file. docs/decisions.md has the figures.
    "h264": {"bf": "0", "x264-params": "threads=1:lookahead-threads=1:no-mbtree=1"},
    "av1": {"svtav1-params": "lp=1"},
}
_LOSSLESS = (
    "lossless=1:log-level=error:info=0:pools=none:frame-threads=1:"
    "bframes=0:scenecut=0:open-gop=0:min-keyint=1"
)
_MUXER = {"movflags": "faststart", "fflags": "+bitexact"}


def _converted(convert: VideoReformatter, frame: av.VideoFrame, kind: str) -> av.VideoFrame:
    """The picture in another pixel format, by arithmetic that is the same in any memory layout and
    for any number of cores, which the library's default is not."""
    exact = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
    return convert.reformat(frame, format=kind, threads=1, interpolation=exact)


def encode_video(path: Path, frames: Array, fps: int, codec: str = "h264") -> None:
    """Write uint8 [T, H, W, 3] as an MP4: a key frame first, the same bytes each time."""
    settings = lookup("codec", codec, SETTINGS)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not len(frames):
        raise DatasetError(
            f"{path}: expected uint8 [T, H, W, 3], got {frames.dtype} {frames.shape}"
        )
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise DatasetError(f"{path}: {width}x{height} refused; {PIXEL_FORMAT} needs even sides")
    if codec == "av1":
        os.environ.setdefault("SVT_LOG", "1")  # its only way to print errors and nothing else
    options = {k: str(v) for k, v in settings.items()} | _SINGLE_THREAD[codec]
    _encode(path, frames, fps, ENCODERS[codec], (PIXEL_FORMAT, "rgb24"), options)


def encode_depth(path: Path, frames: Array, fps: int) -> None:
    """Write float32 metres [T, H, W] as LeRobot's depth video; see `dataset.depth`.

    The file is read back: x265 has been seen to lose, each time other, pixels of a picture that is
    as wide as its coding block (32 by default for small pictures, at least 16).
    """
    if frames.dtype != np.float32 or frames.ndim != 3 or not len(frames):
        raise DatasetError(f"{path}: expected float32 [T, H, W], got {frames.dtype} {frames.shape}")
    height, width = frames.shape[1:]
    if min(height, width) <= 16:
        raise DatasetError(f"{path}: {width}x{height} refused; depth needs more than 16 a side")
    block = ":ctu=16" if min(height, width) <= 64 else ""
    options = {"preset": depth.PRESET, "x265-params": f"{_LOSSLESS}:keyint={depth.GROUP}{block}"}
    codes, kind = depth.depth_codes(frames), depth.PIXEL_FORMAT
    _encode(path, codes, fps, "libx265", (kind, kind), options)
    stored = [image for _, image in decode(path, fps, kind=kind)]
    if not np.array_equal(stored, codes):
        raise DatasetError(f"{path}: the encoder lost pixels of {width}x{height} depth")


def _encode(
    path: Path,
    frames: Array,
    fps: int,
    encoder: str,
    kinds: tuple[str, str],
    options: dict[str, str],
) -> None:
    """`kinds` are the pixel formats of the stream and of the arrays."""
    with av.open(str(path), "w", format="mp4", options=_MUXER) as out:
        stream = out.add_stream(encoder, rate=fps)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = kinds[0]
        stream.time_base = stream.codec_context.time_base = Fraction(1, fps)
        stream.codec_context.thread_count = 1
        stream.options = dict(options)
        convert = VideoReformatter()
        for n, image in enumerate(frames):
            given = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=kinds[1])
            frame = _converted(convert, given, kinds[0])
            frame.pts, frame.time_base = n, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def image_histogram(frames: Array) -> Array:
    """How often each channel of uint8 [..., 3] takes each value: int64 [3, 256]."""
    return np.stack([np.bincount(frames[..., c].ravel(), minlength=256) for c in range(3)])


def concatenate(path: Path, parts: Sequence[Path], fps: int) -> list[int]:
    """Join MP4s of one encoding by stream copy; the number of frames of each part."""
    counts: list[int] = []
    with av.open(str(path), "w", format="mp4", options=_MUXER) as out:
        target: VideoStream | None = None
        for part in parts:
            with _opened(part) as source:
                stream = source.streams.video[0]
                if target is None:
                    # Opaque: the decoder's name (dav1d) need not be an encoder's as well.
                    target = out.add_stream_from_template(stream, opaque=True)
                    header = stream.codec_context.extradata
                if stream.codec_context.extradata != header:
                    raise DatasetError(f"{part}: encoded otherwise than {parts[0]}")
                counts.append(_copy(source, stream, out, target, sum(counts), fps))
    return counts


def _copy(
    source: av.container.InputContainer,
    stream: VideoStream,
    out: av.container.OutputContainer,
    target: VideoStream,
    first: int,
    fps: int,
) -> int:
    count = 0
    for packet in source.demux(stream):
        if packet.size == 0:
            continue
        if count == 0 and not packet.is_keyframe:
            raise DatasetError(f"{source.name}: does not begin with a key frame")
        packet.stream = target
        packet.time_base = Fraction(1, fps)
        packet.pts = packet.dts = first + count
        packet.duration = 1
        out.mux(packet)
        count += 1
    return count


def cut(path: Path, source: Path, first: int, count: int, fps: int) -> bool:
    """Write `count` frames of `source` from the frame `first` on, by stream copy.

    False, and nothing written, where they don't begin with a key frame or need other frames.
    """
    with _opened(source) as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1, fps)
        packets = _packets(container, stream, first, count, fps)
        numbers = [round(p.pts * base * fps) - first for p in packets if p.pts is not None]
        if not packets or not packets[0].is_keyframe or sorted(numbers) != list(range(count)):
            return False
        with av.open(str(path), "w", format="mp4", options=_MUXER) as out:
            target = out.add_stream_from_template(stream, opaque=True)
            for packet, number in zip(packets, numbers, strict=True):
                decoded = number if packet.dts is None else round(packet.dts * base * fps) - first
                packet.stream, packet.time_base = target, Fraction(1, fps)
                packet.pts, packet.dts, packet.duration = number, decoded, 1
                out.mux(packet)
    return True


def _packets(
    container: av.container.InputContainer, stream: VideoStream, first: int, count: int, fps: int
) -> list[av.Packet[VideoStream]]:
    """`count` packets from the first one that shows the frame `first` on, in decoding order."""
    base = stream.time_base or Fraction(1, fps)
    container.seek(int(Fraction(first, fps) / base), stream=stream)
    found: list[av.Packet[VideoStream]] = []
    for packet in container.demux(stream):
        if len(found) == count:
            break
        if packet.size == 0 or packet.pts is None:
            continue
        if found or round(packet.pts * base * fps) == first:
            found.append(packet)
    return found


def video_shape(path: Path) -> tuple[int, int, int]:
    """(T, H, W) by the container's own tables; an error if the file is cut short."""
    _check_boxes(path)
    with _opened(path) as container:
        stream = container.streams.video[0]
        return stream.frames, stream.height, stream.width


def decode(
    path: Path, fps: int, first: int = 0, kind: str = "rgb24"
) -> Iterator[tuple[int, Array]]:
    """`Video.images` of a file that is opened for them alone."""
    with closing(Video(path, fps, kind)) as video:
        yield from video.images(first)


class Video:
    """An open MP4 file. `kind` is rgb24, or `depth.PIXEL_FORMAT` for the codes of a depth video."""

    def __init__(self, path: Path, fps: int, kind: str = "rgb24") -> None:
        self.path = path
        self._fps, self._kind = fps, kind
        self._container = _opened(path)
        self._stream = self._container.streams.video[0]
        self._stream.codec_context.thread_count = 1
        self._convert = VideoReformatter()
        self._at_start = True

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def images(self, first: int = 0) -> Iterator[tuple[int, Array]]:
        """(n, uint8 [H, W, 3]) for each frame from `first` on; n counts from the file's beginning.

        Of depth, uint16 codes [H, W]. Only the latest iterator may be used.
        """
        size = (self._stream.width, self._stream.height)
        try:
            if first or not self._at_start:
                base = self._stream.time_base or Fraction(1, self._fps)
                start = int(Fraction(first, self._fps) / base)
                self._container.seek(start, stream=self._stream)
            self._at_start = False
            for frame in self._container.decode(self._stream):
                if frame.pts is None or frame.time_base is None:
                    raise DatasetError(f"{self.path}: damaged video: a frame has no time")
                if (frame.width, frame.height) != size:
                    raise DatasetError(f"{self.path}: damaged video: pictures of several sizes")
                n = round(frame.pts * frame.time_base * self._fps)
                if n >= first:
                    # Not by exact rounding: that smooths colors, and LeRobot's readers don't.
                    converted = self._convert.reformat(frame, format=self._kind, threads=1)
                    yield n, converted.to_ndarray()
        except av.FFmpegError as error:
            raise DatasetError(f"{self.path}: damaged video: {error.strerror}") from None


def _opened(path: Path) -> av.container.InputContainer:
    try:
        container = av.open(str(path))
    except FileNotFoundError:
        raise DatasetError(f"{path}: is missing") from None
    except av.FFmpegError as error:
        raise DatasetError(f"{path}: not a readable video: {error.strerror}") from None
    if container.streams.video:
        return container
    container.close()
    raise DatasetError(f"{path}: holds no video stream")


def _check_boxes(path: Path) -> None:
    """The top-level boxes must fill the file: a cut MP4 still opens, since its index is in front.

    ISO/IEC 14496-12, 4.2.
    """
    if not path.is_file():
        raise DatasetError(f"{path}: is missing")
    size, position = path.stat().st_size, 0
    with path.open("rb") as file:
        while position < size:
            file.seek(position)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - position
            if len(head) < 8 or length < 8:
                break
            position += length
    if position != size or not size:
        raise DatasetError(f"{path}: not a complete MP4 file (cut short, or damaged)")
