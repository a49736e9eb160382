"""SOFARPC's own balancers and fault tolerance beside ours: the same providers, keys and failures give the same picks and weights."""

import json
import os
import random
import time

import pytest

import programs

PICKS = 1_000
RANDOM_PICKS = 20_000
WINDOWS = 60
SEED = int(os.environ.get("SOFA_TEST_SEED", time.time_ns() % 2**32))
EXACT = ["roundRobin", "weightRoundRobin", "consistentHash", "weightConsistentHash"]
KINDS_OF_LIST = ["one", "equal", "weights", "with_zeros", "warm_up", "large"]


def provider(host, port=12200, weight=100, warm_up="none", warm_up_weight=0, warm_until=-1):
    return {"host": host, "port": port, "weight": weight, "warm_up": warm_up, "warm_up_weight": warm_up_weight, "warm_until": warm_until}


def a_list(dice, kind):
    """Providers of different addresses; at least one has a weight."""
    count = {"one": 1, "large": 40}.get(kind, dice.randint(2, 9))
    hosts = dice.sample([f"10.{a}.{b}.{c}" for a in range(4) for b in range(4) for c in range(1, 9)] + ["node-7.example"], count)
    providers = [provider(host, dice.randint(1, 65_535)) for host in hosts]
    for one in providers:
        if kind in ("weights", "with_zeros", "warm_up", "large"):
            one["weight"] = dice.randint(1, 200)
        if kind == "with_zeros":
            one["weight"] *= dice.randint(0, 1)
        if kind == "warm_up":
            one.update(warm_up=dice.choice(["none", "running", "over"]), warm_up_weight=dice.randint(1, 50))
    if kind == "with_zeros":
        providers[-1]["weight"] = 7
    return providers


def an_argument(dice):
    return dice.choice([str(dice.randint(-10**12, 10**12)), f"user-{dice.randint(0, 10**6)}", "", "账户" + str(dice.random()), "x" * dice.randint(0, 300)])


def a_call(dice):
    call = {"app": dice.choice(["ledger", "users"]), "method": dice.choice(["get", "put", "list"])}
    if dice.random() < 0.95:
        call["argument"] = an_argument(dice)
    return call


def exact_cases(dice):
    for balancer in EXACT:
        for kind in KINDS_OF_LIST:
            yield {"name": f"{balancer}.{kind}", "balancer": balancer, "own_host": "", "providers": a_list(dice, kind),
                   "calls": [a_call(dice) for _ in range(PICKS)], "rounds": 1}


def random_cases(dice):
    for balancer in ("random", "localPref"):
        for kind in ("equal", "weights", "with_zeros", "warm_up"):
            providers = a_list(dice, kind)
            own = providers[0]["host"] if balancer == "localPref" else ""
            for one in providers[1:3] if own else []:
                one["host"] = own  # several on the own host, told apart by their ports
            yield {"name": f"{balancer}.{kind}", "balancer": balancer, "own_host": own, "providers": providers,
                   "calls": [a_call(dice)], "rounds": RANDOM_PICKS}


def a_trace(dice, number):
    count = dice.randint(3, 12)
    providers = [provider(f"10.0.0.{i // dice.choice([1, 1, 2]) + 1}", 12_200 + i, dice.choice([0, 1, 3, 50, 100, 100, 100, 777])) for i in range(count)]
    for one in providers:
        if dice.random() < 0.2:
            one.update(warm_up="running", warm_up_weight=dice.randint(1, 30), warm_until=dice.randint(0, WINDOWS))
    options = {"degrade_effective": number % 6 != 5, "least_window_count": dice.choice([0, 5, 10, 37]), "multiple": dice.choice([1.5, 3, 6]),
               "degrade_rate": dice.choice([0.05, 0.3, 0.555]), "recover_rate": dice.choice([1.2, 2, 3.7]),
               "degrade_least_weight": dice.choice([1, 1, 5]), "degrade_max_ip_count": dice.choice([1, 2, 2, 4])}
    return {"name": f"trace{number}", "options": options, "providers": providers, "windows": trace_windows(dice, count)}


def trace_windows(dice, count):
    """Each provider fails for some windows, is well for some, and is not called for some, seven and more among them."""
    columns = []
    for _ in range(count):
        column = []
        while len(column) < WINDOWS:
            mood, length = dice.choice(["well", "well", "ill", "idle"]), dice.randint(1, 12)
            column += [window_of(dice, mood) for _ in range(length)]
        columns.append(column[:WINDOWS])
    return [list(row) for row in zip(*columns)]


