from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from lab.domain.egress import Door
from lab.domain.errors import ProviderError, TerminalProviderError
from lab.domain.sandbox import Seen, Stage
from lab.providers import kubernetes
from lab.providers.kubernetes import doors, watch
from tests.conftest import make_sandbox
from tests.providers.kubernetes.fake_server import FakeServer, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator
    from pathlib import Path

    from aiohttp import web

    from lab.domain.sandbox import Sandbox
    from lab.ports import Provider
    from lab.providers.kubernetes.apply import ForeignEdit
    from lab.providers.kubernetes.session import Session

ALL = frozenset(Door)
BOX = make_sandbox("sb-a100000001")
CLOSED = ("networkpolicies", BOX.id, "tout-fermer")


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer().running() as made:
        made.put("namespaces", {"metadata": {"name": "vase-clos"}})
        hub = {
            "metadata": {"name": "hub", "namespace": "vase-clos"},
            "spec": {"clusterIP": "10.1.0.1"},
        }
        made.put("services", hub)
        yield made


@asynccontextmanager
async def opened(
    server: FakeServer, folder: Path, **more: Any
) -> AsyncIterator[tuple[Session, Provider]]:
    session = kubernetes.open_session({"kubeconfig": server.kubeconfig(folder), **more})
    try:
        yield session, kubernetes.build(Stage.ISOLATION, {"session": session})
    finally:
        await session.aclose()


async def until(provider: Provider, seen: Seen, sandbox: Sandbox = BOX) -> Any:
    async with asyncio.timeout(20):
        while (found := await provider.observe(sandbox)).seen is not seen:
            await asyncio.sleep(0.01)
    return found


async def test_a_pass_with_nothing_to_do_asks_and_writes_nothing(
    server: FakeServer, tmp_path: Path
) -> None:
    async with opened(server, tmp_path) as (session, provider):
        await provider.observe(BOX)
        before = server.requests.copy()
        await provider.ensure(BOX)
        await doors.ensure_doors(session, BOX, ALL)
        spent = server.requests - before
        assert spent["PATCH"] + spent["POST"] == 7
        before = server.requests.copy()
        for _ in range(3):
            await provider.ensure(BOX)
            await doors.ensure_doors(session, BOX, ALL)
            assert (await provider.observe(BOX)).seen is Seen.READY
            assert not doors.see_doors(session, BOX, ALL).wrong
        assert server.requests - before == {}


async def test_the_place_is_closed_before_anybody_may_put_anything_in_it(
    server: FakeServer, tmp_path: Path
) -> None:
    async with opened(server, tmp_path) as (_, provider):
        await provider.ensure(BOX)
    kinds = [path.rpartition("/")[2] for method, path in server.log if method == "POST"]
    assert kinds[0] == "namespaces"
    assert kinds[-1] == "rolebindings"
    assert set(kinds[1:-1]) == {"networkpolicies", "resourcequotas", "limitranges"}


async def test_a_server_that_asks_for_time_gets_it(server: FakeServer, tmp_path: Path) -> None:
    async with opened(server, tmp_path) as (_, provider):
        await provider.observe(BOX)
        server.fail(
            status(429, "slow down", **{"Retry-After": "0"}),
            status(503, "starting"),
            status(429, "slow down"),
            only="PATCH POST",
        )
        await provider.ensure(BOX)
        assert (await provider.observe(BOX)).seen is Seen.READY


async def test_a_server_that_asks_for_much_time_is_left_alone(
    server: FakeServer, tmp_path: Path
) -> None:
    async with opened(server, tmp_path) as (_, provider):
        await provider.observe(BOX)
        server.fail(status(429, "slow down", **{"Retry-After": "60"}), only="PATCH POST")
        with pytest.raises(ProviderError, match="busy") as caught:
            await provider.ensure(BOX)
        assert not isinstance(caught.value, TerminalProviderError)


