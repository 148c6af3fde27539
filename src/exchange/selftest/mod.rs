//! The self-test: a system begins a run for one of its agencies, the hub plays the partner, and whoever looks sees
//! how each case stands. `partner` sends, `facts` looks into the register, `gate` stands in the way of packets to the
//! partners, `certificate` is what a passed run ends with. The cases and their judgement are `domain::selftest`.

pub mod certificate;
mod facts;
pub(super) mod gate;
mod packets;
mod partner;

use super::{Caller, ExchangeError, rows};
use crate::domain::agency::Standing;
use crate::domain::dates::VIETNAM;
use crate::domain::rules::Wording;
use crate::domain::selftest::{self as cases, Case, Facts, Judgement, RunName};
use crate::hub::Hub;
use crate::store::selftest::{ResultRow, RunRow};
use crate::store::{Connection, StoreError, agencies, selftest as table, systems};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// How a case of a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseLine {
    /// The case.
    pub code: String,
    /// Its verdict.
    pub judgement: Judgement,
    /// Codes of the packets that were refused in it; empty when none were, or the run is finished.
    pub refused: Vec<String>,
    /// When this was judged.
    pub judged_at: DateTime<Utc>,
}

impl CaseLine {
    /// The word in answers: `waiting`, `passed`, `failed`.
    pub fn word(&self) -> &'static str {
        match self.judgement {
            Judgement::Waiting => "waiting",
            Judgement::Passed => "passed",
            Judgement::Failed(_) => "failed",
        }
    }
}

/// A run as its system sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunView {
    /// Its id.
    pub run_id: String,
    /// The system that began it.
    pub system_id: String,
    /// The tested agency.
    pub agency: String,
    /// Version of the case set.
    pub case_set: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
    /// When it was finished.
    pub finished_at: Option<DateTime<Utc>>,
    /// Names its documents.
    pub names: RunName,
    /// Its cases, in the order of codes.
    pub lines: Vec<CaseLine>,
    /// The certificate as it was issued.
    pub certificate: Option<String>,
}

impl RunView {
    /// How many cases have this word.
    pub fn count(&self, word: &str) -> usize {
        self.lines.iter().filter(|line| line.word() == word).count()
    }

    /// Whether every mandatory case of the set is in the run and passed.
    pub fn is_passed(&self) -> bool {
        let passed = |case: &Case| self.lines.iter().any(|l| l.code == case.code && l.judgement == Judgement::Passed);
        cases::cases().filter(|case| case.mandatory).all(passed)
    }
}

fn malformed(vi: impl Into<String>, en: impl Into<String>) -> ExchangeError {
    ExchangeError::Malformed(Wording { vi: vi.into(), en: en.into() })
}

fn exists(vi: impl Into<String>, en: impl Into<String>) -> ExchangeError {
    ExchangeError::Exists(Wording { vi: vi.into(), en: en.into() })
}

/// Begins a run of these cases, or of all when none are named.
///
/// # Errors
/// `NotFound` unless the caller holds the agency; `Malformed` for an unknown case or an agency that is not open;
/// `Exists` when the agency has a live run or had too many; `Store`, `Payload`.
pub async fn start(hub: &Hub, caller: &Caller, agency: &str, wanted: &[String]) -> Result<RunView, ExchangeError> {
    if let Some(unknown) = wanted.iter().find(|code| cases::find(code).is_none()) {
        return Err(malformed(format!("Không có ca kiểm thử {unknown:?}"), format!("There is no case {unknown:?}")));
    }
    let chosen: Vec<&str> = cases::cases()
        .map(|case| case.code)
        .filter(|code| wanted.is_empty() || wanted.iter().any(|wanted| wanted == code))
        .collect();
    // What is over must not keep the next one waiting.
    if let Some(row) = live_of(hub, caller, agency).await?
        && row.ends_at.and_utc() <= hub.clock.now()
    {
        finish_row(hub, row).await?;
    }
    let now = hub.clock.now();
    let life = i64::try_from(hub.config.selftest.life_hours).ok().and_then(TimeDelta::try_hours).unwrap_or_default();
    let row = RunRow {
        run_id: hub.ids.next(),
        system_id: caller.system_id.clone(),
        agency_code: agency.to_owned(),
        case_set: cases::VERSION.to_owned(),
        cases: chosen.join(","),
        started_at: now.naive_utc(),
        ends_at: now.checked_add_signed(life).unwrap_or(now).naive_utc(),
        finished_at: None,
        certificate: None,
    };
    let limits = (hub.config.selftest.runs_per_day_max, hub.config.selftest.live_runs_max);
    let begun = hub.store.write(move |tx| begin(tx, row.clone(), limits, now)).await??;
    let (system, run, agency) = (begun.system_id.as_str(), begun.run_id.as_str(), begun.agency_code.as_str());
    log::info!(target: "selftest", "system.id" = system, "run.id" = run, "agency.code" = agency; "a run began");
    advance(hub, begun).await
}

