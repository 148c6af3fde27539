//! What things are: pure values and rules. No I/O, no clock, no SQL, no HTTP, no XML.
//!
//! Reading order: `element` (the standard's table), `packet` (what was read), `rules` (may it pass),
//! `envelope` (what it means), `delivery`, `status`, `system`, `evidence`, `agency`, `directory`
//! (what entries make of it), `text`.

pub mod agency;
pub mod dates;
pub mod delivery;
pub mod directory;
pub mod element;
pub mod envelope;
pub mod evidence;
pub mod packet;
pub mod rules;
pub mod status;
pub mod system;
pub mod text;