@pytest.mark.parametrize(
    ("code", "message", "is_terminal"),
    [
        (401, "Unauthorized", True),
        (403, "namespaces is forbidden: User cannot patch resource", True),
        (422, "ValidatingAdmissionPolicy 'x' denied request: no", True),
        (400, "strict decoding error", True),
        (403, "exceeded quota: all, requested: pods=1", False),
        (403, "unable to create new content because it is being terminated", False),
        (403, 'error looking up service account: serviceaccount "default" not found', False),
        (500, "failed calling webhook: connection refused", False),
        (500, "etcdserver: request timed out", False),
        (409, "the object has been modified", False),
    ],
)
async def test_what_a_refusal_means(
    server: FakeServer, tmp_path: Path, code: int, message: str, is_terminal: bool
) -> None:
    async with opened(server, tmp_path) as (_, provider):
        await provider.observe(BOX)
        server.fail(*(status(code, message) for _ in range(4)), only="PATCH POST")
        with pytest.raises(ProviderError) as caught:
            await provider.ensure(BOX)
        assert isinstance(caught.value, TerminalProviderError) is is_terminal
        assert "namespaces" in str(caught.value)


async def test_a_server_that_is_down_is_unknown_and_nothing_is_lost(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "STALE_AFTER_S", 0.3)
    async with opened(server, tmp_path) as (session, provider):
        await provider.ensure(BOX)
        server.is_down = True
        server.cut()
        await until(provider, Seen.UNKNOWN)
        for act in (provider.ensure(BOX), provider.revoke(BOX.id), provider.owned()):
            with pytest.raises(ProviderError):
                await act
        server.delete(CLOSED)
        server.is_down = False
        assert "tout-fermer" in (await until(provider, Seen.REVOKED)).detail
        await provider.ensure(BOX)
        assert (await provider.observe(BOX)).seen is Seen.READY
        assert session.shelves


async def test_a_cut_watch_goes_on_and_an_old_version_is_listed_anew(
    server: FakeServer, tmp_path: Path
) -> None:
    woken: list[str] = []
    async with opened(server, tmp_path) as (session, provider):
        session.subscribe(woken.append)
        await provider.ensure(BOX)
        server.cut()
        server.delete(CLOSED)
        await until(provider, Seen.REVOKED)
        assert woken[-1] == BOX.id
        await provider.ensure(BOX)
        server.forget_history()
        server.delete(CLOSED)
        server.forget_history()
        server.cut()
        await until(provider, Seen.REVOKED)
        await provider.ensure(BOX)
        assert (await provider.observe(BOX)).seen is Seen.READY


async def test_an_error_in_the_stream_means_a_new_list(server: FakeServer, tmp_path: Path) -> None:
    async with opened(server, tmp_path) as (_, provider):
        await provider.ensure(BOX)
        lists = _lists(server)
        gone = {"kind": "Status", "code": 410, "message": "too old", "metadata": {}}
        server.version += 1
        for plural in ("networkpolicies", "namespaces"):
            server.events.append((server.version, "ERROR", plural, _matching(gone, plural)))
        server.delete(CLOSED)
        await until(provider, Seen.REVOKED)
        assert _lists(server) > lists


def _matching(found: dict[str, Any], plural: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "vase-clos", "vase-clos.lab/lab": "vase-clos"}
    labels["vase-clos.lab/sandbox"] = BOX.id
    return {**found, "metadata": {"labels": labels, "name": plural}}


def _lists(server: FakeServer) -> int:
    return sum(method == "GET" and path.endswith("s") for method, path in server.log)


async def test_what_is_not_ours_is_never_touched(server: FakeServer, tmp_path: Path) -> None:
    foreign = server.put("namespaces", {"metadata": {"name": BOX.id, "labels": {"team": "other"}}})
    async with opened(server, tmp_path) as (_, provider):
        assert (await provider.observe(BOX)).seen is Seen.ABSENT
        with pytest.raises(TerminalProviderError, match="does not carry the label"):
            await provider.ensure(BOX)
        await provider.revoke(BOX.id)
        await provider.remove(BOX.id)
        assert await provider.owned() == frozenset()
    assert server.objects["namespaces", "", BOX.id] == foreign