async fn live_of(hub: &Hub, caller: &Caller, agency: &str) -> Result<Option<RunRow>, ExchangeError> {
    let (system, folded) = (caller.system_id.clone(), agency.to_ascii_uppercase());
    let found = hub.store.read(move |tx| match agencies::find_by_alias(tx, &folded)? {
        Some(agency) if systems::holds(tx, &system, agency.code.as_str())? => table::live_run(tx, agency.code.as_str()),
        Some(_) | None => Ok(None),
    });
    Ok(found.await?)
}

/// The transaction that begins a run, or says why not.
fn begin(
    tx: &mut Connection,
    row: RunRow,
    (per_day_max, live_max): (usize, usize),
    now: DateTime<Utc>,
) -> Result<Result<RunRow, ExchangeError>, StoreError> {
    let Some(agency) = agencies::find_by_alias(tx, &row.agency_code.to_ascii_uppercase())? else {
        return Ok(Err(ExchangeError::NotFound));
    };
    if !systems::holds(tx, &row.system_id, agency.code.as_str())? {
        return Ok(Err(ExchangeError::NotFound));
    }
    if agency.standing(now) != Standing::Open {
        return Ok(Err(malformed("Đơn vị không ở trạng thái hoạt động", "The agency is not open")));
    }
    if let Some(live) = table::live_run(tx, agency.code.as_str())? {
        return Ok(Err(exists(
            format!("Đơn vị đang có lượt tự kiểm tra {}; hãy kết thúc lượt đó trước", live.run_id),
            format!("The agency has the run {}; finish it first", live.run_id),
        )));
    }
    let yesterday = now.checked_sub_signed(TimeDelta::days(1)).unwrap_or(now);
    let too_many = table::runs_since(tx, agency.code.as_str(), yesterday)? >= rows(per_day_max)
        || table::live_runs(tx, rows(live_max))?.len() >= live_max;
    if too_many {
        return Ok(Err(exists(
            format!("Đã đủ số lượt tự kiểm tra cho phép ({per_day_max} lượt mỗi ngày); hãy thử lại sau"),
            format!("There are as many runs as may be ({per_day_max} a day); try later"),
        )));
    }
    if let Err(taken) = partner::set_up(tx, now)? {
        return Ok(Err(taken));
    }
    let row = RunRow { agency_code: agency.code.0, ..row };
    table::insert_run(tx, &row)?;
    Ok(Ok(row))
}

/// A run and how its cases stand. The partner sends what is due by now.
///
/// # Errors
/// `NotFound` unless the caller holds the agency; `Store`, `Payload`.
pub async fn view(hub: &Hub, caller: &Caller, run_id: &str) -> Result<RunView, ExchangeError> {
    let row = row_of(hub, caller, run_id).await?;
    advance(hub, row).await
}

/// Ends a run: every case that still waits has failed.
///
/// # Errors
/// As `view`.
pub async fn finish(hub: &Hub, caller: &Caller, run_id: &str) -> Result<RunView, ExchangeError> {
    let row = row_of(hub, caller, run_id).await?;
    advance(hub, row.clone()).await?;
    finish_row(hub, row).await
}

/// What a run was certified with.
///
/// # Errors
/// As `view`; `Malformed` as long as there is none.
pub async fn certificate(hub: &Hub, caller: &Caller, run_id: &str) -> Result<String, ExchangeError> {
    let view = view(hub, caller, run_id).await?;
    // All mandatory cases are passed: nobody has to wait for the recommended ones.
    let view = match view.finished_at.is_none() && view.is_passed() {
        true => finish(hub, caller, run_id).await?,
        false => view,
    };
    view.certificate.ok_or_else(|| {
        malformed(
            "Chưa có giấy chứng nhận: còn ca bắt buộc chưa đạt",
            "There is no certificate: mandatory cases are not passed",
        )
    })
}

async fn row_of(hub: &Hub, caller: &Caller, run_id: &str) -> Result<RunRow, ExchangeError> {
    let (system, run_id) = (caller.system_id.clone(), run_id.to_owned());
    let found = hub.store.read(move |tx| match table::find_run(tx, &run_id)? {
        Some(row) if systems::holds(tx, &system, &row.agency_code)? => Ok(Some(row)),
        Some(_) | None => Ok(None),
    });
    found.await?.ok_or(ExchangeError::NotFound)
}

/// Looks after every live run that nobody watches; answers how many came to their end.
///
/// # Errors
/// `Store`, `Payload`.
pub async fn look_after(hub: &Hub) -> Result<usize, ExchangeError> {
    let limit = rows(hub.config.selftest.live_runs_max);
    let mut ended = 0_usize;
    for row in hub.store.read(move |tx| table::live_runs(tx, limit)).await? {
        if advance(hub, row).await?.finished_at.is_some() {
            ended = ended.saturating_add(1);
        }
    }
    Ok(ended)
}

