"""MP4 files: encoding, stream copy, decoding. Timestamps are exactly n / fps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from robokiln.dataset import depth
from robokiln.dataset.layout import DatasetError
from robokiln.types import Array, lookup

PIXEL_FORMAT = "yuv420p"
ENCODERS = {"h264": "libx264", "av1": "libsvtav1"}
SETTINGS: dict[str, dict[str, int | str]] = {
    "h264": {"g": 5, "crf": 23, "preset": "veryfast"},
    "av1": {"g": 2, "crf": 30, "preset": 12},
}
"""What info.json repeats. H.264 with 5 frames a group: small, and fast to read at random."""
_SINGLE_THREAD = {
    "h264": {"bf": "0", "x264-params": "threads=1:lookahead-threads=1"},
    "av1": {"svtav1-params": "lp=1"},
}
_LOSSLESS = (
    "lossless=1:log-level=error:info=0:pools=none:frame-threads=1:"
    "bframes=0:scenecut=0:open-gop=0:min-keyint=1"
)
_MUXER = {"movflags": "faststart", "fflags": "+bitexact"}


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
        for n, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=kinds[1])
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


def video_shape(path: Path) -> tuple[int, int, int]:
    """(T, H, W) by the container's own tables; an error if the file is cut short."""
    _check_boxes(path)
    with _opened(path) as container:
        stream = container.streams.video[0]
        return stream.frames, stream.height, stream.width


def decode(
    path: Path, fps: int, first: int = 0, kind: str = "rgb24"
) -> Iterator[tuple[int, Array]]:
    """(n, uint8 [H, W, 3]) for each frame from `first` on; n counts from the file's beginning.

    Of a depth video, with the `kind` `depth.PIXEL_FORMAT`, uint16 codes [H, W].
    """
    with _opened(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        convert = VideoReformatter()
        if first:
            base = stream.time_base or Fraction(1, fps)
            container.seek(int(Fraction(first, fps) / base), stream=stream)
        try:
            for frame in container.decode(stream):
                assert frame.pts is not None
                assert frame.time_base is not None
                n = round(frame.pts * frame.time_base * fps)
                if n >= first:
                    yield n, convert.reformat(frame, format=kind).to_ndarray()
        except av.FFmpegError as error:
            raise DatasetError(f"{path}: damaged video: {error.strerror}") from None


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