async def test_the_namespace_of_another_lab_is_not_ours(
    server: FakeServer, tmp_path: Path
) -> None:
    async with opened(server, tmp_path, namespace="autre") as (_, other):
        await other.ensure(BOX)
    async with opened(server, tmp_path) as (_, provider):
        assert await provider.owned() == frozenset()
        with pytest.raises(TerminalProviderError):
            await provider.ensure(BOX)
        await provider.remove(BOX.id)
    assert ("namespaces", "", BOX.id) in server.objects


async def test_two_sandboxes_with_one_slot_are_told_apart(
    server: FakeServer, tmp_path: Path
) -> None:
    other = make_sandbox("sb-a100000002")
    async with opened(server, tmp_path) as (session, provider):
        for box in (BOX, other):
            await provider.ensure(box)
            await doors.ensure_doors(session, box, ALL)
        key = ("namespaces", "", other.id)
        taken = server.objects[key]
        assert taken["metadata"]["annotations"]["vase-clos.lab/slot"] == "1"
        taken["metadata"]["annotations"]["vase-clos.lab/slot"] = "0"
        server.put("namespaces", taken)
        assert "slot" in (await until(provider, Seen.REVOKED, other)).detail
        assert doors.see_doors(session, other, ALL).wrong
        assert (await provider.observe(BOX)).seen is Seen.READY
        await provider.ensure(other)
        slot = server.objects[key]["metadata"]["annotations"]["vase-clos.lab/slot"]
        assert slot == "1"


async def test_a_slot_is_free_again_once_its_namespace_is_gone(
    server: FakeServer, tmp_path: Path
) -> None:
    boxes = [make_sandbox(f"sb-a1000000{n:02x}") for n in range(8)]
    async with opened(server, tmp_path) as (session, provider):
        await asyncio.gather(*(provider.ensure(box) for box in boxes))
        slots = {box.id: _slot(session, box) for box in boxes}
        assert set(slots.values()) == {str(n) for n in range(8)}
        await provider.remove(boxes[3].id)
        await until(provider, Seen.ABSENT, boxes[3])
        late = make_sandbox("sb-a1000000ff")
        await provider.ensure(late)
        assert _slot(session, late) == slots[boxes[3].id]


def _slot(session: Session, sandbox: Sandbox) -> str:
    found = session.place(sandbox.id)
    assert found is not None
    return found.note


async def test_an_edit_by_another_hand_is_put_back_and_told(
    server: FakeServer, tmp_path: Path
) -> None:
    told: list[ForeignEdit] = []

    async def tell(edit: ForeignEdit) -> None:
        told.append(edit)

    async with opened(server, tmp_path, on_foreign_edit=tell) as (_, provider):
        await provider.ensure(BOX)
        as_made = server.world()
        opened_up = server.objects[CLOSED]
        opened_up["spec"]["egress"] = [{}]
        server.put("networkpolicies", opened_up)
        quota = server.objects["resourcequotas", BOX.id, "quota"]
        quota["spec"]["hard"]["pods"] = "99"
        server.put("resourcequotas", quota)
        server.delete(("limitranges", BOX.id, "limits"))
        await until(provider, Seen.REVOKED)
        await provider.ensure(BOX)
        assert server.world() == as_made
        found = {(edit.kind, edit.fields) for edit in told}
        assert found == {
            ("NetworkPolicy", ("spec.egress",)),
            ("ResourceQuota", ("spec.hard.pods",)),
            ("LimitRange", ()),
        }
        assert {edit.sandbox_id for edit in told} == {BOX.id}