/// Sends what is due, and ends the run when all is passed or its life is over.
async fn advance(hub: &Hub, row: RunRow) -> Result<RunView, ExchangeError> {
    if row.finished_at.is_some() {
        return look(hub, row).await;
    }
    if row.ends_at.and_utc() <= hub.clock.now() {
        return finish_row(hub, row).await;
    }
    let facts = partner::send_due(hub, &row).await?;
    let view = judged(hub, &row, &facts);
    match view.lines.iter().all(|line| line.judgement == Judgement::Passed) {
        true => finish_row(hub, row).await,
        false => Ok(view),
    }
}

/// A run as it stands, without doing anything.
async fn look(hub: &Hub, row: RunRow) -> Result<RunView, ExchangeError> {
    if row.finished_at.is_none() {
        let facts = facts::gather(hub, &row).await?;
        return Ok(judged(hub, &row, &facts));
    }
    let run_id = row.run_id.clone();
    let results = hub.store.read(move |tx| table::results_of(tx, &run_id)).await?;
    Ok(view_of(row, results.into_iter().map(line_of).collect()))
}

fn line_of(result: ResultRow) -> CaseLine {
    let judgement = match result.verdict.as_str() {
        "passed" => Judgement::Passed,
        _ => Judgement::Failed(Wording { vi: result.reason_vi, en: result.reason_en }),
    };
    CaseLine { code: result.case_code, judgement, refused: Vec::new(), judged_at: result.judged_at.and_utc() }
}

fn judged(hub: &Hub, row: &RunRow, facts: &Facts) -> RunView {
    let now = hub.clock.now();
    let line = |case: &'static Case| CaseLine {
        code: case.code.to_owned(),
        judgement: cases::judge(case, facts),
        refused: facts.refused.iter().filter(|note| note.case == case.code).map(|note| note.codes.clone()).collect(),
        judged_at: now,
    };
    view_of(row.clone(), cases_of(row).map(line).collect())
}

/// The cases of a run.
fn cases_of(row: &RunRow) -> impl Iterator<Item = &'static Case> {
    row.cases.split(',').filter_map(cases::find)
}

/// The names of a run's documents.
fn names_of(run_id: &str, started_at: NaiveDateTime) -> RunName {
    RunName::new(run_id, started_at.and_utc().with_timezone(&VIETNAM).date_naive())
}

fn view_of(row: RunRow, lines: Vec<CaseLine>) -> RunView {
    RunView {
        names: names_of(&row.run_id, row.started_at),
        run_id: row.run_id,
        system_id: row.system_id,
        agency: row.agency_code,
        case_set: row.case_set,
        started_at: row.started_at.and_utc(),
        ends_at: row.ends_at.and_utc(),
        finished_at: row.finished_at.map(|at| at.and_utc()),
        lines,
        certificate: row.certificate,
    }
}

/// Judges a run for good. What waits has failed; when every mandatory case is passed, the certificate is issued.
async fn finish_row(hub: &Hub, row: RunRow) -> Result<RunView, ExchangeError> {
    if row.finished_at.is_some() {
        return look(hub, row).await;
    }
    let now = hub.clock.now();
    let facts = facts::gather(hub, &row).await?;
    let mut view = judged(hub, &row, &facts);
    view.finished_at = Some(now);
    for line in &mut view.lines {
        if let (Judgement::Waiting, Some(case)) = (&line.judgement, cases::find(&line.code)) {
            line.judgement = Judgement::Failed(Wording {
                vi: format!("Hết lượt mà chưa thấy: {}", case.expects.vi),
                en: format!("The run ended before this was seen: {}", case.expects.en),
            });
        }
    }
    view.certificate = match view.is_passed() {
        true => Some(certificate::issue(hub, &view, now).await?),
        false => None,
    };
    let kept = view.clone();
    let is_first = hub.store.write(move |tx| {
        let is_first = table::finish_run(tx, &kept.run_id, now, kept.certificate.as_deref())?;
        if is_first {
            for line in &kept.lines {
                table::insert_result(tx, &result_of(&kept.run_id, line))?;
            }
        }
        Ok(is_first)
    });
    if is_first.await? {
        let (run, passed) = (view.run_id.as_str(), view.count("passed"));
        log::info!(target: "selftest", "run.id" = run, "cases.passed" = passed, "cases.all" = view.lines.len(); "a run ended");
        return Ok(view);
    }
    // Somebody else finished it meanwhile: what was written then holds.
    let run_id = view.run_id;
    let row = hub.store.read(move |tx| table::find_run(tx, &run_id)).await?.ok_or(ExchangeError::NotFound)?;
    let run_id = row.run_id.clone();
    let results = hub.store.read(move |tx| table::results_of(tx, &run_id)).await?;
    Ok(view_of(row, results.into_iter().map(line_of).collect()))
}

fn result_of(run_id: &str, line: &CaseLine) -> ResultRow {
    let reason = match &line.judgement {
        Judgement::Failed(why) => why.clone(),
        Judgement::Passed | Judgement::Waiting => Wording { vi: String::new(), en: String::new() },
    };
    ResultRow {
        run_id: run_id.to_owned(),
        case_code: line.code.clone(),
        verdict: line.word().to_owned(),
        reason_vi: reason.vi,
        reason_en: reason.en,
        judged_at: line.judged_at.naive_utc(),
    }
}
