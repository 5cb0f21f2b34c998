"""A private MariaDB: the stand-in for MySQL that Debian has."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pymysql

from sandbox import children
from sandbox.children import LOOPBACK

SECONDS_TO_START = 60
SECONDS_TO_STOP = 30


class MariaDB:
    """One MariaDB: the stand-in for MySQL that Debian has."""

    def __init__(self, directory: Path) -> None:
        self.server = children.find_program(("mariadbd",), "mariadb-server-core")
        self.installer = children.find_program(("mariadb-install-db",), "mariadb-server-core")
        children.find_program(("my_print_defaults",), "mariadb-client-core")  # the installer's own need
        self.directory = directory
        self.port = children.free_port()
        self.env: dict[str, str] = {}  # given to it when it starts, besides our own
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the database named madang."""
        return self.url_of("madang")

    def url_of(self, database: str) -> str:
        """Return the address of one database, in the form SQLAlchemy takes."""
        return f"mysql+aiomysql://madang:madang@{LOOPBACK}:{self.port}/{database}?charset=utf8mb4"

    def create_database(self) -> str:
        """Make another, empty database and return its address."""
        name = f"madang_{secrets.token_hex(6)}"
        connection = pymysql.connect(host=LOOPBACK, port=self.port, user="madang", password="madang")  # noqa: S106 - private server
        with connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return self.url_of(name)

    def administer(self, statement: str) -> list[tuple[object, ...]]:
        """Say what only root may say; return the rows it answers with."""
        socket = self.directory / "files" / "s"
        connection = pymysql.connect(unix_socket=str(socket), user="root", autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start without waiting."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "tmp").mkdir(exist_ok=True)
        if not (self.directory / "installed").exists():
            self.install()
        self.child = children.spawn(
            [self.server, *self.flags()], self.directory / "log", os.environ | self.env
        )

    def await_ready(self) -> None:
        """Wait until it answers."""
        if self.child:
            children.await_ready(self.child, self.answers, self.directory / "log", SECONDS_TO_START)

    def stop(self) -> None:
        """End it in order."""
        if self.child:
            children.stop(self.child, SECONDS_TO_STOP)
            self.child = None

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self.child:
            children.kill(self.child)
            self.child = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return children.is_running(self.child)

    def pause(self) -> None:
        """Let it stand still, its connections open."""
        if self.child:
            children.pause(self.child)

    def resume(self) -> None:
        """Let it go on."""
        if self.child:
            children.resume(self.child)

    def restart(self) -> None:
        """End it if it runs, and start it on the same port and files."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Kill it and lose its disk."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def install(self) -> None:
        """Make the system tables; half-made ones are made again."""
        shutil.rmtree(self.directory / "files", ignore_errors=True)
        argv = [self.installer, "--no-defaults", f"--datadir={self.directory / 'files'}", *as_root()]
        argv += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        made = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - our own argument list
        if made.returncode:
            raise children.ServerFailed(
                f"mariadb-install-db failed:\n{made.stdout[-700:]}{made.stderr[-700:]}"
            )
        (self.directory / "init.sql").write_text(
            "CREATE DATABASE IF NOT EXISTS madang CHARACTER SET utf8mb4;\n"
            "CREATE USER IF NOT EXISTS madang@127.0.0.1 IDENTIFIED BY 'madang';\n"
            "GRANT ALL ON `madang%`.* TO madang@127.0.0.1;\n"
            "DELETE FROM mysql.global_priv WHERE User IN ('', 'root') AND Host <> 'localhost';\n"
            "FLUSH PRIVILEGES;\n"
        )
        (self.directory / "installed").touch()

    def flags(self) -> list[str]:
        """A commit that was answered is on the disk, and in the binary log."""
        here = self.directory
        return [
            "--no-defaults",
            f"--datadir={here / 'files'}",
            f"--tmpdir={here / 'tmp'}",
            f"--pid-file={here / 'pid'}",
            "--socket=s",  # in the data directory, however long its path is
            f"--init-file={here / 'init.sql'}",
            f"--bind-address={LOOPBACK}",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--innodb-flush-log-at-trx-commit=1",
            "--sync-binlog=1",
            "--log-bin=binlog",
            "--server-id=1",
            "--binlog-format=ROW",
            "--max-binlog-size=64M",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=16M",
            "--performance-schema=OFF",
            *as_root(),
        ]

    def answers(self) -> bool:
        """Whether it greets a caller."""
        return children.greeting(self.port) != b""


def as_root() -> list[str]:
    """MariaDB wants to be told when root really is meant."""
    return ["--user=root"] if os.geteuid() == 0 else []
