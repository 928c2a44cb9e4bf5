"""The unmodified bilibili-api-python package against the simulator.

Two programs that were written without each other must agree on the wire: the package asks, the simulator answers, and
the results are compared with what the simulator says of itself. Prints a line for each step and exits with 1 if one
failed. The command that serves the simulator comes from the environment variable SIMULATOR.
"""

import asyncio
import contextlib
import io
import json
import logging
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request
from urllib.parse import urlsplit, urlunsplit

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

from bilibili_api import Credential, Picture, select_client, session, user  # noqa: E402
from bilibili_api.clients.AioHTTPClient import AioHTTPClient  # noqa: E402
from bilibili_api.exceptions import ResponseCodeException  # noqa: E402
from bilibili_api.session import EventType  # noqa: E402
from PIL import Image  # noqa: E402

COMMAND = os.environ.get("SIMULATOR", "cargo run --quiet --release --bin bili -- simulate --port 0")
# A build may come first.
STARTS_WITHIN = 900
# The package asks every six seconds.
ARRIVES_WITHIN = 60

FRIEND, GROUP = 31001, 331001


class Simulator:
    """The served simulator: ended with the `with` block, however that ends."""

    def __enter__(self):
        self.process = subprocess.Popen(shlex.split(COMMAND), stdout=subprocess.PIPE, text=True, start_new_session=True)
        first = queue.Queue()

        def drain():
            # To its end, so that the simulator can always write.
            for line in self.process.stdout:
                first.put(line)
            first.put("")

        threading.Thread(target=drain, daemon=True).start()
        try:
            line = json.loads(first.get(timeout=STARTS_WITHIN))
            assert line["event"] == "listening", line
            self.origin, self.uid = line["origin"], line["uid"]
            self.sessdata, self.bili_jct = line["sessdata"], line["bili_jct"]
        except BaseException as error:
            self.__exit__()
            raise SystemExit(f"`{COMMAND}` does not serve a simulator: {error!r}") from error
        return self

    def __exit__(self, *_):
        # The process group is the one started above: cargo and what it runs.
        for sig in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, sig)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
                break

    def ask(self, action, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.origin}/_simulator/{action}", data=data)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            return json.load(response)

    def receive(self, content, msg_type=1, **more):
        return self.ask("message", {"from": FRIEND, "msg_type": msg_type, "content": content, **more})

    def sent(self):
        return self.ask("state")["sent"]


def point_at(simulator):
    """Every address of the package becomes the simulator's, whatever its host: the path stays."""
    asked = AioHTTPClient.request
    origin = urlsplit(simulator.origin)

    async def request(self, *args, **kwargs):
        address = urlsplit(kwargs["url"])
        assert address.hostname and address.hostname.endswith(("bilibili.com", "hdslb.com")), address
        kwargs["url"] = urlunsplit((origin.scheme, origin.netloc, address.path, address.query, ""))
        return await asked(self, *args, **kwargs)

    AioHTTPClient.request = request
    select_client("aiohttp")


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def png():
    file = io.BytesIO()
    Image.new("RGB", (6, 4), (251, 114, 153)).save(file, "PNG")
    return file.getvalue()


async def until(condition, what):
    deadline = time.monotonic() + ARRIVES_WITHIN
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {ARRIVES_WITHIN} s"
        await asyncio.sleep(0.05)


