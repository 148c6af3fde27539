//! The operator's room (phòng vận hành): whether the hub is well, at a glance. The page looks again by itself.

use super::super::super::problem::Problem;
use super::super::words::{self, Tag};
use super::super::{Page, drawn};
use super::{grouped, span, stuck};
use crate::domain::dates;
use crate::domain::incident::IncidentKind;
use crate::domain::lane::Lane;
use crate::exchange::health::Check;
use crate::exchange::room::{self, Ending, Room};
use crate::exchange::sessions::Person;
use crate::exchange::stuck::Queued;
use crate::jobs;
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

/// How often the page looks again.
const LOOKS_AGAIN_SECONDS: u64 = 15;

/// A job as people read it.
struct JobLine {
    name: &'static str,
    about: &'static str,
    cron: String,
    began: String,
    took: String,
    state: Tag,
}

#[derive(Template)]
#[template(path = "desk/room.html")]
struct RoomPage<'a> {
    page: &'a Page<'a>,
    room: Room,
    jobs: Vec<JobLine>,
    looks_again: u64,
}

impl RoomPage<'_> {
    fn time(&self, at: &DateTime<Utc>) -> String {
        dates::for_people(*at)
    }

    fn ago(&self, at: &DateTime<Utc>) -> String {
        span(self.page.now.signed_duration_since(*at), self.page.language)
    }

    fn left(&self, ending: &Ending) -> String {
        span(ending.at.signed_duration_since(self.page.now), self.page.language)
    }

    fn span(&self, time: &TimeDelta) -> String {
        span(*time, self.page.language)
    }

    fn number(&self, number: &i64) -> String {
        grouped(*number, self.page.language)
    }

    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes, self.page.language)
    }

    fn is_well(&self) -> bool {
        self.room.checks.iter().all(|check| check.ok && check.en.is_empty())
    }

    /// What a check is called; the one that is no incident says that the hub runs.
    fn check(&self, check: &Check) -> String {
        match IncidentKind::of_word(check.name) {
            Some(kind) => self.page.say(&kind.name()).to_owned(),
            None => self.page.t("Đang chạy", "Running").to_owned(),
        }
    }

    fn told(&self, check: &Check) -> Tag {
        match check.en.is_empty() {
            true => Tag { text: self.page.t("Tốt", "Well").to_owned(), look: "good" },
            false => {
                let look = if check.ok { "waiting" } else { "bad" };
                Tag { text: self.page.t(&check.vi, &check.en).to_owned(), look }
            }
        }
    }

    fn lane(&self, lane: &Lane) -> &'static str {
        words::lane(*lane, self.page.language)
    }

    fn failed(&self) -> String {
        stuck::failed(&self.room.stuck, self.page)
    }

    fn in_trouble(&self) -> Vec<(&Queued, Tag)> {
        let queues = self.room.stuck.queues.iter();
        queues.filter_map(|queue| Some((queue, stuck::trouble(queue, self.page)?))).take(20).collect()
    }
}

fn job_lines(page: &Page<'_>, listed: Vec<(&'static jobs::Job, Option<jobs::RunRow>)>) -> Vec<JobLine> {
    let line = |(job, last): (&'static jobs::Job, Option<jobs::RunRow>)| {
        let began_at = last.as_ref().and_then(|run| run.started_at());
        let ended_at = last.as_ref().and_then(|run| run.finished_at());
        let state = match last.as_ref().map(|run| (run.outcome.as_str(), run)) {
            None => Tag { text: page.t("Chưa chạy", "Never ran").to_owned(), look: "quiet" },
            Some(("done", run)) => Tag { text: format!("{}: {}", page.t("Xong", "Done"), run.done), look: "good" },
            Some(("failed", run)) => {
                Tag { text: format!("{}: {}", page.t("Hỏng", "Failed"), run.reason), look: "bad" }
            }
            Some(_) => Tag { text: page.t("Đang chạy", "Running").to_owned(), look: "waiting" },
        };
        let took = began_at.zip(ended_at).map(|(from, to)| to.signed_duration_since(from).num_milliseconds());
        JobLine {
            name: job.name,
            about: page.t(job.vi, job.en),
            cron: (job.cron)(page.hub),
            began: began_at.map(dates::for_people).unwrap_or_default(),
            took: took.map(|took| format!("{} ms", grouped(took, page.language))).unwrap_or_default(),
            state,
        }
    };
    listed.into_iter().map(line).collect()
}

/// Draws it.
///
/// # Errors
/// `NotFound` for whoever does not look after the hub; `Store`.
pub(super) async fn page(page: &Page<'_>, person: &Person) -> Result<HttpResponse, Problem> {
    let room = room::room(page.hub, person).await?;
    let jobs = job_lines(page, jobs::list(page.hub).await?);
    drawn(&RoomPage { page, room, jobs, looks_again: LOOKS_AGAIN_SECONDS })
}
