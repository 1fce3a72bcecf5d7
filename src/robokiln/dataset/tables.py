"""Arrow tables of the format: frames, tasks, and one row an episode."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from robokiln.dataset.layout import DatasetError
from robokiln.types import Array, Feature

_ARROW = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int16": pa.int16(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
}
DTYPES = {name: np.dtype(name) for name in _ARROW}
"""What a column that isn't a video may hold; other types make readers reject the dataset."""

PART_ROW_GROUPS = 20
"""Episodes that are read at once: few enough to hold, enough that opening them costs little."""


def arrow_type(feature: Feature) -> pa.DataType:
    """A plain scalar for shape [1], a fixed-size list for [n]."""
    scalar = _ARROW[feature.dtype]
    return scalar if feature.shape == (1,) else pa.list_(scalar, feature.shape[0])


def fits(kind: pa.DataType, feature: Feature) -> bool:
    """Whether an Arrow column can hold the feature; dtypes that we don't read always do."""
    if feature.dtype not in _ARROW:
        return True
    while pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        if pa.types.is_fixed_size_list(kind) and kind.list_size not in feature.shape:
            return False
        kind = kind.value_type
    return bool(kind == _ARROW[feature.dtype])


def data_schema(features: Sequence[Feature]) -> pa.Schema:
    """Columns in the features' order, with the metadata that `datasets` reads."""
    plain = [f for f in features if f.dtype != "video"]
    described = {f.name: _described(f) for f in plain}
    metadata = {"huggingface": json.dumps({"info": {"features": described}})}
    return pa.schema([(f.name, arrow_type(f)) for f in plain], metadata=metadata)


def _described(feature: Feature) -> dict[str, Any]:
    value = {"dtype": feature.dtype, "_type": "Value"}
    if feature.shape == (1,):
        return value
    return {"feature": value, "length": feature.shape[0], "_type": "List"}


def frame_table(columns: Mapping[str, Array], schema: pa.Schema) -> pa.Table:
    """[T] and [T, n] arrays as the rows of one episode."""
    arrays = []
    for field in schema:
        flat = pa.array(np.ascontiguousarray(columns[field.name]).reshape(-1))
        if pa.types.is_fixed_size_list(field.type):
            flat = pa.FixedSizeListArray.from_arrays(flat, type=field.type)
        arrays.append(flat)
    return pa.Table.from_arrays(arrays, schema=schema)


def writer(
    path: Path, schema: pa.Schema, compression: str = "snappy", dictionary: bool = True
) -> pq.ParquetWriter:
    """A Parquet writer with every choice that shapes the bytes fixed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(
        path,
        schema,
        compression=compression,
        use_dictionary=dictionary,
        version="2.6",
        data_page_version="1.0",
    )


def write_names(path: Path, column: str, names: Sequence[str]) -> None:
    """Strings as a pandas index beside their numbers: tasks.parquet and subtasks.parquet."""
    index = "__index_level_0__"
    pandas = {
        "index_columns": [index],
        "column_indexes": [_pandas_column(None, None, "unicode", "object", {"encoding": "UTF-8"})],
        "columns": [
            _pandas_column(column, column, "int64", "int64", None),
            _pandas_column(None, index, "unicode", "object", None),
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.3",
    }
    schema = pa.schema(
        [(column, pa.int64()), (index, pa.string())], metadata={"pandas": json.dumps(pandas)}
    )
    table = pa.table([pa.array(range(len(names)), pa.int64()), list(names)], schema=schema)
    with writer(path, schema) as out:
        out.write_table(table)


def _pandas_column(
    name: str | None, field: str | None, kind: str, numpy: str, metadata: dict[str, str] | None
) -> dict[str, Any]:
    return {
        "name": name,
        "field_name": field,
        "pandas_type": kind,
        "numpy_type": numpy,
        "metadata": metadata,
    }


def write_episodes(path: Path, rows: Sequence[Mapping[str, Any]], cameras: Sequence[str]) -> None:
    """meta/episodes: the columns of the first row, in its order."""
    schema = pa.schema([(k, _episode_type(k, v, cameras)) for k, v in rows[0].items()])
    columns = [[_plain(row[k]) for row in rows] for k in rows[0]]
    table = pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
    )
    with writer(path, schema) as out:
        out.write_table(table)


def _episode_type(name: str, value: Any, cameras: Sequence[str]) -> pa.DataType:
    if name == "tasks":
        return pa.list_(pa.string())
    if name.startswith("stats/"):
        feature, stat = name.removeprefix("stats/").rsplit("/", 1)
        if stat == "count":
            return pa.list_(pa.int64())
        levels = 3 if feature in cameras else 1
        kind = pa.float64()
        for _ in range(levels):
            kind = pa.list_(kind)
        return kind
    return {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}[type(value)]


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def read_column(path: Path, feature: Feature) -> Array:
    """One column of a data file: [N] for shape [1], else [N, n]."""
    return to_numpy(read_table(path, [feature.name]).column(0), feature, path)


def column_parts(path: Path, feature: Feature) -> Iterator[Array]:
    """A column of a data file in order, some row groups at a time; nothing else is read."""
    with _readable(path), pq.ParquetFile(path) as file:
        for first in range(0, file.num_row_groups, PART_ROW_GROUPS):
            groups = range(first, min(first + PART_ROW_GROUPS, file.num_row_groups))
            table = file.read_row_groups(groups, columns=[feature.name], use_threads=False)
            yield to_numpy(table.column(0), feature, path)


def to_numpy(column: pa.ChunkedArray, feature: Feature, path: Path) -> Array:
    """An Arrow column as an array of its feature's type and shape."""
    flat = column.combine_chunks()
    size = int(np.prod(feature.shape))
    while pa.types.is_list(flat.type) or pa.types.is_fixed_size_list(flat.type):
        flat = flat.flatten()
    if flat.null_count or len(flat) != len(column) * size:
        raise DatasetError(
            f"{path}: column '{feature.name}' isn't {list(feature.shape)} throughout"
        )
    values: Array = flat.to_numpy(zero_copy_only=False)
    return values if feature.shape == (1,) else values.reshape(len(column), *feature.shape)