class Steps:
    """What is done, in order; each method is a step, its first line is what it says."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.credential = Credential(
            sessdata=simulator.sessdata,
            bili_jct=simulator.bili_jct,
            buvid3="00000000-1111-2222-3333-44444444444455555infoc",
            buvid4="66666666-7777-8888-9999-AAAAAAAAAAAA00000-023111421-bbbbbbbbbbbbbbbbbbbbbb==",
        )
        self.seen = {}

    async def check_valid(self):
        """the credential is good, and myinfo tells whose it is"""
        assert await self.credential.check_valid()
        equal((await user.get_self_info(self.credential))["mid"], self.simulator.uid)

    async def bad_credential(self):
        """a made-up credential is refused with -101"""
        other = Credential(sessdata="other", bili_jct="other", buvid3="a", buvid4="b")
        assert not await other.check_valid()
        try:
            await session.get_sessions(other)
        except ResponseCodeException as error:
            equal(error.code, -101)
        else:
            raise AssertionError("not refused")

    async def get_sessions(self):
        """get_sessions lists what arrived, users and groups"""
        self.simulator.receive({"content": "第一条"})
        self.seen["second"] = self.simulator.receive({"content": "第二条 😀"})
        self.simulator.receive({"content": "群里好"}, group=GROUP)
        found = await session.get_sessions(self.credential)
        listed = {(it["session_type"], it["talker_id"]): it for it in found["session_list"]}
        equal(listed[1, FRIEND]["unread_count"], 2)
        equal(listed[1, FRIEND]["max_seqno"], self.seen["second"]["msg_seqno"])
        equal(listed[2, GROUP]["last_msg"]["receiver_id"], GROUP)
        groups = await session.get_sessions(self.credential, session_type=3)
        assert all(it["session_type"] == 2 for it in groups["session_list"])

    async def new_sessions(self):
        """new_sessions lists what is newer than a time"""
        found = await session.new_sessions(self.credential, begin_ts=0)
        times = [it["session_ts"] for it in found["session_list"]]
        equal(times, sorted(times, reverse=True))
        assert not (await session.new_sessions(self.credential, begin_ts=times[0] + 60_000_000)).get("session_list")

    async def get_session_detail(self):
        """get_session_detail tells one conversation"""
        found = await session.get_session_detail(self.credential, FRIEND)
        equal((found["talker_id"], found["max_seqno"]), (FRIEND, self.seen["second"]["msg_seqno"]))
        try:
            await session.get_session_detail(self.credential, 39999)
        except ResponseCodeException as error:
            equal(error.code, 1000004)
        else:
            raise AssertionError("not refused")

    async def fetch_session_msgs(self):
        """fetch_session_msgs is signed by the package, and accepted"""
        found = await session.fetch_session_msgs(FRIEND, self.credential)
        newest, older = found["messages"][:2]
        equal(json.loads(newest["content"])["content"], "第二条 😀")
        equal(str(newest["msg_key"]), self.seen["second"]["msg_key"])
        found = await session.fetch_session_msgs(FRIEND, self.credential, begin_seqno=older["msg_seqno"])
        equal([it["msg_key"] for it in found["messages"]], [newest["msg_key"]])
        group = await session.fetch_session_msgs(GROUP, self.credential, session_type=2)
        equal(json.loads(group["messages"][-1]["content"])["content"], "群里好")

    async def fetch_empty(self):
        """a page with nothing on it"""
        found = await session.fetch_session_msgs(FRIEND, self.credential, begin_seqno=self.seen["second"]["msg_seqno"])
        equal((found.get("messages"), found["has_more"]), (None, 0))

    async def rotated_keys(self):
        """after the keys changed the package signs again by itself"""
        self.simulator.ask("rotate_keys", {})
        assert (await session.fetch_session_msgs(FRIEND, self.credential))["messages"]

    async def send_text(self):
        """send_msg sends a text with every kind of character"""
        text = "你好，世界 😀 \"双\" '单' !'()*~ +&=#%\n第二行\t\\"
        answer = await session.send_msg(self.credential, FRIEND, EventType.TEXT, text)
        sent = self.simulator.sent()[-1]
        equal(sent["content"], {"content": text})
        equal((sent["receiver_type"], sent["receiver_id"], sent["msg_type"]), (1, FRIEND, 1))
        equal(sent["msg_key"], str(answer["msg_key"]))
        self.seen["sent"] = answer["msg_key"]

    async def withdraw(self):
        """send_msg takes it back, once"""
        await session.send_msg(self.credential, FRIEND, EventType.WITHDRAW, str(self.seen["sent"]))
        found = await session.fetch_session_msgs(FRIEND, self.credential)
        equal((found["messages"][0]["msg_type"], found["messages"][1]["msg_status"]), (5, 1))
        try:
            await session.send_msg(self.credential, FRIEND, EventType.WITHDRAW, str(self.seen["sent"]))
        except ResponseCodeException as error:
            equal(error.code, 21042)
        else:
            raise AssertionError("not refused")

    async def send_pictures(self):
        """send_msg uploads a picture and sends it, as both types"""
        for msg_type in (EventType.PICTURE, EventType.GROUPS_PICTURE):
            picture = Picture.from_content(png(), "png")
            await session.send_msg(self.credential, FRIEND, msg_type, picture)
            sent = self.simulator.sent()[-1]
            equal((sent["msg_type"], sent["content"]["width"], sent["content"]["height"]), (msg_type.value, 6, 4))
            assert "/bfs/" in sent["content"]["url"], sent
            equal((await Picture.load_url(sent["content"]["url"])).content, png())

    async def refused_text(self):
        """a text to oneself is refused with 21026, one too long with 21007"""
        for receiver, text, code in ((self.simulator.uid, "a", 21026), (FRIEND, "长" * 2000, 21007)):
            try:
                await session.send_msg(self.credential, receiver, EventType.TEXT, text)
            except ResponseCodeException as error:
                equal(error.code, code)
            else:
                raise AssertionError(f"{code}: not refused")

    async def get_replies(self):
        """get_replies, page after page"""
        ids, cursor = [], {}
        while not cursor.get("is_end"):
            found = await session.get_replies(self.credential, cursor.get("id"), cursor.get("time"))
            ids += [it["id"] for it in found["items"]]
            cursor = found["cursor"]
        equal((len(ids), len(set(ids))), (45, 45))

    async def get_at(self):
        """get_at, page after page"""
        ids, cursor = [], {}
        while not cursor.get("is_end"):
            found = await session.get_at(self.credential, at_time=cursor.get("time"), last_id=cursor.get("id"))
            ids += [it["id"] for it in found["items"]]
            cursor = found["cursor"]
        equal((len(ids), len(set(ids))), (35, 35))

    async def get_likes(self):
        """get_likes, page after page, the latest also in the total"""
        ids, cursor, latest = [], {}, []
        while not cursor.get("is_end"):
            found = await session.get_likes(self.credential, cursor.get("id"), cursor.get("time"))
            ids += [it["id"] for it in found["total"]["items"]]
            latest += [it["id"] for it in found["latest"]["items"] or []]
            cursor = found["total"]["cursor"]
        equal((len(ids), len(set(ids))), (60, 60))
        assert latest and set(latest) <= set(ids)

    async def get_unread_messages(self):
        """get_unread_messages counts: of likes each one, two for each liked thing"""
        found = await session.get_unread_messages(self.credential)
        equal((found["reply"], found["at"], found["like"]), (45, 35, 120))

    async def get_system_messages(self):
        """get_system_messages lists notices"""
        found = await session.get_system_messages(self.credential)
        assert len(found["system_notify_list"]) == 20
        assert all(it["title"] and it["content"] for it in found["system_notify_list"])

    async def get_session_settings(self):
        """get_session_settings tells the settings"""
        found = await session.get_session_settings(self.credential)
        assert "set_at" in found and "set_like" in found, found

    async def run_and_reply(self):
        """Session.run hands new messages to handlers, which reply with a text and with a picture"""
        bot = session.Session(self.credential)
        heard, failures = [], []

        @bot.on(EventType.TEXT)
        async def on_text(event):
            try:
                if event.receiver_type == 1 and event.sender_uid == FRIEND:
                    heard.append(event.content)
                    await bot.reply(event, f"收到：{event.content}")
            except Exception as error:
                failures.append(error)

        @bot.on(EventType.PICTURE)
        async def on_picture(event):
            try:
                if event.sender_uid == FRIEND:
                    heard.append(event.content.url)
                    await bot.reply(event, Picture.from_content(png(), "png"))
            except Exception as error:
                failures.append(error)

        before = len(self.simulator.sent())
        await bot.run()
        # None of these three lets the bot ask in between, so that it hears each of them once.
        url = "https://i0.hdslb.com/bfs/im_new/0123456789abcdef0123456789abcdef31001.png"
        self.simulator.receive({"content": "一"})
        self.simulator.receive({"content": "二"})
        self.simulator.receive({"url": url, "width": 1, "height": 1, "imageType": "png", "original": 1, "size": 1}, msg_type=2)
        try:
            await until(lambda: failures or len(self.simulator.sent()) >= before + 3, "the replies")
        finally:
            bot.close()
        assert not failures, failures
        equal(heard, ["一", "二", url])
        sent = self.simulator.sent()[before:]
        texts = sorted(it["content"]["content"] for it in sent if it["msg_type"] == 1)
        equal(texts, ["收到：一", "收到：二"])
        equal([(it["receiver_id"], it["content"]["width"]) for it in sent if it["msg_type"] == 2], [(FRIEND, 6)])

    async def logged_out(self):
        """when the login dies, calls are refused with -101"""
        self.simulator.ask("logout", {})
        try:
            await session.get_unread_messages(self.credential)
        except ResponseCodeException as error:
            equal(error.code, -101)
        else:
            raise AssertionError("not refused")


async def main():
    passed = failed = 0
    with Simulator() as simulator:
        point_at(simulator)
        steps = Steps(simulator)
        for name, step in vars(Steps).items():
            if not asyncio.iscoroutinefunction(step):
                continue
            try:
                await step(steps)
            except Exception:
                failed += 1
                print(f"FAILED {name}: {step.__doc__}\n{traceback.format_exc()}", flush=True)
            else:
                passed += 1
                print(f"ok     {name}: {step.__doc__}", flush=True)
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    logging.getLogger("Session").addHandler(logging.NullHandler())
    sys.exit(asyncio.run(main()))
