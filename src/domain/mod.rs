//! What things are: pure values and rules. No I/O, no clock, no SQL, no HTTP, no XML.
//!
//! Reading order: `element` (the standard's table), `packet` (what was read), `rules` (may it pass),
//! `envelope` (what it means), `delivery`, `status`, `system`, `evidence`, `receipt` (what is said of it), `statement` (what of a day), `agency`, `directory` (what entries make of
//! it), `text`; for what the hub pushes: `endpoint` (to whom), `lane` (which first), `schedule` (when again), `breaker` and
//! `pace` (how much at once), `cause` (why a delivery failed), `undertaking` (what two people decide on), `grant` (what two administrators give), `relay` (by which neighbouring hub); `calendar` (by when a document is to be received), `retention` (how long content is kept), `destruction` (what a certificate says), `notice` (what is told by mail), `announcement` (what by webhook) and `event_words` (in which words); `tally` (what is counted) and `measure` (what the numbers mean), `open_data` (what of them is for anybody); `selftest`, the table of what a system is tried with; `sample`, drawn so that anybody can draw it again.

pub mod agency;
pub mod announcement;
pub mod breaker;
pub mod calendar;
pub mod cause;
pub mod dates;
pub mod delivery;
pub mod destruction;
pub mod directory;
pub mod element;
pub mod endpoint;
pub mod envelope;
pub mod event_words;
pub mod evidence;
pub mod grant;
pub mod incident;
pub mod lane;
pub mod measure;
pub mod notice;
pub mod open_data;
pub mod pace;
pub mod packet;
pub mod receipt;
pub mod reconciliation;
pub mod relay;
pub mod retention;
pub mod rules;
pub mod sample;
pub mod schedule;
pub mod search;
pub mod selftest;
pub mod statement;
pub mod status;
pub mod system;
pub mod tally;
pub mod text;
pub mod undertaking;
pub mod user;