def read_names(path: Path, column: str) -> tuple[str, ...]:
    """The strings of `write_names`, or of a file that pandas wrote."""
    table = read_table(path)
    texts = [n for n in table.column_names if _is_text(table.schema.field(n).type)]
    if column not in table.column_names or len(texts) != 1:
        raise DatasetError(f"{path}: expected '{column}' and the texts, got {table.column_names}")
    numbers, names = table[column].to_pylist(), table[texts[0]].to_pylist()
    if numbers != list(range(len(names))) or None in names:
        raise DatasetError(f"{path}: '{column}' doesn't count up from 0")
    return tuple(names)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def read_numbers(folder: Path, names: Sequence[str]) -> dict[str, Array]:
    """Scalar columns of every Parquet file of `folder`, in the files' order."""
    paths = sorted(folder.glob("*/*.parquet"))
    if not paths:
        raise DatasetError(f"{folder}: holds no Parquet file")
    parts = []
    for path in paths:
        missing = sorted(set(names) - set(read_schema(path)[0].names))
        if missing:
            raise DatasetError(f"{path}: lacks {', '.join(missing)}")
        table = read_table(path, names)
        found = {n: to_numpy(table[n], Feature(n, "", (1,)), path) for n in names}
        odd = sorted(n for n, values in found.items() if values.dtype.kind not in "iuf")
        if odd:
            raise DatasetError(f"{path}: expected numbers in {', '.join(odd)}")
        parts.append(found)
    return {n: np.concatenate([p[n] for p in parts]) for n in names}


def read_schema(path: Path) -> tuple[pa.Schema, int]:
    """Columns and the number of rows, from the footer alone."""
    with _readable(path):
        metadata = pq.read_metadata(path)
        return metadata.schema.to_arrow_schema(), metadata.num_rows


def read_table(path: Path, names: Sequence[str] | None = None) -> pa.Table:
    """A whole file, or some of its columns; an error that names it if it can't be read."""
    with _readable(path):
        return pq.ParquetFile(path).read(columns=None if names is None else list(names))


def read_rows(path: Path, where: tuple[str, int], names: Sequence[str]) -> pa.Table:
    """The rows in which a column has a value; row groups that can't hold it are not read."""
    with _readable(path):
        return pq.read_table(path, columns=list(names), filters=[(where[0], "==", where[1])])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DatasetError(f"{path}: is missing") from None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DatasetError(f"{path}: not a complete Parquet file: {reason}") from None
