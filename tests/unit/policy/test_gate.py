"""What the rules make of what the checks say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.domain.model.finding import Coverage, Finding, Severity
from entrepot.domain.model.package import Concern
from entrepot.domain.model.security_policy import SecurityPolicy, laid_over
from entrepot.domain.policy.action import Action
from entrepot.domain.policy.cooldown import Age
from entrepot.domain.policy.gate import MALWARE, MOST_NAMED, CheckOutcome, CheckResult, Verdict, judge
from entrepot.domain.policy.security import ByCheck, GateRules, rules_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WORDS = ["allow", "warn", "review", "block"]
VERDICTS = [Verdict.ACCEPT, Verdict.HOLD, Verdict.REFUSE]


def rules(**part: object) -> GateRules:
    return rules_of(laid_over(SecurityPolicy(), part), NOW)  # type: ignore[arg-type]


def finding(severity: str = "high", **more: object) -> Finding:
    fields: dict[str, object] = {"id": "CVE-2026-1", "package": "lib", "version": "1.0", **more}
    return Finding(severity=Severity(severity), **fields)  # type: ignore[arg-type]


def cve(*findings: Finding, result: CheckResult = CheckResult.FINDINGS, **more: object) -> CheckOutcome:
    return CheckOutcome("cve", result, "seen", findings=findings, **more)  # type: ignore[arg-type]


CLEAN = CheckOutcome("structure", CheckResult.CLEAN, "well-formed")


@pytest.mark.parametrize(
    ("severity", "verdict", "warned"),
    [
        ("critical", Verdict.REFUSE, False),
        ("high", Verdict.HOLD, False),
        ("medium", Verdict.ACCEPT, True),
        ("low", Verdict.ACCEPT, False),
        ("negligible", Verdict.ACCEPT, False),
        ("unknown", Verdict.HOLD, False),
    ],
)
def test_the_severity_decides(severity: str, verdict: Verdict, warned: bool) -> None:
    judgement = judge([cve(finding(severity))], rules())
    assert (judgement.verdict, bool(judgement.warnings)) == (verdict, warned)
    if verdict is not Verdict.ACCEPT:
        [ground] = judgement.grounds
        assert (ground.code, ground.finding, ground.check) == (f"cve.{severity}", "CVE-2026-1", "cve")
        assert "CVE-2026-1" in judgement.reasons[0]


@pytest.mark.parametrize(
    ("more", "verdict", "code"),
    [
        ({"in_kev": True}, Verdict.REFUSE, "cve.kev"),
        ({"epss": 0.9}, Verdict.REFUSE, "cve.epss"),
        ({"epss": 0.5}, Verdict.HOLD, "cve.epss"),
        ({"epss": 0.49}, Verdict.ACCEPT, None),
    ],
)
def test_exploitation_makes_a_mild_finding_a_hard_one(
    more: dict[str, object], verdict: Verdict, code: str | None
) -> None:
    judgement = judge([cve(finding("low", **more))], rules())
    assert judgement.verdict is verdict
    assert [ground.code for ground in judgement.grounds] == ([code] if code else [])


def test_what_a_person_has_accepted_leads_to_nothing_under_any_of_its_names() -> None:
    seen = finding("critical", aliases=("DSA-1",))
    other = finding("high", id="CVE-2026-2")
    assert judge([cve(seen)], rules(), frozenset({"CVE-2026-1"})).verdict is Verdict.ACCEPT
    assert judge([cve(seen)], rules(), frozenset({"DSA-1"})).verdict is Verdict.ACCEPT
    assert judge([cve(seen, other)], rules(), frozenset({"DSA-1"})).verdict is Verdict.HOLD


def test_findings_that_nobody_remembers_are_not_no_findings() -> None:
    assert judge([cve()], rules()).verdict is Verdict.HOLD


def test_of_many_findings_the_hardest_are_named() -> None:
    many = [finding("high", id=f"CVE-{number}") for number in range(500)]
    judgement = judge([cve(*many, finding("critical", id="CVE-worst"))], rules())
    assert judgement.verdict is Verdict.REFUSE
    assert "CVE-worst" in judgement.reasons[0]
    assert len(judgement.reasons) == MOST_NAMED + 1
    assert "481 more" in judgement.reasons[-1]


@pytest.mark.parametrize("result", [CheckResult.INCONCLUSIVE, CheckResult.ERROR])
def test_what_did_not_finish_waits_unless_a_rule_says_otherwise(result: CheckResult) -> None:
    outcome = CheckOutcome("antivirus", result, "the scanner broke off")
    table = "inconclusive" if result is CheckResult.INCONCLUSIVE else "error"
    assert judge([outcome], rules()).verdict is Verdict.HOLD
    assert judge([outcome], rules(**{table: {"antivirus": "block"}})).verdict is Verdict.REFUSE
    assert judge([outcome], rules(**{table: {"cve": "allow"}})).verdict is Verdict.HOLD
    softer = judge([outcome], rules(**{table: {"antivirus": "warn"}}))
    assert (softer.verdict, softer.warnings) == (Verdict.ACCEPT, ("antivirus: the scanner broke off",))
    waived = judge([replace(outcome, waived=True)], rules())
    assert (waived.verdict, len(waived.warnings)) == (Verdict.ACCEPT, 1)


def test_a_scanner_that_is_absent_passes_until_somebody_asks_for_it() -> None:
    skipped = CheckOutcome("cve", CheckResult.SKIPPED, "no advisories")
    assert judge([CLEAN, skipped], rules()).grounds == ()
    assert judge([CLEAN, skipped], rules(skipped={"cve": "review"})).verdict is Verdict.HOLD
    assert judge([CLEAN], rules(skipped={"cve": "block"})).verdict is Verdict.REFUSE
    everything = rules(skipped={"*": "review", "cve": "allow"})
    assert [ground.code for ground in judge([CLEAN], everything).grounds] == ["antivirus.skipped"]
    assert judge([CLEAN], everything, pending=frozenset({"antivirus"})).verdict is Verdict.ACCEPT


def test_old_knowledge_counts_as_none() -> None:
    asked = rules(stale_days={"cve": 7})
    for date, verdict in (
        (NOW - timedelta(days=8), Verdict.HOLD),
        (NOW - timedelta(days=6), Verdict.ACCEPT),
        (None, Verdict.HOLD),
    ):
        outcome = cve(result=CheckResult.CLEAN, coverage=Coverage(database_date=date))
        assert judge([outcome], asked).verdict is verdict
        assert judge([outcome], rules()).verdict is Verdict.ACCEPT
    assert judge([cve(result=CheckResult.CLEAN)], asked).verdict is Verdict.HOLD


def test_dangerous_contents_have_a_rule_by_code() -> None:
    outcome = CheckOutcome(
        "structure", CheckResult.FINDINGS, "2", concerns=(Concern("payload.setuid", "a set-uid file"),)
    )
    assert judge([outcome], rules()).verdict is Verdict.HOLD
    assert judge([outcome], rules(concerns={"payload.setuid": "allow"})).verdict is Verdict.ACCEPT
    assert judge([outcome], rules(concerns={"payload.setuid": "block"})).verdict is Verdict.REFUSE
    assert judge([outcome], rules(concerns={"*": "warn"})).warnings == ("a set-uid file",)


def test_malware_is_refused_by_every_policy() -> None:
    outcome = CheckOutcome("antivirus", CheckResult.FINDINGS, "found", concerns=(Concern(MALWARE, "x holds Eicar"),))
    assert judge([outcome], rules(concerns={"*": "allow"})).verdict is Verdict.REFUSE
    with pytest.raises(ValueError, match="always refused"):
        SecurityPolicy(concerns={MALWARE: "allow"})


def test_a_signature_that_is_asked_for_has_to_be_there() -> None:
    asked = rules(gpg_required=True)
    unsigned = CheckOutcome("signature", CheckResult.SKIPPED, "unsigned")
    assert judge([CLEAN], asked).verdict is Verdict.HOLD
    assert judge([unsigned], asked).verdict is Verdict.HOLD
    assert judge([unsigned], rules(gpg_required=True, skipped={"signature": "block"})).verdict is Verdict.REFUSE
    assert judge([CheckOutcome("signature", CheckResult.CLEAN, "by us")], asked).verdict is Verdict.ACCEPT
    assert judge([unsigned], rules()).verdict is Verdict.ACCEPT


@pytest.mark.parametrize(
    ("licence", "verdict"),
    [
        ("MIT", Verdict.ACCEPT),
        ("mit", Verdict.ACCEPT),
        ("MIT AND AGPL-3.0-only", Verdict.REFUSE),
        ("MIT OR AGPL-3.0-only", Verdict.ACCEPT),
        ("(MIT or AGPL-3.0-only) and Apache-2.0", Verdict.HOLD),
        ("GPL-2.0-only WITH Classpath-exception-2.0", Verdict.ACCEPT),
        ("Public Domain", Verdict.ACCEPT),
        ("Public Domain and WTFPL", Verdict.HOLD),
        ("", Verdict.ACCEPT),
        ("MIT and", Verdict.ACCEPT),
        ("((((AGPL-3.0-only", Verdict.REFUSE),
        ("(" * 1000 + "AGPL-3.0-only", Verdict.REFUSE),
        ("x" * 5000, Verdict.REFUSE),
    ],
)
def test_licences(licence: str, verdict: Verdict) -> None:
    asked = rules(licences={"allow": ["MIT", "GPL-2.0-only", "Public Domain"], "deny": ["AGPL-*"], "unknown": "warn"})
    outcome = CheckOutcome("licence", CheckResult.CLEAN, licence, licence=licence)
    assert judge([outcome], asked).verdict is verdict


def test_nobody_having_read_the_licence_is_an_unknown_one() -> None:
    assert judge([CLEAN], rules(licences={"unknown": "review"})).verdict is Verdict.HOLD
    assert judge([CLEAN], rules()).grounds == ()


def aged(days: float, *fixes: Finding) -> CheckOutcome:
    return CheckOutcome("age", CheckResult.CLEAN, "seen", age=Age(NOW - timedelta(days=days), fixes))


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (aged(6), "cooldown.young"),
        (aged(7), None),
        (aged(1, finding("high")), None),
        (aged(1, finding("medium")), "cooldown.young"),
        (aged(1, finding("unknown")), "cooldown.young"),
        (aged(1, finding("low", in_kev=True)), None),
        (CheckOutcome("age", CheckResult.CLEAN, "never seen", age=Age(None)), "cooldown.undated"),
        (CLEAN, "cooldown.undated"),
    ],
)
def test_young_versions_wait_unless_they_repair_something(outcome: CheckOutcome, code: str | None) -> None:
    judgement = judge([outcome], rules(cooldown={"days": 7}))
    assert [ground.code for ground in judgement.grounds] == ([code] if code else [])
    assert judgement.verdict is (Verdict.HOLD if code else Verdict.ACCEPT)


def test_the_cut_off_wins_over_age_and_repairs() -> None:
    closed = rules(cooldown={"days": 1, "cutoff_at": (NOW - timedelta(days=5)).isoformat()})
    assert [one.code for one in judge([aged(4)], closed).grounds] == ["cooldown.cutoff"]
    assert [one.code for one in judge([aged(4, finding("critical"))], closed).grounds] == ["cooldown.cutoff"]
    assert judge([aged(6)], closed).verdict is Verdict.ACCEPT


ACTIONS = st.sampled_from(WORDS)
NAMES = st.sampled_from(["antivirus", "cve", "signature", "structure"])
FINDINGS = st.builds(
    lambda severity, kev, epss: finding(severity, in_kev=kev, epss=epss),
    st.sampled_from([one.value for one in Severity]),
    st.booleans(),
    st.none() | st.floats(0, 1),
)
OUTCOMES = st.lists(
    st.builds(
        lambda name, result, found, codes, days: CheckOutcome(
            name,
            result,
            "message",
            concerns=tuple(Concern(code, "detail") for code in codes),
            findings=tuple(found),
            coverage=None if days is None else Coverage(database_date=NOW - timedelta(days=days)),
        ),
        NAMES,
        st.sampled_from(list(CheckResult)),
        st.lists(FINDINGS, max_size=3),
        st.lists(st.sampled_from(["payload.setuid", "control.essential", MALWARE]), max_size=2),
        st.none() | st.integers(0, 30),
    ),
    max_size=5,
)
TABLES = st.dictionaries(NAMES | st.just("*"), ACTIONS, max_size=4)
POLICIES = st.fixed_dictionaries(
    {
        **{severity.value: ACTIONS for severity in Severity},
        "kev_action": ACTIONS,
        "inconclusive": TABLES,
        "error": TABLES,
        "skipped": TABLES,
        "concerns": st.dictionaries(st.sampled_from(["payload.setuid", "*"]), ACTIONS, max_size=2),
        "stale_days": st.dictionaries(NAMES, st.integers(0, 30), max_size=2),
    }
)


@given(outcomes=OUTCOMES, policy=POLICIES)
def test_nothing_unfinished_passes_a_rule_that_stops_it(
    outcomes: list[CheckOutcome], policy: dict[str, object]
) -> None:
    asked = rules(**policy)
    verdict = judge(outcomes, asked).verdict
    tables = {CheckResult.INCONCLUSIVE: asked.inconclusive, CheckResult.ERROR: asked.error}
    tables[CheckResult.SKIPPED] = asked.skipped
    for outcome in outcomes:
        table = tables.get(outcome.result)
        if table is not None and table.of(outcome.name) in (Action.REVIEW, Action.BLOCK):
            assert verdict is not Verdict.ACCEPT
        if any(concern.code == MALWARE for concern in outcome.concerns):
            assert verdict is Verdict.REFUSE


def _harder(word: str, steps: int) -> str:
    return WORDS[min(len(WORDS) - 1, WORDS.index(word) + steps)]


@given(outcomes=OUTCOMES, policy=POLICIES, steps=st.integers(1, 3), where=st.integers(0, 7))
def test_a_stricter_rule_never_gives_a_softer_verdict(
    outcomes: list[CheckOutcome], policy: dict[str, object], steps: int, where: int
) -> None:
    words = sorted(key for key, value in policy.items() if isinstance(value, str))
    chosen = words[where % len(words)]
    before = judge(outcomes, rules(**policy)).verdict
    after = judge(outcomes, rules(**{**policy, chosen: _harder(str(policy[chosen]), steps)})).verdict
    assert VERDICTS.index(after) >= VERDICTS.index(before)


@given(outcomes=OUTCOMES, policy=POLICIES, steps=st.integers(1, 3), name=NAMES | st.just("*"))
def test_a_stricter_table_never_gives_a_softer_verdict(
    outcomes: list[CheckOutcome], policy: dict[str, object], steps: int, name: str
) -> None:
    asked = rules(**policy)
    before = judge(outcomes, asked).verdict
    for table in ("inconclusive", "error", "skipped"):
        known: ByCheck = getattr(asked, table)
        stricter = {
            one: Action(_harder(action.value, steps if one == name else 0)) for one, action in known.named.items()
        }
        others = Action(_harder(known.others.value, steps)) if name == "*" else known.others
        after = judge(outcomes, replace(asked, **{table: ByCheck(stricter, others)})).verdict  # type: ignore[arg-type]
        assert VERDICTS.index(after) >= VERDICTS.index(before)


@given(outcomes=OUTCOMES, policy=POLICIES, accepted=st.booleans())
def test_accepting_a_finding_never_hardens_and_less_knowledge_never_helps(
    outcomes: list[CheckOutcome], policy: dict[str, object], accepted: bool
) -> None:
    asked = rules(**policy)
    before = judge(outcomes, asked).verdict
    if accepted:
        after = judge(outcomes, asked, frozenset({"CVE-2026-1"})).verdict
        assert VERDICTS.index(after) <= VERDICTS.index(before)
    forgotten = [replace(one, coverage=None) for one in outcomes]
    assert VERDICTS.index(judge(forgotten, asked).verdict) >= VERDICTS.index(before)
