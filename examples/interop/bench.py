"""`bili watch` and the Session of bilibili-api-python, whole processes, at the same bytes of the same server.

One static server (examples/simulator/examples/static_server.rs) gives both clients the same answers, all of which were
written before the first request came. The clients take turns, and what is printed are medians. A client that did not
write a line for each message fails the run. (Where the machine is busy, the package asks again before the last answer
came, and writes some messages twice: then it has more lines.)

The work: 100 conversations have 30 new messages each, eight times over, at an interval of 0.3 s; a line of JSON for each
goes to a file. CPU is what the client's process took of it, user and system, all its threads, as the kernel counts it
(so it needs Linux), between the first request for what is new and the third one with nothing new: no start, no imports.
An idle poll is the mean of the twenty after those. The package's own log is switched off, in its favour, and its interval
of six seconds is changed to the same 0.3 s.

The line below the table is what an idle poll costs the package without the scheduler of its Session: a loop that sleeps for
0.3 s and makes the call that the poll makes.
"""

import argparse
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LOGIN = {"BILI_SESSDATA": "made-up-sessdata", "BILI_JCT": "made-up-jct", "BILI_BUVID3": "made-up-buvid3", "BILI_BUVID4": "made-up-buvid4"}
INTERVAL = 0.3
# Longer than any client needs on any machine.
PATIENCE = 300


# Of these less is not better.
COUNTS = ("lines", "page requests", "threads")


def cpu_of(pid):
    """Seconds of user and system time of the process and all its threads, also of those that have ended."""
    return time.clock_gettime((~pid << 3) | 2)


def status_of(pid, name):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


