"""Jobs as arrays: one for each kind, a task a network, and what waits for what."""

from __future__ import annotations

from repro.plan.jobs import Job
from repro.run.slurm.arrays import Array, arrays, waves


def job(kind: str, name: str, *inputs: Job) -> Job:
    return Job(
        kind=kind,  # type: ignore[arg-type]
        spec={"name": name},
        seed=0,
        inputs={f"input{place}": other.id for place, other in enumerate(inputs)},
        code="1",
        threads=1,
        device="cpu",
        label=f"{kind} {name}",
    )


TRAIN, VAL = job("data", "train"), job("data", "val")
TEXTURE = job("data", "texture", TRAIN)
FIRST, SECOND = job("pretrain", "first", TRAIN), job("pretrain", "second", TRAIN)
PROBES = [job("probe", "first", FIRST, TRAIN), job("probe", "second", SECOND, TRAIN)]
VALS = [job("evaluate", "val", FIRST, PROBES[0], VAL), job("evaluate", "val", SECOND, PROBES[1], VAL)]
TRAINS = [job("evaluate", "train", FIRST, PROBES[0], TRAIN), job("evaluate", "train", SECOND, PROBES[1], TRAIN)]
ALL = {one.id: one for one in (TRAIN, VAL, TEXTURE, FIRST, SECOND, *PROBES, *VALS, *TRAINS)}


def test_waves_are_kinds_and_within_a_kind_what_rests_on_what() -> None:
    assert waves(ALL) == [[TRAIN, VAL], [TEXTURE], [FIRST, SECOND], PROBES, [*VALS, *TRAINS]]


def test_what_is_there_already_makes_nothing_wait() -> None:
    assert waves({one.id: one for one in (TEXTURE, VAL)}) == [[TEXTURE, VAL]]
    assert arrays([FIRST, SECOND], {}, ALL, most=10) == [Array("pretrain", {0: (FIRST,), 1: (SECOND,)}, "")]


def test_a_network_waits_for_its_data_whatever_comes_of_them() -> None:
    held = {TRAIN.id: ("7", 0), VAL.id: ("7", 1)}
    assert arrays([FIRST, SECOND], held, ALL, most=10) == [
        Array("pretrain", {0: (FIRST,), 1: (SECOND,)}, "afterany:7"),
    ]


def test_a_probe_has_the_number_of_its_network_and_waits_for_that_alone() -> None:
    held = {FIRST.id: ("8", 5), SECOND.id: ("8", 2)}
    assert arrays(PROBES, held, ALL, most=10) == [
        Array("probe", {5: (PROBES[0],), 2: (PROBES[1],)}, "aftercorr:8"),
    ]


def test_evaluations_of_a_network_are_one_task_that_waits_for_the_probe_which_waits_for_the_network() -> None:
    held = {FIRST.id: ("8", 0), SECOND.id: ("8", 1), PROBES[0].id: ("10", 0), PROBES[1].id: ("10", 1), VAL.id: ("9", 1)}
    assert arrays([*VALS, *TRAINS], held, ALL, most=10) == [
        Array("evaluate", {0: (VALS[0], TRAINS[0]), 1: (VALS[1], TRAINS[1])}, "aftercorr:10,afterany:9"),
    ]


def test_networks_in_two_arrays_make_two() -> None:
    held = {FIRST.id: ("8", 0), SECOND.id: ("11", 0)}
    assert arrays(PROBES, held, ALL, most=10) == [
        Array("probe", {0: (PROBES[0],)}, "aftercorr:8"),
        Array("probe", {0: (PROBES[1],)}, "aftercorr:11"),
    ]


def test_what_rests_on_two_networks_waits_for_the_arrays_of_both_whatever_comes_of_them() -> None:
    both = job("similarity", "both", FIRST, SECOND)
    held = {FIRST.id: ("8", 0), SECOND.id: ("9", 1)}
    assert arrays([both], held, {**ALL, both.id: both}, most=10) == [
        Array("similarity", {0: (both,)}, "afterany:8:9"),
    ]


def test_tasks_that_all_look_at_one_network_are_one_array_each_with_the_number_of_its_own() -> None:
    networks = [job("pretrain", str(number), TRAIN) for number in range(5)]
    reference, *own = networks
    errors = [job("evaluate", f"against {one.label}", one, reference, VAL) for one in own]
    known = {**ALL, **{one.id: one for one in (*networks, *errors)}}
    held = {one.id: ("8", number) for number, one in enumerate(networks)} | {VAL.id: ("10", 1)}
    assert arrays(errors, held, known, most=10) == [
        Array("evaluate", {number: (one,) for number, one in enumerate(errors, 1)}, "aftercorr:8,afterany:10:8_0"),
    ]


def test_an_array_is_cut_where_it_would_be_too_large_and_what_follows_is_cut_with_it() -> None:
    many = [job("pretrain", str(number), TRAIN) for number in range(5)]
    known = {**ALL, **{one.id: one for one in many}}
    parts = arrays(many, {}, known, most=2)
    assert [list(part.tasks) for part in parts] == [[0, 1], [0, 1], [0]]
    held = {one.id: (str(place), task) for place, part in enumerate(parts) for task, (one,) in part.tasks.items()}
    probes = [job("probe", str(number), one) for number, one in enumerate(many)]
    found = arrays(probes, held, {**known, **{one.id: one for one in probes}}, most=2)
    assert [(part.after, list(part.tasks)) for part in found] == [
        ("aftercorr:0", [0, 1]),
        ("aftercorr:1", [0, 1]),
        ("aftercorr:2", [0]),
    ]
