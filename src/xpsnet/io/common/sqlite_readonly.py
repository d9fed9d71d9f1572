"""Untrusted SQLite databases, read without running any code in them.

A database can hold views and triggers that never end. It is opened read-only and immutable, only
real tables are asked, only with SELECT and only for plain columns; a query that takes too many
steps is stopped, and no value may be larger than a limit.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

MAX_VALUE = 64 << 20
_MAX_ROWS = 200_000
_MAX_TABLES = 1000
_STEPS = 10_000
_MAX_CALLS = 10_000  # of the progress handler, for a whole file: some seconds
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


class RefusedDatabaseError(Exception):
    """The database is damaged, or asks for too much."""


class Database:
    """The tables of one file."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises
        ------
        RefusedDatabaseError
            If it is no sound database.
        """
        uri = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
        self._calls = 0
        with self._refusing():
            self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            with self._refusing():
                self._protect()
                self.tables = self._real_tables()
        except RefusedDatabaseError:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, table: str, columns: list[str]) -> Iterator[dict[str, Any]]:
        """Rows of a table by the wanted columns, None for those that it does not have.

        Parameters
        ----------
        table : str
        columns : list of str
            A name with "#" in front stands for the length of that value, which is not read;
            "rowid" for the number of the row.

        Raises
        ------
        RefusedDatabaseError
            If the query is stopped or the table is damaged.
        """
        known = self.tables.get(table.lower())
        if known is None:
            return
        name, there = known
        chosen = [c for c in columns if c == "rowid" or c.lstrip("#").lower() in there]
        if not chosen:
            return
        wanted = ", ".join(_expression(column) for column in chosen)
        with self._refusing():
            # All names are those of the file's own list, quoted.
            cursor = self._connection.execute(f"SELECT {wanted} FROM {_quoted(name)}")  # noqa: S608
            for number, row in enumerate(cursor):
                if number >= _MAX_ROWS:
                    raise RefusedDatabaseError(f"more than {_MAX_ROWS} rows in {name}")
                found = dict.fromkeys(columns)
                found.update(zip(chosen, row, strict=True))
                yield found

    def value(self, table: str, column: str, rowid: int) -> Any:
        """One value of a row.

        Raises
        ------
        RefusedDatabaseError
            If it is too large or the table is damaged.
        """
        name, _ = self.tables[table.lower()]
        query = f"SELECT {_quoted(column)} FROM {_quoted(name)} WHERE rowid = ?"  # noqa: S608
        with self._refusing():
            row = self._connection.execute(query, (rowid,)).fetchone()
        return row[0] if row else None

    def _protect(self) -> None:
        """Bound what a query may do and cost."""
        self._connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        self._connection.set_progress_handler(self._progress, _STEPS)
        for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def _progress(self) -> int:
        """Count the steps; not zero stops the query."""
        self._calls += 1
        return int(self._calls > _MAX_CALLS)

    def _real_tables(self) -> dict[str, tuple[str, set[str]]]:
        """Names and columns of the tables that are neither views nor virtual."""
        found: dict[str, tuple[str, set[str]]] = {}
        query = "SELECT type, name, sql FROM sqlite_master"
        for kind, name, sql in self._connection.execute(query).fetchmany(_MAX_TABLES):
            words = str(sql).upper().split(None, 2)[:2]
            if kind != "table" or words != ["CREATE", "TABLE"]:
                continue
            columns = self._connection.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
            # The last number tells columns that an expression computes whenever they are read.
            plain = {str(column[1]).lower() for column in columns if column[-1] == 0}
            found[str(name).lower()] = (name, plain)
        self._connection.set_authorizer(_authorize)
        return found

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn the exceptions of sqlite3 into our own."""
        try:
            yield
        except (
            sqlite3.Error, sqlite3.Warning, OverflowError, MemoryError,
            UnicodeDecodeError,  # where the words of an error quote damaged bytes
        ) as error:  # fmt: skip
            stopped = self._calls > _MAX_CALLS
            text = "a query that takes too long" if stopped else str(error)[:200]
            raise RefusedDatabaseError(text) from error


def _authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
    """Allow SELECT of columns and the length of a value, nothing else."""
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and second == "length":
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _expression(column: str) -> str:
    """Column of a query, or the length of its value."""
    if column == "rowid":
        return "rowid"
    bare = _quoted(column.lstrip("#"))
    return f"length({bare})" if column.startswith("#") else bare


def _quoted(name: str) -> str:
    """Quote a name of a table or column."""
    return '"' + str(name).replace('"', '""') + '"'