class Server:
    def __init__(self, options, delay_ms):
        command = [options.server, "--conversations", options.conversations, "--messages", options.messages]
        command += ["--rounds", options.rounds, "--idle", options.idle, "--delay-ms", delay_ms]
        command = [str(it) for it in command]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.origin = self.said()["origin"]

    def said(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the server ended")
        return json.loads(line)

    def until(self, mark):
        said = self.said()
        if said["mark"] != mark:
            raise SystemExit(f"{said} instead of {mark}")
        return said

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.wait()


class Lines:
    """The lines that a client writes, as they come."""

    def __init__(self, file):
        self.file, self.rest = file, b""
        self.count, self.keys = 0, set()

    def read(self):
        *whole, self.rest = (self.rest + self.file.read()).split(b"\n")
        keys = re.findall(rb'"event":"message".*?"msg_key":"(\d+)"', b"\n".join(whole))
        self.count += len(keys)
        self.keys.update(keys)
        return len(self.keys)


def run(options, client, delay_ms):
    """One client against a server of its own; figures by name."""
    total = options.conversations * options.messages * options.rounds
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        server = Server(options, delay_ms)
        ends.callback(server.end)
        path = os.path.join(folder, "lines")
        out = ends.enter_context(open(path, "wb"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BILI_")} | LOGIN
        process = subprocess.Popen(client(options, server.origin), stdout=out, env=environment)

        def end():
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()

        ends.callback(end)
        ends.enter_context(watchdog(server.process, process))
        server.until("start")
        cpu, wall = cpu_of(process.pid), time.monotonic()
        server.go_on()
        fetches = server.until("served")["fetches"]
        lines = Lines(ends.enter_context(open(path, "rb")))
        while lines.read() < total and time.monotonic() - wall < PATIENCE:
            time.sleep(0.005)
        wall = time.monotonic() - wall
        server.until("settled")
        if lines.read() != total:
            raise SystemExit(f"{client.__name__}: lines of {lines.read()} messages, not of {total}")
        peak = status_of(process.pid, "VmHWM")
        settled = cpu_of(process.pid)
        server.go_on()
        polls = server.until("idle")["polls"]
        idle = cpu_of(process.pid)
        threads = status_of(process.pid, "Threads")
        server.go_on()
        return {
            "CPU a message (µs)": (settled - cpu) / total * 1e6,
            "CPU an idle poll (ms)": (idle - settled) / polls * 1e3,
            "peak memory (MB)": peak / 1024,
            "wall time (s)": wall,
            "lines": lines.count,
            "page requests": fetches,
            "threads": threads,
        }


@contextlib.contextmanager
def watchdog(*processes):
    """Nothing waits for ever."""
    timer = threading.Timer(PATIENCE, lambda: [it.kill() for it in processes])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def poll_alone(options, delay_ms):
    """An idle poll of the package without its scheduler, in milliseconds of CPU."""
    options = argparse.Namespace(**vars(options) | {"rounds": 0})
    with contextlib.ExitStack() as ends:
        server = Server(options, delay_ms)
        ends.callback(server.end)
        process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--poller", server.origin])
        ends.callback(process.wait)
        ends.callback(process.kill)
        ends.enter_context(watchdog(server.process, process))
        server.until("settled")
        settled = cpu_of(process.pid)
        server.go_on()
        polls = server.until("idle")["polls"]
        return (cpu_of(process.pid) - settled) / polls * 1e3


def blocking(options, origin):
    return [options.bili, "watch", "--json", "--interval", str(INTERVAL), "--origin", origin]


def async_std(options, origin):
    return [*blocking(options, origin), "--runtime", "async-std"]


def python(options, origin):
    return [sys.executable, os.path.abspath(__file__), "--client", origin]


CLIENTS = {"bili, blocking": blocking, "bili, async-std": async_std, "bilibili-api-python": python}


def table(rows, reference):
    names = list(rows)
    for figure in rows[reference][0]:
        medians = {name: statistics.median(it[figure] for it in rows[name]) for name in names}
        cells = []
        for name in names:
            ratio = medians[reference] / medians[name] if medians[name] else 0
            times = "" if name == reference or figure in COUNTS else f" ({ratio:.1f} x)"
            cells.append(f"{medians[name]:.{0 if figure in COUNTS else 2}f}{times}")
        yield f"| {figure} | " + " | ".join(cells) + " |"


def measure(options):
    for delay in options.delays:
        rows = {name: [] for name in options.clients}
        alone = []
        for pair in range(options.pairs):
            for name in options.clients:
                rows[name].append(run(options, CLIENTS[name], delay))
                figures = ", ".join(f"{figure} {value:.2f}" for figure, value in rows[name][-1].items())
                print(f"{delay} ms an answer, {pair + 1} of {options.pairs}, {name}: {figures}", file=sys.stderr, flush=True)
            alone.append(poll_alone(options, delay))
        total = options.conversations * options.messages * options.rounds
        print(f"\n{total} messages, {delay} ms an answer; medians of {options.pairs} alternating runs, all lines counted\n")
        print("| | " + " | ".join(rows) + " |\n|---|" + "---|" * len(rows))
        for line in table(rows, options.clients[-1]):
            print(line)
        print(f"\nCPU of an idle poll of bilibili-api-python without its scheduler: {statistics.median(alone):.2f} ms", flush=True)


def package(origin):
    """The package, asking this server, and the login."""
    from urllib.parse import urlsplit, urlunsplit

    from bilibili_api import Credential, select_client, session
    from bilibili_api.clients.AioHTTPClient import AioHTTPClient

    origin = urlsplit(origin)
    asked = AioHTTPClient.request

    async def request(self, *args, **kwargs):
        address = urlsplit(kwargs["url"])
        kwargs["url"] = urlunsplit((origin.scheme, origin.netloc, address.path, address.query, ""))
        return await asked(self, *args, **kwargs)

    AioHTTPClient.request = request
    select_client("aiohttp")
    login = Credential(
        sessdata=LOGIN["BILI_SESSDATA"], bili_jct=LOGIN["BILI_JCT"], buvid3=LOGIN["BILI_BUVID3"], buvid4=LOGIN["BILI_BUVID4"]
    )
    return session, login


def poller(origin):
    """Asks for what is new, as the poll of the package's Session does, for ever."""
    import asyncio

    session, login = package(origin)

    async def poll():
        while True:
            await asyncio.sleep(INTERVAL)
            await session.new_sessions(login, 1)

    asyncio.run(poll())


def client(origin):
    """The package's Session, as its users write it, with a line for each message."""
    import asyncio
    import logging

    from apscheduler.triggers.interval import IntervalTrigger

    logging.getLogger("Session").addHandler(logging.NullHandler())
    session, login = package(origin)

    async def watch():
        bot = session.Session(login)
        logging.getLogger("Session").setLevel(logging.WARNING)

        def content_of(event):
            content = event.content
            if isinstance(content, str):
                return content
            return content.url if hasattr(content, "url") else content.get_bvid()

        def written(event):
            line = {
                "event": "message",
                "sender_uid": event.sender_uid,
                "receiver_type": event.receiver_type,
                "receiver_id": event.receiver_id,
                "msg_seqno": event.msg_seqno,
                "msg_type": event.msg_type,
                "msg_key": str(event.msg_key),
                "timestamp": event.timestamp,
                "msg_status": event.msg_status,
                "content": content_of(event),
            }
            sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")

        for event_type in session.EventType:
            bot.on(event_type)(written)
        await bot.run()
        bot.sched.reschedule_job("query", trigger=IntervalTrigger(seconds=INTERVAL))
        while True:
            await asyncio.sleep(INTERVAL)
            sys.stdout.flush()

    asyncio.run(watch())


def main():
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "..", "target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--client", metavar="ORIGIN", help="be the client in Python")
    parser.add_argument("--poller", metavar="ORIGIN", help="be the poll of the package alone")
    parser.add_argument("--server", default=os.path.join(target, "release", "examples", "static_server"))
    parser.add_argument("--bili", default=os.path.join(target, "release", "bili"))
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS), metavar="CLIENT")
    parser.add_argument("--delays", nargs="+", type=int, default=[0, 50], metavar="MS", help="of an answer, a table for each")
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--messages", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--idle", type=int, default=20)
    options = parser.parse_args()
    if options.client:
        client(options.client)
    elif options.poller:
        poller(options.poller)
    else:
        measure(options)


if __name__ == "__main__":
    main()
