"""Pictures of `bili` in a terminal, for the READMEs: each is a real run, in a pseudo-terminal, against the embedded simulator.

    cargo build --release --bin bili
    python3 -m venv target/pictures && target/pictures/bin/pip install rich pyte
    target/pictures/bin/python examples/pictures/terminal.py

Writes watch.svg and login.svg beside this file. What stands in them is what the command wrote, colours included; made-up
people, a QR code of the simulator. `rsvg-convert` shows whether it looks well.
"""

import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
import urllib.request

import pyte
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = pathlib.Path(__file__).resolve().parent
BILI = HERE.parents[1] / "target/release/bili"
COLUMNS = 96


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BILI_")}
    return kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "Asia/Shanghai", "LANG": "C.UTF-8"} | more


def run(args, rows, env, until, seconds=30):
    """The screen of a command once `until` says so."""
    screen = pyte.Screen(COLUMNS, rows)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(BILI, [str(BILI), *args], env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end and not until(screen):
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    stream.feed(os.read(terminal, 65536))
                except OSError:
                    break
    finally:
        os.kill(pid, signal.SIGINT)
        time.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return screen


def colour(name):
    """pyte's name of a colour, or six digits, as rich's."""
    if name == "default":
        return None
    is_hex = len(name) == 6 and all(digit in "0123456789abcdef" for digit in name)
    return Color.parse(f"#{name}" if is_hex else {"brown": "yellow"}.get(name, name))


def text(screen):
    """The screen as rich's text."""
    lines = []
    for row in range(screen.lines):
        line = Text()
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        while cells and cells[-1].data == " " and cells[-1].bg == "default":
            cells.pop()
        for cell in cells:
            if not cell.data:
                continue
            style = Style(color=colour(cell.fg), bgcolor=colour(cell.bg), bold=cell.bold, reverse=cell.reverse)
            line.append(cell.data, style)
        lines.append(line)
    while lines and not lines[-1].plain:
        lines.pop()
    return Text("\n").join(lines)


def save(name, command, screen):
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ {command}", Style(bold=True)))
    console.print(text(screen), soft_wrap=True)
    path = HERE / f"{name}.svg"
    console.save_svg(str(path), title="bili", theme=MONOKAI, unique_id=name)
    print(path, path.stat().st_size, "bytes")


def watch():
    done = lambda screen: sum("(" in line for line in screen.display) >= 12
    screen = run(["watch"], 22, environment(), done, 20)
    save("watch", "bili watch", screen)


def login():
    with tempfile.TemporaryDirectory() as home:
        simulator = subprocess.Popen([BILI, "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True)
        origin = json.loads(simulator.stdout.readline())["origin"]
        scanned = []

        def until(screen):
            words = "\n".join(screen.display)
            if "█" in words and not scanned:
                body = json.dumps({"confirm": True}).encode()
                urllib.request.urlopen(urllib.request.Request(f"{origin}/_simulator/scan", body, method="POST"))
                scanned.append(True)
            return "10001" in words

        env = environment(BILI_ORIGIN=origin, BILI_HOME=home)
        screen = run(["login", "--account", "work"], 40, env, until)
        simulator.send_signal(signal.SIGTERM)
        simulator.wait()
    save("login", "bili login --account work", screen)


if __name__ == "__main__":
    watch()
    login()