def window_of(dice, mood):
    if mood == "idle":
        return [0, 0, 0, 0]
    if mood == "ill":
        return [dice.randint(0, 40), dice.randint(10, 60), dice.randint(0, 30), dice.randint(0, 5)]
    return [dice.randint(0, 200), dice.choice([0, 0, 0, 1]), 0, dice.choice([0, 0, 9])]


def expected_weights(case):
    """The share of each provider that both sides must follow: among the candidates by weight, alike when none has any."""
    now = [one["warm_up_weight"] if one["warm_up"] == "running" else one["weight"] for one in case["providers"]]
    candidates = [case["own_host"] in ("", one["host"]) for one in case["providers"]]
    total = sum(weight for weight, candidate in zip(now, candidates) if candidate)
    return [candidate * (weight if total else 1) for weight, candidate in zip(now, candidates)]


def chi_square(picks, weights):
    """The statistic of the picks against the weights, and the bound that it passes once in three million runs (Wilson and Hilferty)."""
    counts = [picks.count(i) for i in range(len(weights))]
    assert all(count == 0 for count, weight in zip(counts, weights) if weight == 0), f"picked one without weight: {counts} of {weights}"
    used = [(count, len(picks) * weight / sum(weights)) for count, weight in zip(counts, weights) if weight > 0]
    freedom = len(used) - 1
    bound = freedom * (1 - 2 / (9 * freedom) + 5 * (2 / (9 * freedom)) ** 0.5) ** 3 if freedom else 0
    return sum((count - expected) ** 2 / expected for count, expected in used), bound


@pytest.fixture(scope="module")
def cases():
    dice = random.Random(SEED)
    print(f"SOFA_TEST_SEED={SEED}")
    return {"picks": [*exact_cases(dice), *random_cases(dice)], "traces": [a_trace(dice, number) for number in range(18)]}


@pytest.fixture(scope="module")
def answers(cases, java, tmp_path_factory):
    """The lines of both programs, by their first two words."""
    path = tmp_path_factory.mktemp("cluster") / "cases.json"
    path.write_text(json.dumps(cases, ensure_ascii=False))

    def lines_of(command):
        program = programs.Program(command)
        assert program.wait(180) == 0, f"{program}"
        lines = {}
        for line in program.lines:
            if line.startswith(("picks ", "trace ")):
                lines.setdefault(" ".join(line.split(" ", 2)[:2]), []).append(line)
        return lines

    return lines_of(programs.java_command("ClusterPicks", path)), lines_of([programs.binaries() / "cluster-picks", path])


@pytest.mark.parametrize("kind", KINDS_OF_LIST)
@pytest.mark.parametrize("balancer", EXACT)
def test_a_thousand_picks_are_the_originals(answers, balancer, kind):
    theirs, ours = (side[f"picks {balancer}.{kind}"][0].split()[2:] for side in answers)
    assert len(theirs) == len(ours) == PICKS
    wrong = [i for i in range(PICKS) if theirs[i] != ours[i]]
    assert not wrong, f"seed {SEED}: {len(wrong)} picks differ, the first is call {wrong[0]}: {theirs[wrong[0]]} and {ours[wrong[0]]}"


@pytest.mark.parametrize("kind", ["equal", "weights", "with_zeros", "warm_up"])
@pytest.mark.parametrize("balancer", ["random", "localPref"])
def test_random_picks_have_the_originals_distribution(cases, answers, balancer, kind):
    name = f"{balancer}.{kind}"
    weights = expected_weights(next(case for case in cases["picks"] if case["name"] == name))
    for side in answers:
        statistic, bound = chi_square([int(pick) for pick in side[f"picks {name}"][0].split()[2:]], weights)
        assert statistic <= bound, f"seed {SEED}: chi-square {statistic:.1f} over {bound:.1f} for weights {weights}"


@pytest.mark.parametrize("number", range(18))
def test_a_trace_of_degradation_and_recovery_is_the_originals(answers, number):
    theirs, ours = (side[f"trace trace{number}"] for side in answers)
    assert len(theirs) == len(ours) == WINDOWS
    for window, (their_line, our_line) in enumerate(zip(theirs, ours)):
        assert our_line == their_line, f"seed {SEED}: window {window} differs"


def test_the_traces_degrade_and_recover(cases, answers):
    """The comparison would prove nothing if nobody ever failed."""
    degraded = recovered = 0
    for trace in cases["traces"]:
        weights = [[int(weight) for weight in line.split("|")[1].split()] for line in answers[0][f"trace {trace['name']}"]]
        for before, after in zip(weights, weights[1:]):
            degraded += sum(b < a for a, b in zip(before, after))
            recovered += sum(b > a for a, b in zip(before, after))
    assert degraded > 50 and recovered > 50, f"seed {SEED}: {degraded} degraded, {recovered} recovered"