class Cut:
    """Runs a coroutine up to its n-th await, and kills it there."""

    def __init__(self, work: Coroutine[Any, Any, None], at: int) -> None:
        self._work, self._left = work, at
        self.is_done = False

    def __await__(self) -> Generator[Any, None, None]:
        inner = self._work.__await__()
        try:
            waits = next(inner)
            while True:
                if not self._left:
                    self._work.close()
                    return
                self._left -= 1
                try:
                    answer = yield waits
                except BaseException as error:
                    waits = inner.throw(error)
                else:
                    waits = inner.send(answer)
        except StopIteration:
            self.is_done = True


async def _whole(session: Session, provider: Provider) -> None:
    await provider.ensure(BOX)
    await doors.ensure_doors(session, BOX, ALL)


async def _gone(session: Session, provider: Provider) -> None:
    await doors.shut_doors(session, BOX.id)
    await provider.remove(BOX.id)


@pytest.mark.parametrize("work", [_whole, _gone])
async def test_killed_at_every_await_it_ends_in_the_same_world(
    server: FakeServer,
    tmp_path: Path,
    work: Callable[[Session, Provider], Coroutine[Any, Any, None]],
) -> None:
    empty = server.kept()
    async with opened(server, tmp_path) as (session, provider):
        await _whole(session, provider)
    before, wanted = (empty, server.world()) if work is _whole else (server.kept(), None)
    for at in range(300):
        server.restore(before)
        async with opened(server, tmp_path) as (session, provider):
            await session.ready()
            cut = Cut(work(session, provider), at)
            await cut
            for task in asyncio.all_tasks():
                if "Applier" in repr(task.get_coro()) or "Session.put" in repr(task.get_coro()):
                    task.cancel()
        async with opened(server, tmp_path) as (session, provider):
            await work(session, provider)
            if work is _gone:
                await until(provider, Seen.ABSENT)
        if wanted is None:
            assert server.kept().keys() == empty.keys(), at
        else:
            assert server.world() == wanted, at
        if cut.is_done:
            assert at > 5
            return
    pytest.fail("it never came to its end")


async def test_a_right_that_is_missing_is_an_operators_matter(
    server: FakeServer, tmp_path: Path
) -> None:
    denied = 'networkpolicies is forbidden: User "x" cannot list resource'

    async def refuse(request: web.Request) -> web.Response | None:
        return status(403, denied) if request.path.endswith("networkpolicies") else None

    server.faults.append(refuse)
    async with opened(server, tmp_path) as (_, provider):
        found = await provider.observe(BOX)
        assert found.seen is Seen.UNKNOWN
        assert denied in found.detail
        for act in (provider.ensure(BOX), provider.revoke(BOX.id)):
            with pytest.raises(TerminalProviderError, match="cannot list"):
                await act


async def test_no_way_to_the_api_server_is_told_at_once(tmp_path: Path) -> None:
    session = kubernetes.open_session({"kubeconfig": tmp_path / "none"})
    provider = kubernetes.build(Stage.ISOLATION, {"session": session})
    async with asyncio.timeout(5):
        assert "no way to the API server" in (await provider.observe(BOX)).detail
        with pytest.raises(TerminalProviderError):
            await provider.ensure(BOX)
    await session.aclose()


async def test_a_server_that_does_not_answer_holds_nobody_up(
    server: FakeServer, tmp_path: Path
) -> None:
    hung = asyncio.Event()

    async def hang(request: web.Request) -> None:
        if request.method in {"PATCH", "POST"}:
            await hung.wait()

    async with opened(server, tmp_path, timeout_seconds=0.5) as (_, provider):
        await provider.observe(BOX)
        server.faults.append(hang)
        async with asyncio.timeout(5):
            with pytest.raises(ProviderError, match="does not answer"):
                await provider.ensure(BOX)
        server.faults.remove(hang)
        hung.set()
        await provider.ensure(BOX)
        assert (await provider.observe(BOX)).seen is Seen.READY
